//! Companies and activity in words, for a terminal.

use invoice_ninja::hooks::Repaired;
use jiff::tz::TimeZone;
use sync::activity::{Activity, ActivityResult};
use sync::billing_app::{BillingApp, Checked};
use sync::ids::QuickBooksId;
use sync::model::Kind;
use sync::reference::Reference;
use sync::settings::{Company, ConnectionState};

/// A company: its connection and its settings, a line each.
pub fn company(company: &Company, reference: Option<&Reference>) -> String {
    let settings = &company.settings;
    let mut lines = vec![("company", company.id.to_string()), ("QuickBooks", connection(company))];
    lines.push(("billing app", billing(company)));
    for kind in Kind::ALL {
        lines.push((kind.name(), settings.directions.of(kind).to_string()));
    }
    let income = settings.default_income_account.as_ref().map(|id| account(id, reference));
    lines.push(("income account", income.unwrap_or_else(|| "not set: new products cannot be pushed".into())));
    for (product_type, id) in &settings.income_accounts {
        lines.push(("", format!("{product_type:?}: {}", account(id, reference))));
    }
    let cut_off = settings.cut_off.map(|day| format!("invoices before {day} are left alone"));
    lines.push(("cut-off", cut_off.unwrap_or_else(|| "none".into())));
    lines.push(("product edits", on_off(settings.push_product_edits)));
    let api_key = company.api_key.as_ref().map(|_| "made").unwrap_or("none: it cannot push while it waits");
    lines.push(("API key", api_key.into()));
    lines.push(("create clients", on_off(settings.create_clients)));
    lines.push(("create products", on_off(settings.create_products)));
    lines.push(("inactivate deleted", on_off(settings.inactivate_deleted)));
    lines.iter().map(|(name, value)| format!("{name:<20}{value}\n")).collect()
}

fn connection(company: &Company) -> String {
    let Some(connection) = &company.connection else { return "never connected".into() };
    let state = match connection.state {
        ConnectionState::Connected => "connected",
        ConnectionState::Expired => "expired: somebody has to reconnect",
        ConnectionState::Disconnected => "disconnected",
    };
    format!("{} (realm {}), {state}", connection.name, connection.realm)
}

fn billing(company: &Company) -> String {
    match &company.billing {
        BillingApp::EventsOnly => "only sends events".into(),
        BillingApp::InvoiceNinja(app) => format!("Invoice Ninja at {}: {}", app.url, app.name),
    }
}

/// What trying a billing app has shown.
pub fn billing_app(checked: &Checked) -> String {
    let mut text = format!("{} at {} is the company's billing app\n", checked.name, checked.url);
    for warning in &checked.warnings {
        text.push_str(&format!("warning: {warning}\n"));
    }
    text
}

/// What became of a billing app's webhooks.
pub fn webhooks(repaired: Repaired) -> String {
    let Repaired { kept, made, mended, removed } = repaired;
    format!("webhooks: {kept} kept, {made} made, {mended} mended, {removed} removed\n")
}

fn account(id: &QuickBooksId, reference: Option<&Reference>) -> String {
    match reference.and_then(|reference| reference.account(id)) {
        Some(account) => format!("{} ({id})", account.name),
        None => format!("{id}, which is not an active account as far as known"),
    }
}

fn on_off(switch: bool) -> String {
    if switch { "on".into() } else { "off".into() }
}

/// An entry of the activity log: a line, and what belongs to it indented below.
pub fn activity(entry: &Activity) -> String {
    let time = entry.time.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%S");
    let subject = match entry.kind {
        Some(kind) => format!("{kind} {}", entry.label),
        None => "unreadable event".to_owned(),
    };
    let (result, details) = match &entry.result {
        ActivityResult::Done(done) => {
            let action = format!("{:?} as {}", done.action, done.quickbooks_id).to_lowercase();
            (action, done.notes.clone())
        }
        ActivityResult::Skipped { reason } => ("skipped".into(), vec![reason.clone()]),
        ActivityResult::Ignored { reason } => ("ignored".into(), vec![reason.clone()]),
        ActivityResult::Parked(park) => {
            let event = format!("event {}", entry.event);
            ("parked".into(), vec![park.reason.clone(), park.way_on.clone(), event])
        }
    };
    let details: String = details.iter().map(|detail| format!("    {detail}\n")).collect();
    format!("{time}  {subject}: {result}\n{details}")
}

#[cfg(test)]
mod tests {
    use sync::ids::{CompanyId, EventId, RealmId};
    use sync::model::ProductType;
    use sync::outcome::{Done, DoneAction, Park, ParkCause};
    use sync::settings::{Connection, Direction, Directions};

    use super::*;

    #[test]
    fn a_company_in_words() {
        let mut acme = Company::new(CompanyId::new("acme").unwrap());
        insta::assert_snapshot!("new_company", company(&acme, None));
        acme.connection = Some(Connection {
            realm: RealmId::new("4620816365261282440").unwrap(),
            state: ConnectionState::Expired,
            name: "Mow & Sons".into(),
            connected_at: "2026-03-09T10:00:00Z".parse().unwrap(),
        });
        acme.settings.directions = Directions { invoice: Direction::Push, ..Directions::default() };
        acme.settings.default_income_account = Some(QuickBooksId::new("79").unwrap());
        acme.settings.income_accounts.insert(ProductType::Goods, QuickBooksId::new("999").unwrap());
        acme.settings.cut_off = Some("2026-03-09".parse().unwrap());
        let mut reference = Reference::from_lists(&Default::default(), jiff::Timestamp::UNIX_EPOCH);
        reference.accounts = vec![sync::reference::Account {
            id: QuickBooksId::new("79").unwrap(),
            name: "Sales of Product Income".into(),
            account_type: "Income".into(),
            sub_type: "SalesOfProductIncome".into(),
        }];
        insta::assert_snapshot!("connected_company", company(&acme, Some(&reference)));
    }

    #[test]
    fn activity_in_words() {
        let entry = |result| Activity {
            company: CompanyId::new("acme").unwrap(),
            side: sync::activity::Side::Billing,
            event: EventId::new("e-17").unwrap(),
            time: "2026-03-09T10:00:00.25Z".parse().unwrap(),
            handled_at: "2026-03-09T10:00:01Z".parse().unwrap(),
            realm: None,
            kind: Some(Kind::Invoice),
            billing_id: None,
            label: "INV-001".into(),
            quickbooks_id: None,
            result,
            event_json: None,
            removed: None,
        };
        let done = Done {
            action: DoneAction::Created,
            quickbooks_id: QuickBooksId::new("145").unwrap(),
            notes: vec!["The totals differ by 0.02.".into()],
            taxes: None,
        };
        let park = Park::new(
            ParkCause::Tax,
            "The tax GST has no tax code in QuickBooks.",
            "Add it there, then retry.",
        );
        let results = [
            ActivityResult::Done(done),
            ActivityResult::Parked(park),
            ActivityResult::Skipped { reason: "the invoice is a draft".into() },
        ];
        insta::assert_snapshot!(results.map(|result| activity(&entry(result))).concat());
    }
}
