//! The four kinds of object that Counterpart keeps in step.

use serde::Serialize;

use crate::{Customer, Invoice, Item, MetaData, Payment};

/// The kind of an object that is kept in step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EntityKind {
    /// Somebody the company sells to.
    Customer,
    /// A product or service.
    Item,
    /// A bill.
    Invoice,
    /// Money received.
    Payment,
}

impl EntityKind {
    /// All kinds, each after those it refers to.
    pub const ALL: [Self; 4] = [Self::Customer, Self::Item, Self::Invoice, Self::Payment];

    /// The name in queries and bodies: `Customer`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Customer => "Customer",
            Self::Item => "Item",
            Self::Invoice => "Invoice",
            Self::Payment => "Payment",
        }
    }

    /// The name in paths: `customer`.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Item => "item",
            Self::Invoice => "invoice",
            Self::Payment => "payment",
        }
    }

    /// The kind called `name`, in any letter case.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name().eq_ignore_ascii_case(name))
    }
}

/// An object that is kept in step. It serialises as the bare object, which is the body of a write.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Entity {
    /// Somebody the company sells to.
    Customer(Box<Customer>),
    /// A product or service.
    Item(Box<Item>),
    /// A bill.
    Invoice(Box<Invoice>),
    /// Money received.
    Payment(Box<Payment>),
}

impl Entity {
    /// Which kind it is.
    pub fn kind(&self) -> EntityKind {
        match self {
            Self::Customer(_) => EntityKind::Customer,
            Self::Item(_) => EntityKind::Item,
            Self::Invoice(_) => EntityKind::Invoice,
            Self::Payment(_) => EntityKind::Payment,
        }
    }

    /// An object with nothing but its id and version: the body of a delete or of an invoice's void.
    pub fn version(kind: EntityKind, id: impl Into<String>, sync_token: impl Into<String>) -> Self {
        let (id, sync_token) = (Some(id.into()), Some(sync_token.into()));
        match kind {
            EntityKind::Customer => Customer { id, sync_token, ..Customer::default() }.into(),
            EntityKind::Item => Item { id, sync_token, ..Item::default() }.into(),
            EntityKind::Invoice => Invoice { id, sync_token, ..Invoice::default() }.into(),
            EntityKind::Payment => Payment { id, sync_token, ..Payment::default() }.into(),
        }
    }

    /// The id, if the object has one.
    pub fn id(&self) -> Option<&str> {
        self.heading().id
    }

    /// The version, if the object has one.
    pub fn sync_token(&self) -> Option<&str> {
        self.heading().sync_token
    }

    /// When it was made: ISO 8601 with an offset.
    pub fn create_time(&self) -> Option<&str> {
        self.heading().meta_data?.create_time.as_deref()
    }

    /// When QuickBooks last touched it: ISO 8601 with an offset.
    pub fn last_updated_time(&self) -> Option<&str> {
        self.heading().meta_data?.last_updated_time.as_deref()
    }

    /// Whether this is the tombstone of a deleted object, which has an id and hardly anything else.
    pub fn is_deleted(&self) -> bool {
        self.heading().status.is_some_and(|status| status.eq_ignore_ascii_case("Deleted"))
    }

    fn heading(&self) -> Heading<'_> {
        macro_rules! heading {
            ($entity:expr) => {
                Heading {
                    id: $entity.id.as_deref(),
                    sync_token: $entity.sync_token.as_deref(),
                    status: $entity.status.as_deref(),
                    meta_data: $entity.meta_data.as_ref(),
                }
            };
        }
        match self {
            Self::Customer(customer) => heading!(customer),
            Self::Item(item) => heading!(item),
            Self::Invoice(invoice) => heading!(invoice),
            Self::Payment(payment) => heading!(payment),
        }
    }
}

/// The members that every kind has.
struct Heading<'a> {
    id: Option<&'a str>,
    sync_token: Option<&'a str>,
    status: Option<&'a str>,
    meta_data: Option<&'a MetaData>,
}

impl From<Customer> for Entity {
    fn from(customer: Customer) -> Self {
        Self::Customer(Box::new(customer))
    }
}

impl From<Item> for Entity {
    fn from(item: Item) -> Self {
        Self::Item(Box::new(item))
    }
}

impl From<Invoice> for Entity {
    fn from(invoice: Invoice) -> Self {
        Self::Invoice(Box::new(invoice))
    }
}

impl From<Payment> for Entity {
    fn from(payment: Payment) -> Self {
        Self::Payment(Box::new(payment))
    }
}
