//! The engine's words as a bookkeeper reads them.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use maud::{Markup, html};
use sync::activity::{Activity, ActivityResult, Side};
use sync::billing_app::BillingApp;
use sync::ids::QuickBooksId;
use sync::model::{Kind, PaymentMethod, ProductType};
use sync::outcome::{DoneAction, ParkCause};
use sync::settings::{Company, Direction};
use url::Url;

/// A kind with a capital.
pub(crate) fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Client => "Client",
        Kind::Product => "Product",
        Kind::Invoice => "Invoice",
        Kind::Payment => "Payment",
    }
}

/// Several of a kind, and their counterparts.
pub(crate) fn pair(kind: Kind) -> &'static str {
    match kind {
        Kind::Client => "Clients and Customers",
        Kind::Product => "Products and Items",
        Kind::Invoice => "Invoices",
        Kind::Payment => "Payments",
    }
}

/// What a sort of product is called.
pub(crate) fn product_type(product_type: ProductType) -> &'static str {
    match product_type {
        ProductType::Service => "Services",
        ProductType::Goods => "Goods",
        ProductType::Digital => "Digital goods",
        ProductType::Shipping => "Shipping",
        ProductType::Fee => "Fees",
        ProductType::Expense => "Expenses passed on",
    }
}

/// What a way to pay is called.
pub(crate) fn payment_method(method: PaymentMethod) -> &'static str {
    match method {
        PaymentMethod::Cash => "Cash",
        PaymentMethod::Check => "Checks",
        PaymentMethod::Card => "Cards",
        PaymentMethod::BankTransfer => "Bank transfers",
        PaymentMethod::Other => "Any other way",
    }
}

/// What a direction does.
pub(crate) fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::None => "Off",
        Direction::Push => "Push: billing app to QuickBooks",
        Direction::Pull => "Pull: QuickBooks to billing app",
        Direction::Bidirectional => "Both ways",
    }
}

/// The word of a value in JSON, addresses and forms.
pub(crate) fn word(value: impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// The value of a word.
pub(crate) fn meant<T: serde::de::DeserializeOwned>(word: &str) -> Option<T> {
    serde_json::from_value(word.into()).ok()
}

/// Every sort of reason for waiting.
pub(crate) const CAUSES: [ParkCause; 21] = [
    ParkCause::Unreadable,
    ParkCause::UnknownCompany,
    ParkCause::NotConnected,
    ParkCause::MissingRecord,
    ParkCause::Unmapped,
    ParkCause::Ambiguous,
    ParkCause::LikelyTwin,
    ParkCause::AlreadyLinked,
    ParkCause::NameTaken,
    ParkCause::Tax,
    ParkCause::Currency,
    ParkCause::Amount,
    ParkCause::TooLong,
    ParkCause::Settings,
    ParkCause::Refused,
    ParkCause::BillingApp,
    ParkCause::BillingAway,
    ParkCause::ClosedPeriod,
    ParkCause::Paid,
    ParkCause::Refund,
    ParkCause::Conflict,
];

/// A sort of reason for waiting, in a few words.
pub(crate) fn cause(cause: ParkCause) -> &'static str {
    match cause {
        ParkCause::Unreadable => "The message cannot be read",
        ParkCause::UnknownCompany => "The company is not known",
        ParkCause::NotConnected => "Not connected with QuickBooks",
        ParkCause::MissingRecord => "Waits for another record",
        ParkCause::Unmapped => "Not mapped yet",
        ParkCause::Ambiguous => "More than one match",
        ParkCause::LikelyTwin => "Looks like an invoice that is there already",
        ParkCause::AlreadyLinked => "The match belongs to another record",
        ParkCause::NameTaken => "The name is taken",
        ParkCause::Tax => "A tax is not in QuickBooks",
        ParkCause::Currency => "The currency is not in use",
        ParkCause::Amount => "The amounts cannot be booked",
        ParkCause::TooLong => "The record is too long",
        ParkCause::Settings => "A setting is missing",
        ParkCause::Refused => "QuickBooks refuses it",
        ParkCause::BillingApp => "The billing app refuses it",
        ParkCause::BillingAway => "The billing app does not answer",
        ParkCause::ClosedPeriod => "The books are closed for its date",
        ParkCause::Paid => "It is paid already",
        ParkCause::Refund => "Refunds are not synced",
        ParkCause::Conflict => "Both sides changed it",
    }
}

/// How an entry ended, in a few words, and the colour that goes with it.
pub(crate) fn ending(result: &ActivityResult) -> (&'static str, &'static str) {
    match result {
        ActivityResult::Done(done) => (action(done.action), "good"),
        ActivityResult::Skipped { .. } => ("Nothing to do", "none"),
        ActivityResult::Ignored { .. } => ("Ignored", "none"),
        ActivityResult::Parked(_) => ("Needs attention", "bad"),
    }
}

fn action(action: DoneAction) -> &'static str {
    match action {
        DoneAction::Created => "Created in QuickBooks",
        DoneAction::Linked => "Linked with QuickBooks",
        DoneAction::Updated => "Updated in QuickBooks",
        DoneAction::Voided => "Voided in QuickBooks",
        DoneAction::Inactivated => "Made inactive in QuickBooks",
        DoneAction::RecordCreated => "Created in the billing app",
        DoneAction::RecordLinked => "Linked with the billing app",
        DoneAction::RecordUpdated => "Updated in the billing app",
        DoneAction::RecordDeleted => "Deleted in the billing app",
    }
}

/// Where a change was made.
pub(crate) fn side(side: Side) -> &'static str {
    match side {
        Side::Billing => "Changed in the billing app",
        Side::QuickBooks => "Changed in QuickBooks",
    }
}

/// What a person calls the record of an entry.
pub(crate) fn subject(entry: &Activity) -> String {
    match entry.kind {
        Some(of) if entry.label.is_empty() => kind(of).to_owned(),
        Some(of) => format!("{} {}", kind(of), entry.label),
        None => "Message that cannot be read".to_owned(),
    }
}

/// A moment, to the minute, UTC.
pub(crate) fn moment(at: Timestamp) -> Markup {
    html! { time datetime=(at) { (at.to_zoned(TimeZone::UTC).strftime("%-d %b %Y, %H:%M")) } }
}

/// A number with the right noun.
pub(crate) fn counted(number: u32, one: &str, several: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {several}") }
}

/// Where people see a record in QuickBooks (QuickBooks Online's own addresses; Items have a list only).
pub(crate) fn quickbooks_address(app: &Url, kind: Kind, id: &QuickBooksId) -> String {
    let base = app.as_str().trim_end_matches('/');
    match kind {
        Kind::Client => format!("{base}/app/customerdetail?nameId={id}"),
        Kind::Product => format!("{base}/app/items"),
        Kind::Invoice => format!("{base}/app/invoice?txnId={id}"),
        Kind::Payment => format!("{base}/app/recvpayment?txnId={id}"),
    }
}

/// Where people see a record in the billing app, if that can be told.
pub(crate) fn billing_address(company: &Company, kind: Kind, id: &str) -> Option<String> {
    let BillingApp::InvoiceNinja(app) = &company.billing else { return None };
    let known = id.chars().all(|c| c.is_ascii_alphanumeric());
    known.then(|| format!("{}/#/{kind}s/{id}{}", app.url, if kind == Kind::Client { "" } else { "/edit" }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_has_a_word_of_its_own() {
        for each in CAUSES {
            assert_eq!(meant::<ParkCause>(&word(each)), Some(each));
        }
        assert_eq!(meant::<ParkCause>("weather"), None);
    }
}
