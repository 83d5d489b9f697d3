//! Small values that several entities share.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

/// A reference to another object. Intuit reads only `value`; `name` is there for people.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ref {
    /// The id of the object, an ISO 4217 code in a currency reference, `TAX` or `NON` in a US tax code reference.
    pub value: Option<String>,
    /// The object's name at the time of reading.
    pub name: Option<String>,
}

impl Ref {
    /// A reference by id, as a write needs it.
    pub fn to(id: impl Into<String>) -> Self {
        Self { value: Some(id.into()), name: None }
    }

    /// The id, or an empty string if there is none.
    pub fn id(&self) -> &str {
        self.value.as_deref().unwrap_or_default()
    }
}

/// When an object was made and last touched. Set by QuickBooks; in a US Pacific offset whatever the company.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct MetaData {
    /// ISO 8601 with an offset.
    pub create_time: Option<String>,
    /// ISO 8601 with an offset. A customer's moves with its balance although its SyncToken does not.
    pub last_updated_time: Option<String>,
}

/// A postal address. Lines hold up to 500 characters each.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct PhysicalAddress {
    /// Set by QuickBooks; an edited address may get a new one.
    pub id: Option<String>,
    /// First line.
    pub line1: Option<String>,
    /// Second line.
    pub line2: Option<String>,
    /// Third line.
    pub line3: Option<String>,
    /// Fourth line.
    pub line4: Option<String>,
    /// Fifth line.
    pub line5: Option<String>,
    /// City, up to 255 characters.
    pub city: Option<String>,
    /// Alpha-3 code or full name, up to 255 characters.
    pub country: Option<String>,
    /// State, province or region, up to 255 characters.
    pub country_sub_division_code: Option<String>,
    /// Postal code, up to 30 characters.
    pub postal_code: Option<String>,
}

/// An e-mail address, up to 100 characters.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct EmailAddress {
    /// The address; several may stand in one, with commas.
    pub address: Option<String>,
}

/// A telephone number, up to 30 characters.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct TelephoneNumber {
    /// The number as a person wrote it.
    pub free_form_number: Option<String>,
}

/// A web address, up to 1000 characters.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WebAddress {
    /// The address.
    #[serde(rename = "URI")]
    pub uri: Option<String>,
}

/// A message to the customer, up to 1000 characters.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MemoRef {
    /// The text.
    pub value: Option<String>,
}

/// A link from one transaction to another.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct LinkedTxn {
    /// The id of the other transaction.
    pub txn_id: Option<String>,
    /// Its kind: `Invoice`, `CreditMemo`, `Payment`, `Estimate` and others.
    pub txn_type: Option<String>,
    /// A line of the other transaction, where the link is to a line.
    pub txn_line_id: Option<String>,
}
