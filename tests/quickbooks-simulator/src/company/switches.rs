//! What Intuit leaves undocumented, or what reports disagree on. The defaults are the strict reading.

use serde::{Deserialize, Serialize};

/// What change data capture does with a `changedSince` more than 30 days back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum BeyondWindow {
    /// A validation fault.
    #[default]
    Refuse,
    /// Only the last 30 days, without a word.
    Clamp,
    /// Everything, as a sandbox was once recorded to do.
    Serve,
}

/// The order in which the items of a batch are executed and answered; Intuit promises none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum BatchOrder {
    /// As sent.
    #[default]
    AsSent,
    /// The last first.
    Reversed,
}

/// Doubtful behaviours by name. Unknown members are refused, missing ones keep their default, so that a person can
/// send only what should differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Switches {
    /// The name of the other person in the text of 5010.
    pub user: String,
    /// How long an answer is repeated for its `requestid`, in hours. Intuit does not say; 0 forgets at once.
    pub requestid_hours: u32,
    /// What an old `changedSince` brings.
    pub cdc_beyond_window: BeyondWindow,
    /// Whether `MAXRESULTS` above 1000 is a fault (4001) rather than capped.
    pub refuse_large_pages: bool,
    /// How many seconds a new object stays invisible to queries; a read by id shows it at once.
    pub query_lag_seconds: u32,
    /// The order of batch items.
    pub batch_order: BatchOrder,
    /// Whether a DocNumber in use is a fault (6140) while `CustomTxnNumbers` is on.
    pub warn_of_duplicate_numbers: bool,
    /// Whether names lose leading, trailing and double spaces.
    pub trim_names: bool,
    /// Whether an item's name must be unique in the whole company, not only under its parent.
    pub item_names_unique_in_company: bool,
    /// Whether a customer with an open balance may be deactivated; otherwise 6220.
    pub deactivate_with_balance: bool,
    /// Whether an invoice with payments may be deleted, which leaves them unapplied; otherwise 6000.
    pub delete_paid_invoices: bool,
    /// Whether an automated sales tax company honours `TotalTax` only together with `TxnTaxCodeRef`.
    pub tax_override_needs_code: bool,
    /// Whether a foreign transaction without `ExchangeRate` gets 1; otherwise 2020.
    pub exchange_rate_defaults_to_one: bool,
    /// Whether members that only a read shows (`LineEx`, `status`) are refused (2010) in a write.
    pub refuse_read_artefacts: bool,
    /// Whether the subscription has lapsed: every write is refused (6190), reads work.
    pub subscription_ended: bool,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            user: "Jo Bookkeeper".to_owned(),
            requestid_hours: 24,
            cdc_beyond_window: BeyondWindow::default(),
            refuse_large_pages: false,
            query_lag_seconds: 0,
            batch_order: BatchOrder::default(),
            warn_of_duplicate_numbers: true,
            trim_names: true,
            item_names_unique_in_company: false,
            deactivate_with_balance: false,
            delete_paid_invoices: true,
            tax_override_needs_code: true,
            exchange_rate_defaults_to_one: false,
            refuse_read_artefacts: true,
            subscription_ended: false,
        }
    }
}
