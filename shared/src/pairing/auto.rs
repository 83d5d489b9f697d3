//! Auto Map: which records and entities have the same name, and which nearly (R80, R81, T23). It only proposes.

use std::collections::{HashMap, HashSet};

use super::{Directory, Row};
use crate::ids::{BillingId, QuickBooksId};

/// How many letters two long names may differ in and still be proposed.
const SLIPS: usize = 2;
/// How many names are compared with one at most.
const MOST: usize = 200;
/// Names that are shorter have to be the same.
const LONG: usize = 8;
/// What companies put behind their names.
const FORMS: [&str; 14] =
    ["inc", "llc", "ltd", "limited", "co", "corp", "company", "gmbh", "ag", "bv", "sa", "plc", "pty", "the"];

/// What Auto Map would do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AutoMap {
    /// Same names on both sides, letter case aside; one for each record.
    pub exact: Vec<Proposal>,
    /// Nearly the same names, or the same e-mail address: for a person to look at.
    pub near: Vec<Proposal>,
    /// Records whose name several entities have, or which have their name in common: nothing is proposed for them.
    pub ambiguous: Vec<Row>,
}

/// A pair that may be linked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// The billing record.
    pub billing: Row,
    /// The entity.
    pub quickbooks: Row,
}

/// Proposes pairs of what is not linked yet. An entity is proposed once.
pub fn auto_map(directory: &Directory, pairs: &[(BillingId, QuickBooksId)]) -> AutoMap {
    let linked: HashSet<&str> = pairs.iter().map(|(id, _)| id.as_str()).collect();
    let taken: HashSet<&str> = pairs.iter().map(|(_, id)| id.as_str()).collect();
    let records: Vec<&Row> = directory
        .billing
        .iter()
        .filter(|row| !linked.contains(row.id.as_str()) && !row.name.is_empty())
        .collect();
    let entities: Vec<&Row> =
        directory.quickbooks.iter().filter(|row| !row.barred && !taken.contains(row.id.as_str())).collect();
    let mut auto = AutoMap::default();
    let (same, left) = same_names(&records, &entities, &mut auto.ambiguous);
    let used: HashSet<&str> = same.iter().map(|proposal| proposal.quickbooks.id.as_str()).collect();
    let free: Vec<&Row> = entities.iter().copied().filter(|row| !used.contains(row.id.as_str())).collect();
    auto.near = near(&left, &free);
    auto.exact = same;
    auto
}

/// Pairs of the same name, and the records that have none.
fn same_names<'d>(
    records: &[&'d Row],
    entities: &[&'d Row],
    ambiguous: &mut Vec<Row>,
) -> (Vec<Proposal>, Vec<&'d Row>) {
    let (ours, theirs) = (by(records, name), by(entities, name));
    let (mut pairs, mut left) = (Vec::new(), Vec::new());
    for record in records {
        let alone = ours.get(&name(record)).is_some_and(|same| same.len() == 1);
        match theirs.get(&name(record)).map(Vec::as_slice) {
            None => left.push(*record),
            Some([one]) if alone => {
                pairs.push(Proposal { billing: (*record).clone(), quickbooks: (*one).clone() })
            }
            Some(_) => ambiguous.push((*record).clone()),
        }
    }
    (pairs, left)
}

fn near(records: &[&Row], entities: &[&Row]) -> Vec<Proposal> {
    let by_core = by(entities, |row| core(&row.name));
    let by_start = by(entities, |row| core(&row.name).chars().take(4).collect());
    let by_email: HashMap<&str, &Row> =
        entities.iter().flat_map(|row| row.emails.iter().map(|email| (email.as_str(), *row))).collect();
    let mut used: HashSet<&str> = HashSet::new();
    let mut proposals = Vec::new();
    for record in records {
        let core = core(&record.name);
        let start: String = core.chars().take(4).collect();
        let alike = || {
            let candidates = by_start.get(&start).into_iter().flatten().take(MOST);
            let mut alike = candidates.filter(|row| differ_little(&core, &self::core(&row.name)));
            alike.next().copied()
        };
        let found = by_core
            .get(&core)
            .and_then(|same| same.first().copied())
            .or_else(|| record.emails.iter().find_map(|email| by_email.get(email.as_str()).copied()))
            .or_else(alike);
        if let Some(row) = found.filter(|_| !core.is_empty())
            && used.insert(row.id.as_str())
        {
            proposals.push(Proposal { billing: (*record).clone(), quickbooks: row.clone() });
        }
    }
    proposals
}

fn by<'d>(rows: &[&'d Row], key: impl Fn(&Row) -> String) -> HashMap<String, Vec<&'d Row>> {
    let mut map: HashMap<String, Vec<&Row>> = HashMap::new();
    for row in rows {
        map.entry(key(row)).or_default().push(row);
    }
    map
}

fn name(row: &Row) -> String {
    row.name.trim().to_lowercase()
}

/// What is left of a name without punctuation, order and legal form.
fn core(name: &str) -> String {
    let lower = name.to_lowercase().replace('&', " and ");
    let mut words: Vec<&str> = lower
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty() && !FORMS.contains(word) && *word != "and")
        .collect();
    words.sort_unstable();
    words.concat()
}

fn differ_little(one: &str, other: &str) -> bool {
    one.len() >= LONG && strsim::damerau_levenshtein(one, other) <= SLIPS
}
