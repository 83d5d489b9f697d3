//! What QuickBooks charges with automated sales tax, line by line of the billing app's invoice (R46).
//!
//! QuickBooks says which lines it taxes (`TAX` or `NON`) and, for the whole invoice, which rates there are, of what
//! they were taken and what they come to (Intuit: Manage sales tax for US locales). A line is recognised by its own id
//! or by what it says, never by its place alone: QuickBooks or a person may have put others before it.

use quickbooks_wire::{Invoice as Booked, Line};
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{cents, fields};
use crate::model::{Discount, Invoice, InvoiceLine, Surcharge, Tax};
use crate::reference::{Reference, TaxModel};

/// The most lines of which those that a rate was taken of are searched.
const SEARCHED_LINES: usize = 16;
/// What rates without a name are called.
const UNNAMED: &str = "Sales tax";

/// The taxes of an invoice as QuickBooks has them: with automated sales tax, the truth about them (R51).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TaxAnswer {
    /// The version of QuickBooks' invoice that says so (Intuit: SyncToken).
    pub version: String,
    /// QuickBooks' total, tax included, in the invoice's currency.
    #[serde(with = "crate::number")]
    #[schemars(with = "f64")]
    pub total: Decimal,
    /// All tax in it.
    #[serde(with = "crate::number")]
    #[schemars(with = "f64")]
    pub tax: Decimal,
    /// What each rate comes to.
    pub rates: Vec<RateAnswer>,
    /// The taxes of each line, in the billing app's order.
    pub lines: Vec<LineAnswer>,
    /// The taxes of each surcharge, in the billing app's order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub surcharges: Vec<LineAnswer>,
}

/// One rate on an invoice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RateAnswer {
    /// Its name in QuickBooks.
    pub name: String,
    /// Per cent: 8.25 means 8.25 %.
    #[serde(with = "crate::number")]
    #[schemars(with = "f64")]
    pub rate: Decimal,
    /// The amount it was taken of.
    #[serde(with = "crate::number")]
    #[schemars(with = "f64")]
    pub taxable: Decimal,
    /// What it comes to.
    #[serde(with = "crate::number")]
    #[schemars(with = "f64")]
    pub amount: Decimal,
}

/// The taxes of one line or surcharge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LineAnswer {
    /// The line's own id, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The line's product key, or the surcharge's name.
    pub name: String,
    /// A digest of what the line says, taxes aside; the same for lines that say the same.
    pub content: String,
    /// The taxes on it, none for one that is not taxed. Absent when QuickBooks' copy of the line cannot be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taxes: Option<Vec<Tax>>,
}

/// An invoice on its way to QuickBooks: its lines as the billing app has them, and as they are sent.
#[derive(Clone, Debug)]
pub struct Question {
    lines: Vec<(LineAnswer, Option<Line>)>,
    surcharges: Vec<(LineAnswer, Option<Line>)>,
    names: Vec<(String, String)>,
}

impl Question {
    /// What is to be learnt about an invoice that was mapped to `sent`; nothing without automated sales tax.
    pub fn of(bill: &Invoice, sent: &Booked, reference: &Reference) -> Option<Question> {
        if reference.tax_model != TaxModel::Automated {
            return None;
        }
        // The lines were booked one by one, and after them the surcharges that come to anything.
        let mut booked = sent.lines().iter();
        let lines = bill.lines.iter().map(|line| (of_line(line), booked.next().cloned())).collect();
        let surcharges = bill.surcharges.iter().map(|surcharge| {
            let line = if surcharge.amount.is_zero() { None } else { booked.next() };
            (of_surcharge(surcharge), line.cloned())
        });
        let rates = reference.tax_codes.iter().flat_map(|code| &code.rates);
        Some(Question {
            lines,
            surcharges: surcharges.collect(),
            names: rates.map(|rate| (rate.id.to_string(), rate.name.clone())).collect(),
        })
    }

    /// Reads the answer: the invoice as QuickBooks has booked it.
    pub fn answered(&self, booked: &Booked) -> TaxAnswer {
        let rates = self.rates(booked);
        let taxes_on = |place: usize| -> Vec<Tax> {
            let on = rates.iter().filter(|(_, places)| places.contains(&place));
            on.map(|(rate, _)| Tax { name: rate.name.clone(), rate: rate.rate }).collect()
        };
        let mut free: Vec<usize> = (0..booked.lines().len()).collect();
        let mut find = |(answer, sent): &(LineAnswer, Option<Line>)| {
            let found = sent.as_ref().and_then(|sent| {
                free.iter()
                    .position(|place| booked.lines().get(*place).is_some_and(|line| says_same(sent, line)))
            });
            let taxes = match sent {
                None => Some(Vec::new()),
                Some(_) => found.map(|found| taxes_on(free.remove(found))),
            };
            LineAnswer { taxes, ..answer.clone() }
        };
        let lines = self.lines.iter().map(&mut find).collect();
        let surcharges = self.surcharges.iter().map(&mut find).collect();
        let detail = booked.txn_tax_detail.as_ref();
        TaxAnswer {
            version: booked.sync_token.clone().unwrap_or_default(),
            total: booked.total_amt.unwrap_or_default(),
            tax: detail.and_then(|detail| detail.total_tax).unwrap_or_default(),
            rates: rates.into_iter().map(|(rate, _)| rate).collect(),
            lines,
            surcharges,
        }
    }

    /// Each rate, and the places of the booked lines that it was taken of.
    fn rates(&self, booked: &Booked) -> Vec<(RateAnswer, Vec<usize>)> {
        let detail = booked.txn_tax_detail.as_ref();
        let charged = detail.and_then(|detail| detail.tax_line.as_ref()).into_iter().flatten();
        let rate = |line: &quickbooks_wire::TaxLine| {
            let detail = line.tax_line_detail.as_ref()?;
            let reference = detail.tax_rate_ref.as_ref();
            let named = reference.and_then(|reference| {
                let known = self.names.iter().find(|(id, _)| *id == reference.id());
                reference.name.clone().or_else(|| known.map(|(_, name)| name.clone()))
            });
            let rate = RateAnswer {
                name: named.unwrap_or_else(|| UNNAMED.to_owned()),
                rate: detail.tax_percent?.normalize(),
                taxable: detail.net_amount_taxable.unwrap_or_default(),
                amount: line.amount.unwrap_or_default(),
            };
            let places = taken_of(booked, detail.net_amount_taxable);
            Some((rate, places))
        };
        charged.filter_map(rate).collect()
    }
}

impl TaxAnswer {
    /// The invoice with these taxes on its lines. Lines that are not recognised stay as they are.
    pub fn applied_to(&self, current: &Invoice) -> Invoice {
        let mut after = current.clone();
        let mut lines: Vec<&LineAnswer> = self.lines.iter().collect();
        for line in &mut after.lines {
            if let Some(taxes) = taxes_of(&of_line(line), &mut lines) {
                line.taxes = taxes;
            }
        }
        let mut surcharges: Vec<&LineAnswer> = self.surcharges.iter().collect();
        for surcharge in &mut after.surcharges {
            if let Some(taxes) = taxes_of(&of_surcharge(surcharge), &mut surcharges) {
                surcharge.taxes = taxes;
            }
        }
        after
    }
}

/// A digest of the taxes on an invoice's lines and surcharges.
pub fn digest(invoice: &Invoice) -> String {
    let of_lines = invoice.lines.iter().map(|line| &line.taxes);
    let of_surcharges = invoice.surcharges.iter().map(|surcharge| &surcharge.taxes);
    let text = |taxes: &Vec<Tax>| -> Vec<String> {
        taxes.iter().map(|tax| format!("{} {:?}", tax.rate.normalize(), tax.name)).collect()
    };
    let all: Vec<Vec<String>> = of_lines.chain(of_surcharges).map(text).collect();
    fields::digest(&format!("{all:?}"))
}

/// Takes a line's answer: that of its id, else the first that says the same.
fn taxes_of(line: &LineAnswer, answers: &mut Vec<&LineAnswer>) -> Option<Vec<Tax>> {
    let by_id = answers.iter().position(|answer| line.id.is_some() && answer.id == line.id);
    let alike =
        |answer: &&LineAnswer| answer.content == line.content && (answer.id.is_none() || line.id.is_none());
    let place = by_id.or_else(|| answers.iter().position(alike))?;
    answers.remove(place).taxes.clone()
}

fn of_line(line: &InvoiceLine) -> LineAnswer {
    let content = (
        &line.product_key,
        &line.notes,
        line.quantity.normalize(),
        line.unit_price.normalize(),
        line.discount.as_ref().map(Discount::normalized),
        line.tax_category,
    );
    LineAnswer {
        id: line.id.clone().filter(|id| !id.is_empty()),
        name: line.product_key.clone(),
        content: fields::digest(&format!("{content:?}")),
        taxes: None,
    }
}

fn of_surcharge(surcharge: &Surcharge) -> LineAnswer {
    let content = (&surcharge.name, surcharge.amount.normalize());
    LineAnswer {
        id: None,
        name: surcharge.name.clone(),
        content: fields::digest(&format!("{content:?}")),
        taxes: None,
    }
}

/// Whether QuickBooks' line is the one that was sent.
fn says_same(sent: &Line, booked: &Line) -> bool {
    let sold = |line: &Line| {
        line.sales_item_line_detail.as_ref().map(|detail| {
            let item = detail.item_ref.as_ref().map(|item| item.id().to_owned());
            (item, detail.qty.map(|qty| qty.normalize()), detail.unit_price.map(|price| price.normalize()))
        })
    };
    let amount = |line: &Line| line.amount.unwrap_or_default().normalize();
    sent.detail_type == booked.detail_type
        && sent.description == booked.description
        && amount(sent) == amount(booked)
        && sold(sent) == sold(booked)
}

/// The places of the lines that a rate was taken of: all that are taxed, or the only ones among them that come to
/// `taxable`. When that cannot be told it is taken for all, and the difference of the totals shows it.
fn taken_of(booked: &Booked, taxable: Option<Decimal>) -> Vec<usize> {
    let is_taxed = |line: &Line| {
        let detail = line.sales_item_line_detail.as_ref();
        detail.and_then(|detail| detail.tax_code_ref.as_ref()).is_some_and(|code| code.id() == "TAX")
    };
    let lines = booked.lines();
    let taxed: Vec<usize> = (0..lines.len()).filter(|place| is_taxed(&lines[*place])).collect();
    let amount = |place: usize| lines[place].amount.unwrap_or_default();
    let whole: Decimal = taxed.iter().map(|place| amount(*place)).sum();
    let discounted = lines.iter().any(|line| line.discount_line_detail.is_some());
    match taxable {
        Some(taxable) if !discounted && cents(whole) != cents(taxable) && taxed.len() <= SEARCHED_LINES => {
            let chosen = |set: u32| -> Vec<usize> {
                taxed
                    .iter()
                    .enumerate()
                    .filter(|(bit, _)| set >> bit & 1 == 1)
                    .map(|(_, place)| *place)
                    .collect()
            };
            let fitting = |set: &u32| chosen(*set).into_iter().map(amount).sum::<Decimal>() == taxable;
            let mut sets = (1..1_u32 << taxed.len()).filter(fitting);
            match (sets.next(), sets.next()) {
                (Some(only), None) => chosen(only),
                _ => taxed,
            }
        }
        _ => taxed,
    }
}

#[cfg(test)]
mod tests {
    use crate::settings::Settings;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::mapping::fixtures::{decimal, id, invoice, line, reference, tax_code};
    use crate::mapping::invoice as mapping;

    fn automated() -> Reference {
        let codes = vec![tax_code("9", "Tucson", &["5.6", "2.6"])];
        Reference { tax_model: TaxModel::Automated, tax_codes: codes, ..reference() }
    }

    /// An invoice without taxes of its own, as it is before QuickBooks has spoken.
    fn bill(keys: &[(&str, &str)]) -> Invoice {
        let lines = keys.iter().map(|(key, price)| line(key, "1", price, &[])).collect();
        Invoice { lines, ..invoice() }
    }

    fn sent(bill: &Invoice) -> Booked {
        mapping::map(bill, &id("58"), |_| Some(id("7")), &Settings::default(), &automated()).unwrap()
    }

    /// QuickBooks' answer: what was sent, with the lines changed, and the rates with what they were taken of.
    fn answer(
        bill: &Invoice,
        change: impl FnOnce(&mut Vec<Value>),
        rates: &[(&str, &str, &str)],
    ) -> TaxAnswer {
        let mut lines: Vec<Value> =
            sent(bill).lines().iter().map(|line| serde_json::to_value(line).unwrap()).collect();
        change(&mut lines);
        let number = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        let tax_line = |(rate, percent, net): &(&str, &str, &str)| {
            json!({"Amount": 1, "DetailType": "TaxLineDetail", "TaxLineDetail": {
                "TaxRateRef": {"value": rate}, "PercentBased": true,
                "TaxPercent": number(percent), "NetAmountTaxable": number(net),
            }})
        };
        let tax_lines: Vec<Value> = rates.iter().map(tax_line).collect();
        let booked =
            json!({"TotalAmt": 1, "Line": lines, "TxnTaxDetail": {"TotalTax": 1, "TaxLine": tax_lines}});
        let booked: Booked = serde_json::from_value(booked).unwrap();
        Question::of(bill, &sent(bill), &automated()).unwrap().answered(&booked)
    }

    fn untaxed(lines: &mut [Value], place: usize) {
        lines[place]["SalesItemLineDetail"]["TaxCodeRef"]["value"] = json!("NON");
    }

    fn taxes(invoice: &Invoice) -> Vec<String> {
        let names = |line: &InvoiceLine| {
            line.taxes.iter().map(|tax| format!("{} {}", tax.name, tax.rate)).collect::<Vec<_>>().join(", ")
        };
        invoice.lines.iter().map(names).collect()
    }

    #[test]
    fn every_taxed_line_gets_every_rate_under_its_name_and_others_get_none() {
        let bill = bill(&[("Pruning", "40"), ("Books", "60")]);
        let answer = answer(&bill, |lines| untaxed(lines, 1), &[("90", "5.6", "40"), ("91", "2.6", "40")]);
        assert_eq!(taxes(&answer.applied_to(&bill)), ["Tucson 0 5.6, Tucson 1 2.6", ""], "R46, R49");
    }

    #[test]
    fn taxes_of_the_billing_apps_own_make_way() {
        let mut bill = bill(&[("Pruning", "40"), ("Books", "60")]);
        bill.lines[1].taxes = vec![Tax { name: "Mine".into(), rate: decimal("3") }];
        let answer = answer(&bill, |lines| untaxed(lines, 1), &[("90", "5.6", "40")]);
        assert_eq!(taxes(&answer.applied_to(&bill)), ["Tucson 0 5.6", ""], "R51, R52");
    }

    #[test]
    fn a_rate_that_was_taken_of_some_lines_only_is_theirs() {
        let bill = bill(&[("Coats", "40"), ("Umbrellas", "60")]);
        let answer = answer(&bill, |_| {}, &[("90", "5.6", "60"), ("77", "2.6", "100")]);
        assert_eq!(taxes(&answer.applied_to(&bill)), ["Sales tax 2.6", "Tucson 0 5.6, Sales tax 2.6"]);
    }

    #[test]
    fn lines_are_recognised_wherever_they_are() {
        let mut bill = bill(&[("Pruning", "40"), ("Books", "60"), ("Pruning", "40")]);
        let answer = answer(
            &bill,
            |lines| {
                untaxed(lines, 1);
                lines.insert(0, json!({"DetailType": "DescriptionOnly", "Description": "Thank you"}));
                lines.reverse();
            },
            &[("90", "5.6", "80")],
        );
        bill.lines.rotate_left(1);
        bill.lines.insert(1, line("Added since", "1", "5", &["4"]));
        assert_eq!(taxes(&answer.applied_to(&bill)), ["", " 4", "Tucson 0 5.6", "Tucson 0 5.6"]);
    }

    /// Billing apps write amounts as they like: 0.1 or 0.10.
    #[test]
    fn lines_are_recognised_however_their_amounts_are_written() {
        let mut bill = bill(&[("Pruning", "40.0")]);
        bill.lines[0].discount = Some(Discount::Amount(decimal("0.1")));
        let answer = answer(&bill, |_| {}, &[("90", "5.6", "39.9")]);
        bill.lines[0] = InvoiceLine {
            discount: Some(Discount::Amount(decimal("0.10"))),
            unit_price: decimal("40"),
            quantity: decimal("1.000"),
            ..bill.lines[0].clone()
        };
        assert_eq!(taxes(&answer.applied_to(&bill)), ["Tucson 0 5.6"]);
    }

    #[test]
    fn a_line_that_somebody_changed_in_quickbooks_is_left_alone() {
        let mut bill = bill(&[("Pruning", "40"), ("Books", "60")]);
        bill.lines[0].taxes = vec![Tax { name: "Old".into(), rate: decimal("3") }];
        let answer = answer(&bill, |lines| lines[0]["Amount"] = json!(41), &[("90", "5.6", "101")]);
        assert_eq!(taxes(&answer.applied_to(&bill)), ["Old 3", "Tucson 0 5.6"]);
    }

    #[test]
    fn an_id_says_which_line_it_is_whatever_it_says_by_now() {
        let mut bill = bill(&[("Pruning", "40"), ("Pruning", "40")]);
        for (line, id) in bill.lines.iter_mut().zip(["a", "b"]) {
            line.id = Some(id.to_owned());
        }
        bill.lines[1].notes = "Another day".into();
        let answer = answer(&bill, |lines| untaxed(lines, 1), &[("90", "5.6", "40")]);
        bill.lines.reverse();
        bill.lines[0].quantity = decimal("3");
        assert_eq!(taxes(&answer.applied_to(&bill)), ["", "Tucson 0 5.6"]);
    }

    #[test]
    fn surcharges_are_taxed_as_quickbooks_says() {
        let mut bill = bill(&[("Pruning", "40")]);
        let surcharge = |name: &str, amount: &str| Surcharge {
            name: name.into(),
            amount: decimal(amount),
            taxes: Vec::new(),
        };
        bill.surcharges = vec![surcharge("Nothing", "0"), surcharge("Fuel", "5")];
        let answer = answer(&bill, |_| {}, &[("90", "5.6", "45")]);
        let after = answer.applied_to(&bill);
        assert_eq!(after.surcharges.iter().map(|one| one.taxes.len()).collect::<Vec<_>>(), [0, 1]);
    }

    proptest! {
        #[test]
        fn applying_an_answer_twice_changes_nothing_more(
            prices in prop::collection::vec(1_u32..5, 1..6), untaxed_from in 0_usize..6, net in 0_u32..20,
        ) {
            let texts: Vec<String> = prices.iter().map(ToString::to_string).collect();
            let bill = bill(&texts.iter().map(|price| ("Pruning", price.as_str())).collect::<Vec<_>>());
            let spare = |lines: &mut Vec<Value>| (untaxed_from..lines.len()).for_each(|place| untaxed(lines, place));
            let answer = answer(&bill, spare, &[("90", "5.6", &net.to_string())]);
            let once = answer.applied_to(&bill);
            prop_assert_eq!(&answer.applied_to(&once), &once);
            prop_assert!(once.lines.iter().all(|line| line.taxes.len() <= 1));
            for (line, before) in once.lines.iter().zip(&bill.lines) {
                prop_assert_eq!(&InvoiceLine { taxes: Vec::new(), ..line.clone() }, before, "only taxes change");
            }
        }
    }
}
