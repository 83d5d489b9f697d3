//! Companies and activity in words, for a terminal.

use invoice_ninja::hooks::Repaired;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use sync::activity::{Activity, ActivityResult};
use sync::billing_app::{BillingApp, Checked};
use sync::ids::QuickBooksId;
use sync::import::{Counts, Ended, Job, Purpose, State, What};
use sync::mail::Address;
use sync::model::Kind;
use sync::preflight::{self, Severity};
use sync::recreate::Recreated;
use sync::reference::Reference;
use sync::settings::{Company, ConnectionState};
use sync::standing::Standing;

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
    if let Some(id) = &settings.deposit_account {
        lines.push(("deposit account", account(id, reference)));
    }
    for (method, id) in &settings.deposit_accounts {
        lines.push(("", format!("{method:?}: {}", account(id, reference))));
    }
    let labels = [("class", &settings.class), ("location", &settings.location)];
    for (name, id) in labels.into_iter().filter_map(|(name, id)| Some((name, id.as_ref()?))) {
        lines.push((name, format!("id {id}, on new invoices")));
    }
    for (name, id) in &settings.custom_fields {
        lines.push(("custom field", format!("{name} stands in QuickBooks' field {id}")));
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

/// How a company's connection stands, who is told of it, and what a preflight finds by what is cached.
pub fn standing(standing: Option<&Standing>, company: &Company, reference: Option<&Reference>) -> String {
    let day = |moment: Timestamp| moment.to_zoned(TimeZone::UTC).date().to_string();
    let mut text = notify(company);
    if let Some(standing) = standing {
        let hard = standing.hard_expires_at.map_or_else(|| "not told by Intuit".into(), day);
        let lines = [
            ("consented", day(standing.consented_at)),
            ("last refresh", standing.refreshed_at.strftime("%Y-%m-%d %H:%M").to_string()),
            ("dies if unused", day(standing.refresh_expires_at)),
            ("five-year end", hard),
        ];
        text.extend(lines.map(|(name, value)| format!("{name:<20}{value}\n")));
        if let Some(ended) = &standing.ended {
            text.push_str(&format!(
                "{:<20}{}: {} {}\n",
                "ended",
                day(ended.at),
                ended.why.text(),
                ended.why.to_do()
            ));
        }
    }
    for finding in reference.iter().flat_map(|reference| preflight::findings(reference, &company.settings)) {
        if finding.severity > Severity::Fact {
            let severity = format!("{:?}", finding.severity).to_lowercase();
            let to_do = finding.to_do.as_deref().unwrap_or_default();
            text.push_str(&format!("{severity:<20}{} {to_do}\n", finding.text));
        }
    }
    text
}

/// Who of a company is told what by e-mail.
pub fn notify(company: &Company) -> String {
    let notify = &company.settings.notify;
    let to: Vec<&str> = notify.to.iter().map(Address::as_str).collect();
    let to = if to.is_empty() { "nobody".into() } else { to.join(", ") };
    format!("{:<20}{to}\n{:<20}{}\n", "e-mail to", "daily digest", on_off(notify.digest))
}

/// What trying a billing app has shown.
pub fn billing_app(checked: &Checked) -> String {
    let mut text = format!("{} at {} is the company's billing app\n", checked.name, checked.url);
    for warning in &checked.warnings {
        text.push_str(&format!("warning: {warning}\n"));
    }
    text
}

/// What became of a record that was to be made anew.
pub fn recreated(recreated: &Recreated) -> String {
    let Recreated { kind, before, billing_id, label, was_there } = recreated;
    let made = if *was_there { "was made anew before" } else { "is made anew" };
    format!("{kind} {label} ({before}) {made}, as {billing_id}\n")
}

/// What became of a billing app's webhooks.
pub fn webhooks(repaired: Repaired) -> String {
    let Repaired { kept, made, mended, removed } = repaired;
    format!("webhooks: {kept} kept, {made} made, {mended} mended, {removed} removed\n")
}

/// An import or its preview: a line for each kind.
pub fn import(job: &Job) -> String {
    let what = match job.purpose {
        Purpose::Preview => "preview",
        Purpose::Run => "import",
    };
    let state = match &job.state {
        State::Running => "running".to_owned(),
        State::Done => "done".to_owned(),
        State::Cancelled => "cancelled".to_owned(),
        State::Stopped { reason } => format!("stopped: {reason}"),
    };
    let mut text = format!("{what} {}: {state}\n", job.id);
    if let Some(end) = job.estimated_end() {
        text.push_str(&format!(
            "    done at about {} UTC\n",
            end.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M")
        ));
    }
    if let Some(trouble) = &job.trouble {
        let next_try = trouble.next_try.to_zoned(TimeZone::UTC).strftime("%H:%M:%S");
        text.push_str(&format!("    waits: {}; tried again at {next_try} UTC\n", trouble.reason));
    }
    for kind in &job.kinds {
        let counts = job.progress.get(kind).map(|progress| progress.counts.clone()).unwrap_or_default();
        text.push_str(&format!("    {kind:<8} {} of {}: {}\n", counts.done, counts.found, outcomes(&counts)));
    }
    text
}

fn outcomes(counts: &Counts) -> String {
    let named = |name: &str, count: u64| (count > 0).then(|| format!("{count} {name}"));
    let mut parts: Vec<String> = [
        ("created", counts.created),
        ("updated", counts.updated),
        ("deleted", counts.deleted),
        ("unchanged", counts.unchanged),
    ]
    .into_iter()
    .filter_map(|(name, count)| named(name, count))
    .collect();
    parts.extend(counts.linked.iter().map(|(by, count)| format!("{count} linked by {by:?}").to_lowercase()));
    parts.extend(counts.skipped.iter().map(|(reason, count)| format!("{count} skipped ({reason})")));
    parts.extend(counts.failed.iter().map(|(cause, count)| format!("{count} waiting ({cause:?})")));
    if parts.is_empty() { "nothing yet".to_owned() } else { parts.join(", ") }
}

/// What became of an entity: a line, and what belongs to it indented below.
pub fn imported(ended: &Ended) -> String {
    let (what, mut details) = match &ended.what {
        What::Created => ("created".to_owned(), Vec::new()),
        What::Linked { by } => (format!("linked by {by:?}").to_lowercase(), Vec::new()),
        What::Updated => ("updated".to_owned(), Vec::new()),
        What::Deleted => ("deleted".to_owned(), Vec::new()),
        What::Unchanged => ("unchanged".to_owned(), Vec::new()),
        What::Skipped { reason } => (format!("skipped: {reason}"), Vec::new()),
        What::Failed { park } => ("waiting".to_owned(), vec![park.reason.clone(), park.way_on.clone()]),
    };
    details.extend(ended.notes.iter().cloned());
    details.extend(ended.differences.iter().map(|difference| {
        let stays = if difference.taken { "" } else { " (stays)" };
        format!("{}: {} -> {}{stays}", difference.field, difference.billing, difference.quickbooks)
    }));
    let details: String = details.iter().map(|detail| format!("    {detail}\n")).collect();
    format!("{} {} ({}): {what}\n{details}", ended.kind, ended.label, ended.quickbooks_id)
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
            let kept = entry
                .removed
                .as_ref()
                .map(|_| format!("made anew by: re-create {} --event \"{}\"", entry.company, entry.event));
            (action, done.notes.iter().cloned().chain(kept).collect())
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
    use serde_json::json;
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
    fn an_import_in_words() {
        let books = json!({"company": "acme", "realm": "9130"});
        let client = json!({
            "counts": {"found": 120, "done": 100, "created": 60, "linked": {"name": 20, "email": 5}, "unchanged": 10,
                "skipped": {"sub-customers are not synced": 4}, "failed": {"ambiguous": 1}},
            "cursor": {}, "finished": false,
        });
        let job: Job = serde_json::from_value(json!({
            "id": "1772000000000", "books": books, "purpose": "run", "kinds": ["product", "client"],
            "state": {"state": "running"}, "progress": {"client": client},
            "started_at": "2026-03-09T10:00:00Z", "updated_at": "2026-03-09T10:10:00Z",
            "trouble": {"reason": "the billing app is away", "since": "2026-03-09T10:10:00Z", "next_try": "2026-03-09T10:11:20Z"},
            "step": 1, "version": 2,
        }))
        .unwrap();
        let ended: Ended = serde_json::from_value(json!({
            "kind": "client", "quickbooks_id": "12", "label": "Fern", "what": "linked", "by": "email",
            "differences": [{"field": "name", "billing": "FERN", "quickbooks": "Fern", "taken": false}],
        }))
        .unwrap();
        insta::assert_snapshot!(import(&job) + &imported(&ended), @r"
        import 1772000000000: running
            done at about 2026-03-09 10:12 UTC
            waits: the billing app is away; tried again at 10:11:20 UTC
            product  0 of 0: nothing yet
            client   100 of 120: 60 created, 10 unchanged, 20 linked by name, 5 linked by email, 4 skipped (sub-customers are not synced), 1 waiting (Ambiguous)
        client Fern (12): linked by email
            name: FERN -> Fern (stays)
        ");
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
