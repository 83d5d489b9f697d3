//! A small garden business, for tests.

use jiff::Timestamp;
use jiff::civil::date;
use rust_decimal::Decimal;

use crate::ids::{BillingId, QuickBooksId};
use crate::model::{
    Address, Allocation, Client, Contact, Invoice, InvoiceLine, InvoiceStatus, Payment, PaymentMethod,
    PaymentStatus, Product, ProductType, Tax, TaxCategory,
};
use crate::reference::{self, Account, Reference, TaxCode, TaxModel, TaxRate, Term};
use crate::settings::Settings;

/// The JSON as it goes over the wire.
pub(crate) fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(value).unwrap()
}

pub(crate) fn id(text: &str) -> QuickBooksId {
    QuickBooksId::new(text).unwrap()
}

pub(crate) fn billing(text: &str) -> BillingId {
    BillingId::new(text).unwrap()
}

pub(crate) fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

pub(crate) fn settings() -> Settings {
    Settings { default_income_account: Some(id("79")), ..Settings::default() }
}

pub(crate) fn tax_code(code: &str, name: &str, percents: &[&str]) -> TaxCode {
    let rate = |(place, percent): (usize, &&str)| TaxRate {
        id: id(&format!("{code}{place}")),
        name: format!("{name} {place}"),
        percent: decimal(percent),
        base: crate::reference::TaxBase::Amount,
    };
    TaxCode {
        id: id(code),
        name: name.into(),
        taxable: true,
        rates: percents.iter().enumerate().map(rate).collect(),
    }
}

pub(crate) fn reference() -> Reference {
    let account = |code: &str, name: &str| Account {
        id: id(code),
        name: name.into(),
        account_type: "Income".into(),
        sub_type: "SalesOfProductIncome".into(),
    };
    let method =
        |code: &str, name: &str, card| reference::PaymentMethod { id: id(code), name: name.into(), card };
    Reference {
        name: "Delgado Gardens".into(),
        country: "US".into(),
        home_currency: "USD".into(),
        multi_currency: false,
        tax_model: TaxModel::Manual,
        custom_numbers: true,
        discounts: true,
        deposits: false,
        auto_apply_credit: false,
        automated_tax_unfinished: false,
        subscription: None,
        book_close_date: None,
        accounts: vec![account("79", "Sales"), account("45", "Services")],
        tax_codes: vec![
            tax_code("2", "California", &["8"]),
            tax_code("3", "Tucson", &["7.1", "2"]),
            TaxCode { id: id("NON"), name: "NON".into(), taxable: false, rates: Vec::new() },
        ],
        terms: vec![Term { id: id("3"), name: "Net 30".into(), due_days: Some(30) }],
        payment_methods: vec![
            method("1", "Cash", false),
            method("2", "Check", false),
            method("3", "Visa", true),
        ],
        classes: None,
        locations: None,
        custom_fields: Vec::new(),
        read_at: Timestamp::UNIX_EPOCH,
    }
}

pub(crate) fn client() -> Client {
    Client {
        id: billing("c-1"),
        name: "Delgado Family Gardens".into(),
        contacts: vec![Contact {
            first_name: "Rosa".into(),
            last_name: "Delgado".into(),
            email: "rosa@delgado-gardens.example".into(),
            phone: "520 555 0199".into(),
            primary: true,
        }],
        billing_address: Some(Address {
            line1: "12 Agave Way".into(),
            city: "Tucson".into(),
            state: "AZ".into(),
            postal_code: "85719".into(),
            ..Address::default()
        }),
        shipping_address: None,
        phone: String::new(),
        website: "delgado-gardens.example".into(),
        currency: None,
        tax_exempt: false,
        vat_number: String::new(),
        payment_terms: Some(30),
        public_notes: "Gate code on file.".into(),
    }
}

pub(crate) fn product() -> Product {
    Product {
        id: billing("p-1"),
        key: "Pruning".into(),
        notes: "Pruning, by the hour".into(),
        price: Some(decimal("48.5")),
        cost: None,
        product_type: ProductType::Service,
        tax_category: TaxCategory::Standard,
        income_account: None,
    }
}

pub(crate) fn line(key: &str, quantity: &str, price: &str, percents: &[&str]) -> InvoiceLine {
    InvoiceLine {
        id: None,
        product_id: None,
        product_key: key.into(),
        notes: format!("{key} work"),
        quantity: decimal(quantity),
        unit_price: decimal(price),
        discount: None,
        taxes: percents.iter().map(|percent| Tax { name: String::new(), rate: decimal(percent) }).collect(),
        tax_category: TaxCategory::Standard,
        product_type: ProductType::Service,
    }
}

pub(crate) fn invoice() -> Invoice {
    Invoice {
        id: billing("i-1"),
        number: "INV-1001".into(),
        date: date(2026, 3, 2),
        due_date: Some(date(2026, 4, 1)),
        client_id: billing("c-1"),
        client: Some(client()),
        lines: vec![line("Pruning", "4.5", "48.5", &["8"]), line("Mulch", "3", "12", &["8"])],
        discount: None,
        surcharges: Vec::new(),
        taxes_inclusive: false,
        currency: None,
        exchange_rate: None,
        po_number: "PO-77".into(),
        public_notes: "Thank you.".into(),
        private_notes: String::new(),
        terms: "30 days".into(),
        custom_fields: Default::default(),
        status: InvoiceStatus::Sent,
        amount: decimal("274.59"),
        balance: None,
    }
}

pub(crate) fn payment() -> Payment {
    Payment {
        id: billing("y-1"),
        number: "0007".into(),
        client_id: billing("c-1"),
        client: None,
        date: date(2026, 3, 20),
        amount: decimal("100"),
        refunded: None,
        method: PaymentMethod::Card,
        reference: "ch_3PqR".into(),
        allocations: vec![Allocation {
            invoice_id: billing("i-1"),
            amount: decimal("100"),
            invoice_date: None,
        }],
        currency: None,
        exchange_rate: None,
        private_notes: String::new(),
        status: PaymentStatus::Completed,
    }
}
