//! The sweep finds what no webhook has told.

use jiff::Timestamp;
use quickbooks_simulator::company::Seed;
use serde_json::json;
use sync::memory::MemoryPullQueue;
use sync::model::Kind;
use sync::notice::{self, ChangeNotice};
use sync::ports::{Clock, Sweeps};
use sync::reconcile::{Cursor, Ports, Swept, sweep};

use super::office::Office;

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

/// Intuit's times are whole seconds in most places: a second edit in one of them is told under the name of the first.
#[tokio::test]
async fn what_was_edited_in_the_second_of_a_change_that_came_over_is_found() {
    let office = Office::open(Seed::Landscaping).await;
    let fern = office.new_customer("Fern");
    office.pull().await;
    office.all_is_known().await;
    office.wait(400);
    office.change("Customer", &fern, &json!({"Notes": "Ring twice"}));
    let at =
        office.entity("Customer", &fern)["MetaData"]["LastUpdatedTime"].as_str().unwrap().parse().unwrap();
    let told = office.notices().into_iter().map(|notice| ChangeNotice { last_updated: Some(at), ..notice });
    office.deliver(&told.collect::<Vec<_>>()).await;
    assert_eq!(office.client(&fern).public_notes, "Ring twice");
    office.edit_in_the_same_second("Customer", &fern, &json!({"Notes": "Ring once"}));

    office.wait(1200);
    let queue = MemoryPullQueue::default();
    assert_eq!(office.sweep(&queue).await, Swept::Sent(1));
    office.deliver_swept(&queue).await;
    assert_eq!(office.client(&fern).public_notes, "Ring once");
    office.wait(1200);
    assert_eq!(office.sweep(&queue).await, Swept::Sent(0), "T20: all is known");
}
