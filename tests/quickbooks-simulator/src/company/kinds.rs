//! The entities that the simulated company holds.

use serde::{Deserialize, Serialize};

use super::classes::{self, Class};

/// An entity of the accounting API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) enum Kind {
    Account,
    Class,
    CompanyInfo,
    Customer,
    Department,
    Employee,
    Invoice,
    Item,
    Payment,
    PaymentMethod,
    Preferences,
    TaxAgency,
    TaxCode,
    TaxRate,
    Term,
    Vendor,
}

/// Entities that Intuit has and this company never holds an object of: they can be queried, and are empty.
pub(crate) const EMPTY: &[&str] = &[
    "Attachable",
    "Bill",
    "BillPayment",
    "Budget",
    "CompanyCurrency",
    "CreditMemo",
    "CustomerType",
    "Deposit",
    "Estimate",
    "ExchangeRate",
    "JournalEntry",
    "Purchase",
    "PurchaseOrder",
    "RefundReceipt",
    "SalesReceipt",
    "TimeActivity",
    "Transfer",
    "VendorCredit",
];

/// Which sequence an entity's ids come from. Intuit numbers the names together, and the transactions together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Sequence {
    Names,
    Transactions,
    Accounts,
    Classes,
    Departments,
    Items,
    Terms,
    PaymentMethods,
    TaxAgencies,
    TaxCodes,
    TaxRates,
    Addresses,
    CompanyInfo,
    Preferences,
}

impl Kind {
    pub(crate) const ALL: [Self; 16] = [
        Self::Account,
        Self::Class,
        Self::CompanyInfo,
        Self::Customer,
        Self::Department,
        Self::Employee,
        Self::Invoice,
        Self::Item,
        Self::Payment,
        Self::PaymentMethod,
        Self::Preferences,
        Self::TaxAgency,
        Self::TaxCode,
        Self::TaxRate,
        Self::Term,
        Self::Vendor,
    ];

    /// The name in JSON.
    pub(crate) fn name(self) -> &'static str {
        self.class().name
    }

    /// By its name in JSON, in any letter case, as in queries.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name().eq_ignore_ascii_case(name))
    }

    /// By its name in a path: the lower-case one only.
    pub(crate) fn in_path(segment: &str) -> Option<Self> {
        Self::named(segment).filter(|_| !segment.bytes().any(|byte| byte.is_ascii_uppercase()))
    }

    /// The members that a request may have.
    pub(crate) fn class(self) -> &'static Class {
        match self {
            Self::Account => &classes::ACCOUNT,
            Self::Class => &classes::CLASS,
            Self::Department => &classes::DEPARTMENT,
            Self::CompanyInfo => &classes::COMPANY_INFO,
            Self::Customer => &classes::CUSTOMER,
            Self::Employee => &classes::EMPLOYEE,
            Self::Invoice => &classes::INVOICE,
            Self::Item => &classes::ITEM,
            Self::Payment => &classes::PAYMENT,
            Self::PaymentMethod => &classes::PAYMENT_METHOD,
            Self::Preferences => &classes::PREFERENCES,
            Self::TaxAgency => &classes::TAX_AGENCY,
            Self::TaxCode => &classes::TAX_CODE,
            Self::TaxRate => &classes::TAX_RATE,
            Self::Term => &classes::TERM,
            Self::Vendor => &classes::VENDOR,
        }
    }

    pub(crate) fn sequence(self) -> Sequence {
        match self {
            Self::Customer | Self::Employee | Self::Vendor => Sequence::Names,
            Self::Invoice | Self::Payment => Sequence::Transactions,
            Self::Account => Sequence::Accounts,
            Self::Class => Sequence::Classes,
            Self::Department => Sequence::Departments,
            Self::Item => Sequence::Items,
            Self::Term => Sequence::Terms,
            Self::PaymentMethod => Sequence::PaymentMethods,
            Self::TaxAgency => Sequence::TaxAgencies,
            Self::TaxCode => Sequence::TaxCodes,
            Self::TaxRate => Sequence::TaxRates,
            Self::CompanyInfo => Sequence::CompanyInfo,
            Self::Preferences => Sequence::Preferences,
        }
    }

    /// Invoices and payments, which are deleted and voided; everything else is made inactive.
    pub(crate) fn is_transaction(self) -> bool {
        matches!(self, Self::Invoice | Self::Payment)
    }

    /// The member that names an object of a list.
    pub(crate) fn name_member(self) -> Option<&'static str> {
        match self {
            Self::Customer | Self::Employee | Self::Vendor | Self::TaxAgency => Some("DisplayName"),
            Self::Account
            | Self::Class
            | Self::Department
            | Self::Item
            | Self::Term
            | Self::PaymentMethod
            | Self::TaxCode
            | Self::TaxRate => Some("Name"),
            Self::CompanyInfo | Self::Invoice | Self::Payment | Self::Preferences => None,
        }
    }

    /// Intuit's word for objects of this kind in the text of 2500.
    pub(crate) fn in_faults(self) -> &'static str {
        match self {
            Self::Customer | Self::Employee | Self::Vendor => "Names",
            Self::Account => "Accounts",
            Self::Class => "Classes",
            Self::Department => "Departments",
            Self::Item => "Items",
            Self::Term => "Terms",
            Self::PaymentMethod => "PaymentMethods",
            Self::TaxAgency => "TaxAgencies",
            Self::TaxCode => "TaxCodes",
            Self::TaxRate => "TaxRates",
            Self::Invoice | Self::Payment => "Transactions",
            Self::CompanyInfo | Self::Preferences => "Settings",
        }
    }
}
