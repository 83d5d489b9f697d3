//! Automated sales tax. Intuit's engine knows every jurisdiction; the simulator knows a table of places.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Charge, Tax, refuse_other_than_tax_and_non, set_tax_code, tax_code, taxable_amount};
use crate::company::{
    Company,
    faults::Fault,
    invoice::Sale,
    kinds::Kind,
    money::{percent_of, prorate},
    wire::{Members, Object},
    writes::Draft,
};

const EXEMPT_PRODUCT: &str = "EUC-99990101-V1-00020000";
const EXEMPT_SERVICE: &str = "EUC-99990201-V1-00020000";

/// Where a tax code applies.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct TaxArea {
    /// Two letters.
    pub(crate) state: String,
    /// The beginning of the ZIP codes; empty for the whole state.
    pub(crate) zip_prefix: String,
    pub(crate) tax_code: String,
}

impl Company {
    /// A line without a code is TAX; an item that is not taxable makes it NON. The code follows from the
    /// destination, whatever code the request names. A `TotalTax` in the request is honoured and prorated.
    pub(super) fn automated_tax(&self, draft: &Draft<'_>, sale: &mut Sale) -> Result<Tax, Fault> {
        refuse_other_than_tax_and_non(sale)?;
        for line in sale.sales_lines_mut() {
            self.classify(line);
        }
        let Some(code) = self.area_code(draft) else { return Ok(Tax::default()) };
        if self.is_exempt(draft) {
            return Ok(Tax { code: Some(code), charges: Vec::new() });
        }
        let net = taxable_amount(draft, sale);
        let rates = self.sales_rates(&code)?;
        let taxes = match self.override_of(draft) {
            Some(total) if !net.is_zero() => {
                prorate(total, &rates.iter().map(|rate| rate.percent).collect::<Vec<_>>())
            }
            _ => rates.iter().map(|rate| percent_of(net, rate.percent)).collect(),
        };
        let charges = rates.into_iter().zip(taxes).map(|(rate, tax)| Charge { rate, net, tax }).collect();
        Ok(Tax { code: Some(code), charges })
    }

    fn classify(&self, line: &mut Object) {
        let item = line.get("SalesItemLineDetail").and_then(|detail| detail.reference("ItemRef"));
        let item = item.and_then(|id| self.store.get(Kind::Item, id));
        let exempt = item.is_some_and(|item| !item.flag("Taxable"));
        let class = match item.and_then(|item| item.text("Type")) {
            Some("Service") | None => EXEMPT_SERVICE,
            Some(_) => EXEMPT_PRODUCT,
        };
        if exempt {
            set_tax_code(line, "NON");
            if let Some(detail) = line.get_mut("SalesItemLineDetail").and_then(Value::as_object_mut) {
                detail.insert("TaxClassificationRef".to_owned(), json!({ "value": class }));
            }
        } else if tax_code(line).is_none() {
            set_tax_code(line, "TAX");
        }
    }

    fn is_exempt(&self, draft: &Draft<'_>) -> bool {
        let customer =
            draft.object.reference("CustomerRef").and_then(|id| self.store.get(Kind::Customer, id));
        customer.is_some_and(|customer| !customer.flag("Taxable"))
    }

    /// The code for where the goods go: the ship-to address, else where the company is.
    fn area_code(&self, draft: &Draft<'_>) -> Option<String> {
        let own = self.store.get(Kind::CompanyInfo, "1").and_then(|info| info.get("CompanyAddr"));
        let address = draft.object.get("ShipAddr").or(own)?;
        let foreign = address.text("Country").is_some_and(|country| !is_united_states(country));
        let state = address.text("CountrySubDivisionCode").filter(|_| !foreign)?;
        let zip = address.text("PostalCode")?;
        let here = self
            .tax_areas
            .iter()
            .filter(|area| area.state.eq_ignore_ascii_case(state) && zip.starts_with(&area.zip_prefix));
        here.max_by_key(|area| area.zip_prefix.len()).map(|area| area.tax_code.clone())
    }

    /// The tax that the request insists on.
    fn override_of(&self, draft: &Draft<'_>) -> Option<Decimal> {
        let detail = draft.sent.get("TxnTaxDetail")?;
        let named = detail.reference("TxnTaxCodeRef").is_some() || !self.switches.tax_override_needs_code;
        detail.amount("TotalTax").filter(|_| named)
    }

    /// What automated sales tax adds to an invoice besides the tax itself.
    pub(crate) fn settle_tax_read_outs(&self, draft: &mut Draft<'_>) {
        let customer =
            draft.object.reference("CustomerRef").and_then(|id| self.store.get(Kind::Customer, id));
        let reason = customer.and_then(|customer| customer.text("TaxExemptionReasonId"));
        let exemption = reason.map_or_else(|| json!({}), |reason| json!({ "value": reason, "name": reason }));
        draft.set("TaxExemptionRef", exemption);
        draft.set("FreeFormAddress", true);
        let own = self.store.get(Kind::CompanyInfo, "1").and_then(|info| info.get("CompanyAddr"));
        if let Some(own) = own {
            draft.default("ShipFromAddr", own.clone());
        }
    }
}

fn is_united_states(country: &str) -> bool {
    ["us", "usa", "united states", "united states of america"].contains(&country.to_lowercase().as_str())
}
