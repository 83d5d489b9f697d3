use std::collections::{BTreeMap, VecDeque};

use async_trait::async_trait;
use futures::executor::block_on;
use proptest::prelude::*;
use quickbooks_wire::query::Query;
use quickbooks_wire::{EntityKind, Fault, FaultError, Invoice, Line};

use super::*;
use crate::ids::{BillingId, QuickBooksId};
use crate::ports::NameHolder;
use crate::reference::ReferenceLists;
use crate::settings::Direction;

/// What happens to a call on its way.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    Answered,
    RequestLost,
    AnswerLost,
    NotSent,
    Throttled,
    /// The whole batch, with this code.
    Refused(&'static str),
}

/// A QuickBooks company that keeps what is created by its note. Notes with `bad` are refused; what Intuit says of
/// `requestid` holds.
#[derive(Default)]
struct Ledger {
    ways: Mutex<VecDeque<Way>>,
    created: Mutex<Vec<String>>,
    repeats: Mutex<BTreeMap<String, Answers>>,
    /// The sizes of the calls.
    calls: Mutex<Vec<usize>>,
}

type Answers = Vec<Result<Entity, CallError>>;

impl Ledger {
    fn with(ways: &[Way]) -> Arc<Ledger> {
        Arc::new(Ledger { ways: Mutex::new(ways.iter().copied().collect()), ..Ledger::default() })
    }

    fn take(&self, writes: &[Write], request_id: &RequestId) -> Result<Answers, CallError> {
        self.calls.lock().unwrap().push(writes.len());
        let way = self.ways.lock().unwrap().pop_front().unwrap_or(Way::Answered);
        match way {
            Way::NotSent => return Err(CallError::NotSent("no route".into())),
            Way::RequestLost => return Err(CallError::Unknown("reset".into())),
            Way::Throttled => return Err(CallError::Throttled { retry_after: None }),
            Way::Refused(code) => return Err(refusal(code)),
            Way::Answered | Way::AnswerLost => {}
        }
        let known = self.repeats.lock().unwrap().get(request_id.as_str()).cloned();
        let answers = known.unwrap_or_else(|| writes.iter().map(|write| self.write(write)).collect());
        self.repeats.lock().unwrap().insert(request_id.to_string(), answers.clone());
        if way == Way::AnswerLost { Err(CallError::Unknown("timed out".into())) } else { Ok(answers) }
    }

    fn write(&self, write: &Write) -> Result<Entity, CallError> {
        let note = note_of(write.entity());
        if note.contains("bad") {
            return Err(refusal("6000"));
        }
        self.created.lock().unwrap().push(note);
        Ok(write.entity().clone())
    }

    fn times(&self, note: &str) -> usize {
        self.created.lock().unwrap().iter().filter(|created| *created == note).count()
    }

    fn calls(&self) -> Vec<usize> {
        self.calls.lock().unwrap().clone()
    }
}

#[async_trait]
impl QuickBooks for Ledger {
    async fn create(&self, entity: &Entity, request_id: &RequestId) -> Result<Entity, CallError> {
        self.take(&[Write::Create(entity.clone())], request_id)?.remove(0)
    }

    async fn update(&self, entity: &Entity, request_id: &RequestId) -> Result<Entity, CallError> {
        self.take(&[Write::Update(entity.clone())], request_id)?.remove(0)
    }

    async fn batch(&self, writes: &[Write], request_id: &RequestId) -> Result<Answers, CallError> {
        self.take(writes, request_id)
    }

    async fn void(
        &self,
        _: EntityKind,
        _: &QuickBooksId,
        _: &str,
        _: &RequestId,
    ) -> Result<Entity, CallError> {
        unreachable!()
    }

    async fn read(&self, _: EntityKind, _: &QuickBooksId) -> Result<Option<Entity>, CallError> {
        unreachable!()
    }

    async fn count(&self, _: &[Query]) -> Result<Vec<u64>, CallError> {
        unreachable!()
    }

    async fn query(&self, _: &[Query]) -> Result<Vec<Vec<Entity>>, CallError> {
        unreachable!()
    }

    async fn changes_since(&self, _: &[EntityKind], _: Timestamp) -> Result<Vec<Entity>, CallError> {
        unreachable!()
    }

    async fn name_holders(&self, _: &str) -> Result<Vec<NameHolder>, CallError> {
        unreachable!()
    }

    async fn reference_lists(&self) -> Result<ReferenceLists, CallError> {
        unreachable!()
    }
}

fn refusal(code: &str) -> CallError {
    let error = FaultError { code: code.into(), ..FaultError::default() };
    CallError::Refused(Fault { errors: vec![error], ..Fault::default() })
}

fn write(note: &str) -> Write {
    Write::Create(Invoice { private_note: Some(note.to_owned()), ..Invoice::default() }.into())
}

fn note_of(entity: &Entity) -> String {
    match entity {
        Entity::Invoice(invoice) => invoice.private_note.clone().unwrap_or_default(),
        _ => String::new(),
    }
}

fn request_id(note: &str) -> RequestId {
    RequestId(note.to_owned())
}

/// Lets events run, each of which has a write with its note after so many pauses; what each was told.
fn run(quickbooks: &Arc<Ledger>, events: &[(String, usize)], at_once: usize) -> Answers {
    let port = Arc::clone(quickbooks) as Arc<dyn QuickBooks>;
    let together = Together::over(&port);
    let mut sending = FuturesUnordered::new();
    let mut under_way = FuturesUnordered::new();
    let mut told: Vec<Option<Result<Entity, CallError>>> = vec![None; events.len()];
    let mut waiting = events.iter().enumerate();
    block_on(async {
        loop {
            while under_way.len() < at_once
                && let Some((place, (note, pauses))) = waiting.next()
            {
                let together = &together;
                under_way.push(async move {
                    for _ in 0..*pauses {
                        pause().await;
                    }
                    (place, together.join(write(note), &request_id(note)).await)
                });
            }
            match next_ended(&mut under_way, Some(&together), &mut sending).await {
                Some((place, answer)) => told[place] = Some(answer),
                None => break,
            }
        }
    });
    told.into_iter().map(|answer| answer.expect("each is told")).collect()
}

/// Lets everybody else go first, once.
async fn pause() {
    let mut paused = false;
    poll_fn(|context| {
        if paused {
            return Poll::Ready(());
        }
        paused = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

fn events(count: usize) -> Vec<(String, usize)> {
    (0..count).map(|number| (format!("n-{number}"), number % 4)).collect()
}

#[test]
fn a_batch_leaves_when_it_is_full_or_when_everybody_waits() {
    let quickbooks = Ledger::with(&[]);
    let told = run(&quickbooks, &events(100), 60);
    assert!(told.iter().all(Result::is_ok), "{told:?}");
    let calls = quickbooks.calls();
    assert!(calls.len() <= 5 && calls.iter().all(|size| *size <= 30), "{calls:?}");
    assert_eq!(calls.iter().sum::<usize>(), 100);
    let alone = Ledger::with(&[]);
    run(&alone, &events(1), 60);
    assert_eq!(alone.calls(), [1], "which goes with its own requestid");
    assert!(alone.repeats.lock().unwrap().contains_key("n-0"));
}

#[test]
fn a_lost_answer_is_asked_for_with_the_same_batch() {
    for lost in [Way::AnswerLost, Way::RequestLost] {
        let quickbooks = Ledger::with(&[lost, lost]);
        let told = run(&quickbooks, &events(20), 60);
        assert!(told.iter().all(Result::is_ok), "{told:?}");
        assert_eq!(quickbooks.calls(), [20, 20, 20]);
        assert_eq!(quickbooks.repeats.lock().unwrap().len(), 1, "one requestid");
        assert_eq!(quickbooks.created.lock().unwrap().len(), 20);
    }
}

#[test]
fn what_stays_unknown_is_unknown_for_each_whatever_the_repetition_says() {
    for after in [Way::NotSent, Way::Throttled, Way::Refused("600"), Way::AnswerLost] {
        let quickbooks = Ledger::with(&[Way::AnswerLost, after, after]);
        let told = run(&quickbooks, &events(20), 60);
        assert!(
            told.iter().all(|answer| matches!(answer, Err(CallError::Unknown(_)))),
            "{after:?}: {told:?}"
        );
    }
}

#[test]
fn a_batch_that_certainly_did_nothing_says_so_for_each() {
    for way in [Way::NotSent, Way::Throttled] {
        let told = run(&Ledger::with(&[way]), &events(20), 60);
        let certain = |error: &CallError| matches!(classify(error), Failure::Later { certain: true, .. });
        assert!(told.iter().all(|answer| answer.as_ref().is_err_and(certain)), "{told:?}");
    }
}

#[test]
fn a_batch_that_is_refused_as_a_whole_goes_one_by_one() {
    let quickbooks = Ledger::with(&[Way::Refused("1040")]);
    let mut events = events(5);
    events[3].0 = "bad".into();
    let told = run(&quickbooks, &events, 60);
    assert_eq!(quickbooks.calls(), [5, 1, 1, 1, 1, 1]);
    assert_eq!(told.iter().filter(|answer| answer.is_ok()).count(), 4);
}

#[test]
fn a_refusal_touches_its_own_write_only() {
    let mut events = events(30);
    events[7].0 = "bad 7".into();
    events[20].0 = "bad 20".into();
    let told = run(&Ledger::with(&[]), &events, 60);
    let refused: Vec<usize> = (0..30).filter(|place| told[*place].is_err()).collect();
    assert_eq!(refused, [7, 20]);
    let alike = |place: usize| told[place].as_ref().is_ok_and(|entity| note_of(entity) == events[place].0);
    assert!((0..30).filter(|place| !refused.contains(place)).all(alike), "each has its own answer");
}

#[test]
fn transactions_of_a_moderate_length_may_go_together() {
    let lines = |count| Invoice { line: Some(vec![Line::default(); count]), ..Invoice::default() }.into();
    assert!(may_join(&lines(100)) && !may_join(&lines(101)));
    assert!(!may_join(&quickbooks_wire::Customer::default().into()));
}

#[test]
fn a_backlog_goes_in_batches_when_it_is_long_and_pushed_and_affordable() {
    let manner = |invoices: usize, payments: usize, clients: usize, directions: Directions, metered: u64| {
        let kinds = [(Kind::Invoice, invoices), (Kind::Payment, payments), (Kind::Client, clients)];
        let backlog = kinds.into_iter().flat_map(|(kind, count)| std::iter::repeat_n(kind, count));
        Manner::of(backlog, &directions, Spent { metered, free: 0 })
    };
    let push = Directions::all(Direction::Push);
    assert_eq!(manner(240, 0, 0, push, 0), Manner::OneByOne);
    assert_eq!(manner(121, 120, 0, push, 0), Manner::InBatches);
    assert_eq!(manner(0, 0, 5_000, push, 0), Manner::OneByOne, "lists go one by one");
    assert_eq!(manner(5_000, 0, 0, push, 100_000), Manner::InBatches);
    assert_eq!(manner(5_000, 0, 0, push, 100_001), Manner::OneByOne, "look-ups need the rest");
    for direction in [Direction::None, Direction::Pull] {
        let none = Directions { invoice: direction, ..push };
        assert_eq!(manner(5_000, 240, 0, none, 0), Manner::OneByOne, "{direction}");
        assert_eq!(manner(5_000, 241, 0, none, 0), Manner::InBatches);
    }
    assert_eq!(manner(241, 0, 0, Directions::all(Direction::Bidirectional), 0), Manner::InBatches);
}

#[test]
fn a_create_in_a_batch_stays_open_until_nobody_can_be_carrying_it_out() {
    let at = |second: i64| Timestamp::from_second(1_772_000_000 + second).unwrap();
    let intent = |in_batch| Intent {
        kind: Kind::Invoice,
        billing_id: BillingId::new("i-1").unwrap(),
        generation: 0,
        request_id: request_id("r"),
        body: String::new(),
        at: at(0),
        told_at: None,
        bill: None,
        in_batch,
    };
    let waits = |second| still_open(&intent(true), at(second)).and_then(|retry| retry.after);
    assert_eq!(waits(0), Some(Duration::from_secs(360)));
    assert_eq!(waits(359), Some(Duration::from_secs(1)));
    assert_eq!(waits(360), None);
    assert_eq!(still_open(&intent(false), at(0)), None, "its own requestid is enough");
}

fn any_way() -> impl Strategy<Value = Way> {
    prop_oneof![
        4 => Just(Way::Answered),
        2 => Just(Way::RequestLost),
        2 => Just(Way::AnswerLost),
        1 => Just(Way::NotSent),
        1 => Just(Way::Throttled),
        1 => Just(Way::Refused("1040")),
        1 => Just(Way::Refused("10000")),
    ]
}

proptest! {
    /// Invariants 1 and 9: whatever is lost, each write is carried out at most once, and who is told that nothing has
    /// happened, or that it has, is told the truth.
    #[test]
    fn nothing_is_doubled_and_nobody_is_told_what_is_not_so(
        pauses in prop::collection::vec((0..6_usize, prop::bool::weighted(0.1)), 1..90),
        ways in prop::collection::vec(any_way(), 0..12),
        at_once in 1..61_usize,
    ) {
        let quickbooks = Ledger::with(&ways);
        let named = |(number, (pauses, bad)): (usize, &(usize, bool))| {
            (format!("{}-{number}", if *bad { "bad" } else { "n" }), *pauses)
        };
        let events: Vec<(String, usize)> = pauses.iter().enumerate().map(named).collect();
        let told = run(&quickbooks, &events, at_once);
        for ((note, _), answer) in events.iter().zip(&told) {
            let times = quickbooks.times(note);
            prop_assert!(times <= 1, "{} {}", note, times);
            match answer {
                Ok(entity) => prop_assert!(times == 1 && note_of(entity) == *note),
                Err(error) if !may_have_happened(error) => prop_assert_eq!(times, 0, "{}", error),
                Err(_) => {}
            }
        }
        prop_assert!(quickbooks.calls().iter().all(|size| *size <= Write::MOST_IN_A_BATCH));
    }
}
