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

impl Setup {
    /// Sends a form, and returns the page that it leads to.
    async fn fill_in(&self, path: &str, fields: &[(&str, &str)]) -> String {
        let url = self.url(&format!("/companies/{}/{path}", self.realm()));
        let response = self.http.post(url).form(fields).send().await.unwrap();
        match response.headers().get("location") {
            Some(to) => self.page(to.to_str().unwrap()).await,
            None => response.text().await.unwrap(),
        }
    }

    /// The newest record of an entity.
    fn newest(&self, entity: &str) -> serde_json::Value {
        let newest = |company: &mut quickbooks_simulator::company::Company| {
            company.entities(entity).last().map(|it| (*it).clone())
        };
        self.simulator.with_company(self.realm(), newest).unwrap().unwrap()
    }
}

fn path_of(list: &str, record: &serde_json::Value) -> String {
    format!("{list}/{}", record["Id"].as_str().unwrap())
}

#[tokio::test]
async fn a_bookkeeper_makes_and_edits_a_customer() {
    let setup = set_up().await;
    let page = setup
        .fill_in(
            "customers/new",
            &[
                ("DisplayName", "Ann & Co"),
                ("PrimaryEmailAddr/Address", "ann@example.com"),
                ("BillAddr/City", "Bath"),
            ],
        )
        .await;
    assert!(page.contains("Customer Ann &amp; Co"), "{page}");
    let made = setup.newest("Customer");
    let path = path_of("customers", &made);
    setup
        .fill_in(
            &path,
            &[("DisplayName", "Ann Ltd"), ("BillAddr/Line1", "2 Well Lane"), ("BillAddr/City", "Bath")],
        )
        .await;
    let edited = setup.newest("Customer");
    assert_eq!(edited["Id"], made["Id"]);
    assert_eq!(
        (&edited["BillAddr"]["Line1"], &edited["BillAddr"]["City"]),
        (&"2 Well Lane".into(), &"Bath".into())
    );
    assert_eq!(edited["PrimaryEmailAddr"]["Address"], "ann@example.com", "what was not filled in stays");
    assert!(setup.fill_in("customers/new", &[("DisplayName", "Ann Ltd")]).await.contains("role=\"alert\""));
    assert!(setup.fill_in(&format!("{path}/inactivate"), &[]).await.contains("Make active"));
    let gone = setup.http.post(setup.url(&format!("/companies/{}/{path}/void", setup.realm())));
    assert_eq!(status(gone).await, 404, "a customer is not voided");
}

#[tokio::test]
async fn a_bookkeeper_makes_an_invoice_is_paid_and_takes_it_back() {
    let setup = set_up().await;
    setup.fill_in("items/new", &[("Name", "Weeding by the day"), ("UnitPrice", "50")]).await;
    setup.fill_in("customers/new", &[("DisplayName", "Payer")]).await;
    let (item, customer) = (setup.newest("Item"), setup.newest("Customer"));
    let (item, customer) = (item["Id"].as_str().unwrap(), customer["Id"].as_str().unwrap());
    let bill = [
        ("CustomerRef/value", customer),
        ("DocNumber", "W-1"),
        ("SalesItemLineDetail/ItemRef/value.0", item),
        ("Description.0", "Two days"),
        ("SalesItemLineDetail/Qty.0", "2"),
        ("SalesItemLineDetail/UnitPrice.0", "50"),
        ("SalesItemLineDetail/ItemRef/value.1", ""),
    ];
    assert!(setup.fill_in("invoices/new", &bill).await.contains("Invoice W-1"));
    let invoice = setup.newest("Invoice");
    let path = path_of("invoices", &invoice);
    assert!(setup.fill_in(&path, &[("DueDate", "2030-01-31")]).await.contains("due 2030-01-31"));
    assert_eq!(setup.newest("Invoice")["TotalAmt"].to_string(), "100.00", "its lines stay");

    let paid = format!("paid.{}", invoice["Id"].as_str().unwrap());
    setup
        .fill_in("payments/new", &[("CustomerRef/value", customer), ("TotalAmt", "60"), (&paid, "60")])
        .await;
    assert_eq!(setup.newest("Invoice")["Balance"].to_string(), "40.00");
    let payment = path_of("payments", &setup.newest("Payment"));
    setup.fill_in(&payment, &[("TotalAmt", "100"), (&paid, "100")]).await;
    assert_eq!(setup.newest("Invoice")["Balance"].to_string(), "0");
    assert!(setup.fill_in(&format!("{payment}/void"), &[]).await.contains("voided"));
    assert!(
        setup.fill_in(&format!("{payment}/delete"), &[]).await.contains("Payments ("),
        "back at the list"
    );
    assert!(setup.fill_in(&format!("{path}/void"), &[]).await.contains("voided"));
}
