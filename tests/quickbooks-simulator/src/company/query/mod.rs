//! The query operation. Intuit: Data queries.

mod filter;
mod lexer;
mod parser;
mod properties;

use std::cmp::Ordering;

use filter::{Filter, key, unusable};
use jiff::Timestamp;
use parser::{Selection, Sorting, Statement, parse};
use properties::{Property, sortable};
use serde_json::{Value, json};

use super::{
    Company,
    faults::Fault,
    kinds::{self, Kind},
    store::{Row, Table, number_of},
    wire::Object,
};

const DEFAULT_PAGE: usize = 100;
const LARGEST_PAGE: usize = 1000;

/// Which rows of the result to return.
struct Page {
    skip: usize,
    take: usize,
}

impl Company {
    /// Executes a statement; the answer is `{"QueryResponse": ...}`.
    pub(crate) fn query(&self, statement: &str, now: Timestamp) -> Result<Object, Fault> {
        let statement = parse(statement)?;
        let page = self.page(&statement)?;
        let response = match Kind::named(&statement.entity) {
            Some(kind) => self.select(kind, &statement, &page, now)?,
            None if kinds::EMPTY.iter().any(|known| known.eq_ignore_ascii_case(&statement.entity)) => {
                match statement.selection {
                    Selection::Count => json!({ "totalCount": 0 }),
                    _ => json!({}),
                }
            }
            None => {
                let detail = format!("invalid context declaration: {}", statement.entity);
                return Err(Fault::invalid_query(&detail));
            }
        };
        Ok(Object::from_iter([("QueryResponse".to_owned(), response)]))
    }

    fn page(&self, statement: &Statement) -> Result<Page, Fault> {
        let start = statement.start.as_deref().map_or(Ok(1), positive)?;
        let most = statement.most.as_deref().map_or(Ok(DEFAULT_PAGE), positive)?;
        if most > LARGEST_PAGE && self.switches.refuse_large_pages {
            let detail = format!("value {most} is too large. Max allowed value is {LARGEST_PAGE}");
            return Err(Fault::invalid_query(&detail));
        }
        Ok(Page { skip: start - 1, take: most.min(LARGEST_PAGE) })
    }

    fn select(&self, kind: Kind, statement: &Statement, page: &Page, now: Timestamp) -> Result<Value, Fault> {
        let filters = statement.conditions.iter().map(|condition| Filter::new(kind, condition, now));
        let filters = filters.collect::<Result<Vec<_>, _>>()?;
        let order = sorting(kind, &statement.order)?;
        let members = match &statement.selection {
            Selection::Members(members) => Some(projection(kind, members)?),
            Selection::Everything | Selection::Count => None,
        };
        let shown_from = now.as_second() - i64::from(self.switches.query_lag_seconds);
        let accepts = |row: &&Row| {
            let visible = self.switches.query_lag_seconds == 0 || row.created <= shown_from;
            visible && filters.iter().all(|filter| filter.accepts(row))
        };
        let pseudo = self.matching_pseudo_codes(kind, &filters);
        let empty = Table::default();
        let table = self.store.table(kind).unwrap_or(&empty);
        let found = table_rows(kind, table, &filters, &order);
        if statement.selection == Selection::Count {
            return Ok(json!({ "totalCount": found.filter(accepts).count() + pseudo.len() }));
        }
        let mut rows: Vec<Value> = if page.skip == 0 { pseudo } else { Vec::new() };
        rows.extend(found.filter(accepts).skip(page.skip).take(page.take).map(|row| row.value.clone()));
        if rows.is_empty() {
            return Ok(json!({}));
        }
        if let Some(members) = members {
            rows = rows.iter().map(|row| project(row, &members)).collect();
        }
        let count = rows.len();
        Ok(json!({ kind.name(): rows, "startPosition": page.skip + 1, "maxResults": count }))
    }

    /// The codes that are no objects come before any page of objects.
    fn matching_pseudo_codes(&self, kind: Kind, filters: &[Filter]) -> Vec<Value> {
        if kind != Kind::TaxCode {
            return Vec::new();
        }
        let at = self.created.as_second();
        let rows = self.pseudo_tax_codes().into_iter().map(|value| Row { value, created: at, changed: at });
        rows.filter(|row| filters.iter().all(|filter| filter.accepts(row))).map(|row| row.value).collect()
    }
}

fn positive(image: &str) -> Result<usize, Fault> {
    match image.parse::<i128>() {
        Ok(value) if value < 1 => {
            Err(Fault::invalid_query(&format!("value {image} is too small. Min allowed value is 1")))
        }
        Ok(value) => Ok(usize::try_from(value).unwrap_or(usize::MAX)),
        Err(_) => Err(Fault::invalid_query(&format!("value {image} is not a whole number"))),
    }
}

fn sorting(kind: Kind, order: &[Sorting]) -> Result<Vec<(Property, bool)>, Fault> {
    let sorted = order.iter().map(|sorting| {
        let property = sortable(kind, &sorting.member).ok_or_else(|| unusable(kind, &sorting.member))?;
        Ok((property, sorting.descending))
    });
    sorted.collect()
}

/// All rows that the filters may accept, in order. An index narrows them where one fits; where the order is an
/// index's own, rows are read no further than the page needs.
fn table_rows<'a>(
    kind: Kind,
    table: &'a Table,
    filters: &[Filter],
    order: &[(Property, bool)],
) -> Box<dyn Iterator<Item = &'a Row> + 'a> {
    let skip_inactive = !filters.iter().any(|filter| filter.property.name == "Active");
    let shown = move |row: &&Row| !skip_inactive || row.value.get("Active") != Some(&Value::Bool(false));
    let narrowed = filters.iter().find_map(|filter| narrowed(table, filter));
    if narrowed.is_none()
        && let Some(ids) = in_index_order(kind, table, order)
    {
        return Box::new(ids.filter_map(|id| table.row(id)).filter(shown));
    }
    let mut rows: Vec<&Row> = match narrowed {
        Some(ids) => ids.into_iter().filter_map(|id| table.row(id)).filter(shown).collect(),
        None => table.rows().map(|(_, row)| row).filter(shown).collect(),
    };
    // What the filters refuse need not be sorted.
    rows.retain(|row| filters.iter().all(|filter| filter.accepts(row)));
    sort(kind, &mut rows, order);
    Box::new(rows.into_iter())
}

fn narrowed(table: &Table, filter: &Filter) -> Option<Vec<u64>> {
    let mut ids: Vec<u64> = match filter.property.name {
        "Id" => filter.exact_texts()?.into_iter().filter_map(number_of).collect(),
        "DisplayName" | "Name" => {
            filter.exact_texts()?.into_iter().flat_map(|name| table.ids_by_own_name(name)).collect()
        }
        "DocNumber" => {
            filter.exact_texts()?.into_iter().flat_map(|number| table.ids_by_number(number)).collect()
        }
        "CustomerRef" => filter.exact_texts()?.into_iter().flat_map(|id| table.ids_by_customer(id)).collect(),
        "MetaData.LastUpdatedTime" => table.ids_by_change(filter.earliest()?).collect(),
        _ => return None,
    };
    ids.sort_unstable();
    ids.dedup();
    Some(ids)
}

fn in_index_order<'a>(
    kind: Kind,
    table: &'a Table,
    order: &[(Property, bool)],
) -> Option<Box<dyn Iterator<Item = u64> + 'a>> {
    match order {
        [] if kind.is_transaction() => Some(Box::new(table.ids_by_change(i64::MIN).rev())),
        [] if kind.name_member().is_some() => Some(Box::new(table.ids_by_name())),
        [] => Some(Box::new(table.rows().map(|(id, _)| id))),
        [(property, descending)] => match (property.name, descending) {
            ("Id", false) => Some(Box::new(table.rows().map(|(id, _)| id))),
            ("Id", true) => Some(Box::new(table.rows().rev().map(|(id, _)| id))),
            ("MetaData.LastUpdatedTime", false) => Some(Box::new(table.ids_by_change(i64::MIN))),
            ("MetaData.LastUpdatedTime", true) => Some(Box::new(table.ids_by_change(i64::MIN).rev())),
            ("FullyQualifiedName", false) => Some(Box::new(table.ids_by_name())),
            _ => None,
        },
        _ => None,
    }
}

/// The order asked for, else that of the recordings: names by full name, transactions by last change, the latest
/// first. Equals stay in the order of their ids.
fn sort(kind: Kind, rows: &mut [&Row], order: &[(Property, bool)]) {
    let by_default = |a: &&Row, b: &&Row| {
        if kind.is_transaction() {
            return b.changed.cmp(&a.changed);
        }
        let name = |row: &Row| {
            let names = ["FullyQualifiedName", "DisplayName", "Name"];
            names.iter().find_map(|name| row.value.get(name)?.as_str().map(str::to_lowercase))
        };
        name(a).cmp(&name(b))
    };
    if order.is_empty() {
        rows.sort_by(by_default);
        return;
    }
    let id = |row: &Row| row.value.get("Id").and_then(Value::as_str).and_then(number_of);
    rows.sort_by(|a, b| {
        order.iter().fold(Ordering::Equal, |decided, (property, descending)| {
            decided.then_with(|| {
                let ordering = if property.name == "Id" {
                    id(a).cmp(&id(b))
                } else {
                    key(*property, a).cmp(&key(*property, b))
                };
                if *descending { ordering.reverse() } else { ordering }
            })
        })
    });
}

/// The members asked for, in their proper spelling.
fn projection(kind: Kind, members: &[String]) -> Result<Vec<Vec<&'static str>>, Fault> {
    let class = kind.class();
    let paths = members.iter().map(|member| {
        let (first, second) = member.split_once('.').map_or((member.as_str(), None), |(a, b)| (a, Some(b)));
        let proper = |names: &[&'static str], name: &str| {
            names.iter().find(|known| known.eq_ignore_ascii_case(name)).copied()
        };
        let not_found =
            || Fault::invalid_query(&format!("Property {member} not found for Entity {}", kind.name()));
        let mut path = vec![proper(&class.names(), first).ok_or_else(not_found)?];
        if let Some(second) = second {
            path.push(
                proper(&["CreateTime", "LastUpdatedTime", "value", "name", "Address"], second)
                    .ok_or_else(not_found)?,
            );
        }
        Ok(path)
    });
    paths.collect()
}

/// Only these members, marked sparse.
fn project(row: &Value, members: &[Vec<&'static str>]) -> Value {
    let mut object = json!({ "domain": "QBO", "sparse": true });
    for path in members {
        match path.as_slice() {
            [member] => {
                if let Some(value) = row.get(member) {
                    object[*member] = value.clone();
                }
            }
            [member, inner] => {
                if let Some(value) = row.get(member).and_then(|value| value.get(inner)) {
                    object[*member][*inner] = value.clone();
                }
            }
            _ => {}
        }
    }
    object
}
