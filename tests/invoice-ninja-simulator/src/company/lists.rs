//! Lists: filters, order and pages (Invoice Ninja API: filters).
//!
//! A filter that is misspelled, unknown or malformed is ignored, and the whole list comes.

use std::cmp::Ordering;

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::answer::includes;
use super::kinds::Kind;
use super::record::{Members, Record, decimal, objects};
use super::refusal::Refusal;
use super::{Company, Request, User, ids};

const ROWS: usize = 20;
const MOST_ROWS: usize = 5000;

/// One page of a list.
pub(crate) struct List {
    pub(crate) rows: Vec<Value>,
    pub(crate) total: usize,
    pub(crate) page: usize,
    pub(crate) per_page: usize,
}

impl List {
    pub(crate) fn pagination(&self) -> Value {
        let pages = self.total.div_ceil(self.per_page).max(1);
        let mut links = Record::new();
        if self.page > 1 {
            links.put("previous", format!("?page={}", self.page - 1));
        }
        if self.page < pages {
            links.put("next", format!("?page={}", self.page + 1));
        }
        // PHP writes an empty object as an empty list.
        let links = if links.is_empty() { json!([]) } else { Value::Object(links) };
        json!({
            "total": self.total,
            "count": self.rows.len(),
            "per_page": self.per_page,
            "current_page": self.page,
            "total_pages": pages,
            "links": links,
        })
    }
}

impl Company {
    pub(crate) fn list(&mut self, kind: Kind, request: &Request, user: &User) -> Result<List, Refusal> {
        let includes = includes(kind, request)?;
        let order = Order::of(kind, request)?;
        let seen = |id: &u64| self.sees(user, kind, *id);
        let mut found: Vec<(u64, &Record)> =
            self.store.rows(kind).filter(|(id, row)| seen(id) && self.fits(kind, row, request)).collect();
        match &order {
            Some(order) => found.sort_by(|one, other| order.compare(*one, *other)),
            // Without an order the rows come as they like: never twice alike.
            None => {
                let turns = usize::try_from(self.lists).unwrap_or_default();
                let by = turns.checked_rem(found.len()).unwrap_or_default();
                found.rotate_left(by);
            }
        }
        let number = |name| request.parameter(name).and_then(|text| text.parse::<usize>().ok());
        let per_page = number("per_page").filter(|rows| *rows > 0).unwrap_or(ROWS).min(MOST_ROWS);
        let page = number("page").filter(|page| *page > 0).unwrap_or(1);
        let skipped = (page - 1).saturating_mul(per_page);
        let rows = found.iter().skip(skipped).take(per_page);
        let rows = rows.map(|(_, row)| self.shown_with(kind, row, &includes)).collect();
        let total = found.len();
        self.lists += 1;
        Ok(List { rows, total, page, per_page })
    }

    fn fits(&self, kind: Kind, row: &Record, request: &Request) -> bool {
        request.query.iter().all(|(name, value)| {
            is_common(name, row, value)
                .or_else(|| self.is_of_client(kind, name, row, value))
                .or_else(|| is_of_kind(kind, name, row, value))
                .unwrap_or(true)
        })
    }

    /// The filters that are about the record's client.
    fn is_of_client(&self, kind: Kind, name: &str, row: &Record, value: &str) -> Option<bool> {
        let client_id = if kind == Kind::Client { row.text("id") } else { row.text("client_id") };
        match name {
            "client_id" => ids::read(value).map(|_| client_id == value),
            "filter_deleted_clients" | "without_deleted_clients" if value == "true" => {
                let client = ids::read(client_id).and_then(|id| self.store.row(Kind::Client, id))?;
                Some(!client.flag("is_deleted"))
            }
            "payable" if kind == Kind::Invoice => ids::read(value).map(|_| {
                client_id == value
                    && matches!(row.text("status_id"), "1" | "2" | "3")
                    && row.money("balance") > Decimal::ZERO
            }),
            _ => None,
        }
    }
}

/// None: not a filter, or not one that can be read.
fn is_common(name: &str, row: &Record, value: &str) -> Option<bool> {
    match name {
        "status" => {
            let state = match (row.flag("is_deleted"), row.seconds("archived_at")) {
                (true, _) => "deleted",
                (false, 0) => "active",
                (false, _) => "archived",
            };
            let mut asked =
                value.split(',').filter(|it| matches!(*it, "active" | "archived" | "deleted")).peekable();
            asked.peek()?;
            Some(asked.any(|it| it == state))
        }
        "updated_at" | "created_at" => value.parse::<i64>().ok().map(|since| row.seconds(name) >= since),
        "with_trashed" if value == "false" => Some(!row.flag("is_deleted")),
        _ => None,
    }
}

fn is_of_kind(kind: Kind, name: &str, row: &Record, value: &str) -> Option<bool> {
    let contains = |column: &str| row.text(column).to_lowercase().contains(&value.to_lowercase());
    match (kind, name) {
        (_, "filter") if !value.is_empty() => Some(
            row.keys().any(|column| kind.searches(column) && contains(column))
                || objects(row, "contacts").any(|it| {
                    ["first_name", "last_name", "email"]
                        .iter()
                        .any(|column| it.text(column).to_lowercase().contains(&value.to_lowercase()))
                }),
        ),
        (Kind::Client | Kind::TaxRate, "name") => Some(contains("name")),
        (Kind::Client, "email") => Some(objects(row, "contacts").any(|it| it.text("email") == value)),
        (Kind::Client, "id_number") | (Kind::Client | Kind::Invoice | Kind::Payment, "number") => {
            Some(row.text(name) == value)
        }
        (Kind::Client, "balance") => compares(row.money("balance"), value),
        (Kind::Product, "product_key") => Some(row.text("product_key") == value),
        (Kind::Invoice, "client_status") => invoice_status(row, value),
        (Kind::Invoice, "status_id") => Some(value.split(',').any(|status| row.text("status_id") == status)),
        (Kind::Invoice, "date" | "due_date") => {
            super::record::is_date(value).then(|| row.text(name) >= value)
        }
        (Kind::Invoice, "private_notes") => Some(contains("private_notes")),
        (Kind::Payment, "client_status") => payment_status(row, value),
        _ => None,
    }
}

/// `gt:100`, and as older versions have it `100:gt`.
fn compares(amount: Decimal, value: &str) -> Option<bool> {
    let (one, other) = value.split_once(':')?;
    let (operator, number) = match one.parse::<Decimal>() {
        Ok(number) => (other, number),
        Err(_) => (one, other.parse().ok()?),
    };
    match operator {
        "lt" => Some(amount < number),
        "lte" => Some(amount <= number),
        "gt" => Some(amount > number),
        "gte" => Some(amount >= number),
        "eq" => Some(amount == number),
        _ => None,
    }
}

fn invoice_status(row: &Record, value: &str) -> Option<bool> {
    let status = row.text("status_id");
    let mut asked = value
        .split(',')
        .filter_map(|name| match name {
            "all" => Some(true),
            "draft" => Some(status == "1"),
            "unpaid" => Some(matches!(status, "2" | "3")),
            "paid" => Some(status == "4"),
            "cancelled" => Some(status == "5"),
            "reversed" => Some(status == "6"),
            _ => None,
        })
        .peekable();
    asked.peek()?;
    Some(asked.any(|fits| fits))
}

fn payment_status(row: &Record, value: &str) -> Option<bool> {
    let status = row.text("status_id");
    let mut asked = value
        .split(',')
        .filter_map(|name| match name {
            "all" => Some(true),
            "pending" => Some(status == "1"),
            "cancelled" => Some(status == "2"),
            "failed" => Some(status == "3"),
            "completed" => Some(status == "4"),
            "partially_refunded" => Some(status == "5"),
            "refunded" => Some(status == "6"),
            "partially_unapplied" => Some(row.money("applied") < row.money("amount")),
            _ => None,
        })
        .peekable();
    asked.peek()?;
    Some(asked.any(|fits| fits))
}

/// `sort=column|direction`. Rows that are alike come by id.
struct Order {
    column: String,
    descending: bool,
}

impl Order {
    /// None: nothing that can be sorted by. Of clients and products an unknown column is a failure of the database,
    /// of others it is ignored.
    fn of(kind: Kind, request: &Request) -> Result<Option<Self>, Refusal> {
        let Some((column, direction)) = request.parameter("sort").and_then(|sort| sort.split_once('|'))
        else {
            return Ok(None);
        };
        let written = kind.fields().iter().any(|(name, _)| *name == column);
        let computed =
            ["id", "created_at", "updated_at", "archived_at", "amount", "balance", "status_id", "client_id"];
        if !written && !computed.contains(&column) {
            return match kind {
                Kind::Client | Kind::Product => Err(Refusal::no_such_column(column)),
                _ => Ok(None),
            };
        }
        Ok(Some(Self { column: column.to_owned(), descending: direction == "desc" }))
    }

    fn compare(&self, (id, row): (u64, &Record), (other_id, other): (u64, &Record)) -> Ordering {
        let by_column = match self.column.as_str() {
            "id" => Ordering::Equal,
            column => match (row.get(column), other.get(column)) {
                (Some(Value::Number(one)), Some(Value::Number(two))) => {
                    decimal(&Value::Number(one.clone())).cmp(&decimal(&Value::Number(two.clone())))
                }
                _ => row.text(column).cmp(other.text(column)),
            },
        };
        let order = by_column.then(id.cmp(&other_id));
        if self.descending { order.reverse() } else { order }
    }
}
