//! A small gardening business in the United Kingdom.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::company::{Company, kinds::Kind};

/// Name, percent, what the rate is charged on.
type CodeRate = (&'static str, u8, &'static str);

const CODES: &[(&str, &[CodeRate])] = &[
    ("20.0% S", &[("20% S", 20, "TaxOnAmount")]),
    ("5.0% R", &[("5% R", 5, "TaxOnAmount")]),
    ("0.0% Z", &[("0% Z", 0, "TaxOnAmount")]),
    ("Exempt", &[("Exempt", 0, "TaxOnAmount")]),
    ("Levy and VAT", &[("Levy 10%", 10, "TaxOnAmount"), ("20% on levied", 20, "TaxOnAmountPlusTax")]),
];

const CUSTOMERS: &[(&str, &str)] = &[
    ("Ashdown Manor", "Tunbridge Wells"),
    ("Briar & Bloom Florists", "York"),
    ("Catriona Muir", "Edinburgh"),
    ("Dovecote Nurseries", "York"),
    ("Eirlys Pritchard", "Cardiff"),
    ("Fenwick Parish Council", "Durham"),
];

/// Name, type, price.
const ITEMS: &[(&str, &str, &str)] = &[
    ("Services", "Service", "0"),
    ("Garden Design", "Service", "70"),
    ("Hedge Trimming", "Service", "38"),
    ("Lawn Mowing", "Service", "24.5"),
    ("Compost", "NonInventory", "7.95"),
    ("Paving Slab", "NonInventory", "12.6"),
];

impl Company {
    pub(super) fn plant_global(&mut self, now: Timestamp) {
        self.plant(Kind::Account, json!({ "Name": "Current Account", "AccountType": "Bank" }), now);
        let agency = self.plant(Kind::TaxAgency, json!({ "DisplayName": "Revenue and Customs" }), now);
        let codes: Vec<String> =
            CODES.iter().map(|(name, rates)| self.plant_code(name, rates, &agency, now)).collect();
        let standard = codes.first().cloned().unwrap_or_default();
        let income = self.account("Sales");
        for (name, kind, price) in ITEMS {
            let item = json!({
                "Name": name, "Type": kind, "UnitPrice": price, "IncomeAccountRef": { "value": income },
                "SalesTaxCodeRef": { "value": standard },
            });
            self.plant(Kind::Item, item, now);
        }
        for (name, city) in CUSTOMERS {
            let address = json!({ "Line1": "1 High Street", "City": city, "Country": "United Kingdom" });
            self.plant(Kind::Customer, json!({ "DisplayName": name, "BillAddr": address }), now);
        }
        self.plant(Kind::Vendor, json!({ "DisplayName": "Moorland Supplies" }), now);
        self.plant(Kind::Employee, json!({ "GivenName": "Rhona", "FamilyName": "Blake" }), now);
        let line = json!({
            "Amount": 140, "DetailType": "SalesItemLineDetail",
            "SalesItemLineDetail": {
                "ItemRef": { "value": self.seeded(Kind::Item, "Garden Design") }, "UnitPrice": 70, "Qty": 2,
                "TaxCodeRef": { "value": standard },
            },
        });
        let invoice = json!({
            "CustomerRef": { "value": self.seeded(Kind::Customer, "Ashdown Manor") },
            "GlobalTaxCalculation": "TaxExcluded", "Line": [line],
        });
        self.plant(Kind::Invoice, invoice, now);
    }

    fn plant_code(&mut self, name: &str, rates: &[CodeRate], agency: &str, now: Timestamp) -> String {
        let details = rates.iter().enumerate().map(|(order, (name, percent, base))| {
            let rate = self.insert_tax_rate(name, Decimal::from(*percent), agency, now);
            json!({
                "TaxRateRef": { "value": rate, "name": name }, "TaxTypeApplicable": base, "TaxOrder": order,
            })
        });
        let details: Vec<Value> = details.collect();
        self.insert_tax_code(name, "USER_DEFINED", &details, &[], now)
    }
}
