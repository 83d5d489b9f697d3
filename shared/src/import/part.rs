//! A part of a page, dealt with until each of its entities has ended, or has to wait.

use std::time::Duration;

use quickbooks_wire::Entity;

use super::speed::Speed;
use super::work::{Stop, TRIES, Worker};
use crate::outcome::{Outcome, Park, ParkCause, Retry};
use crate::pull::page::{Brought, Importing, Pace};

/// How many that come to nothing in a row, for each that is under way at a time, mean that the app is away.
const IN_VAIN: usize = 2;
/// How often what did not come to an end is tried before it is given back to the queue.
const ROUNDS: u32 = 3;
/// How often a message is delivered without getting on, before what asks for patience each time waits for a person.
const PATIENT_TRIES: u32 = 100;
/// The longest wait between two rounds; who asks for more gets it by way of the queue.
const PAUSE: Duration = Duration::from_secs(4);

/// What became of some entities.
pub(super) struct Dealt {
    /// The first of them, which have ended.
    pub(super) ended: Vec<Brought>,
    /// What the others wait for, if there are any.
    pub(super) rest: Option<Stop>,
}

impl Worker<'_> {
    /// Deals with some entities. Fails if not even what is known of them can be read.
    pub(super) async fn part(
        &self,
        importing: &mut Importing<'_>,
        rows: &[Entity],
        speed: &mut Speed,
    ) -> Result<Dealt, Stop> {
        let begun = self.now();
        let mut all: Vec<Option<Brought>> = rows.iter().map(|_| None).collect();
        for round in 1..=ROUNDS {
            let open: Vec<usize> = (0..rows.len()).filter(|place| !has_ended(&all[*place])).collect();
            let some: Vec<Entity> = open.iter().map(|place| rows[*place].clone()).collect();
            let at_once = speed.at_once();
            // Whether all or only some come to nothing is known when enough have been tried.
            let in_vain = if self.is_last_try() { usize::MAX } else { IN_VAIN * at_once };
            let pace = Pace { at_once, until: self.until, in_vain };
            let brought = importing.bring(&some, self.job.started_at, pace).await;
            for (place, brought) in brought.map_err(whole)? {
                all[open[place]] = Some(brought);
            }
            let waits = all.iter().flatten().filter_map(retry).collect::<Vec<_>>();
            let (is_away, pause) =
                (waits.len() == some.len(), waits.iter().filter_map(|retry| retry.after).max());
            if waits.is_empty() {
                speed.after(rows.len(), self.now().duration_since(begun));
            } else {
                speed.slower();
            }
            if all.iter().all(has_ended) || self.now() >= self.until || is_away || pause > Some(PAUSE) {
                break;
            }
            if round < ROUNDS {
                self.work.engine.clock.sleep(pause.unwrap_or(PAUSE / 4)).await;
            }
        }
        Ok(self.settle(all).await)
    }

    fn is_last_try(&self) -> bool {
        self.message.deliveries >= TRIES
    }

    /// Takes what has ended. What was refused or put off because the whole app was has not; what never comes to an end
    /// while the app is there waits for a person.
    async fn settle(&self, mut all: Vec<Option<Brought>>) -> Dealt {
        let is_doubtful = |brought: &Brought| {
            retry(brought).is_some()
                || parked(brought).is_some_and(|park| park.cause == ParkCause::BillingApp)
        };
        let away = match all.iter().flatten().any(is_doubtful) {
            true => self.the_app_is_there().await.err(),
            false => None,
        };
        if away.is_none() && self.is_last_try() {
            all.iter_mut().flatten().for_each(|brought| give_up(brought, self.message.deliveries));
        }
        let has_ended = |brought: &Brought| {
            let is_of_all =
                |cause| cause == ParkCause::NotConnected || away.is_some() && cause == ParkCause::BillingApp;
            retry(brought).is_none() && !parked(brought).is_some_and(|park| is_of_all(park.cause))
        };
        let Some(first) = all.iter().position(|brought| !brought.as_ref().is_some_and(has_ended)) else {
            return Dealt { ended: all.into_iter().flatten().collect(), rest: None };
        };
        let rest = away.unwrap_or_else(|| waits_for(all[first..].iter().flatten()));
        all.truncate(first);
        Dealt { ended: all.into_iter().flatten().collect(), rest: Some(rest) }
    }
}

/// What entities wait for of which not all have ended.
fn waits_for<'b>(open: impl Iterator<Item = &'b Brought> + Clone) -> Stop {
    let lost = open.clone().filter_map(parked).find(|park| park.cause == ParkCause::NotConnected);
    let longest = open.filter_map(retry).max_by_key(|retry| retry.after);
    match (lost, longest) {
        (Some(park), _) => park.clone().into(),
        (None, Some(retry)) => retry.clone().into(),
        // They were not begun.
        (None, None) => Stop::too_late(),
    }
}

fn has_ended(brought: &Option<Brought>) -> bool {
    brought.as_ref().is_some_and(|brought| retry(brought).is_none())
}

fn retry(brought: &Brought) -> Option<&Retry> {
    match &brought.outcome {
        Outcome::Retry(retry) => Some(retry),
        _ => None,
    }
}

fn parked(brought: &Brought) -> Option<&Park> {
    match &brought.outcome {
        Outcome::Parked(park) => Some(park),
        _ => None,
    }
}

/// What it means that not even what is known of some entities could be read.
fn whole(outcome: Outcome) -> Stop {
    match outcome {
        Outcome::Parked(park) => park.into(),
        Outcome::Retry(retry) => retry.into(),
        Outcome::Done(_) | Outcome::Skipped(_) => {
            Stop::Until(Retry { reason: "nothing could be read".to_owned(), after: None })
        }
    }
}

/// Leaves what has not come to an end in so many deliveries to a person; what asks for patience gets more of it.
fn give_up(brought: &mut Brought, deliveries: u32) {
    let Some(Retry { reason, after }) = retry(brought).cloned() else { return };
    let enough = if after.is_some() { PATIENT_TRIES } else { TRIES };
    if deliveries >= enough {
        brought.outcome = Outcome::Parked(Park::new(
            ParkCause::BillingApp,
            format!("It did not come to an end in {deliveries} attempts: {reason}."),
            "Retry it; nothing of it is done twice.",
        ));
    }
}
