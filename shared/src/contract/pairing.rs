//! The promises of the ledger as a list of pairs, and of what keeps the names of both sides.

use super::{at, books};
use crate::ids::{BillingId, Books, EventId, QuickBooksId};
use crate::link::{Entry, Link, LinkKey, MatchedBy};
use crate::model::Kind;
use crate::outcome::DoneAction;
use crate::pairing::{Directories, Pairs, Place, Reading, Row, Side};
use crate::ports::{Ledger, LinkError};

/// Checks a ledger as a list of pairs, through two handles.
pub async fn pairs<L: Ledger + Pairs>(one: &L, two: &L) {
    pairs_are_listed_by_kind_and_books(one, two).await;
    what_is_unlinked_is_free_on_both_sides(one, two).await;
}

fn link(kind: Kind, billing: &str, quickbooks: &str) -> Link {
    Link {
        kind,
        billing_id: BillingId::new(billing).unwrap(),
        quickbooks_id: QuickBooksId::new(quickbooks).unwrap(),
        sync_token: "0".into(),
        last_updated: String::new(),
        pushed: Default::default(),
        seen: Default::default(),
        billing_time: at(0),
        last_event: EventId::new("e").unwrap(),
        last_action: DoneAction::Linked,
        last_notes: Vec::new(),
        taxes: None,
        taxes_written: None,
        edited: Default::default(),
        matched_at: None,
        matched_by: MatchedBy::Person,
        generation: 0,
        withdrawn: false,
        billing_seen: None,
        recreated: None,
        product_key: (kind == Kind::Product).then(|| "KEY".into()),
        attempt: None,
        pulled: None,
        revision: 1,
    }
}

fn sorted(mut pairs: Vec<(BillingId, QuickBooksId)>) -> Vec<(String, String)> {
    pairs.sort();
    pairs.into_iter().map(|(billing, quickbooks)| (billing.into(), quickbooks.into())).collect()
}

async fn pairs_are_listed_by_kind_and_books<L: Ledger + Pairs>(one: &L, two: &L) {
    let (ours, theirs) = (books("pairs", 901), books("pairs", 902));
    assert_eq!(one.pairs(&ours, Kind::Client).await.unwrap(), []);
    for (billing, quickbooks) in [("a", "1"), ("b", "2")] {
        one.link(&ours, &link(Kind::Client, billing, quickbooks), None).await.unwrap();
    }
    one.link(&ours, &link(Kind::Product, "p", "1"), None).await.unwrap();
    one.link(&theirs, &link(Kind::Client, "c", "3"), None).await.unwrap();
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    assert_eq!(sorted(two.pairs(&ours, Kind::Client).await.unwrap()), [pair("a", "1"), pair("b", "2")]);
    assert_eq!(sorted(two.pairs(&ours, Kind::Product).await.unwrap()), [pair("p", "1")]);
    assert_eq!(sorted(two.pairs(&theirs, Kind::Client).await.unwrap()), [pair("c", "3")]);
}

async fn what_is_unlinked_is_free_on_both_sides<L: Ledger + Pairs>(one: &L, two: &L) {
    let books: Books = books("unlink", 903);
    for kind in [Kind::Client, Kind::Product] {
        let stored = link(kind, "a", "1");
        one.link(&books, &stored, None).await.unwrap();
        let newer = Link { revision: 2, ..stored.clone() };
        assert!(matches!(two.unlink(&books, &newer).await, Err(LinkError::Changed)));
        two.unlink(&books, &stored).await.unwrap();
        let keys = [LinkKey::Billing(kind, stored.billing_id.clone()), LinkKey::ProductKey("KEY".into())];
        assert!(one.entries(&books, &keys).await.unwrap().is_empty());
        assert_eq!(one.billing_id(&books, kind, &stored.quickbooks_id).await.unwrap(), None);
        assert_eq!(one.pairs(&books, kind).await.unwrap(), []);
        assert!(matches!(one.unlink(&books, &stored).await, Err(LinkError::Changed)));
        let other = link(kind, "b", "1");
        one.link(&books, &other, None).await.unwrap();
        let entries = two.entries(&books, &[LinkKey::Billing(kind, other.billing_id.clone())]).await.unwrap();
        assert!(matches!(entries.values().next(), Some(Entry::Linked(_))));
    }
}

/// Checks what keeps names, through two handles.
pub async fn directories(one: &dyn Directories, two: &dyn Directories) {
    let (ours, theirs) = (books("names", 904), books("names", 905));
    assert_eq!(one.directory(&ours, Kind::Client).await.unwrap(), None);
    let rows = |from: usize| {
        let row = |number| Row {
            id: format!("{number}"),
            name: format!("Client number {number}, a rather long name"),
            emails: vec![format!("{number}@example.com")],
            barred: number % 2 == 1,
        };
        (from..from + 1000).map(row).collect::<Vec<Row>>()
    };
    for (page, side) in [(0, Side::Billing), (1, Side::Billing), (0, Side::QuickBooks)] {
        one.save_page(&ours, Kind::Client, side, page, &rows(1000 * page as usize)).await.unwrap();
    }
    assert_eq!(two.directory(&ours, Kind::Client).await.unwrap(), None, "it is not said how far it is read");
    let place = |pages, next: Option<&str>| Place { pages, next: next.map(str::to_owned) };
    let reading = Reading {
        begun_at: at(0),
        billing: place(2, None),
        quickbooks: place(1, Some("1001")),
        billing_is_silent: false,
    };
    one.save_reading(&ours, Kind::Client, &reading).await.unwrap();
    let directory = two.directory(&ours, Kind::Client).await.unwrap().unwrap();
    assert_eq!(directory.billing, [rows(0), rows(1000)].concat());
    assert_eq!((directory.quickbooks, directory.reading), (rows(0), reading.clone()));
    let anew = Reading { billing: place(1, None), ..reading };
    one.save_reading(&ours, Kind::Client, &anew).await.unwrap();
    let directory = two.directory(&ours, Kind::Client).await.unwrap().unwrap();
    assert_eq!(directory.billing, rows(0), "pages of an earlier reading do not count");
    assert_eq!(one.directory(&ours, Kind::Product).await.unwrap(), None);
    assert_eq!(one.directory(&theirs, Kind::Client).await.unwrap(), None);
}
