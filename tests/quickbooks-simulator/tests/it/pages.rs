use serde_json::json;

use crate::{Setup, json_of, set_up, status};

impl Setup {
    async fn page(&self, path: &str) -> String {
        let response = self.http.get(self.url(path)).send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        response.text().await.unwrap()
    }
}

#[tokio::test]
async fn all_companies_are_listed() {
    let setup = set_up().await;
    let page = setup.page("/").await;
    for realm in setup.simulator.realms() {
        assert!(page.contains(&format!("href=\"/companies/{realm}\"")));
    }
    assert_eq!(page.matches("<td>connected</td>").count(), 1);
}

#[tokio::test]
async fn the_newest_come_first_on_pages_of_a_hundred_with_names_escaped() {
    let setup = set_up().await;
    for n in 0..100 {
        assert_eq!(status(setup.create_customer(&format!("Customer {n:03}"))).await, 200);
    }
    assert_eq!(status(setup.create_customer("<b>Bold & Brothers</b>")).await, 200);
    let path = format!("/companies/{}?list=Customer", setup.realm());
    let first = setup.page(&path).await;
    assert!(first.contains("&lt;b&gt;Bold &amp; Brothers&lt;/b&gt;"));
    assert!(!first.contains("<b>Bold"));
    assert!(first.find("Bold").unwrap() < first.find("Customer 099").unwrap());
    assert!(!first.contains("Customer 000"), "that is the hundred and first");
    let second = setup.page(&format!("{path}&page=2")).await;
    assert!(second.contains("Customer 000"));
    assert!(!second.contains("Customer 001"));
}

#[tokio::test]
async fn an_invoice_shows_its_lines_and_what_was_paid() {
    let setup = set_up().await;
    let items = json_of(
        setup.get("query?query=select%20*%20from%20Item%20where%20Type%3D'Service'").send().await.unwrap(),
    )
    .await;
    let item = items["QueryResponse"]["Item"][0]["Id"].clone();
    let customer =
        json_of(setup.create_customer("Payer").send().await.unwrap()).await["Customer"]["Id"].clone();
    let line = json!({
        "Amount": 100, "Description": "Two days of weeding", "DetailType": "SalesItemLineDetail",
        "SalesItemLineDetail": {"ItemRef": {"value": item}, "TaxCodeRef": {"value": "NON"}},
    });
    let body = json!({"CustomerRef": {"value": customer}, "Line": [line]});
    let invoice = json_of(setup.post("invoice", &body).send().await.unwrap()).await["Invoice"]["Id"].clone();
    let links = json!([{"TxnId": invoice, "TxnType": "Invoice"}]);
    let body = json!({
        "CustomerRef": {"value": customer}, "TotalAmt": 60, "PaymentRefNum": "cheque 17",
        "Line": [{"Amount": 60, "LinkedTxn": links}],
    });
    assert_eq!(status(setup.post("payment", &body)).await, 200);

    let link = format!("/companies/{}/invoices/{}", setup.realm(), invoice.as_str().unwrap());
    let invoices = setup.page(&format!("/companies/{}", setup.realm())).await;
    assert!(invoices.contains(&link) && invoices.contains("40.00"), "{invoices}");
    let payments = setup.page(&format!("/companies/{}?list=Payment", setup.realm())).await;
    assert!(payments.contains(&link), "{payments}");
    let page = setup.page(&link).await;
    for part in ["Two days of weeding", "100.00", "60.00", "cheque 17", "40.00"] {
        assert!(page.contains(part), "{part} in {page}");
    }
}

#[tokio::test]
async fn what_does_not_exist_is_not_found() {
    let setup = set_up().await;
    for path in ["/companies/1", "/companies/9341450000000001/invoices/999999"] {
        assert_eq!(status(setup.http.get(setup.url(path))).await, 404);
    }
}
