//! A payment as a Payment.

use quickbooks_wire::{Payment as Wire, PaymentLine, Ref};
use rust_decimal::Decimal;

use super::{cents, exchange_rate, foreign_currency, text};
use crate::ids::{BillingId, QuickBooksId};
use crate::model::{Kind, Payment, PaymentMethod};
use crate::outcome::{Park, ParkCause};
use crate::reference::Reference;
use crate::settings::Settings;
use crate::settings_change::is_for_deposits;

/// The longest PaymentRefNum that is accepted in practice.
const REFERENCE: usize = 21;

/// The Payment that stands for a payment. `invoice` gives the Invoice of an allocation.
///
/// # Errors
/// Amounts that cannot be booked, money given back, a currency that cannot be used, an invoice without an Invoice.
pub fn map(
    payment: &Payment,
    customer: &QuickBooksId,
    invoice: impl Fn(&BillingId) -> Option<QuickBooksId>,
    settings: &Settings,
    reference: &Reference,
) -> Result<Wire, Park> {
    check_amounts(payment)?;
    let currency = foreign_currency(payment.currency.as_deref(), reference)?;
    let rate = exchange_rate(currency, payment.exchange_rate, reference)?;
    let mut lines = Vec::new();
    for allocation in payment.allocations.iter().filter(|allocation| !allocation.amount.is_zero()) {
        let id = invoice(&allocation.invoice_id)
            .ok_or_else(|| Park::missing(Kind::Invoice, &allocation.invoice_id))?;
        lines.push(PaymentLine::for_invoice(id.as_str(), cents(allocation.amount)));
    }
    Ok(Wire {
        customer_ref: Some(Ref::to(customer.as_str())),
        total_amt: Some(cents(payment.amount)),
        txn_date: Some(payment.date.to_string()),
        line: Some(lines),
        payment_method_ref: method(payment.method, reference),
        payment_ref_num: text::some(text::tail(&payment.reference, REFERENCE)),
        deposit_to_account_ref: settings.deposit_account(payment.method).map(|id| Ref::to(id.as_str())),
        private_note: private_note(payment),
        currency_ref: currency.map(Ref::to),
        exchange_rate: rate,
        ..Wire::default()
    })
}

/// Whether the payment can be booked, once its Customer is there.
///
/// # Errors
/// As [`map`].
pub fn check(
    payment: &Payment,
    invoice: impl Fn(&BillingId) -> Option<QuickBooksId>,
    settings: &Settings,
    reference: &Reference,
) -> Result<(), Park> {
    map(payment, &QuickBooksId::placeholder(), invoice, settings, reference).map(drop)
}

/// Whether the account that is chosen for the payment's money can take it. It is told once, with the new Payment: later
/// it is the bookkeeper's to change.
///
/// # Errors
/// An account that is not active, or of another type than a person could choose.
pub fn check_account(payment: &Payment, settings: &Settings, reference: &Reference) -> Result<(), Park> {
    let Some(chosen) = settings.deposit_account(payment.method) else { return Ok(()) };
    let reason = match reference.account(chosen) {
        Some(account) if is_for_deposits(account) => return Ok(()),
        Some(account) => {
            format!("The deposit account {} is of type {} now.", account.name, account.account_type)
        }
        None => {
            format!(
                "The account {chosen} that payments are deposited to is not an active account in QuickBooks."
            )
        }
    };
    let way_on =
        "Choose another deposit account in the settings, or make it active in QuickBooks; then retry.";
    Err(Park::new(ParkCause::Settings, reason, way_on))
}

fn check_amounts(payment: &Payment) -> Result<(), Park> {
    let refunded = payment.refunded.unwrap_or_default();
    if refunded > Decimal::ZERO {
        return Err(Park::new(
            ParkCause::Refund,
            format!("{refunded:.2} of the payment was given back; refunds are not synced."),
            "Record the refund in QuickBooks by hand, then ignore this entry.",
        ));
    }
    if payment.amount <= Decimal::ZERO {
        return Err(Park::new(
            ParkCause::Amount,
            format!(
                "The payment's amount is {:.2}: no money was received (it may consist of credits).",
                payment.amount
            ),
            "Apply the credit in QuickBooks by hand, then ignore this entry.",
        ));
    }
    let allocated = payment
        .allocations
        .iter()
        .try_fold(Decimal::ZERO, |sum, allocation| sum.checked_add(cents(allocation.amount)));
    match allocated {
        Some(allocated) if allocated <= cents(payment.amount) => Ok(()),
        _ => Err(Park::new(
            ParkCause::Amount,
            format!("The payment pays more on invoices than its amount of {:.2}.", payment.amount),
            "Apply credits in QuickBooks by hand, or correct the payment in the billing app.",
        )),
    }
}

/// The company's payment method of the same sort; none rather than a wrong one.
fn method(method: PaymentMethod, reference: &Reference) -> Option<Ref> {
    let named =
        |name: &str| reference.payment_methods.iter().find(|method| method.name.eq_ignore_ascii_case(name));
    let found = match method {
        PaymentMethod::Cash => named("Cash"),
        PaymentMethod::Check => named("Check").or_else(|| named("Cheque")),
        PaymentMethod::Card => reference.payment_methods.iter().find(|method| method.card),
        PaymentMethod::BankTransfer => named("Bank transfer").or_else(|| named("Direct deposit")),
        PaymentMethod::Other => None,
    }?;
    Some(Ref::to(found.id.as_str()))
}

/// The notes, the payment's own number, and a reference that did not fit.
fn private_note(payment: &Payment) -> Option<String> {
    let mut parts = vec![payment.private_notes.trim().to_owned()];
    if !payment.number.trim().is_empty() {
        parts.push(format!("Payment number: {}", text::line(&payment.number, 200)));
    }
    if payment.reference.trim().chars().count() > REFERENCE {
        parts.push(format!("Reference: {}", text::line(&payment.reference, 500)));
    }
    parts.retain(|part| !part.is_empty());
    text::some(text::paragraph(&parts.join("\n"), 4000))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::fields;
    use crate::mapping::fixtures::{billing, decimal, id, json, payment, reference};
    use crate::model::Allocation;
    use crate::reference::Account;

    fn mapped(payment: &Payment) -> Result<Wire, Park> {
        mapped_with(payment, &Settings::default())
    }

    fn mapped_with(payment: &Payment, settings: &Settings) -> Result<Wire, Park> {
        let invoice = |wanted: &BillingId| (*wanted == billing("i-1")).then(|| id("130"));
        map(payment, &id("58"), invoice, settings, &reference())
    }

    /// Cards go to Checking, all else to the drawer.
    fn choosing() -> Settings {
        Settings {
            deposit_account: Some(id("36")),
            deposit_accounts: [(PaymentMethod::Card, id("35"))].into(),
            ..Settings::default()
        }
    }

    #[test]
    fn a_whole_payment() {
        insta::assert_snapshot!(json(&mapped(&payment()).unwrap()));
    }

    #[test]
    fn point_49_the_money_goes_to_the_account_that_is_chosen_for_it() {
        let (mut payment, plain) = (payment(), mapped(&payment()).unwrap());
        assert_eq!(plain.deposit_to_account_ref, None, "QuickBooks has a default of its own");
        let by_card = mapped_with(&payment, &choosing()).unwrap();
        assert_eq!(by_card.deposit_to_account_ref, Some(Ref::to("35")));
        assert_eq!(
            fields::fingerprints(&by_card.into()),
            fields::fingerprints(&plain.into()),
            "later the account is the bookkeeper's"
        );
        payment.method = PaymentMethod::Check;
        assert_eq!(mapped_with(&payment, &choosing()).unwrap().deposit_to_account_ref, Some(Ref::to("36")));
    }

    #[test]
    fn point_49_an_account_that_cannot_take_the_money_is_named() {
        let account = |account_type: &str| Account {
            id: id("35"),
            name: "Checking".into(),
            account_type: account_type.into(),
            sub_type: String::new(),
        };
        let checked = |accounts| {
            let reference = Reference { accounts, ..reference() };
            check_account(&payment(), &choosing(), &reference).map_err(|park| (park.cause, park.reason))
        };
        assert_eq!(checked(vec![account("Bank")]), Ok(()));
        let (cause, reason) = checked(Vec::new()).unwrap_err();
        assert!(cause == ParkCause::Settings && reason.contains("account 35"), "{reason}");
        let (_, reason) = checked(vec![account("Income")]).unwrap_err();
        assert!(reason.contains("Checking is of type Income"), "{reason}");
        assert_eq!(check_account(&payment(), &Settings::default(), &reference()), Ok(()));
    }

    #[test]
    fn what_is_not_allocated_stays_on_account() {
        let mut payment = payment();
        payment.allocations.clear();
        assert_eq!(mapped(&payment).unwrap().line, Some(Vec::new()));
    }

    #[test]
    fn unknown_invoices_refunds_credits_and_excess_wait_for_a_person() {
        let cause = |change: fn(&mut Payment)| {
            let mut payment = payment();
            change(&mut payment);
            mapped(&payment).unwrap_err().cause
        };
        assert_eq!(
            cause(|payment| payment.allocations[0].invoice_id = billing("i-9")),
            ParkCause::MissingRecord
        );
        assert_eq!(cause(|payment| payment.refunded = Some(decimal("5"))), ParkCause::Refund);
        assert_eq!(cause(|payment| payment.amount = Decimal::ZERO), ParkCause::Amount);
        assert_eq!(cause(|payment| payment.amount = decimal("99.99")), ParkCause::Amount);
    }

    #[test]
    fn a_payment_over_two_invoices_names_both() {
        let mut payment = payment();
        payment.amount = decimal("150");
        payment.allocations.push(Allocation {
            invoice_id: billing("i-1"),
            amount: decimal("50"),
            invoice_date: None,
        });
        assert_eq!(mapped(&payment).unwrap().lines().len(), 2);
    }
}
