//! One round over the connections whose turn has come.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::{FutureExt, StreamExt, stream};
use sync::ids::Books;
use sync::keep_alive::{Ports, Visit, visit};
use sync::ports::{StoreError, explain};
use uuid::Uuid;

/// How many connections are dealt with side by side.
const AT_ONCE: usize = 16;
/// Kept for the connections that are under way when no new one is begun: a refresh that is asked for twice, its storing,
/// and an e-mail.
const LAST_CONNECTIONS: Duration = Duration::from_secs(45);

/// What became of a round.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Round {
    /// How many connections had their turn, by what became of it.
    pub(crate) visits: BTreeMap<&'static str, usize>,
    /// The time was too short for all; the others have their turn in the next round.
    pub(crate) cut_short: bool,
}

/// Gives each connection that is due its turn. One that fails keeps no other back. Fails if those that are due cannot be
/// listed.
pub(crate) async fn handle(
    ports: Ports<'_>,
    time_left: &(dyn Fn() -> Duration + Sync),
) -> Result<(), StoreError> {
    let round = round(ports, time_left).await?;
    let count = |name| round.visits.get(name).copied().unwrap_or_default();
    tracing::info!(
        refreshed = count("refreshed"),
        idle = count("idle"),
        ended = count("ended"),
        given_up = count("given_up"),
        failed = count("failed"),
        "connections had their turn"
    );
    if round.cut_short {
        tracing::warn!(outcome = "cut_short", "the time was too short for all connections that are due");
    }
    Ok(())
}

pub(crate) async fn round(
    ports: Ports<'_>,
    time_left: &(dyn Fn() -> Duration + Sync),
) -> Result<Round, StoreError> {
    let now = ports.tokens.clock.now();
    let (mut round, mut from): (Round, Option<String>) = (Round::default(), None);
    loop {
        let (due, next) = ports.tokens.standings.due(now, from.as_deref()).await?;
        let turns = stream::iter(&due).map(async |books| {
            if time_left() > LAST_CONNECTIONS { Some(turn(ports, books).await) } else { None }
        });
        let ended: Vec<Option<&'static str>> = turns.buffer_unordered(AT_ONCE).collect().await;
        round.cut_short |= ended.iter().any(Option::is_none);
        for name in ended.into_iter().flatten() {
            *round.visits.entry(name).or_default() += 1;
        }
        match next {
            Some(next) => from = Some(next),
            None => return Ok(round),
        }
    }
}

/// A connection's turn, whatever becomes of it.
async fn turn(ports: Ports<'_>, books: &Books) -> &'static str {
    let holder = Uuid::new_v4().to_string();
    match AssertUnwindSafe(visit(ports, books, &holder)).catch_unwind().await {
        Ok(Ok(Visit::Refreshed)) => "refreshed",
        Ok(Ok(Visit::Idle)) => "idle",
        Ok(Ok(Visit::Ended)) => "ended",
        Ok(Ok(Visit::GivenUp)) => "given_up",
        Ok(Ok(Visit::Failed)) => "failed",
        Ok(Err(error)) => failed(books, &explain(&error)),
        Err(_) => failed(books, "a panic"),
    }
}

fn failed(books: &Books, error: &str) -> &'static str {
    let (company, realm) = (&books.company, &books.realm);
    tracing::error!(
        company.id = %company, realm.id = %realm, error, outcome = "refresh_failed",
        "a connection's turn ended halfway; it has another one in the next round"
    );
    "failed"
}

#[cfg(test)]
mod tests;
