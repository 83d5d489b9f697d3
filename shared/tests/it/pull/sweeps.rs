//! The sweep finds what no webhook has told.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use quickbooks::{Client, Endpoints, http_client};
use quickbooks_simulator::company::Seed;
use serde_json::json;
use sync::memory::MemoryPullQueue;
use sync::model::Kind;
use sync::notice;
use sync::ports::{Clock, Sweeps};
use sync::reconcile::{Cursor, Ports, Swept, sweep};
use url::Url;

use super::office::Office;
use crate::desk::OneRealm;

impl Office {
    async fn sweep(&self, queue: &MemoryPullQueue) -> Swept {
        let ports = Ports {
            companies: &self.desk.companies,
            sweeps: &self.desk.companies,
            ledger: &self.desk.ledger,
            activity: &self.desk.activity,
            connector: &self.desk.connector,
            queue,
            clock: &self.clock,
        };
        sweep(ports, &self.desk.books.company).await
    }

    /// Long after the company was made, all is known up to now.
    async fn all_is_known(&self) -> Timestamp {
        self.wait(400);
        let swept_to = self.clock.now();
        let cursor = Cursor { swept_to, next: swept_to };
        self.desk.companies.save_cursor(&self.desk.books, &cursor).await.unwrap();
        swept_to
    }

    async fn cursor(&self) -> Cursor {
        self.desk.companies.cursor(&self.desk.books).await.unwrap().unwrap()
    }

    /// Delivers what the sweep has sent.
    async fn deliver_swept(&self, queue: &MemoryPullQueue) {
        let received = queue.messages().into_iter().flat_map(|message| notice::read(&message.body));
        let notices: Vec<_> = received.map(|received| received.notice.unwrap()).collect();
        self.deliver(&notices).await;
    }

    /// A new token, as after a refresh.
    async fn reconnect(&mut self) {
        let api = Endpoints::at(&Url::parse(self.desk.simulator.url()).unwrap()).unwrap().api;
        let token = self.desk.simulator.connect(self.desk.books.realm.as_str()).unwrap().access_token;
        let http = http_client(Duration::from_secs(5), Duration::from_secs(10)).unwrap();
        let client = Client::new(http, &api, self.desk.books.realm.clone(), token.into());
        self.desk.connector = OneRealm(Arc::new(client));
    }
}

#[tokio::test]
async fn what_no_webhook_told_is_found_and_what_is_known_is_not_sent() {
    let office = Office::open(Seed::Landscaping).await;
    let (known, queue) = (office.new_customer("Known"), MemoryPullQueue::default());
    office.pull().await;
    office.all_is_known().await;
    office.wait(400);
    let fern = office.new_customer("Fern");
    let hedge = office.new_item("Hedge").await;
    let bill = office.new_invoice("N-1", &known, &hedge);
    office.delete("Invoice", &bill);
    office.wait(1200);
    let before = office.clock.now();
    office.desk.calls();
    assert_eq!(office.sweep(&queue).await, Swept::Sent(2), "not what is gone before it came over");
    assert_eq!(office.desk.calls(), 1);
    let cursor = office.cursor().await;
    assert!(cursor.swept_to >= before);
    assert_eq!(cursor.next.duration_since(cursor.swept_to).as_mins(), 15, "webhooks are silent");
    office.deliver_swept(&queue).await;
    assert_eq!((office.client(&fern).name.as_str(), office.records(Kind::Client).len()), ("Fern", 2));

    assert_eq!(office.sweep(&queue).await, Swept::NotDue);
    office.wait(900);
    assert_eq!(office.sweep(&MemoryPullQueue::default()).await, Swept::Sent(0), "T20: all is known");
    let cursor = office.cursor().await;
    assert_eq!(cursor.next.duration_since(cursor.swept_to).as_mins(), 30);
}

#[tokio::test]
async fn the_cursor_stays_when_a_sweep_fails() {
    let office = Office::open(Seed::Landscaping).await;
    let long_ago = office.all_is_known().await;
    office.wait(60);
    office
        .desk
        .simulator
        .add_fault(quickbooks_simulator::server::Fault::once(quickbooks_simulator::server::Effect::Throttle));
    assert!(matches!(office.sweep(&MemoryPullQueue::default()).await, Swept::Later(_)));
    assert_eq!(office.cursor().await.swept_to, long_ago);
}

#[tokio::test]
async fn t16_more_than_an_answer_holds_is_found_whole() {
    let office = Office::open(Seed::Landscaping).await;
    office.all_is_known().await;
    office.wait(400);
    office.act(|company, now| {
        for number in 0..1100 {
            let request = quickbooks_simulator::company::Request {
                method: "POST".into(),
                path: "customer".into(),
                query: Vec::new(),
                content_type: Some("application/json".into()),
                body: json!({"DisplayName": format!("Fern {number}")}).to_string().into_bytes(),
            };
            assert_eq!(company.answer(&request, now).status, 200);
        }
    });
    let hedge = office.new_item("Hedge").await;
    office.wait(60);
    let queue = MemoryPullQueue::default();
    assert_eq!(office.sweep(&queue).await, Swept::Sent(1101));
    let bodies: String = queue.messages().into_iter().map(|message| message.body).collect();
    assert!(bodies.contains(&format!("\"quickbooks_id\":\"{hedge}\"")));
}

#[tokio::test]
async fn t17_after_a_month_all_is_looked_at_again_and_it_is_said() {
    let mut office = Office::open(Seed::Landscaping).await;
    office.all_is_known().await;
    office.wait(400);
    office.new_customer("Fern");
    office.wait(31 * 24 * 3600);
    office.reconnect().await;
    let queue = MemoryPullQueue::default();
    assert_eq!(office.sweep(&queue).await, Swept::Sent(1));
    let entry = office.newest().await;
    assert!(crate::desk::skipped(&entry.result).contains("looked at again"), "{entry:?}");
}
