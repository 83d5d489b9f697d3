use proptest::prelude::*;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use sync::model::{
    Discount, Invoice, InvoiceLine, InvoiceStatus, PaymentStatus, ProductType, Tax, TaxCategory,
};

use super::*;
use crate::mapping::fixtures::{self, client, invoice, payment, product, setup};

/// The JSON as it goes over the wire.
fn pretty(value: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(value).unwrap()
}

fn read_record(kind: Kind, record: &Object) -> Record {
    read(kind, record, &setup()).unwrap().record
}

fn all() -> [(Kind, Object); 4] {
    [
        (Kind::Client, client()),
        (Kind::Product, product()),
        (Kind::Invoice, invoice()),
        (Kind::Payment, payment()),
    ]
}

fn the_invoice() -> Invoice {
    match read_record(Kind::Invoice, &invoice()) {
        Record::Invoice(invoice) => *invoice,
        other => panic!("{other:?}"),
    }
}

fn changed(after: Invoice) -> Result<Changes, Unfit> {
    let (before, after) = (the_invoice(), Record::Invoice(Box::new(after)));
    changes(&invoice(), &Record::Invoice(Box::new(before)), &after, &setup())
}

fn tax(name: &str, rate: i64) -> Tax {
    Tax { name: name.into(), rate: Decimal::new(rate, 2) }
}

/// The app's record after a change, as far as the app takes what it is sent.
fn applied(there: &Object, changes: &Changes) -> Object {
    let mut record = there.clone();
    for (name, value) in &changes.body {
        record.insert(name.clone(), value.clone());
    }
    record
}

#[test]
fn records_are_read_as_the_model_has_them() {
    for (kind, record) in all() {
        insta::assert_snapshot!(format!("{kind}_read"), pretty(&read_record(kind, &record)));
    }
}

#[test]
fn records_are_created_with_what_the_model_knows() {
    for (kind, record) in all() {
        let creation = creation(&read_record(kind, &record), &setup()).unwrap();
        let told = json!({"body": creation.body, "actions": creation.actions});
        insta::assert_snapshot!(format!("{kind}_created"), pretty(&told));
    }
}

#[test]
fn a_record_that_did_not_change_sends_nothing() {
    for (kind, record) in all() {
        let same = read_record(kind, &record);
        assert_eq!(changes(&record, &same, &same, &setup()).unwrap(), Changes::default(), "{kind}");
    }
}

#[test]
fn what_is_created_is_read_back_the_same() {
    for (kind, mut record) in all() {
        let before = read_record(kind, &record);
        let mut sent = creation(&before, &setup()).unwrap().body;
        // Goes out as what is paid and comes back as the invoices.
        sent.remove("invoices");
        record.extend(sent);
        assert_eq!(read_record(kind, &record), before, "{kind}");
    }
}

#[test]
fn contacts_that_stay_keep_what_only_the_app_knows() {
    let Record::Client(before) = read_record(Kind::Client, &client()) else { panic!("a client") };
    let mut after = before.clone();
    after.contacts[0].phone = "555-0199".into();
    after.contacts.remove(1);
    after.contacts.push(sync::model::Contact { first_name: "Ana".into(), ..Default::default() });
    let mut there = client();
    let meanwhile = json!({"id": "contact003", "first_name": "New", "email": "new@delgado.example"});
    there["contacts"].as_array_mut().unwrap().push(meanwhile);
    let changes = changes(&there, &Record::Client(before), &Record::Client(after), &setup()).unwrap();
    insta::assert_snapshot!(pretty(&changes.body));
}

#[test]
fn a_clients_settings_are_sent_whole_with_what_changed() {
    let Record::Client(before) = read_record(Kind::Client, &client()) else { panic!("a client") };
    let mut after = before.clone();
    after.payment_terms = Some(14);
    let changes = changes(&client(), &Record::Client(before), &Record::Client(after), &setup()).unwrap();
    let expected = json!({"settings": {"currency_id": "1", "payment_terms": "14", "send_reminders": true}});
    assert_eq!(Value::Object(changes.body), expected);
}

#[test]
fn a_country_that_is_none_is_named() {
    let Record::Client(mut client) = read_record(Kind::Client, &client()) else { panic!("a client") };
    client.billing_address.as_mut().unwrap().country = "Atlantis".into();
    let problem = creation(&Record::Client(client), &setup()).unwrap_err().to_string();
    assert_eq!(problem, "`country_id` has no country \"Atlantis\" to choose from");
}

#[test]
fn lines_that_stay_keep_what_only_the_app_knows_and_the_others_stay_as_they_are() {
    let mut after = the_invoice();
    after.lines[0].taxes = vec![tax("San Mateo", 938), tax("County", 25)];
    after.lines.swap(0, 1);
    let new =
        InvoiceLine { product_key: "SEED".into(), notes: "Grass seed".into(), ..after.lines[1].clone() };
    after.lines.push(new);
    let body = changed(after).unwrap().body;
    assert_eq!(body.keys().collect::<Vec<_>>(), ["line_items"]);
    insta::assert_snapshot!(pretty(&body));
}

#[test]
fn taxes_on_the_whole_invoice_stay_there_while_every_line_has_them() {
    let mut after = the_invoice();
    after.lines[1].taxes = Vec::new();
    after.surcharges[0].taxes = Vec::new();
    let refused = changed(after.clone()).map(|changes| changes.body);
    let body = refused.unwrap();
    assert_eq!(body["tax_name1"], "");
    assert_eq!(body["line_items"][0]["tax_name2"], "County", "it moves to the line that keeps it");
    assert_eq!(body["line_items"][1]["tax_name1"], "");
    after.surcharges[0].taxes = vec![tax("County", 25)];
    assert_eq!(changed(after).unwrap_err().member, "custom_surcharge_tax1");
}

#[test]
fn taxes_written_back_are_read_back() {
    let mut after = the_invoice();
    for line in &mut after.lines {
        line.taxes = vec![tax("California", 725), tax("Bayshore", 150)];
    }
    after.surcharges[0].taxes = Vec::new();
    let sent = changed(after.clone()).unwrap();
    let Record::Invoice(stored) = read_record(Kind::Invoice, &applied(&invoice(), &sent)) else {
        panic!("an invoice")
    };
    assert_eq!(*stored, after, "R46");
    assert_eq!(taxes(&Record::Invoice(stored)), [tax("California", 725), tax("Bayshore", 150)], "R47");
}

#[test]
fn more_rates_than_the_app_takes_come_to_the_same() {
    let mut after = the_invoice();
    let five = [("Arizona", 560), ("Pima County", 50), ("Tucson", 260), ("Stadium", 25), ("Transit", 5)];
    for line in &mut after.lines {
        line.taxes = five.iter().map(|(name, rate)| tax(name, *rate)).collect();
    }
    after.surcharges[0].taxes = Vec::new();
    let sent = changed(after.clone()).unwrap();
    let Record::Invoice(stored) = read_record(Kind::Invoice, &applied(&invoice(), &sent)) else {
        panic!("an invoice")
    };
    let last = tax("Tucson + Stadium + Transit", 290);
    for line in &stored.lines {
        assert_eq!(line.taxes, [tax("Arizona", 560), tax("Pima County", 50), last.clone()]);
    }
    assert_eq!(taxes(&Record::Invoice(Box::new(after.clone()))).last(), Some(&last), "R47");
    after.lines = stored.lines.clone();
    let again = changes(
        &applied(&invoice(), &sent),
        &Record::Invoice(stored),
        &Record::Invoice(Box::new(after)),
        &setup(),
    );
    assert_eq!(again.unwrap().body, Object::new(), "nothing is written twice");
}

#[test]
fn mixed_discounts_become_amounts() {
    let mut after = the_invoice();
    after.discount = Some(Discount::Amount(Decimal::from(20)));
    let body = changed(after).unwrap().body;
    assert_eq!((&body["discount"], &body["is_amount_discount"]), (&json!(20), &json!(true)));
    assert_eq!(body["line_items"][1]["discount"].to_string(), "3", "5 % of 60");
}

#[test]
fn an_invoices_status_changes_by_what_the_app_is_told_to_do() {
    let with =
        |status| changed(Invoice { status, ..the_invoice() }).map(|changes| (changes.body, changes.actions));
    assert_eq!(with(InvoiceStatus::Cancelled).unwrap(), (Object::new(), vec![("cancel", "true")]));
    assert_eq!(with(InvoiceStatus::Paid).unwrap(), (Object::new(), vec![]), "payments make it paid");
    assert_eq!(with(InvoiceStatus::Draft).unwrap_err().member, "status_id");
}

#[test]
fn what_a_payment_pays_cannot_be_changed() {
    let Record::Payment(before) = read_record(Kind::Payment, &payment()) else { panic!("a payment") };
    let change = |change: &dyn Fn(&mut sync::model::Payment)| {
        let mut after = before.clone();
        change(&mut after);
        changes(&payment(), &Record::Payment(before.clone()), &Record::Payment(after), &setup())
    };
    assert_eq!(change(&|payment| payment.amount += Decimal::ONE).unwrap_err().member, "amount");
    assert_eq!(change(&|payment| payment.allocations.clear()).unwrap_err().member, "invoices");
    let body = change(&|payment| payment.reference = "1082".into()).unwrap().body;
    assert_eq!(Value::Object(body), json!({"transaction_reference": "1082"}));
    let mut refunded = before.clone();
    refunded.status = PaymentStatus::Refunded;
    let mut after = refunded.clone();
    after.reference = "1082".into();
    let problem =
        changes(&payment(), &Record::Payment(refunded), &Record::Payment(after), &setup()).unwrap_err();
    assert_eq!(problem.member, "status_id", "a change would complete it");
}

#[test]
fn an_invoices_rate_is_the_inverse_of_the_apps_and_a_payments_is_the_apps() {
    let (mut bill, mut paid) = (invoice(), payment());
    bill["exchange_rate"] = json!(0.8);
    paid["exchange_rate"] = json!("1.25");
    let Record::Invoice(bill) = read_record(Kind::Invoice, &bill) else { panic!("an invoice") };
    let Record::Payment(paid) = read_record(Kind::Payment, &paid) else { panic!("a payment") };
    let rate = Some(Decimal::new(125, 2));
    assert_eq!((bill.exchange_rate, paid.exchange_rate), (rate, rate), "D14");
    assert_eq!(creation(&Record::Invoice(bill), &setup()).unwrap().body["exchange_rate"].to_string(), "0.8");
}

#[test]
fn what_is_not_whole_says_which_member() {
    let problem = |kind, mut record: Object, member: &str, value: Value| {
        record.insert(member.to_owned(), value);
        read(kind, &record, &setup()).unwrap_err().to_string()
    };
    let problems = [
        problem(Kind::Client, client(), "contacts", Value::Null),
        problem(Kind::Client, client(), "settings", json!({"currency_id": "999"})),
        problem(
            Kind::Client,
            {
                let mut client = client();
                client["settings"] = json!({});
                client
            },
            "group_settings_id",
            json!("group00001"),
        ),
        problem(Kind::Client, client(), "country_id", json!("999")),
        problem(Kind::Product, product(), "price", json!("a lot")),
        problem(Kind::Invoice, invoice(), "client", Value::Null),
        problem(Kind::Invoice, invoice(), "date", json!("")),
        problem(Kind::Invoice, invoice(), "status_id", json!("77")),
        problem(Kind::Invoice, invoice(), "line_items", json!([1])),
        problem(Kind::Payment, payment(), "invoices", json!([])),
        problem(Kind::Payment, payment(), "date", json!("")),
    ];
    insta::assert_snapshot!(problems.join("\n"));
}

#[test]
fn the_app_itself_fills_in_a_country_and_that_is_no_address() {
    let Record::Client(read) = read_record(Kind::Client, &client()) else { panic!("a client") };
    assert_eq!(read.shipping_address, None);
}

#[test]
fn odd_lines_are_read() {
    let line = |line: Value| lines::read(&fixtures::object(line), &[], false).unwrap();
    let bare = line(json!({"quantity": "2", "cost": "1e1", "notes": null}));
    assert_eq!((bare.quantity, bare.unit_price), (Decimal::TWO, Decimal::TEN));
    assert_eq!((bare.product_type, bare.taxes), (ProductType::Goods, vec![]));
    for (type_id, expected) in [(2, ProductType::Service), (3, ProductType::Fee), (6, ProductType::Expense)] {
        assert_eq!(line(json!({"quantity": 1, "cost": 1, "type_id": type_id})).product_type, expected);
    }
    let unnamed = line(json!({"quantity": 1, "cost": 1, "tax_name1": "T", "tax_rate1": 20}));
    assert_eq!(unnamed.taxes, [], "the app takes no tax with such a name");
}

fn lines() -> impl Strategy<Value = Vec<InvoiceLine>> {
    let taxes = || prop::collection::vec(("[A-Z]{2,4}", 0_i64..2500), 0..3);
    let line =
        (("[A-Z]{0,3}", "[a-z]{0,4}", 0_i64..9), 1_i64..500, 0_i64..99_999, taxes(), 0_i64..30, 0..9_u8);
    let line = line.prop_map(|((key, notes, _), quantity, price, taxes, discount, sort)| InvoiceLine {
        id: None,
        product_id: None,
        product_key: key,
        notes,
        quantity: Decimal::new(quantity, 1),
        unit_price: Decimal::new(price, 4),
        discount: (discount > 20).then(|| Discount::Percent(Decimal::from(discount))),
        taxes: taxes.into_iter().map(|(name, rate)| tax(&name, rate)).collect(),
        tax_category: if sort == 0 { TaxCategory::Exempt } else { TaxCategory::Standard },
        product_type: if sort < 5 { ProductType::Service } else { ProductType::Goods },
    });
    prop::collection::vec(line, 0..5)
}

/// A gateway's fee, not paid yet and paid, and a fee for being late (Invoice Ninja API: line items, type_id).
#[test]
fn point_49_a_gateway_fee_is_read_as_a_fee() {
    for type_id in ["3", "4", "5"] {
        let mut record = invoice();
        record["line_items"].as_array_mut().unwrap().push(json!({
            "product_key": "", "notes": "Gateway fee", "cost": 2.9, "quantity": 1, "type_id": type_id, "tax_id": "1",
        }));
        let Record::Invoice(read) = read_record(Kind::Invoice, &record) else { panic!("an invoice") };
        let fee = read.lines.last().unwrap();
        assert_eq!(
            (fee.product_type, fee.unit_price.to_string()),
            (ProductType::Fee, "2.9".into()),
            "{type_id}"
        );
        assert_eq!((read.lines.len(), fee.notes.as_str()), (the_invoice().lines.len() + 1, "Gateway fee"));
    }
}

/// The app's own fields are the bookkeeper's to change too, where one of QuickBooks' stands for them.
#[test]
fn point_49_a_custom_field_is_read_and_written() {
    let before = the_invoice();
    assert_eq!(before.custom_fields.get("custom_value1").map(String::as_str), Some("route 4"));
    let mut after = before.clone();
    after.custom_fields = [("custom_value3".to_owned(), "north".to_owned())].into();
    let sent = changed(after).unwrap();
    assert_eq!((&sent.body["custom_value1"], &sent.body["custom_value3"]), (&json!(""), &json!("north")));
    assert_eq!(sent.body.len(), 2);
}

proptest! {
    /// Whatever an invoice becomes, the app has it so afterwards, and what only the app knows is still there.
    #[test]
    fn a_change_arrives_and_touches_nothing_else(lines in lines(), number in "[A-Z0-9]{1,6}", po in "[a-z]{0,3}") {
        let mut after = the_invoice();
        after.surcharges.clear();
        after.lines = lines;
        after.number = number;
        after.po_number = po;
        let sent = changed(after.clone()).unwrap();
        let there = applied(&invoice(), &sent);
        let Record::Invoice(stored) = read_record(Kind::Invoice, &there) else { panic!("an invoice") };
        prop_assert_eq!(*stored, after);
        for member in ["custom_value1", "footer", "terms", "date"] {
            prop_assert_eq!(&there[member], &invoice()[member]);
            prop_assert!(!sent.body.contains_key(member));
        }
    }

    #[test]
    fn an_invoice_is_created_as_it_is(lines in lines(), inclusive: bool) {
        let mut wanted = the_invoice();
        wanted.surcharges.clear();
        wanted.lines = lines;
        wanted.taxes_inclusive = inclusive;
        let mut there = fixtures::object(json!({
            "id": "invoice001", "updated_at": 1_772_000_300, "status_id": "2", "amount": 257.23, "balance": 257.23,
            "client": client(), "line_items": [],
        }));
        there.extend(creation(&Record::Invoice(Box::new(wanted.clone())), &setup()).unwrap().body);
        let Record::Invoice(stored) = read_record(Kind::Invoice, &there) else { panic!("an invoice") };
        prop_assert_eq!(*stored, wanted);
    }

    #[test]
    fn no_json_makes_reading_panic(value in any_json()) {
        if let Value::Object(object) = value {
            for kind in Kind::ALL {
                let _read = read(kind, &object, &setup());
            }
        }
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let names = prop::sample::select(vec![
        "id",
        "client_id",
        "contacts",
        "settings",
        "line_items",
        "date",
        "amount",
        "client",
        "paymentables",
        "invoices",
        "status_id",
        "updated_at",
        "discount",
        "tax_rate1",
        "tax_name1",
        "invoice_id",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        Just(json!(1e300)),
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(names.clone(), inner, 0..10).prop_map(|members| Value::Object(
                members.into_iter().map(|(n, v)| (n.to_owned(), v)).collect()
            )),
        ]
    })
}
