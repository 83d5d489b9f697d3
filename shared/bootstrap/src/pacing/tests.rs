use std::collections::VecDeque;

use futures::executor::block_on;
use futures::future::join_all;
use jiff::SignedDuration;
use quickbooks::Client;
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, HeaderValue, RETRY_AFTER};
use sync::ids::{CompanyId, RealmId};
use sync::memory::MemoryBudget;

use super::*;

fn at(millisecond: i64) -> Timestamp {
    Timestamp::from_millisecond(1_772_000_000_000 + millisecond).unwrap()
}

/// A clock that runs while somebody sleeps, to the nearest end of a sleep.
#[derive(Default)]
struct Hands(Mutex<i64>);

impl Hands {
    fn set(&self, millisecond: i64) {
        let mut now = self.0.lock().unwrap();
        *now = millisecond.max(*now);
    }
}

#[async_trait]
impl Clock for Hands {
    fn now(&self) -> Timestamp {
        at(*self.0.lock().unwrap())
    }

    async fn sleep(&self, duration: Duration) {
        let ends = self.now() + duration;
        self.set(i64::try_from(ends.duration_since(at(0)).as_millis()).unwrap());
    }
}

/// Intuit: notes when calls came, and answers them as told, else with success.
struct Intuit {
    clock: Arc<Hands>,
    came: Mutex<Vec<i64>>,
    answers: Mutex<VecDeque<Answer>>,
}

#[async_trait]
impl Transport for Intuit {
    async fn execute(&self, _: Request) -> Result<Answer, SendError> {
        let came = self.clock.now().duration_since(at(0)).as_millis();
        self.came.lock().unwrap().push(i64::try_from(came).unwrap());
        Ok(self.answers.lock().unwrap().pop_front().unwrap_or_else(|| answer(200)))
    }
}

fn answer(status: u16) -> Answer {
    let status = StatusCode::from_u16(status).unwrap();
    Answer { status, headers: HeaderMap::new(), body: Vec::new() }
}

struct World {
    clock: Arc<Hands>,
    budget: Arc<MemoryBudget>,
    intuit: Arc<Intuit>,
}

impl World {
    fn new(answers: impl Into<VecDeque<Answer>>) -> World {
        let clock = Arc::new(Hands::default());
        let answers = Mutex::new(answers.into());
        let intuit = Intuit { clock: Arc::clone(&clock), came: Mutex::default(), answers };
        World { clock, budget: Arc::default(), intuit: Arc::new(intuit) }
    }

    /// One function's way to the realm, which waits up to `latest`.
    fn paced(&self, latest: i64) -> Paced {
        let (intuit, budget) = (Arc::clone(&self.intuit), Arc::clone(&self.budget));
        Paced::new(intuit, budget, Arc::clone(&self.clock) as _, books(), at(latest), Metrics::default())
    }

    fn came(&self) -> Vec<i64> {
        self.intuit.came.lock().unwrap().clone()
    }
}

fn books() -> Books {
    Books { company: CompanyId::new("acme").unwrap(), realm: RealmId::new("1").unwrap() }
}

fn request(method: Method, path: &str) -> Request {
    let url = format!("http://intuit.example/v3/company/1/{path}").parse().unwrap();
    Request::new(method, url)
}

fn create() -> Request {
    request(Method::POST, "customer?requestid=1")
}

#[test]
fn r68_all_functions_together_keep_the_distance() {
    let world = World::new([]);
    let functions = [world.paced(10_000), world.paced(10_000)];
    let calls = (0..30).map(|place| functions[place % 2].execute(create()));
    assert!(block_on(join_all(calls)).iter().all(Result::is_ok));
    let came = world.came();
    assert_eq!(came.len(), 30);
    assert!(came.windows(2).all(|pair| pair[1] - pair[0] >= 125), "{came:?}");
}

#[test]
fn a_turn_that_comes_too_late_sends_nothing_and_tells_the_wait() {
    let world = World::new([]);
    let paced = world.paced(100);
    assert!(block_on(paced.execute(create())).is_ok());
    let refused = block_on(paced.execute(create()));
    assert!(
        matches!(refused, Err(SendError::NotYet(wait)) if wait == Duration::from_millis(125)),
        "{refused:?}"
    );
    assert_eq!(world.came(), [0]);
}

#[test]
fn a_429_pauses_the_realm_for_every_function_and_for_calls_that_have_a_turn() {
    for (retry_after, pause) in [(None, 60_000), (Some("7"), 7_000)] {
        let mut throttled = answer(429);
        if let Some(seconds) = retry_after {
            throttled.headers.insert(RETRY_AFTER, HeaderValue::from_static(seconds));
        }
        let world = World::new([throttled]);
        let (one, two) = (world.paced(5_000), world.paced(5_000));
        assert_eq!(block_on(one.execute(create())).unwrap().status, 429, "the caller is told");
        for function in [&one, &two] {
            let refused = block_on(function.execute(create()));
            assert!(
                matches!(refused, Err(SendError::NotYet(wait)) if wait == Duration::from_millis(pause)),
                "{refused:?}"
            );
        }
        let patient = world.paced(100_000);
        assert!(block_on(patient.execute(create())).is_ok());
        assert_eq!(world.came(), [0, i64::try_from(pause).unwrap()]);
    }
}

/// Sleeps longer than it was told, once.
struct Drowsy(Hands, Mutex<Option<i64>>);

#[async_trait]
impl Clock for Drowsy {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    async fn sleep(&self, duration: Duration) {
        self.0.sleep(duration).await;
        if let Some(late) = self.1.lock().unwrap().take() {
            let now = *self.0.0.lock().unwrap();
            self.0.set(now + late);
        }
    }
}

#[test]
fn who_comes_too_late_for_a_turn_takes_another() {
    for (late, taken) in [(125, 2), (126, 3)] {
        let world = World::new([]);
        let clock = Arc::new(Drowsy(Hands::default(), Mutex::new(Some(late))));
        let (intuit, budget) = (Arc::clone(&world.intuit), Arc::clone(&world.budget));
        let paced = Paced::new(intuit, budget, clock, books(), at(10_000), Metrics::default());
        for _ in 0..2 {
            assert!(block_on(paced.execute(create())).is_ok());
        }
        let spent = block_on(world.budget.spent(&books(), at(0))).unwrap();
        assert_eq!(spent.free, taken, "{late} ms late");
    }
}

#[test]
fn requests_are_what_intuit_takes_them_for() {
    for (method, path, expected) in [
        (Method::POST, "customer?operation=update&requestid=1", Call::Write),
        (Method::POST, "invoice?operation=void", Call::Write),
        (Method::POST, "taxservice/taxcode", Call::Write),
        (Method::POST, "batch?requestid=1", Call::Batch),
        (Method::POST, "query", Call::Read),
        (Method::GET, "query?query=select", Call::Read),
        (Method::GET, "customer/5", Call::Read),
        (Method::GET, "cdc?entities=Invoice", Call::Read),
    ] {
        assert_eq!(call(&request(method, path)), expected, "{path}");
    }
}

#[test]
fn the_clients_calls_are_the_ones_that_are_paced() {
    let world = World::new([]);
    let api = "http://intuit.example".parse().unwrap();
    let client = Client::new(reqwest::Client::new(), &api, books().realm, "token".into());
    let client = client.over(Arc::new(world.paced(i64::from(i32::MAX))));
    for _ in 0..3 {
        // What comes back is no answer; it is the sending that counts.
        block_on(client.preferences()).unwrap_err();
    }
    assert_eq!(world.came(), [0, 125, 250]);
    let spent = block_on(world.budget.spent(&books(), at(0) + SignedDuration::ZERO)).unwrap();
    assert_eq!((spent.metered, spent.free), (3, 0));
}
