//! What the judge sees of a record and of an entity: the same members on both sides, each as a text. Written from the
//! two sides' documentation, without the engine's mapping.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use serde_json::Value;
use sync::model::{Client, Invoice, InvoiceLine, Payment, Product, Record};

use crate::billing::{cents, line_total, percent, sum_and_discount};

/// Members by their QuickBooks names; absent and empty are the same.
pub(crate) type View = BTreeMap<&'static str, String>;

/// A member's text; empty if it has none.
pub(crate) fn text(value: &Value, member: &str) -> String {
    value[member].as_str().unwrap_or_default().to_owned()
}

/// An amount; zero if there is none.
pub(crate) fn decimal(value: &Value) -> Decimal {
    match value {
        Value::Number(number) => number.to_string().parse().unwrap_or_default(),
        Value::String(text) => text.parse().unwrap_or_default(),
        _ => Decimal::ZERO,
    }
}

/// Intuit marks a void only by its amount and its note.
pub(crate) fn is_voided(value: &Value) -> bool {
    value.get("TotalAmt").is_some_and(|total| decimal(total).is_zero())
        && text(value, "PrivateNote").starts_with("Voided")
}

/// Whether a customer or an item is in use, and a transaction worth something.
pub(crate) fn is_live(value: &Value) -> bool {
    value["Active"] != false && !is_voided(value)
}

/// Marks (`k1c17`) in a text.
fn marks_in(text: &str, marks: &mut BTreeSet<String>) {
    for word in text.split(|c: char| !c.is_ascii_alphanumeric()) {
        let mut rest = word.chars();
        let place = rest.next() == Some('k') && rest.next().is_some_and(|c| c.is_ascii_digit());
        let letter = rest.next().is_some_and(|c| "cpiybq".contains(c));
        let number = rest.as_str();
        if place && letter && !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) {
            marks.insert(word.to_owned());
        }
    }
}

/// The marks by which an entity is known.
pub(crate) fn marks_of(entity: &str, value: &Value) -> BTreeSet<String> {
    let mut marks = BTreeSet::new();
    match entity {
        "Customer" => {
            marks_in(&text(value, "DisplayName"), &mut marks);
            marks_in(&text(&value["PrimaryEmailAddr"], "Address"), &mut marks);
        }
        "Item" => marks_in(&text(value, "Name"), &mut marks),
        "Invoice" => marks_in(&text(value, "DocNumber"), &mut marks),
        _ => marks_in(&text(value, "PaymentRefNum"), &mut marks),
    }
    marks
}

/// The marks by which a record's entity may be known, as it is now or was before.
pub(crate) fn marks_of_record(record: &Record) -> BTreeSet<String> {
    let mut marks = BTreeSet::new();
    match record {
        Record::Client(client) => {
            marks_in(&client.name, &mut marks);
            client.contacts.iter().for_each(|contact| marks_in(&contact.email, &mut marks));
        }
        Record::Product(product) => marks_in(&product.key, &mut marks),
        Record::Invoice(invoice) => marks_in(&invoice.number, &mut marks),
        Record::Payment(payment) => marks_in(&payment.reference, &mut marks),
    }
    marks
}

/// What is expected of a record's entity.
pub(crate) fn of_record(record: &Record) -> View {
    match record {
        Record::Client(client) => of_client(client),
        Record::Product(product) => of_product(product),
        Record::Invoice(invoice) => of_invoice(invoice),
        Record::Payment(payment) => of_payment(payment),
    }
}

/// No colons, no doubled spaces (Intuit: Customer, DisplayName).
fn name(text: &str) -> String {
    text.replace(':', "-").split_whitespace().collect::<Vec<_>>().join(" ")
}

fn of_client(client: &Client) -> View {
    let contact = client.contacts.first();
    let address = client
        .billing_address
        .as_ref()
        .map(|address| [address.line1.as_str(), &address.city, &address.postal_code].join("|"));
    View::from([
        ("DisplayName", name(&client.name)),
        ("CompanyName", name(&client.name)),
        ("GivenName", contact.map(|contact| name(&contact.first_name)).unwrap_or_default()),
        ("PrimaryEmailAddr", contact.map(|contact| contact.email.clone()).unwrap_or_default()),
        ("PrimaryPhone", client.phone.clone()),
        ("BillAddr", address.unwrap_or_default()),
        ("Notes", client.public_notes.clone()),
    ])
}

fn of_product(product: &Product) -> View {
    let mut view = View::from([("Name", name(&product.key)), ("Description", product.notes.clone())]);
    // Without a price there is nothing to compare: QuickBooks says 0.
    view.extend(product.price.map(|price| ("UnitPrice", price.normalize().to_string())));
    view
}

fn of_invoice(invoice: &Invoice) -> View {
    let (_, discount) = sum_and_discount(invoice);
    // What QuickBooks takes off with an Item for it may have come over as lines.
    let shares: Decimal = invoice.lines.iter().filter(|line| takes_off(line)).map(line_total).sum();
    let discount = discount - shares;
    let mut note = vec![invoice.private_notes.clone()];
    if !invoice.po_number.is_empty() {
        note.push(format!("PO number: {}", invoice.po_number));
    }
    note.retain(|part| !part.is_empty());
    let mut view = View::from([
        ("DocNumber", invoice.number.clone()),
        ("TxnDate", invoice.date.to_string()),
        ("CustomerRef", invoice.client_id.to_string()),
        ("CustomerMemo", invoice.public_notes.clone()),
        ("PrivateNote", note.join("\n")),
        ("TotalAmt", format!("{:.2}", invoice.amount)),
    ]);
    if let Some(date) = invoice.due_date {
        view.insert("DueDate", date.to_string());
    }
    let sales = invoice.lines.iter().filter(|line| !takes_off(line));
    let mut lines: Vec<String> = sales.filter_map(|line| sold(line, invoice)).collect();
    lines.sort();
    view.insert("Line", lines.join(" + "));
    // With prices that include their tax, the discount is spread over the taxes: the total tells enough.
    if !invoice.taxes_inclusive {
        view.insert("Discount", format!("{:.2}", discount));
    }
    view
}

fn takes_off(line: &InvoiceLine) -> bool {
    item_is_discount(&line.product_key) && line_total(line) < Decimal::ZERO
}

/// `item: amount without tax`, for a line that is worth anything.
fn sold(line: &InvoiceLine, invoice: &Invoice) -> Option<String> {
    let mut amount = line_total(line);
    if invoice.taxes_inclusive {
        amount = cents(amount / (Decimal::ONE + percent(line) / Decimal::ONE_HUNDRED));
    }
    let item = if line.product_key.is_empty() {
        "General services".to_owned()
    } else {
        item_known_as(&line.product_key)
    };
    (!amount.is_zero()).then(|| format!("{item}: {amount:.2}"))
}

/// An item's mark, or else its name: names may be edited, marks stay.
fn item_known_as(name: &str) -> String {
    let mut marks = BTreeSet::new();
    marks_in(name, &mut marks);
    marks.pop_first().unwrap_or_else(|| name.to_owned())
}

fn of_payment(payment: &Payment) -> View {
    let mut note = vec![payment.private_notes.clone(), format!("Payment number: {}", payment.number)];
    note.retain(|part| !part.is_empty());
    let mut lines: Vec<String> = payment
        .allocations
        .iter()
        .map(|allocation| format!("{}: {:.2}", allocation.invoice_id, allocation.amount))
        .collect();
    lines.sort();
    View::from([
        ("TotalAmt", format!("{:.2}", payment.amount)),
        ("TxnDate", payment.date.to_string()),
        ("PaymentRefNum", payment.reference.clone()),
        ("CustomerRef", payment.client_id.to_string()),
        ("PrivateNote", note.join("\n")),
        ("Line", lines.join(" + ")),
    ])
}

/// The same of an entity, with members besides that only a bookkeeper writes. `names` gives what the judge calls an
/// entity that this one refers to (`Customer/7`, `Item/3`, `Invoice/130`).
pub(crate) fn of_entity(entity: &str, value: &Value, names: &dyn Fn(&str) -> Option<String>) -> View {
    match entity {
        "Customer" => View::from([
            ("DisplayName", without_suffix(&text(value, "DisplayName"))),
            ("CompanyName", text(value, "CompanyName")),
            ("GivenName", text(value, "GivenName")),
            ("MiddleName", text(value, "MiddleName")),
            ("PrimaryEmailAddr", text(&value["PrimaryEmailAddr"], "Address")),
            ("PrimaryPhone", text(&value["PrimaryPhone"], "FreeFormNumber")),
            ("Mobile", text(&value["Mobile"], "FreeFormNumber")),
            ("BillAddr", address(&value["BillAddr"])),
            ("Notes", text(value, "Notes")),
        ]),
        "Item" => View::from([
            ("Name", without_suffix(&text(value, "Name"))),
            ("Description", text(value, "Description")),
            ("UnitPrice", decimal(&value["UnitPrice"]).normalize().to_string()),
            ("Sku", text(value, "Sku")),
        ]),
        "Invoice" => {
            let (lines, discount) = booked(value, names);
            View::from([
                ("DocNumber", text(value, "DocNumber")),
                ("TxnDate", text(value, "TxnDate")),
                ("DueDate", text(value, "DueDate")),
                ("CustomerRef", reference("Customer", &value["CustomerRef"], names)),
                ("CustomerMemo", text(&value["CustomerMemo"], "value")),
                ("PrivateNote", text(value, "PrivateNote")),
                ("BillEmail", text(&value["BillEmail"], "Address")),
                ("ClassRef", text(&value["ClassRef"], "value")),
                ("DepartmentRef", text(&value["DepartmentRef"], "value")),
                ("TotalAmt", format!("{:.2}", decimal(&value["TotalAmt"]))),
                ("Line", lines),
                ("Discount", discount),
            ])
        }
        _ => View::from([
            ("TotalAmt", format!("{:.2}", decimal(&value["TotalAmt"]))),
            ("TxnDate", text(value, "TxnDate")),
            ("PaymentRefNum", text(value, "PaymentRefNum")),
            ("CustomerRef", reference("Customer", &value["CustomerRef"], names)),
            ("PrivateNote", text(value, "PrivateNote")),
            ("Line", applied(value, names)),
            ("DepositToAccountRef", text(&value["DepositToAccountRef"], "value")),
        ]),
    }
}

/// What QuickBooks puts behind the name of what is made inactive.
pub(crate) fn without_suffix(name: &str) -> String {
    name.split(" (deleted").next().unwrap_or_default().to_owned()
}

fn address(value: &Value) -> String {
    let parts = [text(value, "Line1"), text(value, "City"), text(value, "PostalCode")];
    if parts.iter().all(String::is_empty) { String::new() } else { parts.join("|") }
}

fn reference(entity: &str, value: &Value, names: &dyn Fn(&str) -> Option<String>) -> String {
    let id = text(value, "value");
    names(&format!("{entity}/{id}")).unwrap_or_else(|| format!("{entity} {id}"))
}

/// The sales of an invoice, and all that is taken off them.
fn booked(value: &Value, names: &dyn Fn(&str) -> Option<String>) -> (String, String) {
    let mut lines = Vec::new();
    let mut discount = Decimal::ZERO;
    for line in value["Line"].as_array().into_iter().flatten() {
        let amount = decimal(&line["Amount"]);
        match line["DetailType"].as_str() {
            Some("DiscountLineDetail") => discount += amount,
            Some("SalesItemLineDetail") => {
                let item = reference("Item", &line["SalesItemLineDetail"]["ItemRef"], names);
                if amount < Decimal::ZERO && item_is_discount(&item) {
                    discount -= amount;
                } else if !amount.is_zero() {
                    lines.push(format!("{}: {amount:.2}", item_known_as(&item)));
                }
            }
            _ => {}
        }
    }
    lines.sort();
    (lines.join(" + "), format!("{discount:.2}"))
}

fn item_is_discount(item: &str) -> bool {
    item == "Discounts"
}

fn applied(value: &Value, names: &dyn Fn(&str) -> Option<String>) -> String {
    let line = |line: &Value| {
        let id = text(&line["LinkedTxn"][0], "TxnId");
        let invoice = names(&format!("Invoice/{id}")).unwrap_or(id);
        format!("{invoice}: {:.2}", decimal(&line["Amount"]))
    };
    let mut lines: Vec<String> = value["Line"].as_array().into_iter().flatten().map(line).collect();
    lines.sort();
    lines.join(" + ")
}
