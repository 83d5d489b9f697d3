//! Reading a kind's entities page by page, so that none is passed over.
//!
//! Places in a list shift when something before them is deleted, and the time of the last change moves with every
//! payment. The time at which an entity was made does neither, so a page begins where the one before ended by that time;
//! within one second places count, and the last entity seen shows whether they have shifted. Pages that are read at the
//! same time overlap by an entity each, for the same reason.

use futures::future::try_join_all;
use quickbooks_wire::query::{MAX_PAGE, Query, ge};
use quickbooks_wire::{Entity, EntityKind};

use super::job::Cursor;
use crate::ids::QuickBooksId;
use crate::mapping::fields;
use crate::model::Kind;
use crate::ports::{CallError, QuickBooks};

/// How much of a list is read at once.
#[derive(Clone, Copy, Debug)]
pub struct Stretch {
    /// Entities in a page, 1,000 at most (Intuit: Data queries).
    pub rows: u32,
    /// Pages that are read side by side, each in a call of its own.
    pub pages: u32,
}

impl Stretch {
    /// Two pages at once: an importer of 64 MiB can hold no more (three took 70 MiB, `cargo run --release -p bench --
    /// import 3000`). They take two turns of the realm's budget, a quarter of a second, for which nobody else has to wait
    /// longer.
    pub const USUAL: Stretch = Stretch { rows: MAX_PAGE, pages: 2 };

    /// Such pages, but no more of them than it takes to read `left` entities.
    pub(super) fn of(self, left: u64) -> Stretch {
        let needed = left.div_ceil(u64::from(self.rows)).max(1);
        Stretch { pages: self.pages.min(u32::try_from(needed).unwrap_or(u32::MAX)), ..self }
    }

    /// Where each of the pages begins, if the first one begins at `start`: with the last entity of the one before.
    fn starts(self, start: u64) -> impl Iterator<Item = u64> {
        let step = u64::from(self.rows).saturating_sub(1).max(1);
        (0..u64::from(self.pages)).map(move |page| start + page * step)
    }
}

/// Entities that were not dealt with, in order; none when there are no more. Several pages of the list are one here.
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

/// Reads what comes after the cursor: in one call for each page, unless places have shifted.
pub(super) async fn read(
    quickbooks: &dyn QuickBooks,
    kind: Kind,
    cursor: &Cursor,
    stretch: Stretch,
) -> Result<Page, CallError> {
    let mut start = cursor.place.max(1);
    loop {
        let page = async |start| {
            let query = query(fields::entity_kind(kind), cursor.made_at.as_deref(), start, stretch.rows);
            let rows = quickbooks.query(&[query]).await?;
            Ok(rows.into_iter().flatten().collect::<Vec<Entity>>())
        };
        let pages = try_join_all(stretch.starts(start).map(page)).await?;
        let page = Page { rows: joined(pages), first: start, made_at: cursor.made_at.clone() };
        match cursor.last.as_ref().map(|last| page.place_of(last)) {
            None => return Ok(page),
            // Nothing follows it in a page that ends with it; what does is in the next.
            Some(Some(last)) if last > 0 && last + 1 == page.rows.len() => start += last as u64,
            Some(Some(last)) => return Ok(page.after(last)),
            // The last one is gone, or is earlier in the list than it was: some are read twice rather than none once.
            Some(None) if start > 1 => start = start.saturating_sub(u64::from(stretch.rows)).max(1),
            Some(None) => return Ok(page),
        }
    }
}

/// Pages in one row, as far as each begins with the entity that the one before ends with. What comes after a gap, which
/// something that was deleted meanwhile leaves, is read again later.
fn joined(pages: Vec<Vec<Entity>>) -> Vec<Entity> {
    let mut pages = pages.into_iter();
    let mut all = pages.next().unwrap_or_default();
    for mut page in pages {
        let (last, first) = (all.last().and_then(Entity::id), page.first().and_then(Entity::id));
        if last.is_none() || last != first {
            break;
        }
        all.extend(page.drain(1..));
    }
    all
}

fn query(kind: EntityKind, made_at: Option<&str>, start: u64, rows: u32) -> Query {
    let query = Query::from(kind.name());
    let query = match made_at {
        Some(made_at) => query.filter(ge("MetaData.CreateTime", made_at)),
        None => query,
    };
    let query = query.order_by("MetaData.CreateTime").order_by("Id").start(start).max(rows);
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
    /// module. After each of them something comes and goes.
    #[derive(Default)]
    struct List {
        rows: Mutex<Vec<(u32, u32)>>,
        calls: Mutex<usize>,
        goes: Mutex<Vec<prop::sample::Index>>,
        /// The seconds in which others come, the earliest last.
        comes: Mutex<Vec<u32>>,
    }

    impl List {
        fn of(rows: Vec<(u32, u32)>) -> List {
            List { rows: Mutex::new(rows), ..List::default() }
        }

        fn time_passes(&self) {
            let mut rows = self.rows.lock().unwrap();
            if let Some(index) = self.goes.lock().unwrap().pop().filter(|_| !rows.is_empty()) {
                let place = index.index(rows.len());
                rows.remove(place);
            }
            let mut comes = self.comes.lock().unwrap();
            if let Some(second) = comes.pop() {
                let number = 1000 + u32::try_from(comes.len()).unwrap();
                rows.push((second, 2000 - number));
            }
        }
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
            let most: usize = after("maxresults ").unwrap().parse().unwrap();
            let mut rows = self.rows.lock().unwrap().clone();
            rows.sort_unstable();
            self.time_passes();
            let rows = rows.into_iter().filter(|(second, _)| written(*second) >= from).skip(start - 1);
            let entity = |(second, id): (u32, u32)| {
                let meta_data = MetaData { create_time: Some(written(second)), ..MetaData::default() };
                Invoice { id: Some(id.to_string()), meta_data: Some(meta_data), ..Invoice::default() }.into()
            };
            Ok(vec![rows.take(most).map(entity).collect()])
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

    /// Reads all, `part` entities of a stretch at a time. Answers with what it has seen, and what was there when it looked
    /// for more in vain.
    fn read_all(list: &List, stretch: Stretch, part: usize) -> (Vec<String>, Vec<(u32, u32)>) {
        let (mut cursor, mut seen) = (Cursor::default(), Vec::new());
        loop {
            let there = list.rows.lock().unwrap().clone();
            let page = block_on(read(list, Kind::Invoice, &cursor, stretch)).unwrap();
            let count = page.rows().len().min(part);
            let Some(next) = page.cursor(count) else { return (seen, there) };
            seen.extend(page.rows()[..count].iter().filter_map(|row| row.id().map(str::to_owned)));
            cursor = next;
            list.time_passes();
        }
    }

    #[test]
    fn a_page_costs_one_call_and_the_end_another() {
        let list = List::of((0..1000).map(|id| (7, id)).collect());
        assert_eq!(read_all(&list, Stretch::USUAL.of(1000), 1000).0.len(), 1000);
        assert_eq!(*list.calls.lock().unwrap(), 2);
    }

    #[test]
    fn pages_side_by_side_are_as_many_as_there_are() {
        for (left, pages) in [(0, 1), (1, 1), (1000, 1), (1001, 2), (3500, 2), (100_000, 2)] {
            assert_eq!(Stretch::USUAL.of(left).pages, pages, "{left}");
        }
        let list = List::of((0..4000).map(|id| (7, id)).collect());
        let page = block_on(read(&list, Kind::Invoice, &Cursor::default(), Stretch::USUAL)).unwrap();
        assert_eq!(page.rows().len(), 1999, "the second begins with the last of the first");
        assert_eq!(*list.calls.lock().unwrap(), 2);
    }

    proptest! {
        /// However many were made in the same second, and whatever comes and goes while the list is read: what is
        /// there from the beginning to the end is read, and without deletions it is read once.
        #[test]
        fn nothing_that_stays_is_passed_over(
            seconds in prop::collection::vec(0_u32..4, 0..60),
            rows in 2_u32..9,
            pages in 1_u32..5,
            part in 1_usize..20,
            goes in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
            mut comes in prop::collection::vec(4_u32..6, 0..10),
        ) {
            // What is made later is not made earlier.
            comes.sort_unstable_by_key(|second| std::cmp::Reverse(*second));
            let nothing_goes = goes.is_empty();
            let list = List {
                goes: Mutex::new(goes),
                comes: Mutex::new(comes),
                ..List::of(seconds.iter().copied().zip(10..).collect())
            };
            let (seen, there) = read_all(&list, Stretch { rows, pages }, part);
            let stays = list.rows.lock().unwrap().clone();
            for (_, id) in there.iter().filter(|row| stays.contains(row)) {
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
