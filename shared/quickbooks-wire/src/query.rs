//! Queries in Intuit's query language (Intuit: Data queries).
//!
//! Values are quoted here and nowhere else. Entity and property names are fixed in the source, so that text from
//! outside can only ever become a quoted value.
//!
//! ```
//! use quickbooks_wire::query::{Query, eq};
//!
//! let query = Query::from("Customer").filter(eq("DisplayName", "Amy's Birds")).active_and_inactive();
//! assert_eq!(
//!     query.to_string(),
//!     r"select * from Customer where DisplayName = 'Amy\'s Birds' and Active in (true, false)",
//! );
//! ```

use std::fmt;

/// The most rows a page can have (Intuit: Data queries).
pub const MAX_PAGE: u32 = 1000;

/// A query. [`Display`](fmt::Display) writes the statement, not yet percent-encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Query {
    columns: &'static str,
    entity: &'static str,
    conditions: Vec<Condition>,
    order: Vec<(&'static str, Order)>,
    start: Option<u64>,
    max: Option<u32>,
}

/// A condition on one property. Conditions of a query all have to hold; the language has no `or`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Condition(String);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Ascending,
    Descending,
}

impl Query {
    /// All members of the active objects of a kind.
    pub fn from(entity: &'static str) -> Self {
        Self { columns: "*", entity, conditions: Vec::new(), order: Vec::new(), start: None, max: None }
    }

    /// How many active objects of a kind there are.
    pub fn count(entity: &'static str) -> Self {
        Self { columns: "count(*)", ..Self::from(entity) }
    }

    /// Only what also meets `condition`.
    pub fn filter(mut self, condition: Condition) -> Self {
        self.conditions.push(condition);
        self
    }

    /// Inactive objects too. Leaves out the US pseudo tax codes, which are neither.
    pub fn active_and_inactive(self) -> Self {
        self.filter(Condition("Active in (true, false)".into()))
    }

    /// Ascending by `property`, after the orders given before. The order of pages is not promised without one.
    pub fn order_by(mut self, property: &'static str) -> Self {
        self.order.push((property, Order::Ascending));
        self
    }

    /// Descending by `property`, after the orders given before.
    pub fn order_by_descending(mut self, property: &'static str) -> Self {
        self.order.push((property, Order::Descending));
        self
    }

    /// Begin with row `position`, counted from 1.
    pub fn start(mut self, position: u64) -> Self {
        self.start = Some(position.max(1));
        self
    }

    /// At most `rows` rows, and never more than [`MAX_PAGE`]. 100 if it is not set.
    pub fn max(mut self, rows: u32) -> Self {
        self.max = Some(rows.clamp(1, MAX_PAGE));
        self
    }

    /// The kind asked for.
    pub fn entity(&self) -> &'static str {
        self.entity
    }
}

impl fmt::Display for Query {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "select {} from {}", self.columns, self.entity)?;
        for (place, Condition(text)) in self.conditions.iter().enumerate() {
            write!(out, " {} {text}", if place == 0 { "where" } else { "and" })?;
        }
        for (place, (property, order)) in self.order.iter().enumerate() {
            write!(out, "{} {property}", if place == 0 { " orderby" } else { "," })?;
            if *order == Order::Descending {
                out.write_str(" desc")?;
            }
        }
        if let Some(position) = self.start {
            write!(out, " startposition {position}")?;
        }
        if let Some(rows) = self.max {
            write!(out, " maxresults {rows}")?;
        }
        Ok(())
    }
}

/// `property` is `value`. QuickBooks compares text without regard to letter case.
pub fn eq(property: &'static str, value: &str) -> Condition {
    compare(property, "=", value)
}

/// `property` is more than `value`.
pub fn gt(property: &'static str, value: &str) -> Condition {
    compare(property, ">", value)
}

/// `property` is `value` or more.
pub fn ge(property: &'static str, value: &str) -> Condition {
    compare(property, ">=", value)
}

/// `property` is less than `value`.
pub fn lt(property: &'static str, value: &str) -> Condition {
    compare(property, "<", value)
}

/// `property` is `value` or less.
pub fn le(property: &'static str, value: &str) -> Condition {
    compare(property, "<=", value)
}

/// `property` is one of `values`. QuickBooks refuses an empty list.
pub fn is_in<V: AsRef<str>>(property: &'static str, values: impl IntoIterator<Item = V>) -> Condition {
    let values: Vec<String> = values.into_iter().map(|value| quote(value.as_ref())).collect();
    Condition(format!("{property} in ({})", values.join(", ")))
}

fn compare(property: &'static str, operator: &str, value: &str) -> Condition {
    Condition(format!("{property} {operator} {}", quote(value)))
}

/// Quotes a value. The backslash is escaped as well as the apostrophe: otherwise a value that ends in one would
/// swallow the closing quote.
fn quote(value: &str) -> String {
    format!("'{}'", value.replace('\\', r"\\").replace('\'', r"\'"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, proptest};

    use super::*;

    /// Reads a quoted value from the start of `text`: the value and what follows it.
    fn unquote(text: &str) -> Option<(String, &str)> {
        let mut rest = text.strip_prefix('\'')?.chars();
        let mut value = String::new();
        loop {
            match rest.next()? {
                '\'' => return Some((value, rest.as_str())),
                '\\' => value.push(rest.next()?),
                plain => value.push(plain),
            }
        }
    }

    proptest! {
        #[test]
        fn any_text_survives_quoting(value in any::<String>()) {
            let query = Query::from("Customer").filter(eq("DisplayName", &value)).max(1).to_string();
            let quoted = query.strip_prefix("select * from Customer where DisplayName = ").unwrap();
            assert_eq!(unquote(quoted).unwrap(), (value, " maxresults 1"));
        }

        #[test]
        fn lists_keep_their_values_apart(values in proptest::collection::vec(r"['\\, a]{0,6}", 1..5)) {
            let Condition(text) = is_in("Id", &values);
            let mut rest = text.strip_prefix("Id in (").unwrap();
            for value in &values {
                let (read, after) = unquote(rest).unwrap();
                assert_eq!(&read, value);
                rest = after.strip_prefix(", ").unwrap_or(after);
            }
            assert_eq!(rest, ")");
        }
    }

    #[test]
    fn clauses_come_in_the_order_intuit_wants() {
        let query = Query::from("Invoice")
            .filter(eq("CustomerRef", "58"))
            .filter(gt("MetaData.LastUpdatedTime", "2026-03-01T00:00:00-08:00"))
            .order_by("MetaData.LastUpdatedTime")
            .order_by_descending("Id")
            .start(101)
            .max(5000);
        insta::assert_snapshot!(query, @"select * from Invoice where CustomerRef = '58' and MetaData.LastUpdatedTime > '2026-03-01T00:00:00-08:00' orderby MetaData.LastUpdatedTime, Id desc startposition 101 maxresults 1000");
    }

    #[test]
    fn conditions() {
        let query = Query::count("Item")
            .filter(lt("UnitPrice", "10.5"))
            .filter(is_in("Type", ["Service", "NonInventory"]))
            .active_and_inactive();
        insta::assert_snapshot!(query, @"select count(*) from Item where UnitPrice < '10.5' and Type in ('Service', 'NonInventory') and Active in (true, false)");
    }

    #[test]
    fn pages_begin_at_one() {
        insta::assert_snapshot!(Query::from("Term").start(0).max(0), @"select * from Term startposition 1 maxresults 1");
    }
}
