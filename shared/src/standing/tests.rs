use super::*;
use crate::ids::{CompanyId, RealmId};

fn books(name: &str) -> Books {
    Books { company: CompanyId::new(name).unwrap(), realm: RealmId::new("1").unwrap() }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn tokens(now: Timestamp) -> TokenPair {
    let days = |days: i64| now + SignedDuration::from_hours(24 * days);
    TokenPair {
        access_token: "access".into(),
        access_expires_at: now + SignedDuration::from_hours(1),
        refresh_token: "refresh".into(),
        refresh_expires_at: days(100),
        hard_expires_at: Some(days(5 * 365)),
    }
}

const NOW: &str = "2026-03-09T10:00:00Z";

#[test]
fn every_connection_has_a_time_of_the_day_of_its_own() {
    let now = at(NOW);
    let waits: Vec<i64> = (0..1000)
        .map(|number| turn_of(&books(&format!("company-{number}")), now).as_second() - now.as_second())
        .collect();
    assert!(waits.iter().all(|wait| (1..=DAY).contains(wait)), "within a day, and never at once");
    for hour in 0..24 {
        let here = waits.iter().filter(|wait| (*wait - 1) / 3600 == hour).count();
        assert!((15..90).contains(&here), "{here} of 1000 in hour {hour}");
    }
    let first = turn_of(&books("acme"), now);
    assert_eq!(
        turn_of(&books("acme"), first),
        first + SignedDuration::from_hours(24),
        "every day at that time"
    );
    let late = first + SignedDuration::from_hours(7);
    assert_eq!(turn_of(&books("acme"), late), first + SignedDuration::from_hours(24), "also after an outage");
}

#[test]
fn the_nearer_of_both_ends_counts() {
    let now = at(NOW);
    let mut standing = Standing::of_consent(&books("acme"), &tokens(now), None, now);
    assert_eq!(standing.ends_at(), now + SignedDuration::from_hours(2400));
    let soon = now + SignedDuration::from_hours(5);
    standing.refreshed(&TokenPair { hard_expires_at: Some(soon), ..tokens(now) }, now);
    assert_eq!(standing.ends_at(), soon);
    standing.refreshed(&TokenPair { hard_expires_at: None, ..tokens(now) }, now);
    assert_eq!(standing.ends_at(), soon, "Intuit did not say it this time");
}

#[test]
fn why_a_refresh_token_is_refused_is_told_by_the_dates() {
    let now = at(NOW);
    let standing = Standing::of_consent(&books("acme"), &tokens(now), None, now);
    let why = |days: i64| standing.why_refused(now + SignedDuration::from_hours(24 * days));
    assert_eq!(
        (why(1), why(100), why(5 * 365)),
        (EndReason::Revoked, EndReason::Unused, EndReason::FiveYears)
    );
}

#[test]
fn the_first_reason_stays_and_is_looked_at_at_once() {
    let now = at(NOW);
    let mut standing = Standing::of_consent(&books("acme"), &tokens(now), None, now);
    standing.end(EndReason::Revoked, now);
    let ended = standing.clone();
    assert_eq!(ended.due_at, Some(now));
    standing.end(EndReason::Unused, now + SignedDuration::from_hours(1));
    assert_eq!(standing, ended);
}

#[test]
fn a_new_consent_forgets_the_end_and_not_the_mail_of_the_day() {
    let now = at(NOW);
    let mut standing = Standing::of_consent(&books("acme"), &tokens(now), None, now);
    standing.end(EndReason::Revoked, now);
    let last = Some(LastMail { at: now, sent: true });
    standing.mails = Mails { last, warned: Some(1), told_ended: true, ..Mails::default() };
    let again = Standing::of_consent(&books("acme"), &tokens(now), Some(&standing), now);
    assert_eq!((again.ended, again.version), (None, 2));
    assert_eq!(again.mails, Mails { last, ..Mails::default() });
}
