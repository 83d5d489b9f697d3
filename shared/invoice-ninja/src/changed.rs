//! Lists by the time of change (Invoice Ninja API: filters).
//!
//! Rows move to the end when they change while the list is read, so that pages by number would skip some. Each page
//! therefore begins at the last second of the one before; only within one second are pages counted. An app that ignores
//! the filter or the order is read by page numbers alone, and what was not wanted is left out here.

use jiff::Timestamp;
use sync::model::Kind;
use sync::ports::{BillingError, Page};

use crate::client::{Client, Rows, includes, odd, path};
use crate::json::{Loose, Object};
use crate::mapping;

/// Where a page begins: `second:page`, or `all:page` for an app that keeps no order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    From { second: i64, page: usize },
    Anywhere { page: usize },
}

impl Place {
    fn read(text: &str) -> Option<Place> {
        let (begin, page) = text.split_once(':')?;
        let page = page.parse().ok()?;
        match begin {
            "all" => Some(Place::Anywhere { page }),
            second => Some(Place::From { second: second.parse().ok()?, page }),
        }
    }

    fn text(self) -> String {
        match self {
            Place::From { second, page } => format!("{second}:{page}"),
            Place::Anywhere { page } => format!("all:{page}"),
        }
    }
}

/// A page of what changed since a moment.
pub(crate) async fn page(
    client: &Client,
    kind: Kind,
    since: Timestamp,
    place: Option<&str>,
) -> Result<Page, BillingError> {
    let begin = Place::From { second: since.as_second(), page: 1 };
    let place =
        place.map_or(Some(begin), Place::read).ok_or_else(|| odd("the page", &"it is not one of ours"))?;
    let (second, number) = match place {
        Place::From { second, page } => (second, page),
        Place::Anywhere { page } => (since.as_second(), page),
    };
    let mut parameters = vec![
        ("updated_at", second.to_string()),
        ("sort", "updated_at|asc".to_owned()),
        ("status", "active,archived,deleted".to_owned()),
    ];
    parameters.extend(includes(kind).into_iter().map(|(name, value)| (name, value.to_owned())));
    let Rows { rows, is_last } = client.page(path(kind), &parameters, number).await?;
    let next = (!is_last).then(|| following(place, &rows).text());
    let setup = client.setup().await?;
    let mut page = Page { next, ..Page::default() };
    for row in rows.iter().filter(|row| changed_at(row).is_none_or(|at| at >= since.as_second())) {
        match (mapping::read(kind, row, &setup), row.id("id")) {
            (Ok(stored), _) => page.records.push(stored),
            // One that cannot be read keeps none of the others back.
            (Err(_), Ok(id)) => page.unread.push((id, row.moment("updated_at").unwrap_or(since))),
            (Err(problem), Err(_)) => return Err(odd("a row of the list", &problem)),
        }
    }
    Ok(page)
}

fn changed_at(row: &Object) -> Option<i64> {
    row.moment("updated_at").map(Timestamp::as_second)
}

/// Where the page after this one begins.
fn following(place: Place, rows: &[Object]) -> Place {
    let (second, page) = match place {
        Place::Anywhere { page } => return Place::Anywhere { page: page + 1 },
        Place::From { second, page } => (second, page),
    };
    let seconds: Vec<Option<i64>> = rows.iter().map(changed_at).collect();
    let in_order = seconds.is_sorted() && seconds.iter().all(|at| at.is_some_and(|at| at >= second));
    match seconds.last() {
        _ if !in_order => Place::Anywhere { page: page + 1 },
        Some(Some(last)) if *last > second => Place::From { second: *last, page: 1 },
        _ => Place::From { second, page: page + 1 },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::mapping::fixtures::object;

    fn rows(seconds: &[i64]) -> Vec<Object> {
        seconds.iter().map(|second| object(json!({"updated_at": second}))).collect()
    }

    #[test]
    fn pages_go_on_from_the_last_second_and_are_counted_within_one() {
        let from = |second, page| Place::From { second, page };
        assert_eq!(following(from(10, 1), &rows(&[10, 11, 12])), from(12, 1));
        assert_eq!(following(from(12, 1), &rows(&[12, 12, 12])), from(12, 2));
        assert_eq!(following(from(12, 2), &rows(&[12, 13, 13])), from(13, 1));
    }

    #[test]
    fn an_app_that_keeps_no_order_is_read_by_numbers() {
        let begin = Place::From { second: 10, page: 1 };
        let by_numbers = Place::Anywhere { page: 2 };
        assert_eq!(following(begin, &rows(&[9, 11])), by_numbers, "the filter was ignored");
        assert_eq!(following(begin, &rows(&[12, 11])), by_numbers, "the order was ignored");
        assert_eq!(following(by_numbers, &rows(&[12, 11])), Place::Anywhere { page: 3 });
    }

    #[test]
    fn places_are_read_as_they_are_written() {
        for place in [Place::From { second: 12, page: 3 }, Place::Anywhere { page: 7 }] {
            assert_eq!(Place::read(&place.text()), Some(place));
        }
        assert_eq!(Place::read("7"), None);
    }
}
