//! Several companies, their billing apps, their QuickBooks, and the workers that push between them.

mod settle;
mod setup;
mod workers;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sync::activity::Activity;
use sync::notice::{self, ChangeNotice};
use sync::parked;
use sync::ports::ActivityLog;
use sync::settings::Directions;

use crate::billing::BillingApp;
use crate::bookkeeper::{self, Journal, What};
use crate::chaos::{Chaos, Hardships};
use crate::choices::Choices;
use crate::clock::SimulatedClock;
use crate::dice::Dice;
use crate::judge::{self, Evidence, Finding};
use crate::operation::{Act, Operation, Ways};
use crate::queue::Queue;
use crate::run::Reproduction;
use crate::sabotage::Sabotage;
use crate::stores::{Sent, Stores};
use crate::tidings::Tidings;
use crate::transport::{Door, Realm};

pub(crate) use setup::COMPANIES;
use workers::{Errand, Workers};

/// One in so many steps a worker's hold on its messages runs out, however long it is.
const LEASE_LAPSES: u32 = 100;

/// All of it.
pub(crate) struct World {
    stores: Arc<Stores>,
    realms: Vec<Arc<Realm>>,
    journals: Vec<Journal>,
    /// The push queues of the companies, and behind them the pull queues where there are any.
    queues: Vec<Queue>,
    /// The webhooks of QuickBooks.
    tidings: Vec<Tidings>,
    ways: Ways,
    /// Of each company.
    directions: Vec<Directions>,
    choices: Vec<Choices>,
    workers: Workers,
    chaos: Arc<Chaos>,
    clock: Arc<SimulatedClock>,
    /// Faults in a thousand calls.
    rate: u32,
    sabotage: Option<Sabotage>,
}

/// What a run came to.
pub(crate) struct Ending {
    pub(crate) faults: u64,
    pub(crate) hardships: Hardships,
    pub(crate) findings: Vec<Finding>,
}

/// Runs the operations in their world, lets everything settle, and judges.
pub(crate) fn run(drawn: &Reproduction, sabotage: Option<Sabotage>) -> Ending {
    let mut world = World::new(drawn, sabotage);
    for operation in &drawn.operations {
        world.operate(operation);
    }
    let mut findings = world.settle();
    findings.extend(world.judge());
    Ending { faults: world.chaos.faults(), hardships: world.hardships(), findings }
}

/// Runs the operations like [`run`], and tells what happened.
pub(crate) fn tell(drawn: &Reproduction) -> (String, Vec<Finding>) {
    let mut world = World::new(drawn, None);
    world.realms.iter().for_each(|realm| realm.listen());
    drawn.operations.iter().for_each(|operation| world.operate(operation));
    let mut findings = world.settle();
    findings.extend(world.judge());
    let mut lines: Vec<(jiff::Timestamp, String)> = Vec::new();
    for (place, journal) in world.journals.iter().enumerate() {
        let app = world.app(place);
        for told in app.records().flat_map(|(.., held)| &held.told) {
            let gone = if told.gone { "gone " } else { "" };
            let lost = if told.is_lost { " (never sent)" } else { "" };
            let record = serde_json::to_string(&told.record).unwrap_or_default();
            lines.push((told.time, format!("billing {}{lost} by {:?}: {gone}{record}", told.event, told.by)));
        }
        for deed in &journal.deeds {
            lines.push((deed.at, format!("bookkeeper {place}: {} {} {:?}", deed.entity, deed.id, deed.what)));
        }
        for (at, call) in world.realms[place].heard() {
            lines.push((at, format!("call {place}: {call}")));
        }
        for entry in world.log(&app) {
            let event = entry.event.as_str();
            lines.push((
                entry.handled_at,
                format!(
                    "activity {:?} {event}: {:?} {:?} {:?}",
                    entry.side, entry.result, entry.quickbooks_id, entry.billing_id
                ),
            ));
        }
    }
    lines.sort_by_key(|(at, _)| *at);
    let story: Vec<String> = lines.into_iter().map(|(at, line)| format!("{at} {line}")).collect();
    (story.join("\n"), findings)
}

impl World {
    fn app(&self, place: usize) -> MutexGuard<'_, BillingApp> {
        lock(&self.stores.apps[place])
    }

    fn operate(&mut self, operation: &Operation) {
        let dice = Dice::new(operation.seed);
        let rate = dice.pick("weather", &[0, self.rate / 2, self.rate, self.rate * 4]);
        self.chaos.of(operation.faults.then(|| dice.part("faults").stream()), rate);
        let seconds = dice.pick("seconds", &[0, 0, 1, 2, 5, 30]);
        self.clock.advance(Duration::from_millis(seconds * 1000 + dice.below("milliseconds", 1000) as u64));
        let place = operation.company;
        match operation.act {
            Act::Wait => {
                let minutes = dice.pick("minutes", &[5, 60, 60, 60 * 25]);
                self.clock.advance(Duration::from_secs(minutes * 60));
            }
            Act::SendAgain => self.send_again(place, dice),
            Act::Disconnect => {
                self.realms[place]
                    .set_door(dice.pick("door", &[Door::Revoked, Door::Forbidden, Door::Lapsed]));
            }
            Act::Reconnect => self.reconnect(place),
            Act::Sweep => self.run_errand(place, Errand::Sweep),
            Act::Poll => self.run_errand(place, Errand::Poll),
            Act::AppGoesAway => self.app(place).is_away = true,
            Act::AppComesBack => self.app(place).is_away = false,
            _ => {
                let now = self.clock.time();
                self.app(place).act(operation, now);
                let mut app = lock(&self.stores.apps[place]);
                let mut company = self.realms[place].company();
                if operation.act == Act::BookkeeperCloses {
                    self.chaos.happened(operation.act);
                }
                bookkeeper::act(&mut company, &mut app, &mut self.journals[place], operation, now);
            }
        }
        self.send(place, dice, false);
        (0..COMPANIES).for_each(|place| self.hear(place, Some(dice.part("tidings").nth(place as u64))));
        self.work(dice.part("work").stream(), operation.faults.then(|| dice.part("leases").stream()));
    }

    /// Sends what the billing app has to tell.
    fn send(&mut self, place: usize, dice: Dice, all: bool) {
        let (group, now) = (self.group(place), self.clock.time());
        let bodies = self.app(place).messages(dice, all);
        for body in bodies {
            self.queues[place].history.push(body.clone());
            self.queues[place].send(&group, body, now);
        }
    }

    /// Lets QuickBooks tell what has changed, and takes what has arrived of it. Without dice all of it arrives.
    fn hear(&mut self, place: usize, dice: Option<Dice>) {
        let changes = self.realms[place].company().take_changes();
        let Some(tidings) = self.tidings.get_mut(place) else { return };
        let (books, now) = (&self.stores.clients[place].0, self.clock.time());
        tidings.send(books, changes, dice, &self.chaos, now);
        let arrived: Vec<ChangeNotice> = tidings.arrived(now, dice.is_none(), &self.chaos);
        let group = self.group(place);
        for message in notice::messages(&arrived, now) {
            self.queues[COMPANIES + place].send(&group, message.body, now);
        }
    }

    fn run_errand(&mut self, place: usize, errand: Errand) {
        if self.is_skipped(errand) {
            return;
        }
        self.chaos.happened(errand);
        let company = self.app(place).id.clone();
        self.workers.run(&self.stores, place, company, errand);
    }

    /// Lets a worker go on, and puts on the queues what it has sent there.
    fn step(&mut self, stream: &mut fastrand::Rng) {
        self.workers.step(stream, &self.chaos, &mut self.queues, &self.clock, self.sabotage);
        self.collect();
    }

    fn group(&self, place: usize) -> String {
        self.app(place).id.to_string()
    }

    fn send_again(&mut self, place: usize, dice: Dice) {
        let queue = &self.queues[place];
        let numbered = queue.history.iter().enumerate().map(|(number, body)| (number as u64, body));
        if let Some(body) = dice.choose("message", numbered).cloned() {
            self.chaos.happened("SentAgain");
            let (group, now) = (self.group(place), self.clock.time());
            self.queues[place].send(&group, body, now);
        }
    }

    /// A person reconnects, and what waited for the connection goes back on the queue.
    fn reconnect(&mut self, place: usize) {
        self.realms[place].set_door(Door::Open);
        let (group, now) = (self.group(place), self.clock.time());
        let company = self.app(place).id.clone();
        let sent = Sent::default();
        let retried = parked::after_connecting(&self.stores.activity, &sent, &company, now);
        workers::finish(retried).ok();
        for body in sent.bodies() {
            self.queues[place].send(&group, body, now);
        }
    }

    /// Lets some work be done: workers start, go on a bit, in any order.
    fn work(&mut self, mut stream: fastrand::Rng, mut leases: Option<fastrand::Rng>) {
        self.workers.stop(self.clock.time(), None);
        let steps = stream.u32(..60);
        for _ in 0..steps {
            if let Some(leases) = &mut leases
                && leases.u32(..LEASE_LAPSES) == 0
            {
                let queue = leases.usize(..self.queues.len());
                self.workers.stop(self.clock.time(), Some(queue));
                self.queues[queue].lapse(self.clock.time());
            }
            if self.workers.count() < 3 && (self.workers.count() == 0 || stream.u32(..12) == 0) {
                let place = stream.usize(..self.queues.len());
                self.start(place, stream.usize(1..=10));
            }
            self.step(&mut stream);
        }
    }

    fn is_skipped(&self, errand: Errand) -> bool {
        match errand {
            Errand::Sweep => self.sabotage == Some(Sabotage::SweepsAreSkipped),
            Errand::Poll => self.sabotage == Some(Sabotage::PollsAreSkipped),
        }
    }

    /// Begins to carry out messages of a queue.
    fn start(&mut self, queue: usize, limit: usize) {
        let now = self.clock.time();
        let handed = self.queues[queue].receive(limit, now);
        if !handed.is_empty() {
            if handed.iter().any(|(_, message)| message.deliveries > 1) {
                self.chaos.happened("HandedOutAgain");
            }
            if self.workers.is_at(queue % COMPANIES) {
                self.chaos.happened("TwoWorkersOnOneCompany");
            }
            self.workers.start(&self.stores, queue, handed);
        }
    }

    /// What made the run hard, the bookkeeper's deeds included.
    fn hardships(&self) -> Hardships {
        for deed in self.journals.iter().flat_map(|journal| &journal.deeds) {
            match deed.what {
                What::Edited { .. } => self.chaos.happened("Edited"),
                ref other => self.chaos.happened(other),
            }
        }
        for _ in 0..(0..self.realms.len()).map(|place| self.app(place).overtaken).sum() {
            self.chaos.happened("Overtaken");
        }
        self.chaos.hardships()
    }

    fn log(&self, app: &BillingApp) -> Vec<Activity> {
        workers::finish(self.stores.activity.newest(&app.id, usize::MAX)).unwrap_or_default()
    }

    fn judge(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (place, journal) in self.journals.iter().enumerate() {
            let app = self.app(place);
            let company = self.realms[place].company();
            let log = self.log(&app);
            let directions = self.directions[place];
            let choices = &self.choices[place];
            let evidence =
                Evidence { place, directions, choices, app: &app, company: &company, journal, log: &log };
            findings.extend(judge::judge(&evidence));
        }
        findings
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
