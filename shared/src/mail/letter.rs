//! What an e-mail says, as text and as HTML.
//!
//! It names the company, what has stopped or will, and where to mend it. Nothing else of a record goes in but how many
//! wait and why, in our own words: what QuickBooks or the billing app say may hold names and amounts.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use maud::{DOCTYPE, html};

use super::{Address, Message, Occasion};
use crate::activity::{Activity, ActivityResult};
use crate::outcome::ParkCause;
use crate::settings::Company;
use crate::standing::{EndReason, Standing};

/// Where people go from an e-mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Links {
    /// Where they reconnect.
    pub reconnect: String,
    /// Where they see what is parked.
    pub activity: String,
}

/// An e-mail before it has a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    subject: String,
    paragraphs: Vec<String>,
    list: Vec<String>,
    /// What the link is called, and where it leads.
    link: (String, String),
    small: String,
}

impl Letter {
    /// What is to be said on an occasion. `parked` is everything that is parked.
    pub fn new(
        occasion: Occasion,
        company: &Company,
        standing: &Standing,
        parked: &[Activity],
        links: &Links,
        now: Timestamp,
    ) -> Letter {
        let id = &company.id;
        let books = company.connection.as_ref().map_or("QuickBooks", |connection| connection.name.as_str());
        let books = if books.is_empty() { "QuickBooks" } else { books };
        let waiting = (!parked.is_empty()).then(|| format!("{} now.", wait(parked.len())));
        let small = "You get this because your address is in the sync settings of the company. Settings and links \
                     between records are kept in any case.";
        match occasion {
            Occasion::Ends(_) => Letter {
                subject: format!("QuickBooks connection of {id} ends {}", soon(standing.ends_at(), now)),
                paragraphs: said([
                    Some(format!("The connection between {id} and the QuickBooks company {books} ends on {}.", day(standing.ends_at()))),
                    Some(why_it_ends(standing).into()),
                    Some("From then on nothing is synced until somebody reconnects: changes are kept, and wait.".into()),
                    Some("Reconnect before that day, and nothing stops. It takes a minute, and an administrator of the QuickBooks company.".into()),
                ]),
                list: Vec::new(),
                link: ("Reconnect QuickBooks".into(), links.reconnect.clone()),
                small: format!("The link works for 30 days, and for this QuickBooks company only. {small}"),
            },
            Occasion::Ended => Letter {
                subject: format!("QuickBooks is disconnected: {id} is no longer synced"),
                paragraphs: said([
                    Some(format!("The connection between {id} and the QuickBooks company {books} has ended.")),
                    standing.ended.as_ref().map(|ended| why_it_ended(&ended.why).into()),
                    Some("Nothing is synced until somebody reconnects. What changes meanwhile is kept, and goes on in its order then.".into()),
                    waiting,
                ]),
                list: Vec::new(),
                link: ("Reconnect QuickBooks".into(), links.reconnect.clone()),
                small: format!("The link works for 30 days, and for this QuickBooks company only. {small}"),
            },
            Occasion::Parked => Letter {
                subject: format!("{} for you in the QuickBooks sync of {id}", wait(parked.len())),
                paragraphs: vec![format!(
                    "{} in the sync between {id} and the QuickBooks company {books}, until somebody acts:",
                    wait(parked.len())
                )],
                list: by_cause(parked),
                link: ("See what to do about each".into(), links.activity.clone()),
                small: format!("The link leads into the console. If you are not signed in there, it says how to open it from your billing app. This comes at most once a day, and can be switched off in the sync settings. {small}"),
            },
        }
    }

    /// The message that it becomes.
    pub fn message(&self, to: &[Address]) -> Message {
        Message { to: to.to_vec(), subject: self.subject.clone(), text: self.text(), html: self.html() }
    }

    fn text(&self) -> String {
        let list: String = self.list.iter().map(|item| format!("- {item}\n")).collect();
        let mut parts = self.paragraphs.clone();
        parts.extend((!list.is_empty()).then(|| list.trim_end().to_owned()));
        parts.push(format!("{}:\n{}", self.link.0, self.link.1));
        parts.push(format!("--\n{}", self.small));
        parts.join("\n\n") + "\n"
    }

    /// Styles stand with their elements: mail readers drop everything else.
    fn html(&self) -> String {
        let (action, address) = &self.link;
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head { meta charset="utf-8"; title { (self.subject) } }
                body style="margin:0;padding:24px;background:#f4f5f7;color:#1c2733;font:16px/1.5 system-ui,sans-serif" {
                    div style="max-width:560px;margin:0 auto;padding:24px;background:#ffffff;border-radius:8px" {
                        h1 style="margin:0 0 16px;font-size:20px;line-height:1.3" { (self.subject) }
                        @for paragraph in &self.paragraphs { p style="margin:0 0 12px" { (paragraph) } }
                        @if !self.list.is_empty() {
                            ul style="margin:0 0 12px;padding-left:20px" { @for item in &self.list { li { (item) } } }
                        }
                        p style="margin:20px 0" {
                            a href=(address) style="display:inline-block;padding:10px 18px;background:#0b6e4f;color:#ffffff;text-decoration:none;border-radius:6px" { (action) }
                        }
                        p style="margin:0;font-size:13px;color:#56616d" { (self.small) }
                    }
                }
            }
        };
        page.into_string()
    }
}

fn said(paragraphs: [Option<String>; 4]) -> Vec<String> {
    paragraphs.into_iter().flatten().collect()
}

/// "3 records wait".
fn wait(records: usize) -> String {
    if records == 1 { "1 record waits".into() } else { format!("{records} records wait") }
}

fn soon(end: Timestamp, now: Timestamp) -> String {
    let left = end.duration_since(now);
    if left <= SignedDuration::from_hours(24) {
        return "within a day".into();
    }
    // A day that has begun counts whole.
    format!("in {} days", (left.as_secs() + 86_399) / 86_400)
}

fn day(moment: Timestamp) -> String {
    moment.to_zoned(TimeZone::UTC).strftime("%-d %B %Y").to_string()
}

fn why_it_ends(standing: &Standing) -> &'static str {
    if standing.hard_expires_at.is_some_and(|hard| hard <= standing.refresh_expires_at) {
        "Intuit ends every connection five years after somebody consented to it."
    } else {
        "It could not be renewed for a long time, and Intuit ends a connection that was not renewed for 100 days."
    }
}

/// Without QuickBooks' own words.
fn why_it_ended(why: &EndReason) -> &'static str {
    match why {
        EndReason::Revoked => "Somebody disconnected it in QuickBooks, or Intuit ended it.",
        EndReason::Unused => "It could not be renewed for 100 days, after which Intuit ends a connection.",
        EndReason::FiveYears => "Intuit ends every connection five years after somebody consented to it.",
        EndReason::Refused(_) => {
            "QuickBooks refuses access: whoever connected it may have lost the right to."
        }
        EndReason::Subscription(_) => {
            "The QuickBooks subscription has ended. Settle it there before you reconnect."
        }
        EndReason::Disconnected => "Somebody disconnected it here.",
    }
}

/// How many wait for each sort of reason, most first.
fn by_cause(parked: &[Activity]) -> Vec<String> {
    let mut counts: BTreeMap<ParkCause, usize> = BTreeMap::new();
    for entry in parked {
        if let ActivityResult::Parked(park) = &entry.result {
            *counts.entry(park.cause).or_default() += 1;
        }
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counts.into_iter().map(|(cause, count)| format!("{count}: {}", in_words(cause))).collect()
}

fn in_words(cause: ParkCause) -> &'static str {
    match cause {
        ParkCause::Unreadable => "the billing app sent something that cannot be read",
        ParkCause::UnknownCompany => "the company is not known here",
        ParkCause::NotConnected => "QuickBooks is not connected",
        ParkCause::MissingRecord => "a record that they refer to is missing",
        ParkCause::Unmapped => "a client or product is not mapped",
        ParkCause::Ambiguous => "more than one record matches",
        ParkCause::LikelyTwin => "QuickBooks has one that looks the same",
        ParkCause::AlreadyLinked => "the counterpart is linked with another record",
        ParkCause::NameTaken => "the name is in use in QuickBooks",
        ParkCause::Tax => "a tax is not known in QuickBooks",
        ParkCause::Currency => "the currency is not in use in QuickBooks",
        ParkCause::Amount => "their amounts cannot be booked",
        ParkCause::TooLong => "they are too long",
        ParkCause::Settings => "a setting is missing, such as the default income account",
        ParkCause::Refused => "QuickBooks refuses them",
        ParkCause::BillingApp => "the billing app refuses them",
        ParkCause::BillingAway => "the billing app does not answer",
        ParkCause::ClosedPeriod => "the books are closed for their date",
        ParkCause::Paid => "they are paid, and are not voided therefore",
        ParkCause::Refund => "money was given back",
        ParkCause::Conflict => "both sides changed the same",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::activity::Side;
    use crate::ids::{CompanyId, EventId, RealmId};
    use crate::outcome::Park;
    use crate::settings::{Connection, ConnectionState};
    use crate::standing::{Ended, Mails};

    const NOW: &str = "2026-03-09T10:00:00Z";

    fn now() -> Timestamp {
        NOW.parse().unwrap()
    }

    fn company() -> Company {
        let mut company = Company::new(CompanyId::new("acme").unwrap());
        company.connection = Some(Connection {
            realm: RealmId::new("9130000000000001").unwrap(),
            state: ConnectionState::Connected,
            name: "Delgado & <Sons>".into(),
            connected_at: now(),
        });
        company
    }

    fn standing() -> Standing {
        Standing {
            consented_at: now(),
            refreshed_at: now(),
            access_expires_at: now(),
            refresh_expires_at: now() + SignedDuration::from_hours(2400),
            hard_expires_at: Some(now() + SignedDuration::from_hours(24 * 6 + 1)),
            ended: Some(Ended { at: now(), why: EndReason::Refused("Balance 120.50 of Rosa".into()) }),
            to_revoke: false,
            due_at: None,
            failures: 0,
            mails: Mails::default(),
            version: 1,
        }
    }

    fn parked() -> Vec<Activity> {
        let causes = [ParkCause::Tax, ParkCause::ClosedPeriod, ParkCause::Tax];
        let entry = |cause| Activity {
            company: company().id,
            side: Side::Billing,
            event: EventId::new("e").unwrap(),
            time: now(),
            handled_at: now(),
            realm: None,
            kind: None,
            billing_id: None,
            label: "Rosa Delgado".into(),
            quickbooks_id: None,
            result: ActivityResult::Parked(Park::new(cause, "Rosa owes 120.50.", "Pay.")),
            event_json: None,
            removed: None,
        };
        causes.map(entry).into()
    }

    fn message(occasion: Occasion) -> Message {
        let links = Links {
            reconnect: "https://counterpart.example/connect?link=abc&x=1".into(),
            activity: "https://counterpart.example/console/activity".into(),
        };
        let letter = Letter::new(occasion, &company(), &standing(), &parked(), &links, now());
        letter.message(&[Address::new("ann@example.com").unwrap()])
    }

    #[test]
    fn a_warning() {
        let message = message(Occasion::Ends(7));
        insta::assert_snapshot!(format!("{}\n\n{}", message.subject, message.text));
    }

    #[test]
    fn the_end() {
        let message = message(Occasion::Ended);
        insta::assert_snapshot!(format!("{}\n\n{}", message.subject, message.text));
    }

    #[test]
    fn a_digest() {
        let message = message(Occasion::Parked);
        insta::assert_snapshot!(format!("{}\n\n{}\n{}", message.subject, message.text, message.html));
    }

    #[test]
    fn every_mail_names_company_books_and_link_and_nothing_of_a_record() {
        for occasion in [Occasion::Ends(14), Occasion::Ended, Occasion::Parked] {
            let Message { subject, text, html, .. } = message(occasion);
            assert!(subject.contains("acme") && !subject.contains('\n'), "{subject}");
            assert!(text.contains("Delgado & <Sons>") && html.contains("Delgado &amp; &lt;Sons&gt;"));
            assert!(
                text.contains("https://counterpart.example/")
                    && html.contains("https://counterpart.example/")
            );
            for secret in ["120.50", "Rosa", "9130000000000001"] {
                assert!(!format!("{subject}{text}{html}").contains(secret), "{occasion:?} tells {secret}");
            }
        }
    }

    #[test]
    fn the_last_day_is_said_as_such() {
        assert_eq!(soon(now() + SignedDuration::from_hours(20), now()), "within a day");
        assert_eq!(soon(now() + SignedDuration::from_hours(24 * 14), now()), "in 14 days");
    }
}
