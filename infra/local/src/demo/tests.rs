use std::collections::{BTreeMap, BTreeSet, HashMap};

use rust_decimal::Decimal;
use sync::event;
use sync::mapping::cents;
use sync::model::{Invoice, InvoiceStatus, Kind, Record};

use super::*;

fn company() -> CompanyId {
    CompanyId::new("juniper").unwrap()
}

fn events() -> Vec<Event> {
    demo(&company()).unwrap().events
}

fn records() -> Vec<(Kind, Record)> {
    let read = |event: Event| event::read(&event.body).remove(0).event.ok();
    events().into_iter().filter_map(read).map(|event| (event.kind, event.data.unwrap())).collect()
}

#[test]
fn the_business_is_of_a_size_that_shows_something() {
    let mut distinct: BTreeMap<Kind, BTreeSet<String>> = BTreeMap::new();
    for (kind, record) in records() {
        distinct.entry(kind).or_default().insert(record.id().to_string());
        if let Record::Invoice(invoice) = record {
            distinct.entry(Kind::Client).or_default().insert(invoice.client_id.to_string());
        }
    }
    let count = |kind| distinct[&kind].len();
    assert!(count(Kind::Client) >= 40 && count(Kind::Product) >= 25, "{distinct:?}");
    assert!(count(Kind::Invoice) >= 120 && count(Kind::Payment) >= 80, "{distinct:?}");
}

#[test]
fn it_is_always_the_same_and_every_event_but_the_repeated_ones_is_its_own() {
    let bodies = |events: Vec<Event>| events.into_iter().map(|event| event.body).collect::<Vec<_>>();
    assert_eq!(bodies(events()), bodies(events()));
    let mut by_id: HashMap<String, BTreeSet<String>> = HashMap::new();
    for event in events() {
        by_id.entry(event.id).or_default().insert(event.body);
    }
    assert!(by_id.values().all(|bodies| bodies.len() == 1));
}

#[test]
fn only_what_should_be_unreadable_is() {
    for event in events() {
        let read = event::read(&event.body).remove(0).event;
        let wanted = event.endings == [Ending::Parked(ParkCause::Unreadable)];
        assert_eq!(read.is_err(), wanted, "{}: {read:?}", event.id);
    }
}

/// The push coalesces what it receives together, which is at most ten messages.
#[test]
fn a_record_has_its_say_once_in_ten_messages_unless_either_ending_is_right() {
    let mut latest: HashMap<(Kind, String), usize> = HashMap::new();
    for (place, event) in events().iter().enumerate() {
        let Ok(read) = event::read(&event.body).remove(0).event else { continue };
        let before = latest.insert((read.kind, read.subject.to_string()), place);
        assert!(
            before.is_none_or(|before| place - before >= 10) || event.endings.len() > 1,
            "{}: {} messages after the last",
            event.id,
            place - before.unwrap_or_default()
        );
    }
}

#[test]
fn time_goes_on_from_event_to_event() {
    let read = |event: Event| event::read(&event.body).remove(0).event.ok().map(|read| (event.id, read.time));
    let mut seen = BTreeSet::new();
    let times = events().into_iter().filter_map(read).filter(|(id, _)| seen.insert(id.clone()));
    assert!(times.map(|(_, time)| time).collect::<Vec<_>>().is_sorted_by(|one, next| one < next));
}

/// By hand: nine fence panels and fourteen bags at 8 %, and carriage that is taxed too.
#[test]
fn a_total_is_what_a_person_works_out() {
    let clients = clients::all().unwrap();
    let by_the_coast =
        clients.iter().find(|listed| listed.state == "CA" && !listed.client.tax_exempt).unwrap();
    let invoice = invoices::invoice(9, by_the_coast, &products::all().unwrap()).unwrap();
    let net: Decimal = "875.00".parse().unwrap(); // 9 × 78.40 + 14 × 9.25 + 39.90
    assert_eq!(invoice.amount, cents(net * Decimal::new(108, 2)));
}

#[test]
fn every_case_of_tax_discount_and_line_occurs() {
    let invoices: Vec<Invoice> = records()
        .into_iter()
        .filter_map(|(_, record)| match record {
            Record::Invoice(invoice) => Some(*invoice),
            _ => None,
        })
        .collect();
    let any = |holds: &dyn Fn(&Invoice) -> bool| invoices.iter().any(holds);
    let line =
        |holds: &dyn Fn(&sync::model::InvoiceLine) -> bool| any(&|invoice| invoice.lines.iter().any(holds));
    assert!(any(&|invoice| invoice.client.as_ref().is_some_and(|client| client.tax_exempt)), "exempt client");
    assert!(any(&|invoice| invoice.discount.is_some()) && any(&|invoice| !invoice.surcharges.is_empty()));
    assert!(
        any(&|invoice| invoice.lines.len() > 7) && any(&|invoice| invoice.status == InvoiceStatus::Draft)
    );
    assert!(line(&|line| line.tax_category == TaxCategory::Exempt), "exempt product");
    assert!(line(&|line| line.taxes.iter().any(|tax| tax.rate.is_zero())), "zero tax");
    assert!(
        line(&|line| line.taxes.len() == 2) && line(&|line| line.taxes.len() == 1 && line.discount.is_none())
    );
    assert!(line(&|line| line.product_key.is_empty() && !line.unit_price.is_zero()), "no product");
    assert!(line(&|line| line.quantity.normalize().scale() > 2), "a fraction");
}

#[test]
fn nothing_is_paid_twice_and_something_stays_open() {
    let books = demo(&company()).unwrap().books;
    assert!(books.invoices.values().all(|(total, owed)| *owed >= Decimal::ZERO && owed <= total));
    assert!(books.invoices.values().any(|(total, owed)| !owed.is_zero() && owed < total), "paid in part");
    assert!(books.unallocated > Decimal::ZERO);
}
