//! What goes wrong, and when: decided by the operation that is going on.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use sync::ports::StoreError;

/// Draws faults. Shared by everything in one world, which runs on one thread.
#[derive(Default)]
pub(crate) struct Chaos(Mutex<State>);

#[derive(Default)]
struct State {
    stream: Option<fastrand::Rng>,
    /// Faults in a thousand calls.
    rate: u32,
    faults: u64,
    crashed: bool,
    /// How often each thing that makes a run hard has happened.
    hardships: Hardships,
}

/// How often each has happened, by its name.
pub(crate) type Hardships = BTreeMap<String, u64>;

/// What happens to a call to a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Works,
    CrashesBefore,
    CrashesAfter,
    FailsBefore,
    FailsAfter,
}

/// What happens to a call to QuickBooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CallFate {
    Works,
    CrashesBefore,
    CrashesAfter,
    NotSent,
    LostOnTheWay,
    AnswerLost,
    AnswerGarbled,
    Throttled,
    ThrottledWithWait,
    Broken,
}

/// What happens to a call to the billing app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AppFate {
    Works,
    AppCrashesBefore,
    AppCrashesAfter,
    AppUnreached,
    AppThrottles,
    AppLosesRequest,
    AppLosesAnswer,
    AppRefuses,
}

impl Chaos {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From here on faults are drawn from this stream; none if there is none.
    pub(crate) fn of(&self, stream: Option<fastrand::Rng>, rate: u32) {
        let mut state = self.state();
        (state.stream, state.rate) = (stream, rate);
    }

    /// How many faults there have been.
    pub(crate) fn faults(&self) -> u64 {
        self.state().faults
    }

    /// Notes something that makes a run hard.
    pub(crate) fn happened(&self, what: impl Debug) {
        let name = format!("{what:?}").trim_matches('"').to_owned();
        *self.state().hardships.entry(name).or_default() += 1;
    }

    /// All of that.
    pub(crate) fn hardships(&self) -> Hardships {
        self.state().hardships.clone()
    }

    /// Whether a worker has crashed since the last time this was asked.
    pub(crate) fn take_crash(&self) -> bool {
        std::mem::take(&mut self.state().crashed)
    }

    /// One of the faults, weighed by how often it stands in the list; none in most cases.
    fn draw<F: Copy + Debug>(&self, faults: &[F]) -> Option<F> {
        let mut state = self.state();
        let rate = state.rate;
        let stream = state.stream.as_mut()?;
        let fault = (stream.u32(..1000) < rate).then(|| faults[stream.usize(..faults.len())])?;
        state.faults += 1;
        drop(state);
        self.happened(fault);
        Some(fault)
    }

    pub(crate) fn call(&self) -> CallFate {
        use CallFate::{
            AnswerGarbled, AnswerLost, Broken, CrashesAfter, CrashesBefore, LostOnTheWay, NotSent, Throttled,
            ThrottledWithWait,
        };
        const FAULTS: [CallFate; 12] = [
            CrashesBefore,
            CrashesAfter,
            CrashesAfter,
            NotSent,
            LostOnTheWay,
            AnswerLost,
            AnswerLost,
            AnswerLost,
            AnswerGarbled,
            Throttled,
            ThrottledWithWait,
            Broken,
        ];
        self.draw(&FAULTS).unwrap_or(CallFate::Works)
    }

    pub(crate) fn app(&self) -> AppFate {
        use AppFate::{
            AppCrashesAfter, AppCrashesBefore, AppLosesAnswer, AppLosesRequest, AppRefuses, AppThrottles,
            AppUnreached, Works,
        };
        const FAULTS: [AppFate; 9] = [
            AppCrashesBefore,
            AppCrashesAfter,
            AppCrashesAfter,
            AppUnreached,
            AppThrottles,
            AppLosesRequest,
            AppLosesAnswer,
            AppLosesAnswer,
            AppRefuses,
        ];
        self.draw(&FAULTS).unwrap_or(Works)
    }

    /// The worker dies here: nothing of it happens any more.
    pub(crate) async fn crash<T>(&self) -> T {
        self.state().crashed = true;
        std::future::pending().await
    }

    /// A call to a store. Others may run before it.
    pub(crate) async fn store<T, E: From<StoreError>>(
        &self,
        action: &'static str,
        call: impl Future<Output = Result<T, E>> + Send,
    ) -> Result<T, E> {
        use Fate::{CrashesAfter, CrashesBefore, FailsAfter, FailsBefore, Works};
        let failed = || E::from(StoreError::new(action, "the store fails, as simulated"));
        let_others_run().await;
        match self.draw(&[CrashesBefore, CrashesAfter, FailsBefore, FailsAfter]).unwrap_or(Works) {
            Works => call.await,
            CrashesBefore => self.crash().await,
            CrashesAfter => {
                drop(call.await);
                self.crash().await
            }
            FailsBefore => Err(failed()),
            FailsAfter => {
                drop(call.await);
                Err(failed())
            }
        }
    }
}

/// Gives the driver the chance to go on with another worker.
pub(crate) fn let_others_run() -> impl Future<Output = ()> + Send {
    struct Once(bool);
    impl Future for Once {
        type Output = ();
        fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
            if std::mem::replace(&mut self.0, true) {
                return Poll::Ready(());
            }
            context.waker().wake_by_ref();
            Poll::Pending
        }
    }
    Once(false)
}
