//! The older United States model: the client names the tax code.

use super::{Charge, Tax, refuse_other_than_tax_and_non, set_tax_code, tax_code, taxable_amount};
use crate::company::{
    Company, faults::Fault, invoice::Sale, kinds::Kind, money::percent_of, wire::Members, writes::Draft,
};

impl Company {
    /// A line without a code is NON. Without `TxnTaxCodeRef` there is no tax, whatever the lines say. `TaxLine`
    /// amounts that the request gives override the calculated ones; a bare `TotalTax` does not.
    pub(super) fn manual_tax(&self, draft: &Draft<'_>, sale: &mut Sale) -> Result<Tax, Fault> {
        refuse_other_than_tax_and_non(sale)?;
        for line in sale.sales_lines_mut() {
            if tax_code(line).is_none() {
                set_tax_code(line, "NON");
            }
        }
        let Some(code) =
            draft.object.get("TxnTaxDetail").and_then(|detail| detail.reference("TxnTaxCodeRef"))
        else {
            return Ok(Tax::default());
        };
        let group = self.refer(Kind::TaxCode, code)?;
        if !group.flag("TaxGroup") {
            return Err(Fault::no_such_reference("TaxCodes", code));
        }
        let net = taxable_amount(draft, sale);
        let mut charges = Vec::new();
        for rate in self.sales_rates(code)? {
            let tax = given_amount(draft, &rate.id).unwrap_or_else(|| percent_of(net, rate.percent));
            charges.push(Charge { rate, net, tax });
        }
        Ok(Tax { code: Some(code.to_owned()), charges })
    }
}

/// The amount that the request itself gives for a rate.
fn given_amount(draft: &Draft<'_>, rate: &str) -> Option<rust_decimal::Decimal> {
    let lines = draft.sent.get("TxnTaxDetail")?.list("TaxLine");
    let line = lines.iter().find(|line| {
        line.get("TaxLineDetail").and_then(|detail| detail.reference("TaxRateRef")) == Some(rate)
    })?;
    line.amount("Amount")
}
