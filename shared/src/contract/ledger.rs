//! The ledger's promises.

use std::collections::BTreeMap;

use futures::join;

use super::{at, books, noise};
use crate::ids::{BillingId, Books, EventId, QuickBooksId};
use crate::link::{Entry, Fingerprints, Intent, Link, LinkKey, MatchedBy, RequestId};
use crate::model::Kind;
use crate::outcome::DoneAction;
use crate::ports::{Ledger, LinkError};

/// Checks a ledger through two handles.
pub async fn ledger(one: &dyn Ledger, two: &dyn Ledger) {
    an_intent_is_recorded_once(one, two).await;
    of_racing_intents_one_is_recorded(one, two).await;
    an_intent_is_taken_over_by_one(one, two).await;
    a_link_takes_the_place_of_the_intent(one, two).await;
    neither_side_is_linked_twice(one, two).await;
    of_racing_links_one_is_stored(one, two).await;
    a_refresh_follows_the_revision_before(one, two).await;
    of_racing_refreshes_one_is_stored(one, two).await;
    a_link_is_superseded_by_an_intent(one, two).await;
    a_record_gets_another_entity(one, two).await;
    a_stand_in_gives_way(one, two).await;
    a_stand_in_linked_elsewhere_stays(one, two).await;
    a_product_is_found_by_its_key(one).await;
    of_withdrawals_the_latest_is_remembered(one, two).await;
    kinds_and_books_are_apart(one).await;
    many_entries_are_read_at_once(one).await;
    a_long_body_is_kept(one, two).await;
    a_body_that_is_too_long_is_refused(one, two).await;
}

fn billing(id: &str) -> BillingId {
    BillingId::new(id).unwrap()
}

fn quickbooks(id: &str) -> QuickBooksId {
    QuickBooksId::new(id).unwrap()
}

fn link(billing_id: &str, quickbooks_id: &str) -> Link {
    Link {
        kind: Kind::Client,
        billing_id: billing(billing_id),
        quickbooks_id: quickbooks(quickbooks_id),
        sync_token: "0".into(),
        last_updated: "2026-03-01T09:30:00-08:00".into(),
        pushed: Fingerprints::from([("DisplayName".into(), "a1b2".into())]),
        seen: Fingerprints::new(),
        billing_time: at(0),
        last_event: EventId::new("event").unwrap(),
        last_action: DoneAction::Created,
        last_notes: Vec::new(),
        taxes: None,
        taxes_written: None,
        edited: BTreeMap::new(),
        matched_at: None,
        matched_by: MatchedBy::Created,
        generation: 0,
        withdrawn: false,
        billing_seen: None,
        recreated: None,
        product_key: None,
        attempt: None,
        pulled: None,
        revision: 1,
    }
}

fn product(billing_id: &str, quickbooks_id: &str, key: &str) -> Link {
    Link { kind: Kind::Product, product_key: Some(key.into()), ..link(billing_id, quickbooks_id) }
}

fn intent(billing_id: &str, request_id: &str) -> Intent {
    Intent {
        kind: Kind::Client,
        billing_id: billing(billing_id),
        generation: 0,
        request_id: RequestId(request_id.into()),
        body: r#"{"DisplayName":"Amy's Bird Sanctuary"}"#.into(),
        at: at(1),
        told_at: Some(at(0)),
        bill: None,
        in_batch: true,
    }
}

async fn entry(ledger: &dyn Ledger, books: &Books, kind: Kind, id: &str) -> Option<Entry> {
    let key = LinkKey::Billing(kind, billing(id));
    ledger.entries(books, std::slice::from_ref(&key)).await.unwrap().remove(&key)
}

async fn client(ledger: &dyn Ledger, books: &Books, id: &str) -> Option<Entry> {
    entry(ledger, books, Kind::Client, id).await
}

async fn holder(ledger: &dyn Ledger, books: &Books, id: &str) -> Option<BillingId> {
    ledger.billing_id(books, Kind::Client, &quickbooks(id)).await.unwrap()
}

async fn by_key(ledger: &dyn Ledger, books: &Books, key: &str) -> Option<BillingId> {
    let key = LinkKey::ProductKey(key.into());
    match ledger.entries(books, std::slice::from_ref(&key)).await.unwrap().remove(&key)? {
        Entry::Linked(link) => Some(link.billing_id),
        Entry::Pending(intent) => Some(intent.billing_id),
    }
}

async fn an_intent_is_recorded_once(one: &dyn Ledger, two: &dyn Ledger) {
    let books = books("intent", 1);
    assert_eq!(client(one, &books, "a").await, None);
    let (first, second) = (intent("a", "r1"), intent("a", "r2"));
    let recorded = Some(Entry::Pending(first.clone()));
    assert_eq!(one.begin(&books, &first).await.unwrap(), None);
    assert_eq!(two.begin(&books, &second).await.unwrap(), recorded);
    assert_eq!(one.begin(&books, &first).await.unwrap(), recorded);
    assert_eq!(client(two, &books, "a").await, recorded);

    two.abandon(&books, &second).await.unwrap();
    assert_eq!(client(one, &books, "a").await, recorded, "another intent is left alone");
    for _ in 0..2 {
        one.abandon(&books, &first).await.unwrap();
        assert_eq!(client(two, &books, "a").await, None);
    }
    assert_eq!(two.begin(&books, &second).await.unwrap(), None);
}

async fn of_racing_intents_one_is_recorded(one: &dyn Ledger, two: &dyn Ledger) {
    let books = books("racing-intents", 1);
    for round in 0..5 {
        let id = format!("a{round}");
        let (first, second) = (intent(&id, "r1"), intent(&id, "r2"));
        let (a, b) = join!(one.begin(&books, &first), two.begin(&books, &second));
        match (a.unwrap(), b.unwrap()) {
            (None, Some(entry)) => assert_eq!(entry, Entry::Pending(first)),
            (Some(entry), None) => assert_eq!(entry, Entry::Pending(second)),
            other => panic!("{other:?}"),
        }
    }
}

async fn an_intent_is_taken_over_by_one(one: &dyn Ledger, two: &dyn Ledger) {
    let books = books("taken-over", 1);
    let [first, second, third] = [intent("a", "r1"), intent("a", "r2"), intent("a", "r3")];
    let changed = |result| matches!(result, Err(LinkError::Changed));
    assert!(changed(one.take_over(&books, &first, &second).await), "nothing was begun");
    one.begin(&books, &first).await.unwrap();
    for _ in 0..2 {
        two.take_over(&books, &first, &second).await.unwrap();
        assert_eq!(client(one, &books, "a").await, Some(Entry::Pending(second.clone())));
    }
    assert!(changed(one.take_over(&books, &first, &third).await), "somebody else was first");
    one.abandon(&books, &first).await.unwrap();
    assert_eq!(client(one, &books, "a").await, Some(Entry::Pending(second.clone())));
    one.link(&books, &link("a", "1"), None).await.unwrap();
    assert!(changed(two.take_over(&books, &second, &third).await), "it was finished");
    assert_eq!(client(one, &books, "a").await, Some(Entry::Linked(link("a", "1"))));
    for round in 0..5 {
        let id = format!("b{round}");
        let [first, second, third] = [intent(&id, "r1"), intent(&id, "r2"), intent(&id, "r3")];
        one.begin(&books, &first).await.unwrap();
        let (a, b) = join!(one.take_over(&books, &first, &second), two.take_over(&books, &first, &third));
        assert!(a.is_ok() != b.is_ok(), "{a:?} {b:?}");
        let stored = if a.is_ok() { second } else { third };
        assert_eq!(client(two, &books, &id).await, Some(Entry::Pending(stored)));
    }
}

async fn a_link_takes_the_place_of_the_intent(one: &dyn Ledger, two: &dyn Ledger) {
    let books = books("place-of-intent", 1);
    one.begin(&books, &intent("a", "r1")).await.unwrap();
    let linked = Some(Entry::Linked(link("a", "1")));
    for _ in 0..2 {
        two.link(&books, &link("a", "1"), None).await.unwrap();
        assert_eq!(client(one, &books, "a").await, linked);
        assert_eq!(holder(one, &books, "1").await, Some(billing("a")));
    }
    one.abandon(&books, &intent("a", "r1")).await.unwrap();
    assert_eq!(client(one, &books, "a").await, linked, "a link is no intent");
    assert_eq!(one.begin(&books, &intent("a", "r2")).await.unwrap(), linked);

    let replaced = Link { sync_token: "7".into(), ..link("a", "1") };
    one.link(&books, &replaced, None).await.unwrap();
    assert_eq!(client(two, &books, "a").await, Some(Entry::Linked(replaced)));
}

async fn neither_side_is_linked_twice(one: &dyn Ledger, two: &dyn Ledger) {
    let books = books("both-ways", 1);
    one.link(&books, &link("a", "1"), None).await.unwrap();
    for _ in 0..2 {
        match two.link(&books, &link("a", "2"), None).await {
            Err(LinkError::BillingTaken(id)) => assert_eq!(id, quickbooks("1")),
            other => panic!("{other:?}"),
        }
        match two.link(&books, &link("b", "1"), None).await {
            Err(LinkError::QuickBooksTaken(id)) => assert_eq!(id, billing("a")),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(client(one, &books, "a").await, Some(Entry::Linked(link("a", "1"))));
    assert_eq!(client(one, &books, "b").await, None);
    assert_eq!(holder(one, &books, "1").await, Some(billing("a")));
    assert_eq!(holder(one, &books, "2").await, None, "nothing is left of a refused link");

    one.begin(&books, &intent("b", "r1")).await.unwrap();
    assert!(matches!(two.link(&books, &link("b", "1"), None).await, Err(LinkError::QuickBooksTaken(_))));
    assert_eq!(client(one, &books, "b").await, Some(Entry::Pending(intent("b", "r1"))));
}

async fn of_racing_links_one_is_stored(one: &dyn Ledger, two: &dyn Ledger) {
    let books = books("racing-links", 1);
    for round in 0..5 {
        // Two records for one entity, then two entities for one record.
        let entity = format!("1{round}");
        let (a, b) = (link(&format!("a{round}"), &entity), link(&format!("b{round}"), &entity));
        let (first, second) = join!(one.link(&books, &a, None), two.link(&books, &b, None));
        let (winner, refused) = match (first, second) {
            (Ok(()), refused) => (a.billing_id, refused),
            (refused, Ok(())) => (b.billing_id, refused),
            other => panic!("{other:?}"),
        };
        assert!(matches!(refused, Err(LinkError::QuickBooksTaken(id)) if id == winner));
        assert_eq!(holder(one, &books, &entity).await, Some(winner));

        let record = format!("c{round}");
        let (a, b) = (link(&record, &format!("2{round}")), link(&record, &format!("3{round}")));
        let (first, second) = join!(one.link(&books, &a, None), two.link(&books, &b, None));
        let (winner, loser, refused) = match (first, second) {
            (Ok(()), refused) => (a, b, refused),
            (refused, Ok(())) => (b, a, refused),
            other => panic!("{other:?}"),
        };
        assert!(matches!(refused, Err(LinkError::BillingTaken(id)) if id == winner.quickbooks_id));
        assert_eq!(holder(one, &books, loser.quickbooks_id.as_str()).await, None);
        assert_eq!(client(one, &books, &record).await, Some(Entry::Linked(winner)));
    }
}

async fn a_refresh_follows_the_revision_before(one: &dyn Ledger, two: &dyn Ledger) {
    let books = books("refresh", 1);
    let next =
        |revision, sync_token: &str| Link { revision, sync_token: sync_token.into(), ..link("a", "1") };
    let changed = |result| matches!(result, Err(LinkError::Changed));
    assert!(changed(one.refresh(&books, &next(1, "0")).await), "there is no link");
    one.begin(&books, &intent("a", "r1")).await.unwrap();
    assert!(changed(one.refresh(&books, &next(1, "0")).await), "an intent is no link");
    one.link(&books, &next(1, "0"), None).await.unwrap();

    for _ in 0..2 {
        two.refresh(&books, &next(2, "1")).await.unwrap();
    }
    assert!(changed(one.refresh(&books, &next(2, "other")).await), "made from an older state");
    assert!(changed(one.refresh(&books, &next(4, "other")).await), "made from a state that never was");
    let elsewhere = Link { quickbooks_id: quickbooks("2"), ..next(3, "2") };
    assert!(changed(one.refresh(&books, &elsewhere).await), "not the same two");
    assert_eq!(client(two, &books, "a").await, Some(Entry::Linked(next(2, "1"))));
    one.refresh(&books, &next(3, "2")).await.unwrap();
    assert_eq!(client(two, &books, "a").await, Some(Entry::Linked(next(3, "2"))));
}

async fn of_racing_refreshes_one_is_stored(one: &dyn Ledger, two: &dyn Ledger) {
    let books = books("racing-refreshes", 1);
    for round in 0..5 {
        let first = product(&format!("a{round}"), &format!("1{round}"), "W-1");
        one.link(&books, &first, None).await.unwrap();
        let next = |sync_token: &str| Link { revision: 2, sync_token: sync_token.into(), ..first.clone() };
        let (a, b) = (next("a"), next("b"));
        let stored = match join!(one.refresh(&books, &a), two.refresh(&books, &b)) {
            (Ok(()), Err(LinkError::Changed)) => a,
            (Err(LinkError::Changed), Ok(())) => b,
            other => panic!("{other:?}"),
        };
        let id = stored.billing_id.clone();
        assert_eq!(entry(one, &books, Kind::Product, id.as_str()).await, Some(Entry::Linked(stored)));
    }
}

async fn a_link_is_superseded_by_an_intent(one: &dyn Ledger, two: &dyn Ledger) {
    let books = books("supersede", 1);
    let stored = Link { revision: 3, ..link("a", "1") };
    let next = Intent { generation: 1, ..intent("a", "r2") };
    let changed = |result| matches!(result, Err(LinkError::Changed));
    assert!(changed(one.supersede(&books, &stored, &next).await), "there is no link");
    one.link(&books, &stored, None).await.unwrap();
    let older = Link { revision: 2, ..stored.clone() };
    assert!(changed(one.supersede(&books, &older, &next).await), "made from an older state");
    assert_eq!(holder(two, &books, "1").await, Some(billing("a")));

    two.supersede(&books, &stored, &next).await.unwrap();
    assert_eq!(client(one, &books, "a").await, Some(Entry::Pending(next.clone())));
    assert_eq!(holder(one, &books, "1").await, None);
    assert!(changed(one.supersede(&books, &stored, &next).await), "it is no link any more");
    let again = Link { generation: 1, ..link("a", "2") };
    one.link(&books, &again, None).await.unwrap();
    assert_eq!(holder(two, &books, "2").await, Some(billing("a")));
}

async fn a_record_gets_another_entity(one: &dyn Ledger, two: &dyn Ledger) {
    let books = books("relink", 1);
    let (first, other) = (link("a", "1"), link("b", "2"));
    one.link(&books, &first, None).await.unwrap();
    one.link(&books, &other, None).await.unwrap();
    let taken = Link { quickbooks_id: quickbooks("2"), revision: 2, ..first.clone() };
    let refused = one.relink(&books, &first, &taken).await;
    assert!(matches!(refused, Err(LinkError::QuickBooksTaken(id)) if id == billing("b")));
    let next = Link { quickbooks_id: quickbooks("3"), ..taken };
    for ledger in [one, two] {
        ledger.relink(&books, &first, &next).await.unwrap();
    }
    assert_eq!(client(two, &books, "a").await, Some(Entry::Linked(next.clone())));
    assert_eq!((holder(two, &books, "1").await, holder(two, &books, "3").await), (None, Some(billing("a"))));
    let late = Link { quickbooks_id: quickbooks("4"), ..next };
    assert!(matches!(one.relink(&books, &first, &late).await, Err(LinkError::Changed)));
}

async fn a_stand_in_gives_way(one: &dyn Ledger, two: &dyn Ledger) {
    let books = books("stand-in", 1);
    let stand_in = billing("key:W-1");
    one.link(&books, &product("key:W-1", "1", "W-1"), None).await.unwrap();
    let refused = two.link(&books, &product("p1", "1", "W-1"), None).await;
    assert!(matches!(refused, Err(LinkError::QuickBooksTaken(id)) if id == stand_in));
    for _ in 0..2 {
        two.link(&books, &product("p1", "1", "W-1"), Some(&stand_in)).await.unwrap();
        assert_eq!(entry(one, &books, Kind::Product, "key:W-1").await, None);
        let holder = one.billing_id(&books, Kind::Product, &quickbooks("1")).await.unwrap();
        assert_eq!(holder, Some(billing("p1")));
        assert_eq!(by_key(one, &books, "W-1").await, Some(billing("p1")));
    }
    one.link(&books, &product("p2", "2", "W-2"), Some(&billing("key:W-2"))).await.unwrap();
    assert_eq!(by_key(two, &books, "W-2").await, Some(billing("p2")), "a stand-in need not be there");

    let own = product("p3", "3", "W-3");
    one.link(&books, &own, Some(&own.billing_id)).await.unwrap();
    assert_eq!(by_key(two, &books, "W-3").await, Some(billing("p3")));
}

async fn a_stand_in_linked_elsewhere_stays(one: &dyn Ledger, two: &dyn Ledger) {
    let books = books("stand-in-elsewhere", 1);
    let stand_in = product("key:W-1", "1", "W-1");
    one.link(&books, &stand_in, None).await.unwrap();
    let refused = two.link(&books, &product("p1", "2", "W-1"), Some(&stand_in.billing_id)).await;
    assert!(matches!(refused, Err(LinkError::Changed)), "{refused:?}");
    assert_eq!(entry(one, &books, Kind::Product, "key:W-1").await, Some(Entry::Linked(stand_in)));
    assert_eq!(entry(one, &books, Kind::Product, "p1").await, None, "nothing is left of a refused link");
    assert_eq!(one.billing_id(&books, Kind::Product, &quickbooks("2")).await.unwrap(), None);
}

async fn a_product_is_found_by_its_key(one: &dyn Ledger) {
    let books = books("product-key", 1);
    assert_eq!(by_key(one, &books, "W-1").await, None);
    one.link(&books, &product("p1", "1", "W-1"), None).await.unwrap();
    assert_eq!(by_key(one, &books, "W-1").await, Some(billing("p1")));
    assert_eq!(by_key(one, &books, "w-1").await, None, "to the letter");

    let renamed = Link { revision: 2, ..product("p1", "1", "W-2") };
    one.refresh(&books, &renamed).await.unwrap();
    assert_eq!(by_key(one, &books, "W-1").await, None);
    assert_eq!(by_key(one, &books, "W-2").await, Some(billing("p1")));
    one.link(&books, &product("p2", "2", "W-2"), None).await.unwrap();
    assert_eq!(by_key(one, &books, "W-2").await, Some(billing("p2")), "the last one linked under it");

    for (place, key) in ["", "a#b", "Größe \u{1F33B}\n", &"long ".repeat(300)].into_iter().enumerate() {
        let id = format!("odd-{place}");
        one.link(&books, &product(&id, &format!("9{place}"), key), None).await.unwrap();
        assert_eq!(by_key(one, &books, key).await, Some(billing(&id)), "{key:?}");
    }
}

async fn of_withdrawals_the_latest_is_remembered(one: &dyn Ledger, two: &dyn Ledger) {
    let (ours, theirs) = (books("withdrawn", 1), books("withdrawn", 2));
    let record = |id: &str| (Kind::Invoice, billing(id));
    let asked = [record("a"), record("b"), (Kind::Payment, billing("a"))];
    assert!(one.withdrawals(&ours, &asked).await.unwrap().is_empty());
    for second in [5, 9, 7, 9] {
        one.note_withdrawal(&ours, Kind::Invoice, &billing("a"), at(second)).await.unwrap();
    }
    let known = two.withdrawals(&ours, &asked).await.unwrap();
    assert_eq!(known.into_iter().collect::<Vec<_>>(), [(record("a"), at(9))]);
    assert!(two.withdrawals(&theirs, &asked).await.unwrap().is_empty());
    assert!(two.withdrawals(&ours, &[]).await.unwrap().is_empty());
    assert_eq!(entry(one, &ours, Kind::Invoice, "a").await, None, "it may be made all the same");
}

async fn kinds_and_books_are_apart(one: &dyn Ledger) {
    let all = [books("apart", 1), books("apart", 2), books("apart-too", 1)];
    for books in &all[..2] {
        for kind in Kind::ALL {
            one.link(books, &Link { kind, ..link("a", "1") }, None).await.unwrap();
        }
    }
    for kind in Kind::ALL {
        assert_eq!(
            entry(one, &all[1], kind, "a").await,
            Some(Entry::Linked(Link { kind, ..link("a", "1") }))
        );
    }
    assert_eq!(client(one, &all[2], "a").await, None);
    assert_eq!(holder(one, &all[2], "1").await, None);
}

async fn many_entries_are_read_at_once(one: &dyn Ledger) {
    let books = books("many", 1);
    for number in 0..120 {
        let link = product(&format!("p{number}"), &number.to_string(), &format!("W-{number}"));
        one.link(&books, &link, None).await.unwrap();
    }
    let of_number = |number| {
        [
            LinkKey::Billing(Kind::Product, billing(&format!("p{number}"))),
            LinkKey::ProductKey(format!("W-{number}")),
            LinkKey::Billing(Kind::Client, billing(&format!("p{number}"))),
        ]
    };
    // Some are asked for twice, and some do not exist.
    let keys: Vec<LinkKey> = (0..130).chain(0..10).flat_map(of_number).collect();
    let entries = one.entries(&books, &keys).await.unwrap();
    assert_eq!(entries.len(), 240);
    for number in 0..120 {
        let [by_id, by_key, _] = of_number(number);
        assert_eq!(entries[&by_id], entries[&by_key]);
        assert!(
            matches!(&entries[&by_id], Entry::Linked(link) if link.billing_id == billing(&format!("p{number}")))
        );
    }
    assert!(one.entries(&books, &[]).await.unwrap().is_empty());

    let entity = |kind, number: u32| (kind, quickbooks(&number.to_string()));
    let wanted: Vec<_> = (0..130).chain(0..10).map(|number| entity(Kind::Product, number)).collect();
    let found = one.billing_ids(&books, &wanted).await.unwrap();
    assert_eq!(found.len(), 120);
    assert_eq!(found[&entity(Kind::Product, 7)], billing("p7"));
    assert!(one.billing_ids(&books, &[entity(Kind::Client, 7)]).await.unwrap().is_empty());
    assert!(one.billing_ids(&books, &[]).await.unwrap().is_empty());
}

async fn a_long_body_is_kept(one: &dyn Ledger, two: &dyn Ledger) {
    let books = books("long-body", 1);
    // An invoice of 750 lines, the most that there may be; a third of it says nothing twice.
    let body = format!("{}{}", noise(250_000), "A line like any other. ".repeat(22_000));
    let long = Intent { body, ..intent("a", "r1") };
    one.begin(&books, &long).await.unwrap();
    assert_eq!(client(two, &books, "a").await, Some(Entry::Pending(long)));
}

async fn a_body_that_is_too_long_is_refused(one: &dyn Ledger, two: &dyn Ledger) {
    let books = books("too-long-body", 1);
    let long = |id: &str| Intent { body: noise(1_200_000), ..intent(id, "r1") };
    assert!(matches!(one.begin(&books, &long("a")).await, Err(LinkError::TooLong)));
    assert_eq!(client(two, &books, "a").await, None, "nothing is left of it");
    one.link(&books, &link("b", "1"), None).await.unwrap();
    assert!(matches!(two.supersede(&books, &link("b", "1"), &long("b")).await, Err(LinkError::TooLong)));
    assert_eq!(client(one, &books, "b").await, Some(Entry::Linked(link("b", "1"))));
}
