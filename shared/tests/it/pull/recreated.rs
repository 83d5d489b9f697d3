//! Records that a pull has deleted, made anew out of the activity log (D4).

use quickbooks_simulator::company::Seed;
use sync::activity::{Activity, ActivityResult};
use sync::model::Kind;
use sync::outcome::DoneAction;
use sync::recreate::{Ports, RecreateError, Recreated, recreate};

use super::fragile::Fragile;
use super::office::{Office, did};

impl Office {
    /// The entries that keep a deleted record, newest first.
    async fn removed(&self) -> Vec<Activity> {
        self.desk.log().await.into_iter().filter(|entry| entry.removed.is_some()).collect()
    }

    async fn recreate(&self, entry: &Activity) -> Result<Recreated, RecreateError> {
        recreate_over(self.ports(), entry).await
    }
}

async fn recreate_over(ports: sync::push::Ports<'_>, entry: &Activity) -> Result<Recreated, RecreateError> {
    let ports = Ports {
        companies: ports.companies,
        ledger: ports.ledger,
        activity: ports.activity,
        billing: ports.billing,
        clock: ports.clock,
    };
    recreate(ports, &entry.company, entry.time, &entry.event).await
}

/// An invoice with a payment, both voided in QuickBooks; their entries.
async fn voided(office: &Office) -> (Activity, Activity) {
    office.billing.keep_payments();
    let (fern, hedge) = (office.new_customer("Fern"), office.new_item("Hedge").await);
    let bill = office.new_invoice("N-1", &fern, &hedge);
    let paid = office.new_payment(&fern, 150, &[(&bill, 150)]);
    office.pull().await;
    office.void("Payment", &paid);
    office.void("Invoice", &bill);
    office.pull().await;
    assert_eq!((office.records(Kind::Invoice).len(), office.records(Kind::Payment).len()), (0, 0));
    let removed = office.removed().await;
    let of = |kind| removed.iter().find(|entry| entry.kind == Some(kind)).unwrap().clone();
    (of(Kind::Invoice), of(Kind::Payment))
}

#[tokio::test]
async fn d4_an_invoice_and_its_payment_are_made_anew_once_and_are_pushed_as_new_ones() {
    let office = Office::open(Seed::Landscaping).await;
    let (bill, paid) = voided(&office).await;
    let error = office.recreate(&paid).await.unwrap_err();
    assert!(matches!(&error, RecreateError::Missing(Kind::Invoice, _)), "its invoice first: {error}");

    let invoice = office.recreate(&bill).await.unwrap();
    let payment = office.recreate(&paid).await.unwrap();
    assert!(!invoice.was_there && !payment.was_there);
    for (entry, first) in [(&bill, &invoice), (&paid, &payment)] {
        let again = office.recreate(entry).await.unwrap();
        assert_eq!((&again.billing_id, again.was_there), (&first.billing_id, true));
    }
    let (invoices, payments) = (office.records(Kind::Invoice), office.records(Kind::Payment));
    assert_eq!((invoices.len(), payments.len()), (1, 1), "R95: however often it is asked for");
    assert_eq!(invoices[0].record.label(), "N-1");
    let sync::model::Record::Payment(made) = &payments[0].record else { panic!("a payment") };
    assert_eq!(made.allocations[0].invoice_id, invoice.billing_id, "it pays what the invoice has become");
    let told = office.desk.log().await;
    let told: Vec<_> = told.iter().filter(|entry| entry.event.as_str().starts_with("made anew: ")).collect();
    assert_eq!(told.len(), 2);
    assert!(told.iter().all(|entry| did(&entry.result) == DoneAction::RecordCreated));

    // As far as QuickBooks is concerned they are new.
    for (event, stored) in [("invoice.sent", &invoices[0]), ("payment.created", &payments[0])] {
        assert_eq!(did(&office.tell(event, stored).await), DoneAction::Created);
    }
    let link =
        office.links(Kind::Payment).into_iter().find(|link| link.billing_id == payment.billing_id).unwrap();
    let entity = office.entity("Payment", link.quickbooks_id.as_str());
    assert_eq!(entity["TotalAmt"].to_string(), "150.00");

    // And can go the same way once more.
    office.void("Payment", link.quickbooks_id.as_str());
    assert_eq!(did(&office.pull_one().await), DoneAction::RecordDeleted);
    let newest = office.removed().await.into_iter().max_by_key(|entry| entry.time).unwrap();
    office.recreate(&newest).await.unwrap();
    assert_eq!(office.records(Kind::Payment).len(), 1);
}

#[tokio::test]
async fn d4_cut_short_anywhere_one_record_is_made() {
    for after_the_effect in [false, true] {
        let mut dies_in = 1;
        loop {
            let office = Office::open(Seed::Landscaping).await;
            let (bill, _) = voided(&office).await;
            let fragile = Fragile::new(office.ports(), dies_in, after_the_effect);
            let first = recreate_over(fragile.ports(), &bill).await;
            if !fragile.died() {
                assert!(first.is_ok() && dies_in > 5);
                break;
            }
            let when = format!("call {dies_in}, after its effect: {after_the_effect}");
            assert!(first.is_err(), "{when}");
            let at_once = office.recreate(&bill).await;
            office.wait(121);
            let later = office.recreate(&bill).await.unwrap();
            if let Ok(at_once) = at_once {
                assert_eq!(at_once.billing_id, later.billing_id, "{when}");
            }
            assert_eq!(office.records(Kind::Invoice).len(), 1, "{when}");
            let log = office.desk.log().await;
            let told = log.iter().filter(|entry| entry.event.as_str().starts_with("made anew: "));
            assert_eq!(told.count(), 1, "{when}");
            dies_in += 1;
        }
    }
}

#[tokio::test]
async fn d4_nothing_is_made_of_what_is_there_or_was_never_removed() {
    let office = Office::open(Seed::Landscaping).await;
    let (bill, _) = voided(&office).await;
    let kept = bill.removed.clone().unwrap();
    office.save(kept.clone());
    assert!(
        matches!(office.recreate(&bill).await, Err(RecreateError::IsThere(Kind::Invoice, _))),
        "restored by hand"
    );

    let deleted = office.billing_deletes(&kept).await;
    let sync::model::Record::Invoice(mut other) = kept else { panic!("an invoice") };
    other.id = sync::ids::BillingId::new("i-own").unwrap();
    office.save(sync::model::Record::Invoice(other));
    assert!(deleted && matches!(office.recreate(&bill).await, Err(RecreateError::NumberTaken(_))));

    let log = office.desk.log().await;
    let created = log.iter().find(|entry| matches!(&entry.result, ActivityResult::Done(done) if done.action == DoneAction::RecordCreated));
    assert!(matches!(office.recreate(created.unwrap()).await, Err(RecreateError::NothingKept)));
}

#[tokio::test]
async fn d4_what_was_made_anew_and_is_deleted_again_is_made_once_more() {
    let office = Office::open(Seed::Landscaping).await;
    let (bill, paid) = voided(&office).await;
    office.recreate(&bill).await.unwrap();
    assert_eq!(
        did(&office.tell("invoice.sent", &office.records(Kind::Invoice)[0]).await),
        DoneAction::Created
    );
    let mut made = Vec::new();
    for round in 0..4 {
        let payment = office.recreate(&paid).await.unwrap();
        assert!(!payment.was_there && !made.contains(&payment.billing_id), "{payment:?}");
        made.push(payment.billing_id.clone());
        let again = office.recreate(&paid).await.unwrap();
        assert_eq!((&again.billing_id, again.was_there), (&payment.billing_id, true));
        assert_eq!(office.records(Kind::Payment).len(), 1);
        let stored = office.stored(Kind::Payment, &payment.billing_id);
        // With a counterpart of its own and without.
        if round % 2 == 1 {
            assert_eq!(did(&office.tell("payment.created", &stored).await), DoneAction::Created);
        }
        assert!(office.billing_deletes(&stored.record).await);
        if round % 2 == 1 {
            let deleted = office.stored(Kind::Payment, &payment.billing_id);
            assert_eq!(did(&office.tell("payment.deleted", &deleted).await), DoneAction::Voided);
        }
    }
    let log = office.desk.log().await;
    let told = log.iter().filter(|entry| entry.event.as_str().starts_with("made anew: "));
    assert_eq!(told.count(), 5, "each is told of");
}
