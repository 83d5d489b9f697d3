//! Mappings as a table for a spreadsheet, and back.

use std::collections::{HashMap, HashSet};

use sync::ids::{BillingId, QuickBooksId};
use sync::pairing::{Directory, Mapping, Proposal, Row};

use crate::spreadsheet;

const HEADING: [&str; 4] = ["Billing id", "Billing name", "QuickBooks id", "QuickBooks name"];

/// All lines, mapped or not.
pub(crate) fn write(mappings: &[Mapping]) -> String {
    let cells = |mapping: &Mapping| {
        let (id, name) = mapping
            .quickbooks
            .as_ref()
            .map_or_else(Default::default, |row| (row.id.clone(), row.name.clone()));
        [mapping.billing.id.clone(), mapping.billing.name.clone(), id, name]
    };
    spreadsheet::write(&HEADING, mappings.iter().map(cells))
}

/// What a table says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Table {
    /// Pairs that are new, or other than those that are stored.
    pub(crate) changes: Vec<Proposal>,
    /// Lines that say what is so already, or nothing.
    pub(crate) unchanged: usize,
    /// Lines that cannot be used, by their number, and why.
    pub(crate) problems: Vec<(usize, String)>,
}

/// Reads a table as [`write`] writes it. Only the ids count; names are for people.
pub(crate) fn read(text: &str, directory: &Directory, pairs: &[(BillingId, QuickBooksId)]) -> Table {
    let ours: HashMap<&str, &Row> = directory.billing.iter().map(|row| (row.id.as_str(), row)).collect();
    let theirs: HashMap<&str, &Row> = directory.quickbooks.iter().map(|row| (row.id.as_str(), row)).collect();
    let linked: HashMap<&str, &str> =
        pairs.iter().map(|(one, other)| (one.as_str(), other.as_str())).collect();
    let mut used: HashSet<String> = HashSet::new();
    let mut table = Table::default();
    let text = text.trim_start_matches('\u{feff}');
    let mut reader =
        csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(text.as_bytes());
    for (place, record) in reader.records().enumerate() {
        let line = place + 2;
        let Ok(record) = record else {
            table.problems.push((line, "the line cannot be read".into()));
            continue;
        };
        let cell = |column: usize| record.get(column).unwrap_or_default().trim_start_matches('\'');
        let (billing, quickbooks) = (cell(0), cell(2));
        if billing.is_empty() || quickbooks.is_empty() || linked.get(billing) == Some(&quickbooks) {
            table.unchanged += 1;
            continue;
        }
        let known = ours.get(billing).map(|row| (*row).clone());
        let known = known.or_else(|| linked.contains_key(billing).then(|| named(billing, cell(1))));
        match (known, theirs.get(quickbooks)) {
            (None, _) => table.problems.push((line, format!("the billing app has no record {billing}"))),
            (_, None) => table.problems.push((line, format!("QuickBooks has no id {quickbooks}"))),
            (_, Some(row)) if row.barred => {
                table.problems.push((line, format!("{} cannot be mapped", row.name)));
            }
            (_, Some(row)) if !used.insert(row.id.clone()) => {
                table.problems.push((line, format!("{} stands in another line already", row.name)));
            }
            (Some(billing), Some(row)) => {
                table.changes.push(Proposal { billing, quickbooks: (*row).clone() });
            }
        }
    }
    table
}

fn named(id: &str, name: &str) -> Row {
    Row { id: id.to_owned(), name: name.to_owned(), emails: Vec::new(), barred: false }
}
