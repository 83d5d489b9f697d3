//! Ports of which the n-th call, and every one after it, comes to nothing: a worker that dies.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use sync::import::{ImportQueue, Imports, Register, Stretch, Work};
use sync::push::Ports;

use crate::guarded::{Fate, Guard, Guarded};

/// When the worker dies: in the n-th call, before it has an effect or after.
pub(crate) struct Fragile<'a> {
    outside: Guarded<'a>,
    register: Register,
    life: Arc<Life>,
}

struct Life {
    made: AtomicUsize,
    dies_in: usize,
    after_the_effect: bool,
}

#[async_trait]
impl Guard for Life {
    async fn fate(&self) -> Fate {
        let made = self.made.fetch_add(1, Ordering::SeqCst) + 1;
        if made < self.dies_in {
            Fate::Lives
        } else if made == self.dies_in && self.after_the_effect {
            Fate::DiesAfter
        } else {
            Fate::DiesBefore
        }
    }
}

impl<'a> Fragile<'a> {
    pub(crate) fn new(inner: Ports<'a>, dies_in: usize, after_the_effect: bool) -> Fragile<'a> {
        let life = Arc::new(Life { made: AtomicUsize::new(0), dies_in, after_the_effect });
        Fragile { outside: Guarded::new(inner, Arc::clone(&life) as _), register: Register::default(), life }
    }

    /// The same for imports.
    pub(crate) fn keeping(self, imports: &'a dyn Imports, queue: &'a dyn ImportQueue) -> Fragile<'a> {
        Fragile { outside: Guarded { imports: Some((imports, queue)), ..self.outside }, ..self }
    }

    pub(crate) fn work(&self) -> Work<'_> {
        let (outside, stretch) = (&self.outside, Stretch::USUAL);
        Work { engine: self.ports(), imports: outside, queue: outside, register: &self.register, stretch }
    }

    pub(crate) fn ports(&self) -> Ports<'_> {
        self.outside.ports()
    }

    /// Whether the worker came to the call in which it was to die.
    pub(crate) fn died(&self) -> bool {
        self.life.made.load(Ordering::SeqCst) >= self.life.dies_in
    }
}
