//! The end of a run: nothing fails any more and nobody changes anything, and all that is under way comes to its end.

use std::time::Duration;

use sync::parked::{self, Which};

use super::workers::{Errand, finish};
use super::{COMPANIES, World};
use crate::dice::Dice;
use crate::judge::Finding;
use crate::operation::Ways;
use crate::stores::{Posted, Sent};
use crate::transport::Door;

/// How often a drained queue is delivered before it counts as stuck.
const PATIENCE: u32 = 60;
/// How often both sides are looked at for what nobody told, until nothing is written any more.
const ROUNDS: u32 = 8;
/// A sweep is due again after a day.
const A_DAY: Duration = Duration::from_secs(25 * 60 * 60);

impl World {
    /// Everything that was sent is dealt with, what waited for a connection, and what nobody told. Tells what never
    /// comes to an end.
    pub(super) fn settle(&mut self) -> Vec<Finding> {
        self.chaos.of(None, 0);
        let mut stuck = Vec::new();
        for place in 0..COMPANIES {
            self.realms[place].set_door(Door::Open);
            self.app(place).is_away = false;
            self.send(place, Dice::new(0), true);
        }
        self.finish_workers();
        for place in 0..COMPANIES {
            self.reconnect(place);
            self.drain(place, &mut stuck);
        }
        if self.ways != Ways::Push {
            (0..COMPANIES).for_each(|place| self.converge(place, &mut stuck));
        }
        stuck
    }

    /// Looks for what nobody told until nothing is left to be written.
    fn converge(&mut self, place: usize, stuck: &mut Vec<Finding>) {
        let mut writes = self.writes(place);
        for round in 0..ROUNDS {
            self.clock.advance(A_DAY);
            if round == 1 {
                self.retry_all(place);
            }
            for errand in [Errand::Sweep, Errand::Poll] {
                self.run_errand(place, errand);
                self.finish_workers();
            }
            self.drain(place, stuck);
            let written = self.writes(place);
            if round > 1 && written == writes {
                return;
            }
            writes = written;
        }
        stuck.push(Finding::echo(place));
    }

    /// How often the two sides of the company were written to by the engine.
    fn writes(&self, place: usize) -> u64 {
        self.app(place).writes + self.realms[place].writes()
    }

    /// A person has another try at all that is parked.
    fn retry_all(&mut self, place: usize) {
        let (company, now) = (self.app(place).id.clone(), self.clock.time());
        let (sent, stores) = (Sent::default(), std::sync::Arc::clone(&self.stores));
        finish(parked::retry(&stores.activity, &sent, &company, &Which::All, now)).ok();
        finish(parked::retry_notices(&stores.activity, &*stores, &company, &Which::All, now)).ok();
        let group = self.group(place);
        for body in sent.bodies() {
            self.queues[place].send(&group, body, now);
        }
        self.collect();
    }

    fn finish_workers(&mut self) {
        let mut stream = fastrand::Rng::with_seed(0);
        while self.workers.count() > 0 {
            self.step(&mut stream);
        }
    }

    /// Delivers a company's messages until there are none.
    fn drain(&mut self, place: usize, stuck: &mut Vec<Finding>) {
        for _ in 0..PATIENCE {
            self.hear(place, None);
            self.send(place, Dice::new(0), true);
            let queues = [place, COMPANIES + place].into_iter().filter(|queue| *queue < self.queues.len());
            let waits: Vec<(Duration, usize)> = queues
                .filter_map(|queue| Some((self.queues[queue].wait(self.clock.time())?, queue)))
                .collect();
            let Some((wait, queue)) = waits.into_iter().min() else { return };
            self.clock.advance(wait);
            self.start(queue, 10);
            self.finish_workers();
        }
        for queue in [place, COMPANIES + place] {
            if let Some(queue) = self.queues.get_mut(queue).filter(|queue| !queue.is_empty()) {
                stuck.push(Finding::stuck(place, &queue.front()));
                queue.clear();
            }
        }
    }

    /// Puts what sweeps and polls have sent on the queues.
    pub(super) fn collect(&mut self) {
        let now = self.clock.time();
        for posted in self.stores.take_posted() {
            let (company, body, first) = match posted {
                Posted::Push(company, body) => (company, body, 0),
                Posted::Pull(company, body) => (company, body, COMPANIES),
            };
            let place = (0..COMPANIES).find(|place| self.app(*place).id == company).unwrap_or(0);
            if let Some(queue) = self.queues.get_mut(first + place) {
                queue.send(company.as_str(), body, now);
            }
        }
    }
}
