//! Mapping by hand: a person looks at both sides' names, and links, changes and clears pairs of clients and Customers,
//! products and Items (R78-R90).
//!
//! The names of both sides are read page by page and kept for a day ([`Directory`]), and brought up to date each time
//! ([`current`]); which of them are linked is asked of the ledger each time. Linking writes nothing to either side. Every link that is made here says that a person
//! made it.

mod auto;
mod change;
mod current;
mod directory;

use std::collections::{BTreeMap, HashMap, HashSet};

use async_trait::async_trait;

use crate::ids::{BillingId, Books, QuickBooksId};
use crate::link::Link;
use crate::model::Kind;
use crate::ports::{LinkError, StoreError};

pub use auto::{AutoMap, Proposal, auto_map};
pub use change::{Ends, Ports, Refusal, clear, link, link_all};
pub use current::current;
pub use directory::{Directories, Directory, Place, Reading, Row, Side, begin, read_on};

/// The kinds that people map.
pub const KINDS: [Kind; 2] = [Kind::Client, Kind::Product];

/// The ledger as a list of pairs.
#[async_trait]
pub trait Pairs: Send + Sync {
    /// All pairs of a kind. Costs little for each: what the links hold otherwise is not read.
    async fn pairs(&self, books: &Books, kind: Kind) -> Result<Vec<(BillingId, QuickBooksId)>, StoreError>;

    /// Takes a link away; both sides are free afterwards. Fails with [`LinkError::Changed`] if it is not what is
    /// stored.
    async fn unlink(&self, books: &Books, link: &Link) -> Result<(), LinkError>;
}

/// One line of the mapping page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// The billing record.
    pub billing: Row,
    /// Its counterpart.
    pub quickbooks: Option<Row>,
}

/// Which lines are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Status {
    /// All.
    #[default]
    All,
    /// Those with a counterpart.
    Mapped,
    /// Those without.
    Unmapped,
}

/// Every record with its counterpart, by name. Records that are linked and in no list are named by their ids.
pub fn mappings(directory: &Directory, pairs: &[(BillingId, QuickBooksId)]) -> Vec<Mapping> {
    let by_id: HashMap<&str, &Row> = directory.quickbooks.iter().map(|row| (row.id.as_str(), row)).collect();
    let mut linked: BTreeMap<&str, &QuickBooksId> =
        pairs.iter().map(|(billing, quickbooks)| (billing.as_str(), quickbooks)).collect();
    let theirs = |id: &QuickBooksId| {
        by_id.get(id.as_str()).map_or_else(|| Row::unnamed(id.as_str()), |row| (*row).clone())
    };
    let mut mappings: Vec<Mapping> = directory
        .billing
        .iter()
        .map(|row| Mapping { billing: row.clone(), quickbooks: linked.remove(row.id.as_str()).map(theirs) })
        .collect();
    mappings.extend(linked.into_iter().map(|(id, quickbooks)| {
        let quickbooks = theirs(quickbooks);
        // An app that cannot be asked for its names: the counterpart's name is the better word.
        Mapping { billing: Row::unnamed(id), quickbooks: Some(quickbooks) }
    }));
    mappings.sort_by_cached_key(|mapping| (mapping.billing.name.to_lowercase(), mapping.billing.id.clone()));
    mappings
}

/// Those lines that a person looks for: by a part of either side's name or id, in any letter case.
pub fn search(mappings: Vec<Mapping>, text: &str, status: Status) -> Vec<Mapping> {
    let wanted = text.trim().to_lowercase();
    let names = |row: &Row| row.name.to_lowercase().contains(&wanted) || row.id.to_lowercase() == wanted;
    let fits = |mapping: &Mapping| {
        let status = match status {
            Status::All => true,
            Status::Mapped => mapping.quickbooks.is_some(),
            Status::Unmapped => mapping.quickbooks.is_none(),
        };
        status && (names(&mapping.billing) || mapping.quickbooks.as_ref().is_some_and(names))
    };
    mappings.into_iter().filter(fits).collect()
}

/// The entities that a person may choose: free ones first that are named like this, then others that hold it.
pub fn choices<'d>(
    directory: &'d Directory,
    pairs: &[(BillingId, QuickBooksId)],
    text: &str,
    limit: usize,
) -> Vec<&'d Row> {
    let taken: HashSet<&str> = pairs.iter().map(|(_, id)| id.as_str()).collect();
    let wanted = text.trim().to_lowercase();
    let rank = |row: &Row| {
        let name = row.name.to_lowercase();
        if name.starts_with(&wanted) { Some(0) } else { name.contains(&wanted).then_some(1) }
    };
    let free = directory.quickbooks.iter().filter(|row| !row.barred && !taken.contains(row.id.as_str()));
    let mut found: Vec<(u8, &Row)> = free.filter_map(|row| Some((rank(row)?, row))).collect();
    found.sort_by_cached_key(|(rank, row)| (*rank, row.name.to_lowercase()));
    found.into_iter().take(limit).map(|(_, row)| row).collect()
}

#[cfg(test)]
mod tests;
