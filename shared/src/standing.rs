//! How a connection stands: when it was made, refreshed and will end, why it has ended, and what its people were told.
//!
//! [`ConnectionState`](crate::settings::ConnectionState) decides what is pushed and pulled; a standing is kept beside
//! it, because it is written with every refresh, and says why and until when. `due_at` is when token-refresh looks at
//! the connection next.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::ids::Books;
use crate::mail::Address;
use crate::ports::{Standings, StoreError};
use crate::tokens::TokenPair;

/// How often a standing is tried to be stored against others who change it at the same moment.
const TRIES: u32 = 5;

const DAY: i64 = 24 * 60 * 60;

/// How the connection of some books stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// When a person consented last.
    pub consented_at: Timestamp,
    /// When Intuit last issued tokens.
    pub refreshed_at: Timestamp,
    /// When the newest pair's access token dies. A stored pair whose token dies earlier is not the newest.
    pub access_expires_at: Timestamp,
    /// When the refresh token dies unless it is used: it is never a year away, and moves with each refresh.
    pub refresh_expires_at: Timestamp,
    /// When it dies however it is used, after five years, if Intuit said so (Intuit: refresh token policy).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hard_expires_at: Option<Timestamp>,
    /// Absent while the connection is good as far as known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Ended>,
    /// Intuit has not been told yet that the tokens are given up.
    #[serde(default)]
    pub to_revoke: bool,
    /// When token-refresh looks at it next; never, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Timestamp>,
    /// How often in a row looking at it has failed for a reason that passes.
    #[serde(default)]
    pub failures: u32,
    /// What its people were told.
    #[serde(default)]
    pub mails: Mails,
    /// Counts the stored changes; a write names the one it was made from.
    #[serde(default)]
    pub version: u64,
}

/// The end of a connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// When it was found out.
    pub at: Timestamp,
    /// Why, as far as known.
    pub why: EndReason,
}

/// Why a connection has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", content = "detail", rename_all = "snake_case")]
pub enum EndReason {
    /// Intuit no longer accepts the refresh token (`invalid_grant`), long before its time.
    Revoked,
    /// It was not refreshed for 100 days.
    Unused,
    /// It has been five years since the consent.
    FiveYears,
    /// QuickBooks does not accept a token that was issued a moment ago, or refuses access; in QuickBooks' words.
    Refused(String),
    /// The QuickBooks subscription has ended, in QuickBooks' words.
    Subscription(String),
    /// A person disconnected here.
    Disconnected,
}

impl EndReason {
    /// Why, in a sentence for a person.
    pub fn text(&self) -> String {
        match self {
            EndReason::Revoked => {
                "QuickBooks no longer accepts the connection: somebody disconnected it there, or Intuit ended it.".into()
            }
            EndReason::Unused => "The connection was not used for 100 days, after which Intuit ends it.".into(),
            EndReason::FiveYears => "Five years have passed since somebody consented, after which Intuit ends it.".into(),
            EndReason::Refused(words) => format!("QuickBooks refuses access. {words}"),
            EndReason::Subscription(words) => format!("The QuickBooks subscription has ended. {words}"),
            EndReason::Disconnected => "Somebody disconnected QuickBooks here.".into(),
        }
    }

    /// What to do about it, in a sentence for a person.
    pub fn to_do(&self) -> &'static str {
        match self {
            EndReason::Revoked | EndReason::Unused | EndReason::FiveYears => {
                "Reconnect QuickBooks as one of its administrators. Settings and links are kept."
            }
            EndReason::Refused(_) => {
                "See that you are an administrator of the QuickBooks company, then reconnect. Settings and links are kept."
            }
            EndReason::Subscription(_) => {
                "Settle the subscription in QuickBooks, then reconnect. Settings and links are kept."
            }
            EndReason::Disconnected => {
                "Connect QuickBooks again when you want to go on. Settings and links are kept."
            }
        }
    }
}

/// What a company's people were told about a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mails {
    /// The last e-mail, be it about the connection or a digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<LastMail>,
    /// The nearest warning that was sent, in days before the end; absent while the end is far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warned: Option<u8>,
    /// The end was told.
    #[serde(default)]
    pub told_ended: bool,
    /// Whom the last e-mail did not go to: earlier ones came back, were complained about, or are refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unreached: Vec<Address>,
}

/// An e-mail that was sent, or may have been.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastMail {
    /// When it was about to be sent.
    pub at: Timestamp,
    /// Whether it is known to have gone.
    pub sent: bool,
}

impl Standing {
    /// After a person's consent. `before` is how the same books stood, if they were ever connected.
    pub fn of_consent(
        books: &Books,
        tokens: &TokenPair,
        before: Option<&Standing>,
        now: Timestamp,
    ) -> Standing {
        let last = before.and_then(|before| before.mails.last);
        Standing {
            consented_at: now,
            refreshed_at: now,
            access_expires_at: tokens.access_expires_at,
            refresh_expires_at: tokens.refresh_expires_at,
            hard_expires_at: tokens.hard_expires_at,
            ended: None,
            to_revoke: false,
            due_at: Some(turn_of(books, now)),
            failures: 0,
            // What was said about the connection before is said; no second mail goes out on its day.
            mails: Mails { last, ..Mails::default() },
            version: before.map_or(0, |before| before.version) + 1,
        }
    }

    /// Takes over what a new pair says.
    pub fn refreshed(&mut self, tokens: &TokenPair, now: Timestamp) {
        self.refreshed_at = now;
        self.access_expires_at = tokens.access_expires_at;
        self.refresh_expires_at = tokens.refresh_expires_at;
        self.hard_expires_at = tokens.hard_expires_at.or(self.hard_expires_at);
    }

    /// When it ends if nobody does anything but let it be refreshed: after five years, where that is known, or else
    /// when the refresh token dies.
    pub fn ends_at(&self) -> Timestamp {
        self.hard_expires_at.map_or(self.refresh_expires_at, |hard| hard.min(self.refresh_expires_at))
    }

    /// Why Intuit does not accept the refresh token at this moment, told by its dates.
    pub fn why_refused(&self, now: Timestamp) -> EndReason {
        if self.hard_expires_at.is_some_and(|hard| hard <= now) {
            EndReason::FiveYears
        } else if self.refresh_expires_at <= now {
            EndReason::Unused
        } else {
            EndReason::Revoked
        }
    }

    /// It has ended, and its people are to be told soon. The first reason stays.
    pub fn end(&mut self, why: EndReason, now: Timestamp) {
        if self.ended.is_none() {
            self.ended = Some(Ended { at: now, why });
            self.due_at = Some(now);
            self.failures = 0;
        }
    }
}

/// When the books are looked at next: each has a time of the day of its own, so that they are spread over it, also
/// after they have all been due at once.
pub fn turn_of(books: &Books, now: Timestamp) -> Timestamp {
    let digest = Sha256::digest(format!("{}#{}", books.company, books.realm));
    let number = digest.iter().take(4).fold(0_i64, |number, byte| number * 256 + i64::from(*byte));
    let (time_of_day, second) = (number % DAY, now.as_second().rem_euclid(DAY));
    let wait = (time_of_day - second).rem_euclid(DAY);
    let wait = if wait == 0 { DAY } else { wait };
    now.checked_add(SignedDuration::from_secs(wait)).unwrap_or(Timestamp::MAX)
}

/// Stores what `change` makes of a standing, again from the newest one if others change it meanwhile. A change to
/// nothing is not stored. Returns what is stored in the end.
pub async fn update(
    standings: &dyn Standings,
    books: &Books,
    change: impl Fn(Option<&Standing>) -> Option<Standing> + Send + Sync,
) -> Result<Option<Standing>, StoreError> {
    for _ in 0..TRIES {
        let before = standings.standing(books).await?;
        let Some(mut after) = change(before.as_ref()) else { return Ok(before) };
        after.version = before.as_ref().map_or(0, |before| before.version) + 1;
        if standings.save_standing(books, &after).await? {
            return Ok(Some(after));
        }
    }
    Err(StoreError::new("storing how a connection stands", "others kept changing it"))
}

#[cfg(test)]
mod tests;
