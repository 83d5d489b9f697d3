//! Which tax code a sale carries.
//!
//! There are three worlds (Intuit: Manage sales tax for US locales, for non-US locales): United States companies
//! with automated sales tax say only taxable or not and QuickBooks works it out; those with manual sales tax name
//! one code for the whole invoice; everywhere else each line names its code. A tax that has no counterpart, or more
//! than one, is never guessed.

use rust_decimal::Decimal;

use crate::ids::QuickBooksId;
use crate::model::{Tax, TaxCategory};
use crate::outcome::{Park, ParkCause};
use crate::reference::{Reference, TaxCode, TaxModel};

/// The pseudo codes of United States companies (Intuit: TaxCode).
const TAXABLE: &str = "TAX";
const NOT_TAXABLE: &str = "NON";

/// What is taxed: a line, a surcharge, or a share of the discount.
#[derive(Clone, Copy, Debug)]
pub struct Taxed<'a> {
    /// The taxes on it.
    pub taxes: &'a [Tax],
    /// How it is taxed.
    pub category: TaxCategory,
    /// Its buyer pays no tax at all.
    pub exempt_client: bool,
}

impl Taxed<'_> {
    /// The per cent that the billing app adds to it.
    pub fn percent(&self) -> Decimal {
        let sum = |sum: Decimal, tax: &Tax| sum.saturating_add(tax.rate);
        if self.is_exempt() { Decimal::ZERO } else { self.taxes.iter().fold(Decimal::ZERO, sum) }
    }

    fn is_exempt(&self) -> bool {
        self.exempt_client || self.category == TaxCategory::Exempt
    }

    fn is_taxable(&self) -> bool {
        !self.is_exempt() && self.category != TaxCategory::ZeroRated
    }
}

/// The code for one line; none when the company has no sales tax.
///
/// # Errors
/// A tax that QuickBooks does not know, knows more than once, or cannot express.
pub fn line_code(taxed: Taxed<'_>, reference: &Reference) -> Result<Option<String>, Park> {
    match reference.tax_model {
        TaxModel::Off if taxed.percent() > Decimal::ZERO => Err(Park::new(
            ParkCause::Tax,
            format!(
                "A line is taxed at {} %, but sales tax is switched off in QuickBooks.",
                taxed.percent().normalize()
            ),
            "Set up sales tax in QuickBooks, or take the tax off the invoice; then retry.",
        )),
        TaxModel::Off => Ok(None),
        // What has no tax on the billing side may still be taxable: QuickBooks decides (R45), save for what is exempt.
        TaxModel::Automated => Ok(Some(if taxed.is_taxable() { TAXABLE } else { NOT_TAXABLE }.to_owned())),
        TaxModel::Manual => {
            let taxable = taxed.is_taxable() && taxed.percent() > Decimal::ZERO;
            Ok(Some(if taxable { TAXABLE } else { NOT_TAXABLE }.to_owned()))
        }
        TaxModel::Global => global_code(taxed, reference).map(|code| Some(code.as_str().to_owned())),
    }
}

/// The one code of an invoice with manual sales tax: that of its taxed lines. None when nothing is taxed.
///
/// # Errors
/// Lines taxed at different rates, or a rate that QuickBooks does not know or knows more than once.
pub fn invoice_code(taxed: &[Taxed<'_>], reference: &Reference) -> Result<Option<QuickBooksId>, Park> {
    let mut rates: Vec<Decimal> = taxed.iter().filter(|line| line.is_taxable()).map(Taxed::percent).collect();
    rates.retain(|rate| *rate > Decimal::ZERO);
    rates.sort();
    rates.dedup();
    let Some(rate) = rates.first() else { return Ok(None) };
    if rates.len() > 1 {
        let listed: Vec<String> = rates.iter().map(|rate| format!("{} %", rate.normalize())).collect();
        return Err(Park::new(
            ParkCause::Tax,
            format!(
                "Its lines are taxed at {}; QuickBooks takes one sales tax rate for an invoice.",
                listed.join(" and ")
            ),
            "Split the invoice by tax rate in the billing app, or switch automated sales tax on in QuickBooks.",
        ));
    }
    let names = taxed.iter().filter(|line| line.percent() == *rate).flat_map(|line| line.taxes);
    let names: Vec<&str> = names.map(|tax| tax.name.as_str()).collect();
    let candidates =
        reference.tax_codes.iter().filter(|code| !code.rates.is_empty() && code.percent() == *rate);
    only(&candidates.collect::<Vec<_>>(), &names, *rate).map(|code| Some(code.id.clone()))
}

fn global_code<'a>(taxed: Taxed<'_>, reference: &'a Reference) -> Result<&'a QuickBooksId, Park> {
    let names: Vec<&str> = taxed.taxes.iter().map(|tax| tax.name.as_str()).collect();
    let rate = taxed.percent();
    if rate > Decimal::ZERO {
        let mut parts: Vec<Decimal> =
            taxed.taxes.iter().map(|tax| tax.rate).filter(|rate| !rate.is_zero()).collect();
        parts.sort();
        let same = |code: &&TaxCode| {
            let mut rates: Vec<Decimal> = code.rates.iter().map(|rate| rate.percent).collect();
            rates.sort();
            code.taxable
                && code.percent() == rate
                && (parts.len() == 1 || (rates == parts && !code.is_compound()))
        };
        return only(&reference.tax_codes.iter().filter(same).collect::<Vec<_>>(), &names, rate)
            .map(|code| &code.id);
    }
    let untaxed = |code: &&TaxCode| code.percent().is_zero();
    let candidates: Vec<&TaxCode> = reference.tax_codes.iter().filter(untaxed).collect();
    let wanted: &[&str] = match taxed.category {
        TaxCategory::ZeroRated => &["zero"],
        TaxCategory::ReverseCharge => &["reverse"],
        _ if taxed.is_exempt() => &["exempt"],
        _ => &["no vat", "no tax", "out of scope", "no gst"],
    };
    let fitting: Vec<&TaxCode> =
        candidates.iter().copied().filter(|code| mentions(&code.name, wanted)).collect();
    let chosen = if fitting.is_empty() { candidates } else { fitting };
    only(&chosen, &names, rate).map(|code| &code.id)
}

/// The one candidate; of several, the one that is named like the taxes.
fn only<'a>(candidates: &[&'a TaxCode], names: &[&str], rate: Decimal) -> Result<&'a TaxCode, Park> {
    let rate = rate.normalize();
    match candidates {
        [one] => return Ok(one),
        [] => {
            return Err(Park::new(
                ParkCause::Tax,
                format!("QuickBooks has no sales tax code of {rate} %."),
                format!("Add a tax code of {rate} % in QuickBooks, then retry."),
            ));
        }
        _ => {}
    }
    let named: Vec<&TaxCode> = candidates.iter().copied().filter(|code| is_named(code, names)).collect();
    match named.as_slice() {
        [one] => Ok(one),
        _ => {
            let listed: Vec<&str> = candidates.iter().map(|code| code.name.as_str()).collect();
            Err(Park::new(
                ParkCause::Tax,
                format!("QuickBooks has more than one sales tax code of {rate} %: {}.", listed.join(", ")),
                "Name the tax in the billing app as its code is named in QuickBooks, then retry.",
            ))
        }
    }
}

fn is_named(code: &TaxCode, names: &[&str]) -> bool {
    let same = |one: &str, other: &str| one.trim().to_lowercase() == other.trim().to_lowercase();
    names.iter().any(|name| same(name, &code.name))
        || (!code.rates.is_empty()
            && code.rates.iter().all(|rate| names.iter().any(|name| same(name, &rate.name))))
}

fn mentions(text: &str, words: &[&str]) -> bool {
    let text = text.to_lowercase();
    words.iter().any(|word| text.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::fixtures::{decimal, id, reference, tax_code};

    fn taxes(rates: &[(&str, &str)]) -> Vec<Tax> {
        rates.iter().map(|(name, rate)| Tax { name: (*name).into(), rate: decimal(rate) }).collect()
    }

    fn taxed(taxes: &[Tax]) -> Taxed<'_> {
        Taxed { taxes, category: TaxCategory::Standard, exempt_client: false }
    }

    fn with(model: TaxModel, codes: Vec<TaxCode>) -> Reference {
        Reference { tax_model: model, tax_codes: codes, ..reference() }
    }

    #[test]
    fn automated_sales_tax_says_only_taxable_or_not() {
        let reference = with(TaxModel::Automated, Vec::new());
        let code = |line: Taxed<'_>| line_code(line, &reference).unwrap().unwrap();
        assert_eq!(code(taxed(&[])), "TAX", "QuickBooks decides (R45)");
        assert_eq!(code(Taxed { category: TaxCategory::Exempt, ..taxed(&[]) }), "NON", "R49");
        assert_eq!(code(Taxed { exempt_client: true, ..taxed(&taxes(&[("", "8")])) }), "NON");
    }

    #[test]
    fn manual_sales_tax_takes_one_code_for_the_invoice() {
        let reference = reference();
        let (eight, nine, none) =
            (taxes(&[("", "8")]), taxes(&[("State", "7.1"), ("City", "2")]), taxes(&[]));
        let code = |lines: &[Taxed<'_>]| invoice_code(lines, &reference);
        assert_eq!(code(&[taxed(&eight), taxed(&none)]).unwrap(), Some(id("2")));
        assert_eq!(code(&[taxed(&nine)]).unwrap(), Some(id("3")), "rates add up");
        assert_eq!(code(&[taxed(&none)]).unwrap(), None);
        let mixed = code(&[taxed(&eight), taxed(&nine)]).unwrap_err();
        assert!(mixed.reason.contains("8 % and 9.1 %"), "{}", mixed.reason);
        let unknown = code(&[taxed(&taxes(&[("", "6.5")]))]).unwrap_err();
        assert_eq!(unknown.reason, "QuickBooks has no sales tax code of 6.5 %.");
    }

    #[test]
    fn several_codes_of_a_rate_are_told_apart_by_name_or_not_at_all() {
        let reference = with(
            TaxModel::Manual,
            vec![tax_code("2", "California", &["8"]), tax_code("5", "Nevada", &["8"])],
        );
        let named = taxes(&[("nevada", "8")]);
        assert_eq!(invoice_code(&[taxed(&named)], &reference).unwrap(), Some(id("5")));
        let unnamed = taxes(&[("Sales tax", "8")]);
        let park = invoice_code(&[taxed(&unnamed)], &reference).unwrap_err();
        assert_eq!(park.reason, "QuickBooks has more than one sales tax code of 8 %: California, Nevada.");
    }

    #[test]
    fn elsewhere_each_line_has_its_code_and_nothing_untaxed_gets_a_taxed_one() {
        let codes = vec![
            tax_code("4", "20.0% S", &["20"]),
            tax_code("6", "0.0% Zero rated", &["0"]),
            tax_code("7", "Exempt", &["0"]),
            tax_code("8", "No VAT", &[]),
            tax_code("9", "GST + QST", &["5", "9.975"]),
        ];
        let global = with(TaxModel::Global, codes);
        let (vat, composite) = (taxes(&[("VAT", "20")]), taxes(&[("QST", "9.975"), ("GST", "5")]));
        let code = |line: Taxed<'_>| line_code(line, &global).map(Option::unwrap);
        assert_eq!(code(taxed(&vat)).unwrap(), "4");
        assert_eq!(code(taxed(&composite)).unwrap(), "9", "a composite code");
        assert_eq!(code(taxed(&[])).unwrap(), "8");
        assert_eq!(code(Taxed { category: TaxCategory::ZeroRated, ..taxed(&[]) }).unwrap(), "6");
        assert_eq!(code(Taxed { category: TaxCategory::Exempt, ..taxed(&[]) }).unwrap(), "7");
        let only_taxed = with(TaxModel::Global, vec![tax_code("4", "20.0% S", &["20"])]);
        assert_eq!(line_code(taxed(&[]), &only_taxed).unwrap_err().cause, ParkCause::Tax);
    }

    #[test]
    fn a_tax_where_there_is_none_is_not_dropped() {
        let off = with(TaxModel::Off, Vec::new());
        assert_eq!(line_code(taxed(&[]), &off).unwrap(), None);
        assert_eq!(line_code(taxed(&taxes(&[("", "8")])), &off).unwrap_err().cause, ParkCause::Tax);
    }
}
