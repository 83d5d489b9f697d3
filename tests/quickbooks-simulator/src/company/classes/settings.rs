//! The company's own objects.

use super::{
    ADDRESS, Class, EMAIL, PHONE,
    Shape::{Anything, One, Text},
    WEB_SITE, entity, member, read_only,
};

pub(crate) static COMPANY_INFO: Class = entity!(
    "CompanyInfo",
    member("CompanyName", Text(1024)),
    member("LegalName", Text(1024)),
    member("CompanyAddr", One(&ADDRESS)),
    member("LegalAddr", One(&ADDRESS)),
    member("CustomerCommunicationAddr", One(&ADDRESS)),
    member("CustomerCommunicationEmailAddr", One(&EMAIL)),
    member("Email", One(&EMAIL)),
    member("PrimaryPhone", One(&PHONE)),
    member("WebAddr", One(&WEB_SITE)),
    read_only("Country"),
    read_only("CompanyStartDate"),
    read_only("FiscalYearStartMonth"),
    read_only("DefaultTimeZone"),
    read_only("EmployerId"),
    read_only("SupportedLanguages"),
    read_only("NameValue"),
);

/// Preferences are groups of settings; which of them can be written is decided setting by setting.
pub(crate) static PREFERENCES: Class = entity!(
    "Preferences",
    member("AccountingInfoPrefs", Anything),
    member("ProductAndServicesPrefs", Anything),
    member("SalesFormsPrefs", Anything),
    member("EmailMessagesPrefs", Anything),
    member("VendorAndPurchasesPrefs", Anything),
    member("TimeTrackingPrefs", Anything),
    member("TaxPrefs", Anything),
    member("CurrencyPrefs", Anything),
    member("ReportPrefs", Anything),
    member("OtherPrefs", Anything),
);
