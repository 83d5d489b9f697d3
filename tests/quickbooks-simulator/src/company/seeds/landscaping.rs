//! A small landscaping business.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{days_ago, years_ago};
use crate::company::{Company, kinds::Kind};

/// Display name, given name, family name, street, city, state, ZIP, e-mail, and whether it is taxed.
const CUSTOMERS: &[&str] = &[
    "Amber Hill Nursery|Ruth|Okafor|12 Quarry Rd|Bayview|CA|94041|ruth@amberhill.example.com|taxed",
    "Barlow & Finch Architects|Tom|Barlow|88 Harbor St|Palo Verde|CA|94303|tom@barlowfinch.example.com|taxed",
    "Cedar Point Schools|Ines|Marsh|400 Learning Way|Bayview|CA|94043|facilities@cedarpoint.example.com|exempt",
    "Delgado's Diner|Luis|Delgado|9 Main St|Half Cove|CA|94019|luis@delgados.example.com|taxed",
    "Edith Lindqvist|Edith|Lindqvist|31 Fern Ct|Bayview|CA|94041|edith.l@example.com|taxed",
    "Foxglove Bed & Breakfast|Maya|Thorne|77 Cliff Dr|Half Cove|CA|94019|stay@foxglove.example.com|taxed",
    "Grant Iverson|Grant|Iverson|5 Olive Ave|Tucson|AZ|85719|grant.iverson@example.com|taxed",
    "Hollis O'Rourke|Hollis|O'Rourke|260 Birch Ln|Bayview|CA|94041|hollis@example.com|taxed",
    "Ironwood Golf Club|Petra|Novak|1 Fairway Loop|Tucson|AZ|85750|grounds@ironwood.example.com|taxed",
    "Jacaranda Homeowners|Sam|Whitlock|100 Jacaranda Pl|Tucson|AZ|85718|board@jacaranda.example.com|taxed",
    "Kestrel Logistics|Dana|Reyes|640 Depot Rd|Stockwell|CA|95202|dana@kestrel.example.com|taxed",
    "Larkspur Clinic|Noor|Haddad|18 Wellness Blvd|Palo Verde|CA|94303|office@larkspur.example.com|exempt",
    "Mendel Brothers Winery|Jonas|Mendel|2300 Vine Rd|Sonora Hills|CA|95476|cellar@mendel.example.com|taxed",
    "Nettle Creek Library|Ada|Brandt|6 Reading Sq|Bayview|CA|94041|ada@nettlecreek.example.com|exempt",
    "Olive & Oak Catering|Priya|Raman|52 Market St|Palo Verde|CA|94301|hello@oliveoak.example.com|taxed",
    "Pemberton Estate|Clive|Pemberton|1 Manor Dr|Hillsborough|CA|94010|clive@pemberton.example.com|taxed",
    "Quillen Dental|Bea|Quillen|14 Bay Plaza|Bayview|CA|94041|bea@quillen.example.com|taxed",
    "Rosa Beltrán|Rosa|Beltrán|93 Poppy St|Half Cove|CA|94019|rosa.beltran@example.com|taxed",
    "Stonebridge Apartments|Wes|Tanaka|700 River Walk|Stockwell|CA|95203|wes@stonebridge.example.com|taxed",
    "Tamarind Foods|Gita|Lal|29 Mill Rd|Palo Verde|CA|94303|gita@tamarind.example.com|taxed",
];

/// Parent, display name, given name, family name, whether its bills go to the parent.
const SUB_CUSTOMERS: &[(&str, &str, &str, &str, bool)] = &[
    ("Pemberton Estate", "North Garden", "Clive", "Pemberton", true),
    ("Pemberton Estate", "Rose Walk", "Clive", "Pemberton", false),
    ("Stonebridge Apartments", "Building A", "Wes", "Tanaka", false),
    ("Stonebridge Apartments", "Building B", "Wes", "Tanaka", false),
    ("Cedar Point Schools", "Lower School", "Ines", "Marsh", false),
];

/// Name, description, price, taxable.
const SERVICES: &[(&str, &str, &str, bool)] = &[
    ("Services", "", "0", false),
    ("Hours", "", "0", false),
    ("Garden Design", "Custom garden design", "85", false),
    ("Planting", "Planting, by the hour", "45", false),
    ("Lawn Care", "Weekly lawn care", "35", false),
    ("Pruning", "Tree and hedge pruning", "52.5", false),
    ("Pest Treatment", "Pest treatment", "40", false),
    ("Irrigation Check", "Irrigation check-up", "65", false),
];

/// Name, description, price, cost, quantity on hand.
const STOCK: &[(&str, &str, &str, &str, u16)] = &[
    ("Stone Fountain", "Carved stone fountain", "310", "140", 6),
    ("Pond Pump", "Submersible pump", "18.75", "9.5", 30),
    ("Drip Hose", "Drip hose, 15 m", "24", "11.25", 40),
    ("Sprinkler Head", "Pop-up sprinkler head", "3.5", "1.4", 120),
];

/// Name, description, price.
const GOODS: &[(&str, &str, &str)] = &[
    ("Topsoil", "Topsoil, 50 l bag", "11"),
    ("Bark Mulch", "Bark mulch, 80 l bag", "9.25"),
    ("Turf", "Turf, per m²", "6.4"),
];

impl Company {
    /// With manual sales tax: a code of one rate, which is the default, and one of two rates.
    pub(super) fn plant_landscaping(&mut self, now: Timestamp) {
        let coast = self.plant(Kind::TaxAgency, json!({ "DisplayName": "Coast Revenue Office" }), now);
        let desert = self.plant(Kind::TaxAgency, json!({ "DisplayName": "Desert Revenue Office" }), now);
        let single = self.insert_tax_rate("Bayview", Decimal::from(8), &coast, now);
        let state = self.insert_tax_rate("Desert State", Decimal::new(56, 1), &desert, now);
        let city = self.insert_tax_rate("Tucson City", Decimal::new(26, 1), &desert, now);
        let default =
            self.insert_tax_code("Bayview", "USER_DEFINED", &[on_amount(&single, "Bayview")], &[], now);
        let both = [on_amount(&state, "Desert State"), on_amount(&city, "Tucson City")];
        self.insert_tax_code("Tucson", "USER_DEFINED", &both, &[], now);
        self.set_preference("TaxPrefs", "TaxGroupCodeRef", json!({ "value": default }), now);
        self.plant_business(now);
        self.plant_sales(&default, now);
    }

    /// With automated sales tax in four states.
    pub(super) fn plant_automated_landscaping(&mut self, now: Timestamp) {
        let percent = |hundredths: i64| Decimal::new(hundredths, 2);
        self.add_tax_area("CA", "", &[("California State", percent(725))], now);
        self.add_tax_area(
            "CA",
            "940",
            &[("California State 940", percent(725)), ("Bay District", percent(188))],
            now,
        );
        let tucson =
            [("Arizona State", percent(560)), ("Pima County", percent(50)), ("Tucson City", percent(260))];
        self.add_tax_area("AZ", "857", &tucson, now);
        self.add_tax_area(
            "NY",
            "",
            &[("New York State", percent(400)), ("New York Local", percent(450))],
            now,
        );
        self.add_tax_area("TX", "", &[("Texas State", percent(625))], now);
        self.plant_business(now);
        self.plant_sales("TAX", now);
    }

    fn plant_business(&mut self, now: Timestamp) {
        let accounts = [
            ("Checking", "Bank", "Checking"),
            ("Savings", "Bank", "Savings"),
            ("Landscaping Services", "Income", "SalesOfProductIncome"),
            ("Design Income", "Income", "ServiceFeeIncome"),
            ("Plants and Soil", "Income", "SalesOfProductIncome"),
            ("Job Materials", "Cost of Goods Sold", "SuppliesMaterialsCogs"),
            ("Fuel", "Expense", "Auto"),
            ("Office Supplies", "Expense", "OfficeGeneralAdministrativeExpenses"),
            ("Truck", "Fixed Asset", "Vehicles"),
            ("Business Card", "Credit Card", "CreditCard"),
        ];
        for (name, kind, subtype) in accounts {
            let account = json!({ "Name": name, "AccountType": kind, "AccountSubType": subtype });
            self.plant(Kind::Account, account, now);
        }
        self.plant_items(now);
        self.plant_customers(years_ago(now));
        self.plant(
            Kind::Vendor,
            json!({ "DisplayName": "Greenfield Wholesale", "CompanyName": "Greenfield Wholesale" }),
            now,
        );
        self.plant(Kind::Employee, json!({ "GivenName": "Orla", "FamilyName": "Vance" }), now);
    }

    fn plant_items(&mut self, now: Timestamp) {
        let reference = |company: &Self, name: &str| json!({ "value": company.account(name) });
        let services = reference(self, "Landscaping Services");
        let products = reference(self, "Sales of Product Income");
        for (name, description, price, taxable) in SERVICES {
            let item = json!({
                "Name": name, "Description": description, "Type": "Service", "UnitPrice": price, "Taxable": taxable,
                "IncomeAccountRef": services,
            });
            self.plant(Kind::Item, item, now);
        }
        let cost = reference(self, "Cost of Goods Sold");
        let asset = reference(self, "Inventory Asset");
        for (name, description, price, bought_at, on_hand) in STOCK {
            let item = json!({
                "Name": name, "Description": description, "Type": "Inventory", "UnitPrice": price,
                "PurchaseCost": bought_at, "Taxable": true, "TrackQtyOnHand": true, "QtyOnHand": on_hand,
                "InvStartDate": days_ago(365, now), "IncomeAccountRef": products, "ExpenseAccountRef": cost,
                "AssetAccountRef": asset,
            });
            self.plant(Kind::Item, item, now);
        }
        let category = self.plant(Kind::Item, json!({ "Name": "Soil and Turf", "Type": "Category" }), now);
        let plants = reference(self, "Plants and Soil");
        for (name, description, price) in GOODS {
            let item = json!({
                "Name": name, "Description": description, "Type": "NonInventory", "UnitPrice": price, "Taxable": true,
                "IncomeAccountRef": plants, "SubItem": true, "ParentRef": { "value": category },
            });
            self.plant(Kind::Item, item, now);
        }
        self.plant_bundle(now);
    }

    /// A bundle, which the API cannot create.
    fn plant_bundle(&mut self, now: Timestamp) {
        let component = |name: &str, kind: &str, quantity: u8| {
            let id = self.item(name);
            json!({ "ItemRef": { "value": id, "name": name, "type": kind }, "Qty": quantity })
        };
        let lines = [
            component("Stone Fountain", "Inventory", 1),
            component("Pond Pump", "Inventory", 1),
            component("Planting", "Service", 3),
        ];
        let bundle = json!({
            "Name": "Fountain Corner", "FullyQualifiedName": "Fountain Corner", "Active": true, "Type": "Group",
            "UnitPrice": 0, "PurchaseCost": 0, "Taxable": false, "TrackQtyOnHand": false, "PrintGroupedItems": true,
            "ItemGroupDetail": { "ItemGroupLine": lines },
        });
        self.plant_as_it_is(Kind::Item, &bundle, now);
    }

    fn plant_customers(&mut self, now: Timestamp) {
        for row in CUSTOMERS {
            let fields: Vec<&str> = row.split('|').collect();
            let [name, given, family, street, city, state, zip, email, taxed] = fields[..] else { continue };
            let address =
                json!({ "Line1": street, "City": city, "CountrySubDivisionCode": state, "PostalCode": zip });
            let customer = json!({
                "DisplayName": name, "GivenName": given, "FamilyName": family, "Taxable": taxed == "taxed",
                "BillAddr": address, "ShipAddr": address, "PrimaryEmailAddr": { "Address": email },
            });
            self.plant(Kind::Customer, customer, now);
        }
        for (parent, name, given, family, bills_with_parent) in SUB_CUSTOMERS {
            let customer = json!({
                "DisplayName": name, "GivenName": given, "FamilyName": family, "Job": true,
                "ParentRef": { "value": self.customer(parent) }, "BillWithParent": bills_with_parent,
            });
            self.plant(Kind::Customer, customer, now);
        }
    }

    fn plant_sales(&mut self, tax_code: &str, now: Timestamp) {
        let invoices = [
            (
                "Amber Hill Nursery",
                50,
                vec![("Garden Design", "85", "6", "NON"), ("Topsoil", "11", "20", "TAX")],
            ),
            ("Hollis O'Rourke", 40, vec![("Lawn Care", "35", "4", "NON")]),
            (
                "Grant Iverson",
                21,
                vec![("Stone Fountain", "310", "1", "TAX"), ("Planting", "45", "3", "NON")],
            ),
            ("Rose Walk", 12, vec![("Pruning", "52.5", "2.5", "NON")]),
            ("Delgado's Diner", 5, vec![("Pond Pump", "18.75", "2", "TAX"), ("Drip Hose", "24", "3", "TAX")]),
        ];
        for (customer, days, lines) in invoices {
            let lines: Vec<Value> = lines.into_iter().map(|line| self.sales_line(line)).collect();
            let invoice = json!({
                "CustomerRef": { "value": self.customer(customer) }, "TxnDate": days_ago(days, now), "Line": lines,
                "TxnTaxDetail": { "TxnTaxCodeRef": { "value": tax_code } },
            });
            self.plant(Kind::Invoice, invoice, now);
        }
        let payment = |company: &Self, customer: &str, amount: &str, line: Value| {
            json!({
                "CustomerRef": { "value": company.customer(customer) }, "TotalAmt": amount,
                "TxnDate": days_ago(3, now), "Line": line,
            })
        };
        let lawn_care = json!([{ "Amount": "140", "LinkedTxn": [{ "TxnId": "2", "TxnType": "Invoice" }] }]);
        let paid = payment(self, "Hollis O'Rourke", "140", lawn_care);
        let partly = json!([{ "Amount": "200", "LinkedTxn": [{ "TxnId": "1", "TxnType": "Invoice" }] }]);
        let partly = payment(self, "Amber Hill Nursery", "200", partly);
        let ahead = payment(self, "Pemberton Estate", "75", json!([]));
        for body in [paid, partly, ahead] {
            self.plant(Kind::Payment, body, now);
        }
    }

    fn sales_line(&self, (name, price, quantity, code): (&str, &str, &str, &str)) -> Value {
        let amount: Decimal =
            [price, quantity].iter().filter_map(|text| text.parse::<Decimal>().ok()).product();
        json!({
            "Amount": amount.to_string(), "DetailType": "SalesItemLineDetail",
            "SalesItemLineDetail": {
                "ItemRef": { "value": self.item(name) }, "UnitPrice": price, "Qty": quantity,
                "TaxCodeRef": { "value": code },
            },
        })
    }

    fn item(&self, name: &str) -> String {
        self.seeded(Kind::Item, name)
    }

    fn customer(&self, name: &str) -> String {
        self.seeded(Kind::Customer, name)
    }

    /// The id of an object of the seed.
    pub(super) fn seeded(&self, kind: Kind, name: &str) -> String {
        let id = self.store.table(kind).and_then(|table| table.ids_by_own_name(name).next());
        id.map(|id| id.to_string()).unwrap_or_default()
    }
}

fn on_amount(rate: &str, name: &str) -> Value {
    json!({ "TaxRateRef": { "value": rate, "name": name }, "TaxTypeApplicable": "TaxOnAmount", "TaxOrder": 0 })
}
