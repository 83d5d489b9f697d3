//! What QuickBooks makes of an invoice, written back to a billing app that can be written to (R45-R52, R69).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use jiff::SignedDuration;
use quickbooks_simulator::company::Seed;
use quickbooks_simulator::server::{Effect, Fault};
use serde_json::{Value, json};
use sync::activity::ActivityResult;
use sync::ids::{BillingId, CompanyId};
use sync::link::Link;
use sync::memory::{MemoryBilling, MemoryPushQueue};
use sync::model::{Kind, Record};
use sync::outcome::{Done, ParkCause};
use sync::parked::when_the_app_is_back;
use sync::ports::{ActivityLog, Billing, BillingError, Clock, Ledger, Stored};
use sync::push::{self, Verdict};

use crate::desk::{Desk, Now, client, done, invoice, messages, notes, parked, payment, skipped};
use crate::stops::Stops;

/// A company with automated sales tax, and the billing app that it can write to.
async fn desk() -> (Desk, Arc<MemoryBilling>) {
    let mut desk = Desk::open(Seed::AutomatedSalesTax).await;
    let billing = Arc::new(MemoryBilling::new(Arc::new(Now)));
    desk.billing = Arc::clone(&billing) as _;
    (desk, billing)
}

/// A client where three rates apply.
fn in_tucson() -> Value {
    let mut ames = client("c-1", "Ames & Daughters");
    ames["shipping_address"] = json!({"line1": "1 Elm St", "city": "Tucson", "state": "AZ", "postal_code": "85701", "country": "US"});
    ames
}

/// Two lines of 100, the second exempt.
fn bill() -> Value {
    let mut bill = invoice("i-1", &in_tucson(), &["Hedge laying", "Seedlings"]);
    bill["lines"][1]["tax_category"] = json!("exempt");
    bill
}

fn record(kind: &str, data: &Value) -> Record {
    serde_json::from_value(json!({"kind": kind, "record": data})).unwrap()
}

fn save(desk: &Desk, billing: &MemoryBilling, bill: &Value) {
    billing.put(&desk.books.company, record("invoice", bill));
}

/// The invoice as the billing app has it now.
fn stored(desk: &Desk, billing: &MemoryBilling) -> Value {
    let stored = billing.get(&desk.books.company, Kind::Invoice, &BillingId::new("i-1").unwrap()).unwrap();
    serde_json::to_value(stored.record).unwrap()["record"].clone()
}

fn rates(line: &Value) -> Vec<String> {
    line["taxes"].as_array().unwrap().iter().map(|tax| tax["rate"].to_string()).collect()
}

fn told(result: &ActivityResult) -> &Done {
    match result {
        ActivityResult::Done(done) => done,
        other => panic!("not done: {other:?}"),
    }
}

#[tokio::test]
async fn r46_r48_r49_the_taxes_are_written_per_line_and_the_totals_end_equal() {
    let (desk, billing) = desk().await;
    save(&desk, &billing, &bill());
    let result = desk.push("invoice.sent", &bill()).await;
    assert_eq!(notes(&result), [] as [&str; 0], "written back first, then compared (D15)");
    let after = stored(&desk, &billing);
    assert_eq!(rates(&after["lines"][0]), ["5.6", "0.5", "2.6"]);
    assert_eq!(after["lines"][0]["taxes"][1]["name"], "Pima County");
    assert_eq!(rates(&after["lines"][1]), [] as [&str; 0], "exempt products stay untaxed");
    assert_eq!(after["amount"].to_string(), "208.7");
    assert_eq!(desk.entity("Invoice", &done(&result).1)["TotalAmt"].to_string(), "208.70");
    let taxes = told(&result).taxes.as_ref().unwrap();
    assert_eq!(
        (taxes.total.to_string(), taxes.tax.to_string(), taxes.rates.len()),
        ("208.70".into(), "8.70".into(), 3)
    );
}

#[tokio::test]
async fn the_billing_apps_event_of_our_own_write_finds_nothing_to_do() {
    let (desk, billing) = desk().await;
    save(&desk, &billing, &bill());
    let (_, id) = done(&desk.push("invoice.sent", &bill()).await);
    desk.calls();
    let echo = desk.push("invoice.updated", &stored(&desk, &billing)).await;
    assert_eq!(skipped(&echo), "nothing that QuickBooks keeps has changed", "invariant 5");
    assert_eq!((desk.calls(), desk.entity("Invoice", &id)["SyncToken"].as_str()), (0, Some("0")));
}

#[tokio::test]
async fn an_echo_with_discounts_and_surcharges_finds_nothing_to_do_either() {
    let (desk, billing) = desk().await;
    let mut bill = bill();
    bill["discount"] = json!({"percent": 10});
    bill["surcharges"] = json!([{"name": "Fuel", "amount": 7.5}]);
    save(&desk, &billing, &bill);
    let result = desk.push("invoice.sent", &bill).await;
    assert_eq!(notes(&result), [] as [&str; 0]);
    desk.calls();
    let echo = desk.push("invoice.updated", &stored(&desk, &billing)).await;
    assert_eq!(skipped(&echo), "nothing that QuickBooks keeps has changed");
    assert_eq!(desk.calls(), 0);
}

#[tokio::test]
async fn r52_taxes_that_a_person_changes_are_put_back() {
    let (desk, billing) = desk().await;
    save(&desk, &billing, &bill());
    let (_, id) = done(&desk.push("invoice.sent", &bill()).await);
    let mut edited = stored(&desk, &billing);
    edited["lines"][0]["taxes"] = json!([{"name": "Mine", "rate": 1}]);
    edited["amount"] = json!(201);
    save(&desk, &billing, &edited);
    let result = desk.push("invoice.updated", &edited).await;
    assert!(skipped(&result).ends_with("they were put back in the billing app"), "{result:?}");
    assert_eq!(stored(&desk, &billing)["amount"].to_string(), "208.7");
    assert_eq!(desk.entity("Invoice", &id)["SyncToken"], "0", "nothing is written to QuickBooks");
}

#[tokio::test]
async fn taxes_that_have_been_pulled_since_are_not_put_back() {
    let (desk, billing) = desk().await;
    save(&desk, &billing, &bill());
    done(&desk.push("invoice.sent", &bill()).await);
    let pulled = desk.ledger.links(&desk.books).into_iter().find(|link| link.kind == Kind::Invoice).unwrap();
    let pulled = Link { sync_token: "1".into(), revision: pulled.revision + 1, ..pulled };
    desk.ledger.refresh(&desk.books, &pulled).await.unwrap();
    let mut edited = stored(&desk, &billing);
    edited["lines"][0]["taxes"] = json!([{"name": "From QuickBooks", "rate": 1}]);
    save(&desk, &billing, &edited);
    let result = desk.push("invoice.updated", &edited).await;
    assert_eq!(skipped(&result), "nothing that QuickBooks keeps has changed");
    assert_eq!(stored(&desk, &billing), edited);
}

#[tokio::test]
async fn an_edit_of_the_invoice_gets_its_taxes_anew() {
    let (desk, billing) = desk().await;
    save(&desk, &billing, &bill());
    done(&desk.push("invoice.sent", &bill()).await);
    let mut edited = stored(&desk, &billing);
    edited["lines"][0]["quantity"] = json!(4);
    edited["amount"] = json!(317.40);
    save(&desk, &billing, &edited);
    let result = desk.push("invoice.updated", &edited).await;
    assert_eq!(notes(&result), [] as [&str; 0]);
    assert_eq!(told(&result).taxes.as_ref().unwrap().tax.to_string(), "17.40");
}

#[tokio::test]
async fn a_tax_that_quickbooks_takes_away_goes_away() {
    let (desk, billing) = desk().await;
    save(&desk, &billing, &bill());
    done(&desk.push("invoice.sent", &bill()).await);
    let mut edited = stored(&desk, &billing);
    assert_eq!(edited["amount"].to_string(), "208.7");
    edited["lines"][0]["tax_category"] = json!("exempt");
    save(&desk, &billing, &edited);
    let result = desk.push("invoice.updated", &edited).await;
    assert_eq!(notes(&result), [] as [&str; 0]);
    let after = stored(&desk, &billing);
    assert_eq!((rates(&after["lines"][0]), after["amount"].to_string()), (Vec::new(), "200".into()));
}

#[tokio::test]
async fn lines_that_were_added_meanwhile_are_not_lost() {
    let (desk, billing) = desk().await;
    let mut later = bill();
    later["lines"]
        .as_array_mut()
        .unwrap()
        .insert(0, json!({"product_key": "Rush", "notes": "Added", "quantity": 1, "unit_price": 5}));
    save(&desk, &billing, &later);
    done(&desk.push("invoice.sent", &bill()).await);
    let after = stored(&desk, &billing);
    assert_eq!(after["lines"][0]["product_key"], "Rush");
    let taxed: Vec<usize> = after["lines"].as_array().unwrap().iter().map(|line| rates(line).len()).collect();
    assert_eq!(taxed, [0, 3, 0], "each by what it says, not by its place");
}

#[tokio::test]
async fn t12_a_total_that_still_differs_is_told() {
    let (desk, billing) = desk().await;
    let id = BillingId::new("i-1").unwrap();
    save(&desk, &billing, &bill());
    let (_, quickbooks_id) = done(&desk.push("invoice.sent", &bill()).await);
    // A bookkeeper insists on another tax; the rates that QuickBooks tells with it do not come to that.
    desk.edit(
        "Invoice",
        &quickbooks_id,
        &json!({"TxnTaxDetail": {"TxnTaxCodeRef": {"value": "TAX"}, "TotalTax": 8.68}}),
    );
    let mut edited = stored(&desk, &billing);
    edited["public_notes"] = json!("Thank you.");
    save(&desk, &billing, &edited);
    let result = desk.push("invoice.updated", &edited).await;
    assert!(billing.get(&desk.books.company, Kind::Invoice, &id).is_some());
    assert!(notes(&result).iter().any(|note| note.contains("a difference of 0.02")), "{result:?}");
}

#[tokio::test]
async fn an_app_that_only_sends_events_reads_the_taxes_in_the_activity() {
    let desk = Desk::open(Seed::AutomatedSalesTax).await;
    let mut bill = bill();
    bill["lines"][0]["id"] = json!("line-7");
    let result = desk.push("invoice.sent", &bill).await;
    let taxes = told(&result).taxes.clone().unwrap();
    assert_eq!(taxes.lines[0].id.as_deref(), Some("line-7"));
    assert_eq!(taxes.lines.iter().map(|line| line.taxes.as_ref().unwrap().len()).collect::<Vec<_>>(), [3, 0]);
    assert!(notes(&result)[0].contains("a difference of 8.70"), "R48: until the app has them too");
    let again = desk.push("invoice.updated", &bill).await;
    assert!(skipped(&again).contains("QuickBooks' is 208.70"), "the difference stays visible: {again:?}");
}

#[tokio::test]
async fn prices_that_include_their_tax_wait_for_a_person() {
    let (desk, _) = desk().await;
    let mut bill = bill();
    bill["taxes_inclusive"] = json!(true);
    let result = desk.push("invoice.sent", &bill).await;
    assert_eq!(parked(&result).cause, ParkCause::Tax);
}

#[tokio::test]
async fn wherever_a_worker_dies_the_taxes_are_written_back_in_the_end() {
    for call in 0.. {
        let (desk, billing) = desk().await;
        let invoices = desk.count("Invoice");
        save(&desk, &billing, &bill());
        let event = desk.event("invoice.sent", &bill());
        let sent = messages(std::slice::from_ref(&event));
        let stops = Stops::before(&desk, call);
        let died = {
            let mut run = Box::pin(push::messages(stops.ports(), &sent));
            stops.until_stopped(&mut run).await.is_none()
        };
        if died {
            assert_eq!(
                desk.deliver(std::slice::from_ref(&event)).await,
                [Verdict::Acknowledge],
                "call {call}"
            );
        }
        let result = desk.result(&event).await;
        assert_eq!(told(&result).notes, [] as [&str; 0], "call {call}");
        assert_eq!(told(&result).taxes.as_ref().unwrap().tax.to_string(), "8.70", "call {call}");
        assert_eq!(stored(&desk, &billing)["amount"].to_string(), "208.7", "call {call}");
        assert_eq!(desk.count("Invoice"), invoices + 1, "call {call}");
        let echo = desk.push("invoice.updated", &stored(&desk, &billing)).await;
        assert_eq!(skipped(&echo), "nothing that QuickBooks keeps has changed", "call {call}");
        if !died {
            assert!(call > 10, "{call} calls were tried");
            break;
        }
    }
}

#[tokio::test]
async fn wherever_a_worker_dies_the_taxes_of_an_edit_are_written_back_in_the_end() {
    for call in 0.. {
        let (desk, billing) = desk().await;
        save(&desk, &billing, &bill());
        let (_, id) = done(&desk.push("invoice.sent", &bill()).await);
        let mut edited = stored(&desk, &billing);
        edited["lines"][0]["quantity"] = json!(4);
        edited["amount"] = json!(317.40);
        save(&desk, &billing, &edited);
        let event = desk.event("invoice.updated", &edited);
        let sent = messages(std::slice::from_ref(&event));
        let stops = Stops::before(&desk, call);
        let died = {
            let mut run = Box::pin(push::messages(stops.ports(), &sent));
            stops.until_stopped(&mut run).await.is_none()
        };
        if died {
            let again = desk.deliver(std::slice::from_ref(&event)).await;
            assert_eq!(again, [Verdict::Acknowledge], "call {call}");
        }
        let result = desk.result(&event).await;
        assert_eq!(told(&result).notes, [] as [&str; 0], "call {call}");
        assert_eq!(told(&result).taxes.as_ref().unwrap().tax.to_string(), "17.40", "call {call}");
        assert_eq!(stored(&desk, &billing)["amount"].to_string(), "317.4", "call {call}");
        assert_eq!(desk.entity("Invoice", &id)["SyncToken"], "1", "call {call}: changed once");
        let echo = desk.push("invoice.updated", &stored(&desk, &billing)).await;
        assert_eq!(skipped(&echo), "nothing that QuickBooks keeps has changed", "call {call}");
        if !died {
            assert!(call >= 5, "{call} calls were tried");
            break;
        }
    }
}

/// A billing app that does not answer for a while.
struct Away {
    app: Arc<MemoryBilling>,
    is_away: Arc<AtomicBool>,
}

impl Away {
    fn answers(&self) -> Result<(), BillingError> {
        match self.is_away.load(Ordering::SeqCst) {
            true => Err(BillingError::Later { reason: "it is being updated".into(), after: None }),
            false => Ok(()),
        }
    }
}

#[async_trait]
impl Billing for Away {
    async fn fetch(
        &self,
        company: &CompanyId,
        kind: Kind,
        id: &BillingId,
    ) -> Result<Option<Stored>, BillingError> {
        self.answers()?;
        self.app.fetch(company, kind, id).await
    }

    async fn update(
        &self,
        company: &CompanyId,
        before: &Record,
        after: &Record,
    ) -> Result<Stored, BillingError> {
        self.answers()?;
        self.app.update(company, before, after).await
    }

    async fn note(
        &self,
        company: &CompanyId,
        kind: Kind,
        id: &BillingId,
        text: &str,
    ) -> Result<(), BillingError> {
        self.answers()?;
        self.app.note(company, kind, id, text).await
    }
}

#[tokio::test]
async fn an_app_that_is_away_holds_up_no_other_record_and_has_its_taxes_when_it_is_back() {
    let (mut desk, billing) = desk().await;
    let is_away = Arc::new(AtomicBool::new(true));
    desk.billing = Arc::new(Away { app: Arc::clone(&billing), is_away: Arc::clone(&is_away) });
    save(&desk, &billing, &bill());
    let invoices = desk.count("Invoice");
    let events = [
        desk.event("invoice.sent", &bill()),
        desk.event("payment.created", &payment("y-1", &in_tucson(), 60, &[("i-1", 60)])),
        desk.event("client.created", &client("c-2", "Boll Weaving")),
    ];
    assert_eq!(desk.deliver(&events).await, [const { Verdict::Acknowledge }; 3]);
    let park = parked(&desk.result(&events[0]).await).clone();
    assert!(park.cause == ParkCause::BillingAway && park.reason.contains("taxes"), "{park:?}");
    for event in &events[1..] {
        done(&desk.result(event).await);
    }
    is_away.store(false, Ordering::SeqCst);
    let queue = MemoryPushQueue::default();
    let company = &desk.books.company;
    let again = when_the_app_is_back(&desk.activity, &queue, company, Now.now()).await.unwrap();
    assert_eq!(again.len(), 1);
    let bodies: Vec<Value> = queue.bodies().into_iter().map(Value::String).collect();
    assert_eq!(desk.deliver(&bodies).await, [Verdict::Acknowledge]);
    let result = desk.result(&events[0]).await;
    assert_eq!(notes(&result), [] as [&str; 0]);
    assert_eq!(stored(&desk, &billing)["amount"].to_string(), "208.7");
    assert_eq!(desk.count("Invoice"), invoices + 1);
    assert_eq!(when_the_app_is_back(&desk.activity, &queue, company, Now.now()).await.unwrap(), []);
}

#[tokio::test]
async fn an_edit_makes_up_for_a_write_back_that_the_app_was_away_for() {
    let (mut desk, billing) = desk().await;
    let is_away = Arc::new(AtomicBool::new(true));
    desk.billing = Arc::new(Away { app: Arc::clone(&billing), is_away: Arc::clone(&is_away) });
    save(&desk, &billing, &bill());
    let first = desk.event("invoice.sent", &bill());
    assert_eq!(desk.deliver(std::slice::from_ref(&first)).await, [Verdict::Acknowledge]);
    is_away.store(false, Ordering::SeqCst);
    let mut edited = bill();
    edited["public_notes"] = json!("Thank you.");
    save(&desk, &billing, &edited);
    done(&desk.push("invoice.updated", &edited).await);
    assert_eq!(stored(&desk, &billing)["amount"].to_string(), "208.7");
    let queue = MemoryPushQueue::default();
    when_the_app_is_back(&desk.activity, &queue, &desk.books.company, Now.now()).await.unwrap();
    let bodies: Vec<Value> = queue.bodies().into_iter().map(Value::String).collect();
    assert_eq!(desk.deliver(&bodies).await, [Verdict::Acknowledge]);
    skipped(&desk.result(&first).await);
    assert_eq!(stored(&desk, &billing)["public_notes"], "Thank you.", "the older one changes nothing");
}

#[tokio::test]
async fn a_later_event_makes_up_for_a_write_back_that_was_cut_short() {
    let mut made_up_for = 0;
    for call in 0.. {
        let (desk, billing) = desk().await;
        save(&desk, &billing, &bill());
        let event = desk.event("invoice.sent", &bill());
        let sent = messages(std::slice::from_ref(&event));
        let stops = Stops::before(&desk, call);
        let mut run = Box::pin(push::messages(stops.ports(), &sent));
        if stops.until_stopped(&mut run).await.is_some() {
            break;
        }
        let is_linked = desk.ledger.links(&desk.books).iter().any(|link| link.kind == Kind::Invoice);
        if is_linked && stored(&desk, &billing)["amount"] == 200 {
            let result = desk.push("invoice.updated", &bill()).await;
            assert!(skipped(&result).contains("were put back"), "{result:?}");
            assert_eq!(stored(&desk, &billing)["amount"].to_string(), "208.7");
            made_up_for += 1;
        }
    }
    assert_eq!(made_up_for, 2, "before the invoice is fetched, and before it is written");
}

#[tokio::test]
async fn r69_a_void_in_closed_books_flags_the_record_once_and_says_why() {
    let (desk, billing) = desk().await;
    let ames = in_tucson();
    let paid = payment("y-1", &ames, 60, &[]);
    billing.put(&desk.books.company, record("payment", &paid));
    save(&desk, &billing, &bill());
    done(&desk.push("invoice.sent", &bill()).await);
    done(&desk.push("payment.created", &paid).await);
    desk.close_books(Some("2026-06-30"));
    for _ in 0..2 {
        let result = desk.push("payment.voided", &paid).await;
        assert_eq!(parked(&result).cause, ParkCause::ClosedPeriod);
        assert_eq!(parked(&desk.push("invoice.deleted", &bill()).await).cause, ParkCause::ClosedPeriod);
    }
    for (kind, id) in [(Kind::Payment, "y-1"), (Kind::Invoice, "i-1")] {
        let notes = billing.notes(&desk.books.company, kind, &BillingId::new(id).unwrap());
        assert_eq!(notes.len(), 1, "{notes:?}");
        assert!(
            notes[0].starts_with("Not voided in QuickBooks.") && notes[0].contains("closing date"),
            "{notes:?}"
        );
    }
}

#[tokio::test]
async fn r69_a_record_is_flagged_when_the_app_that_was_away_is_back() {
    let (mut desk, billing) = desk().await;
    let is_away = Arc::new(AtomicBool::new(false));
    desk.billing = Arc::new(Away { app: Arc::clone(&billing), is_away: Arc::clone(&is_away) });
    save(&desk, &billing, &bill());
    done(&desk.push("invoice.sent", &bill()).await);
    desk.close_books(Some("2026-06-30"));
    is_away.store(true, Ordering::SeqCst);
    let result = desk.push("invoice.deleted", &bill()).await;
    assert_eq!(parked(&result).cause, ParkCause::BillingAway);
    assert!(parked(&result).reason.contains("closing date"), "{result:?}");
    is_away.store(false, Ordering::SeqCst);
    let queue = MemoryPushQueue::default();
    when_the_app_is_back(&desk.activity, &queue, &desk.books.company, Now.now()).await.unwrap();
    let bodies: Vec<Value> = queue.bodies().into_iter().map(Value::String).collect();
    assert_eq!(desk.deliver(&bodies).await, [Verdict::Acknowledge]);
    let waiting = desk.activity.parked(&desk.books.company).await.unwrap();
    assert_eq!(
        waiting.iter().map(|entry| parked(&entry.result).cause).collect::<Vec<_>>(),
        [ParkCause::ClosedPeriod]
    );
    let id = BillingId::new("i-1").unwrap();
    assert_eq!(billing.notes(&desk.books.company, Kind::Invoice, &id).len(), 1);
}

/// What a bookkeeper's value gave way to is told of the event that did it, also if that had to wait for its taxes.
#[tokio::test]
async fn d3_what_an_edit_has_overruled_is_told_although_the_app_was_away_for_its_taxes() {
    let (mut desk, billing) = desk().await;
    let is_away = Arc::new(AtomicBool::new(false));
    desk.billing = Arc::new(Away { app: Arc::clone(&billing), is_away: Arc::clone(&is_away) });
    save(&desk, &billing, &bill());
    let (_, id) = done(&desk.push("invoice.sent", &bill()).await);
    let token = desk.entity("Invoice", &id)["SyncToken"].clone();
    let theirs = json!({"Id": id.as_str(), "SyncToken": token, "sparse": true, "CustomerMemo": {"value": "Ring twice"}});
    desk.bookkeeper("invoice", &[], &theirs);

    is_away.store(true, Ordering::SeqCst);
    let mut edited = stored(&desk, &billing);
    edited["public_notes"] = json!("Thank you.");
    edited["lines"][0]["quantity"] = json!(4);
    edited["lines"][0]["taxes"] = json!([]);
    save(&desk, &billing, &edited);
    let mut overruling = desk.event("invoice.updated", &edited);
    overruling["time"] = json!(Now.now().saturating_add(SignedDuration::from_hours(1)).unwrap().to_string());
    assert_eq!(desk.deliver(std::slice::from_ref(&overruling)).await, [Verdict::Acknowledge]);
    assert_eq!(parked(&desk.result(&overruling).await).cause, ParkCause::BillingAway);

    is_away.store(false, Ordering::SeqCst);
    edited["po_number"] = json!("4711");
    save(&desk, &billing, &edited);
    let mut later = desk.event("invoice.updated", &edited);
    later["time"] = json!(Now.now().saturating_add(SignedDuration::from_hours(2)).unwrap().to_string());
    assert_eq!(desk.deliver(&[later.clone()]).await, [Verdict::Acknowledge]);
    done(&desk.result(&later).await);
    assert_eq!(desk.deliver(std::slice::from_ref(&overruling)).await, [Verdict::Acknowledge]);
    let result = desk.result(&overruling).await;
    assert!(notes(&result).iter().any(|note| note.contains("Ring twice")), "{result:?}");
    assert!(
        !notes(&result).iter().any(|note| note.contains("difference of")),
        "the taxes are there: {result:?}"
    );
}

/// An older event that finishes what a later one has begun reads QuickBooks' answer as that would have.
#[tokio::test]
async fn r46_the_taxes_of_a_create_that_was_cut_short_are_those_of_its_own_lines() {
    let (desk, billing) = desk().await;
    let whole = invoice("i-1", &in_tucson(), &["Hedge laying", "Seedlings"]);
    let mut early = whole.clone();
    early["lines"] = json!([whole["lines"][0]]);
    early["amount"] = json!(100);
    save(&desk, &billing, &whole);
    let older = desk.event("invoice.sent", &early);
    let later = desk.event("invoice.updated", &whole);
    let fault = Fault { path: Some("/invoice".into()), ..Fault::once(Effect::LoseResponse) };
    desk.simulator.add_fault(fault);
    assert_ne!(desk.deliver(std::slice::from_ref(&later)).await, [Verdict::Acknowledge]);
    assert_eq!(desk.deliver(&[older]).await, [Verdict::Acknowledge]);
    assert_eq!(desk.deliver(std::slice::from_ref(&later)).await, [Verdict::Acknowledge]);
    let stored = stored(&desk, &billing);
    let last = (rates(&stored["lines"][1]).len(), stored["amount"].to_string());
    assert_eq!(last, (3, "217.4".into()), "{stored}");
}
