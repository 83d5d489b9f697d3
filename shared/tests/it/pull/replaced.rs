//! Payments whose money the billing app does not let be moved: they are replaced.

use jiff::civil::date;
use quickbooks_simulator::company::Seed;
use serde_json::json;
use sync::activity::ActivityResult;
use sync::model::{Kind, Payment, Record};
use sync::notice::ChangeNotice;
use sync::outcome::DoneAction;
use sync::ports::Stored;

use super::cut_short::in_every_call;
use super::fragile::Fragile;
use super::office::{Office, did, done, lines};
use crate::desk::skipped;

/// Two invoices and a payment of 200 over both of them, in an app that keeps payments as they are.
async fn paid_over_two(office: &Office) -> [String; 4] {
    office.billing.keep_payments();
    let (fern, hedge) = (office.new_customer("Fern"), office.new_item("Hedge").await);
    let (one, two) = (office.new_invoice("N-1", &fern, &hedge), office.new_invoice("N-2", &fern, &hedge));
    let paid = office.new_payment(&fern, 200, &[(&one, 150), (&two, 50)]);
    [fern, one, two, paid]
}

fn allocated(office: &Office, paid: &str) -> Vec<String> {
    let amounts = office.payment(paid).allocations;
    amounts.iter().map(|allocation| allocation.amount.normalize().to_string()).collect()
}

#[tokio::test]
async fn t15_a_payment_that_cannot_be_changed_is_replaced_each_time_and_nothing_comes_back() {
    let office = Office::open(Seed::Landscaping).await;
    let [_, one, two, paid] = paid_over_two(&office).await;
    office.pull().await;
    let first = office.link(Kind::Payment, &paid).billing_id;
    let first_as_made = office.stored(Kind::Payment, &first);

    office.change("Payment", &paid, &json!({"TotalAmt": 180, "Line": lines(&[(&one, 100), (&two, 80)])}));
    let result = office.pull_one().await;
    assert_eq!(did(&result), DoneAction::RecordUpdated);
    let second = office.link(Kind::Payment, &paid).billing_id;
    assert_eq!(
        done(&result).notes,
        [
            "Changed in QuickBooks: lines, amount.".to_owned(),
            format!("Payment {first} was replaced by {second}.")
        ]
    );
    assert_eq!(
        (allocated(&office, &paid), office.records(Kind::Payment).len()),
        (vec!["100".into(), "80".into()], 1)
    );
    assert!(office.stored(Kind::Payment, &first).deleted && first != second);
    assert_eq!(office.links(Kind::Payment).len(), 1, "the link went along");

    // What the app tells of it does nothing in QuickBooks (T20).
    let before = office.entity("Payment", &paid);
    let late = office.tell("payment.created", &first_as_made).await;
    assert!(skipped(&late).contains("deleted"), "{late:?}");
    let deleted = office.tell("payment.deleted", &office.stored(Kind::Payment, &first)).await;
    assert!(skipped(&deleted).contains("never reached"), "{deleted:?}");
    let created = office.tell("payment.created", &office.stored(Kind::Payment, &second)).await;
    assert!(skipped(&created).contains("nothing"), "{created:?}");
    assert_eq!(office.entity("Payment", &paid), before);

    // What can be changed is changed, and no replacement is left over to be carried out once more.
    office.change("Payment", &paid, &json!({"PaymentRefNum": "1188"}));
    assert_eq!(done(&office.pull_one().await).notes, ["Changed in QuickBooks: reference number."]);
    assert_eq!(office.link(Kind::Payment, &paid).billing_id, second);
    office.change("Payment", &paid, &json!({"TotalAmt": 90, "Line": lines(&[(&two, 90)])}));
    assert_eq!(did(&office.pull_one().await), DoneAction::RecordUpdated);
    assert_eq!((allocated(&office, &paid), office.records(Kind::Payment).len()), (vec!["90".into()], 1));
    office.void("Payment", &paid);
    assert_eq!(did(&office.pull_one().await), DoneAction::RecordDeleted);
    assert_eq!(office.records(Kind::Payment).len(), 0);
}

#[tokio::test]
async fn r95_a_replacement_that_is_cut_short_anywhere_leaves_one_payment() {
    let ids = std::cell::RefCell::new(Vec::new());
    in_every_call(
        async |office| *ids.borrow_mut() = paid_over_two(office).await.to_vec(),
        async |office| {
            let ids = ids.borrow().clone();
            let lines = lines(&[(&ids[1], 100), (&ids[2], 80)]);
            office.change("Payment", &ids[3], &json!({"TotalAmt": 180, "Line": lines}));
        },
        |office, when| {
            let paid = &ids.borrow()[3];
            assert_eq!(allocated(office, paid), ["100", "80"], "{when}");
            assert_eq!(
                (office.records(Kind::Payment).len(), office.links(Kind::Payment).len()),
                (1, 1),
                "{when}"
            );
        },
        async |office, when| {
            let paid = ids.borrow()[3].clone();
            let before = office.link(Kind::Payment, &paid).billing_id;
            let told = done(&office.newest().await.result).notes.clone();
            let is_told = |note: &String| note.ends_with(&format!("was replaced by {before}."));
            assert!(told.iter().any(is_told) && told[0].starts_with("Changed"), "{told:?}, {when}");
            // A later change finds nothing left over of it.
            office.change("Payment", &paid, &json!({"PaymentRefNum": "1188"}));
            office.pull().await;
            assert_eq!(office.payment(&paid).reference, "1188", "{when}");
            assert_eq!(office.link(Kind::Payment, &paid).billing_id, before, "replaced once more, {when}");
        },
    )
    .await;
}

#[tokio::test]
async fn r34_a_payment_that_is_voided_while_its_replacement_was_cut_short_leaves_none() {
    for dies_in in 1.. {
        let office = Office::open(Seed::Landscaping).await;
        let [_, one, two, paid] = paid_over_two(&office).await;
        office.pull().await;
        office.change("Payment", &paid, &json!({"TotalAmt": 180, "Line": lines(&[(&one, 100), (&two, 80)])}));
        let notices = office.notices();
        let fragile = Fragile::new(office.ports(), dies_in, true);
        office.deliver_over(fragile.ports(), &notices).await;
        if !fragile.died() {
            break;
        }
        office.void("Payment", &paid);
        let notices = office.notices();
        // What may be under way still is waited for.
        office.deliver_over(office.ports(), &notices).await;
        office.wait(121);
        office.deliver(&notices).await;
        assert_eq!(office.records(Kind::Payment).len(), 0, "call {dies_in}");
        assert_eq!(office.parked().await, [], "call {dies_in}");
        let log = office.desk.log().await;
        assert!(log.iter().any(|entry| entry.removed.is_some()), "D4, call {dies_in}: {log:#?}");
    }
}

/// An older notice that comes once more, before the one for which a payment was replaced, does not hide that.
#[tokio::test]
async fn a_replacement_is_told_of_also_if_an_older_notice_comes_first() {
    for dies_in in 1.. {
        let office = Office::open(Seed::Landscaping).await;
        let [_, one, two, paid] = paid_over_two(&office).await;
        let older: Vec<ChangeNotice> = office.notices();
        office.deliver(&older).await;
        office.wait(3);
        office.change("Payment", &paid, &json!({"TotalAmt": 180, "Line": lines(&[(&one, 100), (&two, 80)])}));
        let replaced = office.link(Kind::Payment, &paid).billing_id;
        let notices = office.notices();
        let fragile = Fragile::new(office.ports(), dies_in, true);
        office.deliver_over(fragile.ports(), &notices).await;
        office.wait(121);
        office.change("Payment", &paid, &json!({"PaymentRefNum": "1188"}));
        let changed = office.notices();
        // The push of a person's edit meets that change, so that any notice of the payment is followed.
        let link = office.link(Kind::Payment, &paid);
        if link.billing_id != replaced {
            let stored = office.stored(Kind::Payment, &link.billing_id);
            let Record::Payment(payment) = stored.record else { panic!("a payment") };
            office.wait(3);
            office.save(Record::Payment(Box::new(Payment { date: date(2026, 6, 19), ..*payment })));
            office.tell("payment.updated", &office.stored(Kind::Payment, &link.billing_id)).await;
        }
        // What may be under way still is waited for, and what has changed meanwhile comes with another try.
        for notices in [&older, &notices] {
            office.deliver_over(office.ports(), notices).await;
            office.wait(121);
        }
        office.deliver(&notices).await;
        office.deliver(&changed).await;
        let log = office.desk.log().await;
        let is_named = |note: &String| note.starts_with(&format!("Payment {replaced} was replaced"));
        let is_told = |result: &ActivityResult| matches!(result, ActivityResult::Done(done) if done.notes.iter().any(is_named));
        assert!(log.iter().any(|entry| is_told(&entry.result)), "call {dies_in}: {log:#?}");
        assert_eq!(office.payment(&paid).reference, "1188", "call {dies_in}");
        if !fragile.died() {
            break;
        }
    }
}

/// Whatever happens to a payment whose replacement was cut short: the old one is in the log, by its name or whole (D4).
#[tokio::test]
async fn d4_what_was_replaced_is_told_of_whatever_comes_next() {
    for next in ["voided in QuickBooks", "deleted in the billing app"] {
        for (after_the_effect, dies_in) in (1..).flat_map(|call| [(false, call), (true, call)]) {
            let office = Office::open(Seed::Landscaping).await;
            let [_, one, two, paid] = paid_over_two(&office).await;
            office.pull().await;
            let old = office.link(Kind::Payment, &paid).billing_id;
            office.change("Payment", &paid, &json!({"Line": lines(&[(&one, 100), (&two, 80)])}));
            let notices = office.notices();
            let fragile = Fragile::new(office.ports(), dies_in, after_the_effect);
            office.deliver_over(fragile.ports(), &notices).await;
            // It changes once more before somebody else goes on with it.
            office.change("Payment", &paid, &json!({"PaymentRefNum": "1188"}));
            let later = office.notices();
            office.wait(121);
            office.deliver_over(office.ports(), &later).await;
            let mut deleted = None;
            match next {
                "voided in QuickBooks" => office.void("Payment", &paid),
                _ => {
                    office.wait(3);
                    let new = office.link(Kind::Payment, &paid).billing_id;
                    if new != old && office.billing_deletes(&office.stored(Kind::Payment, &new).record).await
                    {
                        // What is not carried out yet is carried out when it is told once more.
                        deleted = Some(office.told("payment.deleted", &office.stored(Kind::Payment, &new)));
                        office.desk.deliver(deleted.as_slice()).await;
                    }
                }
            }
            let last: Vec<ChangeNotice> = later.into_iter().chain(office.notices()).collect();
            for _ in 0..2 {
                office.deliver_over(office.ports(), &last).await;
                office.wait(121);
            }
            office.deliver_over(office.ports(), &notices).await;
            office.desk.deliver(deleted.as_slice()).await;
            let when = format!("{next}, call {dies_in}, after its effect: {after_the_effect}");
            let is_gone = deleted.is_some() || next == "voided in QuickBooks";
            assert_eq!(office.records(Kind::Payment).is_empty(), is_gone, "{when}");
            let log = office.desk.log().await;
            let is_named = |note: &String| note.starts_with(&format!("Payment {old} was replaced"));
            let is_told = log.iter().any(|entry| {
                let is_kept = entry.removed.as_ref().is_some_and(|record| *record.id() == old);
                is_kept
                    || matches!(&entry.result, ActivityResult::Done(done) if done.notes.iter().any(is_named))
            });
            assert!(is_told, "{when}: {log:#?}");
            if !fragile.died() {
                break;
            }
        }
    }
}

/// The new payment of a replacement that was cut short is kept as it was, also if the worker that deletes it dies (D4).
#[tokio::test]
async fn d4_a_replacement_that_is_taken_back_is_kept_wherever_a_worker_dies() {
    let mut made_in = None;
    for dies_in in 1.. {
        let office = Office::open(Seed::Landscaping).await;
        let [_, one, two, paid] = paid_over_two(&office).await;
        office.pull().await;
        let old = office.link(Kind::Payment, &paid).billing_id;
        office.change("Payment", &paid, &json!({"Line": lines(&[(&one, 100), (&two, 80)])}));
        let notices = office.notices();
        let first = Fragile::new(office.ports(), made_in.unwrap_or(dies_in), true);
        office.deliver_over(first.ports(), &notices).await;
        let is_new = |stored: &Stored| *stored.record.id() != old;
        let Some(new) = office.records(Kind::Payment).into_iter().find(is_new) else { continue };
        if made_in.is_none() {
            // From now on the worker that brings the void over dies, in each of its calls.
            made_in = Some(dies_in);
        }
        let call = dies_in + 1 - made_in.unwrap_or(dies_in);
        office.void("Payment", &paid);
        let voided = office.notices();
        let second = Fragile::new(office.ports(), call, true);
        office.deliver_over(second.ports(), &voided).await;
        office.wait(121);
        office.deliver(&voided).await;
        let log = office.desk.log().await;
        let is_kept = |record: &Record| record.id() == new.record.id();
        assert!(log.iter().any(|entry| entry.removed.as_ref().is_some_and(is_kept)), "call {call}: {log:#?}");
        assert_eq!(office.records(Kind::Payment).len(), 0, "call {call}");
        if !second.died() {
            assert!(call > 5, "the worker was never asked anything");
            break;
        }
    }
}
