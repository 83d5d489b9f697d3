//! Companies to begin with. They are made through the API, so that every figure in them is computed.

use jiff::{Timestamp, ToSpan};
use serde_json::{Value, json};

use super::{Company, Request, Seed, User, ids};

impl Company {
    /// A company. `number` tells the companies of one installation apart. Its administrator's token is `token`, and
    /// `{token}-limited` is that of a user who sees only what is theirs.
    #[must_use]
    pub fn new(seed: Seed, number: u64, token: &str, now: Timestamp) -> Self {
        let name = match seed {
            Seed::Gardening => "Green Thumb Gardens",
            Seed::Empty => "Empty Company",
        };
        let mut company = Self::blank(number, name, now);
        for (token, name, id, is_admin) in
            [(token.to_owned(), "Ada Owner", 1, true), (format!("{token}-limited"), "Lou Helper", 2, false)]
        {
            let user = User { id: ids::shown(number * 100 + id), name: name.to_owned(), is_admin };
            company.add_user(&token, user);
        }
        if seed == Seed::Gardening {
            Planting { company: &mut company, now, step: 0 }.plant();
        }
        company.created = now.as_second();
        company.notices.clear();
        company.mails.clear();
        company.seen.clear();
        company
    }
}

/// The making of the gardening business: each step a few hours after the one before, ending before `now`.
struct Planting<'a> {
    company: &'a mut Company,
    now: Timestamp,
    step: i64,
}

const STEPS: i64 = 40;

impl Planting<'_> {
    fn plant(&mut self) {
        for (name, rate) in [("Sales Tax", "8.25"), ("Reduced", "4")] {
            self.post("tax_rates", &json!({"name": name, "rate": rate}));
        }
        for (key, notes, price, cost, tax) in [
            ("Lawn care", "Mowing and edging, per visit", 45, 12, "2"),
            ("Hedge trimming", "Per hour", 60, 20, "2"),
            ("Planting", "Planting of beds, per hour", 55, 18, "2"),
            ("Compost", "Compost, per bag of 40 l", 9, 4, "1"),
            ("Rose bush", "Shrub rose in a container", 34, 17, "1"),
        ] {
            self.post(
                "products",
                &json!({
                    "product_key": key, "notes": notes, "price": price, "cost": cost, "tax_id": tax,
                }),
            );
        }
        let hill = self.client(
            "Hillside Apartments",
            "Petra",
            "Lindqvist",
            "petra@hillside.example",
            "12 Terrace Rd",
            "Bayshore",
        );
        let cafe = self.client(
            "Corner Café",
            "Noor",
            "Haddad",
            "noor@cornercafe.example",
            "3 Market Sq",
            "Bayshore",
        );
        let oak = self.client(
            "Oak & Sons Carpentry",
            "Tom",
            "Oakley",
            "tom@oaksons.example",
            "88 Mill Lane",
            "Millbrae",
        );
        let jane = self.client("", "Jane", "Fisher", "jane.fisher@mail.example", "5 Quiet Ct", "Millbrae");

        let care = |visits: u32| {
            json!({
                "product_key": "Lawn care", "notes": "Mowing and edging, per visit", "cost": 45, "quantity": visits,
                "tax_id": "2",
            })
        };
        let compost = |bags: u32| {
            json!({
                "product_key": "Compost", "notes": "Compost, per bag of 40 l", "cost": 9, "quantity": bags,
                "tax_name1": "Sales Tax", "tax_rate1": 8.25,
            })
        };
        let hedge = json!({"product_key": "Hedge trimming", "notes": "Per hour", "cost": 60, "quantity": 3.5, "tax_id": "2"});
        let rose = json!({
            "product_key": "Rose bush", "notes": "Shrub rose in a container", "cost": 34, "quantity": 6,
            "tax_name1": "Sales Tax", "tax_rate1": 8.25,
        });
        let first = self.invoice(&hill, &json!([care(4), compost(10)]), "mark_sent");
        let second = self.invoice(&cafe, &json!([rose, compost(3)]), "mark_sent");
        self.invoice(&oak, &json!([hedge]), "mark_sent");
        self.invoice(&jane, &json!([care(1)]), "");
        self.pay(&hill, &first, &json!("277.43"), "Check 1041");
        self.pay(&cafe, &second, &json!(100), "Card");
    }

    fn post(&mut self, path: &str, body: &Value) -> Value {
        self.post_with(path, &[], body)
    }

    /// What the API made of it; Null if it was refused, which a test rules out.
    fn post_with(&mut self, path: &str, query: &[(&str, &str)], body: &Value) -> Value {
        self.step += 1;
        let at = self.now.checked_sub(((STEPS - self.step) * 6).hours()).unwrap_or(self.now);
        let request = Request {
            method: "POST".to_owned(),
            path: path.to_owned(),
            query: query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            token: Some(self.company.admin_token().to_owned()),
            asks_for_json: true,
            body: body.to_string().into_bytes(),
        };
        let answer = self.company.answer(&request, at);
        let mut body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
        body.get_mut("data").map(Value::take).unwrap_or_default()
    }

    /// The new client's id.
    fn client(
        &mut self,
        name: &str,
        first: &str,
        last: &str,
        email: &str,
        street: &str,
        city: &str,
    ) -> Value {
        let client = self.post(
            "clients",
            &json!({
                "name": name, "address1": street, "city": city, "state": "CA", "postal_code": "94030",
                "country_id": "840", "contacts": [{"first_name": first, "last_name": last, "email": email}],
            }),
        );
        client["id"].clone()
    }

    /// The new invoice's id.
    fn invoice(&mut self, client: &Value, lines: &Value, action: &str) -> Value {
        let invoice = json!({"client_id": client, "line_items": lines});
        let query = if action.is_empty() { Vec::new() } else { vec![(action, "true")] };
        self.post_with("invoices", &query, &invoice)["id"].clone()
    }

    fn pay(&mut self, client: &Value, invoice: &Value, amount: &Value, reference: &str) {
        self.post_with(
            "payments",
            &[("email_receipt", "false")],
            &json!({
                "client_id": client, "amount": amount, "type_id": "15", "transaction_reference": reference,
                "invoices": [{"invoice_id": invoice, "amount": amount}],
            }),
        );
    }
}
