//! What Intuit creates in every new company: settings, accounts, terms, payment methods.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::company::{Company, Seed, kinds::Kind};

/// Name, type and subtype.
const ACCOUNTS: &[(&str, &str, &str)] = &[
    ("Sales", "Income", "SalesOfProductIncome"),
    ("Sales of Product Income", "Income", "SalesOfProductIncome"),
    ("Services", "Income", "ServiceFeeIncome"),
    ("Undeposited Funds", "Other Current Asset", "UndepositedFunds"),
    ("Accounts Receivable (A/R)", "Accounts Receivable", "AccountsReceivable"),
    ("Accounts Payable (A/P)", "Accounts Payable", "AccountsPayable"),
    ("Inventory Asset", "Other Current Asset", "Inventory"),
    ("Cost of Goods Sold", "Cost of Goods Sold", "SuppliesMaterialsCogs"),
    ("Discounts given", "Income", "DiscountsRefundsGiven"),
    ("Uncategorized Income", "Income", "ServiceFeeIncome"),
    ("Uncategorized Expense", "Expense", "OtherMiscellaneousServiceCost"),
    ("Uncategorized Asset", "Other Current Asset", "OtherCurrentAssets"),
    ("Opening Balance Equity", "Equity", "OpeningBalanceEquity"),
    ("Retained Earnings", "Equity", "RetainedEarnings"),
    ("Billable Expense Income", "Income", "ServiceFeeIncome"),
    ("Shipping Income", "Income", "OtherPrimaryIncome"),
];

const TERMS: &[(&str, u16)] = &[("Due on receipt", 0), ("Net 15", 15), ("Net 30", 30), ("Net 60", 60)];

const PAYMENT_METHODS: &[(&str, &str)] = &[
    ("Cash", "NON_CREDIT_CARD"),
    ("Check", "NON_CREDIT_CARD"),
    ("Visa", "CREDIT_CARD"),
    ("MasterCard", "CREDIT_CARD"),
    ("Discover", "CREDIT_CARD"),
    ("American Express", "CREDIT_CARD"),
    ("Diners Club", "CREDIT_CARD"),
];

impl Company {
    pub(super) fn plant_defaults(&mut self, seed: Seed, now: Timestamp) {
        self.plant_as_it_is(Kind::CompanyInfo, &company_info(seed, now), now);
        self.plant_as_it_is(Kind::Preferences, &preferences(seed), now);
        for (name, kind, subtype) in ACCOUNTS {
            let account = json!({ "Name": name, "AccountType": kind, "AccountSubType": subtype });
            self.plant(Kind::Account, account, now);
        }
        for (name, days) in TERMS {
            self.plant(Kind::Term, json!({ "Name": name, "DueDays": days, "DiscountDays": 0 }), now);
        }
        for (name, kind) in PAYMENT_METHODS {
            self.plant(Kind::PaymentMethod, json!({ "Name": name, "Type": kind }), now);
        }
        let discounts = self.account("Discounts given");
        self.set_preference("SalesFormsPrefs", "DefaultDiscountAccount", discounts.into(), now);
    }

    /// The id of an account of the seed.
    pub(super) fn account(&self, name: &str) -> String {
        let ids = self.store.table(Kind::Account).and_then(|table| table.ids_by_own_name(name).next());
        ids.map(|id| id.to_string()).unwrap_or_default()
    }
}

fn company_info(seed: Seed, now: Timestamp) -> Value {
    let (name, country) = match seed {
        Seed::Landscaping => ("Juniper & Slate Landscapes", "US"),
        Seed::AutomatedSalesTax => ("Juniper & Slate Landscapes West", "US"),
        Seed::Global => ("Heather & Stone Gardens Ltd", "GB"),
        Seed::Empty => ("Unnamed Company", "US"),
    };
    let address = if country == "US" {
        json!({
            "Line1": "418 Alder Row", "City": "Bayview", "CountrySubDivisionCode": "CA", "PostalCode": "94041",
            "Country": "USA",
        })
    } else {
        json!({ "Line1": "7 Millrace Lane", "City": "York", "PostalCode": "YO1 7AB", "Country": "GBR" })
    };
    let pair = |name: &str, value: &str| json!({ "Name": name, "Value": value });
    json!({
        "CompanyName": name, "LegalName": name, "Country": country,
        "CompanyAddr": address, "LegalAddr": address,
        "CustomerCommunicationAddr": address,
        "Email": { "Address": "office@example.com" },
        "PrimaryPhone": { "FreeFormNumber": "(650) 555-0142" }, "WebAddr": {},
        "CompanyStartDate": super::days_ago(400, now), "FiscalYearStartMonth": "January",
        "DefaultTimeZone": "America/Los_Angeles", "SupportedLanguages": "en",
        "NameValue": [
            pair("NeoEnabled", "true"), pair("IndustryType", "Landscaping Services"),
            pair("SubscriptionStatus", "PAID"), pair("OfferingSku", "QuickBooks Online Plus"),
            pair("ItemCategoriesFeature", "true"), pair("PayrollFeature", "false"),
        ],
    })
}

fn preferences(seed: Seed) -> Value {
    let has_business = seed != Seed::Empty;
    let taxes = match seed {
        Seed::Landscaping | Seed::Global => json!({ "UsingSalesTax": true }),
        Seed::AutomatedSalesTax => json!({ "UsingSalesTax": true, "PartnerTaxEnabled": true }),
        Seed::Empty => json!({ "UsingSalesTax": false, "PartnerTaxEnabled": false }),
    };
    let currency = if seed == Seed::Global { "GBP" } else { "USD" };
    let custom = |n: u8, on: bool| json!({ "Name": format!("SalesFormsPrefs.UseSalesCustom{n}"), "Type": "BooleanType", "BooleanValue": on });
    let crew =
        json!({ "Name": "SalesFormsPrefs.SalesCustomName1", "Type": "StringType", "StringValue": "Crew" });
    let pair = |name: &str, value: &str| json!({ "Name": name, "Value": value });
    json!({
        "AccountingInfoPrefs": {
            "FirstMonthOfFiscalYear": "January", "UseAccountNumbers": false, "TrackDepartments": false,
            "ClassTrackingPerTxn": false, "ClassTrackingPerTxnLine": false, "CustomerTerminology": "Customers",
        },
        "ProductAndServicesPrefs": {
            "ForSales": true, "ForPurchase": true, "QuantityWithPriceAndRate": true, "QuantityOnHand": true,
        },
        "SalesFormsPrefs": {
            "CustomField": [
                { "CustomField": [custom(1, has_business), custom(2, false), custom(3, false)] },
                { "CustomField": [crew] },
            ],
            "CustomTxnNumbers": false, "AllowDeposit": has_business, "AllowDiscount": true,
            "AllowShipping": has_business, "AllowServiceDate": true, "AllowEstimates": true,
            "AutoApplyCredit": false, "ETransactionEnabledStatus": "NotApplicable",
            "ETransactionAttachPDF": false, "ETransactionPaymentEnabled": false, "IPNSupportEnabled": false,
            "UsingPriceLevels": false, "UsingProgressInvoicing": false, "DefaultTerms": { "value": "3" },
            "DefaultCustomerMessage": "Thank you for your business.",
        },
        "EmailMessagesPrefs": {
            "InvoiceMessage": { "Subject": "Your invoice", "Message": "Please find your invoice attached." },
        },
        "VendorAndPurchasesPrefs": { "TrackingByCustomer": true, "BillableExpenseTracking": true },
        "TimeTrackingPrefs": {
            "UseServices": true, "BillCustomers": true, "ShowBillRateToAll": false, "WorkWeekStartDate": "Monday",
            "MarkTimeEntriesBillable": true,
        },
        "TaxPrefs": taxes,
        "CurrencyPrefs": { "MultiCurrencyEnabled": false, "HomeCurrency": { "value": currency } },
        "ReportPrefs": { "ReportBasis": "Accrual", "CalcAgingReportFromTxnDate": false },
        "OtherPrefs": {
            "NameValue": [
                pair("SalesFormsPrefs.DefaultCustomerMessage", "Thank you for your business."),
                pair("SalesFormsPrefs.DefaultItem", "1"), pair("DTXCopyMemo", "true"),
                pair("UncategorizedIncomeAccountId", "10"), pair("UncategorizedExpenseAccountId", "11"),
                pair("UncategorizedAssetAccountId", "12"), pair("SFCEnabled", "true"),
            ],
        },
    })
}
