//! What an invoice comes to (Invoice Ninja: the calculation of sums, with taxes added and with taxes included).
//!
//! The order of roundings matters and is the app's: a line's total after its discount, each tax of each line, the
//! invoice's discount and each tax of the invoice are rounded to cents, halves away from zero. A tax without a name
//! of at least two characters is counted nowhere unless the discount is an amount.

use rust_decimal::Decimal;

use super::record::{Members, Record, objects_mut, rounded};

const HUNDRED: Decimal = Decimal::ONE_HUNDRED;

/// Rates and percentages beyond this count as this, so that no product leaves the range of a decimal.
const HIGHEST_RATE: Decimal = Decimal::ONE_THOUSAND;

/// Computes `line_total`, `gross_line_total`, `tax_amount` of all lines, and the invoice's `amount` and
/// `total_taxes`. The balance is not touched.
pub(crate) fn total_up(invoice: &mut Record) {
    let terms = Terms::of(invoice);
    let mut lines: Vec<Line> =
        objects_mut(invoice, "line_items").map(|line| Line::of(line, &terms)).collect();
    let subtotal: Decimal = lines.iter().map(|line| line.total).sum();
    for line in &mut lines {
        line.tax(&terms, subtotal);
    }
    for (record, line) in objects_mut(invoice, "line_items").zip(&lines) {
        record.put("is_amount_discount", terms.is_amount_discount);
        record.put_money("line_total", line.total);
        record.put_money("tax_amount", line.tax_shown);
        record.put_money(
            "gross_line_total",
            if terms.inclusive { line.total } else { line.total + line.tax_shown },
        );
    }
    let discount = if terms.is_amount_discount { terms.discount } else { percent(subtotal, terms.discount) };
    let discounted = subtotal - discount;
    let surcharges = terms.surcharges.iter().map(|(amount, _)| *amount).sum::<Decimal>();
    let line_taxes: Decimal = lines.iter().map(|line| line.tax_counted).sum();
    let taxes = line_taxes + terms.taxes_of_invoice(discounted);
    let total = discounted + surcharges + if terms.inclusive { Decimal::ZERO } else { taxes };
    invoice.put_money("amount", rounded(total, 2));
    invoice.put_money("total_taxes", taxes);
}

/// What the whole invoice says about discounts and taxes.
struct Terms {
    inclusive: bool,
    is_amount_discount: bool,
    discount: Decimal,
    taxes: [Tax; 3],
    /// Each with whether it is taxed.
    surcharges: [(Decimal, bool); 4],
}

struct Tax {
    named: bool,
    rate: Decimal,
}

fn taxes(record: &Record) -> [Tax; 3] {
    [1, 2, 3].map(|n| Tax {
        named: record.text(&format!("tax_name{n}")).len() >= 2,
        rate: rate(record.money(&format!("tax_rate{n}"))),
    })
}

fn rate(percentage: Decimal) -> Decimal {
    percentage.clamp(-HIGHEST_RATE, HIGHEST_RATE)
}

impl Terms {
    fn of(invoice: &Record) -> Self {
        let (is_amount_discount, discount) = (invoice.flag("is_amount_discount"), invoice.money("discount"));
        Self {
            inclusive: invoice.flag("uses_inclusive_taxes"),
            is_amount_discount,
            discount: if is_amount_discount { discount } else { rate(discount) },
            taxes: taxes(invoice),
            surcharges: [1, 2, 3, 4].map(|n| {
                (
                    invoice.money(&format!("custom_surcharge{n}")),
                    invoice.flag(&format!("custom_surcharge_tax{n}")),
                )
            }),
        }
    }

    fn tax(&self, amount: Decimal, rate: Decimal) -> Decimal {
        if self.inclusive { included(amount, rate) } else { percent(amount, rate) }
    }

    /// The taxes of the invoice as a whole: on what the lines come to after the discount, and on taxed surcharges.
    fn taxes_of_invoice(&self, discounted: Decimal) -> Decimal {
        let taxed = || self.surcharges.iter().filter(|(_, taxed)| *taxed).map(|(amount, _)| *amount);
        let tax = |rate| {
            if self.inclusive {
                // With taxes included, negative surcharges lessen no tax.
                included(
                    rounded(discounted, 2)
                        + taxed().filter(|amount| *amount > Decimal::ZERO).sum::<Decimal>(),
                    rate,
                )
            } else {
                percent(discounted, rate) + taxed().map(|amount| percent(amount, rate)).sum::<Decimal>()
            }
        };
        self.taxes.iter().filter(|tax| tax.named).map(|it| tax(it.rate)).sum()
    }
}

struct Line {
    /// After the line's discount.
    total: Decimal,
    taxes: [Tax; 3],
    /// What the line says its tax is.
    tax_shown: Decimal,
    /// What of it goes into the invoice's taxes.
    tax_counted: Decimal,
}

impl Line {
    fn of(line: &Record, terms: &Terms) -> Self {
        let gross = line.money("cost") * line.money("quantity");
        let discount = line.money("discount");
        let total = if terms.is_amount_discount {
            gross - rounded(discount, 2)
        } else if terms.inclusive {
            gross - percent(gross, rate(discount))
        } else {
            rounded(gross - gross * rate(discount) / HUNDRED, 2)
        };
        Self { total, taxes: taxes(line), tax_shown: Decimal::ZERO, tax_counted: Decimal::ZERO }
    }

    /// Taxes are on the line's share of what is left after the invoice's discount.
    fn tax(&mut self, terms: &Terms, subtotal: Decimal) {
        let base = if !terms.is_amount_discount {
            self.total - self.total * terms.discount / HUNDRED
        } else if subtotal > Decimal::ZERO {
            let share = self.total.checked_div(subtotal).and_then(|share| share.checked_mul(terms.discount));
            self.total - share.unwrap_or_default()
        } else if terms.inclusive {
            self.total
        } else {
            Decimal::ZERO
        };
        for tax in &self.taxes {
            let amount = terms.tax(base, tax.rate);
            self.tax_shown += amount;
            if tax.named || terms.is_amount_discount {
                self.tax_counted += amount;
            }
        }
    }
}

fn percent(amount: Decimal, rate: Decimal) -> Decimal {
    rounded(amount * rate / HUNDRED, 2)
}

/// The tax within an amount.
fn included(amount: Decimal, rate: Decimal) -> Decimal {
    let net = amount.checked_div(Decimal::ONE + rate / HUNDRED).unwrap_or(amount);
    rounded(amount - net, 2)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// The amount, the taxes, and the totals of the lines.
    fn totals(invoice: Value) -> (String, String, Vec<String>) {
        let Value::Object(mut invoice) = invoice else { panic!("an object") };
        total_up(&mut invoice);
        let lines =
            objects_mut(&mut invoice, "line_items").map(|line| line["line_total"].to_string()).collect();
        (invoice["amount"].to_string(), invoice["total_taxes"].to_string(), lines)
    }

    fn amounts(invoice: Value) -> (String, String) {
        let (amount, taxes, _) = totals(invoice);
        (amount, taxes)
    }

    fn are(amount: &str, taxes: &str) -> (String, String) {
        (amount.to_owned(), taxes.to_owned())
    }

    #[test]
    fn a_line_is_rounded_after_its_discount() {
        let line = json!({"cost": 33.333, "quantity": 3, "discount": 12.5});
        // 99.999 less 12.499875 is 87.499125.
        assert_eq!(totals(json!({"line_items": [line]})), ("87.5".into(), "0".into(), vec!["87.5".into()]));
    }

    #[test]
    fn an_amount_off_a_line_comes_off_as_it_is() {
        let line = json!({"cost": 50, "quantity": 2, "discount": 7.5});
        assert_eq!(amounts(json!({"is_amount_discount": true, "line_items": [line]})), are("92.5", "0"));
    }

    #[test]
    fn each_line_pays_up_to_three_taxes_on_what_the_discount_leaves() {
        let line = json!({
            "cost": 99.99, "quantity": 1, "tax_name1": "GST", "tax_rate1": 5, "tax_name2": "PST", "tax_rate2": 7,
            "tax_name3": "Eco", "tax_rate3": 0.5,
        });
        // 89.991 is taxed: 4.49955, 6.29937, 0.449955. The discount itself is 10 (9.999).
        assert_eq!(amounts(json!({"discount": 10, "line_items": [line]})), are("101.24", "11.25"));
    }

    #[test]
    fn an_amount_off_the_invoice_is_shared_by_the_lines_for_their_taxes() {
        let taxed = json!({"cost": 100, "quantity": 1, "tax_name1": "VAT", "tax_rate1": 20});
        let free = json!({"cost": 300, "quantity": 1});
        let invoice = json!({"is_amount_discount": true, "discount": 40, "line_items": [taxed, free]});
        // A quarter of 40 is the taxed line's: 20% of 90.
        assert_eq!(amounts(invoice), are("378", "18"));
    }

    #[test]
    fn the_invoices_own_taxes_are_on_the_discounted_total_and_on_taxed_surcharges() {
        let invoice = json!({
            "line_items": [{"cost": 200, "quantity": 1}], "discount": 10, "tax_name1": "VAT", "tax_rate1": 20,
            "custom_surcharge1": 10, "custom_surcharge_tax1": true, "custom_surcharge2": 5,
        });
        // 180 and 10 are taxed, 5 is not.
        assert_eq!(amounts(invoice), are("233", "38"));
    }

    #[test]
    fn included_taxes_are_within_the_total() {
        let line = json!({"cost": 120, "quantity": 1, "tax_name1": "VAT", "tax_rate1": 20});
        assert_eq!(amounts(json!({"uses_inclusive_taxes": true, "line_items": [line]})), are("120", "20"));
        let whole = json!({
            "uses_inclusive_taxes": true, "line_items": [{"cost": 100, "quantity": 1}], "tax_name1": "VAT",
            "tax_rate1": 25, "custom_surcharge1": 25, "custom_surcharge_tax1": true,
        });
        assert_eq!(amounts(whole), are("125", "25"));
    }

    #[test]
    fn a_tax_without_a_name_is_not_counted() {
        let line = json!({"cost": 100, "quantity": 1, "tax_name1": "T", "tax_rate1": 20});
        assert_eq!(amounts(json!({"line_items": [line]})), are("100", "0"));
        assert_eq!(
            amounts(json!({"line_items": [{"cost": 10, "quantity": 1}], "tax_rate1": 20})),
            are("10", "0")
        );
    }

    #[test]
    fn each_tax_of_each_line_is_rounded_by_itself() {
        let line = json!({"cost": 0.25, "quantity": 1, "tax_name1": "Ten", "tax_rate1": 10});
        // Twice 0.025, not once 0.05.
        assert_eq!(amounts(json!({"line_items": [line.clone(), line]})), are("0.56", "0.06"));
    }

    #[test]
    fn negative_lines_and_a_rate_of_minus_hundred_do_no_harm() {
        let line = json!({"cost": -10, "quantity": 3, "tax_name1": "Back", "tax_rate1": -100});
        assert_eq!(amounts(json!({"uses_inclusive_taxes": true, "line_items": [line]})), are("-30", "0"));
    }
}
