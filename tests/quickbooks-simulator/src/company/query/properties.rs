//! Which members queries can filter and sort by. Intuit marks them "filterable" and "sortable" in the reference.

use crate::company::kinds::Kind;

/// How a member compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Text,
    Number,
    Flag,
    Date,
    Moment,
    /// By the id of what is referred to.
    Reference,
    /// By `Address`.
    Email,
    Id,
}

/// A member in its proper spelling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Property {
    pub(super) name: &'static str,
    pub(super) kind: Type,
    can_filter: bool,
}

const fn property(name: &'static str, kind: Type) -> Property {
    Property { name, kind, can_filter: true }
}

const COMMON: &[Property] = &[
    property("Id", Type::Id),
    property("MetaData.CreateTime", Type::Moment),
    property("MetaData.LastUpdatedTime", Type::Moment),
];

const PERSON: &[Property] = &[
    property("DisplayName", Type::Text),
    property("GivenName", Type::Text),
    property("MiddleName", Type::Text),
    property("FamilyName", Type::Text),
    property("PrintOnCheckName", Type::Text),
    property("Active", Type::Flag),
];

const CUSTOMER: &[Property] = &[
    property("FullyQualifiedName", Type::Text),
    property("DisplayName", Type::Text),
    property("GivenName", Type::Text),
    property("MiddleName", Type::Text),
    property("FamilyName", Type::Text),
    property("CompanyName", Type::Text),
    property("PrintOnCheckName", Type::Text),
    property("PrimaryEmailAddr", Type::Email),
    property("Active", Type::Flag),
    property("Balance", Type::Number),
    Property { name: "BalanceWithJobs", kind: Type::Number, can_filter: false },
];

const ITEM: &[Property] = &[
    property("Name", Type::Text),
    property("FullyQualifiedName", Type::Text),
    property("Type", Type::Text),
    property("Sku", Type::Text),
    property("Active", Type::Flag),
];

const ACCOUNT: &[Property] = &[
    property("Name", Type::Text),
    property("FullyQualifiedName", Type::Text),
    property("AccountType", Type::Text),
    property("AccountSubType", Type::Text),
    property("Classification", Type::Text),
    property("Active", Type::Flag),
    property("CurrentBalance", Type::Number),
    property("CurrentBalanceWithSubAccounts", Type::Number),
];

const INVOICE: &[Property] = &[
    property("CustomerRef", Type::Reference),
    property("DocNumber", Type::Text),
    property("TxnDate", Type::Date),
    property("DueDate", Type::Date),
    property("Balance", Type::Number),
    property("TotalAmt", Type::Number),
    property("SalesTermRef", Type::Reference),
    property("ProjectRef", Type::Reference),
];

const PAYMENT: &[Property] = &[
    property("CustomerRef", Type::Reference),
    property("TotalAmt", Type::Number),
    property("TxnDate", Type::Date),
    property("PaymentRefNum", Type::Text),
    property("ProjectRef", Type::Reference),
];

const TAX_CODE: &[Property] =
    &[property("Name", Type::Text), property("Description", Type::Text), property("Active", Type::Flag)];

const TAX_RATE: &[Property] = &[
    property("Name", Type::Text),
    property("Description", Type::Text),
    property("Active", Type::Flag),
    property("AgencyRef", Type::Reference),
    property("TaxReturnLineRef", Type::Reference),
];

const NAMED: &[Property] = &[property("Name", Type::Text), property("Active", Type::Flag)];

const TRACKED: &[Property] = &[
    property("Name", Type::Text),
    property("FullyQualifiedName", Type::Text),
    property("Active", Type::Flag),
];

const AGENCY: &[Property] = &[property("DisplayName", Type::Text)];

fn own(kind: Kind) -> &'static [Property] {
    match kind {
        Kind::Customer => CUSTOMER,
        Kind::Vendor | Kind::Employee => PERSON,
        Kind::Item => ITEM,
        Kind::Account => ACCOUNT,
        Kind::Invoice => INVOICE,
        Kind::Payment => PAYMENT,
        Kind::TaxCode => TAX_CODE,
        Kind::TaxRate => TAX_RATE,
        Kind::TaxAgency => AGENCY,
        Kind::Class | Kind::Department => TRACKED,
        Kind::Term | Kind::PaymentMethod => NAMED,
        Kind::CompanyInfo | Kind::Preferences => &[],
    }
}

/// A member to sort by, named in any letter case.
pub(super) fn sortable(kind: Kind, name: &str) -> Option<Property> {
    COMMON.iter().chain(own(kind)).find(|property| property.name.eq_ignore_ascii_case(name)).copied()
}

/// A member to filter by, named in any letter case.
pub(super) fn filterable(kind: Kind, name: &str) -> Option<Property> {
    sortable(kind, name).filter(|property| property.can_filter)
}
