use invoice_ninja_simulator::company::Kind;

use crate::{Setup, set_up, status};

impl Setup {
    async fn page(&self, path: &str) -> String {
        let response = self.http.get(self.url(path)).send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        response.text().await.unwrap()
    }

    /// Sends a form, and returns the page that it leads to.
    async fn fill_in(&self, path: &str, fields: &[(&str, &str)]) -> String {
        let response = self.http.post(self.url(path)).form(fields).send().await.unwrap();
        match response.headers().get("location") {
            Some(to) => self.page(to.to_str().unwrap()).await,
            None => response.text().await.unwrap(),
        }
    }

    fn id_of(&self, kind: Kind, place: usize) -> String {
        self.records(kind)[place]["id"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn companies_and_their_records_are_shown_with_names_escaped() {
    let setup = set_up().await;
    assert!(setup.page("/").await.contains("Green Thumb Gardens"));
    assert_eq!(status(setup.create_client("<b>Bold & Brothers</b>")).await, 200);
    let clients = setup.page("/companies/0?list=clients").await;
    assert!(clients.contains("&lt;b&gt;Bold &amp; Brothers&lt;/b&gt;") && !clients.contains("<b>Bold"));
    for (list, part) in [("products", "Hedge trimming"), ("invoices", "277.43"), ("payments", "Check 1041")] {
        assert!(setup.page(&format!("/companies/0?list={list}")).await.contains(part), "{list}");
    }
    for path in ["/companies/9", "/companies/0/invoices/none", "/companies/0/wishes/new"] {
        assert_eq!(status(setup.http.get(setup.url(path))).await, 404);
    }
}

#[tokio::test]
async fn a_person_makes_and_edits_a_client() {
    let setup = set_up().await;
    let page = setup
        .fill_in(
            "/companies/0/clients/new",
            &[("name", "Ann & Co"), ("email", "ann@example.com"), ("city", "Bath")],
        )
        .await;
    assert!(page.contains("Client Ann &amp; Co"), "{page}");
    let client = setup.records(Kind::Client).pop().unwrap();
    assert_eq!(client["contacts"][0]["email"], "ann@example.com");
    let path = format!("/companies/0/clients/{}", client["id"].as_str().unwrap());
    let refused = setup.fill_in(&path, &[("email", "nothing")]).await;
    assert!(refused.contains("must be a valid email address"), "{refused}");
    setup.fill_in(&path, &[("name", "Ann Ltd"), ("email", "new@example.com")]).await;
    let edited = setup.records(Kind::Client).pop().unwrap();
    assert_eq!((&edited["name"], &edited["city"]), (&"Ann Ltd".into(), &"Bath".into()));
    assert_eq!(edited["contacts"][0]["id"], client["contacts"][0]["id"], "the contact stays the same one");
}

#[tokio::test]
async fn a_person_makes_an_invoice_sends_it_pays_it_and_takes_it_back() {
    let setup = set_up().await;
    let client = setup.id_of(Kind::Client, 0);
    let page = setup
        .fill_in(
            "/companies/0/invoices/new",
            &[
                ("client_id", &client),
                ("number", "W-1"),
                ("product_key.0", "Rose bush"),
                ("quantity.0", "2"),
                ("cost.0", "50"),
                ("tax.0", "Sales Tax|8.25"),
                ("product_key.1", ""),
                ("cost.1", ""),
            ],
        )
        .await;
    assert!(page.contains("Invoice W-1") && page.contains("108.25") && page.contains("draft"), "{page}");
    let invoice = setup.records(Kind::Invoice).pop().unwrap()["id"].as_str().unwrap().to_owned();
    let path = format!("/companies/0/invoices/{invoice}");
    assert!(setup.fill_in(&format!("{path}/mark_sent"), &[]).await.contains("sent"));
    setup
        .fill_in(
            "/companies/0/payments/new",
            &[("client_id", &client), ("amount", "108.25"), ("invoice_id", &invoice)],
        )
        .await;
    assert!(setup.page(&path).await.contains("paid"));
    let payment = setup.records(Kind::Payment).pop().unwrap()["id"].as_str().unwrap().to_owned();
    let refunded = setup.fill_in(&format!("/companies/0/payments/{payment}/refund"), &[]).await;
    assert!(refunded.contains("refunded"), "{refunded}");
    let cancelled = setup.fill_in(&format!("{path}/cancel"), &[]).await;
    assert!(cancelled.contains("cancelled"), "{cancelled}");
    setup.fill_in(&format!("{path}/delete"), &[]).await;
    assert_eq!(setup.records(Kind::Invoice).pop().unwrap()["is_deleted"], true);
}

#[tokio::test]
async fn editing_an_invoice_keeps_what_the_form_does_not_show() {
    let setup = set_up().await;
    let client = setup.id_of(Kind::Client, 0);
    let line = serde_json::json!({
        "product_key": "Rose", "cost": 10, "quantity": 1, "discount": 5, "tax_name1": "Odd", "tax_rate1": 3,
    });
    let body = serde_json::json!({"client_id": client, "line_items": [line]});
    assert_eq!(status(setup.post("invoices", &body)).await, 200);
    let invoice = setup.records(Kind::Invoice).pop().unwrap();
    let path = format!("/companies/0/invoices/{}", invoice["id"].as_str().unwrap());
    assert!(setup.page(&path).await.contains("Odd 3%"), "the line's own tax can be chosen");
    let fields = [("product_key.0", "Rose"), ("quantity.0", "2"), ("cost.0", "10"), ("tax.0", "Odd|3")];
    setup.fill_in(&path, &fields).await;
    let edited = setup.records(Kind::Invoice).pop().unwrap();
    assert_eq!(
        (&edited["line_items"][0]["discount"], edited["amount"].to_string()),
        (&5.into(), "19.57".into())
    );
}
