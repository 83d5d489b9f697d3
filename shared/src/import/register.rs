//! What the billing app has, as far as it takes to know what it does not have.
//!
//! Most of what an import brings over is new to the app, and is looked for there by its name, its addresses or its number
//! first. The register holds a digest of each of these. What is not among them need not be looked for; what seems to
//! be is, so that a digest that two names have in common costs a call and nothing else. With 100,000 clients it takes a
//! few MiB, and one call for each page of them.
//!
//! It also tells which entities may come upon the same record, be it one by its name and the other by its address: they
//! are dealt with one after the other, so that it never depends on who is faster whose counterpart the record becomes.
//!
//! What was in the app before it was in QuickBooks must be in the register before its entity is dealt with. So it is
//! brought up to date after entities were read and before the first of them is looked for: by what has changed since,
//! by the app's own clock.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};

use futures::lock::Mutex;
use jiff::{SignedDuration, Timestamp};

use crate::ids::{CompanyId, JobId};
use crate::model::{Kind, Record};
use crate::ports::{Billing, BillingError, BillingQuery, Clock, Page};

/// So many look-ups cost the app about as much as a page of its list.
const WORTH_A_PAGE: u64 = 10;
/// The most names of a kind that are held: some 10 MiB.
const MOST: usize = 400_000;
/// How much earlier than the last change seen the next reading begins. Changes of one moment become visible one after
/// the other.
const OVERLAP: SignedDuration = SignedDuration::from_secs(5);

/// The names of the records of one company's billing app, read for one import at a time. It may be lost at any time.
#[derive(Debug, Default)]
pub struct Register(Mutex<Names>);

#[derive(Debug, Default)]
struct Names {
    job: Option<JobId>,
    leave: Option<Leave>,
    rolls: BTreeMap<Kind, Roll>,
}

/// How much may be read.
#[derive(Clone, Copy, Debug)]
struct Leave {
    until: Timestamp,
    pages: u64,
}

/// The names of a kind.
#[derive(Debug)]
struct Roll {
    /// The groups of the records that a digest stands for.
    groups: HashMap<u64, u32>,
    /// Those of the groups that have something in common point to an earlier one, all others to themselves.
    joined: Vec<u32>,
    /// Where the next page begins: what has changed since then, and which page of that.
    since: Timestamp,
    page: Option<String>,
    /// When the last change happened that was read.
    newest: Timestamp,
    /// Pages of this reading.
    pages: u64,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Something may have come since it was read, or it was not read to its end.
    Old,
    /// It has all that the app had when the entities were read.
    Current,
    /// It cannot be read now.
    Silent,
    /// Look-ups are cheaper, or the app does not tell its names.
    Useless,
}

/// What is known of something that is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// The app has nothing that fits, deleted records aside.
    Lacking,
    /// It may have something. Records of one group have names or addresses in common, directly or through others.
    InGroup(u32),
    /// It has to be asked.
    Nothing,
}

impl Register {
    /// Begins with what a job has read of QuickBooks just now. `left` is how many entities are yet to be dealt with; nothing
    /// is read after `until`, or without it.
    pub(crate) async fn turn_to(&self, job: &JobId, left: u64, until: Option<Timestamp>) {
        let mut names = self.0.lock().await;
        if names.job.as_ref() != Some(job) {
            *names = Names { job: Some(job.clone()), ..Names::default() };
        }
        let pages = (left / WORTH_A_PAGE).max(1);
        names.leave = until.map(|until| Leave { until, pages });
        for roll in names.rolls.values_mut().filter(|roll| roll.state != State::Useless) {
            roll.state = State::Old;
        }
    }

    /// What is known. Reads first what is yet to be read.
    pub(crate) async fn look(
        &self,
        billing: &dyn Billing,
        clock: &dyn Clock,
        company: &CompanyId,
        wanted: &BillingQuery,
    ) -> Known {
        let kind = match wanted {
            BillingQuery::ClientNamed(_) | BillingQuery::ClientWithEmail(_) => Kind::Client,
            BillingQuery::ProductKeyed(_) => Kind::Product,
            BillingQuery::InvoiceNumbered(_) => Kind::Invoice,
            // The few that are looked for are not worth reading all.
            BillingQuery::PaymentNumbered(_) => return Known::Nothing,
        };
        let Some(digest) = digest(wanted) else { return Known::Nothing };
        // Whoever comes while it is read waits for the same.
        let mut names = self.0.lock().await;
        let leave = names.leave;
        let roll = names.rolls.entry(kind).or_insert_with(Roll::new);
        while roll.state == State::Old {
            let Some(leave) = leave.filter(|leave| clock.now() < leave.until) else {
                return Known::Nothing;
            };
            let page = billing.changed_since(company, kind, roll.since, roll.page.as_deref()).await;
            roll.take(page, leave.pages);
        }
        match (roll.state, roll.groups.get(&digest)) {
            (State::Current, None) => Known::Lacking,
            (State::Current, Some(group)) => Known::InGroup(roll.root(*group)),
            _ => Known::Nothing,
        }
    }

    /// Notes a record that is about to be written, whatever comes of it.
    pub(crate) async fn note(&self, record: &Record) {
        if let Some(roll) = self.0.lock().await.rolls.get_mut(&record.kind()) {
            roll.add(record);
        }
    }
}

impl Roll {
    fn new() -> Roll {
        Roll {
            groups: HashMap::new(),
            joined: Vec::new(),
            since: Timestamp::UNIX_EPOCH,
            page: None,
            newest: Timestamp::UNIX_EPOCH,
            pages: 0,
            state: State::Old,
        }
    }

    /// Puts a record into the group of those that it has something in common with.
    fn add(&mut self, record: &Record) {
        let digests: Vec<u64> = found_by(record).iter().filter_map(digest).collect();
        let met = digests.iter().filter_map(|digest| Some(self.root(*self.groups.get(digest)?)));
        let met: Vec<u32> = met.collect();
        let new = u32::try_from(self.joined.len()).unwrap_or(u32::MAX);
        let group = met.iter().copied().min().unwrap_or(new);
        if group == new {
            self.joined.push(new);
        }
        for other in met {
            if let Some(joined) = self.joined.get_mut(other as usize) {
                *joined = group;
            }
        }
        self.groups.extend(digests.into_iter().map(|digest| (digest, group)));
    }

    /// The group that a group has become part of.
    fn root(&self, mut group: u32) -> u32 {
        while let Some(earlier) = self.joined.get(group as usize).filter(|earlier| **earlier < group) {
            group = *earlier;
        }
        group
    }

    fn take(&mut self, page: Result<Page, BillingError>, most_pages: u64) {
        let page = match page {
            Ok(page) => page,
            Err(BillingError::NotOffered) => return self.give_up(),
            // The look-up that comes instead tells what is wrong.
            Err(_) => {
                self.state = State::Silent;
                return;
            }
        };
        page.records.iter().filter(|stored| !stored.deleted).for_each(|stored| self.add(&stored.record));
        let changed = page.records.iter().map(|stored| stored.updated_at);
        self.newest = changed.chain([self.newest]).max().unwrap_or(self.newest);
        self.pages += 1;
        // Of those that cannot be read no name is known.
        if !page.unread.is_empty() || self.groups.len() > MOST {
            return self.give_up();
        }
        match page.next {
            Some(_) if self.pages >= most_pages => self.give_up(),
            Some(next) => self.page = Some(next),
            None => {
                (self.page, self.pages) = (None, 0);
                self.since = self.newest.saturating_sub(OVERLAP).unwrap_or(self.newest).max(self.since);
                self.state = State::Current;
            }
        }
    }

    fn give_up(&mut self) {
        *self = Roll { state: State::Useless, ..Roll::new() };
    }
}

/// What finds a record.
fn found_by(record: &Record) -> Vec<BillingQuery> {
    match record {
        Record::Client(client) => {
            let emails = client.contacts.iter().map(|contact| &contact.email);
            let emails = emails.map(|email| BillingQuery::ClientWithEmail(email.clone()));
            emails.chain([BillingQuery::ClientNamed(client.name.clone())]).collect()
        }
        Record::Product(product) => vec![BillingQuery::ProductKeyed(product.key.clone())],
        Record::Invoice(invoice) => vec![BillingQuery::InvoiceNumbered(invoice.number.clone())],
        Record::Payment(_) => Vec::new(),
    }
}

/// The same for all that finds the same; none if it names nothing.
fn digest(query: &BillingQuery) -> Option<u64> {
    let (by, text) = match query {
        BillingQuery::ClientNamed(text) => ("name", text),
        BillingQuery::ClientWithEmail(text) => ("e-mail", text),
        BillingQuery::ProductKeyed(text) => ("key", text),
        BillingQuery::InvoiceNumbered(text) | BillingQuery::PaymentNumbered(text) => ("number", text),
    };
    let text = text.trim().to_lowercase();
    let mut hasher = DefaultHasher::new();
    (by, &text).hash(&mut hasher);
    (!text.is_empty()).then(|| hasher.finish())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::atomic::{AtomicI64, Ordering};
    use std::sync::{Arc, Mutex as Now};

    use async_trait::async_trait;
    use futures::executor::block_on;
    use proptest::prelude::*;

    use super::*;
    use crate::ids::BillingId;
    use crate::mapping::fixtures;
    use crate::memory::MemoryBilling;
    use crate::model::{Client, Contact, Invoice};
    use crate::ports::Stored;

    #[derive(Default)]
    struct Hands(AtomicI64);

    impl Clock for Hands {
        fn now(&self) -> Timestamp {
            Timestamp::from_second(1_772_000_000 + self.0.load(Ordering::SeqCst)).unwrap()
        }
    }

    /// How its list is read, and what comes of it.
    struct App {
        records: MemoryBilling,
        clock: Arc<Hands>,
        asked: Now<Vec<Timestamp>>,
        refuses: Now<Option<BillingError>>,
        unread: bool,
    }

    impl App {
        fn new() -> App {
            let clock = Arc::new(Hands::default());
            let records = MemoryBilling::new(Arc::clone(&clock) as _).pages_of(2);
            App { records, clock, asked: Now::default(), refuses: Now::default(), unread: false }
        }

        fn waits(&self, seconds: i64) {
            self.clock.0.fetch_add(seconds, Ordering::SeqCst);
        }

        fn client(&self, name: &str) {
            let id = BillingId::new(format!("of {name}")).unwrap();
            let client = Client { id, name: name.into(), ..fixtures::client() };
            self.records.put(&acme(), Record::Client(Box::new(client)));
        }

        fn calls(&self) -> usize {
            std::mem::take(&mut *self.asked.lock().unwrap()).len()
        }
    }

    #[async_trait]
    impl Billing for App {
        async fn fetch(&self, _: &CompanyId, _: Kind, _: &BillingId) -> Result<Option<Stored>, BillingError> {
            unreachable!()
        }

        async fn changed_since(
            &self,
            company: &CompanyId,
            kind: Kind,
            since: Timestamp,
            page: Option<&str>,
        ) -> Result<Page, BillingError> {
            self.asked.lock().unwrap().push(since);
            if let Some(error) = self.refuses.lock().unwrap().take() {
                return Err(error);
            }
            let mut page = self.records.changed_since(company, kind, since, page).await?;
            if self.unread {
                page.unread.push((BillingId::new("odd").unwrap(), since));
            }
            Ok(page)
        }
    }

    fn acme() -> CompanyId {
        CompanyId::new("acme").unwrap()
    }

    fn named(name: &str) -> BillingQuery {
        BillingQuery::ClientNamed(name.into())
    }

    fn lacks(register: &Register, app: &App, wanted: &BillingQuery) -> bool {
        block_on(register.look(app, &*app.clock, &acme(), wanted)) == Known::Lacking
    }

    fn turn_to(register: &Register, app: &App, job: i64, left: u64) {
        let until = app.clock.now() + SignedDuration::from_mins(3);
        block_on(register.turn_to(&JobId::at(Timestamp::from_second(job).unwrap()), left, Some(until)));
    }

    #[test]
    fn the_list_is_read_once_and_then_what_is_new() {
        let (register, app) = (Register::default(), App::new());
        ["Fern", "Moss", "Ivy"].into_iter().for_each(|name| app.client(name));
        app.waits(60);
        turn_to(&register, &app, 1, 1000);
        assert!(!lacks(&register, &app, &named(" MOSS")));
        assert!(lacks(&register, &app, &named("Oak")));
        assert_eq!(app.calls(), 2, "two pages for all that is asked");

        // Somebody enters one, which finds its way to QuickBooks.
        app.client("Oak");
        assert!(lacks(&register, &app, &named("Oak")), "nothing is read before QuickBooks was read");
        turn_to(&register, &app, 1, 1000);
        assert!(!lacks(&register, &app, &named("Oak")));
        assert_eq!(app.calls(), 2, "what changed since the newest, that one too, and a little before");
        let oak = app.clock.now();
        turn_to(&register, &app, 1, 1000);
        assert!(lacks(&register, &app, &named("Elm")));
        assert_eq!(*app.asked.lock().unwrap(), [oak - OVERLAP]);

        turn_to(&register, &app, 2, 1000);
        assert!(lacks(&register, &app, &named("Elm")));
        assert_eq!(app.asked.lock().unwrap()[1], Timestamp::UNIX_EPOCH, "another import reads it anew");
    }

    #[test]
    fn what_is_about_to_be_written_may_be_there() {
        let (register, app) = (Register::default(), App::new());
        turn_to(&register, &app, 1, 1000);
        let invoice = Invoice { number: "N-1".into(), ..fixtures::invoice() };
        let number = BillingQuery::InvoiceNumbered("N-1".into());
        assert!(lacks(&register, &app, &number));
        block_on(register.note(&Record::Invoice(Box::new(invoice))));
        assert!(!lacks(&register, &app, &number));
    }

    #[test]
    fn an_app_that_fails_is_asked_again_for_the_next_entities() {
        let (register, app) = (Register::default(), App::new());
        *app.refuses.lock().unwrap() = Some(BillingError::Unknown("no answer".into()));
        turn_to(&register, &app, 1, 1000);
        assert!(!lacks(&register, &app, &named("Fern")) && !lacks(&register, &app, &named("Moss")));
        assert_eq!(app.calls(), 1, "look-ups go on without it");
        turn_to(&register, &app, 1, 1000);
        assert!(lacks(&register, &app, &named("Fern")));
    }

    #[test]
    fn what_cannot_be_relied_on_is_not() {
        let with_many = App::new();
        (0..9).for_each(|number| with_many.client(&format!("Client {number}")));
        let silent = App::new();
        *silent.refuses.lock().unwrap() = Some(BillingError::NotOffered);
        let odd = App { unread: true, ..App::new() };
        for (app, left, calls, why) in [
            (with_many, 39, 3, "five pages are more than thirty-nine look-ups"),
            (silent, 1000, 1, "it has no list"),
            (odd, 1000, 1, "one of its records cannot be read"),
        ] {
            let register = Register::default();
            for _ in 0..2 {
                turn_to(&register, &app, 1, left);
                assert!(!lacks(&register, &app, &named("Oak")), "{why}");
            }
            assert_eq!(app.calls(), calls, "{why}");
        }
    }

    #[test]
    fn nothing_is_read_when_the_time_is_over() {
        let (register, app) = (Register::default(), App::new());
        turn_to(&register, &app, 1, 1000);
        app.waits(200);
        assert!(!lacks(&register, &app, &named("Fern")));
        assert_eq!(app.calls(), 0);
    }

    #[test]
    fn what_may_come_upon_the_same_record_is_in_one_group() {
        let (register, app) = (Register::default(), App::new());
        let client = |name: &str, emails: &[&str]| {
            let contact = |email: &&str| Contact { email: (*email).into(), ..Contact::default() };
            let contacts = emails.iter().map(contact).collect();
            let id = BillingId::new(format!("of {name}")).unwrap();
            let client = Client { id, name: name.into(), contacts, ..fixtures::client() };
            app.records.put(&acme(), Record::Client(Box::new(client)));
        };
        client("Fern", &["a@x.example", ""]);
        client("Moss", &["b@x.example", ""]);
        client("Ivy", &["c@x.example"]);
        client("Oak", &["b@x.example", "c@x.example"]);
        turn_to(&register, &app, 1, 1000);
        let group = |query: BillingQuery| match block_on(register.look(&app, &*app.clock, &acme(), &query)) {
            Known::InGroup(group) => group,
            other => panic!("{query:?}: {other:?}"),
        };
        let email = |address: &str| BillingQuery::ClientWithEmail(address.into());
        assert_eq!(group(named("fern")), group(email("A@x.example")));
        assert_ne!(group(named("fern")), group(named("moss")), "having no address is not one in common");
        let joined = [named("moss"), named("ivy"), named("oak"), email("b@x.example"), email("c@x.example")];
        let groups: HashSet<u32> = joined.into_iter().map(group).collect();
        assert_eq!(groups.len(), 1, "Oak has an address of either");
    }

    proptest! {
        /// What fits is never said to be lacking, however it is written.
        #[test]
        fn nothing_that_fits_is_passed_over(
            name in "[ a-cA-CßÉ]{0,4}", email in "[ a-cA-CßÉ]{0,4}", wanted in "[ a-cA-CßÉ]{0,4}",
        ) {
            let mut client = Client { name, ..fixtures::client() };
            client.contacts[0].email = email;
            let number = wanted.clone();
            let records = [
                Record::Client(Box::new(client)),
                Record::Invoice(Box::new(Invoice { number, ..fixtures::invoice() })),
            ];
            for record in records {
                for query in [
                    BillingQuery::ClientNamed(wanted.clone()),
                    BillingQuery::ClientWithEmail(wanted.clone()),
                    BillingQuery::InvoiceNumbered(wanted.clone()),
                ] {
                    let digests: Vec<u64> = found_by(&record).iter().filter_map(digest).collect();
                    let is_lacking = digest(&query).is_some_and(|digest| !digests.contains(&digest));
                    prop_assert!(!(is_lacking && query.fits(&record)), "{query:?}");
                }
            }
        }
    }
}
