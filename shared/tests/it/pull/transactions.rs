//! Invoices and payments.

use quickbooks_simulator::company::Seed;
use serde_json::json;
use sync::activity::ActivityResult;
use sync::model::{Kind, Record};
use sync::outcome::{DoneAction, ParkCause};
use sync::settings::Settings;

use super::office::{Office, did, done, lines, sale};
use crate::desk::{parked, skipped};

/// A Customer, an Item and two Invoices of 150 each, all brought over.
async fn two_invoices(office: &Office) -> (String, String, String, String) {
    let (fern, hedge) = (office.new_customer("Fern"), office.new_item("Hedge").await);
    let (one, two) = (office.new_invoice("N-1", &fern, &hedge), office.new_invoice("N-2", &fern, &hedge));
    office.pull().await;
    (fern, hedge, one, two)
}

fn allocated(office: &Office, payment: &str) -> Vec<(String, String)> {
    let number = |id: &sync::ids::BillingId| {
        let stored = office.stored(Kind::Invoice, id);
        stored.record.label().to_owned()
    };
    let payment = office.payment(payment);
    payment
        .allocations
        .iter()
        .map(|part| (number(&part.invoice_id), part.amount.normalize().to_string()))
        .collect()
}

fn part(number: &str, amount: &str) -> (String, String) {
    (number.to_owned(), amount.to_owned())
}

#[tokio::test]
async fn r28_an_invoice_brings_its_client_and_its_products() {
    let office = Office::open(Seed::Landscaping).await;
    let (fern, hedge) = (office.new_customer("Fern"), office.new_item("Hedge").await);
    let bill = office.new_invoice("N-1", &fern, &hedge);
    let notices: Vec<_> =
        office.notices().into_iter().filter(|notice| notice.quickbooks_id.as_str() == bill).collect();
    office.desk.calls();
    assert_eq!(did(&office.deliver(&notices).await[0]), DoneAction::RecordCreated);
    assert_eq!(office.desk.calls(), 2, "the invoice, then all that it refers to");
    let invoice = office.invoice(&bill);
    assert_eq!((invoice.number.as_str(), invoice.amount.to_string()), ("N-1", "150".into()));
    assert_eq!(invoice.client_id, office.link(Kind::Client, &fern).billing_id);
    assert_eq!((invoice.lines.len(), invoice.lines[0].product_key.as_str()), (2, "Hedge"));
    assert_eq!(invoice.lines[0].product_id, Some(office.link(Kind::Product, &hedge).billing_id));
}

#[tokio::test]
async fn r30_lines_follow_and_keep_what_quickbooks_does_not_know() {
    let office = Office::open(Seed::Landscaping).await;
    let (_, hedge, bill, _) = two_invoices(&office).await;
    let mut invoice = office.invoice(&bill);
    invoice.lines[0].id = Some("line-a".into());
    office.save(Record::Invoice(Box::new(invoice)));
    office.change(
        "Invoice",
        &bill,
        &json!({"Line": [sale(&hedge, 100), sale(&hedge, 60), sale(&hedge, 7)], "DueDate": "2026-08-01"}),
    );
    let result = office.pull_one().await;
    assert_eq!(done(&result).notes, ["Changed in QuickBooks: due date, lines."]);
    let invoice = office.invoice(&bill);
    let amounts: Vec<String> =
        invoice.lines.iter().map(|line| (line.quantity * line.unit_price).normalize().to_string()).collect();
    assert_eq!((amounts.join(" "), invoice.lines[0].id.as_deref()), ("100 60 7".into(), Some("line-a")));
    assert_eq!(invoice.amount.normalize().to_string(), "167");
    assert_eq!(invoice.due_date.unwrap().to_string(), "2026-08-01");
}

#[tokio::test]
async fn r33_d4_a_voided_invoice_is_deleted_and_kept_whole_in_the_log() {
    let office = Office::open(Seed::Landscaping).await;
    let (_, _, one, two) = two_invoices(&office).await;
    office.void("Invoice", &one);
    let notices = office.notices();
    let results = office.deliver(&notices).await;
    assert_eq!(did(&results[0]), DoneAction::RecordDeleted);
    assert!(office.stored(Kind::Invoice, &office.link(Kind::Invoice, &one).billing_id).deleted);
    let entry = office.newest().await;
    let Some(Record::Invoice(kept)) = entry.removed else { panic!("kept: {entry:?}") };
    assert_eq!((kept.number.as_str(), kept.lines.len(), entry.label.as_str()), ("N-1", 2, "N-1"));
    assert_eq!(did(&office.deliver(&notices).await[0]), DoneAction::RecordDeleted, "told the same again");
    assert!(office.newest().await.removed.is_some());

    office.delete("Invoice", &two);
    assert_eq!(did(&office.pull_one().await), DoneAction::RecordDeleted);
    office.delete("Invoice", &one);
    assert!(skipped(&office.pull().await[0]).contains("already"), "deleted twice is fine");
    assert_eq!(office.records(Kind::Invoice).len(), 0);
}

#[tokio::test]
async fn r34_d4_a_voided_payment_is_deleted_and_kept_with_its_allocations() {
    let office = Office::open(Seed::Landscaping).await;
    let (fern, _, one, two) = two_invoices(&office).await;
    let paid = office.new_payment(&fern, 200, &[(&one, 150), (&two, 50)]);
    office.pull().await;
    office.void("Payment", &paid);
    assert_eq!(did(&office.pull_one().await), DoneAction::RecordDeleted);
    assert_eq!(office.records(Kind::Payment).len(), 0);
    let log = office.desk.log().await;
    let entry = log.iter().find(|entry| entry.removed.is_some()).unwrap();
    let Some(Record::Payment(kept)) = &entry.removed else { panic!("kept: {entry:?}") };
    assert_eq!(kept.allocations.len(), 2);
    assert_eq!(office.records(Kind::Invoice).len(), 2, "only the payment");
}

#[tokio::test]
async fn t15_a_payment_over_two_invoices_is_edited_moved_and_deleted() {
    let office = Office::open(Seed::Landscaping).await;
    let (fern, hedge, one, two) = two_invoices(&office).await;
    let paid = office.new_payment(&fern, 200, &[(&one, 150), (&two, 50)]);
    assert_eq!(did(&office.pull_one().await), DoneAction::RecordCreated);
    assert_eq!(allocated(&office, &paid), [part("N-1", "150"), part("N-2", "50")]);
    assert_eq!(office.payment(&paid).number, format!("QB-{paid}"));

    office.change("Payment", &paid, &json!({"TotalAmt": 180, "Line": lines(&[(&one, 100), (&two, 80)])}));
    assert_eq!(done(&office.pull_one().await).notes, ["Changed in QuickBooks: lines, amount."]);
    assert_eq!(allocated(&office, &paid), [part("N-1", "100"), part("N-2", "80")]);

    // Moved to an invoice that has not come over yet.
    let three = office.new_invoice("N-3", &fern, &hedge);
    office.notices();
    office.change("Payment", &paid, &json!({"Line": lines(&[(&three, 120)])}));
    let moved =
        office.notices().into_iter().filter(|notice| notice.kind == Kind::Payment).collect::<Vec<_>>();
    assert_eq!(did(&office.deliver(&moved).await[0]), DoneAction::RecordUpdated);
    assert_eq!(allocated(&office, &paid), [part("N-3", "120")]);
    assert_eq!(office.payment(&paid).amount.normalize().to_string(), "180", "what is left stays on account");

    office.delete("Payment", &paid);
    assert_eq!(did(&office.pull_one().await), DoneAction::RecordDeleted);
    assert_eq!((office.records(Kind::Payment).len(), office.records(Kind::Invoice).len()), (0, 3));
}

#[tokio::test]
async fn a_voided_invoice_lets_its_payment_go_first() {
    let office = Office::open(Seed::Landscaping).await;
    let (fern, _, one, _) = two_invoices(&office).await;
    let paid = office.new_payment(&fern, 150, &[(&one, 150)]);
    office.pull().await;
    office.void("Payment", &paid);
    office.void("Invoice", &one);
    let mut notices = office.notices();
    notices.reverse();
    office.deliver(&notices).await;
    assert_eq!((office.records(Kind::Payment).len(), office.records(Kind::Invoice).len()), (0, 1));
}

#[tokio::test]
async fn r42_d5_a_number_that_is_taken_waits_for_a_person() {
    let office = Office::open(Seed::Landscaping).await;
    let (fern, hedge, one, _) = two_invoices(&office).await;
    let mut other = office.invoice(&one);
    other.id = sync::ids::BillingId::new("i-own").unwrap();
    other.number = "N-9".into();
    office.save(Record::Invoice(Box::new(other)));
    office.new_invoice("N-9", &fern, &hedge);
    assert_eq!(parked(&office.pull_one().await).cause, ParkCause::LikelyTwin);
    assert_eq!(office.records(Kind::Invoice).len(), 3);
}

#[tokio::test]
async fn d8_what_is_before_the_cut_off_stays_out() {
    let office = Office::open(Seed::Landscaping).await;
    let settings = Settings { cut_off: "2026-06-02".parse().ok(), ..office.desk.settings().await };
    office.desk.save(settings).await;
    let (fern, hedge) = (office.new_customer("Fern"), office.new_item("Hedge").await);
    let bill = office.new_invoice("N-1", &fern, &hedge);
    office.new_payment(&fern, 150, &[(&bill, 150)]);
    let results = office.pull().await;
    let before = |result: &&ActivityResult| matches!(result, ActivityResult::Skipped { reason } if reason.contains("cut-off"));
    assert!(results.iter().filter(before).count() >= 2, "{results:?}");
    assert_eq!((office.records(Kind::Invoice).len(), office.records(Kind::Payment).len()), (0, 0));
}

#[tokio::test]
async fn d3_both_sides_changed_and_the_later_edit_wins_with_both_values_told() {
    let office = Office::open(Seed::Landscaping).await;
    let (_, _, one, two) = two_invoices(&office).await;
    let due = |id: &str, day: &str| {
        let mut invoice = office.invoice(id);
        invoice.due_date = day.parse().ok();
        office.save(Record::Invoice(Box::new(invoice)));
    };
    due(&one, "2026-07-10");
    office.change("Invoice", &one, &json!({"DueDate": "2026-07-20"}));
    let result = office.pull_one().await;
    let note = done(&result).notes.last().unwrap();
    assert!(
        note.contains("2026-07-20") && note.contains("2026-07-10") && note.contains("replaced"),
        "{note}"
    );
    assert_eq!(office.invoice(&one).due_date.unwrap().to_string(), "2026-07-20");

    office.change("Invoice", &two, &json!({"DueDate": "2026-07-20", "CustomerMemo": {"value": "Thanks"}}));
    due(&two, "2026-07-10");
    let result = office.pull_one().await;
    let note = done(&result).notes.last().unwrap();
    assert!(note.contains("2026-07-20") && note.contains("2026-07-10") && note.contains("stays"), "{note}");
    let invoice = office.invoice(&two);
    assert_eq!(
        (invoice.due_date.unwrap().to_string().as_str(), invoice.public_notes.as_str()),
        ("2026-07-10", "Thanks")
    );
    let stored = office.stored(Kind::Invoice, &invoice.id);
    assert_eq!(did(&office.tell("invoice.updated", &stored).await), DoneAction::Updated);
    let entity = office.entity("Invoice", &two);
    assert_eq!(
        (entity["DueDate"].as_str(), entity["CustomerMemo"]["value"].as_str()),
        (Some("2026-07-10"), Some("Thanks"))
    );
}

#[tokio::test]
async fn what_was_deleted_here_and_changed_there_waits_for_a_person() {
    let office = Office::open(Seed::Landscaping).await;
    let (_, _, one, _) = two_invoices(&office).await;
    let link = office.link(Kind::Invoice, &one);
    sync::ports::Billing::delete(
        &*office.billing,
        &office.desk.books.company,
        Kind::Invoice,
        &link.billing_id,
    )
    .await
    .unwrap();
    office.change("Invoice", &one, &json!({"DueDate": "2026-07-20"}));
    assert_eq!(parked(&office.pull_one().await).cause, ParkCause::Conflict);
}

#[tokio::test]
async fn point_49_a_custom_field_comes_over_to_the_one_it_stands_for() {
    let office = Office::open(Seed::Landscaping).await;
    let custom_fields = [("custom_value2".to_owned(), "1".to_owned())].into();
    office.desk.save(Settings { custom_fields, ..office.desk.settings().await }).await;
    let (_, _, bill, other) = two_invoices(&office).await;
    let in_crew = |text: &str| json!({"CustomField": [{"DefinitionId": "1", "StringValue": text}]});
    let value = |id: &str| office.invoice(id).custom_fields.get("custom_value2").cloned();
    assert_eq!(value(&bill), None);
    office.change("Invoice", &bill, &in_crew("North"));
    assert_eq!(done(&office.pull_one().await).notes, ["Changed in QuickBooks: custom fields."]);
    assert_eq!(value(&bill).as_deref(), Some("North"));
    office.change("Invoice", &bill, &in_crew(""));
    office.pull_one().await;
    assert_eq!(value(&bill), None);

    office.desk.save(Settings { custom_fields: Default::default(), ..office.desk.settings().await }).await;
    office.change("Invoice", &other, &in_crew("South"));
    office.pull().await;
    assert_eq!(value(&other), None, "it stands for none");
    assert_eq!(office.invoice(&other).custom_fields.len(), 0);
}

/// Whichever of the two is dealt with first, the deletion or the edit, the invoice is deleted and kept with the edit.
#[tokio::test]
async fn d4_an_edit_of_an_invoice_that_the_bookkeeper_has_deleted_makes_no_other_one() {
    for edit_first in [true, false] {
        let office = Office::open(Seed::Landscaping).await;
        let (_, _, bill, _) = two_invoices(&office).await;
        office.delete("Invoice", &bill);
        let left = office.desk.count("Invoice");
        let notices = office.notices();
        let mut edited = office.invoice(&bill);
        edited.public_notes = "Many thanks".into();
        let id = edited.id.clone();
        office.save(Record::Invoice(Box::new(edited)));
        let stored = office.stored(Kind::Invoice, &id);
        if edit_first {
            let told = office.tell("invoice.updated", &stored).await;
            assert!(skipped(&told).contains("deleted in QuickBooks"), "{told:?}");
        }
        assert_eq!(did(&office.deliver(&notices).await[0]), DoneAction::RecordDeleted);
        assert!(office.stored(Kind::Invoice, &id).deleted);
        let Some(Record::Invoice(kept)) = office.newest().await.removed else { panic!("an invoice is kept") };
        assert_eq!(kept.public_notes, "Many thanks");
        let late = office.tell("invoice.updated", &stored).await;
        assert!(!skipped(&late).is_empty());
        assert_eq!(office.desk.count("Invoice"), left, "edit first: {edit_first}");
    }
}

/// A restoration says all of the record: what the bookkeeper wrote just before the void, which was never brought over,
/// does not stay beside it.
#[tokio::test]
async fn d4_what_was_written_before_a_void_goes_when_the_record_is_restored() {
    let office = Office::open(Seed::Landscaping).await;
    let (.., bill, _) = two_invoices(&office).await;
    let kept = office.stored(Kind::Invoice, &office.link(Kind::Invoice, &bill).billing_id).record;
    office.change("Invoice", &bill, &json!({"CustomerMemo": {"value": "By Jo"}}));
    office.void("Invoice", &bill);
    office.pull().await;
    office.save(kept.clone());
    let restored = office.tell("invoice.restored", &office.stored(Kind::Invoice, kept.id())).await;
    assert_eq!(done(&restored).action, DoneAction::Updated);
    let row = office.entity("Invoice", &bill);
    assert_eq!(row["TotalAmt"].to_string(), "150.00");
    assert!(row["CustomerMemo"].is_null() || row["CustomerMemo"]["value"] == "", "{}", row["CustomerMemo"]);
}
