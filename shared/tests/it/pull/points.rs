//! Points of the checklist that pulls have to prove, each by a test of its own.

use quickbooks_simulator::company::Seed;
use serde_json::{Value, json};
use sync::model::{Discount, Kind, Record};
use sync::outcome::{DoneAction, ParkCause};

use super::office::{Office, did, id, sale};
use crate::desk::{self, parked};

#[tokio::test]
async fn point_12_a_pulled_invoice_keeps_each_lines_rate() {
    let office = Office::open(Seed::Global).await;
    let (fern, hedge) = (office.new_customer("Fern"), office.new_item("Hedge").await);
    let rows: Vec<Value> =
        office.desk.company(|company| company.entities("TaxCode").into_iter().cloned().collect());
    let code = |name: &str| {
        let row = rows.iter().find(|row| row["Name"].as_str().is_some_and(|known| known.contains(name)));
        row.unwrap_or_else(|| panic!("{name}: {rows:?}"))["Id"].clone()
    };
    let line = |amount, code: Value| {
        let mut line = sale(&hedge, amount);
        line["SalesItemLineDetail"]["TaxCodeRef"] = json!({ "value": code });
        line
    };
    let bill = id(&office.create(
        "invoice",
        &json!({
            "DocNumber": "N-1", "CustomerRef": {"value": fern}, "TxnDate": "2026-06-01",
            "GlobalTaxCalculation": "TaxExcluded",
            "Line": [line(100, code("20.0% S")), line(200, code("5.0% R")), line(50, code("0.0% Z"))],
        }),
    ));
    let results = office.pull().await;
    assert!(
        results.iter().any(|result| matches!(result, sync::activity::ActivityResult::Done(_))),
        "{results:?}"
    );
    let invoice = office.invoice(&bill);
    let rates: Vec<String> = invoice
        .lines
        .iter()
        .map(|line| {
            line.taxes.iter().map(|tax| tax.rate.normalize().to_string()).collect::<Vec<_>>().join("+")
        })
        .collect();
    assert_eq!(rates[..2], ["20", "5"], "and not one rate for all");
    assert!(["", "0"].contains(&rates[2].as_str()), "{rates:?}");
    assert_eq!(invoice.amount.normalize().to_string(), "380");
}

#[tokio::test]
async fn point_15_a_discount_survives_the_way_there_and_back() {
    let office = Office::open(Seed::Landscaping).await;
    let client = desk::client("c-1", "Ames & Daughters");
    let mut bill = desk::invoice("i-1", &client, &["Hedge laying", "Ditching"]);
    bill["discount"] = json!({"percent": 10});
    bill["amount"] = json!(180);
    office.save(Record::Client(serde_json::from_value(client).unwrap()));
    office.save(Record::Invoice(serde_json::from_value(bill.clone()).unwrap()));
    let (_, made) = desk::done(&office.desk.push("invoice.sent", &bill).await);
    let made = made.to_string();
    assert_eq!(office.entity("Invoice", &made)["TotalAmt"].to_string(), "180.00");

    office.change("Invoice", &made, &json!({"DueDate": "2026-09-01"}));
    assert_eq!(did(&office.pull_one().await), DoneAction::RecordUpdated);
    let invoice = office.invoice(&made);
    assert_eq!((invoice.lines.len(), &invoice.discount), (2, &Some(Discount::Percent(10.into()))));
    assert_eq!(invoice.amount.normalize().to_string(), "180");

    let stored = office.stored(Kind::Invoice, &invoice.id);
    desk::skipped(&office.tell("invoice.updated", &stored).await);
    let mut noted = invoice;
    noted.public_notes = "Thank you.".into();
    office.save(Record::Invoice(Box::new(noted.clone())));
    let stored = office.stored(Kind::Invoice, &noted.id);
    assert_eq!(did(&office.tell("invoice.updated", &stored).await), DoneAction::Updated);
    let row = office.entity("Invoice", &made);
    let discounts =
        row["Line"].as_array().unwrap().iter().filter(|line| line["DetailType"] == "DiscountLineDetail");
    assert_eq!(
        (discounts.count(), row["TotalAmt"].to_string().as_str()),
        (1, "180.00"),
        "no Item \"Discount\""
    );
}

#[tokio::test]
async fn point_31_what_failed_once_is_matched_the_next_time() {
    let office = Office::open(Seed::Landscaping).await;
    let client =
        |id: &str, name: &str| Record::Client(serde_json::from_value(desk::client(id, name)).unwrap());
    office.save(client("c-1", "Twice"));
    office.save(client("c-2", "Twice"));
    let twice = office.new_customer("Twice");
    assert_eq!(parked(&office.pull_one().await).cause, ParkCause::Ambiguous);
    office.save(client("c-2", "Once"));
    office.change("Customer", &twice, &json!({"Notes": "Rings first"}));
    assert_eq!(did(&office.pull_one().await), DoneAction::RecordLinked);
    assert_eq!(office.link(Kind::Client, &twice).billing_id.as_str(), "c-1");
    assert_eq!(office.records(Kind::Client).len(), 2, "and no third one is made");
}

#[tokio::test]
async fn point_34_an_individuals_name_comes_over() {
    let office = Office::open(Seed::Landscaping).await;
    let ada = id(&office
        .create("customer", &json!({"GivenName": "Ada", "FamilyName": "Fern", "DisplayName": "Ada Fern"})));
    assert_eq!(did(&office.pull_one().await), DoneAction::RecordCreated);
    let client = office.client(&ada);
    assert_eq!(client.name, "Ada Fern", "without a company's name");
    let contact = &client.contacts[0];
    assert_eq!((contact.first_name.as_str(), contact.last_name.as_str()), ("Ada", "Fern"));
}
