//! Change data capture: what changed since an instant.

use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};

use super::{
    BeyondWindow, Company, Request,
    answer::Reply,
    faults::Fault,
    kinds::{self, Kind},
    wire,
};

/// Intuit: Change data capture.
const WINDOW_DAYS: i64 = 30;
const MOST_OBJECTS: usize = 1000;

impl Company {
    pub(crate) fn changes_since(&self, request: &Request, now: Timestamp) -> Result<Reply, Fault> {
        let names = request.parameter("entities").filter(|names| !names.is_empty());
        let names = names.ok_or_else(|| Fault::missing("entities"))?;
        let since = request.parameter("changedSince").ok_or_else(|| Fault::missing("changedSince"))?;
        // A plus sign that was not encoded arrives as a space.
        let since = wire::parse_moment(&since.replace(' ', "+"));
        let since = since.ok_or_else(|| {
            Fault::invalid_date("changedSince", request.parameter("changedSince").unwrap_or_default())
        })?;
        let since = self.within_window(since, now)?;
        let mut left = MOST_OBJECTS;
        let mut answers = Vec::new();
        for name in names.split(',') {
            answers.push(self.changes_of(name.trim(), since.as_second(), &mut left)?);
        }
        Ok(Reply::of("CDCResponse", json!([{ "QueryResponse": answers }])))
    }

    fn within_window(&self, since: Timestamp, now: Timestamp) -> Result<Timestamp, Fault> {
        let earliest = now - (WINDOW_DAYS * 24).hours();
        match self.switches.cdc_beyond_window {
            _ if since >= earliest => Ok(since),
            BeyondWindow::Refuse => Err(Fault::out_of_range("changedSince", &wire::moment(since))),
            BeyondWindow::Clamp => Ok(earliest),
            BeyondWindow::Serve => Ok(since),
        }
    }

    /// Present objects by last change, then what was deleted.
    fn changes_of(&self, name: &str, since: i64, left: &mut usize) -> Result<Value, Fault> {
        let kind = match Kind::named(name) {
            Some(kind) if !matches!(kind, Kind::TaxAgency | Kind::TaxCode | Kind::TaxRate) => kind,
            None if is_known_empty(name) => return Ok(json!({})),
            _ => return Err(Fault::unsupported_object(name)),
        };
        let Some(table) = self.store.table(kind) else { return Ok(json!({})) };
        let changed = table.ids_by_change(since).filter_map(|id| table.row(id)).map(|row| row.value.clone());
        let deleted = table.deleted().filter(|(_, at)| *at >= since).map(|(id, at)| tombstone(id, at));
        let rows: Vec<Value> = changed.chain(deleted).take(*left).collect();
        *left -= rows.len();
        if rows.is_empty() {
            return Ok(json!({}));
        }
        let count = rows.len();
        Ok(json!({ kind.name(): rows, "startPosition": 1, "maxResults": count }))
    }
}

fn is_known_empty(name: &str) -> bool {
    kinds::EMPTY.iter().any(|known| known.eq_ignore_ascii_case(name) && *known != "TimeActivity")
}

fn tombstone(id: u64, at: i64) -> Value {
    let at = Timestamp::from_second(at).unwrap_or_default();
    json!({
        "domain": "QBO", "status": "Deleted", "Id": id.to_string(),
        "MetaData": { "LastUpdatedTime": wire::moment(at) },
    })
}
