//! Snapshots of a record from the very second in which a pull wrote it, or from before: the billing app's clock has only
//! seconds, so their times do not tell which of them came later.

use quickbooks_simulator::company::Seed;
use serde_json::json;
use sync::model::{Client, Kind, Record};
use sync::outcome::DoneAction;
use sync::ports::Stored;
use sync::push::{Ports, Verdict};

use super::office::{Office, did};
use crate::desk::skipped;
use crate::stops::Stops;

impl Office {
    fn stored_client(&self, id: &str) -> Stored {
        self.stored(Kind::Client, &self.link(Kind::Client, id).billing_id)
    }

    /// A person changes a client, without telling.
    fn edit_client(&self, id: &str, edit: impl FnOnce(&mut Client)) {
        let mut client = self.client(id);
        edit(&mut client);
        self.billing.put(&self.desk.books.company, Record::Client(Box::new(client)));
    }
}

/// The snapshot, told of the same second as the record's last change.
fn within_the_second(early: &Stored, last: &Stored) -> Stored {
    Stored { updated_at: last.updated_at, ..early.clone() }
}

#[tokio::test]
async fn t20_what_is_told_late_of_the_second_of_a_pulled_change_is_no_edit() {
    let office = Office::open(Seed::Landscaping).await;
    let (fern, hedge) = (office.new_customer("Fern"), office.new_item("Hedge").await);
    let bill = office.new_invoice("N-1", &fern, &hedge);
    office.pull().await;
    let client = office.stored_client(&fern);
    let invoice = office.stored(Kind::Invoice, &office.link(Kind::Invoice, &bill).billing_id);
    office.change("Customer", &fern, &json!({"Notes": "Ring twice"}));
    office.change("Invoice", &bill, &json!({"DueDate": "2026-09-01"}));
    office.pull().await;

    let before = [office.entity("Customer", &fern), office.entity("Invoice", &bill)];
    office.desk.calls();
    for (event, early) in [("client.created", client), ("invoice.sent", invoice)] {
        let last = office.stored(early.record.kind(), early.record.id());
        let result = office.tell(event, &within_the_second(&early, &last)).await;
        assert!(skipped(&result).contains("nothing"), "{event}: {result:?}");
    }
    assert_eq!(office.desk.calls(), 0, "QuickBooks is not asked");
    assert_eq!([office.entity("Customer", &fern), office.entity("Invoice", &bill)], before);
    assert_eq!(office.client(&fern).public_notes, "Ring twice");
}

#[tokio::test]
async fn t20_what_is_told_late_of_a_client_whose_customer_was_merged_does_not_reach_the_survivor() {
    let office = Office::open(Seed::Landscaping).await;
    let (fern, east) = (office.new_customer("Fern"), office.new_customer("Fern East"));
    let notices = office.notices();
    let of_fern: Vec<_> =
        notices.into_iter().filter(|notice| notice.quickbooks_id.as_str() == fern).collect();
    office.deliver(&of_fern).await;
    let early = office.stored_client(&fern);
    office.wait(3);
    office.act(|company, now| company.merge_customers(&east, &fern, now)).unwrap();
    office.pull().await;
    let last = office.stored_client(&east);
    assert_eq!(last.record.label(), "Fern East");

    let before = office.entity("Customer", &east);
    let late = office.tell("client.updated", &within_the_second(&early, &last)).await;
    assert!(skipped(&late).contains("nothing"), "{late:?}");
    assert_eq!(office.entity("Customer", &east), before);
}

#[tokio::test]
async fn r12_an_edit_in_the_second_of_a_pulled_change_is_pushed_whatever_is_told_first() {
    for late_first in [true, false] {
        let office = Office::open(Seed::Landscaping).await;
        let fern = office.new_customer("Fern");
        office.pull().await;
        let early = office.stored_client(&fern);
        office.change("Customer", &fern, &json!({"Notes": "Ring twice"}));
        office.pull().await;
        let pulled = office.stored_client(&fern);
        office.edit_client(&fern, |client| client.website = "https://fern.example".into());
        let edited = within_the_second(&office.stored_client(&fern), &pulled);
        let late = within_the_second(&early, &pulled);
        let told = if late_first { [late, edited] } else { [edited, late] };
        assert_eq!(did(&office.tell("client.updated", &told[0]).await), DoneAction::Updated);
        skipped(&office.tell("client.updated", &told[1]).await);
        let entity = office.entity("Customer", &fern);
        assert_eq!(
            (entity["WebAddr"]["URI"].as_str(), entity["Notes"].as_str()),
            (Some("https://fern.example"), Some("Ring twice"))
        );
    }
}

/// Both sides change something, the bookkeeper first; the notice comes last.
#[tokio::test]
async fn d3_an_edit_between_a_bookkeepers_and_its_pull_takes_nothing_back() {
    let office = Office::open(Seed::Landscaping).await;
    let fern = office.new_customer("Fern");
    office.pull().await;
    office.change("Customer", &fern, &json!({"Notes": "Ring twice"}));
    office.wait(3);
    office.edit_client(&fern, |client| client.website = "https://fern.example".into());
    let edited = office.stored_client(&fern);
    office.wait(3);
    office.pull().await;
    assert_eq!(did(&office.tell("client.updated", &edited).await), DoneAction::Updated);
    let entity = office.entity("Customer", &fern);
    assert_eq!(
        (entity["WebAddr"]["URI"].as_str(), entity["Notes"].as_str()),
        (Some("https://fern.example"), Some("Ring twice"))
    );
    assert_eq!(office.client(&fern).public_notes, "Ring twice");
}

/// A person saves a record at any moment while a pull writes another of its members.
#[tokio::test]
async fn d3_an_edit_that_is_made_while_a_pull_is_under_way_is_pushed() {
    for call in 0.. {
        let office = Office::open(Seed::Landscaping).await;
        let fern = office.new_customer("Fern");
        office.pull().await;
        office.change("Customer", &fern, &json!({"Notes": "Ring twice"}));
        let notices = office.notices();
        let stops = Stops::before(&office.desk, call);
        let ports = Ports { clock: &office.clock, ..stops.ports() };
        let mut pull = Box::pin(office.deliver_over(ports, &notices));
        let ended = stops.until_stopped(&mut pull).await;
        let is_through = ended.is_some();
        office.edit_client(&fern, |client| client.website = "https://fern.example".into());
        let edited = office.stored_client(&fern);
        stops.open();
        let verdicts = match ended {
            Some(verdicts) => verdicts,
            None => pull.await,
        };
        assert_eq!(verdicts, [Verdict::Acknowledge], "call {call}");
        office.tell("client.updated", &edited).await;
        office.tell("client.updated", &office.stored_client(&fern)).await;
        let entity = office.entity("Customer", &fern);
        assert_eq!(
            (entity["WebAddr"]["URI"].as_str(), entity["Notes"].as_str()),
            (Some("https://fern.example"), Some("Ring twice")),
            "call {call}"
        );
        let client = office.client(&fern);
        assert_eq!(
            (client.website.as_str(), client.public_notes.as_str()),
            ("https://fern.example", "Ring twice"),
            "call {call}"
        );
        if is_through {
            assert!(call > 5, "the pull was never stopped");
            break;
        }
    }
}
