//! A QuickBooks company with many Customers and Invoices.

use anyhow::{Context, ensure};
use jiff::SignedDuration;
use quickbooks_simulator::company::{Company, Request, Seed};
use quickbooks_simulator::server::{Options, Simulator, start};
use serde_json::{Value, json};

pub(crate) const REALM: &str = "9130000000000001";

/// How many were entered within a second.
const A_SECOND: usize = 50;

/// A company of so many Customers, each with an Invoice. Its server throttles as Intuit does.
pub(crate) async fn of(records: usize) -> anyhow::Result<Simulator> {
    let companies = vec![(Seed::Empty, REALM.to_owned())];
    let simulator = start(Options { companies, ..Options::default() }).await?;
    let now = simulator.now();
    let seconds = i64::try_from(2 * records / A_SECOND + 10)?;
    let begun = now - SignedDuration::from_secs(seconds);
    let fill = |company: &mut Company| -> anyhow::Result<()> {
        let income =
            company.entities("Account").into_iter().find(|account| account["AccountType"] == "Income");
        let account = income.context("no income account")?["Id"].clone();
        let mut entered = 0;
        let mut enter = |path: &str, body: &Value| -> anyhow::Result<String> {
            entered += 1;
            let at = begun + SignedDuration::from_secs(i64::try_from(entered / A_SECOND)?);
            let request = Request {
                method: "POST".into(),
                path: path.into(),
                query: Vec::new(),
                content_type: Some("application/json".into()),
                body: body.to_string().into_bytes(),
            };
            let answer = company.answer(&request, at);
            ensure!(answer.status == 200, "{path}: {}", answer.body);
            // Nobody is told of them.
            company.take_changes();
            let answer: Value = serde_json::from_str(&answer.body)?;
            let entity = answer.as_object().into_iter().flat_map(|answer| answer.values());
            let id = entity.filter_map(|entity| entity["Id"].as_str()).next();
            Ok(id.context("no id")?.to_owned())
        };
        let item = enter(
            "item",
            &json!({"Name": "Mowing", "Type": "Service", "UnitPrice": 40, "IncomeAccountRef": {"value": account}}),
        )?;
        let mut customers = Vec::with_capacity(records);
        for number in 0..records {
            customers.push(enter("customer", &customer(number))?);
        }
        for (number, customer) in customers.iter().enumerate() {
            enter("invoice", &invoice(number, customer, &item))?;
        }
        Ok(())
    };
    simulator.with_company(REALM, fill).context("no such realm")??;
    Ok(simulator)
}

fn customer(number: usize) -> Value {
    json!({
        "DisplayName": format!("Garden of the family number {number}"),
        "GivenName": "Robin", "FamilyName": format!("Number{number}"),
        "PrimaryEmailAddr": {"Address": format!("robin.{number}@gardens.example")},
        "PrimaryPhone": {"FreeFormNumber": format!("650 555 {:04}", number % 10_000)},
        "BillAddr": {"Line1": format!("{number} Long Lane"), "City": "Millbrae", "CountrySubDivisionCode": "CA", "PostalCode": "94030"},
        "Notes": "Prefers to be called in the morning.",
    })
}

fn invoice(number: usize, customer: &str, item: &str) -> Value {
    let line = |description: &str, quantity: usize| {
        json!({
            "DetailType": "SalesItemLineDetail", "Amount": 40 * quantity, "Description": description,
            "SalesItemLineDetail": {"ItemRef": {"value": item}, "Qty": quantity, "UnitPrice": 40},
        })
    };
    json!({
        "CustomerRef": {"value": customer}, "DocNumber": format!("G-{number}"), "TxnDate": "2026-03-02",
        "Line": [line("Mowing the lawn in front", 1), line("Mowing the lawn behind, with its edges", 2)],
    })
}
