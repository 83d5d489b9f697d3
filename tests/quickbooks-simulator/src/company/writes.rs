//! Create, update, delete and void: what is the same for every entity.

use jiff::{Timestamp, civil::Date};
use serde_json::Value;

use super::{
    Change, Company,
    classes::Access,
    clean,
    faults::Fault,
    kinds::Kind,
    store::Touch,
    wire::{self, Members, Object},
};

/// What to write where.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Order {
    pub(crate) kind: Kind,
    pub(crate) operation: Operation,
    /// `include=allowduplicatedocnum`.
    pub(crate) allow_duplicate_number: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    /// An update if there is an Id, else a create.
    Save,
    Update,
    Delete,
    Void,
}

/// An object on its way into the store: what the request makes of it, before defaults, derived members and checks.
#[derive(Debug)]
pub(crate) struct Draft<'a> {
    pub(crate) object: Object,
    /// The present state; a create has none.
    pub(crate) previous: Option<&'a Object>,
    /// The members that the request names; `null` clears.
    pub(crate) sent: &'a Object,
    pub(crate) sparse: bool,
    pub(crate) allow_duplicate_number: bool,
    /// The server's date.
    pub(crate) today: Date,
}

impl<'a> Draft<'a> {
    fn create(sent: &'a Object, today: Date) -> Self {
        let mut object = sent.clone();
        object.retain(|name, value| !value.is_null() && name != "sparse" && name != "SyncToken");
        Self { object, previous: None, sent, sparse: false, allow_duplicate_number: false, today }
    }

    /// A sparse update keeps what is not sent; a full one keeps only what cannot be written.
    fn update(kind: Kind, previous: &'a Object, sent: &'a Object, today: Date) -> Self {
        let sparse = sent.flag("sparse");
        let mut object = previous.clone();
        if !sparse {
            let writable =
                |name: &str| kind.class().member(name).is_some_and(|m| m.access == Access::Writable);
            object
                .retain(|name, _| !writable(name) || matches!(name.as_str(), "Id" | "SyncToken" | "sparse"));
        }
        for (name, value) in sent {
            match (name.as_str(), value) {
                ("Id" | "SyncToken" | "sparse", _) => {}
                (_, Value::Null) => drop(object.remove(name)),
                _ => drop(object.insert(name.clone(), with_address_id(kind, name, value, previous))),
            }
        }
        Self { object, previous: Some(previous), sent, sparse, allow_duplicate_number: false, today }
    }

    /// Whether the request says anything of a member.
    pub(crate) fn says(&self, member: &str) -> bool {
        self.sent.contains_key(member)
    }

    /// Sets a member that is absent.
    pub(crate) fn default(&mut self, member: &str, value: impl Into<Value>) {
        if !self.object.contains_key(member) {
            self.object.insert(member.to_owned(), value.into());
        }
    }

    /// Sets a member.
    pub(crate) fn set(&mut self, member: &str, value: impl Into<Value>) {
        self.object.insert(member.to_owned(), value.into());
    }

    /// Takes a member from the previous state, whatever the request says.
    pub(crate) fn keep(&mut self, member: &str) {
        match self.previous.and_then(|previous| previous.get(member)) {
            Some(value) => self.object.insert(member.to_owned(), value.clone()),
            None => self.object.remove(member),
        };
    }
}

/// An address sent without its Id keeps it, unless a transaction's address has other content.
fn with_address_id(kind: Kind, name: &str, value: &Value, previous: &Object) -> Value {
    let (Value::Object(new), Some(Value::Object(old))) = (value, previous.get(name)) else {
        return value.clone();
    };
    let Some(id) = old.get("Id").filter(|_| name.ends_with("Addr") && !new.contains_key("Id")) else {
        return value.clone();
    };
    let mut with_id = new.clone();
    with_id.insert("Id".to_owned(), id.clone());
    if kind.is_transaction() && &with_id != old { value.clone() } else { Value::Object(with_id) }
}

impl Company {
    /// Executes a write of a JSON body. A fault means that nothing has changed.
    pub(crate) fn write(&mut self, order: Order, body: Value, now: Timestamp) -> Result<Value, Fault> {
        if self.switches.subscription_ended {
            return Err(Fault::subscription_ended());
        }
        let kind = order.kind;
        let sent = clean::object(kind.class(), body, &self.switches)?;
        let can = match (order.operation, kind) {
            (_, Kind::TaxCode | Kind::TaxRate) => false,
            (Operation::Delete | Operation::Void, kind) => kind.is_transaction(),
            (Operation::Update, kind) => kind != Kind::TaxAgency,
            (Operation::Save, kind) => {
                let creates = sent.text("Id").is_none();
                if creates { !is_singleton(kind) } else { kind != Kind::TaxAgency }
            }
        };
        if !can {
            return Err(Fault::operation_not_supported(&format!("{:?} {}", order.operation, kind.name())));
        }
        match order.operation {
            Operation::Delete => self.delete(kind, &sent, now),
            Operation::Void => self.void(kind, &sent, now),
            Operation::Save if sent.text("Id").is_none() => self.create(order, &sent, now),
            Operation::Save | Operation::Update => self.update(order, &sent, now),
        }
    }

    fn create(&mut self, order: Order, sent: &Object, now: Timestamp) -> Result<Value, Fault> {
        let mut draft = Draft::create(sent, wire::today(now));
        draft.allow_duplicate_number = order.allow_duplicate_number;
        let object = self.settle(order.kind, draft)?;
        let id = self.commit_new(order.kind, object, now);
        self.shown(order.kind, &id)
    }

    fn update(&mut self, order: Order, sent: &Object, now: Timestamp) -> Result<Value, Fault> {
        let kind = order.kind;
        let previous = self.current(kind, sent)?.clone();
        let mut draft = Draft::update(kind, &previous, sent, wire::today(now));
        draft.allow_duplicate_number = order.allow_duplicate_number;
        let object = self.settle(kind, draft)?;
        let id = previous.text("Id").unwrap_or_default();
        if object != previous {
            self.commit(kind, id, object, &previous, now);
        }
        self.shown(kind, id)
    }

    /// The object that a request means, if its SyncToken is the present one.
    pub(crate) fn current(&self, kind: Kind, sent: &Object) -> Result<&Object, Fault> {
        let id = sent.text("Id").ok_or_else(|| Fault::missing("Id"))?;
        if !id.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Fault::invalid_id(id));
        }
        let object = self.store.get(kind, id).ok_or_else(Fault::not_found)?;
        let token = sent.text("SyncToken").ok_or_else(|| Fault::missing("SyncToken"))?;
        if object.text("SyncToken") != Some(token) {
            return Err(Fault::stale(&self.switches.user));
        }
        Ok(object)
    }

    /// Gives a draft its defaults and derived members, or says why it cannot be.
    pub(crate) fn settle(&self, kind: Kind, draft: Draft<'_>) -> Result<Object, Fault> {
        match kind {
            Kind::Customer => self.settle_customer(draft),
            Kind::Vendor => self.settle_vendor(draft),
            Kind::Employee => self.settle_employee(draft),
            Kind::Item => self.settle_item(draft),
            Kind::Account => self.settle_account(draft),
            Kind::Class => self.settle_tracked(Kind::Class, "SubClass", draft),
            Kind::Department => self.settle_tracked(Kind::Department, "SubDepartment", draft),
            Kind::Term => self.settle_term(draft),
            Kind::PaymentMethod => self.settle_payment_method(draft),
            Kind::TaxAgency => self.settle_tax_agency(draft),
            Kind::Invoice => self.settle_invoice(draft),
            Kind::Payment => self.settle_payment(draft),
            Kind::CompanyInfo => Ok(Self::settle_company_info(draft)),
            Kind::Preferences => self.settle_preferences(&draft),
            Kind::TaxCode | Kind::TaxRate => Err(Fault::operation_not_supported(kind.name())),
        }
    }

    fn commit_new(&mut self, kind: Kind, object: Object, now: Timestamp) -> String {
        let id = match kind {
            Kind::Invoice => self.record_new_invoice(object, now),
            Kind::Payment => self.record_new_payment(object, now),
            _ => self.store.insert(kind, object, now),
        };
        self.changed(kind, &id, "Create", now);
        id
    }

    fn commit(&mut self, kind: Kind, id: &str, object: Object, previous: &Object, now: Timestamp) {
        match kind {
            Kind::Invoice => self.record_invoice(id, object, now),
            Kind::Payment => self.record_payment(id, object, Touch::Revise, now),
            Kind::Customer => self.record_customer(id, object, previous, now),
            _ => self.store.replace(kind, id, object, Touch::Revise, now),
        }
        if matches!(kind, Kind::Customer | Kind::Item | Kind::Account | Kind::Class | Kind::Department) {
            self.respell_below(kind, id, now);
        }
        self.changed(kind, id, "Update", now);
    }

    fn delete(&mut self, kind: Kind, sent: &Object, now: Timestamp) -> Result<Value, Fault> {
        let object = self.current(kind, sent)?.clone();
        let id = object.text("Id").unwrap_or_default().to_owned();
        self.refuse_if_closed(&object)?;
        if self.matched.contains(&id) {
            return Err(Fault::matched_to_bank_feed());
        }
        if kind == Kind::Payment {
            self.delete_payment(&id, now)?;
        } else {
            self.delete_invoice(&id, now)?;
        }
        self.changed(kind, &id, "Delete", now);
        Ok(serde_json::json!({ "domain": "QBO", "status": "Deleted", "Id": id }))
    }

    fn void(&mut self, kind: Kind, sent: &Object, now: Timestamp) -> Result<Value, Fault> {
        let object = self.current(kind, sent)?.clone();
        let id = object.text("Id").unwrap_or_default().to_owned();
        if is_voided(&object) {
            return self.shown(kind, &id);
        }
        self.refuse_if_closed(&object)?;
        if kind == Kind::Payment {
            self.void_payment(&id, object, now)?;
        } else {
            self.void_invoice(&id, object, now);
        }
        self.changed(kind, &id, "Void", now);
        self.shown(kind, &id)
    }

    fn shown(&self, kind: Kind, id: &str) -> Result<Value, Fault> {
        self.store.row(kind, id).map(|row| row.value.clone()).ok_or_else(Fault::not_found)
    }

    /// Notes a change for webhooks. Intuit has none for tax codes, tax rates and the company itself.
    pub(crate) fn changed(&mut self, kind: Kind, id: &str, operation: &str, now: Timestamp) {
        if matches!(kind, Kind::TaxCode | Kind::TaxRate | Kind::CompanyInfo) {
            return;
        }
        self.changes.push(Change {
            entity: kind.name().to_owned(),
            id: id.to_owned(),
            operation: operation.to_owned(),
            deleted_id: None,
            at: now,
        });
    }
}

fn is_singleton(kind: Kind) -> bool {
    matches!(kind, Kind::CompanyInfo | Kind::Preferences)
}

/// Intuit marks a void only by its amount and its note.
pub(crate) fn is_voided(object: &Object) -> bool {
    object.amount_or_zero("TotalAmt").is_zero()
        && object.text("PrivateNote").is_some_and(|note| note.starts_with("Voided"))
}

/// `Voided`, before what the note said.
pub(crate) fn voided_note(object: &Object) -> Value {
    match object.text("PrivateNote") {
        Some(note) => format!("Voided - {note}").into(),
        None => "Voided".into(),
    }
}
