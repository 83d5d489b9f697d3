//! The members of each entity, as Intuit's reference lists them: what may be written, of which type and length.

mod lists;
mod sales;
mod settings;

pub(crate) use lists::{
    ACCOUNT, ACCOUNT_SUBTYPES, ACCOUNT_TYPES, CLASS, CUSTOMER, DEPARTMENT, EMPLOYEE, ITEM, PAYMENT_METHOD,
    TAX_AGENCY, TAX_CODE, TAX_RATE, TAX_SERVICE, TERM, VENDOR,
};
pub(crate) use sales::{INVOICE, PAYMENT};
pub(crate) use settings::{COMPANY_INFO, PREFERENCES};

/// A JSON object of Intuit's schema.
#[derive(Debug)]
pub(crate) struct Class {
    /// Its name in `com.intuit.schema.finance.v3`.
    pub(crate) name: &'static str,
    /// What it may hold.
    pub(crate) members: &'static [Member],
}

/// A member of a class.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) name: &'static str,
    pub(crate) shape: Shape,
    pub(crate) access: Access,
}

/// Whether a request may set a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Set by the request.
    Writable,
    /// Accepted and overwritten.
    ReadOnly,
    /// Only a read shows it; a switch says whether a write may.
    Artefact,
}

/// The type of a member's value.
#[derive(Debug)]
pub(crate) enum Shape {
    /// A text of at most so many characters.
    Text(usize),
    /// A text that becomes part of a fully qualified name: no colon, tab or new line.
    Name(usize),
    /// One of these texts.
    Choice(&'static [&'static str]),
    /// E-mail addresses, separated by commas.
    Email(usize),
    Flag,
    Money,
    Quantity,
    Integer,
    Date,
    /// `{value, name, type}`; only the value counts.
    Reference,
    One(&'static Class),
    Many(&'static Class),
    Anything,
}

const fn member(name: &'static str, shape: Shape) -> Member {
    Member { name, shape, access: Access::Writable }
}

const fn read_only(name: &'static str) -> Member {
    Member { name, shape: Shape::Anything, access: Access::ReadOnly }
}

const fn artefact(name: &'static str) -> Member {
    Member { name, shape: Shape::Anything, access: Access::Artefact }
}

impl Class {
    /// The member of that name, which is case-sensitive.
    pub(crate) fn member(&self, name: &str) -> Option<&'static Member> {
        self.members.iter().find(|member| member.name == name)
    }

    /// The names of all members that a request may have.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        self.members
            .iter()
            .filter(|member| member.access != Access::Artefact)
            .map(|member| member.name)
            .collect()
    }
}

const ADDRESS: Class = Class {
    name: "PhysicalAddress",
    members: &[
        member("Id", Shape::Text(30)),
        member("Line1", Shape::Text(500)),
        member("Line2", Shape::Text(500)),
        member("Line3", Shape::Text(500)),
        member("Line4", Shape::Text(500)),
        member("Line5", Shape::Text(500)),
        member("City", Shape::Text(255)),
        member("Country", Shape::Text(255)),
        member("CountryCode", Shape::Text(3)),
        member("CountrySubDivisionCode", Shape::Text(255)),
        member("PostalCode", Shape::Text(30)),
        member("Note", Shape::Text(500)),
        read_only("Lat"),
        read_only("Long"),
        read_only("PostalCodeSuffix"),
        read_only("Tag"),
    ],
};

const EMAIL: Class = Class {
    name: "EmailAddress",
    members: &[member("Address", Shape::Email(100)), read_only("Id"), read_only("Default"), read_only("Tag")],
};

const PHONE: Class = Class {
    name: "TelephoneNumber",
    members: &[
        member("FreeFormNumber", Shape::Text(30)),
        read_only("Id"),
        read_only("Default"),
        read_only("Tag"),
    ],
};

const WEB_SITE: Class = Class {
    name: "WebSiteAddress",
    members: &[member("URI", Shape::Text(1000)), read_only("Id"), read_only("Default"), read_only("Tag")],
};

const MEMO: Class =
    Class { name: "MemoRef", members: &[member("value", Shape::Text(1000)), read_only("id")] };

const CUSTOM_FIELD: Class = Class {
    name: "CustomField",
    members: &[
        member("DefinitionId", Shape::Text(30)),
        member("Name", Shape::Text(30)),
        member("Type", Shape::Text(30)),
        member("StringValue", Shape::Text(31)),
    ],
};

const LINKED_TRANSACTION: Class = Class {
    name: "LinkedTxn",
    members: &[
        member("TxnId", Shape::Text(30)),
        member("TxnType", Shape::Text(30)),
        member("TxnLineId", Shape::Text(30)),
    ],
};

const META_DATA: Class = Class {
    name: "ModificationMetaData",
    members: &[
        read_only("CreateTime"),
        read_only("LastUpdatedTime"),
        artefact("LastModifiedByRef"),
        artefact("CreatedByRef"),
        read_only("LastChangedInQB"),
        read_only("Synchronized"),
    ],
};

/// The members of every entity.
macro_rules! entity {
    ($name:literal, $($member:expr),* $(,)?) => {
        $crate::company::classes::Class {
            name: $name,
            members: &[
                $crate::company::classes::member("Id", $crate::company::classes::Shape::Text(30)),
                $crate::company::classes::member("SyncToken", $crate::company::classes::Shape::Text(30)),
                $crate::company::classes::member("sparse", $crate::company::classes::Shape::Flag),
                $crate::company::classes::Member {
                    name: "MetaData",
                    shape: $crate::company::classes::Shape::One(&$crate::company::classes::META_DATA),
                    access: $crate::company::classes::Access::ReadOnly,
                },
                $crate::company::classes::read_only("domain"),
                $crate::company::classes::artefact("status"),
                $($member),*
            ],
        }
    };
}
use entity;
