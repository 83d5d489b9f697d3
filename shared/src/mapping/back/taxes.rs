//! The taxes that QuickBooks puts on a line.

use quickbooks_wire::{Invoice, Ref, TaxLineDetail};
use rust_decimal::Decimal;

use crate::model::{Tax, TaxCategory};
use crate::outcome::{Park, ParkCause};
use crate::reference::{Reference, TaxCode, TaxModel};

/// How a line is taxed.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct LineTax {
    pub(super) taxes: Vec<Tax>,
    pub(super) category: TaxCategory,
}

impl LineTax {
    fn new(taxes: Vec<Tax>, category: TaxCategory) -> LineTax {
        LineTax { taxes, category }
    }

    /// What it adds to an amount, in per cent.
    pub(super) fn percent(&self) -> Decimal {
        self.taxes.iter().map(|tax| tax.rate).sum()
    }
}

/// The taxes on what carries `code` in this invoice. In United States companies the code says only taxable or not, and
/// the rates stand with the whole invoice (Intuit: Manage sales tax for US locales); elsewhere the code says it all.
///
/// # Errors
/// A tax code that is not known.
pub(super) fn of(code: Option<&Ref>, row: &Invoice, reference: &Reference) -> Result<LineTax, Park> {
    let code = code.map(Ref::id).unwrap_or_default();
    match reference.tax_model {
        TaxModel::Off => Ok(LineTax::new(Vec::new(), TaxCategory::Standard)),
        TaxModel::Manual if code != "TAX" => Ok(LineTax::new(Vec::new(), TaxCategory::Standard)),
        // What is not taxable has to say so, or QuickBooks taxes it when it comes back.
        TaxModel::Automated if code == "NON" => Ok(LineTax::new(Vec::new(), TaxCategory::Exempt)),
        TaxModel::Manual => Ok(LineTax::new(named_by_invoice(row, reference)?, TaxCategory::Standard)),
        TaxModel::Automated => Ok(LineTax::new(worked_out(row, reference), TaxCategory::Standard)),
        TaxModel::Global if code.is_empty() => Ok(LineTax::new(Vec::new(), TaxCategory::Standard)),
        TaxModel::Global => {
            let code = known(code, reference)?;
            Ok(LineTax::new(rates(code), category(code)))
        }
    }
}

fn named_by_invoice(row: &Invoice, reference: &Reference) -> Result<Vec<Tax>, Park> {
    let code = row.txn_tax_detail.as_ref().and_then(|detail| detail.txn_tax_code_ref.as_ref());
    code.map_or(Ok(Vec::new()), |code| Ok(rates(known(code.id(), reference)?)))
}

/// The rates that automated sales tax has found for the invoice.
fn worked_out(row: &Invoice, reference: &Reference) -> Vec<Tax> {
    let lines = row.txn_tax_detail.iter().flat_map(|detail| detail.tax_line.iter().flatten());
    let taxes = lines.filter_map(|line| {
        let detail = line.tax_line_detail.as_ref()?;
        let rate = detail.tax_percent.or_else(|| percent_of(line.amount?, detail))?.normalize();
        (!rate.is_zero()).then(|| Tax { name: rate_name(detail, reference), rate })
    });
    taxes.collect()
}

fn percent_of(tax: Decimal, detail: &TaxLineDetail) -> Option<Decimal> {
    let net = detail.net_amount_taxable.filter(|net| !net.is_zero())?;
    Some((tax * Decimal::ONE_HUNDRED).checked_div(net)?.round_dp(4))
}

fn rate_name(detail: &TaxLineDetail, reference: &Reference) -> String {
    let id = detail.tax_rate_ref.as_ref().map(Ref::id).unwrap_or_default();
    let mut known = reference.tax_codes.iter().flat_map(|code| &code.rates);
    known.find(|rate| rate.id.as_str() == id).map_or_else(|| "Sales tax".into(), |rate| rate.name.clone())
}

fn known<'r>(code: &str, reference: &'r Reference) -> Result<&'r TaxCode, Park> {
    reference.tax_codes.iter().find(|known| known.id.as_str() == code).ok_or_else(|| {
        Park::new(
            ParkCause::Tax,
            format!("Its tax code {code} is not among the active tax codes of QuickBooks."),
            "Make the tax code active in QuickBooks, then retry.",
        )
    })
}

/// The rates of a code; one rate for all when they are taken on each other's tax.
fn rates(code: &TaxCode) -> Vec<Tax> {
    if code.is_compound() {
        return vec![Tax { name: code.name.clone(), rate: code.percent() }];
    }
    let rates = code.rates.iter().filter(|rate| !rate.percent.is_zero());
    rates.map(|rate| Tax { name: rate.name.clone(), rate: rate.percent }).collect()
}

fn category(code: &TaxCode) -> TaxCategory {
    let name = code.name.to_lowercase();
    if !code.percent().is_zero() {
        TaxCategory::Standard
    } else if name.contains("zero") {
        TaxCategory::ZeroRated
    } else if name.contains("reverse") {
        TaxCategory::ReverseCharge
    } else if name.contains("exempt") {
        TaxCategory::Exempt
    } else {
        TaxCategory::Standard
    }
}
