//! What a bookkeeper does in QuickBooks reaches Invoice Ninja, kind by kind, whatever was lost on its way, and nothing comes
//! back.

use std::sync::Arc;

use anyhow::{Context, ensure};
use quickbooks_simulator::server::{Call, CallKind, Effect, Fault};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use sync::activity::{Activity, ActivityResult, Side};
use sync::model::Kind;
use sync::outcome::{DoneAction, ParkCause};
use sync::settings::{ConnectionState, Direction};
use transport::Reach;

use crate::ninja::{Ninja, amount, eventually};
use crate::world::{Tenant, World, all, is_parked, tests};

tests![
    r30_t15_r33_r34_what_a_bookkeeper_does_to_each_kind_follows_and_nothing_comes_back,
    r31_d3_d10_what_was_held_back_or_lost_is_found_and_conflicts_are_told,
];

fn text(value: &Value, member: &str) -> anyhow::Result<String> {
    value[member].as_str().map(str::to_owned).with_context(|| format!("no {member} in {value}"))
}

fn lines(paid: &[(&str, u32)]) -> Value {
    let line = |(invoice, amount): &(&str, u32)| json!({"Amount": amount, "LinkedTxn": [{"TxnId": invoice, "TxnType": "Invoice"}]});
    paid.iter().map(line).collect()
}

/// What an Invoice Ninja payment pays, by the invoices' ids, smallest amount first.
fn pays(payment: &Value) -> Vec<(String, Decimal)> {
    let parts = payment["paymentables"].as_array().into_iter().flatten();
    let part = |it: &Value| Some((it["invoice_id"].as_str()?.to_owned(), amount(&it["amount"])?.normalize()));
    let mut pays: Vec<_> = parts.filter_map(part).collect();
    pays.sort_by_key(|(_, amount)| *amount);
    pays
}

/// A bookkeeper's day.
struct Books<'t> {
    tenant: &'t Tenant<'t>,
    customer: String,
    item: String,
}

impl Books<'_> {
    fn invoice(&self, number: &str, total: u32) -> anyhow::Result<String> {
        let line = json!([self.sale(total)]);
        let bill = json!({"CustomerRef": {"value": self.customer}, "DocNumber": number, "TxnDate": "2026-03-09", "Line": line});
        text(&self.tenant.bookkeeper_enters("Invoice", &bill)?, "Id")
    }

    fn sale(&self, total: u32) -> Value {
        json!({"DetailType": "SalesItemLineDetail", "Description": format!("For {total}"), "Amount": total,
            "SalesItemLineDetail": {"ItemRef": {"value": self.item}, "Qty": 1, "UnitPrice": total}})
    }

    fn payment(&self, total: u32, paid: &[(&str, u32)]) -> anyhow::Result<String> {
        let payment = json!({"CustomerRef": {"value": self.customer}, "TotalAmt": total, "TxnDate": "2026-03-20", "Line": lines(paid)});
        text(&self.tenant.bookkeeper_enters("Payment", &payment)?, "Id")
    }
}

/// The writes of Counterpart's that QuickBooks has carried out; what a bookkeeper does is none of them.
fn writes(tenant: &Tenant<'_>) -> Vec<Call> {
    let is_write = |call: &Call| {
        matches!(call.kind, CallKind::Create | CallKind::Update | CallKind::Void | CallKind::Delete)
    };
    tenant.calls().into_iter().filter(|call| is_write(call) && call.status == Some(200)).collect()
}

async fn r30_t15_r33_r34_what_a_bookkeeper_does_to_each_kind_follows_and_nothing_comes_back(
    world: Arc<World>,
) -> anyhow::Result<()> {
    let tenant = world.tenant("bookkeeping").await?;
    let ninja = Ninja::of(&tenant).await?;
    tenant.change(all(Direction::Bidirectional)).await?;
    let account = tenant.with("Account", "Name", "Services").pop().context("no account")?;
    let item = json!({"Name": "Hedging", "Type": "Service", "UnitPrice": 40, "IncomeAccountRef": {"value": account["Id"]}});
    let books = Books {
        tenant: &tenant,
        customer: text(&tenant.bookkeeper_enters("Customer", &json!({"DisplayName": "Fern Bank"}))?, "Id")?,
        item: text(&tenant.bookkeeper_enters("Item", &item)?, "Id")?,
    };
    let [one, two, three] =
        [books.invoice("FB-1", 150)?, books.invoice("FB-2", 50)?, books.invoice("FB-3", 120)?];
    // Over two invoices, one of them in part (T15).
    let paid = books.payment(180, &[(&one, 150), (&two, 30)])?;
    let numbered = |number: &'static str| move |row: &Value| row["number"] == number;
    let of_quickbooks = |id: &str| {
        let number = format!("QB-{id}");
        move |row: &Value| {
            row["is_deleted"] == false && row["number"].as_str().is_some_and(|it| it.starts_with(&number))
        }
    };
    let first = ninja.record("payments", of_quickbooks(&paid)).await?;
    let bills = [
        ninja.record("invoices", |row| numbered("FB-1")(row) && row["status_id"] == "4").await?,
        ninja.record("invoices", |row| numbered("FB-2")(row) && row["status_id"] == "3").await?,
        ninja.record("invoices", |row| numbered("FB-3")(row) && row["status_id"] == "2").await?,
    ];
    let [fb1, fb2, fb3] = [text(&bills[0], "id")?, text(&bills[1], "id")?, text(&bills[2], "id")?];
    ensure!(pays(&first) == [(fb2.clone(), Decimal::from(30)), (fb1.clone(), Decimal::from(150))], "{first}");
    ninja.record("products", |row| row["product_key"] == "Hedging").await?;

    // R30: each kind is edited; the payment moves to another invoice, for which Invoice Ninja needs a new one.
    tenant.bookkeeper_changes("Item", &books.item, &json!({"Description": "By the metre"}))?;
    tenant.bookkeeper_changes("Customer", &books.customer, &json!({"Notes": "Mind the dog"}))?;
    tenant.bookkeeper_changes(
        "Invoice",
        &three,
        &json!({"DueDate": "2026-05-01", "Line": [books.sale(100), books.sale(60)]}),
    )?;
    tenant.bookkeeper_changes(
        "Payment",
        &paid,
        &json!({"TotalAmt": 170, "Line": lines(&[(&one, 90), (&three, 80)])}),
    )?;
    ninja.record("products", |row| row["notes"] == "By the metre").await?;
    ninja.record("clients", |row| row["public_notes"] == "Mind the dog").await?;
    ninja
        .record("invoices", |row| {
            row["id"] == *fb3
                && row["due_date"] == "2026-05-01"
                && amount(&row["amount"]) == Some(Decimal::from(160))
        })
        .await?;
    let wanted = [(fb3.clone(), Decimal::from(80)), (fb1.clone(), Decimal::from(90))];
    let second = ninja.record("payments", |row| of_quickbooks(&paid)(row) && pays(row) == wanted).await?;
    ensure!(second["id"] != first["id"] && amount(&second["amount"]) == Some(Decimal::from(170)), "{second}");
    ninja.record("invoices", |row| row["id"] == *fb2 && row["status_id"] == "2").await?;

    // R34, R33: voided and deleted.
    tenant.bookkeeper_voids("Payment", &paid)?;
    ninja.record("payments", |row| row["id"] == second["id"] && row["is_deleted"] == true).await?;
    tenant.bookkeeper_voids("Invoice", &one)?;
    tenant.bookkeeper_deletes(
        "Invoice",
        &json!({"Id": two, "SyncToken": tenant.object("Invoice", &two)?["SyncToken"]}),
    )?;
    for id in [&fb1, &fb2] {
        ninja.record("invoices", |row| row["id"] == **id && row["is_deleted"] == true).await?;
    }

    // A merge: the client goes along to the Customer that is left.
    let winner = tenant.with("Customer", "DisplayName", "Fern Bank East").pop();
    ensure!(winner.is_none(), "there is no such Customer yet");
    tenant.suffers(Fault::once(Effect::DropWebhook));
    let winner =
        text(&tenant.bookkeeper_enters("Customer", &json!({"DisplayName": "Fern Bank East"}))?, "Id")?;
    let is_ours = |fault: &Fault| fault.company.as_ref() == Some(&tenant.realm);
    let lost = || (!tenant.bundle.simulator.faults().iter().any(is_ours)).then_some(());
    eventually("the webhook is lost", lost).await?;
    let now = tenant.bundle.simulator.now();
    let merged = tenant
        .bundle
        .simulator
        .with_company(&tenant.realm, |realm| realm.merge_customers(&winner, &books.customer, now));
    ensure!(matches!(merged, Some(Ok(()))), "{merged:?}");
    let client = text(&bills[0], "client_id")?;
    ninja.record("clients", |row| row["id"] == *client && row["name"] == "Fern Bank East").await?;

    // D12: the sweep brings the books of before, and finds nothing else.
    tenant.bundle.stack.run_scheduled("ReconcilerFunction").await?;
    let is_of_before = |entry: &Activity| {
        is_parked(entry, ParkCause::Unmapped)
            .is_ok_and(|reason| reason.contains("sub-customer \"Rose Walk\""))
    };
    ninja.told("what was in the books before", is_of_before).await?;

    // T20: nothing of all that came back, and nothing waits.
    ninja.is_heard().await?;
    let is_sent =
        |entry: &Activity| entry.side == Side::Billing && matches!(entry.result, ActivityResult::Done(_));
    let sent: Vec<_> = ninja.activity().await?.into_iter().filter(is_sent).collect();
    ensure!(writes(&tenant).is_empty(), "T20: {:#?} of {sent:#?}", writes(&tenant));
    let mut parked = tenant.bundle.operator.parked(&tenant.id).await?;
    // What was sent last is about no record at all.
    parked.retain(|entry| entry.kind.is_some() && !is_of_before(entry));
    ensure!(parked.is_empty(), "{parked:#?}");

    // D4: one command makes the voided invoice anew, once; QuickBooks gets it as a new one.
    let removed = ninja
        .told("what was removed", |entry| {
            entry.removed.as_ref().is_some_and(|record| record.label() == "FB-1")
        })
        .await?;
    let operator = &tenant.bundle.operator;
    let made = operator.recreate(&tenant.id, &removed.event, Reach::Anywhere).await?;
    let again = operator.recreate(&tenant.id, &removed.event, Reach::Anywhere).await?;
    ensure!(!made.was_there && again.was_there && made.billing_id == again.billing_id, "{made:?} {again:?}");
    let is_live =
        |row: &&Value| row["DocNumber"] == "FB-1" && amount(&row["TotalAmt"]) == Some(Decimal::from(150));
    eventually("the invoice made anew", || tenant.all("Invoice").iter().find(is_live).cloned()).await?;
    Ok(())
}

async fn r31_d3_d10_what_was_held_back_or_lost_is_found_and_conflicts_are_told(
    world: Arc<World>,
) -> anyhow::Result<()> {
    let tenant = world.tenant("held-back").await?;
    let ninja = Ninja::of(&tenant).await?;
    // One of each kind, from Invoice Ninja.
    let client = ninja
        .does("POST", "clients", &json!({"name": "Reed & Rush", "contacts": [{"email": "r@reed.example"}]}))
        .await?;
    let line = json!([{"product_key": "Thatch", "notes": "A bundle", "quantity": 2, "cost": 30}]);
    ninja
        .does("POST", "products", &json!({"product_key": "Thatch", "notes": "A bundle", "price": 30}))
        .await?;
    let bill = json!({"client_id": client["id"], "number": "RR-1", "date": "2026-03-02", "line_items": line});
    let bill = ninja.does("POST", "invoices?mark_sent=true", &bill).await?;
    let pays = json!([{"invoice_id": bill["id"], "amount": 25}]);
    let paid = json!({"client_id": client["id"], "amount": 25, "date": "2026-03-05", "type_id": "15", "invoices": pays});
    ninja.does("POST", "payments?email_receipt=false", &paid).await?;
    let is_ours = |row: &&Value| {
        amount(&row["TotalAmt"]) == Some(Decimal::from(25))
            && row["Line"][0]["LinkedTxn"][0]["TxnType"] == "Invoice"
    };
    let payment =
        eventually("the payment", || tenant.all("Payment").iter().rev().find(is_ours).cloned()).await?;
    let customer = tenant.with("Customer", "DisplayName", "Reed & Rush").pop().context("no Customer")?;
    let item = tenant.with("Item", "Name", "Thatch").pop().context("no Item")?;
    let invoice = tenant.with("Invoice", "DocNumber", "RR-1").pop().context("no Invoice")?;
    ninja.is_heard().await?;

    // R31: every kind is Push, so what a bookkeeper changes stays where it is, and is told; without a call.
    let before = tenant.calls().len();
    tenant.bookkeeper_changes("Customer", &text(&customer, "Id")?, &json!({"Notes": "Ring twice"}))?;
    tenant.bookkeeper_changes("Item", &text(&item, "Id")?, &json!({"Description": "A bundle of reed"}))?;
    tenant.bookkeeper_changes(
        "Invoice",
        &text(&invoice, "Id")?,
        &json!({"CustomerMemo": {"value": "Many thanks"}}),
    )?;
    tenant.bookkeeper_changes("Payment", &text(&payment, "Id")?, &json!({"PaymentRefNum": "1188"}))?;
    for kind in Kind::ALL {
        let is_told = |entry: &Activity| {
            entry.side == Side::QuickBooks
                && entry.kind == Some(kind)
                && matches!(&entry.result, ActivityResult::Skipped { reason } if reason.contains("is Push: changes in QuickBooks are not brought"))
        };
        ninja.told(&format!("a held back {kind}"), is_told).await?;
    }
    ensure!(tenant.calls().len() == before, "QuickBooks was asked");
    let there = ninja.does("GET", "clients?per_page=100", &json!({})).await?;
    ensure!(there[0]["public_notes"] == "", "R31: {there}");

    // D10: while the connection is dead a bookkeeper's change waits, and follows when it is back.
    tenant.change(all(Direction::Bidirectional)).await?;
    tenant.bundle.simulator.disconnect(&tenant.realm);
    tenant.bookkeeper_changes("Invoice", &text(&invoice, "Id")?, &json!({"DueDate": "2026-04-11"}))?;
    let waits = |entry: &Activity| {
        entry.side == Side::QuickBooks && is_parked(entry, ParkCause::NotConnected).is_ok()
    };
    ninja.told("what waits for the connection", waits).await?;
    let state = async || {
        anyhow::Ok(tenant.bundle.operator.company(&tenant.id).await?.0.connection.context("none")?.state)
    };
    ensure!(state().await? != ConnectionState::Connected, "it is known to be dead");
    local::run::connect(tenant.bundle, &tenant.id, &tenant.realm, tenant.bundle.simulator.now()).await?;
    ninja.record("invoices", |row| row["number"] == "RR-1" && row["due_date"] == "2026-04-11").await?;

    // What was held back or lost is found on both sides: by the sweep, and by the poll.
    ninja.simulator.send_webhooks(false);
    let path = format!("clients/{}", text(&client, "id")?);
    ninja.does("PUT", &path, &json!({"phone": "650 555 0177"})).await?;
    eventually("the webhook is lost", || (ninja.simulator.undelivered_webhooks() == 0).then_some(())).await?;
    ninja.simulator.send_webhooks(true);
    tenant.bundle.stack.run_scheduled("ReconcilerFunction").await?;
    ninja.record("clients", |row| row["public_notes"] == "Ring twice").await?;
    ninja.record("products", |row| row["notes"] == "A bundle of reed").await?;
    ninja.record("payments", |row| row["transaction_reference"] == "1188").await?;
    eventually("the telephone number", || {
        tenant.all("Customer").into_iter().find(|row| row["PrimaryPhone"]["FreeFormNumber"] == "650 555 0177")
    })
    .await?;

    // D3: both sides change the same; the later edit wins, and both values are told.
    ninja.is_heard().await?;
    ninja.simulator.send_webhooks(false);
    let path = format!("invoices/{}", text(&bill, "id")?);
    ninja.does("PUT", &path, &json!({"due_date": "2026-06-10"})).await?;
    tenant.bookkeeper_changes("Invoice", &text(&invoice, "Id")?, &json!({"DueDate": "2026-06-20"}))?;
    ninja.record("invoices", |row| row["number"] == "RR-1" && row["due_date"] == "2026-06-20").await?;
    let both = |entry: &Activity| {
        matches!(&entry.result, ActivityResult::Done(done) if done.action == DoneAction::RecordUpdated
            && done.notes.iter().any(|note| note.contains("2026-06-10") && note.contains("2026-06-20")))
    };
    ninja.told("both values", both).await?;
    Ok(())
}
