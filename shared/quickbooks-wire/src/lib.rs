//! QuickBooks Online entities, faults and envelopes as they are on the wire.
//!
//! Every member is optional: Intuit leaves out what is not set, and a write names only what it sets, so one
//! type serves reads, full writes and sparse writes. Members that are not listed here are ignored when read
//! and never written. An empty string is written as one, which clears the member; `None` is not written.
//!
//! Amounts, prices, quantities and percentages are read from and written as the text of the JSON number.
//! Dates (`2026-03-01`), times (`2026-03-01T09:30:00-08:00`) and ids stay the strings that Intuit sends.
//!
//! Member names, lengths and meanings: Intuit, "Accounting API reference". Everything here is pure.

mod company;
mod customer;
mod entity;
mod envelope;
mod fault;
mod invoice;
mod item;
mod line;
mod lists;
mod parts;
mod payment;
pub mod query;
mod tax;

pub use company::{
    AccountingInfoPrefs, CompanyInfo, CurrencyPrefs, CustomFieldSetting, CustomFieldSettings, NameValue,
    OtherPrefs, Preferences, SalesFormsPrefs, TaxPrefs,
};
pub use customer::Customer;
pub use entity::{Entity, EntityKind};
pub use envelope::{
    Batch, BatchItemRequest, BatchItemResponse, BatchOutcome, BatchResponse, CdcPart, CdcResponse,
    EntityResponse, Operation, QueryAnswer, QueryResponse,
};
pub use fault::{Fault, FaultError};
pub use invoice::{CustomField, EmailStatus, GlobalTaxCalculation, Invoice};
pub use item::{Item, ItemType};
pub use line::{
    DescriptionLineDetail, DetailType, DiscountLineDetail, GroupLineDetail, Line, SalesItemLineDetail,
    SubTotalLineDetail,
};
pub use lists::{Account, Employee, PaymentMethod, Term, Tracked, Vendor};
pub use parts::{
    EmailAddress, LinkedTxn, MemoRef, MetaData, PhysicalAddress, Ref, TelephoneNumber, WebAddress,
};
pub use payment::{Payment, PaymentLine};
pub use query::Query;
pub use tax::{
    TaxAgency, TaxCode, TaxLine, TaxLineDetail, TaxRate, TaxRateDetail, TaxRateList, TaxService,
    TaxServiceRate, TxnTaxDetail,
};
