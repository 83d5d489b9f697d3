//! Records as the API shows them, with what `include` adds.

use serde_json::{Value, json};

use super::Company;
use super::kinds::Kind;
use super::record::{Members, Record, objects};

impl Company {
    /// A record without relations.
    pub(crate) fn shown(&self, kind: Kind, row: &Record) -> Value {
        self.shown_with(kind, row, &[])
    }

    /// A record with relations.
    pub(crate) fn shown_with(&self, kind: Kind, row: &Record, includes: &[&str]) -> Value {
        let mut shown: Record = row
            .iter()
            .filter(|(name, _)| !name.starts_with('_'))
            .map(|(n, v)| (n.clone(), v.clone()))
            .collect();
        if kind == Kind::Payment {
            shown.put("paymentables", visible_paymentables(row));
        }
        for include in includes {
            shown.put(include, self.relation(kind, row, include));
        }
        Value::Object(shown)
    }

    fn relation(&self, kind: Kind, row: &Record, include: &str) -> Value {
        match (kind, include) {
            (Kind::Invoice | Kind::Payment, "client") => {
                let client = row.id("client_id").and_then(|id| self.store.row(Kind::Client, id));
                client.map_or(Value::Null, |client| self.shown(Kind::Client, client))
            }
            (Kind::Invoice, "payments") => {
                let pays = |payment: &Record| {
                    visible(payment).any(|allocation| allocation.text("invoice_id") == row.text("id"))
                };
                let payments =
                    self.store.rows(Kind::Payment).map(|(_, payment)| payment).filter(|it| pays(it));
                payments.map(|payment| self.shown(Kind::Payment, payment)).collect()
            }
            (Kind::Payment, "invoices") => {
                let ids = visible(row).filter_map(|allocation| allocation.id("invoice_id"));
                let invoices = ids.filter_map(|id| self.store.row(Kind::Invoice, id));
                invoices.map(|invoice| self.shown(Kind::Invoice, invoice)).collect()
            }
            (Kind::Payment, "type") => json!({"id": row.text("type_id")}),
            _ => json!([]),
        }
    }
}

/// A payment's allocations to invoices that are not deleted.
fn visible(payment: &Record) -> impl Iterator<Item = &Record> {
    objects(payment, "paymentables").filter(|it| !it.flag("_deleted"))
}

fn visible_paymentables(payment: &Record) -> Value {
    visible(payment)
        .map(|it| Value::Object(it.clone().into_iter().filter(|(n, _)| !n.starts_with('_')).collect()))
        .collect()
}
