//! `POST taxservice/taxcode`, the only way to create tax codes and rates.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::company::{
    Company,
    answer::Reply,
    classes, clean,
    faults::Fault,
    kinds::Kind,
    names,
    wire::{self, Members},
};

impl Company {
    /// Creates a tax code, and those of its rates that do not exist.
    pub(crate) fn create_tax_code(&mut self, body: &[u8], now: Timestamp) -> Result<Reply, Fault> {
        if self.switches.subscription_ended {
            return Err(Fault::subscription_ended());
        }
        let sent = clean::body(&classes::TAX_SERVICE, body, &self.switches)?;
        let name = sent.text("TaxCode").ok_or_else(|| Fault::missing("TaxCode"))?;
        if self.store.holder(&names::key(Kind::TaxCode, None, name)).is_some() {
            return Err(Fault::duplicate_name_of("tax code"));
        }
        let details = sent.list("TaxRateDetails");
        if details.is_empty() {
            return Err(Fault::missing("TaxRateDetails"));
        }
        for detail in details {
            self.check_rate(detail)?;
        }
        let mut echoed = Vec::new();
        let mut lists: [Vec<Value>; 2] = Default::default();
        for detail in details {
            let id = match detail.text("TaxRateId") {
                Some(id) => id.to_owned(),
                None => self.insert_rate(detail, now),
            };
            let rate = self.store.get(Kind::TaxRate, &id).cloned().unwrap_or_default();
            let list = &mut lists[usize::from(detail.text("TaxApplicableOn") == Some("Purchase"))];
            list.push(json!({
                "TaxRateRef": { "value": id, "name": rate.text("Name") },
                "TaxTypeApplicable": "TaxOnAmount",
                "TaxOrder": 0,
            }));
            echoed.push(json!({
                "TaxRateName": rate.text("Name"),
                "TaxRateId": id,
                "RateValue": format!("{}%", rate.amount_or_zero("RateValue")),
                "TaxAgencyId": rate.reference("AgencyRef"),
                "TaxApplicableOn": detail.text("TaxApplicableOn").unwrap_or("Sales"),
            }));
        }
        let [sales, purchases] = lists;
        let id = self.insert_tax_code(name, "USER_DEFINED", &sales, &purchases, now);
        let reply = json!({ "TaxCode": name, "TaxCodeId": id, "TaxRateDetails": echoed });
        Ok(Reply::Bare(reply.as_object().cloned().unwrap_or_default()))
    }

    fn check_rate(&self, detail: &Value) -> Result<(), Fault> {
        if let Some(usage) =
            detail.text("TaxApplicableOn").filter(|usage| !matches!(*usage, "Sales" | "Purchase"))
        {
            return Err(Fault::invalid_tax_use(usage));
        }
        if let Some(id) = detail.text("TaxRateId") {
            return self.refer(Kind::TaxRate, id).map(drop);
        }
        let name = detail.text("TaxRateName").ok_or_else(|| Fault::missing("TaxRateName"))?;
        if self.store.holder(&names::key(Kind::TaxRate, None, name)).is_some() {
            return Err(Fault::duplicate_name_of("tax rate"));
        }
        let percent = detail.amount("RateValue").ok_or_else(|| Fault::missing("RateValue"))?;
        if percent < Decimal::ZERO || percent > Decimal::ONE_HUNDRED {
            return Err(Fault::out_of_range("RateValue", &percent.to_string()));
        }
        let agency = detail.text("TaxAgencyId").ok_or_else(|| Fault::missing("TaxAgencyId"))?;
        self.refer(Kind::TaxAgency, agency).map(drop)
    }

    fn insert_rate(&mut self, detail: &Value, now: Timestamp) -> String {
        let name = detail.text("TaxRateName").unwrap_or_default().to_owned();
        let agency = detail.text("TaxAgencyId").unwrap_or_default().to_owned();
        self.insert_tax_rate(&name, detail.amount_or_zero("RateValue"), &agency, now)
    }

    /// Stores a tax rate.
    pub(crate) fn insert_tax_rate(
        &mut self,
        name: &str,
        percent: Decimal,
        agency: &str,
        now: Timestamp,
    ) -> String {
        let rate = json!({
            "Name": name, "Description": name, "Active": true, "RateValue": wire::quantity(percent),
            "AgencyRef": { "value": agency }, "SpecialTaxType": "NONE", "DisplayType": "ReadOnly",
        });
        self.store.insert(Kind::TaxRate, rate.as_object().cloned().unwrap_or_default(), now)
    }

    /// Stores a tax code over rate details.
    pub(crate) fn insert_tax_code(
        &mut self,
        name: &str,
        configured_by: &str,
        sales: &[Value],
        purchases: &[Value],
        now: Timestamp,
    ) -> String {
        let code = json!({
            "Name": name, "Description": name, "Active": true, "Hidden": false, "Taxable": true, "TaxGroup": true,
            "TaxCodeConfigType": configured_by,
            "SalesTaxRateList": { "TaxRateDetail": sales },
            "PurchaseTaxRateList": { "TaxRateDetail": purchases },
        });
        self.store.insert(Kind::TaxCode, code.as_object().cloned().unwrap_or_default(), now)
    }
}
