//! A whole company: previewed, brought over, and brought over again.

use quickbooks_simulator::company::Seed;
use serde_json::json;
use sync::import::{self, StartError, State, What};
use sync::model::Kind;
use sync::settings::ConnectionState;

use super::bureau::{Bureau, count};

#[tokio::test]
async fn r25_r29_t22_a_company_is_previewed_brought_over_once_and_not_changed_again() {
    let bureau = Bureau::open(Seed::Landscaping).await;
    let entities = ["Item", "Customer", "Invoice", "Payment"].map(|entity| bureau.office.desk.count(entity));
    let before = bureau.everything().await;

    bureau.office.desk.simulator.forget_calls();
    let preview = bureau.preview(&Kind::ALL).await;
    assert_eq!(preview.state, State::Done);
    assert_eq!(bureau.everything().await, before, "a preview writes nothing");
    let calls = bureau.office.desk.simulator.call_list(None);
    assert!(calls.iter().all(|call| call.metered), "only reads are metered: {calls:?}");

    let run = bureau.run(&Kind::ALL).await;
    assert_eq!(run.state, State::Done);
    for (kind, entities) in
        [Kind::Product, Kind::Client, Kind::Invoice, Kind::Payment].into_iter().zip(entities)
    {
        let (would, did) = (&preview.progress[&kind].counts, &run.progress[&kind].counts);
        assert_eq!(would, did, "{kind}: a preview tells what is done");
        assert_eq!(did.found, entities as u64, "R26, {kind}");
        let sum = did.created
            + did.all_linked()
            + did.updated
            + did.unchanged
            + did.all_skipped()
            + did.all_failed();
        assert_eq!((did.done, sum), (did.found, did.found), "{kind}: {did:?}");
        assert!(did.created > 0, "R27, R28, {kind}: {did:?}");
        let made = bureau.office.records(kind).len();
        assert_eq!((made, bureau.office.links(kind).len()), (made, made), "{kind}");
        let told = bureau.records(&run, kind).await;
        assert_eq!(count(&told, |what| *what == What::Created) as u64, did.created, "{kind}");
        assert_eq!(told.len() as u64, did.done - did.unchanged, "{kind}");
    }

    let after = bureau.everything().await;
    let again = bureau.run(&Kind::ALL).await;
    let total = again.total();
    assert_eq!(
        (total.created, total.all_linked(), total.updated, total.deleted),
        (0, 0, 0, 0),
        "T22: {total:?}"
    );
    assert_eq!(total.all_failed(), run.total().all_failed());
    let (records, links, _) = bureau.everything().await;
    assert_eq!((records, links), (after.0, after.1), "T22");
}

#[tokio::test]
async fn r29_linked_records_get_what_is_new_and_say_what_it_was() {
    let bureau = Bureau::open(Seed::Landscaping).await;
    let fern = bureau.office.new_customer("Fern");
    bureau.run(&[Kind::Client]).await;
    bureau.office.change("Customer", &fern, &json!({"PrimaryEmailAddr": {"Address": "ada@fern.example"}}));
    for is_preview in [true, false] {
        let job = match is_preview {
            true => bureau.preview(&[Kind::Client]).await,
            false => bureau.run(&[Kind::Client]).await,
        };
        let ended = bureau.record(&job, Kind::Client, &fern).await;
        assert_eq!(ended.what, What::Updated);
        let [difference] = ended.differences.as_slice() else { panic!("{:?}", ended.differences) };
        assert_eq!(difference.field, "e-mail address");
        assert!(difference.taken && difference.quickbooks.contains("ada@fern.example"), "{difference:?}");
        let emails: Vec<String> =
            bureau.office.client(&fern).contacts.iter().map(|contact| contact.email.clone()).collect();
        assert_eq!(emails.contains(&"ada@fern.example".to_owned()), !is_preview, "{emails:?}");
    }
}

#[tokio::test]
async fn voided_and_deleted_ones_stay_out_and_what_was_voided_since_goes() {
    let bureau = Bureau::open(Seed::Empty).await;
    let office = &bureau.office;
    let (fern, hedge) = (office.new_customer("Fern"), office.new_item("Hedge").await);
    let [voided, deleted, later, stays] =
        ["N-1", "N-2", "N-3", "N-4"].map(|number| office.new_invoice(number, &fern, &hedge));
    let payment = office.new_payment(&fern, 50, &[(&stays, 50)]);
    office.void("Invoice", &voided);
    office.delete("Invoice", &deleted);
    let job = bureau.run(&Kind::ALL).await;
    let invoices = &job.progress[&Kind::Invoice].counts;
    assert_eq!((invoices.created, invoices.all_skipped(), invoices.found), (2, 1, 3), "{invoices:?}");
    assert_eq!(
        bureau.office.payment(&payment).allocations[0].invoice_id,
        office.link(Kind::Invoice, &stays).billing_id
    );
    office.void("Invoice", &later);
    let job = bureau.run(&Kind::ALL).await;
    assert_eq!(job.total().deleted, 1, "R33");
    assert_eq!(bureau.record(&job, Kind::Invoice, &later).await.what, What::Deleted);
    assert_eq!(office.records(Kind::Invoice).len(), 1);
    assert!(office.newest().await.removed.is_some(), "D4");
}

#[tokio::test]
async fn a_thousand_customers_cost_three_calls_and_all_pages_are_read() {
    let bureau = Bureau::open(Seed::Empty).await;
    let now = bureau.office.desk.simulator.now();
    for number in 0..1000 {
        bureau.office.desk.company(|company| {
            let body = json!({"DisplayName": format!("Customer {number}")}).to_string().into_bytes();
            let request = quickbooks_simulator::company::Request {
                method: "POST".into(),
                path: "customer".into(),
                query: Vec::new(),
                content_type: Some("application/json".into()),
                body,
            };
            assert_eq!(company.answer(&request, now).status, 200);
        });
    }
    bureau.office.desk.simulator.forget_calls();
    let job = bureau.run(&[Kind::Client]).await;
    assert_eq!(job.total().created, 1000);
    assert!(bureau.office.desk.calls() <= 3);
    bureau.office.new_customer("One more");
    bureau.office.desk.simulator.forget_calls();
    assert_eq!(bureau.run(&[Kind::Client]).await.total().created, 1, "the second page");
    assert!(bureau.office.desk.calls() <= 4);
}

#[tokio::test]
async fn one_job_at_a_time_and_it_can_be_cancelled() {
    let bureau = Bureau::open(Seed::Landscaping).await;
    let company = &bureau.office.desk.books.company.clone();
    let refused = import::start(bureau.ports(), company, &[]).await;
    assert!(matches!(refused, Err(StartError::NothingPicked)));
    let first = bureau.start(&[Kind::Client, Kind::Invoice]).await;
    bureau.office.wait(1);
    match import::preview(bureau.ports(), company, &[Kind::Client]).await {
        Err(StartError::Running(id)) => assert_eq!(id, first.id),
        other => panic!("{other:?}"),
    }
    // The first page, and no more.
    bureau.deliver(bureau.work(), &first.tick(), 1).await;
    let cancelled = import::cancel(bureau.ports(), company, &first.id).await.unwrap().unwrap();
    assert_eq!(cancelled.state, State::Cancelled);
    for tick in bureau.queue.ticks() {
        bureau.deliver(bureau.work(), &tick, 1).await;
    }
    assert_eq!(bureau.job(&first.id).await, cancelled, "nothing goes on");
    let clients = bureau.office.records(Kind::Client).len();
    assert!(clients > 0 && bureau.office.records(Kind::Invoice).is_empty(), "what was brought over stays");
    bureau.office.wait(1);
    let second = bureau.run(&[Kind::Client, Kind::Invoice]).await;
    assert_eq!(second.progress[&Kind::Client].counts.created, 0);
    let jobs = import::jobs(bureau.ports(), company, 5).await.unwrap();
    assert_eq!(jobs.iter().map(|job| &job.id).collect::<Vec<_>>(), [&second.id, &first.id]);

    bureau.office.desk.set_connection(ConnectionState::Expired).await;
    let refused = import::start(bureau.ports(), company, &Kind::ALL).await;
    assert!(matches!(refused, Err(StartError::NotConnected)));
}

#[tokio::test]
async fn payments_alone_bring_the_invoices_that_they_pay() {
    let bureau = Bureau::open(Seed::Empty).await;
    let office = &bureau.office;
    let (fern, hedge) = (office.new_customer("Fern"), office.new_item("Hedge").await);
    let (one, two) = (office.new_invoice("N-1", &fern, &hedge), office.new_invoice("N-2", &fern, &hedge));
    office.new_invoice("N-3", &fern, &hedge);
    let payment = office.new_payment(&fern, 200, &[(&one, 150), (&two, 50)]);
    let job = bureau.run(&[Kind::Payment]).await;
    assert_eq!(job.total().created, 1);
    assert_eq!(office.payment(&payment).allocations.len(), 2);
    assert_eq!(office.records(Kind::Invoice).len(), 2, "nothing that is not needed");
    let job = bureau.run(&[Kind::Invoice]).await;
    assert_eq!((job.total().created, job.total().unchanged), (1, 2));
}
