//! A company that keeps both sides in step, its bookkeeper, and the notices that QuickBooks sends.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use quickbooks::{Endpoints, http_client};
use quickbooks_simulator::company::{Change, Company, Request, Seed};
use serde_json::{Value, json};
use sync::activity::{Activity, ActivityResult, Side};
use sync::ids::{BillingId, CompanyId, QuickBooksId, RealmId};
use sync::link::Link;
use sync::memory::MemoryBilling;
use sync::model::{Client, Invoice, Kind, Payment, Product, Record};
use sync::notice::{ChangeNotice, Operation, Source, messages};
use sync::outcome::{Done, DoneAction};
use sync::ports::{ActivityLog, Billing, Clock, Stored};
use sync::pull;
use sync::push::{Message, Ports, Verdict};
use sync::settings::{Direction, Directions, Settings};
use url::Url;

use crate::desk::{Desk, Now, OneRealm, REALM};

/// Real time, and what was waited since the beginning.
pub(super) struct Shifted(Arc<AtomicI64>);

#[async_trait]
impl Clock for Shifted {
    fn now(&self) -> Timestamp {
        Now.now().saturating_add(SignedDuration::from_secs(self.0.load(Ordering::SeqCst))).unwrap()
    }
}

pub(super) struct Office {
    pub(super) desk: Desk,
    pub(super) billing: Arc<MemoryBilling>,
    pub(super) clock: Shifted,
    waited: Arc<AtomicI64>,
    delivered: Cell<u32>,
    changes: RefCell<Vec<Change>>,
}

impl Office {
    /// A company that keeps everything in step both ways, over a seed company.
    pub(super) async fn open(seed: Seed) -> Office {
        let mut desk = Desk::open(seed).await;
        let settings =
            Settings { directions: Directions::all(Direction::Bidirectional), ..desk.settings().await };
        desk.save(settings).await;
        let waited = Arc::new(AtomicI64::new(0));
        let billing = Arc::new(MemoryBilling::new(Arc::new(Shifted(Arc::clone(&waited)))));
        desk.billing = Arc::clone(&billing) as Arc<dyn Billing>;
        let clock = Shifted(Arc::clone(&waited));
        Office { desk, billing, clock, waited, delivered: Cell::new(0), changes: RefCell::default() }
    }

    pub(super) fn ports(&self) -> Ports<'_> {
        Ports {
            companies: &self.desk.companies,
            ledger: &self.desk.ledger,
            activity: &self.desk.activity,
            billing: &*self.billing,
            connector: &self.desk.connector,
            clock: &self.clock,
        }
    }

    /// A new token, as after a refresh.
    pub(super) async fn reconnect(&mut self) {
        let api = Endpoints::at(&Url::parse(self.desk.simulator.url()).unwrap()).unwrap().api;
        let token = self.desk.simulator.connect(self.desk.books.realm.as_str()).unwrap().access_token;
        let http = http_client(Duration::from_secs(5), Duration::from_secs(10)).unwrap();
        let client = quickbooks::Client::new(http, &api, self.desk.books.realm.clone(), token.into());
        self.desk.connector = OneRealm(Arc::new(client));
    }

    /// Lets seconds pass on both sides: QuickBooks tells times to the second.
    pub(super) fn wait(&self, seconds: i64) {
        self.desk.simulator.advance_clock(SignedDuration::from_secs(seconds)).unwrap();
        self.waited.fetch_add(seconds, Ordering::SeqCst);
    }

    /// The bookkeeper writes something, some seconds later.
    pub(super) fn write(&self, path: &str, query: &[(&str, &str)], body: &Value) -> Value {
        self.wait(3);
        let request = Request {
            method: "POST".into(),
            path: path.into(),
            query: query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            content_type: Some("application/json".into()),
            body: body.to_string().into_bytes(),
        };
        let answer = self.act(|company, now| company.answer(&request, now));
        assert_eq!(answer.status, 200, "{}", answer.body);
        let answer: Value = serde_json::from_str(&answer.body).unwrap();
        answer.as_object().unwrap().values().find(|value| value.is_object()).unwrap().clone()
    }

    /// What the bookkeeper does to the company, told by notices.
    pub(super) fn act<R>(&self, act: impl FnOnce(&mut Company, Timestamp) -> R) -> R {
        let now = self.desk.simulator.now();
        let (result, changes) = self.desk.company(|company| {
            let result = act(company, now);
            (result, company.take_changes())
        });
        self.changes.borrow_mut().extend(changes);
        result
    }

    pub(super) fn create(&self, path: &str, body: &Value) -> Value {
        self.write(path, &[], body)
    }

    /// The bookkeeper changes members of an entity.
    pub(super) fn change(&self, entity: &str, id: &str, members: &Value) -> Value {
        let token = self.entity(entity, id)["SyncToken"].clone();
        let mut body = json!({"Id": id, "SyncToken": token, "sparse": true});
        body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        self.create(&entity.to_lowercase(), &body)
    }

    /// The same within the second in which it was changed last; nobody is told.
    pub(super) fn edit_in_the_same_second(&self, entity: &str, id: &str, members: &Value) {
        let before = self.entity(entity, id);
        let at: Timestamp = before["MetaData"]["LastUpdatedTime"].as_str().unwrap().parse().unwrap();
        let mut body = json!({"Id": id, "SyncToken": before["SyncToken"], "sparse": true});
        body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        let request = Request {
            method: "POST".into(),
            path: entity.to_lowercase(),
            query: Vec::new(),
            content_type: Some("application/json".into()),
            body: body.to_string().into_bytes(),
        };
        let answer = self.desk.company(|company| {
            let answer = company.answer(&request, at + SignedDuration::from_millis(500));
            company.take_changes();
            answer
        });
        assert_eq!(answer.status, 200, "{}", answer.body);
    }

    pub(super) fn void(&self, entity: &str, id: &str) {
        let token = self.entity(entity, id)["SyncToken"].clone();
        let body = json!({"Id": id, "SyncToken": token, "sparse": true});
        match entity {
            "Invoice" => self.write("invoice", &[("operation", "void")], &body),
            _ => self.write("payment", &[("operation", "update"), ("include", "void")], &body),
        };
    }

    pub(super) fn delete(&self, entity: &str, id: &str) {
        let token = self.entity(entity, id)["SyncToken"].clone();
        let body = json!({"Id": id, "SyncToken": token});
        self.write(&entity.to_lowercase(), &[("operation", "delete")], &body);
    }

    pub(super) fn entity(&self, entity: &str, id: &str) -> Value {
        self.desk.entity(entity, &QuickBooksId::new(id).unwrap())
    }

    /// The notices of all that has happened since they were last asked for.
    pub(super) fn notices(&self) -> Vec<ChangeNotice> {
        self.changes.take().iter().filter_map(notice).collect()
    }

    /// The notices of what was written through the API: one for each link.
    pub(super) fn notices_of_links(&self) -> Vec<ChangeNotice> {
        let told = |link: &Link| ChangeNotice {
            company: self.desk.books.company.clone(),
            realm: self.desk.books.realm.clone(),
            kind: link.kind,
            quickbooks_id: link.quickbooks_id.clone(),
            operation: if link.sync_token == "0" { Operation::Created } else { Operation::Updated },
            deleted_id: None,
            last_updated: link
                .last_updated
                .parse::<Timestamp>()
                .ok()
                .map(|at| at + SignedDuration::from_millis(300)),
            source: Source::Webhook,
        };
        self.desk.ledger.links(&self.desk.books).iter().map(told).collect()
    }

    /// Delivers all notices as one message, and tells what became of each.
    pub(super) async fn pull(&self) -> Vec<ActivityResult> {
        let notices = self.notices();
        self.deliver(&notices).await
    }

    pub(super) async fn deliver(&self, notices: &[ChangeNotice]) -> Vec<ActivityResult> {
        let verdicts = self.deliver_over(self.ports(), notices).await;
        assert!(verdicts.iter().all(|verdict| *verdict == Verdict::Acknowledge), "{verdicts:?}");
        let log = self.desk.log().await;
        let result = |notice: &ChangeNotice| {
            let entry = log.iter().find(|entry| entry.event == notice.event_id());
            // What is of no use to a person leaves no entry.
            entry.map_or_else(
                || ActivityResult::Skipped { reason: "nothing worth telling".into() },
                |entry| entry.result.clone(),
            )
        };
        notices.iter().map(result).collect()
    }

    pub(super) async fn deliver_over(&self, ports: Ports<'_>, notices: &[ChangeNotice]) -> Vec<Verdict> {
        self.delivered.set(self.delivered.get() + 1);
        let delivery = self.delivered.get();
        let message = |(place, message): (usize, sync::notice::NoticeMessage)| Message {
            id: format!("m-{delivery}-{place}"),
            group: message.company.to_string(),
            body: message.body,
            sent_at: self.clock.now(),
            deliveries: 1,
        };
        let messages = messages(notices, self.clock.now()).into_iter().enumerate().map(message);
        pull::messages(ports, &messages.collect::<Vec<_>>()).await
    }

    /// What became of the only notice that did not end as nothing new.
    pub(super) async fn pull_one(&self) -> ActivityResult {
        let results = self.pull().await;
        let told = |result: &&ActivityResult| !matches!(result, ActivityResult::Skipped { .. });
        let told: Vec<&ActivityResult> = results.iter().filter(told).collect();
        assert_eq!(told.len(), 1, "{results:?}");
        told[0].clone()
    }

    /// The newest entry of a pull.
    pub(super) async fn newest(&self) -> Activity {
        let log = self.desk.log().await;
        log.into_iter().find(|entry| entry.side == Side::QuickBooks).unwrap()
    }

    pub(super) async fn parked(&self) -> Vec<Activity> {
        self.desk.activity.parked(&self.desk.books.company).await.unwrap()
    }

    pub(super) fn links(&self, kind: Kind) -> Vec<Link> {
        let links = self.desk.ledger.links(&self.desk.books);
        links.into_iter().filter(|link| link.kind == kind).collect()
    }

    pub(super) fn link(&self, kind: Kind, id: &str) -> Link {
        self.links(kind).into_iter().find(|link| link.quickbooks_id.as_str() == id).unwrap()
    }

    /// The billing app's records of a kind that are not deleted.
    pub(super) fn records(&self, kind: Kind) -> Vec<Stored> {
        let mut all = self.billing.all(&self.desk.books.company, kind);
        all.retain(|stored| !stored.deleted);
        all
    }

    pub(super) fn stored(&self, kind: Kind, id: &BillingId) -> Stored {
        self.billing.get(&self.desk.books.company, kind, id).unwrap()
    }

    pub(super) fn client(&self, id: &str) -> Client {
        match self.stored(Kind::Client, &self.link(Kind::Client, id).billing_id).record {
            Record::Client(client) => *client,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn product(&self, id: &str) -> Product {
        match self.stored(Kind::Product, &self.link(Kind::Product, id).billing_id).record {
            Record::Product(product) => product,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn invoice(&self, id: &str) -> Invoice {
        match self.stored(Kind::Invoice, &self.link(Kind::Invoice, id).billing_id).record {
            Record::Invoice(invoice) => *invoice,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn payment(&self, id: &str) -> Payment {
        match self.stored(Kind::Payment, &self.link(Kind::Payment, id).billing_id).record {
            Record::Payment(payment) => *payment,
            other => panic!("{other:?}"),
        }
    }

    /// A person saves a record in the billing app; nothing is told of it yet.
    pub(super) fn save(&self, record: Record) {
        self.wait(3);
        self.billing.put(&self.desk.books.company, record);
    }

    /// A person deletes a record in the billing app; true if it is gone then.
    pub(super) async fn billing_deletes(&self, record: &Record) -> bool {
        let company = &self.desk.books.company;
        let deleted = self.billing.delete(company, record.kind(), record.id()).await;
        deleted.is_ok() && self.stored(record.kind(), record.id()).deleted
    }

    /// The billing app tells of a record as it is now.
    pub(super) async fn tell(&self, event_type: &str, stored: &Stored) -> ActivityResult {
        let event = self.told(event_type, stored);
        assert_eq!(self.desk.deliver(std::slice::from_ref(&event)).await, [Verdict::Acknowledge]);
        self.desk.result(&event).await
    }

    /// The event by which the billing app tells of a record.
    pub(super) fn told(&self, event_type: &str, stored: &Stored) -> Value {
        let record = serde_json::to_value(&stored.record).unwrap()["record"].clone();
        let mut event = self.desk.event(event_type, &record);
        event["time"] = json!(stored.updated_at.to_string());
        event
    }

    /// The id of an income account.
    pub(super) async fn account(&self) -> String {
        self.desk.settings().await.default_income_account.unwrap().to_string()
    }

    pub(super) fn new_customer(&self, name: &str) -> String {
        id(&self.create("customer", &json!({"DisplayName": name})))
    }

    pub(super) async fn new_item(&self, name: &str) -> String {
        let account = self.account().await;
        let body =
            json!({"Name": name, "Type": "Service", "UnitPrice": 40, "IncomeAccountRef": {"value": account}});
        id(&self.create("item", &body))
    }

    /// An invoice of two untaxed lines of 100 and 50.
    pub(super) fn new_invoice(&self, number: &str, customer: &str, item: &str) -> String {
        let body = json!({
            "DocNumber": number, "CustomerRef": {"value": customer}, "TxnDate": "2026-06-01",
            "Line": [sale(item, 100), sale(item, 50)],
        });
        id(&self.create("invoice", &body))
    }

    pub(super) fn new_payment(&self, customer: &str, total: u32, paid: &[(&str, u32)]) -> String {
        let body = json!({"CustomerRef": {"value": customer}, "TotalAmt": total, "TxnDate": "2026-06-20", "Line": lines(paid)});
        id(&self.create("payment", &body))
    }
}

pub(super) fn lines(paid: &[(&str, u32)]) -> Value {
    let line = |(invoice, amount): &(&str, u32)| json!({"Amount": amount, "LinkedTxn": [{"TxnId": invoice, "TxnType": "Invoice"}]});
    paid.iter().map(line).collect()
}

pub(super) fn sale(item: &str, amount: u32) -> Value {
    json!({
        "Amount": amount, "Description": format!("Work for {amount}"), "DetailType": "SalesItemLineDetail",
        "SalesItemLineDetail": {"ItemRef": {"value": item}, "Qty": 1, "UnitPrice": amount},
    })
}

pub(super) fn id(entity: &Value) -> String {
    entity["Id"].as_str().unwrap().to_owned()
}

fn notice(change: &Change) -> Option<ChangeNotice> {
    let kind = match change.entity.as_str() {
        "Customer" => Kind::Client,
        "Item" => Kind::Product,
        "Invoice" => Kind::Invoice,
        "Payment" => Kind::Payment,
        _ => return None,
    };
    let operation = match change.operation.as_str() {
        "Create" => Operation::Created,
        "Update" => Operation::Updated,
        "Delete" => Operation::Deleted,
        "Void" => Operation::Voided,
        "Merge" => Operation::Merged,
        other => panic!("{other}"),
    };
    Some(ChangeNotice {
        company: CompanyId::new("acme").unwrap(),
        realm: RealmId::new(REALM).unwrap(),
        kind,
        quickbooks_id: QuickBooksId::new(change.id.clone()).unwrap(),
        operation,
        deleted_id: change.deleted_id.clone().map(|id| QuickBooksId::new(id).unwrap()),
        last_updated: Some(change.at),
        source: Source::Webhook,
    })
}

pub(super) fn done(result: &ActivityResult) -> &Done {
    match result {
        ActivityResult::Done(done) => done,
        other => panic!("not done: {other:?}"),
    }
}

pub(super) fn did(result: &ActivityResult) -> DoneAction {
    done(result).action
}
