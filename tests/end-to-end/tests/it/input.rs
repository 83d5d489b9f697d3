//! Input as it comes: each bad event is parked with a reason that a person understands, or mapped by a stated rule,
//! and the events behind it go on.

use std::sync::Arc;

use anyhow::ensure;
use local::Message;
use serde_json::json;
use sync::activity::Activity;
use sync::ids::CompanyId;
use sync::outcome::DoneAction::Created;
use sync::outcome::ParkCause::{self, Amount, Currency, MissingRecord, Unreadable};

use crate::records::{changed, client, invoice, line};
use crate::world::{Tenant, World, is_done, is_parked, tests};

tests![
    what_cannot_be_read_is_parked_as_it_came,
    what_cannot_be_booked_is_parked_with_what_to_do,
    odd_names_are_mapped_by_rule,
    a_line_without_a_product_is_booked_all_the_same,
    an_unknown_company_parks_its_events,
];

/// A message, and what its reason has to say.
type Case = (String, ParkCause, &'static [&'static str]);

/// Sends each case with a good event behind it: the case is parked, the good event is done (D11).
async fn each_is_parked_and_holds_nothing_up(tenant: &Tenant<'_>, cases: Vec<Case>) -> anyhow::Result<()> {
    let mut bodies = Vec::new();
    for (number, (body, ..)) in cases.iter().enumerate() {
        let id = format!("behind-{number}");
        bodies.push(body.clone());
        bodies.push(tenant.event("client.created", &client(&id, &format!("Behind {number}"))).to_string());
    }
    let ended = tenant.push_texts(&bodies).await?;
    for (pair, (body, cause, words)) in ended.chunks(2).zip(&cases) {
        let [case, behind] = pair else { continue };
        let reason = is_parked(case, *cause)?;
        ensure!(words.iter().all(|word| reason.contains(word)), "{words:?} are not in: {reason}");
        ensure!(case.event_json.as_deref() == Some(body), "kept as it came: {:?}", case.event_json);
        is_done(behind, Created)?;
    }
    Ok(())
}

async fn what_cannot_be_read_is_parked_as_it_came(world: Arc<World>) -> anyhow::Result<()> {
    let tenant = world.tenant("unreadable").await?;
    let bill = invoice(
        "i-1",
        &client("c-1", "Unread Books"),
        &[line("Wall", "1", "5"), line("Wall", "2", "5")],
        "15",
    );
    let without = |pointer: &str, member: &str| {
        let mut event = tenant.event("invoice.created", &bill);
        if let Some(members) = event.pointer_mut(pointer).and_then(|value| value.as_object_mut()) {
            members.remove(member);
        }
        event.to_string()
    };
    let with = |member: &str, value: &str| {
        changed(&tenant.event("invoice.created", &bill), member, value).to_string()
    };
    let cases: Vec<Case> = vec![
        ("{\"specversion\": \"1.0\", \"id\": \"e".into(), Unreadable, &["not JSON"]),
        (without("", "time"), Unreadable, &["`time`"]),
        (without("/data", "client_id"), Unreadable, &["`data", "`client_id`"]),
        (without("/data/lines/1", "quantity"), Unreadable, &["`data.lines[1]", "`quantity`"]),
        (
            with("type", "billing.quote.created"),
            Unreadable,
            &["billing.quote.created", "client, product, invoice or payment"],
        ),
        (with("specversion", "0.3"), Unreadable, &["`0.3`", "CloudEvents 1.0"]),
        (with("company", "somebody-else"), Unreadable, &["somebody-else", "unreadable-"]),
        (with("subject", "i-2"), Unreadable, &["`i-2`", "`i-1`"]),
    ];
    each_is_parked_and_holds_nothing_up(&tenant, cases).await?;
    ensure!(tenant.with("Customer", "DisplayName", "Unread Books").is_empty());
    Ok(())
}

async fn what_cannot_be_booked_is_parked_with_what_to_do(world: Arc<World>) -> anyhow::Result<()> {
    let tenant = world.tenant("unbookable").await?;
    let bill = invoice("i-1", &client("c-1", "Unbooked"), &[line("Wall", "1", "15")], "15");
    let event = |record| tenant.event("invoice.created", &record).to_string();
    let nobodys = changed(&changed(&bill, "client_id", "c-77"), "client", json!(null));
    let bill = changed(&bill, "id", "i-2");
    let below_zero = changed(&changed(&bill, "lines", json!([line("Wall", "-1", "15")])), "amount", "-15");
    let bill = changed(&bill, "id", "i-3");
    let foreign = changed(&changed(&bill, "currency", "EUR"), "exchange_rate", "1.08");
    let cases: Vec<Case> = vec![
        (event(nobodys), MissingRecord, &["c-77"]),
        (event(below_zero), Amount, &["-15.00"]),
        (event(foreign), Currency, &["EUR", "USD", "multicurrency"]),
    ];
    each_is_parked_and_holds_nothing_up(&tenant, cases).await?;
    ensure!(tenant.with("Invoice", "DocNumber", "N-i-1").is_empty());
    Ok(())
}

/// T9.
async fn odd_names_are_mapped_by_rule(world: Arc<World>) -> anyhow::Result<()> {
    let tenant = world.tenant("names").await?;
    let names = [
        ("Acme: North Branch".to_owned(), "Acme- North Branch".to_owned()),
        ("O'Brien's Hedges".to_owned(), "O'Brien's Hedges".to_owned()),
        ("n".repeat(600), "n".repeat(500)),
        ("Sunflower 🌻 Shop".to_owned(), "Sunflower 🌻 Shop".to_owned()),
        ("Tab\tand  spaces ".to_owned(), "Tab and spaces".to_owned()),
    ];
    let event = |(number, (name, _)): (usize, &(String, String))| {
        tenant.event("client.created", &client(&format!("c-{number}"), name))
    };
    let events: Vec<_> = names.iter().enumerate().map(event).collect();
    let ended = tenant.push(&events).await?;
    for (activity, (name, wanted)) in ended.iter().zip(&names) {
        let id = is_done(activity, Created)?;
        let made = tenant.object("Customer", &id)?;
        ensure!(made["DisplayName"] == *wanted, "{name} became {}", made["DisplayName"]);
    }
    Ok(())
}

async fn a_line_without_a_product_is_booked_all_the_same(world: Arc<World>) -> anyhow::Result<()> {
    let tenant = world.tenant("no-product").await?;
    let lines = [line("", "1.5", "20"), json!({"notes": "Only words", "quantity": 0, "unit_price": 0})];
    let bill = invoice("i-1", &client("c-1", "Plain Lines"), &lines, "30");
    let id = tenant.must(Created, tenant.event("invoice.created", &bill)).await?;
    let booked = tenant.object("Invoice", &id)?;
    ensure!(booked["TotalAmt"].to_string().trim_matches('"').parse::<rust_decimal::Decimal>()? == 30.into());
    let text = booked["Line"].to_string();
    ensure!(text.contains("General services") && text.contains("Only words"), "{text}");
    Ok(())
}

async fn an_unknown_company_parks_its_events(world: Arc<World>) -> anyhow::Result<()> {
    let stranger = world.stranger("unknown").await?;
    let ended: Vec<Activity> =
        stranger.push(&[stranger.event("client.created", &client("c-1", "Who"))]).await?;
    let reason = is_parked(&ended[0], ParkCause::UnknownCompany)?;
    ensure!(reason.contains(stranger.id.as_str()), "{reason}");

    // A message group that cannot be a company's.
    let bundle = stranger.bundle;
    let unknown = CompanyId::new("unknown")?;
    let body = stranger.event("client.created", &client("c-2", "Where")).to_string();
    let sent = bundle.send(&[Message { company: unknown.clone(), body }]).await?;
    let ended = bundle.endings(&sent, &|_| ()).await?;
    is_parked(&ended[0][0], Unreadable)?;
    ensure!(!bundle.operator.activity(&unknown, 1).await?.is_empty());
    Ok(())
}
