//! Records of a billing app, as short as they can be.

use serde_json::{Value, json};

/// A client.
pub(crate) fn client(id: &str, name: &str) -> Value {
    json!({"id": id, "name": name})
}

/// A product.
pub(crate) fn product(id: &str, key: &str, price: &str) -> Value {
    json!({"id": id, "key": key, "notes": format!("{key}, one"), "price": price})
}

/// A line of a product by its key, without tax.
pub(crate) fn line(key: &str, quantity: &str, price: &str) -> Value {
    json!({"product_key": key, "notes": key, "quantity": quantity, "unit_price": price})
}

/// An invoice that carries its client.
pub(crate) fn invoice(id: &str, client: &Value, lines: &[Value], amount: &str) -> Value {
    json!({
        "id": id,
        "number": format!("N-{id}"),
        "date": "2026-03-01",
        "client_id": client["id"],
        "client": client,
        "lines": lines,
        "status": "sent",
        "amount": amount,
    })
}

/// A payment of one invoice.
pub(crate) fn payment(id: &str, invoice: &Value, amount: &str) -> Value {
    json!({
        "id": id,
        "client_id": invoice["client_id"],
        "date": "2026-03-09",
        "amount": amount,
        "method": "check",
        "allocations": [{"invoice_id": invoice["id"], "amount": amount, "invoice_date": invoice["date"]}],
        "status": "completed",
    })
}

/// The record with one member changed.
pub(crate) fn changed(record: &Value, member: &str, value: impl Into<Value>) -> Value {
    let mut record = record.clone();
    record[member] = value.into();
    record
}
