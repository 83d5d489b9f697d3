//! The neutral billing model: what a billing app's records mean, whichever app sends them.
//!
//! Money and quantities are decimals, read from and written as the text of JSON numbers; a number written as a
//! string is read too. Members that are not known here are ignored; missing ones take the value said beside them.

use std::collections::BTreeMap;

use jiff::civil::Date;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::BillingId;

/// The four kinds of record that are kept in step (R1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A client; a Customer in QuickBooks.
    Client,
    /// A product; an Item in QuickBooks.
    Product,
    /// An invoice; an Invoice in QuickBooks.
    Invoice,
    /// A payment; a Payment in QuickBooks.
    Payment,
}

impl Kind {
    /// All kinds, in the order in which they depend on each other.
    pub const ALL: [Kind; 4] = [Kind::Client, Kind::Product, Kind::Invoice, Kind::Payment];

    /// The kind's name on the billing side.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Client => "client",
            Kind::Product => "product",
            Kind::Invoice => "invoice",
            Kind::Payment => "payment",
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

/// A whole record of the billing app, at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "record", rename_all = "lowercase")]
pub enum Record {
    /// See [`Client`].
    Client(Box<Client>),
    /// See [`Product`].
    Product(Product),
    /// See [`Invoice`].
    Invoice(Box<Invoice>),
    /// See [`Payment`].
    Payment(Box<Payment>),
}

impl Record {
    /// The record's kind.
    pub fn kind(&self) -> Kind {
        match self {
            Record::Client(_) => Kind::Client,
            Record::Product(_) => Kind::Product,
            Record::Invoice(_) => Kind::Invoice,
            Record::Payment(_) => Kind::Payment,
        }
    }

    /// The record's id in the billing app.
    pub fn id(&self) -> &BillingId {
        match self {
            Record::Client(client) => &client.id,
            Record::Product(product) => &product.id,
            Record::Invoice(invoice) => &invoice.id,
            Record::Payment(payment) => &payment.id,
        }
    }

    /// The same record under another id.
    pub(crate) fn under(&self, id: &BillingId) -> Record {
        let mut record = self.clone();
        match &mut record {
            Record::Client(client) => client.id = id.clone(),
            Record::Product(product) => product.id = id.clone(),
            Record::Invoice(invoice) => invoice.id = id.clone(),
            Record::Payment(payment) => payment.id = id.clone(),
        }
        record
    }

    /// What a person calls the record: its name, key or number; its id when it has none.
    pub fn label(&self) -> &str {
        let named = match self {
            Record::Client(client) => &client.name,
            Record::Product(product) => &product.key,
            Record::Invoice(invoice) => &invoice.number,
            Record::Payment(payment) => &payment.number,
        };
        if named.trim().is_empty() { self.id().as_str() } else { named }
    }
}

/// Somebody who is billed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Client {
    /// The billing app's id.
    pub id: BillingId,
    /// The name it is known by. When blank, the first contact's name stands for it.
    #[serde(default)]
    pub name: String,
    /// People at the client; the primary one first, or marked.
    #[serde(default)]
    pub contacts: Vec<Contact>,
    /// Where bills go.
    #[serde(default)]
    pub billing_address: Option<Address>,
    /// Where goods go; decides United States sales tax.
    #[serde(default)]
    pub shipping_address: Option<Address>,
    /// The client's own telephone number.
    #[serde(default)]
    pub phone: String,
    /// Web address.
    #[serde(default)]
    pub website: String,
    /// ISO 4217 code of the currency it is billed in. Absent: the company's home currency.
    #[serde(default)]
    pub currency: Option<String>,
    /// Nothing sold to it is taxed.
    #[serde(default)]
    pub tax_exempt: bool,
    /// Tax registration number.
    #[serde(default)]
    pub vat_number: String,
    /// Days until its invoices are due.
    #[serde(default)]
    pub payment_terms: Option<u32>,
    /// Notes that the client may see.
    #[serde(default)]
    pub public_notes: String,
}

/// A person at a client.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Contact {
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// E-mail address.
    pub email: String,
    /// Telephone number.
    pub phone: String,
    /// The one to write to.
    pub primary: bool,
}

/// A postal address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Address {
    /// Street and number.
    pub line1: String,
    /// Suite, floor and the like.
    pub line2: String,
    /// Town.
    pub city: String,
    /// State, province or county.
    pub state: String,
    /// Postal code.
    pub postal_code: String,
    /// ISO 3166 alpha-3 code or full name.
    pub country: String,
}

/// Something sold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Product {
    /// The billing app's id.
    pub id: BillingId,
    /// The short name that invoice lines carry, and that matches an Item's name (D2).
    pub key: String,
    /// Description.
    #[serde(default)]
    pub notes: String,
    /// Sale price of one.
    #[serde(default, with = "crate::number::option")]
    #[schemars(with = "crate::number::option::Written")]
    pub price: Option<Decimal>,
    /// Purchase price of one.
    #[serde(default, with = "crate::number::option")]
    #[schemars(with = "crate::number::option::Written")]
    pub cost: Option<Decimal>,
    /// What sort of thing it is; chooses the Item's type and, with the settings, its income account (R88).
    #[serde(default)]
    pub product_type: ProductType,
    /// How it is taxed.
    #[serde(default)]
    pub tax_category: TaxCategory,
    /// The id of a QuickBooks income account, when the billing app names one itself.
    #[serde(default)]
    pub income_account: Option<String>,
}

/// What sort of thing a product or a line is.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ProductType {
    /// Work done.
    #[default]
    Service,
    /// Things handed over.
    Goods,
    /// Things downloaded.
    Digital,
    /// Carriage.
    Shipping,
    /// A fee charged for paying or for paying late.
    Fee,
    /// An expense passed on.
    Expense,
}

impl ProductType {
    /// All of them.
    pub const ALL: [ProductType; 6] = [
        ProductType::Service,
        ProductType::Goods,
        ProductType::Digital,
        ProductType::Shipping,
        ProductType::Fee,
        ProductType::Expense,
    ];
}

/// How a product or a line is taxed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TaxCategory {
    /// As the rates on it say.
    #[default]
    Standard,
    /// At a reduced rate, as the rates on it say.
    Reduced,
    /// At nought per cent.
    ZeroRated,
    /// Not at all.
    Exempt,
    /// The buyer accounts for it.
    ReverseCharge,
}

/// A tax on a line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Tax {
    /// The tax's name.
    #[serde(default)]
    pub name: String,
    /// Per cent: 8.25 means 8.25 %.
    #[serde(with = "crate::number")]
    #[schemars(with = "crate::number::Written")]
    pub rate: Decimal,
}

/// A reduction of a line or of an invoice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Discount {
    /// Per cent of the amount: 10 means 10 %.
    Percent(
        #[serde(with = "crate::number")]
        #[schemars(with = "crate::number::Written")]
        Decimal,
    ),
    /// An amount in the invoice's currency.
    Amount(
        #[serde(with = "crate::number")]
        #[schemars(with = "crate::number::Written")]
        Decimal,
    ),
}

impl Discount {
    /// The same without zeros at its end: 0.10 is 0.1.
    pub fn normalized(&self) -> Discount {
        match self {
            Discount::Percent(percent) => Discount::Percent(percent.normalize()),
            Discount::Amount(amount) => Discount::Amount(amount.normalize()),
        }
    }
}

/// Where an invoice is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum InvoiceStatus {
    /// Being written; nobody owes anything yet.
    Draft,
    /// Issued.
    Sent,
    /// Partly paid.
    Partial,
    /// Paid in full.
    Paid,
    /// Withdrawn.
    Cancelled,
    /// Undone by a credit.
    Reversed,
}

/// A bill.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Invoice {
    /// The billing app's id.
    pub id: BillingId,
    /// The number that the client sees.
    #[serde(default)]
    pub number: String,
    /// The document's date.
    #[schemars(with = "String", extend("format" = "date"))]
    pub date: Date,
    /// When it is to be paid.
    #[serde(default)]
    #[schemars(with = "Option<String>", extend("format" = "date"))]
    pub due_date: Option<Date>,
    /// Who is billed.
    pub client_id: BillingId,
    /// The whole client, so that its Customer can be made on the fly (R16).
    #[serde(default)]
    pub client: Option<Client>,
    /// What is billed, in the order shown.
    pub lines: Vec<InvoiceLine>,
    /// Reduction of the whole, before tax.
    #[serde(default)]
    pub discount: Option<Discount>,
    /// Charges beside the lines.
    #[serde(default)]
    pub surcharges: Vec<Surcharge>,
    /// Prices include their tax.
    #[serde(default)]
    pub taxes_inclusive: bool,
    /// ISO 4217 code. Absent: the company's home currency.
    #[serde(default)]
    pub currency: Option<String>,
    /// Home currency for one unit of `currency`.
    #[serde(default, with = "crate::number::option")]
    #[schemars(with = "crate::number::option::Written")]
    pub exchange_rate: Option<Decimal>,
    /// The buyer's own order number.
    #[serde(default)]
    pub po_number: String,
    /// Notes that the client sees.
    #[serde(default)]
    pub public_notes: String,
    /// Notes that the client does not see.
    #[serde(default)]
    pub private_notes: String,
    /// Terms printed below.
    #[serde(default)]
    pub terms: String,
    /// What stands in the billing app's own extra fields, by their names there. Blank ones may be left out.
    #[serde(default)]
    pub custom_fields: BTreeMap<String, String>,
    /// Where it is in its life.
    pub status: InvoiceStatus,
    /// What the client owes for it in all, tax included.
    #[serde(with = "crate::number")]
    #[schemars(with = "crate::number::Written")]
    pub amount: Decimal,
    /// What is still owed.
    #[serde(default, with = "crate::number::option")]
    #[schemars(with = "crate::number::option::Written")]
    pub balance: Option<Decimal>,
}

/// One line of an invoice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InvoiceLine {
    /// The line's own id, in an app that gives lines one that lasts.
    #[serde(default)]
    pub id: Option<String>,
    /// The product's id, when the billing app keeps it.
    #[serde(default)]
    pub product_id: Option<BillingId>,
    /// The product's key. Blank: a line that is no product.
    #[serde(default)]
    pub product_key: String,
    /// Description.
    #[serde(default)]
    pub notes: String,
    /// How many.
    #[serde(with = "crate::number")]
    #[schemars(with = "crate::number::Written")]
    pub quantity: Decimal,
    /// Price of one, before any discount.
    #[serde(with = "crate::number")]
    #[schemars(with = "crate::number::Written")]
    pub unit_price: Decimal,
    /// Reduction of this line.
    #[serde(default)]
    pub discount: Option<Discount>,
    /// The taxes on it, those of the whole invoice included.
    #[serde(default)]
    pub taxes: Vec<Tax>,
    /// How it is taxed.
    #[serde(default)]
    pub tax_category: TaxCategory,
    /// What sort of thing it is.
    #[serde(default)]
    pub product_type: ProductType,
}

/// A charge beside the lines, such as carriage or a handling fee.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Surcharge {
    /// What it is for.
    #[serde(default)]
    pub name: String,
    /// How much.
    #[serde(with = "crate::number")]
    #[schemars(with = "crate::number::Written")]
    pub amount: Decimal,
    /// The taxes on it; none when it is not taxed.
    #[serde(default)]
    pub taxes: Vec<Tax>,
}

/// Where a payment is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PaymentStatus {
    /// Under way.
    Pending,
    /// Withdrawn.
    Cancelled,
    /// It did not go through.
    Failed,
    /// Received.
    Completed,
    /// Partly given back.
    PartiallyRefunded,
    /// Given back.
    Refunded,
}

/// How a payment was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PaymentMethod {
    /// Notes and coins.
    Cash,
    /// A cheque or money order.
    Check,
    /// Any card.
    Card,
    /// A transfer between banks.
    BankTransfer,
    /// Anything else.
    #[default]
    Other,
}

impl PaymentMethod {
    /// All of them.
    pub const ALL: [PaymentMethod; 5] = [
        PaymentMethod::Cash,
        PaymentMethod::Check,
        PaymentMethod::Card,
        PaymentMethod::BankTransfer,
        PaymentMethod::Other,
    ];
}

/// Money received.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Payment {
    /// The billing app's id.
    pub id: BillingId,
    /// Its number in the billing app.
    #[serde(default)]
    pub number: String,
    /// Who paid.
    pub client_id: BillingId,
    /// The whole client, so that its Customer can be made on the fly.
    #[serde(default)]
    pub client: Option<Client>,
    /// The day it was received.
    #[schemars(with = "String", extend("format" = "date"))]
    pub date: Date,
    /// How much, in its currency.
    #[serde(with = "crate::number")]
    #[schemars(with = "crate::number::Written")]
    pub amount: Decimal,
    /// How much of it was given back.
    #[serde(default, with = "crate::number::option")]
    #[schemars(with = "crate::number::option::Written")]
    pub refunded: Option<Decimal>,
    /// How it was made.
    #[serde(default)]
    pub method: PaymentMethod,
    /// The cheque's number, the card processor's reference and the like.
    #[serde(default)]
    pub reference: String,
    /// Which invoices it pays. What is left over stays on the client's account.
    #[serde(default)]
    pub allocations: Vec<Allocation>,
    /// ISO 4217 code. Absent: the company's home currency.
    #[serde(default)]
    pub currency: Option<String>,
    /// Home currency for one unit of `currency`.
    #[serde(default, with = "crate::number::option")]
    #[schemars(with = "crate::number::option::Written")]
    pub exchange_rate: Option<Decimal>,
    /// Notes that the client does not see.
    #[serde(default)]
    pub private_notes: String,
    /// Where it is in its life.
    pub status: PaymentStatus,
}

/// The part of a payment that pays one invoice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Allocation {
    /// The invoice.
    pub invoice_id: BillingId,
    /// How much of the payment.
    #[serde(with = "crate::number")]
    #[schemars(with = "crate::number::Written")]
    pub amount: Decimal,
    /// The invoice's date, so that a payment of an invoice before the cut-off is recognised (D8).
    #[serde(default)]
    #[schemars(with = "Option<String>", extend("format" = "date"))]
    pub invoice_date: Option<Date>,
}
