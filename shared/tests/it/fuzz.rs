//! What comes from outside, bent: events, webhook bodies, faults and query answers. Nothing panics, and nothing that is
//! kept grows beyond what came.
//!
//! Each body begins as a valid one. Members are replaced by odd values (numbers with four hundred digits, `1e999999`,
//! nesting a hundred thousand deep), left out, doubled; then the text itself is cut and its bytes are changed.
//! `PROPTEST_CASES=1000000 cargo test -p sync --test it fuzz` runs them for longer.

use proptest::prelude::*;
use proptest::sample::Index;
use quickbooks::webhook;
use quickbooks_wire::{BatchResponse, CdcResponse, EntityResponse, Fault, QueryAnswer};
use serde_json::{Value, json};
use sync::mapping::{customer, invoice, item, payment};
use sync::model::Record;
use sync::reference::{Reference, TaxModel};
use sync::{event, plan};

use crate::desk;

/// Stands in a text where a value is that no JSON tree could hold.
const DEEP: &str = "\"<deep>\"";

/// How a valid body is bent.
#[derive(Clone, Debug)]
enum Bend {
    /// Puts something odd in the place of a value.
    Replace(Index, Value),
    /// Puts a nest of arrays or objects, of this depth, in the place of a value.
    Nest(Index, usize, bool),
    /// Takes a member or an element away.
    Remove(Index),
    /// Puts an array's or an object's member there many times over.
    Repeat(Index, usize),
    /// Ends the text early.
    Cut(Index),
    /// Changes a byte of the text.
    Byte(Index, u8),
}

fn number(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn odd() -> impl Strategy<Value = Value> {
    let digits = |count: usize| "9".repeat(count);
    let fixed = vec![
        json!(null),
        json!(true),
        json!([]),
        json!({}),
        json!(""),
        json!("\u{0}\u{7}\u{fffd}\u{1F33B}"),
        json!("x".repeat(5000)),
        json!("false"),
        json!("1e999999"),
        number("1e999999"),
        number("-1e-999999"),
        number(&digits(400)),
        number(&format!("0.{}", digits(400))),
        number(&format!("{}.{}e-399", digits(200), digits(200))),
        number("79228162514264337593543950335"),
        number("-79228162514264337593543950335"),
        number("0.0000000000000000000000000001"),
        number("-0"),
        json!("9999-12-31"),
        json!("-009999-01-01"),
        json!("2026-02-30T25:61:61Z"),
    ];
    prop_oneof![
        3 => prop::sample::select(fixed),
        1 => any::<String>().prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => (0_u64.., 0_u32..28).prop_map(|(mantissa, scale)| number(&format!("{mantissa}e-{scale}"))),
    ]
}

fn bends() -> impl Strategy<Value = Vec<Bend>> {
    let bend = prop_oneof![
        8 => (any::<Index>(), odd()).prop_map(|(place, value)| Bend::Replace(place, value)),
        1 => (any::<Index>(), prop_oneof![1_usize..200, Just(100_000)], any::<bool>())
            .prop_map(|(place, depth, objects)| Bend::Nest(place, depth, objects)),
        2 => any::<Index>().prop_map(Bend::Remove),
        1 => (any::<Index>(), 1_usize..300).prop_map(|(place, times)| Bend::Repeat(place, times)),
        1 => any::<Index>().prop_map(Bend::Cut),
        1 => (any::<Index>(), any::<u8>()).prop_map(|(place, byte)| Bend::Byte(place, byte)),
    ];
    prop::collection::vec(bend, 0..4)
}

/// The JSON pointers of everything in a value.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(members) => members.iter().for_each(|(name, member)| {
            places(member, &format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")), found);
        }),
        Value::Array(elements) => elements.iter().enumerate().for_each(|(place, element)| {
            places(element, &format!("{at}/{place}"), found);
        }),
        _ => {}
    }
}

fn bent(mut body: Value, bends: &[Bend]) -> Vec<u8> {
    let mut deep = Vec::new();
    for bend in bends {
        let (Bend::Replace(index, _) | Bend::Nest(index, ..) | Bend::Remove(index) | Bend::Repeat(index, _)) =
            bend
        else {
            continue;
        };
        let mut all = Vec::new();
        places(&body, "", &mut all);
        let Some(value) = body.pointer_mut(&all[index.index(all.len())]) else { continue };
        match bend {
            Bend::Replace(_, odd) => *value = odd.clone(),
            Bend::Nest(_, depth, objects) => {
                *value = json!("<deep>");
                deep.push((*depth, *objects));
            }
            Bend::Remove(index) => match value {
                Value::Object(members) if !members.is_empty() => {
                    let name = index.get(&members.keys().cloned().collect::<Vec<_>>()).clone();
                    members.remove(&name);
                }
                Value::Array(elements) if !elements.is_empty() => {
                    drop(elements.remove(index.index(elements.len())))
                }
                other => *other = Value::Null,
            },
            Bend::Repeat(_, times) => match value {
                Value::Array(elements) if !elements.is_empty() => {
                    let first = elements[0].clone();
                    elements.extend(std::iter::repeat_n(first, *times));
                }
                other => *other = Value::Array(vec![other.clone(); *times]),
            },
            Bend::Cut(_) | Bend::Byte(..) => {}
        }
    }
    let mut text = body.to_string();
    for (depth, objects) in deep {
        let (open, close) = if objects { ("{\"a\":", "}") } else { ("[", "]") };
        text = text.replacen(DEEP, &format!("{}1{}", open.repeat(depth), close.repeat(depth)), 1);
    }
    let mut bytes = text.into_bytes();
    for bend in bends {
        match bend {
            Bend::Cut(at) => bytes.truncate(at.index(bytes.len() + 1)),
            Bend::Byte(at, byte) if !bytes.is_empty() => {
                let place = at.index(bytes.len());
                bytes[place] = *byte;
            }
            _ => {}
        }
    }
    bytes
}

fn an_event() -> impl Strategy<Value = Value> {
    let ames = json!({
        "id": "c-1", "name": "Ames & Daughters", "currency": "EUR", "payment_terms": 30, "website": "ames.example",
        "contacts": [{"first_name": "Kim", "email": "kim@ames.example", "primary": true}],
        "billing_address": {"line1": "1 Elm St", "city": "York"},
    });
    let mut bill = desk::invoice("i-1", &ames, &["Hedge laying", "Ditching"]);
    bill["lines"][0]["taxes"] = json!([{"name": "VAT", "rate": 20}, {"name": "Levy", "rate": 2.5}]);
    bill["lines"][1]["discount"] = json!({"percent": 12.5});
    bill["discount"] = json!({"amount": 10});
    bill["surcharges"] = json!([{"name": "Fuel", "amount": 7.25, "taxes": [{"rate": 20}]}]);
    bill["currency"] = json!("EUR");
    bill["exchange_rate"] = json!(1.1);
    let paid = desk::payment("y-1", &ames, 100, &[("i-1", 60), ("i-2", 40)]);
    let records = vec![
        ("client", ames),
        ("product", desk::product("p-1", "Hedge laying")),
        ("invoice", bill.clone()),
        ("invoice", bill),
        ("payment", paid),
    ];
    let verb = prop::sample::select(vec!["created", "updated", "deleted", "restored"]);
    (prop::sample::select(records), verb, any::<bool>()).prop_map(|((kind, data), verb, several)| {
        let event = json!({
            "specversion": "1.0", "id": "e-1", "source": "test", "type": format!("billing.{kind}.{verb}"),
            "subject": data["id"], "time": "2026-03-02T10:00:00Z", "company": "acme", "data": data,
        });
        if several { json!([event, event]) } else { event }
    })
}

/// A company of each tax model, read from what is known of a company with nothing in it.
fn companies() -> Vec<Reference> {
    let plain: Reference = serde_json::from_value(json!({
        "name": "Delgado Gardens", "country": "GB", "home_currency": "GBP", "multi_currency": true, "tax_model": "off",
        "custom_numbers": true, "discounts": true, "auto_apply_credit": false, "book_close_date": null, "accounts": [],
        "tax_codes": [
            {"id": "2", "name": "VAT", "taxable": true, "rates": [{"id": "21", "name": "VAT", "percent": 20}]},
            {"id": "3", "name": "None", "taxable": false, "rates": []},
        ],
        "terms": [], "payment_methods": [], "read_at": "2026-03-02T10:00:00Z",
    }))
    .unwrap();
    let models = [TaxModel::Off, TaxModel::Automated, TaxModel::Manual, TaxModel::Global];
    models.into_iter().map(|tax_model| Reference { tax_model, ..plain.clone() }).collect()
}

/// Everything that is done with a record before QuickBooks is asked for anything.
fn plan_and_map(record: &Record, reference: &Reference) {
    let settings = sync::settings::Settings::default();
    plan::excluded(record, &settings);
    let answers = match record {
        Record::Client(client) => customer::map(client, None, reference).map(drop),
        Record::Product(product) => item::map(product, &settings, reference).map(drop),
        Record::Invoice(bill) => invoice::check(bill, &settings, reference),
        Record::Payment(paid) => {
            let id = sync::ids::QuickBooksId::new("130").unwrap();
            payment::check(paid, |_| Some(id.clone()), &settings, reference)
        }
    };
    if let Err(park) = answers {
        assert!(!park.reason.is_empty() && park.reason.len() < 20_000, "{}", park.reason.len());
    }
}

proptest! {
    #[test]
    fn fuzz_events(event in an_event(), bends in bends()) {
        let body = bent(event, &bends);
        let text = String::from_utf8_lossy(&body);
        let read = event::read(&text);
        prop_assert!(!read.is_empty());
        let kept: usize = read.iter().map(|received| received.raw.len()).sum();
        prop_assert!(kept <= 2 * text.len() + 16, "{} of {}", kept, text.len());
        let companies = companies();
        for received in read {
            match received.event {
                Ok(event) => {
                    plan::is_withdrawn(&event);
                    if let Some(record) = &event.data {
                        companies.iter().for_each(|reference| plan_and_map(record, reference));
                    }
                }
                Err(unreadable) => prop_assert!(unreadable.problem.len() < 20_000, "{}", unreadable.problem.len()),
            }
        }
    }

    #[test]
    fn fuzz_webhook_bodies(classic in any::<bool>(), bends in bends()) {
        let valid = match classic {
            true => json!({"eventNotifications": [{"realmId": "123", "dataChangeEvent": {"entities": [
                {"name": "Customer", "id": "43", "operation": "Merge", "deletedId": "44", "lastUpdated": "2026-03-02T10:00:00Z"},
                {"name": "Invoice", "id": "45", "operation": "Void", "lastUpdated": "2026-03-02T10:00:00Z"},
            ]}}]}),
            false => json!([{
                "specversion": "1.0", "id": "e1", "source": "intuit.x", "type": "qbo.customer.merged.v1",
                "time": "2026-03-02T10:00:00Z", "intuitentityid": "123", "intuitaccountid": "9130000000000001",
                "data": {"deletedid": "27"},
            }]),
        };
        let body = bent(valid, &bends);
        if let Ok(found) = webhook::parse(&body) {
            prop_assert!(found.changes.len() <= body.len());
            let kept: usize = found.changes.iter().map(|change| change.entity.len() + change.id.as_str().len()).sum();
            prop_assert!(kept <= body.len() * 3, "small letters may take more bytes");
        }
    }

    #[test]
    fn fuzz_faults(status in 200_u16..600, lower in any::<bool>(), bends in bends()) {
        let valid = match lower {
            true => json!({"fault": {"error": [{"message": "m", "detail": "d", "code": null, "element": null}], "type": "AUTHENTICATION"}, "time": 1}),
            false => json!({"Fault": {"Error": [{"Message": "m", "Detail": "d", "code": "6240", "element": "Line"}], "type": "ValidationFault"}}),
        };
        let fault = Fault::read(status, &bent(valid, &bends));
        prop_assert!(!fault.errors.is_empty() && fault.errors.len() <= 50);
        prop_assert!(fault.to_string().len() < 50 * 10_000);
        prop_assert!(sync::failure::in_words(&fault).len() < 5 * 10_000, "a person reads it");
        sync::failure::classify(&sync::ports::CallError::Refused(fault));
    }

    #[test]
    fn fuzz_query_answers(bends in bends()) {
        let meta = json!({"CreateTime": "2026-03-02T10:00:00-08:00", "LastUpdatedTime": "2026-03-02T10:00:00-08:00"});
        let line = json!({
            "Id": "1", "Amount": 100.10, "DetailType": "SalesItemLineDetail",
            "SalesItemLineDetail": {"ItemRef": {"value": "7"}, "Qty": 2, "UnitPrice": 50.05, "TaxCodeRef": {"value": "TAX"}},
        });
        let rows = json!({
            "Customer": [{"Id": "1", "SyncToken": "0", "DisplayName": "Ames", "Active": true, "Balance": 1.5, "MetaData": meta}],
            "Item": [{"Id": "7", "SyncToken": "3", "Name": "Hedge laying", "Type": "Service", "UnitPrice": 50.05}],
            "Invoice": [{"Id": "9", "SyncToken": "1", "DocNumber": "N-1", "TotalAmt": 100.1, "Balance": 0, "Line": [line], "MetaData": meta}],
            "Payment": [{"Id": "11", "SyncToken": "0", "TotalAmt": 100.1, "Line": [{"Amount": 1, "LinkedTxn": [{"TxnId": "9", "TxnType": "Invoice"}]}]}],
            "Preferences": [{"TaxPrefs": {"UsingSalesTax": "false", "PartnerTaxEnabled": true}}],
            "TaxCode": [{"Id": "2", "Name": "VAT", "SalesTaxRateList": {"TaxRateDetail": [{"TaxRateRef": {"value": "3"}, "TaxOrder": 0}]}}],
            "TaxRate": [{"Id": "3", "Name": "VAT", "RateValue": 20}],
            "startPosition": 1, "maxResults": 4, "totalCount": 4,
        });
        let body = bent(json!({"QueryResponse": rows, "time": "2026-03-02T10:00:00-08:00"}), &bends);
        if let Ok(answer) = serde_json::from_slice::<QueryAnswer>(&body) {
            for entity in answer.query_response.into_entities() {
                let seen = sync::mapping::fields::fingerprints(&entity);
                prop_assert!(seen.values().all(|digest| digest.len() < 100));
                for name in seen.keys() {
                    sync::mapping::fields::shown(&entity, name);
                }
                if let quickbooks_wire::Entity::Invoice(booked) = &entity {
                    invoice::difference(rust_decimal::Decimal::MIN, booked);
                    sync::matching::is_voided(booked);
                }
                invoice::credit_applied(&entity);
            }
        }
        let batch = bent(json!({"BatchItemResponse": [{"bId": "0", "QueryResponse": rows}, {"bId": "1", "Fault": {"Error": [{"code": "610"}]}}]}), &bends);
        if let Ok(answer) = serde_json::from_slice::<BatchResponse>(&batch) {
            answer.batch_item_response.into_iter().for_each(|item| drop(item.into_outcome()));
        }
        drop(serde_json::from_slice::<CdcResponse>(&batch));
        drop(serde_json::from_slice::<EntityResponse>(&bent(json!({"Invoice": rows["Invoice"][0]}), &bends)));
    }
}

/// The bends are worth their name: all four bodies are still read now and then, and refused now and then.
#[test]
fn bent_bodies_are_sometimes_read_and_sometimes_not() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut read = 0;
    for _ in 0..200 {
        let (event, bends) = (an_event(), bends()).new_tree(&mut runner).unwrap().current();
        let body = bent(event, &bends);
        read += usize::from(
            event::read(&String::from_utf8_lossy(&body)).iter().all(|received| received.event.is_ok()),
        );
    }
    assert!((40..180).contains(&read), "{read} of 200");
}
