//! A small garden business in the app's JSON, for tests.

use serde_json::{Value, json};

use super::Setup;
use crate::json::Object;
use crate::statics::Statics;

pub(crate) fn object(value: Value) -> Object {
    match value {
        Value::Object(object) => object,
        other => panic!("{other} is no object"),
    }
}

fn parse(text: &str) -> Object {
    object(serde_json::from_str(text).unwrap())
}

pub(crate) fn statics_json() -> Value {
    json!({
        "currencies": [
            {"id": "1", "name": "US Dollar", "code": "USD"},
            {"id": "3", "name": "Euro", "code": "EUR"},
        ],
        "countries": [
            {"id": "840", "name": "United States", "iso_3166_2": "US", "iso_3166_3": "USA"},
            {"id": "276", "name": "Germany", "iso_3166_2": "DE", "iso_3166_3": "DEU"},
        ],
        "payment_types": [
            {"id": "1", "name": "Bank Transfer"},
            {"id": "2", "name": "Cash"},
            {"id": "5", "name": "Visa Card"},
            {"id": "12", "name": "Credit Card Other"},
            {"id": "13", "name": "PayPal"},
            {"id": "15", "name": "Check"},
        ],
    })
}

pub(crate) fn statics() -> Statics {
    Statics::of(&statics_json()).unwrap()
}

pub(crate) fn company_json() -> Value {
    json!({
        "id": "company0001",
        "settings": {"name": "Mow & Sons", "currency_id": "1"},
        "custom_fields": {"surcharge1": "Delivery|single_line_text"},
        "custom_surcharge_taxes1": true,
        "custom_surcharge_taxes2": false,
        "update_products": true,
        "quickbooks": null,
    })
}

pub(crate) fn setup() -> Setup {
    Setup::new(statics(), &object(company_json()))
}

pub(crate) fn client() -> Object {
    parse(
        r#"{
        "id": "client0001", "name": "Delgado Family Gardens", "website": "https://delgado.example",
        "private_notes": "", "public_notes": "Pays on time", "balance": 300.5, "group_settings_id": "",
        "address1": "12 Fern Lane", "address2": "", "phone": "555-0101", "city": "Bayshore", "state": "CA",
        "postal_code": "94326", "country_id": "840", "custom_value1": "gate code 7",
        "shipping_address1": "", "shipping_address2": "", "shipping_city": "", "shipping_state": "",
        "shipping_postal_code": "", "shipping_country_id": "840",
        "settings": {"currency_id": "1", "payment_terms": "30", "send_reminders": true},
        "is_deleted": false, "vat_number": "", "id_number": "", "number": "0007", "is_tax_exempt": false,
        "created_at": 1772000000, "updated_at": 1772000100, "archived_at": 0,
        "contacts": [
            {
                "id": "contact001", "first_name": "Rosa", "last_name": "Delgado", "email": "rosa@delgado.example",
                "phone": "555-0102", "is_primary": true, "send_email": true, "custom_value1": "calls only",
                "password": "**********", "contact_key": "abc", "created_at": 1772000000
            },
            {
                "id": "contact002", "first_name": "Luis", "last_name": "Delgado", "email": "luis@delgado.example",
                "phone": "", "is_primary": false, "send_email": false, "custom_value1": ""
            }
        ],
        "documents": [], "gateway_tokens": []
    }"#,
    )
}

pub(crate) fn product() -> Object {
    parse(
        r#"{
        "id": "product001", "product_key": "MOW", "notes": "Mowing, by the hour", "cost": 0, "price": 45.5,
        "quantity": 1, "tax_name1": "", "tax_rate1": 0, "custom_value1": "north shed", "is_deleted": false,
        "in_stock_quantity": 0, "tax_id": "2", "income_account_id": "79",
        "created_at": 1772000000, "updated_at": 1772000200, "archived_at": 0
    }"#,
    )
}

pub(crate) fn invoice() -> Object {
    let mut record = parse(
        r#"{
        "id": "invoice001", "client_id": "client0001", "status_id": "2", "number": "0042", "po_number": "PO-9",
        "date": "2026-03-02", "due_date": "2026-04-01", "amount": 257.23, "balance": 257.23, "paid_to_date": 0,
        "discount": 10, "is_amount_discount": false, "uses_inclusive_taxes": false,
        "tax_name1": "County", "tax_rate1": 0.25, "tax_name2": "", "tax_rate2": 0, "tax_name3": "", "tax_rate3": 0,
        "terms": "Thirty days", "public_notes": "Thank you", "private_notes": "", "footer": "",
        "exchange_rate": 1, "custom_value1": "route 4", "custom_surcharge1": 15, "custom_surcharge2": 0,
        "custom_surcharge3": 0, "custom_surcharge4": 0, "custom_surcharge_tax1": true,
        "custom_surcharge_tax2": false, "custom_surcharge_tax3": false, "custom_surcharge_tax4": false,
        "line_items": [
            {
                "quantity": 4, "cost": 45.5, "product_key": "MOW", "product_cost": 0, "notes": "Back lawn",
                "discount": 0, "is_amount_discount": false, "tax_name1": "California", "tax_rate1": 8,
                "tax_name2": "", "tax_rate2": 0, "tax_name3": "", "tax_rate3": 0, "sort_id": "0", "line_total": 182,
                "gross_line_total": 182, "date": "", "custom_value1": "lot A", "type_id": "1", "tax_id": "2",
                "task_id": "task000001"
            },
            {
                "quantity": 1.5, "cost": 40, "product_key": "", "product_cost": 0, "notes": "Hauling",
                "discount": 5, "is_amount_discount": false, "tax_name1": "", "tax_rate1": 0, "tax_name2": "",
                "tax_rate2": 0, "tax_name3": "", "tax_rate3": 0, "sort_id": "1", "line_total": 57,
                "gross_line_total": 57, "date": "", "custom_value1": "", "type_id": "2", "tax_id": "5"
            }
        ],
        "is_deleted": false, "created_at": 1772000000, "updated_at": 1772000300, "archived_at": 0
            }"#,
    );
    record.insert("client".into(), Value::Object(client()));
    record
}

pub(crate) fn payment() -> Object {
    let mut record = parse(
        r#"{
        "id": "payment001", "client_id": "client0001", "status_id": "4", "type_id": "15", "number": "0003",
        "amount": 200, "applied": 150.25, "refunded": 0, "date": "2026-03-05", "transaction_reference": "1081",
        "private_notes": "", "is_manual": true, "currency_id": "1", "exchange_rate": 1,
        "exchange_currency_id": "", "custom_value1": "", "is_deleted": false,
        "created_at": 1772000000, "updated_at": 1772000400, "archived_at": 0,
        "paymentables": [
            {"id": "part000001", "invoice_id": "invoice001", "amount": 150.25, "refunded": 0},
            {"id": "part000002", "credit_id": "credit0001", "amount": 5, "refunded": 0}
        ],
        "invoices": [{"id": "invoice001", "number": "0042", "date": "2026-03-02"}]
            }"#,
    );
    record.insert("client".into(), Value::Object(client()));
    record
}
