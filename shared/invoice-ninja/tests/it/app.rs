//! A simulated Invoice Ninja with a company of its own, and a client for it.

use std::time::Duration;

use invoice_ninja::{Check, Client};
use invoice_ninja_simulator::company::{Company, Request, Seed};
use invoice_ninja_simulator::server::{self, Options, Simulator};
use jiff::Timestamp;
use jiff::civil::date;
use rust_decimal::Decimal;
use serde_json::Value;
use sync::ids::{BillingId, CompanyId};
use sync::model::{
    Address, Allocation, Client as ClientRecord, Contact, Invoice, InvoiceLine, InvoiceStatus, Kind, Payment,
    PaymentMethod, PaymentStatus, Product, ProductType, Record, Tax, TaxCategory,
};
use sync::ports::{Billing, BillingError, BillingQuery, Stored};
use transport::Reach;

pub(crate) const TOKEN: &str = "secret-api-token";
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct App {
    pub(crate) simulator: Simulator,
    pub(crate) client: Client,
}

impl App {
    pub(crate) async fn start(seed: Seed) -> App {
        let options = Options { companies: vec![(seed, TOKEN.to_owned())], ..Options::default() };
        let simulator = server::start(options).await.unwrap();
        let client = client(simulator.url(), TOKEN);
        App { simulator, client }
    }

    /// What the app itself has, by its own API.
    pub(crate) fn json(&self, path: &str) -> Value {
        self.person("GET", path, &Value::Null)
    }

    /// What a person does in the app.
    pub(crate) fn person(&self, method: &str, path: &str, body: &Value) -> Value {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let query = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let request = Request {
            method: method.to_owned(),
            path: path.to_owned(),
            query,
            token: Some(TOKEN.to_owned()),
            asks_for_json: true,
            body: body.to_string().into_bytes(),
        };
        let act = |company: &mut Company, now| company.answer(&request, now);
        let answer = self.simulator.with_company(0, act).unwrap();
        assert_eq!(answer.status, 200, "{}", answer.body);
        serde_json::from_str(&answer.body).unwrap()
    }

    pub(crate) async fn create(&self, record: Record) -> Result<Stored, BillingError> {
        self.client.create(&acme(), &record).await
    }

    pub(crate) async fn fetch(&self, kind: Kind, id: &BillingId) -> Option<Stored> {
        self.client.fetch(&acme(), kind, id).await.unwrap()
    }

    pub(crate) async fn update(&self, before: &Record, after: &Record) -> Result<Stored, BillingError> {
        self.client.update(&acme(), before, after).await
    }

    pub(crate) async fn find(&self, wanted: BillingQuery) -> Vec<Stored> {
        self.client.find(&acme(), &wanted).await.unwrap()
    }

    /// A client with an invoice of 100 at 8.25 %.
    pub(crate) async fn with_invoice(&self) -> (ClientRecord, Invoice) {
        let Record::Client(client) = self.create(Record::Client(Box::new(a_client()))).await.unwrap().record
        else {
            unreachable!()
        };
        let invoice = an_invoice(&client.id);
        let stored = self.create(Record::Invoice(Box::new(invoice))).await.unwrap().record;
        (*client, the_invoice(stored))
    }
}

pub(crate) fn client(url: &str, token: &str) -> Client {
    let http = transport::http_client_within(Reach::Anywhere, PATIENCE, PATIENCE).unwrap();
    Client::new(http, &Reach::Anywhere.base(url).unwrap(), token.into())
}

pub(crate) fn check() -> Check {
    let http = transport::http_client_within(Reach::Anywhere, PATIENCE, PATIENCE).unwrap();
    Check::new(http, Reach::Anywhere)
}

pub(crate) fn acme() -> CompanyId {
    CompanyId::new("acme").unwrap()
}

pub(crate) fn new_id() -> BillingId {
    BillingId::new("new").unwrap()
}

pub(crate) fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

pub(crate) fn the_invoice(record: Record) -> Invoice {
    match record {
        Record::Invoice(invoice) => *invoice,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn the_client(record: Record) -> ClientRecord {
    match record {
        Record::Client(client) => *client,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn a_client() -> ClientRecord {
    ClientRecord {
        id: new_id(),
        name: "O'Brien & Söhne: Gärten".into(),
        contacts: vec![Contact {
            first_name: "Maeve".into(),
            last_name: "O'Brien".into(),
            email: "maeve@obrien.example".into(),
            phone: "555-0107".into(),
            primary: true,
        }],
        billing_address: Some(Address {
            line1: "1 Moss Way".into(),
            line2: "Unit 4".into(),
            city: "Bayshore".into(),
            state: "CA".into(),
            postal_code: "94326".into(),
            country: "USA".into(),
        }),
        shipping_address: None,
        phone: "555-0100".into(),
        website: "https://obrien.example".into(),
        currency: Some("USD".into()),
        tax_exempt: false,
        vat_number: String::new(),
        payment_terms: Some(14),
        public_notes: "Rings twice".into(),
    }
}

pub(crate) fn a_product() -> Product {
    Product {
        id: new_id(),
        key: "Turf".into(),
        notes: "Rolled turf, per m²".into(),
        price: Some(decimal("7.125")),
        cost: Some(decimal("3")),
        product_type: ProductType::Goods,
        tax_category: TaxCategory::Standard,
        income_account: None,
    }
}

pub(crate) fn tax(name: &str, rate: &str) -> Tax {
    Tax { name: name.into(), rate: decimal(rate) }
}

pub(crate) fn a_line(notes: &str) -> InvoiceLine {
    InvoiceLine {
        id: None,
        product_id: None,
        product_key: "Turf".into(),
        notes: notes.into(),
        quantity: decimal("4"),
        unit_price: decimal("25"),
        discount: None,
        taxes: vec![tax("Bayshore", "8.25")],
        tax_category: TaxCategory::Standard,
        product_type: ProductType::Goods,
    }
}

pub(crate) fn an_invoice(client: &BillingId) -> Invoice {
    Invoice {
        id: new_id(),
        number: "INV-7".into(),
        date: date(2026, 3, 2),
        due_date: Some(date(2026, 4, 1)),
        client_id: client.clone(),
        client: None,
        lines: vec![a_line("Front lawn")],
        discount: None,
        surcharges: Vec::new(),
        taxes_inclusive: false,
        currency: None,
        exchange_rate: None,
        po_number: "PO-1".into(),
        custom_fields: Default::default(),
        public_notes: "Thank you".into(),
        private_notes: String::new(),
        terms: "Fourteen days".into(),
        status: InvoiceStatus::Sent,
        amount: Decimal::ZERO,
        balance: None,
    }
}

pub(crate) fn a_payment(invoice: &Invoice, amount: &str) -> Payment {
    Payment {
        id: new_id(),
        number: "qb-77".into(),
        client_id: invoice.client_id.clone(),
        client: None,
        date: date(2026, 3, 5),
        amount: decimal(amount),
        refunded: None,
        method: PaymentMethod::Check,
        reference: "1081".into(),
        allocations: vec![Allocation {
            invoice_id: invoice.id.clone(),
            amount: decimal(amount),
            invoice_date: None,
        }],
        currency: None,
        exchange_rate: None,
        private_notes: String::new(),
        status: PaymentStatus::Completed,
    }
}

pub(crate) fn long_ago() -> Timestamp {
    Timestamp::from_second(1).unwrap()
}
