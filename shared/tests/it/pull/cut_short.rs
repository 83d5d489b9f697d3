//! A worker that dies in any of its calls, before or after the call's effect, and another one that takes over: exactly
//! one record on each side, and the same ending.

use quickbooks_simulator::company::Seed;
use quickbooks_simulator::server::{Effect, Fault};
use serde_json::json;
use sync::activity::ActivityResult;
use sync::ids::QuickBooksId;
use sync::model::{Kind, Record};
use sync::notice::{ChangeNotice, Operation, Source};
use sync::outcome::{DoneAction, ParkCause};
use sync::ports::Clock;
use sync::push::{self, Ports, Verdict};
use sync::settings::ConnectionState;

use super::fragile::Fragile;
use super::office::{Office, did, lines, sale};
use crate::desk::{client, invoice, messages};
use crate::stops::Stops;

/// Lets a worker die in the n-th call, and another one finish, for every n; `judge` looks at what is left, and
/// `afterwards` at how it goes on.
pub(super) async fn in_every_call(
    prepare: impl AsyncFn(&Office),
    act: impl AsyncFn(&Office),
    judge: impl Fn(&Office, &str),
    afterwards: impl AsyncFn(&Office, &str),
) {
    for after_the_effect in [false, true] {
        let mut dies_in = 1;
        loop {
            let office = Office::open(Seed::Landscaping).await;
            prepare(&office).await;
            office.pull().await;
            act(&office).await;
            let notices: Vec<ChangeNotice> = office.notices();
            let fragile = Fragile::new(office.ports(), dies_in, after_the_effect);
            let verdicts = office.deliver_over(fragile.ports(), &notices).await;
            let when = format!("call {dies_in}, after its effect: {after_the_effect}");
            if !fragile.died() {
                assert!(dies_in > 5, "the worker was never asked anything");
                break;
            }
            assert!(verdicts.iter().all(|verdict| *verdict != Verdict::Acknowledge), "{when}: {verdicts:?}");
            // What may be under way still is waited for.
            office.deliver_over(office.ports(), &notices).await;
            office.wait(121);
            let results = office.deliver(&notices).await;
            let parked = results.iter().find(|result| matches!(result, ActivityResult::Parked(_)));
            assert!(parked.is_none(), "{when}: {parked:?}");
            assert_eq!(office.parked().await, [], "{when}");
            judge(&office, &when);
            afterwards(&office, &when).await;
            dies_in += 1;
        }
    }
}

#[tokio::test]
async fn r95_an_invoice_with_its_client_product_and_payment_comes_over_once() {
    in_every_call(
        async |_| {},
        async |office| {
            let (fern, hedge) = (office.new_customer("Fern"), office.new_item("Hedge").await);
            let bill = office.new_invoice("N-1", &fern, &hedge);
            office.notices();
            office.new_payment(&fern, 150, &[(&bill, 150)]);
        },
        |office, when| {
            for kind in Kind::ALL {
                assert_eq!((office.records(kind).len(), office.links(kind).len()), (1, 1), "{kind}, {when}");
            }
        },
        async |_, _| {},
    )
    .await;
}

#[tokio::test]
async fn changes_and_deletions_are_carried_out_once() {
    let ids = std::cell::RefCell::new(Vec::new());
    in_every_call(
        async |office| {
            let (fern, hedge) = (office.new_customer("Fern"), office.new_item("Hedge").await);
            let (one, two) =
                (office.new_invoice("N-1", &fern, &hedge), office.new_invoice("N-2", &fern, &hedge));
            let paid = office.new_payment(&fern, 50, &[(&one, 50)]);
            let moved = office.new_payment(&fern, 20, &[(&one, 20)]);
            *ids.borrow_mut() = vec![hedge, one, two, paid, moved];
        },
        async |office| {
            let ids = ids.borrow().clone();
            office.change("Invoice", &ids[1], &json!({"Line": [sale(&ids[0], 170)]}));
            office.change("Payment", &ids[4], &json!({"Line": lines(&[(&ids[1], 15)])}));
            office.void("Payment", &ids[3]);
            office.delete("Invoice", &ids[2]);
        },
        |office, when| {
            let ids = ids.borrow();
            assert_eq!(
                (office.records(Kind::Invoice).len(), office.records(Kind::Payment).len()),
                (1, 1),
                "{when}"
            );
            assert_eq!(office.invoice(&ids[1]).amount.normalize().to_string(), "170", "{when}");
            assert_eq!(office.payment(&ids[4]).allocations[0].amount.normalize().to_string(), "15", "{when}");
        },
        async |_, _| {},
    )
    .await;
}

/// What a worker had made when it died is deleted with the entity, and kept in the log (R33, D4).
#[tokio::test]
async fn r33_an_invoice_that_is_deleted_before_it_came_over_whole_leaves_none() {
    for after_the_effect in [false, true] {
        for dies_in in 1.. {
            let office = Office::open(Seed::Landscaping).await;
            let (fern, hedge) = (office.new_customer("Fern"), office.new_item("Hedge").await);
            office.pull().await;
            let bill = office.new_invoice("N-1", &fern, &hedge);
            let fragile = Fragile::new(office.ports(), dies_in, after_the_effect);
            office.deliver_over(fragile.ports(), &office.notices()).await;
            if !fragile.died() {
                break;
            }
            let when = format!("call {dies_in}, after its effect: {after_the_effect}");
            office.delete("Invoice", &bill);
            let was_made = !office.records(Kind::Invoice).is_empty();
            let notices = office.notices();
            office.deliver_over(office.ports(), &notices).await;
            office.wait(121);
            office.deliver(&notices).await;
            assert_eq!((office.records(Kind::Invoice).len(), office.parked().await.len()), (0, 0), "{when}");
            let is_kept = office.desk.log().await.iter().any(|entry| entry.removed.is_some());
            assert_eq!(is_kept, was_made, "{when}");
        }
    }
}

/// The call in which a worker that brings an invoice over creates the record.
async fn call_of_the_create() -> usize {
    for dies_in in 1.. {
        let office = Office::open(Seed::Landscaping).await;
        invoice_cut_short(&office, dies_in).await;
        if !office.records(Kind::Invoice).is_empty() {
            return dies_in;
        }
    }
    unreachable!("nothing is created")
}

/// An invoice in QuickBooks, and a worker that dies after the effect of a call while it brings it over.
async fn invoice_cut_short(office: &Office, dies_in: usize) -> (String, Vec<ChangeNotice>) {
    let (fern, hedge) = (office.new_customer("Fern"), office.new_item("Hedge").await);
    office.pull().await;
    let bill = office.new_invoice("N-1", &fern, &hedge);
    let notices = office.notices();
    let fragile = Fragile::new(office.ports(), dies_in, true);
    office.deliver_over(fragile.ports(), &notices).await;
    (bill, notices)
}

/// What has become of an entity since its record was created is not done with when the two are linked.
#[tokio::test]
async fn r33_r95_a_second_worker_that_dies_hides_nothing_that_has_happened_since() {
    let create = call_of_the_create().await;
    for (is_deleted, after_the_effect) in [(false, false), (false, true), (true, false), (true, true)] {
        for dies_in in 1.. {
            let office = Office::open(Seed::Landscaping).await;
            let (bill, mut notices) = invoice_cut_short(&office, create).await;
            if is_deleted {
                office.delete("Invoice", &bill);
            } else {
                office.change("Invoice", &bill, &json!({"PrivateNote": "By Jo"}));
            }
            notices.extend(office.notices());
            let fragile = Fragile::new(office.ports(), dies_in, after_the_effect);
            office.deliver_over(fragile.ports(), &notices).await;
            if !fragile.died() {
                break;
            }
            let when = format!("call {dies_in}, after its effect: {after_the_effect}, {is_deleted}");
            office.deliver_over(office.ports(), &notices).await;
            office.wait(121);
            office.deliver(&notices).await;
            let records = office.records(Kind::Invoice);
            assert_eq!((records.len(), office.parked().await.len()), (usize::from(!is_deleted), 0), "{when}");
            if !is_deleted {
                assert_eq!(office.invoice(&bill).private_notes, "By Jo", "{when}");
            }
        }
    }
}

/// An invoice that is voided in QuickBooks, and a worker that may die while it deletes the record; true if it did.
async fn void_cut_short(
    office: &Office,
    dies_in: usize,
    after_the_effect: bool,
) -> (String, Vec<ChangeNotice>, bool) {
    let (fern, hedge) = (office.new_customer("Fern"), office.new_item("Hedge").await);
    let bill = office.new_invoice("N-1", &fern, &hedge);
    office.pull().await;
    office.wait(3);
    office.void("Invoice", &bill);
    let notices = office.notices();
    let fragile = Fragile::new(office.ports(), dies_in, after_the_effect);
    office.deliver_over(fragile.ports(), &notices).await;
    (bill, notices, fragile.died())
}

/// The billing app tells of a deletion that is ours and of which the worker that made it could not note anything more:
/// the record that was deleted is kept all the same (D4).
#[tokio::test]
async fn d4_what_was_deleted_is_kept_also_if_the_billing_app_tells_of_it_first() {
    for after_the_effect in [false, true] {
        for dies_in in 1.. {
            let office = Office::open(Seed::Landscaping).await;
            let (bill, notices, died) = void_cut_short(&office, dies_in, after_the_effect).await;
            let when = format!("call {dies_in}, after its effect: {after_the_effect}");
            let invoice = office.stored(Kind::Invoice, &office.link(Kind::Invoice, &bill).billing_id);
            if invoice.deleted {
                office.tell("invoice.deleted", &invoice).await;
            }
            office.wait(121);
            let results = office.deliver(&notices).await;
            assert_eq!(did(&results[0]), DoneAction::RecordDeleted, "{when}: {results:?}");
            let kept = office.newest().await.removed;
            assert_eq!(kept.as_ref().map(sync::model::Record::label), Some("N-1"), "{when}");
            if !died {
                break;
            }
        }
    }
}

/// The same if another notice of the entity comes before the first one is repeated.
#[tokio::test]
async fn d4_what_was_deleted_is_kept_also_if_a_later_notice_replaces_the_one_it_was_deleted_for() {
    for after_the_effect in [false, true] {
        for dies_in in 1.. {
            let office = Office::open(Seed::Landscaping).await;
            let (_, mut notices, died) = void_cut_short(&office, dies_in, after_the_effect).await;
            let when = format!("call {dies_in}, after its effect: {after_the_effect}");
            office.wait(121);
            let at = notices[0].last_updated.map(|at| at + jiff::SignedDuration::from_secs(1));
            let swept = ChangeNotice {
                last_updated: at,
                source: Source::Sweep,
                operation: Operation::Updated,
                ..notices[0].clone()
            };
            notices.push(swept);
            office.deliver_over(office.ports(), &notices).await;
            let log = office.desk.log().await;
            let is_kept =
                log.iter().any(|entry| entry.removed.as_ref().is_some_and(|it| it.label() == "N-1"));
            assert!(is_kept, "{when}: {log:#?}");
            assert_eq!((office.parked().await, office.records(Kind::Invoice).len()), (vec![], 0), "{when}");
            if !died {
                break;
            }
        }
    }
}

/// A Customer that meets a client, and a change of it. The first worker dies when it is about to tell of the link, the
/// second one, which has the change too, in any of its calls.
#[tokio::test]
async fn a_link_that_two_workers_could_not_tell_of_is_told() {
    let mut tells_in = 1;
    for dies_in in 1.. {
        let office = Office::open(Seed::Landscaping).await;
        let value = crate::desk::client("c-1", "Fern");
        office.save(Record::Client(serde_json::from_value(value).unwrap()));
        let fern = office.new_customer("Fern");
        let mut notices = office.notices();
        // Its last call is the one that tells.
        let first = loop {
            let first = Fragile::new(office.ports(), tells_in, false);
            office.deliver_over(first.ports(), &notices).await;
            if !office.links(Kind::Client).is_empty() {
                break first;
            }
            tells_in += 1;
        };
        assert!(first.died());
        office.change("Customer", &fern, &json!({"Notes": "Ring twice"}));
        notices.extend(office.notices());
        let second = Fragile::new(office.ports(), dies_in, false);
        office.deliver_over(second.ports(), &notices).await;
        if !second.died() {
            break;
        }
        let results = office.deliver(&notices).await;
        let ActivityResult::Done(linked) = &results[0] else { panic!("call {dies_in}: {results:?}") };
        assert_eq!(linked.action, DoneAction::RecordLinked, "call {dies_in}");
    }
}

/// A worker deletes an invoice and dies; then the connection is gone for a while (D4, D10).
#[tokio::test]
async fn d4_what_was_deleted_is_kept_also_if_its_notice_has_to_wait_for_the_connection() {
    for after_the_effect in [false, true] {
        for dies_in in 1.. {
            let office = Office::open(Seed::Landscaping).await;
            let (fern, hedge) = (office.new_customer("Fern"), office.new_item("Hedge").await);
            let bill = office.new_invoice("N-1", &fern, &hedge);
            office.pull().await;
            office.void("Invoice", &bill);
            let notices = office.notices();
            let fragile = Fragile::new(office.ports(), dies_in, after_the_effect);
            office.deliver_over(fragile.ports(), &notices).await;
            if !fragile.died() {
                break;
            }
            office.desk.set_connection(ConnectionState::Expired).await;
            office.deliver(&notices).await;
            office.desk.set_connection(ConnectionState::Connected).await;
            office.wait(121);
            let results = office.deliver(&notices).await;
            let when = format!("call {dies_in}, after its effect: {after_the_effect}");
            assert_eq!(did(&results[0]), DoneAction::RecordDeleted, "{when}: {results:?}");
            let kept = office.newest().await.removed;
            assert_eq!(kept.as_ref().map(Record::label), Some("N-1"), "{when}");
        }
    }
}

/// An Invoice that we made, and whose answer was lost, of a record that a person deletes and restores meanwhile: a pull
/// takes it for the bookkeeper's. It is not made once more.
#[tokio::test]
async fn r95_what_a_pull_has_brought_over_as_another_record_is_not_created_again() {
    for restored in [true, false] {
        let mut office = Office::open(Seed::Landscaping).await;
        let bill = invoice("i-1", &client("c-1", "Ames & Daughters"), &["Hedge laying"]);
        let record: Record = serde_json::from_value(json!({"kind": "invoice", "record": bill})).unwrap();
        office.save(record.clone());
        let ids = |office: &Office| -> Vec<String> {
            office
                .desk
                .company(|company| company.entities("Invoice").into_iter().map(super::office::id).collect())
        };
        let before = ids(&office);
        let fault = Fault { path: Some("/invoice".into()), ..Fault::once(Effect::LoseResponse) };
        office.desk.simulator.add_fault(fault);
        let sent = office.desk.event("invoice.sent", &bill);
        assert_ne!(office.desk.deliver(&[sent]).await, [Verdict::Acknowledge]);
        assert!(office.billing_deletes(&record).await);
        let made: Vec<String> = ids(&office).into_iter().filter(|id| !before.contains(id)).collect();
        assert_eq!(made.len(), 1, "it was made");
        let created = ChangeNotice {
            company: office.desk.books.company.clone(),
            realm: office.desk.books.realm.clone(),
            kind: Kind::Invoice,
            quickbooks_id: QuickBooksId::new(made[0].clone()).unwrap(),
            operation: Operation::Created,
            deleted_id: None,
            last_updated: Some(office.clock.now()),
            source: Source::Webhook,
        };
        assert_eq!(did(&office.deliver(&[created]).await[0]), DoneAction::RecordCreated);
        // QuickBooks has forgotten the request by then.
        office.wait(90_000);
        office.reconnect().await;
        let told = if restored { "invoice.restored" } else { "invoice.deleted" };
        if restored {
            office.save(record.clone());
        }
        for _ in 0..2 {
            let result = office.tell(told, &office.stored(Kind::Invoice, record.id())).await;
            match (&result, restored) {
                (ActivityResult::Parked(park), true) => assert_eq!(park.cause, ParkCause::AlreadyLinked),
                (ActivityResult::Skipped { reason }, false) => {
                    assert!(reason.contains("never reached"), "{reason}")
                }
                (other, _) => panic!("{other:?}"),
            }
        }
        assert_eq!(ids(&office).len(), before.len() + 1);
    }
}

/// What a person restores while a worker brings over its deletion is not deleted again without a trace.
#[tokio::test]
async fn d4_a_record_that_is_restored_while_its_deletion_comes_over_is_kept_or_there() {
    for call in 0.. {
        let office = Office::open(Seed::Landscaping).await;
        let (fern, hedge) = (office.new_customer("Fern"), office.new_item("Hedge").await);
        let bill = office.new_invoice("N-1", &fern, &hedge);
        office.pull().await;
        let record = office.stored(Kind::Invoice, &office.link(Kind::Invoice, &bill).billing_id).record;
        assert!(office.billing_deletes(&record).await);
        office.delete("Invoice", &bill);
        let notices = office.notices();
        let stops = Stops::before(&office.desk, call);
        let ports = Ports { clock: &office.clock, ..stops.ports() };
        let mut pull = Box::pin(office.deliver_over(ports, &notices));
        let is_through = stops.until_stopped(&mut pull).await.is_some();
        office.save(record.clone());
        let restored = office.stored(Kind::Invoice, record.id());
        office.tell("invoice.restored", &restored).await;
        if !is_through {
            stops.open();
            pull.await;
        }
        office.deliver_over(office.ports(), &notices).await;
        let is_kept = office.desk.log().await.iter().any(|entry| entry.removed.is_some());
        assert!(is_kept || !office.stored(Kind::Invoice, record.id()).deleted, "call {call}");
        if is_through {
            assert!(call > 5, "the pull was never stopped");
            break;
        }
    }
}

/// A payment that touches an Invoice whose taxes are still to be written to the billing app leaves them to be written.
#[tokio::test]
async fn r46_taxes_that_a_dead_worker_owed_are_written_although_the_invoice_was_paid_meanwhile() {
    for dies_in in 1.. {
        let office = Office::open(Seed::AutomatedSalesTax).await;
        let mut ames = client("c-1", "Ames & Daughters");
        ames["shipping_address"] = json!({"line1": "1 Elm St", "city": "Tucson", "state": "AZ", "postal_code": "85701", "country": "US"});
        let bill = invoice("i-1", &ames, &["Hedge laying"]);
        office.save(serde_json::from_value(json!({"kind": "invoice", "record": bill})).unwrap());
        let sent = office.desk.event("invoice.sent", &bill);
        let fragile = Fragile::new(office.ports(), dies_in, false);
        push::messages(fragile.ports(), &messages(std::slice::from_ref(&sent))).await;
        if let Some(link) = office.links(Kind::Invoice).first() {
            let booked = office.entity("Invoice", link.quickbooks_id.as_str());
            let customer = booked["CustomerRef"]["value"].as_str().unwrap().to_owned();
            let id = link.quickbooks_id.to_string();
            office.new_payment(&customer, 50, &[(&id, 50)]);
            office.pull().await;
        }
        office.desk.deliver(std::slice::from_ref(&sent)).await;
        let stored = office.records(Kind::Invoice);
        let Record::Invoice(stored) = &stored[0].record else { panic!("an invoice") };
        assert_eq!(stored.amount.normalize().to_string(), "108.7", "call {dies_in}");
        if !fragile.died() {
            assert!(dies_in > 10, "the worker was never asked anything");
            break;
        }
    }
}
