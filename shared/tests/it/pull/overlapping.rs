//! Two workers at the same entities at the same time: the importer beside the pulls, or one notice that is delivered twice.
//! The billing app takes every create for a new one.

use quickbooks_simulator::company::Seed;
use serde_json::json;
use sync::model::Kind;
use sync::notice::ChangeNotice;
use sync::push::Ports;

use super::office::{Office, lines};
use crate::stops::Stops;

/// Stops one worker before each of its calls and lets another one through; then both go on, and what is left comes again.
async fn stopped_before_every_call(
    prepare: impl AsyncFn(&Office),
    act: impl AsyncFn(&Office),
    judge: impl Fn(&Office, usize),
) {
    for call in 0.. {
        let office = Office::open(Seed::Landscaping).await;
        prepare(&office).await;
        office.pull().await;
        act(&office).await;
        let notices: Vec<ChangeNotice> = office.notices();
        let stops = Stops::before(&office.desk, call);
        let ports = Ports { clock: &office.clock, ..stops.ports() };
        let mut first = Box::pin(office.deliver_over(ports, &notices));
        let is_through = stops.until_stopped(&mut first).await.is_some();
        office.deliver_over(office.ports(), &notices).await;
        if !is_through {
            stops.open();
            first.await;
        }
        office.wait(121);
        office.deliver(&notices).await;
        assert_eq!(office.parked().await, [], "call {call}");
        judge(&office, call);
        if is_through {
            assert!(call > 10, "the first worker was never stopped");
            break;
        }
    }
}

#[tokio::test]
async fn r95_two_workers_bring_an_invoice_with_all_that_it_needs_over_once() {
    stopped_before_every_call(
        async |_| {},
        async |office| {
            let (fern, hedge) = (office.new_customer("Fern"), office.new_item("Hedge").await);
            let bill = office.new_invoice("N-1", &fern, &hedge);
            office.new_payment(&fern, 150, &[(&bill, 150)]);
        },
        |office, call| {
            for kind in Kind::ALL {
                let there = (office.records(kind).len(), office.links(kind).len());
                assert_eq!(there, (1, 1), "{kind}, call {call}");
            }
        },
    )
    .await;
}

#[tokio::test]
async fn r95_two_workers_replace_a_payment_once() {
    let ids = std::cell::RefCell::new(Vec::new());
    stopped_before_every_call(
        async |office| {
            let (fern, hedge) = (office.new_customer("Fern"), office.new_item("Hedge").await);
            let (one, two) =
                (office.new_invoice("N-1", &fern, &hedge), office.new_invoice("N-2", &fern, &hedge));
            let paid = office.new_payment(&fern, 200, &[(&one, 150), (&two, 50)]);
            office.billing.keep_payments();
            *ids.borrow_mut() = vec![one, two, paid];
        },
        async |office| {
            let ids = ids.borrow().clone();
            let lines = lines(&[(&ids[0], 100), (&ids[1], 80)]);
            office.change("Payment", &ids[2], &json!({"TotalAmt": 180, "Line": lines}));
        },
        |office, call| {
            let there = (office.records(Kind::Payment).len(), office.links(Kind::Payment).len());
            assert_eq!(there, (1, 1), "call {call}");
            assert_eq!(office.payment(&ids.borrow()[2]).amount.normalize().to_string(), "180", "call {call}");
        },
    )
    .await;
}
