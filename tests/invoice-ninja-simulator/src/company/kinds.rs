//! The kinds of record: their names in paths and errors, and the fields that clients may write.

use serde::{Deserialize, Serialize};

use super::record::{Field, Type};

/// A kind of record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Somebody who is billed.
    Client,
    /// Something sold.
    Product,
    /// A bill.
    Invoice,
    /// Money received.
    Payment,
    /// A tax to choose from; invoices copy its name and rate.
    TaxRate,
    /// Clients with settings in common.
    GroupSetting,
    /// A subscription to one event.
    Webhook,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 7] = [
        Self::Client,
        Self::Product,
        Self::Invoice,
        Self::Payment,
        Self::TaxRate,
        Self::GroupSetting,
        Self::Webhook,
    ];

    /// As in paths: `clients`.
    #[must_use]
    pub fn path(self) -> &'static str {
        match self {
            Self::Client => "clients",
            Self::Product => "products",
            Self::Invoice => "invoices",
            Self::Payment => "payments",
            Self::TaxRate => "tax_rates",
            Self::GroupSetting => "group_settings",
            Self::Webhook => "webhooks",
        }
    }

    /// The kind of a path's first part.
    pub(crate) fn in_path(segment: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.path() == segment)
    }

    /// As in errors: `Client`.
    pub(crate) fn model(self) -> &'static str {
        match self {
            Self::Client => "Client",
            Self::Product => "Product",
            Self::Invoice => "Invoice",
            Self::Payment => "Payment",
            Self::TaxRate => "TaxRate",
            Self::GroupSetting => "GroupSetting",
            Self::Webhook => "Webhook",
        }
    }

    /// The fields that clients may write.
    pub(crate) fn fields(self) -> Vec<Field> {
        match self {
            Self::Client => [CLIENT, CUSTOM].concat(),
            Self::Product => [PRODUCT, TAXES, CUSTOM].concat(),
            Self::Invoice => [INVOICE, TAXES, CUSTOM].concat(),
            Self::Payment => [PAYMENT, CUSTOM].concat(),
            Self::TaxRate => TAX_RATE.to_vec(),
            Self::GroupSetting => GROUP_SETTING.to_vec(),
            Self::Webhook => WEBHOOK.to_vec(),
        }
    }

    /// The relations that `include` may name.
    pub(crate) fn includes(self) -> &'static [&'static str] {
        match self {
            Self::Client => {
                &["activities", "documents", "gateway_tokens", "group_settings", "ledger", "system_logs"]
            }
            Self::Product => &["company", "documents", "user"],
            Self::Invoice => &["activities", "client", "documents", "payments"],
            Self::Payment => &["client", "credits", "documents", "invoices", "type"],
            Self::TaxRate | Self::GroupSetting | Self::Webhook => &[],
        }
    }

    /// Whether free text search (`filter`) looks at a column.
    pub(crate) fn searches(self, column: &str) -> bool {
        let own: &[&str] = match self {
            Self::Client => &["name", "number", "id_number"],
            Self::Product => &["product_key", "notes"],
            Self::Invoice => &["number", "po_number", "date"],
            Self::Payment => &["number", "date", "transaction_reference"],
            Self::TaxRate | Self::GroupSetting => &["name"],
            Self::Webhook => &["target_url"],
        };
        let has_custom = matches!(self, Self::Client | Self::Product | Self::Invoice | Self::Payment);
        own.contains(&column) || (has_custom && CUSTOM.iter().any(|(name, _)| *name == column))
    }

    /// The ids of the webhook events for this kind. None for kinds without events.
    pub(crate) fn events(self) -> Option<EventIds> {
        let ids =
            |create, update, delete, restore, archive| EventIds { create, update, delete, restore, archive };
        match self {
            Self::Client => Some(ids(1, 10, 11, 45, 37)),
            Self::Invoice => Some(ids(2, 8, 9, 41, 33)),
            Self::Payment => Some(ids(4, 31, 12, 40, 32)),
            Self::Product => Some(ids(50, 51, 52, 53, 54)),
            Self::TaxRate | Self::GroupSetting | Self::Webhook => None,
        }
    }
}

/// Invoice Ninja's numbers of events.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EventIds {
    pub(crate) create: u32,
    pub(crate) update: u32,
    pub(crate) delete: u32,
    pub(crate) restore: u32,
    pub(crate) archive: u32,
}

/// The event "an invoice was sent".
pub(crate) const INVOICE_SENT: u32 = 60;

/// The highest number of an event.
pub(crate) const LAST_EVENT: u32 = 65;

/// A company's own fields, which most records have.
const CUSTOM: &[Field] = &[
    ("custom_value1", Type::Text),
    ("custom_value2", Type::Text),
    ("custom_value3", Type::Text),
    ("custom_value4", Type::Text),
];

const TAXES: &[Field] = &[
    ("tax_name1", Type::Text),
    ("tax_rate1", Type::Money),
    ("tax_name2", Type::Text),
    ("tax_rate2", Type::Money),
    ("tax_name3", Type::Text),
    ("tax_rate3", Type::Money),
];

/// Those of a client's contact.
pub(crate) fn contact() -> Vec<Field> {
    [CONTACT, CUSTOM].concat()
}

/// Those of an invoice's line.
pub(crate) fn line() -> Vec<Field> {
    [LINE, TAXES, CUSTOM].concat()
}

const CLIENT: &[Field] = &[
    ("assigned_user_id", Type::Id),
    ("name", Type::Text),
    ("website", Type::Text),
    ("private_notes", Type::Text),
    ("public_notes", Type::Text),
    ("group_settings_id", Type::Id),
    ("size_id", Type::Static),
    ("industry_id", Type::Static),
    ("address1", Type::Text),
    ("address2", Type::Text),
    ("phone", Type::Text),
    ("city", Type::Text),
    ("state", Type::Text),
    ("postal_code", Type::Text),
    ("country_id", Type::Static),
    ("shipping_address1", Type::Text),
    ("shipping_address2", Type::Text),
    ("shipping_city", Type::Text),
    ("shipping_state", Type::Text),
    ("shipping_postal_code", Type::Text),
    ("shipping_country_id", Type::Static),
    ("settings", Type::Object),
    ("vat_number", Type::Text),
    ("id_number", Type::Text),
    ("number", Type::Text),
    ("is_tax_exempt", Type::Flag),
    ("has_valid_vat_number", Type::Flag),
    ("routing_id", Type::Text),
    ("tax_info", Type::Object),
    ("e_invoice", Type::Object),
    ("classification", Type::Text),
];

const CONTACT: &[Field] = &[
    ("first_name", Type::Text),
    ("last_name", Type::Text),
    ("email", Type::Text),
    ("phone", Type::Text),
    ("is_primary", Type::Flag),
    ("send_email", Type::Flag),
];

const PRODUCT: &[Field] = &[
    ("assigned_user_id", Type::Id),
    ("product_key", Type::Text),
    ("notes", Type::Text),
    ("cost", Type::Money),
    ("price", Type::Money),
    ("quantity", Type::Money),
    ("in_stock_quantity", Type::Money),
    ("stock_notification", Type::Flag),
    ("stock_notification_threshold", Type::Money),
    ("max_quantity", Type::Money),
    ("product_image", Type::Text),
    ("tax_id", Type::Static),
    ("income_account_id", Type::Text),
];

/// `custom_surcharge_tax1..4` are the company's to set, totals are computed, and the client of an existing invoice
/// stays: none of these are here.
const INVOICE: &[Field] = &[
    ("assigned_user_id", Type::Id),
    ("vendor_id", Type::Id),
    ("project_id", Type::Id),
    ("design_id", Type::Id),
    ("number", Type::Text),
    ("po_number", Type::Text),
    ("date", Type::Date),
    ("due_date", Type::Date),
    ("discount", Type::Money),
    ("is_amount_discount", Type::Flag),
    ("uses_inclusive_taxes", Type::Flag),
    ("terms", Type::Text),
    ("public_notes", Type::Text),
    ("private_notes", Type::Text),
    ("footer", Type::Text),
    ("partial", Type::Money),
    ("partial_due_date", Type::Date),
    ("exchange_rate", Type::Money),
    ("custom_surcharge1", Type::Money),
    ("custom_surcharge2", Type::Money),
    ("custom_surcharge3", Type::Money),
    ("custom_surcharge4", Type::Money),
];

const LINE: &[Field] = &[
    ("quantity", Type::Money),
    ("cost", Type::Money),
    ("product_key", Type::Text),
    ("product_cost", Type::Money),
    ("notes", Type::Text),
    ("discount", Type::Money),
    ("is_amount_discount", Type::Flag),
    ("sort_id", Type::Text),
    ("line_total", Type::Money),
    ("gross_line_total", Type::Money),
    ("tax_amount", Type::Money),
    ("date", Type::Date),
    ("type_id", Type::Static),
    ("tax_id", Type::Static),
    ("task_id", Type::Text),
    ("expense_id", Type::Text),
    ("unit_code", Type::Text),
];

/// The amount is written once, when the payment is made, and is not here.
const PAYMENT: &[Field] = &[
    ("assigned_user_id", Type::Id),
    ("type_id", Type::Static),
    ("number", Type::Text),
    ("date", Type::Date),
    ("transaction_reference", Type::Text),
    ("private_notes", Type::Text),
    ("exchange_rate", Type::Money),
    ("exchange_currency_id", Type::Static),
];

const TAX_RATE: &[Field] = &[("name", Type::Text), ("rate", Type::Money)];

const GROUP_SETTING: &[Field] = &[("name", Type::Text), ("settings", Type::Object)];

const WEBHOOK: &[Field] = &[
    ("target_url", Type::Text),
    ("event_id", Type::Static),
    ("format", Type::Text),
    ("rest_method", Type::Text),
    ("headers", Type::Object),
];
