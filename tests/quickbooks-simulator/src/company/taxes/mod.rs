//! Sales tax: three models, one result. Intuit: Manage sales tax for US locales, … for non-US locales.

mod automated;
mod global;
mod manual;
mod service;

pub(crate) use automated::TaxArea;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{
    Company,
    faults::Fault,
    invoice::Sale,
    kinds::Kind,
    wire::{self, Members, Object},
    writes::Draft,
};

/// Which rules a company's sales forms follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Model {
    /// Sales tax is off.
    None,
    /// United States: lines say TAX or NON, the transaction says which code.
    Manual,
    /// United States: QuickBooks finds the code by the address.
    Automated,
    /// Elsewhere: each line says its code.
    Global,
}

/// A tax rate as part of a code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rate {
    pub(crate) id: String,
    pub(crate) percent: Decimal,
    pub(crate) base: Base,
    pub(crate) read_only: bool,
}

/// What a rate of a compound code is charged on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Base {
    Amount,
    AmountPlusTax,
    Tax,
}

/// What a rate comes to on a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Charge {
    pub(crate) rate: Rate,
    pub(crate) net: Decimal,
    pub(crate) tax: Decimal,
}

/// The tax of a transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tax {
    pub(crate) code: Option<String>,
    pub(crate) charges: Vec<Charge>,
}

impl Tax {
    pub(crate) fn total(&self) -> Decimal {
        self.charges.iter().map(|charge| charge.tax).sum()
    }

    /// `TxnTaxDetail`.
    pub(crate) fn detail(&self) -> Value {
        let mut detail = Object::new();
        if let Some(code) = &self.code {
            detail.insert("TxnTaxCodeRef".to_owned(), json!({ "value": code }));
        }
        detail.insert("TotalTax".to_owned(), wire::money(self.total()));
        if !self.charges.is_empty() {
            let lines: Vec<Value> = self.charges.iter().map(Charge::line).collect();
            detail.insert("TaxLine".to_owned(), lines.into());
        }
        Value::Object(detail)
    }
}

impl Charge {
    fn line(&self) -> Value {
        json!({
            "Amount": wire::money(self.tax),
            "DetailType": "TaxLineDetail",
            "TaxLineDetail": {
                "TaxRateRef": { "value": self.rate.id },
                "PercentBased": true,
                "TaxPercent": wire::quantity(self.rate.percent),
                "NetAmountTaxable": wire::money(self.net),
            },
        })
    }
}

impl Company {
    /// The model, as a client would find it out from Preferences and CompanyInfo.
    pub(crate) fn tax_model(&self) -> Model {
        let prefs = self.preference("TaxPrefs");
        match prefs {
            Some(prefs) if prefs.flag("UsingSalesTax") => {
                match (self.country(), prefs.get("PartnerTaxEnabled")) {
                    ("US", Some(_)) => Model::Automated,
                    ("US", None) => Model::Manual,
                    _ => Model::Global,
                }
            }
            _ => Model::None,
        }
    }

    /// `Preferences.TaxPrefs.TaxGroupCodeRef`.
    pub(crate) fn default_tax_code(&self) -> Option<String> {
        self.preference("TaxPrefs")?.reference("TaxGroupCodeRef").map(str::to_owned)
    }

    /// Works the tax of a sale out. Lines get the codes, and in the global model the net amounts, that they are
    /// returned with. `None` if the sale has no tax at all to show.
    pub(crate) fn tax(&self, draft: &Draft<'_>, sale: &mut Sale) -> Result<Option<Tax>, Fault> {
        match self.tax_model() {
            Model::None => {
                for line in sale.sales_lines_mut() {
                    set_tax_code(line, "NON");
                }
                Ok(Some(Tax::default()))
            }
            Model::Manual => self.manual_tax(draft, sale).map(Some),
            Model::Automated => self.automated_tax(draft, sale).map(Some),
            Model::Global => self.global_tax(draft, sale),
        }
    }

    /// The rates of a tax code for sales, in the order in which they are charged.
    pub(crate) fn sales_rates(&self, code: &str) -> Result<Vec<Rate>, Fault> {
        let code = self.refer(Kind::TaxCode, code)?;
        let details = code.get("SalesTaxRateList").map_or(&[][..], |list| list.list("TaxRateDetail"));
        let mut ordered: Vec<(Decimal, Rate)> = Vec::new();
        for detail in details {
            let id = detail.reference("TaxRateRef").unwrap_or_default();
            let rate = self.refer(Kind::TaxRate, id)?;
            let base = match detail.text("TaxTypeApplicable") {
                Some("TaxOnAmountPlusTax") => Base::AmountPlusTax,
                Some("TaxOnTax") => Base::Tax,
                _ => Base::Amount,
            };
            let read_only = rate.text("DisplayType") == Some("ReadOnly");
            let percent = rate.amount_or_zero("RateValue");
            ordered.push((
                detail.amount_or_zero("TaxOrder"),
                Rate { id: id.to_owned(), percent, base, read_only },
            ));
        }
        ordered.sort_by_key(|(order, _)| *order);
        Ok(ordered.into_iter().map(|(_, rate)| rate).collect())
    }

    /// Codes that exist in every United States company, without being objects of it.
    pub(crate) fn pseudo_tax_codes(&self) -> Vec<Value> {
        if self.country() != "US" {
            return Vec::new();
        }
        let at = wire::moment(self.created);
        let code = |id: &str, taxable: bool, group: bool| {
            json!({
                "Id": id, "Name": id, "Description": id, "Taxable": taxable, "TaxGroup": group,
                "MetaData": { "CreateTime": at, "LastUpdatedTime": at },
            })
        };
        vec![code("TAX", true, false), code("NON", false, false), code("CustomSalesTax", true, true)]
    }
}

/// The code of a sales line.
pub(crate) fn tax_code(line: &Object) -> Option<&str> {
    line.get("SalesItemLineDetail")?.reference("TaxCodeRef")
}

pub(crate) fn set_tax_code(line: &mut Object, code: &str) {
    if let Some(detail) = line.get_mut("SalesItemLineDetail").and_then(Value::as_object_mut) {
        detail.insert("TaxCodeRef".to_owned(), json!({ "value": code }));
    }
}

/// Refuses what is neither TAX nor NON, with an error for each line.
fn refuse_other_than_tax_and_non(sale: &mut Sale) -> Result<(), Fault> {
    let faults = sale.sales_lines_mut().into_iter().filter_map(|line| match tax_code(line) {
        None | Some("TAX" | "NON") => None,
        Some(other) => Some(Fault::us_line_tax_code(other)),
    });
    Fault::together(faults.collect()).map_or(Ok(()), Err)
}

/// What is taxed of the TAX lines. `ApplyTaxAfterDiscount` takes their share of the discount off first.
fn taxable_amount(draft: &Draft<'_>, sale: &mut Sale) -> Decimal {
    let lines = sale.sales_lines_mut();
    let taxed = lines.into_iter().filter(|line| tax_code(line) == Some("TAX"));
    let taxable: Decimal = taxed.map(|line| line.amount_or_zero("Amount")).sum();
    let (subtotal, discount) = (sale.subtotal(), sale.discount_amount());
    if draft.object.flag("ApplyTaxAfterDiscount") && !subtotal.is_zero() {
        taxable - wire::cents(discount * taxable / subtotal)
    } else {
        taxable
    }
}
