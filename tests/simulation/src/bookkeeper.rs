//! A bookkeeper at work in QuickBooks itself, and a journal of it for the judge.

use std::collections::BTreeSet;

use jiff::Timestamp;
use quickbooks_simulator::company::{Company, Request};
use serde_json::{Value, json};

use crate::billing::{BillingApp, Meetable, added_name};
use crate::dice::Dice;
use crate::operation::{Act, Operation};
use crate::view;

/// Ids of the entities of each type.
pub(crate) type Known = BTreeSet<(&'static str, String)>;

/// The entities that are looked at.
pub(crate) const ENTITIES: [&str; 4] = ["Customer", "Item", "Invoice", "Payment"];

/// What the bookkeeper did.
#[derive(Default)]
pub(crate) struct Journal {
    /// What was there before anybody did anything.
    pub(crate) seeded: Known,
    /// What the bookkeeper has added.
    pub(crate) added: Known,
    pub(crate) deeds: Vec<Deed>,
}

/// Something done to one entity.
pub(crate) struct Deed {
    pub(crate) entity: &'static str,
    pub(crate) id: String,
    /// The marks it had then.
    pub(crate) marks: BTreeSet<String>,
    pub(crate) what: What,
    pub(crate) at: Timestamp,
}

/// What was done to it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum What {
    /// A member has this value now.
    Edited {
        member: &'static str,
        value: String,
    },
    /// Its lines are others now.
    Reworked,
    Voided,
    Deleted,
    Hidden,
    Shown,
    /// It is the loser of a merge.
    MergedAway,
    /// Money was received for it.
    Paid,
    Deposited,
}

/// Members that a bookkeeper changes: entity, member, whether it is one of ours.
const MEMBERS: [(&str, &str); 15] = [
    ("Customer", "DisplayName"),
    ("Customer", "Notes"),
    ("Customer", "PrimaryPhone"),
    ("Customer", "CompanyName"),
    ("Customer", "Mobile"),
    ("Customer", "MiddleName"),
    ("Item", "Description"),
    ("Item", "UnitPrice"),
    ("Item", "Sku"),
    ("Invoice", "DueDate"),
    ("Invoice", "CustomerMemo"),
    ("Invoice", "PrivateNote"),
    ("Invoice", "BillEmail"),
    ("Payment", "PrivateNote"),
    ("Payment", "TxnDate"),
];

/// What a company chooses for new transactions and a bookkeeper may choose otherwise: entity, member, and what it names.
const LABELS: [(&str, &str, &str); 3] = [
    ("Invoice", "ClassRef", "Class"),
    ("Invoice", "DepartmentRef", "Department"),
    ("Payment", "DepositToAccountRef", "Account"),
];

/// Does what the operation says; what QuickBooks does not let the bookkeeper do is left.
pub(crate) fn act(
    company: &mut Company,
    app: &mut BillingApp,
    journal: &mut Journal,
    operation: &Operation,
    now: Timestamp,
) {
    let dice = Dice::new(operation.seed);
    let mut desk = Desk { company, journal, dice, now };
    match operation.act {
        Act::BookkeeperEdits => desk.edit(),
        Act::BookkeeperPays => desk.pay(app, operation.number),
        Act::BookkeeperBills => desk.bill(app, operation.number),
        Act::BookkeeperChangesLines => desk.change_lines(),
        Act::BookkeeperMovesPayments => desk.move_payment(),
        Act::BookkeeperVoids => desk.void(),
        Act::BookkeeperDeletes => desk.delete(),
        Act::BookkeeperHides => desk.activate(false),
        Act::BookkeeperShows => desk.activate(true),
        Act::BookkeeperMerges => desk.merge(),
        Act::BookkeeperAdds => desk.add(app, operation.number),
        Act::BookkeeperCloses => {
            let yesterday = now.to_zoned(jiff::tz::TimeZone::UTC).date().yesterday().ok();
            desk.company.close_books(yesterday, dice.chance("password", 50), now);
        }
        Act::BookkeeperOpens => desk.company.close_books(None, false, now),
        Act::BookkeeperDeposits => desk.deposit(),
        Act::BookkeeperRelabels => desk.relabel(),
        _ => {}
    }
}

struct Desk<'a> {
    company: &'a mut Company,
    journal: &'a mut Journal,
    dice: Dice,
    now: Timestamp,
}

impl Desk<'_> {
    /// An entity that the billing side, or the bookkeeper, has brought in.
    fn choose(&self, entity: &'static str, fits: impl Fn(&Value) -> bool) -> Option<Value> {
        let all = self.company.entities(entity).into_iter().filter(|value| {
            let id = view::text(value, "Id");
            !self.journal.seeded.contains(&(entity, id)) && fits(value)
        });
        let numbered = all.map(|value| (view::text(value, "Id").parse().unwrap_or(0), value));
        self.dice.choose("entity", numbered).cloned()
    }

    fn post(&mut self, entity: &str, query: &[(&str, &str)], body: &Value) -> Option<Value> {
        let request = Request {
            method: "POST".to_owned(),
            path: entity.to_lowercase(),
            query: query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            content_type: Some("application/json".to_owned()),
            body: body.to_string().into_bytes(),
        };
        let answer = self.company.answer(&request, self.now);
        let body: Value = serde_json::from_str(&answer.body).ok()?;
        (answer.status == 200).then(|| body[entity].clone())
    }

    fn note(&mut self, entity: &'static str, value: &Value, what: What) {
        let (id, marks) = (view::text(value, "Id"), view::marks_of(entity, value));
        self.journal.deeds.push(Deed { entity, id, marks, what, at: self.now });
    }

    fn edit(&mut self) {
        let (entity, member) = self.dice.pick("member", &MEMBERS);
        let Some(current) = self.choose(entity, |value| !view::is_voided(value)) else { return };
        let word = format!("Jo {}", self.dice.below("word", 1000));
        let mut change = version(&current);
        change["sparse"] = true.into();
        change[member] = match member {
            "PrimaryPhone" | "Mobile" => json!({ "FreeFormNumber": word }),
            "CustomerMemo" => json!({ "value": word }),
            "BillEmail" => json!({ "Address": format!("jo{}@books.example", self.dice.below("word", 1000)) }),
            "DisplayName" => {
                let name = view::text(&current, "DisplayName");
                format!("{} ({word})", name.split(" (Jo").next().unwrap_or_default()).into()
            }
            "UnitPrice" => json!(self.dice.below("price", 100)),
            "DueDate" | "TxnDate" => format!("2026-05-{:02}", 1 + self.dice.below("day", 28)).into(),
            _ => word.into(),
        };
        let shown =
            |value: &Value| view::of_entity(entity, value, &|_| None).remove(member).unwrap_or_default();
        let before = shown(&current);
        if let Some(after) = self.post(entity, &[], &change)
            && shown(&after) != before
        {
            let value = shown(&after);
            self.note(entity, &after, What::Edited { member, value });
        }
    }

    fn relabel(&mut self) {
        let (entity, member, named) = self.dice.pick("label", &LABELS);
        let has_one = |value: &Value| !view::is_voided(value) && !value[member].is_null();
        let Some(current) = self.choose(entity, has_one) else { return };
        let others = self.company.entities(named).into_iter().filter(|other| {
            let is_bank = named != "Account" || other["AccountType"] == "Bank";
            is_bank && other["Id"] != current[member]["value"]
        });
        let numbered =
            others.map(|other| (view::text(other, "Id").parse().unwrap_or(0), view::text(other, "Id")));
        let Some(value) = self.dice.choose("other", numbered) else { return };
        let mut change = version(&current);
        change["sparse"] = true.into();
        change[member] = json!({ "value": value });
        if let Some(after) = self.post(entity, &[], &change) {
            self.note(entity, &after, What::Edited { member, value });
        }
    }

    /// A new invoice: for somebody who was billed before, or with one line of whatever there is.
    fn bill(&mut self, app: &BillingApp, number: u32) {
        let Some(customer) = self.choose("Customer", |value| value["Active"] == true) else { return };
        let like = self.choose("Invoice", |value| !view::is_voided(value));
        let lines = match like {
            Some(like) => like["Line"].as_array().into_iter().flatten().filter_map(sale).collect(),
            None => {
                let Some(item) = self.choose("Item", |value| value["Active"] == true) else { return };
                let detail = json!({ "ItemRef": { "value": item["Id"] }, "Qty": 2, "UnitPrice": 40 });
                vec![
                    json!({ "DetailType": "SalesItemLineDetail", "Amount": 80, "SalesItemLineDetail": detail }),
                ]
            }
        };
        let invoice = json!({
            "DocNumber": format!("k{}b{number}", app.place),
            "CustomerRef": { "value": customer["Id"] },
            "Line": lines,
        });
        if let Some(invoice) = self.post("Invoice", &[], &invoice) {
            self.journal.added.insert(("Invoice", view::text(&invoice, "Id")));
        }
    }

    /// One more of something on an invoice.
    fn change_lines(&mut self) {
        let Some(current) = self.choose("Invoice", |value| !view::is_voided(value)) else { return };
        let mut lines: Vec<Value> = current["Line"].as_array().cloned().unwrap_or_default();
        lines.retain(|line| line["DetailType"] != "SubTotalLineDetail");
        let place = self.dice.below("line", lines.len().max(1));
        let Some(line) = lines.get_mut(place) else { return };
        let price = view::decimal(&line["SalesItemLineDetail"]["UnitPrice"]);
        if price.is_zero() {
            return;
        }
        let quantity = view::decimal(&line["SalesItemLineDetail"]["Qty"]) + rust_decimal::Decimal::ONE;
        line["SalesItemLineDetail"]["Qty"] = json!(quantity);
        if let Some(detail) = line["SalesItemLineDetail"].as_object_mut() {
            detail.remove("TaxInclusiveAmt");
        }
        line["Amount"] = json!((quantity * price).round_dp(2));
        let mut change = version(&current);
        change["sparse"] = true.into();
        change["Line"] = lines.into();
        if let Some(after) = self.post("Invoice", &[], &change) {
            self.note("Invoice", &after, What::Reworked);
        }
    }

    /// Half of a payment of one invoice stays on account.
    fn move_payment(&mut self) {
        let pays_one = |value: &Value| {
            !view::is_voided(value) && value["Line"].as_array().is_some_and(|lines| lines.len() == 1)
        };
        let Some(current) = self.choose("Payment", pays_one) else { return };
        let amount = view::decimal(&current["Line"][0]["Amount"]);
        let half = (amount / rust_decimal::Decimal::TWO).round_dp(2);
        let mut change = version(&current);
        change["sparse"] = true.into();
        change["TotalAmt"] = current["TotalAmt"].clone();
        change["Line"] = json!([{ "Amount": half, "LinkedTxn": current["Line"][0]["LinkedTxn"] }]);
        if let Some(after) = self.post("Payment", &[], &change) {
            self.note("Payment", &after, What::Reworked);
        }
    }

    fn pay(&mut self, app: &BillingApp, number: u32) {
        let owes = |value: &Value| view::decimal(&value["Balance"]) > rust_decimal::Decimal::ZERO;
        let Some(invoice) = self.choose("Invoice", owes) else { return };
        let payment = json!({
            "CustomerRef": { "value": invoice["CustomerRef"]["value"] },
            "TotalAmt": invoice["Balance"],
            "PaymentRefNum": format!("k{}b{number}", app.place),
            "Line": [{ "Amount": invoice["Balance"], "LinkedTxn": [{ "TxnId": invoice["Id"], "TxnType": "Invoice" }] }],
        });
        if let Some(payment) = self.post("Payment", &[], &payment) {
            self.journal.added.insert(("Payment", view::text(&payment, "Id")));
            self.note("Invoice", &invoice, What::Paid);
        }
    }

    fn void(&mut self) {
        let (entity, parameters) = self.dice.pick(
            "kind",
            &[
                ("Invoice", [("operation", "void"), ("", "")]),
                ("Payment", [("operation", "update"), ("include", "void")]),
            ],
        );
        let Some(current) = self.choose(entity, |value| !view::is_voided(value)) else { return };
        let mut body = version(&current);
        if entity == "Payment" {
            body["sparse"] = true.into();
        }
        if self.post(entity, &parameters, &body).is_some() {
            self.note(entity, &current, What::Voided);
        }
    }

    fn delete(&mut self) {
        let entity = self.dice.pick("kind", &["Invoice", "Payment"]);
        let Some(current) = self.choose(entity, |_| true) else { return };
        if self.post(entity, &[("operation", "delete")], &version(&current)).is_some() {
            self.note(entity, &current, What::Deleted);
        }
    }

    fn activate(&mut self, active: bool) {
        let entity = self.dice.pick("kind", &["Customer", "Item"]);
        let Some(current) = self.choose(entity, |value| value["Active"] == !active) else { return };
        let mut change = version(&current);
        change["sparse"] = true.into();
        change["Active"] = active.into();
        if self.post(entity, &[], &change).is_some() {
            self.note(entity, &current, if active { What::Shown } else { What::Hidden });
        }
    }

    fn merge(&mut self) {
        let active = |value: &Value| value["Active"] == true;
        let Some(loser) = self.choose("Customer", active) else { return };
        let other = |value: &Value| active(value) && value["Id"] != loser["Id"];
        let Some(winner) = self.choose("Customer", other) else { return };
        let (winner, id) = (view::text(&winner, "Id"), view::text(&loser, "Id"));
        if self.company.merge_customers(&winner, &id, self.now).is_ok() {
            self.note("Customer", &loser, What::MergedAway);
        }
    }

    /// A name or an address that a client or a product of the billing app will turn out to have, or one that only
    /// stands in the way.
    fn add(&mut self, app: &mut BillingApp, number: u32) {
        let mark = format!("k{}b{number}", app.place);
        let (entity, body) = match self.dice.below("kind", 4) {
            0 => ("Vendor", json!({ "DisplayName": added_name(&mark) })),
            1 => {
                let account = self
                    .company
                    .entities("Account")
                    .into_iter()
                    .find(|account| account["AccountType"] == "Income");
                let account = account.map(|account| account["Id"].clone());
                (
                    "Item",
                    json!({ "Name": added_name(&mark), "Type": "Service", "IncomeAccountRef": { "value": account } }),
                )
            }
            _ => {
                let mail = format!("{mark}@post.example");
                (
                    "Customer",
                    json!({ "DisplayName": added_name(&mark), "PrimaryEmailAddr": { "Address": mail }, "Notes": "Jo's own" }),
                )
            }
        };
        if let Some(added) = self.post(entity, &[], &body) {
            if entity != "Vendor" {
                self.journal.added.insert((entity, view::text(&added, "Id")));
            }
            app.meetable.push(Meetable { number, item: entity == "Item" });
        }
    }

    fn deposit(&mut self) {
        let Some(payment) = self.choose("Payment", |value| !view::is_voided(value)) else { return };
        if self.company.deposit_payment(&view::text(&payment, "Id")).is_ok() {
            self.note("Payment", &payment, What::Deposited);
        }
    }
}

/// A sale as on another invoice.
fn sale(line: &Value) -> Option<Value> {
    (line["DetailType"] == "SalesItemLineDetail").then(|| {
        let mut line = line.clone();
        if let Some(members) = line.as_object_mut() {
            members.retain(|name, _| {
                ["DetailType", "Amount", "Description", "SalesItemLineDetail"].contains(&name.as_str())
            });
        }
        line
    })
}

fn version(value: &Value) -> Value {
    json!({ "Id": value["Id"], "SyncToken": value["SyncToken"] })
}
