//! What a subscription to an event has to look like (Invoice Ninja API: webhooks). There is one row for each event.

use url::Url;

use super::kinds::LAST_EVENT;
use super::record::{Errors, Members, Record};
use super::refusal::wrong;

pub(crate) fn check(hook: &Record, errors: &mut Errors) {
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
