//! What all tests share, and the companies that each has of its own.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use admin::{CutOff, SettingsChange};
use anyhow::{Context, bail, ensure};
use libtest_mimic::{Failed, Trial};
use local::{Bundle, BundleOptions, Message, run};
use quickbooks_simulator::company::{Company as Realm, Request, Seed};
use quickbooks_simulator::server::{Call, Fault};
use serde_json::{Value, json};
use sync::activity::{Activity, ActivityResult};
use sync::ids::{Books, CompanyId, EventId, RealmId};
use sync::model::Kind;
use sync::outcome::{DoneAction, ParkCause};
use sync::settings::Direction;
use tokio::runtime::Runtime;
use tokio::sync::OnceCell;
use tokio::time::sleep;

use crate::records::changed;

/// How long a company's messages, and what follows them, may take. A 429 holds them up for more than a minute, a function
/// that is too slow to start for longer than its queue hides what it was given.
pub(crate) const PATIENCE: Duration = Duration::from_secs(240);
/// How often a test looks at what it waits for.
pub(crate) const GLANCE: Duration = Duration::from_millis(100);
/// As many entries of the activity log as QuickBooks may tell of while a test waits.
const NEWEST: usize = 100;

type Body = Box<dyn FnOnce(Arc<World>) -> Pin<Box<dyn Future<Output = anyhow::Result<()>>>> + Send>;

/// A test's name and what it does.
pub(crate) struct Test {
    name: String,
    body: Body,
}

/// Lists functions as tests.
macro_rules! tests {
    ($($test:ident),* $(,)?) => {
        pub(crate) fn tests() -> Vec<$crate::world::Test> {
            vec![$($crate::world::test(concat!(module_path!(), "::", stringify!($test)), $test)),*]
        }
    };
}
pub(crate) use tests;

/// A function as a test.
pub(crate) fn test<F, R>(name: &str, body: F) -> Test
where
    F: FnOnce(Arc<World>) -> R + Send + 'static,
    R: Future<Output = anyhow::Result<()>> + 'static,
{
    Test { name: name.trim_start_matches("it::").to_owned(), body: Box::new(|world| Box::pin(body(world))) }
}

/// The bundle, started when it is first needed.
pub(crate) struct World {
    runtime: Runtime,
    bundle: OnceCell<Bundle>,
    companies: AtomicU64,
}

impl World {
    pub(crate) fn new() -> anyhow::Result<Arc<World>> {
        Ok(Arc::new(World {
            runtime: Runtime::new()?,
            bundle: OnceCell::new(),
            companies: AtomicU64::new(0),
        }))
    }

    /// The tests for the harness.
    pub(crate) fn trials(self: &Arc<World>, tests: Vec<Test>) -> Vec<Trial> {
        tests.into_iter().map(|test| self.trial(test)).collect()
    }

    fn trial(self: &Arc<World>, Test { name, body }: Test) -> Trial {
        let world = Arc::clone(self);
        Trial::test(name, move || {
            let ended = world.runtime.block_on(body(Arc::clone(&world)));
            ended.map_err(|error| Failed::from(format!("{error:#}")))
        })
    }

    /// Ends the bundle, if it was started.
    pub(crate) fn end(self: Arc<World>) -> anyhow::Result<()> {
        let world = Arc::into_inner(self).context("a test is still running")?;
        match world.bundle.into_inner() {
            Some(bundle) => world.runtime.block_on(bundle.stop()),
            None => Ok(()),
        }
    }

    /// The running bundle.
    pub(crate) async fn bundle(&self) -> anyhow::Result<&Bundle> {
        self.bundle.get_or_try_init(|| Bundle::start(BundleOptions::default())).await
    }

    /// A company that is connected with a realm of its own and pushes everything.
    pub(crate) async fn tenant(&self, name: &str) -> anyhow::Result<Tenant<'_>> {
        self.tenant_of(name, Seed::Landscaping).await
    }

    /// The same with a realm of another sort.
    pub(crate) async fn tenant_of(&self, name: &str, seed: Seed) -> anyhow::Result<Tenant<'_>> {
        let tenant = self.stranger_of(name, seed).await?;
        tenant.add().await?;
        run::connect(tenant.bundle, &tenant.id, &tenant.realm, tenant.bundle.simulator.now()).await?;
        let income_account = Some("Services".to_owned());
        let cut_off = Some(CutOff::None);
        tenant.change(SettingsChange { income_account, cut_off, ..all(Direction::Push) }).await?;
        Ok(tenant)
    }

    /// A company that nobody has added or connected yet, and a realm for it.
    pub(crate) async fn stranger(&self, name: &str) -> anyhow::Result<Tenant<'_>> {
        self.stranger_of(name, Seed::Landscaping).await
    }

    async fn stranger_of(&self, name: &str, seed: Seed) -> anyhow::Result<Tenant<'_>> {
        let bundle = self.bundle().await?;
        let number = self.companies.fetch_add(1, Ordering::Relaxed);
        let realm = format!("913000000000{number:04}");
        bundle.simulator.add_company(seed, &realm);
        Ok(Tenant {
            bundle,
            id: CompanyId::new(format!("{name}-{number}"))?,
            realm,
            events: AtomicU64::new(0),
        })
    }
}

/// One test's company, and its realm.
pub(crate) struct Tenant<'w> {
    pub(crate) bundle: &'w Bundle,
    pub(crate) id: CompanyId,
    pub(crate) realm: String,
    events: AtomicU64,
}

impl Tenant<'_> {
    /// Adds the company, as an operator does.
    pub(crate) async fn add(&self) -> anyhow::Result<()> {
        self.bundle.operator.add_company(&self.id).await?;
        Ok(())
    }

    /// Changes the company's settings, as an operator does.
    pub(crate) async fn change(&self, change: SettingsChange) -> anyhow::Result<()> {
        self.bundle.operator.change_settings(&self.id, &change).await?;
        Ok(())
    }

    /// The company with its realm.
    pub(crate) fn books(&self) -> anyhow::Result<Books> {
        Ok(Books { company: self.id.clone(), realm: RealmId::new(self.realm.as_str())? })
    }

    /// An event, a minute after the one before. `what` is `KIND.VERB`.
    pub(crate) fn event(&self, what: &str, data: &Value) -> Value {
        let number = self.events.fetch_add(1, Ordering::Relaxed);
        json!({
            "specversion": "1.0",
            "id": format!("e-{number}"),
            "source": "https://billing.example/tests",
            "type": format!("billing.{what}"),
            "subject": data["id"],
            "time": format!("2026-03-01T{:02}:{:02}:00Z", 8 + number / 60, number % 60),
            "company": self.id,
            "data": data,
        })
    }

    /// Pushes events, each in a message of its own, and tells what became of each.
    pub(crate) async fn push(&self, events: &[Value]) -> anyhow::Result<Vec<Activity>> {
        self.push_texts(&events.iter().map(Value::to_string).collect::<Vec<_>>()).await
    }

    /// The same with messages as they are. Each has to hold one event.
    pub(crate) async fn push_texts(&self, bodies: &[String]) -> anyhow::Result<Vec<Activity>> {
        let message = |body: &String| Message { company: self.id.clone(), body: body.clone() };
        let mut messages: Vec<Message> = bodies.iter().map(message).collect();
        // Messages of a company are dealt with in their order, save that this one, which touches nothing, may end
        // before one that has to be tried again. Its id sorts behind those that were sent in the same moment.
        let last = self.event("end.of.test", &json!({"id": "end"}));
        let last = changed(&last, "id", format!("zz {}", last["id"]));
        messages.push(message(&last.to_string()));
        let mut sent = self.bundle.send(&messages).await?;
        let last = sent.pop().and_then(|mut sent| sent.events.pop()).context("nothing was sent")?;
        let operator = &self.bundle.operator;
        let ids = sent.iter().flat_map(|sent| &sent.events).map(EventId::as_str).collect::<Vec<_>>();
        let begun = Instant::now();
        // What cannot be read is dated when it was sent: after all events of the tests, and among what QuickBooks has
        // told since.
        let is_through = async || {
            let newest = operator.activity(&self.id, NEWEST).await?;
            Ok::<_, anyhow::Error>(newest.iter().any(|entry| entry.event == last))
        };
        while !is_through().await? || self.endings_by_id(&ids).await.is_err() {
            if begun.elapsed() > PATIENCE {
                bail!("{} is not through after {PATIENCE:?}; the functions said:\n{}", self.id, self.log()?);
            }
            sleep(GLANCE).await;
        }
        self.endings_by_id(&ids).await
    }

    /// What has become of events that were pushed before.
    pub(crate) async fn endings_of(&self, events: &[Value]) -> anyhow::Result<Vec<Activity>> {
        self.endings_by_id(&events.iter().filter_map(|event| event["id"].as_str()).collect::<Vec<_>>()).await
    }

    async fn endings_by_id(&self, ids: &[&str]) -> anyhow::Result<Vec<Activity>> {
        let entries = self.bundle.operator.activity(&self.id, usize::MAX).await?;
        let entry = |id: &&str| {
            let found = entries.iter().find(|entry| entry.event.as_str() == *id);
            found.cloned().with_context(|| format!("event {id} left no activity"))
        };
        ids.iter().map(entry).collect()
    }

    /// What the functions that keep both sides in step said about the company last.
    pub(crate) fn log(&self) -> anyhow::Result<String> {
        let mut said = String::new();
        for function in ["PushProcessorFunction", "WebhookIngestFunction", "PullProcessorFunction"] {
            let log = self.bundle.stack.function_log(function)?;
            let lines: Vec<&str> = log.lines().filter(|line| line.contains(self.id.as_str())).collect();
            said += &format!("{function}:\n{}\n", lines[lines.len().saturating_sub(20)..].join("\n"));
        }
        Ok(said)
    }

    /// Pushes one event that has to succeed, and returns the counterpart's id.
    pub(crate) async fn must(&self, action: DoneAction, event: Value) -> anyhow::Result<String> {
        let activity = self.push(&[event]).await?.remove(0);
        is_done(&activity, action)
    }

    /// All objects of the realm of an entity.
    pub(crate) fn all(&self, entity: &str) -> Vec<Value> {
        let read = |realm: &mut Realm| realm.entities(entity).into_iter().cloned().collect();
        self.bundle.simulator.with_company(&self.realm, read).unwrap_or_default()
    }

    /// Those of them whose member is this text.
    pub(crate) fn with(&self, entity: &str, member: &str, text: &str) -> Vec<Value> {
        self.all(entity).into_iter().filter(|object| object[member] == text).collect()
    }

    /// One object.
    pub(crate) fn object(&self, entity: &str, id: &str) -> anyhow::Result<Value> {
        let mut found = self.with(entity, "Id", id);
        found.pop().with_context(|| format!("{entity} {id} is not there"))
    }

    /// What a bookkeeper enters anew in QuickBooks.
    pub(crate) fn bookkeeper_enters(&self, entity: &str, object: &Value) -> anyhow::Result<Value> {
        self.bookkeeper(entity, object, &[])
    }

    /// What a bookkeeper changes in QuickBooks.
    pub(crate) fn bookkeeper_saves(&self, entity: &str, object: &Value) -> anyhow::Result<Value> {
        self.bookkeeper(entity, object, &[("operation", "update")])
    }

    /// The same by the entity's id: only what is named changes.
    pub(crate) fn bookkeeper_changes(
        &self,
        entity: &str,
        id: &str,
        members: &Value,
    ) -> anyhow::Result<Value> {
        let mut object =
            json!({"Id": id, "SyncToken": self.object(entity, id)?["SyncToken"], "sparse": true});
        let named = members.as_object().into_iter().flatten();
        named.for_each(|(name, value)| object[name] = value.clone());
        self.bookkeeper_saves(entity, &object)
    }

    /// What a bookkeeper voids in QuickBooks.
    pub(crate) fn bookkeeper_voids(&self, entity: &str, id: &str) -> anyhow::Result<Value> {
        let object = json!({"Id": id, "SyncToken": self.object(entity, id)?["SyncToken"], "sparse": true});
        match entity {
            "Payment" => self.bookkeeper(entity, &object, &[("operation", "update"), ("include", "void")]),
            _ => self.bookkeeper(entity, &object, &[("operation", "void")]),
        }
    }

    /// What a bookkeeper deletes in QuickBooks.
    pub(crate) fn bookkeeper_deletes(&self, entity: &str, object: &Value) -> anyhow::Result<Value> {
        self.bookkeeper(entity, object, &[("operation", "delete")])
    }

    fn bookkeeper(&self, entity: &str, object: &Value, query: &[(&str, &str)]) -> anyhow::Result<Value> {
        let request = Request {
            method: "POST".into(),
            path: entity.to_lowercase(),
            query: query.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
            content_type: Some("application/json".into()),
            body: object.to_string().into_bytes(),
        };
        let now = self.bundle.simulator.now();
        let save = |realm: &mut Realm| realm.answer(&request, now);
        let answer = self.bundle.simulator.with_company(&self.realm, save).context("no such realm")?;
        ensure!(answer.status == 200, "QuickBooks does not let the bookkeeper: {}", answer.body);
        Ok(serde_json::from_str::<Value>(&answer.body)?[entity].clone())
    }

    /// The calls to the realm so far.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.bundle.simulator.call_list(Some(&self.realm))
    }

    /// Lets something go wrong in this realm.
    pub(crate) fn suffers(&self, fault: Fault) {
        self.bundle.simulator.add_fault(Fault { company: Some(self.realm.clone()), ..fault });
    }
}

/// The same direction for every kind.
pub(crate) fn all(direction: Direction) -> SettingsChange {
    SettingsChange {
        directions: Kind::ALL.map(|kind| (kind, direction)).to_vec(),
        ..SettingsChange::default()
    }
}

/// The counterpart's id, if the event has ended so.
pub(crate) fn is_done(activity: &Activity, action: DoneAction) -> anyhow::Result<String> {
    match &activity.result {
        ActivityResult::Done(done) if done.action == action => Ok(done.quickbooks_id.to_string()),
        other => bail!("{} should be {action:?}, but: {other:?}", activity.event),
    }
}

/// The reason, if the event is parked for this cause; a way on is always told.
pub(crate) fn is_parked(activity: &Activity, cause: ParkCause) -> anyhow::Result<&str> {
    match &activity.result {
        ActivityResult::Parked(park) if park.cause == cause && !park.way_on.is_empty() => Ok(&park.reason),
        other => bail!("{} should be parked for {cause:?}, but: {other:?}", activity.event),
    }
}

/// Nothing, if the event is skipped for a reason with these words.
pub(crate) fn is_skipped(activity: &Activity, words: &str) -> anyhow::Result<()> {
    match &activity.result {
        ActivityResult::Skipped { reason } if reason.contains(words) => Ok(()),
        other => bail!("{} should be skipped because \"{words}\", but: {other:?}", activity.event),
    }
}
