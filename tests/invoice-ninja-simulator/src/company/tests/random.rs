//! Whatever is asked, the company answers, and its figures agree.

use proptest::prelude::*;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::Session;
use crate::company::record::decimal;
use crate::company::{Kind, Seed};

/// What is put where an amount, a text or a list is expected.
fn anything() -> impl Strategy<Value = Value> {
    prop_oneof![
        (-500_000_i64..5_000_000).prop_map(|n| json!(format!("{}.{:02}", n / 100, (n % 100).abs()))),
        (0_i64..200).prop_map(|n| json!(n)),
        Just(json!("1000000000")),
        Just(json!("-99999999999999999999999999")),
        Just(json!(1e300)),
        Just(json!(null)),
        Just(json!("text")),
        Just(json!([{"cost": 3}])),
        Just(json!({"a": [1]})),
        Just(json!(true)),
    ]
}

fn line() -> impl Strategy<Value = Value> {
    (anything(), anything(), anything(), anything(), 0_u32..30).prop_map(|(cost, quantity, discount, other, rate)| {
        json!({
            "cost": cost, "quantity": quantity, "discount": discount, "tax_name1": "VAT", "tax_rate1": rate,
            "tax_name2": "Other", "tax_rate2": other, "notes": other, "product_key": "P",
        })
    })
}

#[derive(Clone, Debug)]
enum Step {
    Client(Value),
    Invoice { lines: Vec<Value>, discount: Value, flag: bool, inclusive: bool, sent: bool },
    Edit { which: usize, lines: Vec<Value> },
    Pay { which: usize, amount: Value },
    Apply { which: usize, invoice: usize, amount: Value },
    Refund { which: usize, amount: Value },
    Act { kind: Kind, which: usize, action: &'static str },
}

fn step() -> impl Strategy<Value = Step> {
    let actions = prop::sample::select(vec![
        "mark_sent",
        "mark_paid",
        "cancel",
        "delete",
        "restore",
        "archive",
        "reverse",
    ]);
    let kinds = prop::sample::select(vec![Kind::Client, Kind::Invoice, Kind::Payment]);
    prop_oneof![
        anything().prop_map(Step::Client),
        (prop::collection::vec(line(), 0..4), anything(), any::<bool>(), any::<bool>(), any::<bool>())
            .prop_map(|(lines, discount, flag, inclusive, sent)| Step::Invoice {
                lines,
                discount,
                flag,
                inclusive,
                sent
            }),
        (0_usize..9, prop::collection::vec(line(), 0..3))
            .prop_map(|(which, lines)| Step::Edit { which, lines }),
        (0_usize..9, anything()).prop_map(|(which, amount)| Step::Pay { which, amount }),
        (0_usize..9, 0_usize..9, anything()).prop_map(|(which, invoice, amount)| Step::Apply {
            which,
            invoice,
            amount
        }),
        (0_usize..9, anything()).prop_map(|(which, amount)| Step::Refund { which, amount }),
        (kinds, 0_usize..9, actions).prop_map(|(kind, which, action)| Step::Act { kind, which, action }),
    ]
}

impl Session {
    fn pick(&self, kind: Kind, which: usize) -> Value {
        let records = self.company.records(kind);
        records.get(which % records.len().max(1)).cloned().unwrap_or_default()
    }

    fn take(&mut self, step: Step) -> (u16, Value) {
        match step {
            Step::Client(value) => self.send(
                "POST",
                "clients",
                json!({
                    "name": value, "contacts": value, "settings": value, "number": value,
                }),
            ),
            Step::Invoice { lines, discount, flag, inclusive, sent } => {
                let client = self.pick(Kind::Client, 0);
                self.send(
                    "POST",
                    &format!("invoices?mark_sent={sent}"),
                    json!({
                        "client_id": client["id"], "line_items": lines, "discount": discount,
                        "is_amount_discount": flag, "uses_inclusive_taxes": inclusive, "tax_name1": "City",
                        "tax_rate1": 2, "custom_surcharge1": discount,
                    }),
                )
            }
            Step::Edit { which, lines } => {
                let invoice = self.pick(Kind::Invoice, which);
                let path = format!("invoices/{}", invoice["id"].as_str().unwrap_or("none"));
                self.send("PUT", &path, json!({"line_items": lines}))
            }
            Step::Pay { which, amount } => {
                let invoice = self.pick(Kind::Invoice, which);
                self.send(
                    "POST",
                    "payments?email_receipt=false",
                    json!({
                        "client_id": invoice["client_id"], "amount": amount,
                        "invoices": [{"invoice_id": invoice["id"], "amount": invoice["balance"]}],
                    }),
                )
            }
            Step::Apply { which, invoice, amount } => {
                let payment = self.pick(Kind::Payment, which);
                let path = format!("payments/{}", payment["id"].as_str().unwrap_or("none"));
                let invoice = self.pick(Kind::Invoice, invoice);
                self.send(
                    "PUT",
                    &path,
                    json!({"invoices": [{"invoice_id": invoice["id"], "amount": amount}]}),
                )
            }
            Step::Refund { which, amount } => {
                let payment = self.pick(Kind::Payment, which);
                let invoice = payment["paymentables"][0]["invoice_id"].clone();
                self.send(
                    "POST",
                    "payments/refund",
                    json!({
                        "id": payment["id"], "date": "2026-05-15",
                        "invoices": [{"invoice_id": invoice, "amount": amount}],
                    }),
                )
            }
            Step::Act { kind, which, action } => {
                let record = self.pick(kind, which);
                self.send(
                    "POST",
                    &format!("{}/bulk", kind.path()),
                    json!({"action": action, "ids": [record["id"]]}),
                )
            }
        }
    }

    /// What has to hold at all times.
    fn check(&self) {
        let amount = |record: &Value, name: &str| decimal(&record[name]).unwrap();
        for invoice in self.company.records(Kind::Invoice) {
            let status = invoice["status_id"].as_str().unwrap();
            let open = amount(&invoice, "amount") - amount(&invoice, "paid_to_date");
            let balance = amount(&invoice, "balance");
            match status {
                "1" => {
                    assert_eq!((balance, amount(&invoice, "paid_to_date")), (Decimal::ZERO, Decimal::ZERO))
                }
                "5" | "6" => assert_eq!(balance, Decimal::ZERO),
                _ => assert_eq!(balance, open, "{invoice}"),
            }
        }
        for payment in self.company.records(Kind::Payment).iter().filter(|it| it["is_deleted"] == false) {
            let allocations = payment["paymentables"].as_array().unwrap();
            let applied: Decimal = allocations.iter().map(|it| amount(it, "amount")).sum();
            assert_eq!(applied, amount(payment, "applied"), "{payment}");
            assert!(applied <= amount(payment, "amount").max(Decimal::ZERO), "{payment}");
        }
        for invoice in self.company.records(Kind::Invoice).iter().filter(|it| it["is_deleted"] == false) {
            let paid: Decimal = self
                .company
                .records(Kind::Payment)
                .iter()
                .filter(|it| it["is_deleted"] == false)
                .flat_map(|it| it["paymentables"].as_array().unwrap().clone())
                .filter(|it| it["invoice_id"] == invoice["id"])
                .map(|it| amount(&it, "amount") - amount(&it, "refunded"))
                .sum();
            assert_eq!(paid, amount(invoice, "paid_to_date"), "{invoice}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn no_request_does_harm_and_balances_are_what_is_left(steps in prop::collection::vec(step(), 1..40)) {
        let mut session = Session::new(Seed::Empty);
        session.client("First");
        for step in steps {
            let before = session.company.records(Kind::Invoice);
            let (status, answer) = session.take(step.clone());
            prop_assert!(matches!(status, 200 | 400 | 401 | 403 | 404 | 422), "{status} {answer}");
            if status != 200 {
                prop_assert_eq!(&session.company.records(Kind::Invoice), &before, "{:?} was refused", step);
            }
            session.check();
        }
    }

    #[test]
    fn no_path_or_body_does_harm(
        method in prop::sample::select(vec!["GET", "POST", "PUT", "DELETE", "PATCH"]),
        path in "(clients|invoices|payments|webhooks|tax_rates|refresh|companies|ping)?(/[a-zA-Z0-9_]{0,12}){0,3}",
        query in "[a-z_]{0,9}=[a-z0-9|:,.%-]{0,9}",
        body in anything(),
    ) {
        let mut session = Session::new(Seed::Gardening);
        let (status, _) = session.send(method, &format!("{path}?{query}"), body);
        prop_assert!(matches!(status, 200 | 400 | 401 | 404 | 422 | 500));
    }
}
