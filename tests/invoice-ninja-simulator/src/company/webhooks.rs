//! Subscriptions to events (Invoice Ninja API: webhooks): one row for each event.

use jiff::Timestamp;
use url::Url;

use super::kinds::{Kind, LAST_EVENT};
use super::record::{Errors, Members, Record, blank, fill};
use super::refusal::{Refusal, unless, wrong};
use super::{Company, User, ids};

impl Company {
    pub(crate) fn save_webhook(
        &mut self,
        id: Option<u64>,
        sent: &Record,
        user: &User,
        now: Timestamp,
    ) -> Result<u64, Refusal> {
        let before = id.and_then(|id| self.store.row(Kind::Webhook, id)).cloned();
        let mut hook = before.unwrap_or_else(|| {
            let mut hook = blank(Kind::Webhook.fields());
            hook.put("format", "JSON");
            hook.put("rest_method", "post");
            hook
        });
        let mut errors = Errors::new();
        fill(&mut hook, sent, Kind::Webhook.fields(), "", &mut errors);
        check(&hook, &mut errors);
        unless(errors)?;
        match id {
            None => {
                hook.put("user_id", user.id.as_str());
                hook.put("company_id", ids::shown(self.id));
                Ok(self.store.add(Kind::Webhook, hook, now))
            }
            Some(id) => {
                hook.put("updated_at", now.as_second());
                self.store.replace(Kind::Webhook, id, hook);
                Ok(id)
            }
        }
    }
}

fn check(hook: &Record, errors: &mut Errors) {
    let is_http =
        Url::parse(hook.text("target_url")).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    if !is_http {
        wrong(errors, "target_url", "The target url must be a valid URL.");
    }
    if !hook.text("event_id").parse().is_ok_and(|event: u32| (1..=LAST_EVENT).contains(&event)) {
        wrong(errors, "event_id", "The selected event id is invalid.");
    }
    if !matches!(hook.text("rest_method"), "post" | "put") {
        wrong(errors, "rest_method", "The selected rest method is invalid.");
    }
    if hook.text("format") != "JSON" {
        wrong(errors, "format", "The selected format is invalid.");
    }
}
