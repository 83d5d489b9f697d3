//! CompanyInfo and Preferences, and what the other rules read from them.

use serde_json::{Value, json};

use super::{
    Company,
    faults::Fault,
    kinds::Kind,
    store::Touch,
    wire::{Members, Object},
    writes::Draft,
};

/// What of Preferences the API can change; the rest is read-only. Intuit: Preferences.
const WRITABLE: &[(&str, &[&str])] = &[
    ("AccountingInfoPrefs", &["CustomerTerminology"]),
    ("ProductAndServicesPrefs", &["ForSales", "ForPurchase", "QuantityWithPriceAndRate", "QuantityOnHand"]),
    (
        "SalesFormsPrefs",
        &[
            "CustomTxnNumbers",
            "AllowDeposit",
            "AllowDiscount",
            "DefaultDiscountAccount",
            "AllowEstimates",
            "ETransactionAttachPDF",
            "AllowServiceDate",
            "AllowShipping",
            "DefaultTerms",
            "DefaultCustomerMessage",
            "EmailCopyToCompany",
            "SalesEmailCc",
            "SalesEmailBcc",
            "CustomField",
        ],
    ),
    ("EmailMessagesPrefs", &["InvoiceMessage", "EstimateMessage", "SalesReceiptMessage", "StatementMessage"]),
    ("VendorAndPurchasesPrefs", &["TrackingByCustomer", "BillableExpenseTracking", "POCustomField"]),
    (
        "TimeTrackingPrefs",
        &[
            "UseServices",
            "BillCustomers",
            "ShowBillRateToAll",
            "WorkWeekStartDate",
            "MarkTimeEntriesBillable",
        ],
    ),
    ("ReportPrefs", &["ReportBasis", "CalcAgingReportFromTxnDate"]),
];

/// ISO codes with Intuit's names.
const CURRENCIES: &[(&str, &str)] = &[
    ("AUD", "Australian Dollar"),
    ("CAD", "Canadian Dollar"),
    ("CHF", "Swiss Franc"),
    ("EUR", "Euro"),
    ("GBP", "British Pound Sterling"),
    ("INR", "Indian Rupee"),
    ("JPY", "Japanese Yen"),
    ("MXN", "Mexican Peso"),
    ("NZD", "New Zealand Dollar"),
    ("SGD", "Singapore Dollar"),
    ("USD", "United States Dollar"),
    ("ZAR", "South African Rand"),
];

/// `CurrencyRef` as it is returned.
pub(crate) fn currency_reference(code: &str) -> Value {
    let name = CURRENCIES.iter().find(|(known, _)| *known == code).map_or(code, |(_, name)| name);
    json!({ "value": code, "name": name })
}

impl Company {
    /// A group of Preferences.
    pub(crate) fn preference(&self, group: &str) -> Option<&Value> {
        self.store.get(Kind::Preferences, "1")?.get(group)
    }

    pub(crate) fn home_currency(&self) -> &str {
        self.preference("CurrencyPrefs").and_then(|prefs| prefs.reference("HomeCurrency")).unwrap_or("USD")
    }

    pub(crate) fn is_multicurrency(&self) -> bool {
        self.preference("CurrencyPrefs").is_some_and(|prefs| prefs.flag("MultiCurrencyEnabled"))
    }

    /// A currency that a new object may have.
    pub(crate) fn usable_currency(&self, code: &str) -> Result<String, Fault> {
        if !CURRENCIES.iter().any(|(known, _)| *known == code) {
            return Err(Fault::invalid_currency(code));
        }
        if code != self.home_currency() && !self.is_multicurrency() {
            return Err(Fault::business("Multicurrency is not turned on for this company"));
        }
        Ok(code.to_owned())
    }

    /// The custom fields of sales forms that are in use: definition id and name.
    pub(crate) fn custom_fields(&self) -> Vec<(String, String)> {
        let groups = self.preference("SalesFormsPrefs").map_or(&[][..], |prefs| prefs.list("CustomField"));
        let settings: Vec<&Value> = groups.iter().flat_map(|group| group.list("CustomField")).collect();
        let named =
            |name: String| settings.iter().find(move |setting| setting.text("Name") == Some(name.as_str()));
        (1..=3)
            .filter(|n| {
                named(format!("SalesFormsPrefs.UseSalesCustom{n}"))
                    .is_some_and(|setting| setting.flag("BooleanValue"))
            })
            .filter_map(|n| {
                let name = named(format!("SalesFormsPrefs.SalesCustomName{n}"))?.text("StringValue")?;
                Some((n.to_string(), name.to_owned()))
            })
            .collect()
    }

    /// Refuses a transaction dated in a closed period.
    pub(crate) fn refuse_if_closed(&self, transaction: &Object) -> Result<(), Fault> {
        let closed = self.preference("AccountingInfoPrefs").and_then(|prefs| prefs.text("BookCloseDate"));
        match (closed, transaction.text("TxnDate")) {
            (Some(closed), Some(date)) if date <= closed => {
                Err(Fault::books_closed(self.closed_with_password))
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn settle_company_info(mut draft: Draft<'_>) -> Object {
        for member in ["CompanyName", "CompanyAddr"] {
            if !draft.object.contains_key(member) {
                draft.keep(member);
            }
        }
        draft.object
    }

    /// Takes over what can be written, setting by setting; a setting of another type than before is refused.
    pub(crate) fn settle_preferences(&self, draft: &Draft<'_>) -> Result<Object, Fault> {
        let mut object = draft.previous.cloned().unwrap_or_default();
        for (group, settings) in WRITABLE {
            let Some(sent) = draft.sent.get(*group) else { continue };
            if !sent.is_object() {
                return Err(Fault::invalid_property(&format!("{group}\n")));
            }
            for setting in *settings {
                let Some(value) = sent.get(*setting) else { continue };
                let old = object.get(*group).and_then(|group| group.get(*setting));
                if old.is_some_and(|old| std::mem::discriminant(old) != std::mem::discriminant(value)) {
                    return Err(Fault::invalid_property(&format!("{group}.{setting}\n")));
                }
                object[*group][*setting] = value.clone();
            }
        }
        let terms = object.get("SalesFormsPrefs").and_then(|prefs| prefs.reference("DefaultTerms"));
        if let Some(term) = terms {
            self.refer(Kind::Term, term)?;
        }
        Ok(object)
    }

    /// Sets a setting as a person does in QuickBooks. `null` removes it.
    pub(crate) fn set_preference(&mut self, group: &str, setting: &str, value: Value, now: jiff::Timestamp) {
        let Some(mut object) = self.store.get(Kind::Preferences, "1").cloned() else { return };
        if let Some(group) = object.get_mut(group).and_then(Value::as_object_mut) {
            if value.is_null() {
                group.remove(setting);
            } else {
                group.insert(setting.to_owned(), value);
            }
        }
        if self.store.get(Kind::Preferences, "1") != Some(&object) {
            self.store.replace(Kind::Preferences, "1", object, Touch::Revise, now);
            self.changed(Kind::Preferences, "1", "Update", now);
        }
    }
}
