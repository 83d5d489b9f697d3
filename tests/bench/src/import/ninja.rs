//! An Invoice Ninja as far as an import of clients and invoices asks for it. It takes what it is given, finds it again by
//! name, e-mail address, key and number, and lists what has changed, at once: the simulator, which is strict, looks through
//! all of its records for each.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{Path, Query, Request, State};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Map, Value, json};
use sync::ports::Clock;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::Now;

/// A running stand-in; dropping it stops it.
pub(crate) struct Ninja {
    /// Its address.
    pub(crate) url: String,
    kept: Kept,
    server: JoinHandle<()>,
}

type Kept = Arc<Mutex<Records>>;

#[derive(Default)]
struct Records {
    all: Vec<Map<String, Value>>,
    /// By sort, in the order in which they came.
    of: HashMap<String, Vec<usize>>,
    /// Requests so far.
    calls: u64,
    /// By sort, column and value.
    by: HashMap<(String, &'static str, String), Vec<usize>>,
}

fn lock(kept: &Kept) -> MutexGuard<'_, Records> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Ninja {
    pub(crate) async fn start() -> anyhow::Result<Ninja> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let kept = Kept::default();
        let router = Router::new()
            .route("/api/v1/statics", get(statics))
            .route("/api/v1/companies/current", post(company))
            .route("/api/v1/{sort}", get(list).post(create))
            .route("/api/v1/{sort}/{id}", get(one))
            .layer(middleware::from_fn_with_state(Arc::clone(&kept), count))
            .with_state(Arc::clone(&kept));
        let server = tokio::spawn(async move {
            // Serving ends only with the task.
            axum::serve(listener, router).await.ok();
        });
        Ok(Ninja { url, kept, server })
    }

    /// How many requests came since this was last asked.
    pub(crate) fn calls(&self) -> u64 {
        std::mem::take(&mut lock(&self.kept).calls)
    }

    /// How many records it has.
    pub(crate) fn records(&self) -> usize {
        lock(&self.kept).all.len()
    }
}

impl Drop for Ninja {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn count(State(kept): State<Kept>, request: Request, next: Next) -> Response {
    lock(&kept).calls += 1;
    next.run(request).await
}

async fn statics() -> Json<Value> {
    let currency = json!({"id": "1", "code": "USD", "name": "US Dollar"});
    let country = json!({"id": "840", "iso_3166_2": "US", "iso_3166_3": "USA", "name": "United States"});
    let payment = json!({"id": "1", "name": "Bank Transfer"});
    Json(json!({"currencies": [currency], "countries": [country], "payment_types": [payment]}))
}

async fn company() -> Json<Value> {
    Json(json!({"data": {"id": "company001", "settings": {"currency_id": "1"}, "custom_fields": {}}}))
}

/// The columns that records are found by.
fn columns(sort: &str) -> &'static [&'static str] {
    match sort {
        "clients" => &["name", "email"],
        "products" => &["product_key"],
        _ => &["number"],
    }
}

async fn list(
    State(kept): State<Kept>,
    Path(sort): Path<String>,
    Query(query): Query<HashMap<String, String>>,
) -> Json<Value> {
    let kept = lock(&kept);
    let asked = columns(&sort).iter().find_map(|column| Some((*column, query.get(*column)?.to_lowercase())));
    let (places, total) = match asked {
        Some((column, value)) => (kept.by.get(&(sort, column, value)).cloned().unwrap_or_default(), 1),
        None => kept.changed(&sort, &query),
    };
    let rows: Vec<&Map<String, Value>> = places.iter().filter_map(|place| kept.all.get(*place)).collect();
    Json(json!({"meta": {"pagination": {"total_pages": total}}, "data": rows}))
}

impl Records {
    /// A page of what has changed since `updated_at`, and how many pages there are. Nothing changes here but by coming.
    fn changed(&self, sort: &str, query: &HashMap<String, String>) -> (Vec<usize>, usize) {
        let number = |name: &str| query.get(name).and_then(|value| value.parse::<usize>().ok());
        let since = number("updated_at").unwrap_or_default();
        let (page, rows) = (number("page").unwrap_or(1).max(1), number("per_page").unwrap_or(20).max(1));
        let of = self.of.get(sort).map(Vec::as_slice).unwrap_or_default();
        let came = |place: &usize| self.all[*place]["updated_at"].as_u64().unwrap_or_default();
        let since = u64::try_from(since).unwrap_or_default();
        let changed = &of[of.partition_point(|place| came(place) < since)..];
        let some = changed.iter().skip((page - 1) * rows).take(rows).copied().collect();
        (some, changed.len().div_ceil(rows).max(1))
    }
}

async fn one(State(kept): State<Kept>, Path((_, id)): Path<(String, String)>) -> Json<Value> {
    let kept = lock(&kept);
    let place = id.trim_start_matches(|c: char| !c.is_ascii_digit()).parse::<usize>().ok();
    Json(json!({"data": place.and_then(|place| kept.all.get(place))}))
}

async fn create(
    State(kept): State<Kept>,
    Path(sort): Path<String>,
    Json(mut record): Json<Map<String, Value>>,
) -> Json<Value> {
    let mut kept = lock(&kept);
    let place = kept.all.len();
    record.insert("id".to_owned(), format!("record{place:08}").into());
    record.insert("updated_at".to_owned(), Now.now().as_second().into());
    if sort == "invoices" {
        fill_in_invoice(&mut record);
        let client = record.get("client_id").and_then(Value::as_str).unwrap_or_default();
        let client = client.trim_start_matches("record").parse::<usize>().ok();
        let client = client.and_then(|place| kept.all.get(place)).cloned().unwrap_or_default();
        record.insert("client".to_owned(), client.into());
    }
    for column in columns(&sort) {
        let value = match *column {
            "email" => record.get("contacts").and_then(|contacts| contacts[0]["email"].as_str()),
            column => record.get(column).and_then(Value::as_str),
        };
        let key = (sort.clone(), *column, value.unwrap_or_default().to_lowercase());
        kept.by.entry(key).or_default().push(place);
    }
    kept.of.entry(sort).or_default().push(place);
    kept.all.push(record.clone());
    Json(json!({ "data": record }))
}

/// What the app works out itself.
fn fill_in_invoice(record: &mut Map<String, Value>) {
    let number = |value: &Value| value.to_string().trim_matches('"').parse::<rust_decimal::Decimal>().ok();
    let lines = record.get("line_items").and_then(Value::as_array).cloned().unwrap_or_default();
    let total: rust_decimal::Decimal =
        lines.iter().filter_map(|line| Some(number(&line["quantity"])? * number(&line["cost"])?)).sum();
    let total = Value::from(serde_json::from_str::<serde_json::Number>(&total.to_string()).ok());
    for (name, value) in [
        ("amount", total.clone()),
        ("balance", total),
        ("status_id", "2".into()),
        ("exchange_rate", 1.into()),
    ] {
        record.insert(name.to_owned(), value);
    }
}
