//! The fields of a record that a bookkeeper fills in.

use maud::{Markup, html};
use serde_json::{Value, json};

use super::{List, is_voided, is_zero, list, text};
use crate::company::Company;

/// Empty rows for more lines on an invoice.
const MORE_LINES: usize = 3;

/// Members that are filled in as they are, by their paths: what they are called, and what sort of input they get.
pub(super) fn plain(list: List) -> &'static [(&'static str, &'static str, &'static str)] {
    match list {
        List::Customer => &[
            ("DisplayName", "Name", "text"),
            ("GivenName", "First name", "text"),
            ("FamilyName", "Last name", "text"),
            ("PrimaryEmailAddr/Address", "E-mail", "email"),
            ("PrimaryPhone/FreeFormNumber", "Telephone", "text"),
            ("BillAddr/Line1", "Street", "text"),
            ("BillAddr/City", "City", "text"),
            ("BillAddr/CountrySubDivisionCode", "State", "text"),
            ("BillAddr/PostalCode", "Postal code", "text"),
            ("Notes", "Notes", "text"),
        ],
        List::Item => &[
            ("Name", "Name", "text"),
            ("Description", "Description", "text"),
            ("UnitPrice", "Price", "text"),
        ],
        List::Invoice => &[
            ("DocNumber", "Number", "text"),
            ("TxnDate", "Date", "date"),
            ("DueDate", "Due", "date"),
            ("CustomerMemo/value", "Message to the customer", "text"),
            ("PrivateNote", "Private note", "text"),
        ],
        List::Payment => &[
            ("TotalAmt", "Amount", "text"),
            ("TxnDate", "Date", "date"),
            ("PaymentRefNum", "Reference", "text"),
            ("PrivateNote", "Private note", "text"),
        ],
    }
}

/// The members of a line of an invoice, by their paths.
pub(super) const OF_LINE: [(&str, &str); 4] = [
    ("SalesItemLineDetail/ItemRef/value", "Item"),
    ("Description", "Description"),
    ("SalesItemLineDetail/Qty", "Quantity"),
    ("SalesItemLineDetail/UnitPrice", "Price"),
];

/// All fields of a record; of an empty one those that it takes to make it.
pub(super) fn fields(company: &Company, of: List, record: &Value) -> Markup {
    let is_new = text(record, "Id").is_empty();
    html! {
        @if is_new && matches!(of, List::Invoice | List::Payment) {
            (choice("CustomerRef/value", "Customer", &customers(company), ""))
        }
        @for (name, label, kind) in plain(of) {
            label { (label) input name=(name) type=(kind) value=(text(record, name)); }
        }
        @match of {
            List::Invoice => (lines(company, record)),
            List::Payment => (paid(company, record, is_new)),
            List::Customer | List::Item => {}
        }
    }
}

/// A list to choose from: values with their labels.
fn choice(name: &str, label: &str, options: &[(String, String)], chosen: &str) -> Markup {
    html! {
        label {
            (label)
            select name=(name) {
                option value="" {}
                @for (value, label) in options {
                    option value=(value) selected[value == chosen] { (label) }
                }
            }
        }
    }
}

/// Whether a line sells something: subtotals and discounts are QuickBooks' own.
pub(super) fn is_sale(line: &Value) -> bool {
    line.get("SalesItemLineDetail").is_some()
}

fn lines(company: &Company, invoice: &Value) -> Markup {
    let (items, nothing) = (items(company), json!({}));
    let sales = list(invoice, "Line").filter(|line| is_sale(line));
    let rows: Vec<&Value> = sales.chain(std::iter::repeat_n(&nothing, MORE_LINES)).collect();
    html! {
        fieldset {
            legend { "Lines (a line without an item is left out)" }
            @for (n, line) in rows.iter().enumerate() {
                div.line {
                    @for (path, label) in OF_LINE {
                        @let (name, value) = (format!("{path}.{n}"), text(line, path));
                        @if label == "Item" {
                            (choice(&name, label, &items, &value))
                        } @else {
                            label { (label) input name=(name) value=(value); }
                        }
                    }
                }
            }
        }
    }
}

/// How much of a payment goes to each invoice.
fn paid(company: &Company, payment: &Value, is_new: bool) -> Markup {
    let customer = text(payment, "CustomerRef/value");
    let by_this = |id: &str| list(payment, "Line").find(|line| invoice_of(line) == id);
    let invoices = company.entities("Invoice").into_iter().filter(|invoice| {
        let is_open = !is_zero(invoice, "Balance") && !is_voided(invoice);
        let is_theirs = is_new || text(invoice, "CustomerRef/value") == customer;
        is_theirs && (is_open || by_this(&text(invoice, "Id")).is_some())
    });
    html! {
        fieldset {
            legend { "For invoices" }
            @for invoice in invoices {
                @let id = text(invoice, "Id");
                label {
                    (text(invoice, "DocNumber")) " of " (text(invoice, "CustomerRef/name")) ", "
                    (text(invoice, "Balance")) " open"
                    input name={ "paid." (id) } value=(by_this(&id).map_or_else(String::new, |line| text(line, "Amount")));
                }
            }
        }
    }
}

/// The invoice that a payment's line pays.
fn invoice_of(line: &Value) -> String {
    list(line, "LinkedTxn").next().map_or_else(String::new, |linked| text(linked, "TxnId"))
}

fn customers(company: &Company) -> Vec<(String, String)> {
    let active = company.entities("Customer").into_iter().filter(|it| it["Active"] != false);
    active.map(|it| (text(it, "Id"), text(it, "DisplayName"))).collect()
}

fn items(company: &Company) -> Vec<(String, String)> {
    let sold = company
        .entities("Item")
        .into_iter()
        .filter(|it| it["Active"] != false && !matches!(text(it, "Type").as_str(), "Category" | "Group"));
    sold.map(|it| (text(it, "Id"), text(it, "FullyQualifiedName"))).collect()
}
