//! Outside the United States: every line has a numeric code, and `GlobalTaxCalculation` says what amounts mean.

use rust_decimal::Decimal;
use serde_json::Value;

use super::{Base, Charge, Rate, Tax, tax_code};
use crate::company::{
    Company,
    faults::Fault,
    invoice::Sale,
    money::percent_of,
    wire::{self, Members, Object, cents},
    writes::Draft,
};

const TAX_CODE: &str = "Line.SalesItemLineDetail.TaxCodeRef";

impl Company {
    pub(super) fn global_tax(&self, draft: &Draft<'_>, sale: &mut Sale) -> Result<Option<Tax>, Fault> {
        let mode = draft
            .object
            .text("GlobalTaxCalculation")
            .ok_or_else(|| Fault::missing("GlobalTaxCalculation"))?;
        if mode == "NotApplicable" {
            return match draft.sent.get("TxnTaxDetail") {
                Some(_) => Err(Fault::tax_detail_not_applicable()),
                None => Ok(None),
            };
        }
        let charges = if mode == "TaxInclusive" { self.included(sale)? } else { self.excluded(sale)? };
        self.with_given_amounts(draft, charges).map(|charges| Some(Tax { code: None, charges }))
    }

    fn rates_of(&self, line: &Object) -> Result<Vec<Rate>, Fault> {
        let Some(code) = tax_code(line) else {
            let text = "Make sure all your transactions have a tax rate before you save.";
            return Err(Fault::business(text));
        };
        if !code.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Fault::invalid_number(TAX_CODE, code));
        }
        self.sales_rates(code)
    }

    /// The tax is added to the amounts: each code once, on the sum of its lines.
    fn excluded(&self, sale: &mut Sale) -> Result<Vec<Charge>, Fault> {
        let keep = sale.kept_after_discount();
        let mut codes: Vec<(String, Vec<Rate>, Decimal)> = Vec::new();
        for line in sale.sales_lines_mut() {
            settle_price(line);
            let rates = self.rates_of(line)?;
            let code = tax_code(line).unwrap_or_default();
            let amount = line.amount_or_zero("Amount");
            match codes.iter_mut().find(|(known, ..)| known == code) {
                Some((.., sum)) => *sum += amount,
                None => codes.push((code.to_owned(), rates, amount)),
            }
        }
        let charges = codes.into_iter().flat_map(|(_, rates, sum)| charge(rates, cents(sum * keep)));
        Ok(by_rate(charges.collect()))
    }

    /// The tax is inside the amounts: taken out line by line. Lines keep the net, and the gross beside it.
    fn included(&self, sale: &mut Sale) -> Result<Vec<Charge>, Fault> {
        let mut all: Vec<Charge> = Vec::new();
        for line in sale.sales_lines_mut() {
            let rates = self.rates_of(line)?;
            let gross = gross_of(line, &rates)?;
            let net = cents(gross / (Decimal::ONE + effective(&rates)));
            settle_net(line, net, gross);
            all.extend(fitted(charge(rates, net), gross - net));
        }
        let keep = sale.kept_after_discount();
        if keep != Decimal::ONE {
            for charge in &mut all {
                (charge.net, charge.tax) = (cents(charge.net * keep), cents(charge.tax * keep));
            }
        }
        Ok(by_rate(all))
    }

    /// The amounts that the request gives in `TaxLine`, which must name every rate in use and no other.
    fn with_given_amounts(&self, draft: &Draft<'_>, mut charges: Vec<Charge>) -> Result<Vec<Charge>, Fault> {
        let given = draft.sent.get("TxnTaxDetail").map_or(&[][..], |detail| detail.list("TaxLine"));
        if given.is_empty() {
            return Ok(charges);
        }
        let rate_of = |line: &Value| {
            line.get("TaxLineDetail").and_then(|detail| detail.reference("TaxRateRef")).map(str::to_owned)
        };
        if given.len() != charges.len() {
            return Err(Fault::business("TxnTaxDetail must have a tax line for every tax rate in use"));
        }
        for line in given {
            let rate = rate_of(line);
            let Some(charge) = charges.iter_mut().find(|charge| Some(&charge.rate.id) == rate.as_ref())
            else {
                return Err(Fault::business("TxnTaxDetail has a tax rate that no line uses"));
            };
            let amount = line.amount("Amount").unwrap_or(charge.tax);
            if charge.rate.read_only && amount != charge.tax {
                return Err(Fault::business("The amount of this tax rate is read-only"));
            }
            charge.tax = amount;
        }
        Ok(charges)
    }
}

/// UnitPrice times Qty, where both are given, overrides Amount; UnitPrice counts with seven decimals.
fn settle_price(line: &mut Object) {
    if let Some(product) = product_of(line) {
        line.insert("Amount".to_owned(), wire::money(product));
    }
}

fn product_of(line: &Object) -> Option<Decimal> {
    let detail = line.get("SalesItemLineDetail")?;
    Some(cents(wire::unit_price(detail.amount("UnitPrice")?) * detail.amount("Qty")?))
}

/// What a line costs with its tax: `TaxInclusiveAmt`, which Amount must agree with, or else Amount itself.
fn gross_of(line: &Object, rates: &[Rate]) -> Result<Decimal, Fault> {
    let amount = line.amount_or_zero("Amount");
    let given = line.get("SalesItemLineDetail").and_then(|detail| detail.amount("TaxInclusiveAmt"));
    let Some(gross) = given.filter(|gross| !gross.is_zero()) else {
        return Ok(product_of(line).unwrap_or(amount));
    };
    let net = cents(gross / (Decimal::ONE + effective(rates)));
    if amount == gross || (amount - net).abs() <= Decimal::new(1, 2) {
        return Ok(gross);
    }
    Err(Fault::conflicting("Amount and TaxInclusiveAmt do not agree"))
}

fn settle_net(line: &mut Object, net: Decimal, gross: Decimal) {
    line.insert("Amount".to_owned(), wire::money(net));
    let Some(detail) = line.get_mut("SalesItemLineDetail").and_then(Value::as_object_mut) else { return };
    detail.insert("TaxInclusiveAmt".to_owned(), wire::money(gross));
    if let Some(quantity) = detail.amount("Qty").filter(|quantity| !quantity.is_zero())
        && detail.contains_key("UnitPrice")
    {
        detail.insert("UnitPrice".to_owned(), wire::quantity(wire::unit_price(net / quantity)));
    }
}

/// The rates of one code on one net amount.
fn charge(rates: Vec<Rate>, net: Decimal) -> Vec<Charge> {
    let mut before = Decimal::ZERO;
    let charges = rates.into_iter().map(|rate| {
        let base = match rate.base {
            Base::Amount => net,
            Base::AmountPlusTax => net + before,
            Base::Tax => before,
        };
        let tax = percent_of(base, rate.percent);
        before += tax;
        Charge { rate, net: base, tax }
    });
    charges.collect()
}

/// What all rates of a code together add to one, as a fraction.
fn effective(rates: &[Rate]) -> Decimal {
    rates.iter().fold(Decimal::ZERO, |sum, rate| {
        let base = match rate.base {
            Base::Amount => Decimal::ONE,
            Base::AmountPlusTax => Decimal::ONE + sum,
            Base::Tax => sum,
        };
        sum + base * rate.percent / Decimal::ONE_HUNDRED
    })
}

/// The same charges, summing to `total`: the last rate takes the odd cent.
fn fitted(mut charges: Vec<Charge>, total: Decimal) -> Vec<Charge> {
    let sum: Decimal = charges.iter().map(|charge| charge.tax).sum();
    if let Some(last) = charges.iter_mut().rfind(|charge| !charge.rate.percent.is_zero()) {
        last.tax += total - sum;
    }
    charges
}

/// One charge for each rate, in the order of first use.
fn by_rate(all: Vec<Charge>) -> Vec<Charge> {
    let mut merged: Vec<Charge> = Vec::new();
    for charge in all {
        match merged.iter_mut().find(|known| known.rate.id == charge.rate.id) {
            Some(known) => {
                known.net += charge.net;
                known.tax += charge.tax;
            }
            None => merged.push(charge),
        }
    }
    merged
}
