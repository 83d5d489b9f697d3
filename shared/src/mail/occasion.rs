//! When a company's people are written to (D7): 14, 7 and 1 days before a connection ends, once when it has ended, and
//! else once a day if records are parked; never more than one e-mail a day.

use jiff::{SignedDuration, Timestamp};

use crate::settings::{Company, ConnectionState};
use crate::standing::{LastMail, Standing};

/// How long before the end people are warned, in days; the farthest first.
const WARNINGS: [u8; 3] = [14, 7, 1];
/// At least this long lies between two e-mails to a company.
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Why people are written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Occasion {
    /// The connection ends in at most this many days: one of 14, 7 and 1.
    Ends(u8),
    /// The connection has ended.
    Ended,
    /// Records are parked.
    Parked,
}

/// Why a company's people are to be written to at this moment; none if they are not. `parked` is how many records are
/// parked.
pub fn occasion(company: &Company, standing: &Standing, parked: usize, now: Timestamp) -> Option<Occasion> {
    let notify = &company.settings.notify;
    if notify.to.is_empty() || standing.mails.last.is_some_and(|last| now < after(last.at, DAY)) {
        return None;
    }
    let digest = (notify.digest && parked > 0).then_some(Occasion::Parked);
    match company.connection.as_ref()?.state {
        ConnectionState::Connected => standing.warning(now).map(Occasion::Ends).or(digest),
        ConnectionState::Expired if !standing.mails.told_ended => Some(Occasion::Ended),
        ConnectionState::Expired => digest,
        ConnectionState::Disconnected => None,
    }
}

impl Standing {
    /// The warning that is due and was not sent, in days before the end.
    fn warning(&self, now: Timestamp) -> Option<u8> {
        let left = self.ends_at().duration_since(now);
        let nearest = WARNINGS.into_iter().rev().find(|warning| left <= days(*warning))?;
        self.mails.warned.is_none_or(|warned| nearest < warned).then_some(nearest)
    }

    /// The next moment at which a warning is due, or the end.
    pub(crate) fn next_warning(&self, now: Timestamp) -> Option<Timestamp> {
        let end = self.ends_at();
        let moments = WARNINGS.map(|warning| end.checked_sub(days(warning)).unwrap_or(Timestamp::MIN));
        moments.into_iter().chain([end]).find(|moment| *moment > now)
    }

    /// An e-mail is about to be sent. Whoever finds it unsent later cannot know whether it went, and sends it again on
    /// the next day.
    pub(crate) fn claim_mail(&mut self, now: Timestamp) {
        self.mails.last = Some(LastMail { at: now, sent: false });
    }

    /// The e-mail has gone.
    pub(crate) fn mail_sent(&mut self, occasion: Occasion) {
        if let Some(last) = &mut self.mails.last {
            last.sent = true;
        }
        match occasion {
            Occasion::Ends(days) => self.mails.warned = Some(days),
            Occasion::Ended => self.mails.told_ended = true,
            Occasion::Parked => {}
        }
    }

    /// Forgets which warnings were sent, once the end is far again.
    pub(crate) fn forget_old_warnings(&mut self, now: Timestamp) {
        if self.ends_at().duration_since(now) > days(WARNINGS[0]) {
            self.mails.warned = None;
        }
    }
}

fn days(days: u8) -> SignedDuration {
    SignedDuration::from_hours(24 * i64::from(days))
}

fn after(at: Timestamp, time: SignedDuration) -> Timestamp {
    at.checked_add(time).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{CompanyId, RealmId};
    use crate::mail::Address;
    use crate::settings::Connection;
    use crate::standing::{EndReason, Mails};

    const NOW: &str = "2026-03-09T10:00:00Z";

    fn now() -> Timestamp {
        NOW.parse().unwrap()
    }

    fn company(state: ConnectionState) -> Company {
        let mut company = Company::new(CompanyId::new("acme").unwrap());
        company.settings.notify.to = vec![Address::new("ann@example.com").unwrap()];
        company.connection = Some(Connection {
            realm: RealmId::new("1").unwrap(),
            state,
            name: "Delgado Gardens".into(),
            connected_at: now(),
        });
        company
    }

    /// A connection that ends in this time, refreshed or not.
    fn ending(left: SignedDuration) -> Standing {
        Standing {
            consented_at: now(),
            refreshed_at: now(),
            access_expires_at: now(),
            refresh_expires_at: now() + days(100),
            hard_expires_at: Some(now() + left),
            ended: None,
            to_revoke: false,
            due_at: None,
            failures: 0,
            mails: Mails::default(),
            version: 1,
        }
    }

    #[test]
    fn people_are_warned_three_times_and_told_once() {
        // D7, over the last weeks of a connection, looked at every six hours.
        let (mut standing, mut sent) = (ending(days(20)), Vec::new());
        for hour in (0..24 * 30).step_by(6) {
            let now = now() + SignedDuration::from_hours(hour);
            let state =
                if now < standing.ends_at() { ConnectionState::Connected } else { ConnectionState::Expired };
            if state == ConnectionState::Expired {
                standing.end(EndReason::FiveYears, now);
            }
            if let Some(occasion) = occasion(&company(state), &standing, 0, now) {
                standing.claim_mail(now);
                standing.mail_sent(occasion);
                sent.push((hour / 24, occasion));
            }
        }
        let expected = [
            (6, Occasion::Ends(14)),
            (13, Occasion::Ends(7)),
            (19, Occasion::Ends(1)),
            (20, Occasion::Ended),
        ];
        assert_eq!(sent, expected);
    }

    #[test]
    fn nobody_gets_two_mails_within_a_day_and_the_connection_comes_first() {
        let mut standing = ending(days(7));
        let connected = company(ConnectionState::Connected);
        let said = occasion(&connected, &standing, 3, now()).unwrap();
        assert_eq!(said, Occasion::Ends(7));
        standing.claim_mail(now());
        standing.mail_sent(said);
        let later = |hours| now() + SignedDuration::from_hours(hours);
        assert_eq!(occasion(&connected, &standing, 3, later(23)), None);
        assert_eq!(occasion(&connected, &standing, 3, later(24)), Some(Occasion::Parked));
        let expired = company(ConnectionState::Expired);
        assert_eq!(occasion(&expired, &standing, 3, later(23)), None, "D7: never more than one a day");
        assert_eq!(occasion(&expired, &standing, 3, later(24)), Some(Occasion::Ended));
    }

    #[test]
    fn a_mail_that_may_not_have_gone_is_sent_again_on_the_next_day() {
        let mut standing = ending(days(7));
        let connected = company(ConnectionState::Connected);
        standing.claim_mail(now());
        let later = |hours| now() + SignedDuration::from_hours(hours);
        assert_eq!(occasion(&connected, &standing, 0, later(1)), None);
        assert_eq!(occasion(&connected, &standing, 0, later(25)), Some(Occasion::Ends(7)));
    }

    #[test]
    fn the_digest_can_be_switched_off_and_nobody_is_nobody() {
        let (standing, mut company) = (ending(days(100)), company(ConnectionState::Connected));
        assert_eq!(occasion(&company, &standing, 0, now()), None, "nothing is parked");
        assert_eq!(occasion(&company, &standing, 1, now()), Some(Occasion::Parked));
        company.settings.notify.digest = false;
        assert_eq!(occasion(&company, &standing, 1, now()), None);
        company.settings.notify.digest = true;
        company.settings.notify.to.clear();
        assert_eq!(occasion(&company, &standing, 1, now()), None);
    }

    #[test]
    fn whoever_disconnected_is_left_alone() {
        assert_eq!(occasion(&company(ConnectionState::Disconnected), &ending(days(1)), 9, now()), None);
    }

    #[test]
    fn warnings_begin_anew_when_the_end_has_moved_away() {
        let mut standing = ending(days(7));
        standing.mail_sent(Occasion::Ends(7));
        standing.forget_old_warnings(now());
        assert_eq!(standing.mails.warned, Some(7));
        standing.hard_expires_at = None;
        standing.forget_old_warnings(now());
        assert_eq!(standing.mails.warned, None);
    }

    #[test]
    fn the_next_moment_is_the_nearest_one_ahead() {
        let standing = ending(days(10));
        let moments: Vec<_> = [0, 4, 9, 10].map(|day| standing.next_warning(now() + days(day))).into();
        assert_eq!(moments, [Some(now() + days(3)), Some(now() + days(9)), Some(now() + days(10)), None]);
    }
}
