//! What token-refresh does with a connection when its turn comes: once a day, at a time of its own.
//!
//! A connection that nobody used for most of a day is refreshed, long before the 100 days after which Intuit ends it: an
//! end that came about in QuickBooks is found out within a day, too. Its people are written to if there is an occasion.
//! What a person disconnected while Intuit could not be reached is given up at Intuit.

use jiff::{SignedDuration, Timestamp};

use crate::connect::{self, Seal, reconnect_link};
use crate::ids::Books;
use crate::mail::{Address, Letter, Links, Mail, MailError, Occasion, occasion};
use crate::ports::{ActivityLog, OpenError, Standings, StoreError, explain};
use crate::settings::ConnectionState;
use crate::standing::{self, Standing, turn_of};
use crate::tokens::{self, token_pair};

/// A connection whose tokens are younger is not refreshed: its company is at work.
const IDLE: SignedDuration = SignedDuration::from_hours(20);
/// How long after a failure a connection is looked at again; twice as long with each further one, up to the longest.
const FIRST_WAIT: SignedDuration = SignedDuration::from_mins(15);
const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(12);
/// As long as two e-mails lie apart.
const MAIL_PAUSE: SignedDuration = SignedDuration::from_hours(24);

/// What keeping connections alive works with.
#[derive(Clone, Copy)]
pub struct Ports<'a> {
    /// For refreshing.
    pub tokens: tokens::Ports<'a>,
    /// For giving up what was disconnected.
    pub connect: connect::Ports<'a>,
    /// What is parked.
    pub activity: &'a dyn ActivityLog,
    /// Writes to people; none if this deployment sends no e-mail.
    pub mail: Option<&'a dyn Mail>,
    /// Where people reach the API, without a slash at the end.
    pub public_url: &'a str,
}

/// What became of a connection's turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visit {
    /// Tokens were refreshed.
    Refreshed,
    /// Nothing was to be refreshed.
    Idle,
    /// The connection has ended.
    Ended,
    /// The tokens of a disconnected company were given up.
    GivenUp,
    /// Something failed that passes; it is tried again soon.
    Failed,
}

/// Takes a connection's turn. `holder` names this attempt and no other.
///
/// A failure is told and makes the next turn come sooner; it is returned only when even that cannot be stored.
pub async fn visit(ports: Ports<'_>, books: &Books, holder: &str) -> Result<Visit, StoreError> {
    let company = ports.tokens.companies.load(&books.company).await?;
    let company = company.filter(|company| company.books().as_ref() == Some(books));
    let state = company.and_then(|company| company.connection).map(|connection| connection.state);
    let visit = match state {
        Some(ConnectionState::Connected) => keep_alive(ports, books, holder).await,
        Some(ConnectionState::Disconnected) => give_up(ports, books, holder).await,
        Some(ConnectionState::Expired) => Ok(Visit::Ended),
        // The company has been connected with another realm since.
        None => return rest(ports.tokens.standings, books).await.map(|()| Visit::Idle),
    };
    let visit = visit.unwrap_or_else(|reason| {
        tracing::warn!(
            company.id = %books.company, realm.id = %books.realm, reason, outcome = "refresh_failed",
            "a connection could not be kept alive; it is tried again soon"
        );
        Visit::Failed
    });
    plan_next(ports, books, visit).await?;
    if visit != Visit::GivenUp
        && let Err(error) = write(ports, books).await
    {
        let (company, realm, error) = (&books.company, &books.realm, explain(&error));
        tracing::error!(company.id = %company, realm.id = %realm, error, "nobody could be written to; it is tried again");
    }
    Ok(visit)
}

async fn keep_alive(ports: Ports<'_>, books: &Books, holder: &str) -> Result<Visit, String> {
    let now = ports.tokens.clock.now();
    let standing = ports.tokens.standings.standing(books).await.map_err(|error| explain(&error))?;
    if standing.is_some_and(|standing| now.duration_since(standing.refreshed_at) < IDLE) {
        return Ok(Visit::Idle);
    }
    match token_pair(ports.tokens, books, holder, None).await {
        Ok(_) => Ok(Visit::Refreshed),
        Err(OpenError::NotConnected) => Ok(Visit::Ended),
        Err(error @ (OpenError::Later(_) | OpenError::Store(_))) => Err(explain(&error)),
    }
}

async fn give_up(ports: Ports<'_>, books: &Books, holder: &str) -> Result<Visit, String> {
    match connect::revoke_left(ports.connect, books, holder).await {
        Ok(true) => Ok(Visit::GivenUp),
        Ok(false) => Err("Intuit could not be told that tokens are given up".into()),
        Err(error) => Err(explain(&error)),
    }
}

/// Says when its next turn comes.
async fn plan_next(ports: Ports<'_>, books: &Books, visit: Visit) -> Result<(), StoreError> {
    let now = ports.tokens.clock.now();
    standing::update(ports.tokens.standings, books, |before| {
        let mut standing = before?.clone();
        standing.forget_old_warnings(now);
        standing.failures = if visit == Visit::Failed { standing.failures.saturating_add(1) } else { 0 };
        standing.due_at = (visit != Visit::GivenUp).then(|| standing.next_turn(books, now));
        Some(standing)
    })
    .await
    .map(drop)
}

/// A connection that belongs to nobody any more has no turns.
async fn rest(standings: &dyn Standings, books: &Books) -> Result<(), StoreError> {
    standing::update(standings, books, |before| Some(Standing { due_at: None, ..before?.clone() }))
        .await
        .map(drop)
}

impl Standing {
    /// The daily turn, a turn after a failure, or the moment of a warning, whichever comes first.
    fn next_turn(&self, books: &Books, now: Timestamp) -> Timestamp {
        let daily = turn_of(books, now);
        let retry = self.failures.checked_sub(1).map(|before| {
            let wait = FIRST_WAIT.checked_mul(1 << before.min(10)).unwrap_or(LONGEST_WAIT).min(LONGEST_WAIT);
            now.checked_add(wait).unwrap_or(Timestamp::MAX)
        });
        // What could not be told because of an e-mail before can be told a day after that.
        let mail =
            self.mails.last.and_then(|last| last.at.checked_add(MAIL_PAUSE).ok()).filter(|at| *at > now);
        [retry, mail, self.next_warning(now)].into_iter().flatten().fold(daily, Timestamp::min)
    }
}

/// Writes to the company's people if there is an occasion. That it is about to be sent is stored first, so that nobody
/// gets two mails on one day; whether it went is stored afterwards, so that one that was lost is sent on the next.
async fn write(ports: Ports<'_>, books: &Books) -> Result<(), StoreError> {
    let Some(mail) = ports.mail else { return Ok(()) };
    let (standings, now) = (ports.tokens.standings, ports.tokens.clock.now());
    let Some(company) = ports.tokens.companies.load(&books.company).await? else { return Ok(()) };
    let Some(standing) = standings.standing(books).await? else { return Ok(()) };
    if company.settings.notify.to.is_empty() {
        return Ok(());
    }
    let parked = ports.activity.parked(&books.company).await?;
    let Some(occasion) = occasion(&company, &standing, parked.len(), now) else { return Ok(()) };
    let Some(claimed) = claim(standings, books, &standing, now).await? else { return Ok(()) };
    let links = links(ports, books, now)?;
    let letter = Letter::new(occasion, &company, &claimed, &parked, &links, now);
    let Delivery { sent, unreached } = deliver(mail, &letter, &company.settings.notify.to).await;
    told(books, occasion, &sent, unreached.len());
    change(standings, books, |standing| standing.mails.unreached.clone_from(&unreached)).await?;
    match sent {
        Ok(()) => change(standings, books, |standing| standing.mail_sent(occasion)).await,
        // It certainly did not go: the day is not used up.
        Err(MailError::NotSent(_)) => {
            let soon = now.checked_add(FIRST_WAIT).unwrap_or(now);
            change(standings, books, |claimed| {
                claimed.mails.last = standing.mails.last;
                claimed.due_at = claimed.due_at.map(|due| due.min(soon));
            })
            .await
        }
        Err(MailError::Unknown(_)) => Ok(()),
    }
}

/// What became of an e-mail.
struct Delivery {
    sent: Result<(), MailError>,
    /// Whom it did not go to for the sake of their addresses.
    unreached: Vec<Address>,
}

/// Sends a letter to all whose mail is not kept back. If that is refused, it goes to each of them alone, so that one
/// address keeps it from nobody else.
async fn deliver(mail: &dyn Mail, letter: &Letter, to: &[Address]) -> Delivery {
    let (mut reached, mut unreached) = (Vec::new(), Vec::new());
    for address in to {
        let list = if mail.keeps_back(address).await { &mut unreached } else { &mut reached };
        list.push(address.clone());
    }
    if reached.is_empty() {
        // Not to be tried again before tomorrow: somebody has to correct the addresses first.
        let sent = Err(MailError::Unknown("mail to every address is kept back".to_owned()));
        return Delivery { sent, unreached };
    }
    let mut sent = mail.send(&letter.message(&reached)).await;
    if reached.len() == 1 || !matches!(sent, Err(MailError::NotSent(_))) {
        return Delivery { sent, unreached };
    }
    let mut refused = Vec::new();
    for address in reached {
        match (mail.send(&letter.message(std::slice::from_ref(&address))).await, &sent) {
            (Ok(()), _) => sent = Ok(()),
            (Err(MailError::NotSent(_)), _) => refused.push(address),
            (unknown @ Err(_), Err(_)) => sent = unknown,
            (Err(_), Ok(())) => {}
        }
    }
    // If nobody got it, it is not for the sake of an address.
    if sent.is_ok() {
        unreached.extend(refused);
    }
    Delivery { sent, unreached }
}

/// Stores that an e-mail is about to be sent, if nothing has changed since the occasion was found.
async fn claim(
    standings: &dyn Standings,
    books: &Books,
    standing: &Standing,
    now: Timestamp,
) -> Result<Option<Standing>, StoreError> {
    let mut claimed = standing.clone();
    claimed.claim_mail(now);
    claimed.version += 1;
    Ok(standings.save_standing(books, &claimed).await?.then_some(claimed))
}

async fn change(
    standings: &dyn Standings,
    books: &Books,
    change: impl Fn(&mut Standing) + Send + Sync,
) -> Result<(), StoreError> {
    standing::update(standings, books, |before| {
        let mut standing = before?.clone();
        change(&mut standing);
        Some(standing)
    })
    .await
    .map(drop)
}

fn links(ports: Ports<'_>, books: &Books, now: Timestamp) -> Result<Links, StoreError> {
    let seal: &Seal = ports.connect.seal;
    let base = ports.public_url;
    Ok(Links {
        reconnect: format!("{base}/connect?link={}", reconnect_link(seal, books, now)?),
        activity: format!("{base}/console/activity"),
    })
}

/// What the log is told, without an address.
fn told(books: &Books, occasion: Occasion, sent: &Result<(), MailError>, unreached: usize) {
    let (company, realm) = (&books.company, &books.realm);
    if unreached > 0 {
        tracing::warn!(
            company.id = %company, realm.id = %realm, ?occasion, outcome = "mail_unreached", addresses = unreached,
            "addresses in the sync settings take no e-mail; the console names them"
        );
    }
    match sent {
        Ok(()) => {
            tracing::info!(company.id = %company, realm.id = %realm, ?occasion, outcome = "mailed", "an e-mail was sent")
        }
        Err(error) => tracing::error!(
            company.id = %company, realm.id = %realm, ?occasion, outcome = "mail_failed", error = explain(error),
            "an e-mail was not sent"
        ),
    }
}

#[cfg(test)]
mod tests;
