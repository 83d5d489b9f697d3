//! The lines of invoices and their taxes (Invoice Ninja API: invoices, line items).
//!
//! Taxes stand on lines and on the invoice itself, where they hold for every line; in the model every line has all of
//! its taxes. Writing leaves on the invoice what is there as long as every line has it.

use rust_decimal::Decimal;
use serde_json::Value;
use sync::model::{Discount, Invoice, InvoiceLine, ProductType, Tax};

use super::object;
use super::product::{product_type, tax_category, tax_id};
use crate::json::{Loose, NotWhole, Object, number, overlay, partners};

/// How many taxes the app takes on a line, and how many on an invoice.
const TAXES: usize = 3;

/// The taxes of a line or of an invoice. The app takes those whose names have two letters at least.
pub(super) fn taxes(record: &Object) -> Result<Vec<Tax>, NotWhole> {
    let mut taxes = Vec::new();
    for n in 1..=TAXES {
        let name = record.text(&format!("tax_name{n}"));
        if name.len() >= 2 {
            taxes.push(Tax { name, rate: record.amount(&format!("tax_rate{n}"))? });
        }
    }
    Ok(taxes)
}

/// A line. `of_invoice` are the invoice's own taxes.
pub(super) fn read(
    line: &Object,
    of_invoice: &[Tax],
    amount_discounts: bool,
) -> Result<InvoiceLine, NotWhole> {
    let tax_id = line.text("tax_id");
    let mut taxes = taxes(line)?;
    taxes.extend(of_invoice.iter().cloned());
    Ok(InvoiceLine {
        id: None,
        product_id: None,
        product_key: line.text("product_key"),
        notes: line.text("notes"),
        quantity: line.amount("quantity")?,
        unit_price: line.amount("cost")?,
        discount: discount(line.amount("discount")?, amount_discounts),
        taxes,
        tax_category: tax_category(&tax_id),
        product_type: match line.text("type_id").as_str() {
            "2" => ProductType::Service,
            "3" | "4" | "5" => ProductType::Fee,
            "6" => ProductType::Expense,
            _ => product_type(&tax_id),
        },
    })
}

pub(super) fn discount(discount: Decimal, is_amount: bool) -> Option<Discount> {
    match (discount.is_zero(), is_amount) {
        (true, _) => None,
        (false, true) => Some(Discount::Amount(discount)),
        (false, false) => Some(Discount::Percent(discount)),
    }
}

/// The discounts as the app takes them: all of an invoice are amounts, or all are per cents.
pub(super) struct Discounts {
    pub(super) are_amounts: bool,
    pub(super) invoice: Decimal,
    lines: Vec<Decimal>,
}

impl Discounts {
    pub(super) fn of(invoice: &Invoice) -> Discounts {
        let all = invoice.lines.iter().map(|line| &line.discount).chain([&invoice.discount]);
        let are_amounts = all.flatten().any(|discount| matches!(discount, Discount::Amount(_)));
        let value = |discount: &Option<Discount>, of: Decimal| match discount {
            None => Decimal::ZERO,
            Some(Discount::Percent(percent)) if are_amounts => {
                (of * percent / Decimal::ONE_HUNDRED).round_dp(2)
            }
            Some(Discount::Percent(value) | Discount::Amount(value)) => *value,
        };
        let full = |line: &InvoiceLine| line.quantity * line.unit_price;
        let lines: Vec<Decimal> =
            invoice.lines.iter().map(|line| value(&line.discount, full(line))).collect();
        let left = invoice.lines.iter().map(full).sum::<Decimal>() - lines.iter().sum::<Decimal>();
        Discounts { are_amounts, invoice: value(&invoice.discount, left), lines }
    }
}

/// The image of each line, when `on_invoice` are the taxes that stand on the invoice.
pub(super) fn images(invoice: &Invoice, on_invoice: &[Tax], discounts: &Discounts) -> Vec<Object> {
    let lines = invoice.lines.iter().zip(&discounts.lines);
    lines.map(|(line, discount)| image(line, on_invoice, *discount, discounts.are_amounts)).collect()
}

fn image(line: &InvoiceLine, on_invoice: &[Tax], discount: Decimal, is_amount: bool) -> Object {
    let mut image = object! {
        "product_key": line.product_key.as_str(),
        "notes": line.notes.as_str(),
        "quantity": number(line.quantity),
        "cost": number(line.unit_price),
        "discount": number(discount),
        "is_amount_discount": is_amount,
        "tax_id": tax_id(line.product_type, line.tax_category),
        "type_id": match line.product_type {
            ProductType::Service => "2",
            ProductType::Fee => "5",
            ProductType::Expense => "6",
            ProductType::Goods | ProductType::Digital | ProductType::Shipping => "1",
        },
    };
    let own = without(&line.taxes, on_invoice).unwrap_or_else(|| line.taxes.clone());
    image.extend(taxes_image(&own));
    image
}

/// The members for taxes, those that are not used too.
pub(super) fn taxes_image(taxes: &[Tax]) -> Object {
    let taxes = combined(taxes);
    let mut image = Object::new();
    for n in 0..TAXES {
        let (name, rate) = taxes.get(n).map(|tax| (name(tax), tax.rate)).unwrap_or_default();
        image.insert(format!("tax_name{}", n + 1), name.into());
        image.insert(format!("tax_rate{}", n + 1), number(rate));
    }
    image
}

/// No more taxes than the app takes: those that are too many become one with the last, which bears all their names and
/// comes to as much as they do.
fn combined(taxes: &[Tax]) -> Vec<Tax> {
    let (kept, rest) = taxes.split_at(taxes.len().min(TAXES - 1));
    let last = match rest {
        [] | [_] => rest.to_vec(),
        several => vec![Tax {
            name: several.iter().map(name).collect::<Vec<_>>().join(" + "),
            rate: several.iter().map(|tax| tax.rate).sum(),
        }],
    };
    kept.iter().cloned().chain(last).collect()
}

/// A tax's name; the app takes no tax without.
fn name(tax: &Tax) -> String {
    if tax.name.trim().len() >= 2 { tax.name.clone() } else { format!("Tax {}%", tax.rate.normalize()) }
}

/// The taxes with the names under which the app has them.
pub(super) fn named_taxes(invoice: &Invoice) -> Vec<Tax> {
    let mut taxes: Vec<Tax> = Vec::new();
    for tax in invoice.lines.iter().flat_map(|line| combined(&line.taxes)) {
        let tax = Tax { name: name(&tax), rate: tax.rate };
        if !taxes.contains(&tax) {
            taxes.push(tax);
        }
    }
    taxes
}

/// `taxes` less `others`; none if one of the others is not among them.
pub(super) fn without(taxes: &[Tax], others: &[Tax]) -> Option<Vec<Tax>> {
    let mut left = taxes.to_vec();
    for other in others {
        // From the end: the invoice's taxes are read behind the line's own.
        left.remove(left.iter().rposition(|tax| tax == other)?);
    }
    Some(left)
}

/// The whole list of lines after a change: those that stay with all that the app knows of them. The app drops what it
/// is not sent.
pub(super) fn merged(
    there: &[(&Object, InvoiceLine)],
    before: (&[InvoiceLine], &[Object]),
    after: (&[InvoiceLine], &[Object]),
) -> Value {
    let ((before, was), (after, is)) = (before, after);
    let known: Vec<&InvoiceLine> = there.iter().map(|(_, line)| line).collect();
    let there_of_before = partners(
        &known,
        before,
        &[
            &|(_, one), (_, other)| *one == other,
            &|(_, one), (_, other)| is_about_the_same(one, other),
            &|(one, _), (other, _)| one == other,
        ],
    );
    let before_of_after = partners(
        before,
        after,
        &[
            &|(_, one), (_, other)| one == other,
            &|(_, one), (_, other)| is_about_the_same(one, other),
            &|(_, one), (_, other)| !one.product_key.is_empty() && one.product_key == other.product_key,
            &|(_, one), (_, other)| !one.notes.is_empty() && one.notes == other.notes,
        ],
    );
    let line = |(place, image): (usize, &Object)| {
        let partner = before_of_after[place];
        let kept = partner.and_then(|partner| there_of_before[partner]).map(|place| there[place].0.clone());
        let was = partner.filter(|_| kept.is_some()).map(|partner| &was[partner]);
        Value::Object(overlay(&kept.unwrap_or_default(), was, image))
    };
    is.iter().enumerate().map(line).collect()
}

fn is_about_the_same(one: &InvoiceLine, other: &InvoiceLine) -> bool {
    one.product_key == other.product_key && one.notes == other.notes
}
