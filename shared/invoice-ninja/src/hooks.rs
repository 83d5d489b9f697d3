//! The app's webhooks to us: one for each event, since the app does not say which one it tells (Invoice Ninja API:
//! webhooks). The app deletes those whose receiver answers 404, 405 or 410 once, so they are looked after.

use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use sync::event::Verb;
use sync::ids::CompanyId;
use sync::model::Kind;
use sync::ports::BillingError;
use url::Url;

use crate::answer::Effect;
use crate::client::Client;
use crate::json::{Loose, Object};

/// The header that carries the company's secret.
pub const SECRET_HEADER: &str = "X-Counterpart-Secret";

/// The events that are told, by the app's numbers.
const EVENTS: [(u32, Kind, Verb); 17] = [
    (1, Kind::Client, Verb::Created),
    (10, Kind::Client, Verb::Updated),
    (11, Kind::Client, Verb::Deleted),
    (45, Kind::Client, Verb::Restored),
    (50, Kind::Product, Verb::Created),
    (51, Kind::Product, Verb::Updated),
    (52, Kind::Product, Verb::Deleted),
    (53, Kind::Product, Verb::Restored),
    (2, Kind::Invoice, Verb::Created),
    (8, Kind::Invoice, Verb::Updated),
    (9, Kind::Invoice, Verb::Deleted),
    (41, Kind::Invoice, Verb::Restored),
    (60, Kind::Invoice, Verb::Sent),
    (4, Kind::Payment, Verb::Created),
    (31, Kind::Payment, Verb::Updated),
    (12, Kind::Payment, Verb::Deleted),
    (40, Kind::Payment, Verb::Restored),
];

/// What looking after the webhooks has changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Repaired {
    /// Were as they should be.
    pub kept: usize,
    /// Were missing.
    pub made: usize,
    /// Had another secret or form.
    pub mended: usize,
    /// Were there twice, or for events that are not told.
    pub removed: usize,
}

/// What to do about one webhook.
#[derive(Clone, Debug, PartialEq)]
enum Step {
    Keep,
    Make(Object),
    Mend(String, Object),
    Remove(String),
}

/// Where an event of a kind is told, under the address of the API.
pub fn target(public: &Url, company: &CompanyId, kind: Kind, verb: Verb) -> String {
    format!("{}{kind}.{}", targets(public, company), verb.name())
}

fn targets(public: &Url, company: &CompanyId) -> String {
    format!("{}/webhooks/billing/{company}/", public.as_str().trim_end_matches('/'))
}

impl Client {
    /// Makes the app tell all events, each once, to the API at `public`. Webhooks to anywhere else are left alone.
    ///
    /// # Errors
    /// The app did not do all of it; doing it again goes on.
    pub async fn repair_webhooks(
        &self,
        public: &Url,
        company: &CompanyId,
        secret: &SecretString,
    ) -> Result<Repaired, BillingError> {
        let parameters = [("status", "active".to_owned()), ("sort", "id|asc".to_owned())];
        let ours = targets(public, company);
        let is_ours = |row: &Object| !row.flag("is_deleted") && row.text("target_url").starts_with(&ours);
        let there = self.all("webhooks", &parameters, is_ours).await?;
        let wanted: Vec<Object> = EVENTS
            .iter()
            .map(|(number, kind, verb)| hook(*number, &target(public, company, *kind, *verb), secret))
            .collect();
        let mut repaired = Repaired::default();
        for step in steps(&there, &wanted) {
            let request = match &step {
                Step::Keep => {
                    repaired.kept += 1;
                    continue;
                }
                Step::Make(hook) => {
                    repaired.made += 1;
                    self.request(Method::POST, "webhooks").json(hook)
                }
                Step::Mend(id, hook) => {
                    repaired.mended += 1;
                    self.request(Method::PUT, &format!("webhooks/{id}")).json(hook)
                }
                Step::Remove(id) => {
                    repaired.removed += 1;
                    self.request(Method::DELETE, &format!("webhooks/{id}"))
                }
            };
            self.call("webhooks", request, Effect::Writes).await?;
        }
        Ok(repaired)
    }
}

fn hook(number: u32, target: &str, secret: &SecretString) -> Object {
    let hook = json!({
        "target_url": target,
        "event_id": number.to_string(),
        "rest_method": "post",
        "format": "JSON",
        "headers": {SECRET_HEADER: secret.expose_secret()},
    });
    hook.as_object().cloned().unwrap_or_default()
}

fn steps(there: &[Object], wanted: &[Object]) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut seen: Vec<String> = Vec::new();
    for row in there {
        let (id, event) = (row.text("id"), row.text("event_id"));
        let matching = wanted.iter().find(|hook| hook.text("event_id") == event);
        match matching {
            Some(hook) if !seen.contains(&event) => {
                steps.push(if is_same(row, hook) { Step::Keep } else { Step::Mend(id, hook.clone()) });
                seen.push(event);
            }
            _ => steps.push(Step::Remove(id)),
        }
    }
    let missing = wanted.iter().filter(|hook| !seen.contains(&hook.text("event_id")));
    steps.extend(missing.map(|hook| Step::Make(hook.clone())));
    steps
}

fn is_same(row: &Object, hook: &Object) -> bool {
    let headers = |hook: &Object| hook.get("headers").cloned().unwrap_or(Value::Null);
    ["target_url", "event_id", "format"].iter().all(|name| row.text(name) == hook.text(name))
        && row.text("rest_method").eq_ignore_ascii_case("post")
        && headers(row) == headers(hook)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted() -> Vec<Object> {
        vec![hook(1, "https://us.example/a", &"s".into()), hook(10, "https://us.example/b", &"s".into())]
    }

    fn there(id: &str, hook: &Object, change: impl FnOnce(&mut Object)) -> Object {
        let mut row = hook.clone();
        row.insert("id".into(), id.into());
        change(&mut row);
        row
    }

    #[test]
    fn each_event_ends_with_one_webhook_as_it_should_be() {
        let wanted = wanted();
        let rows = [
            there("h1", &wanted[0], |row| drop(row.insert("headers".into(), json!({SECRET_HEADER: "old"})))),
            there("h2", &wanted[0], |_| {}),
            there("h3", &wanted[0], |row| drop(row.insert("event_id".into(), 999.into()))),
        ];
        let mended = wanted[0].clone();
        assert_eq!(
            steps(&rows, &wanted),
            [
                Step::Mend("h1".into(), mended),
                Step::Remove("h2".into()),
                Step::Remove("h3".into()),
                Step::Make(wanted[1].clone())
            ]
        );
        let good = [
            there("h1", &wanted[0], |_| {}),
            there("h4", &wanted[1], |row| drop(row.insert("event_id".into(), 10.into()))),
        ];
        assert_eq!(steps(&good, &wanted), [Step::Keep, Step::Keep], "numbers come as numbers or texts");
    }

    #[test]
    fn every_event_has_an_address_of_its_own() {
        let (public, acme) = (Url::parse("https://api.example").unwrap(), CompanyId::new("acme").unwrap());
        let mut targets: Vec<_> =
            EVENTS.iter().map(|(_, kind, verb)| target(&public, &acme, *kind, *verb)).collect();
        assert_eq!(targets[9], "https://api.example/webhooks/billing/acme/invoice.updated");
        targets.sort();
        targets.dedup();
        assert_eq!(targets.len(), EVENTS.len());
    }
}
