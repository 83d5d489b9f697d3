//! A worker that dies in any of its calls, before or after the call's effect, and another one that takes over: the job
//! comes to the same end, and nothing is there twice.

use quickbooks_simulator::company::Seed;
use sync::import::State;
use sync::model::Kind;

use super::super::fragile::Fragile;
use super::bureau::Bureau;

/// A company with one of each, and a client that is there already.
async fn small_company() -> Bureau {
    let bureau = Bureau::open(Seed::Empty).await;
    let office = &bureau.office;
    bureau.save_client("c-1", "Moss");
    let (fern, hedge) = (office.new_customer("Fern"), office.new_item("Hedge").await);
    office.new_customer("Moss");
    let bill = office.new_invoice("N-1", &fern, &hedge);
    office.new_payment(&fern, 150, &[(&bill, 150)]);
    bureau
}

#[tokio::test]
async fn an_import_that_is_cut_short_before_any_call_comes_to_the_same_end() {
    in_every_call(false).await;
}

#[tokio::test]
async fn an_import_that_is_cut_short_after_any_call_comes_to_the_same_end() {
    in_every_call(true).await;
}

async fn in_every_call(after_the_effect: bool) {
    let mut dies_in = 1;
    loop {
        let bureau = small_company().await;
        let before = Kind::ALL.map(|kind| bureau.office.links(kind).len());
        let job = bureau.start(&Kind::ALL).await;
        let when = format!("call {dies_in}, after its effect: {after_the_effect}");
        let (office, company) = (&bureau.office, &bureau.office.desk.books.company);
        let fragile =
            Fragile::new(office.ports(), dies_in, after_the_effect).keeping(&bureau.imports, &bureau.queue);
        // The dying worker gets all ticks until it dies; another one goes on.
        let mut deliveries = 0;
        while !fragile.died() {
            let Ok(Some(now)) = sync::import::job(bureau.ports(), company, &job.id).await else { panic!() };
            if now.state != State::Running || deliveries > 100 {
                break;
            }
            deliveries += 1;
            bureau.deliver(fragile.work(), &now.tick(), 1).await;
        }
        if !fragile.died() {
            assert!(dies_in > 20, "the worker was hardly asked anything");
            break;
        }
        let job = bureau.finish(&job.id).await;
        assert_eq!(job.state, State::Done, "{when}");
        let total = job.total();
        assert_eq!(total.all_failed(), 0, "{when}: {total:?}");
        assert_eq!((total.created, total.all_linked(), total.done), (4, 1, 5), "{when}: {total:?}");
        for (kind, before) in Kind::ALL.into_iter().zip(before) {
            let there = (office.records(kind).len(), office.links(kind).len() - before);
            let wanted = if kind == Kind::Client { 2 } else { 1 };
            assert_eq!(there, (wanted, wanted), "{kind}, {when}");
            let told = bureau.records(&job, kind).await;
            assert_eq!(told.len(), wanted, "{kind}, {when}: {told:?}");
        }
        dies_in += 1;
    }
}
