//! What stands around entities in requests and answers. A fault can stand in any answer, whatever its status.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use crate::{
    Account, CompanyInfo, Customer, Employee, Entity, Fault, Invoice, Item, Payment, PaymentMethod,
    Preferences, Query, TaxAgency, TaxCode, TaxRate, Term, Tracked, Vendor,
};

/// The answer to reading or writing one object: one member is set.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct EntityResponse {
    /// What was refused.
    #[serde(alias = "fault")]
    pub fault: Option<Fault>,
    /// A customer.
    pub customer: Option<Box<Customer>>,
    /// An item.
    pub item: Option<Box<Item>>,
    /// An invoice.
    pub invoice: Option<Box<Invoice>>,
    /// A payment.
    pub payment: Option<Box<Payment>>,
    /// The company.
    pub company_info: Option<Box<CompanyInfo>>,
    /// The company's settings.
    pub preferences: Option<Box<Preferences>>,
}

impl EntityResponse {
    /// The object, if it is of a kind that is kept in step.
    pub fn into_entity(self) -> Option<Entity> {
        entity(self.customer, self.item, self.invoice, self.payment)
    }
}

fn entity(
    customer: Option<Box<Customer>>,
    item: Option<Box<Item>>,
    invoice: Option<Box<Invoice>>,
    payment: Option<Box<Payment>>,
) -> Option<Entity> {
    customer
        .map(Entity::Customer)
        .or(item.map(Entity::Item))
        .or(invoice.map(Entity::Invoice))
        .or(payment.map(Entity::Payment))
}

/// The answer to a query.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct QueryAnswer {
    /// What was refused.
    #[serde(alias = "fault")]
    pub fault: Option<Fault>,
    /// The rows.
    pub query_response: QueryResponse,
}

/// The rows of a query, or the changes of one kind: the list of the kind asked for is filled.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct QueryResponse {
    /// Customers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub customer: Vec<Customer>,
    /// Items.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub item: Vec<Item>,
    /// Invoices.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub invoice: Vec<Invoice>,
    /// Payments.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub payment: Vec<Payment>,
    /// Accounts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub account: Vec<Account>,
    /// Tax codes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tax_code: Vec<TaxCode>,
    /// Tax rates.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tax_rate: Vec<TaxRate>,
    /// Tax agencies.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tax_agency: Vec<TaxAgency>,
    /// Terms.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub term: Vec<Term>,
    /// Ways to pay.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub payment_method: Vec<PaymentMethod>,
    /// Classes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub class: Vec<Tracked>,
    /// Locations.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub department: Vec<Tracked>,
    /// Vendors.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub vendor: Vec<Vendor>,
    /// Employees.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub employee: Vec<Employee>,
    /// The place of the first row in the whole result, from 1.
    #[serde(rename = "startPosition")]
    pub start_position: Option<u64>,
    /// How many rows these are.
    #[serde(rename = "maxResults")]
    pub max_results: Option<u64>,
    /// The count, where one was asked for.
    #[serde(rename = "totalCount")]
    pub total_count: Option<u64>,
}

impl QueryResponse {
    /// The rows that are kept in step, in the order of [`EntityKind::ALL`](crate::EntityKind::ALL).
    pub fn into_entities(self) -> Vec<Entity> {
        let customers = self.customer.into_iter().map(Entity::from);
        let items = self.item.into_iter().map(Entity::from);
        let invoices = self.invoice.into_iter().map(Entity::from);
        let payments = self.payment.into_iter().map(Entity::from);
        customers.chain(items).chain(invoices).chain(payments).collect()
    }
}

/// The answer of change data capture.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct CdcResponse {
    /// What was refused.
    #[serde(alias = "fault")]
    pub fault: Option<Fault>,
    /// One part.
    #[serde(rename = "CDCResponse")]
    pub parts: Vec<CdcPart>,
}

/// A part of an answer of change data capture.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct CdcPart {
    /// What was refused.
    #[serde(alias = "fault")]
    pub fault: Option<Fault>,
    /// One element for each kind asked for; deleted objects stand last in it.
    pub query_response: Vec<QueryResponse>,
}

/// A batch: at most [`Batch::MAX_ITEMS`] independent requests, run in no promised order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Batch {
    /// The requests.
    pub batch_item_request: Vec<BatchItemRequest>,
}

impl Batch {
    /// How many requests a batch holds (Intuit: Limits and throttles).
    pub const MAX_ITEMS: usize = 30;
}

/// What a request in a batch does to its object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Operation {
    /// Make it.
    Create,
    /// Change it, or void it.
    Update,
    /// Delete it.
    Delete,
}

/// One request in a batch.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct BatchItemRequest {
    /// Names the request in the answer; up to 10 characters.
    #[serde(rename = "bId")]
    pub b_id: String,
    /// What to do; none for a query.
    #[serde(rename = "operation")]
    pub operation: Option<Operation>,
    /// `void` with an update.
    #[serde(rename = "optionsData")]
    pub options_data: Option<String>,
    /// A query.
    pub query: Option<String>,
    /// A customer.
    pub customer: Option<Box<Customer>>,
    /// An item.
    pub item: Option<Box<Item>>,
    /// An invoice.
    pub invoice: Option<Box<Invoice>>,
    /// A payment.
    pub payment: Option<Box<Payment>>,
}

impl BatchItemRequest {
    /// A query.
    pub fn query(b_id: impl Into<String>, query: &Query) -> Self {
        Self { b_id: b_id.into(), query: Some(query.to_string()), ..Self::default() }
    }

    /// A write of `entity`.
    pub fn write(b_id: impl Into<String>, operation: Operation, entity: Entity) -> Self {
        let request = Self { b_id: b_id.into(), operation: Some(operation), ..Self::default() };
        match entity {
            Entity::Customer(customer) => Self { customer: Some(customer), ..request },
            Entity::Item(item) => Self { item: Some(item), ..request },
            Entity::Invoice(invoice) => Self { invoice: Some(invoice), ..request },
            Entity::Payment(payment) => Self { payment: Some(payment), ..request },
        }
    }

    /// The void of an invoice or a payment.
    pub fn void(b_id: impl Into<String>, entity: Entity) -> Self {
        Self { options_data: Some("void".into()), ..Self::write(b_id, Operation::Update, entity) }
    }
}

/// The answer to a batch. Its items come in no promised order.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct BatchResponse {
    /// What was refused, if it was the whole batch.
    #[serde(alias = "fault")]
    pub fault: Option<Fault>,
    /// The answers.
    pub batch_item_response: Vec<BatchItemResponse>,
}

/// The answer to one request of a batch: one member beside `b_id` is set.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct BatchItemResponse {
    /// The request it answers.
    #[serde(rename = "bId")]
    pub b_id: String,
    /// What was refused.
    #[serde(alias = "fault")]
    pub fault: Option<Fault>,
    /// The rows of a query.
    pub query_response: Option<Box<QueryResponse>>,
    /// A customer.
    pub customer: Option<Box<Customer>>,
    /// An item.
    pub item: Option<Box<Item>>,
    /// An invoice.
    pub invoice: Option<Box<Invoice>>,
    /// A payment.
    pub payment: Option<Box<Payment>>,
}

/// What became of one request of a batch.
#[derive(Clone, Debug, PartialEq)]
pub enum BatchOutcome {
    /// The object as it is now; a tombstone if it was deleted.
    Entity(Entity),
    /// The rows of a query.
    Rows(Box<QueryResponse>),
    /// It was refused.
    Fault(Fault),
    /// The answer said nothing that this crate knows.
    Empty,
}

impl BatchItemResponse {
    /// What became of the request.
    pub fn into_outcome(self) -> BatchOutcome {
        if let Some(fault) = self.fault {
            return BatchOutcome::Fault(fault);
        }
        if let Some(rows) = self.query_response {
            return BatchOutcome::Rows(rows);
        }
        entity(self.customer, self.item, self.invoice, self.payment)
            .map_or(BatchOutcome::Empty, BatchOutcome::Entity)
    }
}
