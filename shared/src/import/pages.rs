//! Reading a kind's entities page by page, so that none is passed over.
//!
//! Places in a list shift when something before them is deleted, and the time of the last change moves with every
//! payment. The time at which an entity was made does neither, so a page begins where the one before ended by that time;
//! within one second places count, and the last entity seen shows whether they have shifted.

use quickbooks_wire::query::{MAX_PAGE, Query, ge};
use quickbooks_wire::{Entity, EntityKind};

use super::job::Cursor;
use crate::ids::QuickBooksId;
use crate::mapping::fields;
use crate::model::Kind;
use crate::ports::{CallError, QuickBooks};

/// How far a page is begun anew before a place that has shifted.
const STEP_BACK: u64 = MAX_PAGE as u64;

/// Entities that were not dealt with, in order; none when there are no more.
pub(super) struct Page {
    rows: Vec<Entity>,
    /// The first row's place among those that were made at `made_at` or later.
    first: u64,
    made_at: Option<String>,
}

/// Counts the kinds' entities, in one call.
pub(super) async fn count(quickbooks: &dyn QuickBooks, kinds: &[Kind]) -> Result<Vec<u64>, CallError> {
    let count = |kind: &Kind| {
        let kind = fields::entity_kind(*kind);
        with_inactive(Query::count(kind.name()), kind)
    };
    quickbooks.count(&kinds.iter().map(count).collect::<Vec<_>>()).await
}

/// Reads what comes after the cursor: in one call, unless places have shifted.
pub(super) async fn read(
    quickbooks: &dyn QuickBooks,
    kind: Kind,
    cursor: &Cursor,
) -> Result<Page, CallError> {
    let mut start = cursor.place.max(1);
    loop {
        let query = query(fields::entity_kind(kind), cursor.made_at.as_deref(), start);
        let rows: Vec<Entity> = quickbooks.query(&[query]).await?.into_iter().flatten().collect();
        let page = Page { rows, first: start, made_at: cursor.made_at.clone() };
        match cursor.last.as_ref().map(|last| page.place_of(last)) {
            None => return Ok(page),
            // Nothing follows it in a page that ends with it; what does is in the next.
            Some(Some(last)) if last > 0 && last + 1 == page.rows.len() => start += last as u64,
            Some(Some(last)) => return Ok(page.after(last)),
            // The last one is gone, or is earlier in the list than it was: some are read twice rather than none once.
            Some(None) if start > 1 => start = start.saturating_sub(STEP_BACK).max(1),
            Some(None) => return Ok(page),
        }
    }
}

fn query(kind: EntityKind, made_at: Option<&str>, start: u64) -> Query {
    let query = Query::from(kind.name());
    let query = match made_at {
        Some(made_at) => query.filter(ge("MetaData.CreateTime", made_at)),
        None => query,
    };
    let query = query.order_by("MetaData.CreateTime").order_by("Id").start(start).max(MAX_PAGE);
    with_inactive(query, kind)
}

/// What is inactive is left out with its reason, and stays in the list when it becomes so.
fn with_inactive(query: Query, kind: EntityKind) -> Query {
    match kind {
        EntityKind::Customer | EntityKind::Item => query.active_and_inactive(),
        EntityKind::Invoice | EntityKind::Payment => query,
    }
}

impl Page {
    pub(super) fn rows(&self) -> &[Entity] {
        &self.rows
    }

    fn place_of(&self, id: &QuickBooksId) -> Option<usize> {
        self.rows.iter().position(|row| row.id() == Some(id.as_str()))
    }

    fn after(mut self, last: usize) -> Page {
        self.rows.drain(..=last);
        self.first += 1 + last as u64;
        self
    }

    /// Where the rest begins when the first `count` rows have been dealt with.
    pub(super) fn cursor(&self, count: usize) -> Option<Cursor> {
        let last = self.rows.get(count.checked_sub(1)?)?;
        let made_at = last.create_time().map(str::to_owned);
        let place = if made_at == self.made_at {
            self.first + count as u64 - 1
        } else {
            let same = self.rows.get(..count)?.iter().rev();
            same.take_while(|row| row.create_time() == made_at.as_deref()).count() as u64
        };
        Some(Cursor { made_at, place, last: last.id().and_then(|id| QuickBooksId::new(id).ok()) })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;
    use futures::executor::block_on;
    use jiff::Timestamp;
    use proptest::prelude::*;
    use quickbooks_wire::{Invoice, MetaData};

    use super::*;
    use crate::link::RequestId;
    use crate::ports::{NameHolder, Write};
    use crate::reference::ReferenceLists;

    /// A list of invoices, by the second in which each was made and its number, that understands the queries of this
    /// module and has pages of `most`.
    struct List {
        rows: Mutex<Vec<(u32, u32)>>,
        most: usize,
        calls: Mutex<usize>,
    }

    fn written(second: u32) -> String {
        format!("2026-06-01T10:{:02}:{:02}-07:00", second / 60, second % 60)
    }

    #[async_trait]
    impl QuickBooks for List {
        async fn query(&self, queries: &[Query]) -> Result<Vec<Vec<Entity>>, CallError> {
            *self.calls.lock().unwrap() += 1;
            let text = queries[0].to_string();
            let after = |word: &str| text.split(word).nth(1).map(|rest| rest.split(' ').next().unwrap());
            let from = after(">= ").map(|quoted| quoted.trim_matches('\'').to_owned()).unwrap_or_default();
            let start: usize = after("startposition ").unwrap().parse().unwrap();
            assert!(text.contains("orderby MetaData.CreateTime, Id"), "{text}");
            let mut rows = self.rows.lock().unwrap().clone();
            rows.sort_unstable();
            let rows = rows.into_iter().filter(|(second, _)| written(*second) >= from).skip(start - 1);
            let entity = |(second, id): (u32, u32)| {
                let meta_data = MetaData { create_time: Some(written(second)), ..MetaData::default() };
                Invoice { id: Some(id.to_string()), meta_data: Some(meta_data), ..Invoice::default() }.into()
            };
            Ok(vec![rows.take(self.most).map(entity).collect()])
        }

        async fn create(&self, _: &Entity, _: &RequestId) -> Result<Entity, CallError> {
            unreachable!()
        }

        async fn update(&self, _: &Entity, _: &RequestId) -> Result<Entity, CallError> {
            unreachable!()
        }

        async fn batch(
            &self,
            _: &[Write],
            _: &RequestId,
        ) -> Result<Vec<Result<Entity, CallError>>, CallError> {
            unreachable!()
        }

        async fn void(
            &self,
            _: EntityKind,
            _: &QuickBooksId,
            _: &str,
            _: &RequestId,
        ) -> Result<Entity, CallError> {
            unreachable!()
        }

        async fn read(&self, _: EntityKind, _: &QuickBooksId) -> Result<Option<Entity>, CallError> {
            unreachable!()
        }

        async fn count(&self, _: &[Query]) -> Result<Vec<u64>, CallError> {
            unreachable!()
        }

        async fn changes_since(&self, _: &[EntityKind], _: Timestamp) -> Result<Vec<Entity>, CallError> {
            unreachable!()
        }

        async fn name_holders(&self, _: &str) -> Result<Vec<NameHolder>, CallError> {
            unreachable!()
        }

        async fn reference_lists(&self) -> Result<ReferenceLists, CallError> {
            unreachable!()
        }
    }

    /// Reads all, `part` rows of a page at a time, and lets `meanwhile` happen to the list after each of them.
    fn read_all(list: &List, part: usize, mut meanwhile: impl FnMut(&List)) -> Vec<String> {
        let (mut cursor, mut seen) = (Cursor::default(), Vec::new());
        loop {
            let page = block_on(read(list, Kind::Invoice, &cursor)).unwrap();
            let count = page.rows().len().min(part);
            let Some(next) = page.cursor(count) else { return seen };
            seen.extend(page.rows()[..count].iter().filter_map(|row| row.id().map(str::to_owned)));
            cursor = next;
            meanwhile(list);
        }
    }

    fn list(rows: Vec<(u32, u32)>, most: usize) -> List {
        List { rows: Mutex::new(rows), most, calls: Mutex::default() }
    }

    #[test]
    fn a_page_costs_one_call_and_the_end_another() {
        let list = list((0..1000).map(|id| (7, id)).collect(), 1000);
        assert_eq!(read_all(&list, 1000, |_| {}).len(), 1000);
        assert_eq!(*list.calls.lock().unwrap(), 2);
    }

    proptest! {
        /// However many were made in the same second, and whatever comes and goes while the list is read: what is
        /// there from the beginning to the end is read, and without deletions it is read once.
        #[test]
        fn nothing_that_stays_is_passed_over(
            seconds in prop::collection::vec(0_u32..4, 0..60),
            most in 2_usize..9,
            part in 1_usize..9,
            deleted in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
            added in prop::collection::vec(4_u32..6, 0..10),
        ) {
            let rows: Vec<(u32, u32)> = seconds.iter().copied().zip(10..).collect();
            let list = list(rows.clone(), most);
            let mut added = added;
            // What is made later is not made earlier.
            added.sort_unstable();
            let (mut deleted, mut added, mut number) = (deleted.into_iter(), added.into_iter(), 1000);
            let nothing_goes = deleted.len() == 0;
            let seen = read_all(&list, part, |list| {
                let mut rows = list.rows.lock().unwrap();
                if let Some(index) = deleted.next().filter(|_| !rows.is_empty()) {
                    let place = index.index(rows.len());
                    rows.remove(place);
                }
                if let Some(second) = added.next() {
                    number += 1;
                    rows.push((second, number));
                }
            });
            for (_, id) in list.rows.lock().unwrap().iter() {
                prop_assert!(seen.contains(&id.to_string()), "{id} in {seen:?}");
            }
            let mut once = seen.clone();
            once.sort();
            once.dedup();
            if nothing_goes {
                prop_assert_eq!(once.len(), seen.len());
            }
        }
    }
}
