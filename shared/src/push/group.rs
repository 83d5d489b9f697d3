//! The messages of one group: one company's events, in their order, and what became of each.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use futures::stream::FuturesUnordered;
use jiff::Timestamp;

use super::batch::{Batch, later};
use super::together::{Manner, Together, next_ended};
use super::touches::{Touches, next_to_begin};
use super::{Message, Ports, Verdict, conclude, tell};
use crate::activity::{Activity, ActivityResult, Side};
use crate::event::{self, EntityEvent, Received, Unreadable};
use crate::ids::{BillingId, Books, CompanyId, EventId};
use crate::limits::Spent;
use crate::model::Kind;
use crate::outcome::{Outcome, Park, ParkCause, Retry, SkipReason};
use crate::plan;
use crate::settings::Company;

/// How far down the line is looked for events that need not wait.
const LOOK_AHEAD: usize = 100;

/// An event as it came, and the message it came in.
struct Delivery {
    message: usize,
    place: usize,
    sent_at: Timestamp,
    message_id: String,
    received: Received,
}

/// Deals with the messages of one group.
pub(super) async fn run(ports: Ports<'_>, group: &str, messages: &[&Message]) -> Vec<Verdict> {
    let company = CompanyId::new(group).unwrap_or_else(|_| CompanyId::unknown());
    let deliveries = deliveries(messages, &company);
    let mut endings = Endings::default();
    let stopped = process(ports, &company, &deliveries, &mut endings).await.err();
    let entries = endings.entries(&company, &deliveries, ports.clock.now());
    conclude(ports, &company, messages, &entries, stopped).await
}

fn deliveries(messages: &[&Message], company: &CompanyId) -> Vec<Delivery> {
    let mut all = Vec::new();
    for (message_place, message) in messages.iter().enumerate() {
        for (place, mut received) in event::read(&message.body).into_iter().enumerate() {
            if let Ok(event) = &received.event
                && event.company != *company
            {
                let problem = format!(
                    "It names company {} but was sent in the message group of {}.",
                    event.company, message.group
                );
                let (company, id) = (Some(event.company.clone()), Some(event.id.clone()));
                received.event = Err(Unreadable { company, id, problem });
            }
            all.push(Delivery {
                message: message_place,
                place,
                sent_at: message.sent_at,
                message_id: message.id.clone(),
                received,
            });
        }
    }
    all
}

/// Carries the events out until one has to wait; tells which message that one is in.
async fn process(
    ports: Ports<'_>,
    company: &CompanyId,
    deliveries: &[Delivery],
    endings: &mut Endings,
) -> Result<(), (usize, Retry)> {
    let first = deliveries.first().map_or(0, |delivery| delivery.message);
    let company = ports.companies.load(company).await.map_err(|error| (first, later(&error)))?;
    let mut batch = None;
    let stopped = carry_out(ports, company.as_ref(), deliveries, endings, &mut batch).await;
    if let Some(Ok(batch)) = &mut batch {
        // Everything comes again if this fails: what was made is recognised then, and what waits for it goes on.
        batch.settle_parked(&mut endings.released).await.map_err(|retry| (first, retry))?;
    }
    stopped
}

/// Carries the events out over books that are opened when they are first needed.
async fn carry_out<'a>(
    ports: Ports<'a>,
    company: Option<&'a Company>,
    deliveries: &[Delivery],
    endings: &mut Endings,
    batch: &mut Option<Result<Batch<'a>, Park>>,
) -> Result<(), (usize, Retry)> {
    let mut line = Line::of(company, deliveries, endings);
    line.end_what_needs_no_books();
    let Some(first) = line.open.first() else { return Ok(()) };
    let message = deliveries[*first].message;
    let readable: Vec<&EntityEvent> = line.events.values().copied().collect();
    let opened = Batch::open(ports, company, &readable).await;
    match batch.insert(opened.map_err(|retry| (message, retry))?) {
        Ok(batch) => line.push(batch).await,
        Err(park) => {
            line.end_all(&Outcome::Parked(park.clone()));
            Ok(())
        }
    }
}

/// The events of a batch that have not ended, and what stands for what.
struct Line<'r> {
    company: Option<&'r Company>,
    deliveries: &'r [Delivery],
    endings: &'r mut Endings,
    /// The events that can be read, by their place.
    events: BTreeMap<usize, &'r EntityEvent>,
    /// The places of each record's events.
    of_record: HashMap<(Kind, &'r BillingId), Vec<usize>>,
    /// For each event, the one that is carried out in its stead.
    decisive: HashMap<usize, usize>,
    out_of_date: HashSet<usize>,
    /// The places that are not done with, in their order.
    open: BTreeSet<usize>,
}

/// What an event's turn comes to.
enum Turn<'r> {
    /// It has ended.
    Ended,
    /// This event is to be carried out, which stands at this place.
    Push(usize, &'r EntityEvent),
}

impl<'r> Line<'r> {
    fn of(company: Option<&'r Company>, deliveries: &'r [Delivery], endings: &'r mut Endings) -> Line<'r> {
        let readable = deliveries.iter().enumerate();
        let events: BTreeMap<usize, &EntityEvent> = readable
            .filter_map(|(place, delivery)| Some((place, delivery.received.event.as_ref().ok()?)))
            .collect();
        let mut of_record: HashMap<(Kind, &BillingId), Vec<usize>> = HashMap::new();
        for (place, event) in &events {
            of_record.entry((event.kind, &event.subject)).or_default().push(*place);
        }
        let out_of_date = HashSet::new();
        let decisive = decisive_events(&events, &out_of_date);
        let open = (0..deliveries.len()).collect();
        Line { company, deliveries, endings, events, of_record, decisive, out_of_date, open }
    }

    fn end_what_needs_no_books(&mut self) {
        for place in self.open.clone() {
            if let Turn::Ended = self.turn(place) {
                self.open.remove(&place);
            }
        }
    }

    fn end_all(&mut self, outcome: &Outcome) {
        for place in self.open.clone() {
            if let Turn::Push(by, _) = self.turn(place) {
                self.ended(place, by, outcome, None);
            }
        }
    }

    /// What is to be done for the event at `place`, now that its turn has come.
    fn turn(&mut self, place: usize) -> Turn<'r> {
        let event = match &self.deliveries[place].received.event {
            Ok(event) => event,
            Err(unreadable) => {
                self.endings.end(place, Outcome::Parked(cannot_read(unreadable)), None);
                return Turn::Ended;
            }
        };
        let by = self.decisive.get(&place).copied().unwrap_or(place);
        if let Some(outcome) = self.endings.of(by) {
            self.end_superseded(place, by, &outcome);
            return Turn::Ended;
        }
        match before_push(self.company, event) {
            Some(outcome) => {
                self.endings.end(by, outcome.clone(), None);
                self.end_superseded(place, by, &outcome);
                Turn::Ended
            }
            None => Turn::Push(by, self.events.get(&by).copied().unwrap_or(event)),
        }
    }

    /// Ends the event at `place`, in whose stead the one at `by` was carried out. The same event once more ends as it
    /// did the first time.
    fn end_superseded(&mut self, place: usize, by: usize, outcome: &Outcome) {
        if let Some((event, acting)) = self.superseded(place, by) {
            self.endings.end(place, instead_of(event, acting, outcome), None);
        }
    }

    /// The event at `place` and the one at `by`, if they are not the same.
    fn superseded(&self, place: usize, by: usize) -> Option<(&'r EntityEvent, &'r EntityEvent)> {
        let (event, acting) = (*self.events.get(&place)?, *self.events.get(&by)?);
        (by != place && event.id != acting.id).then_some((event, acting))
    }

    /// Takes down how the event at `by` has ended, which was carried out at the turn of `place`.
    fn ended(&mut self, place: usize, by: usize, outcome: &Outcome, books: Option<Books>) {
        self.endings.end(by, outcome.clone(), books);
        if *outcome == Outcome::Skipped(SkipReason::OutOfDate) {
            // It speaks for the others no more.
            self.out_of_date.insert(by);
            self.decisive = decisive_events(&self.events, &self.out_of_date);
            if self.superseded(place, by).is_some() {
                return;
            }
        } else {
            self.end_superseded(place, by, outcome);
        }
        self.open.remove(&place);
    }

    /// Carries out what is left, several events at a time, until one has to wait; tells the first message that is not
    /// done with then. What is under way comes to its end.
    async fn push(&mut self, batch: &Batch<'_>) -> Result<(), (usize, Retry)> {
        let manner = self.manner(batch).await.map_err(|retry| (self.first_open_message(), retry))?;
        let together = (manner == Manner::InBatches).then(|| Arc::new(Together::over(&batch.quickbooks)));
        let mut sending = FuturesUnordered::new();
        let mut under_way = FuturesUnordered::new();
        let mut pushed: HashSet<usize> = HashSet::new();
        let mut retry: Option<Retry> = None;
        loop {
            while retry.is_none()
                && under_way.len() < manner.at_once()
                && let Some(place) = self.next(batch, &pushed)
            {
                let Turn::Push(by, acting) = self.turn(place) else {
                    self.open.remove(&place);
                    continue;
                };
                let replaced = self.replaced(by, acting);
                let ended_before = self.end_as_before(batch, &replaced);
                let restoring = batch.restores(acting, &replaced);
                pushed.insert(place);
                let mut batch = batch.for_another_event(together.clone());
                under_way.push(async move {
                    let outcome = match tell(batch.ports, &ended_before).await {
                        Ok(()) => batch.push(restoring.as_ref().unwrap_or(acting)).await,
                        Err(retry) => Outcome::Retry(retry),
                    };
                    (place, by, outcome)
                });
            }
            let ended = next_ended(&mut under_way, together.as_deref(), &mut sending).await;
            let Some((place, by, outcome)) = ended else { break };
            pushed.remove(&place);
            match outcome {
                Outcome::Retry(asked) => retry = Some(longer(retry, asked)),
                outcome => self.ended(place, by, &outcome, Some(batch.books.clone())),
            }
        }
        match retry {
            Some(retry) if !self.open.is_empty() => Err((self.first_open_message(), retry)),
            _ => Ok(()),
        }
    }

    /// Ends events that others replace now, and that were carried out before their worker died, as they ended then. What
    /// is to be told of it is known only until their record is written again.
    fn end_as_before(&mut self, batch: &Batch<'_>, replaced: &[(usize, &EntityEvent)]) -> Vec<Activity> {
        let mut ended = Vec::new();
        for (place, event) in replaced {
            let Some(outcome) = batch.ending_of(event).map(Outcome::Done) else { continue };
            let (books, now) = (batch.books.clone(), batch.ports.clock.now());
            let result = ActivityResult::of(&outcome);
            let entry =
                |result| activity(&books.company, &self.deliveries[*place], result, Some(&books), now);
            ended.extend(result.map(entry));
            self.endings.end(*place, outcome, Some(books));
        }
        ended
    }

    /// How the writes of what is left go to QuickBooks.
    async fn manner(&self, batch: &Batch<'_>) -> Result<Manner, Retry> {
        let Some(company) = self.company else { return Ok(Manner::OneByOne) };
        let left = || {
            let events = self.open.iter().filter_map(|place| self.events.get(place));
            events.filter(|event| batch.ending_of(event).is_none()).map(|event| event.kind)
        };
        let directions = &company.settings.directions;
        if Manner::of(left(), directions, Spent::default()) == Manner::OneByOne {
            return Ok(Manner::OneByOne);
        }
        let spent = batch.quickbooks.spent().await.map_err(|error| later(&error))?;
        Ok(Manner::of(left(), directions, spent))
    }

    /// The message of the first event that is not done with.
    fn first_open_message(&self) -> usize {
        self.open.first().map_or(0, |place| self.deliveries[*place].message)
    }

    /// The first event that has nothing to wait for.
    fn next(&self, batch: &Batch<'_>, pushed: &HashSet<usize>) -> Option<usize> {
        let line = self.open.iter().copied().take(LOOK_AHEAD);
        next_to_begin(line, |place| {
            let mut touches = Touches::default();
            for event in self.events_of_its_record(place) {
                touches.add(batch.touches(event));
            }
            (pushed.contains(&place), touches)
        })
    }

    /// Any of them may be the one that is carried out.
    fn events_of_its_record(&self, place: usize) -> impl Iterator<Item = &'r EntityEvent> {
        let record =
            self.events.get(&place).and_then(|event| self.of_record.get(&(event.kind, &event.subject)));
        record.into_iter().flatten().filter_map(|place| self.events.get(place).copied())
    }

    /// The events that the one at `by` replaces.
    fn replaced(&self, by: usize, acting: &EntityEvent) -> Vec<(usize, &'r EntityEvent)> {
        let places = self.of_record.get(&(acting.kind, &acting.subject)).into_iter().flatten();
        places
            .filter(|place| self.decisive.get(place) == Some(&by))
            .filter_map(|place| Some((*place, *self.events.get(place)?)))
            .filter(|(_, event)| event.id != acting.id)
            .collect()
    }
}

/// The failure with the longer wait.
fn longer(one: Option<Retry>, other: Retry) -> Retry {
    match one {
        Some(one) if one.after >= other.after => one,
        _ => other,
    }
}

/// For each event, the one that is carried out in its stead, among those that are not out of date.
fn decisive_events(
    events: &BTreeMap<usize, &EntityEvent>,
    out_of_date: &HashSet<usize>,
) -> HashMap<usize, usize> {
    let current: Vec<(usize, &EntityEvent)> = events
        .iter()
        .filter(|(place, _)| !out_of_date.contains(place))
        .map(|(place, event)| (*place, *event))
        .collect();
    let coalesced = plan::coalesce(&current.iter().map(|(_, event)| *event).collect::<Vec<_>>());
    coalesced.into_iter().enumerate().map(|(place, by)| (current[place].0, current[by].0)).collect()
}

/// What ends an event without a look at QuickBooks.
fn before_push(company: Option<&Company>, event: &EntityEvent) -> Option<Outcome> {
    let Some(company) = company else {
        return Some(Outcome::Parked(Park::new(
            ParkCause::UnknownCompany,
            format!("No company {} is known.", event.company),
            "Add the company, or correct the sender's company id; then retry.",
        )));
    };
    plan::gate(company, event.kind)
}

/// How an event ends in whose stead another one of the same record was carried out. A younger one was sent after its
/// record was withdrawn; whether that holds is not known before there is a connection, so until then both wait.
fn instead_of(event: &EntityEvent, acting: &EntityEvent, outcome: &Outcome) -> Outcome {
    match outcome {
        _ if event.time <= acting.time => Outcome::Skipped(SkipReason::Superseded),
        Outcome::Parked(Park { cause: ParkCause::NotConnected | ParkCause::UnknownCompany, .. }) => {
            outcome.clone()
        }
        _ => Outcome::Skipped(SkipReason::Withdrawn),
    }
}

fn cannot_read(unreadable: &Unreadable) -> Park {
    Park::new(
        ParkCause::Unreadable,
        unreadable.problem.clone(),
        "Correct the sender, and send the event again.",
    )
}

/// How the events of a batch have ended so far.
#[derive(Default)]
struct Endings {
    by_place: HashMap<usize, (Outcome, Option<Books>)>,
    /// New entries of events that were parked until now.
    released: Vec<Activity>,
}

impl Endings {
    fn of(&self, place: usize) -> Option<Outcome> {
        self.by_place.get(&place).map(|(outcome, _)| outcome.clone())
    }

    fn end(&mut self, place: usize, outcome: Outcome, books: Option<Books>) {
        self.by_place.entry(place).or_insert((outcome, books));
    }

    /// The activity of the events that have ended, in their order, one entry for each event id.
    fn entries(&self, company: &CompanyId, deliveries: &[Delivery], now: Timestamp) -> Vec<Activity> {
        let mut entries: Vec<Activity> = Vec::new();
        for (place, delivery) in deliveries.iter().enumerate() {
            let Some((outcome, books)) = self.by_place.get(&place) else { continue };
            let Some(result) = ActivityResult::of(outcome) else { continue };
            let entry = activity(company, delivery, result, books.as_ref(), now);
            match entries
                .iter_mut()
                .find(|earlier| earlier.event == entry.event && earlier.time == entry.time)
            {
                Some(earlier) if matches!(earlier.result, ActivityResult::Skipped { .. }) => *earlier = entry,
                Some(_) => {}
                None => entries.push(entry),
            }
        }
        entries.extend(self.released.iter().cloned());
        entries
    }
}

fn activity(
    company: &CompanyId,
    delivery: &Delivery,
    result: ActivityResult,
    books: Option<&Books>,
    now: Timestamp,
) -> Activity {
    let quickbooks_id = match &result {
        ActivityResult::Done(done) => Some(done.quickbooks_id.clone()),
        _ => None,
    };
    let event_json = result.is_parked().then(|| delivery.received.raw.clone());
    let common = |event: EventId, time: Timestamp| Activity {
        company: company.clone(),
        side: Side::Billing,
        event,
        time,
        handled_at: now,
        realm: books.map(|books| books.realm.clone()),
        kind: None,
        billing_id: None,
        label: String::new(),
        quickbooks_id,
        result,
        event_json,
        removed: None,
    };
    match &delivery.received.event {
        Ok(event) => Activity {
            kind: Some(event.kind),
            billing_id: Some(event.subject.clone()),
            label: event
                .data
                .as_ref()
                .map_or_else(|| event.subject.to_string(), |record| record.label().to_owned()),
            ..common(event.id.clone(), event.time)
        },
        Err(unreadable) => {
            let id = unreadable
                .id
                .clone()
                .unwrap_or_else(|| EventId::of_message(&delivery.message_id, delivery.place));
            common(id, delivery.sent_at)
        }
    }
}
