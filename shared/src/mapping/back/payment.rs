//! A Payment as a payment.

use jiff::civil::Date;
use quickbooks_wire::{Payment as Wire, PaymentLine};
use rust_decimal::Decimal;

use super::{Members, currency, rate, text, without_added};
use crate::ids::{BillingId, QuickBooksId};
use crate::model::{Allocation, Payment, PaymentMethod, PaymentStatus};
use crate::outcome::{Park, ParkCause};
use crate::reference::Reference;

/// What the way there adds to a note.
const ADDED: [&str; 2] = ["Payment number:", "Reference:"];

/// The part of a Payment that pays one Invoice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paid {
    /// The Invoice.
    pub invoice: QuickBooksId,
    /// How much.
    pub amount: Decimal,
}

impl Paid {
    /// What a Payment pays, each Invoice once, in the order of its lines.
    ///
    /// # Errors
    /// It applies a credit, or pays something that is no Invoice.
    pub fn of(row: &Wire) -> Result<Vec<Paid>, Park> {
        let mut paid: Vec<Paid> = Vec::new();
        for line in row.lines() {
            let invoice = invoice_of(line)?;
            let amount = line.amount.unwrap_or_default();
            match paid.iter_mut().find(|known| known.invoice == invoice) {
                Some(known) => known.amount += amount,
                None => paid.push(Paid { invoice, amount }),
            }
        }
        Ok(paid)
    }
}

fn invoice_of(line: &PaymentLine) -> Result<QuickBooksId, Park> {
    let mut linked = line.linked_txn.iter().flatten();
    let (linked, further) = (linked.next(), linked.next());
    let of_type = linked.and_then(|linked| linked.txn_type.as_deref()).unwrap_or("nothing that is named");
    let id = linked.and_then(|linked| QuickBooksId::new(linked.txn_id.clone()?).ok());
    match (of_type, id, further) {
        ("Invoice", Some(id), None) => Ok(id),
        _ => Err(Park::new(
            ParkCause::Amount,
            format!("It applies {of_type} in QuickBooks; only payments of invoices come over."),
            "Record it in the billing app by hand, then ignore this entry.",
        )),
    }
}

/// The new payment that stands for a Payment. Its id is a placeholder until the billing app gives it one. `invoice`
/// gives the counterpart of an Invoice and its date.
///
/// # Errors
/// As [`payment`].
pub fn new_payment(
    row: &Wire,
    (id, number): (BillingId, String),
    client: &BillingId,
    invoice: impl Fn(&QuickBooksId) -> Option<(BillingId, Option<Date>)>,
    reference: &Reference,
) -> Result<Payment, Park> {
    let currency = currency(row.currency_ref.as_ref(), reference);
    let blank = Payment {
        id,
        number,
        client_id: client.clone(),
        client: None,
        date: Date::ZERO,
        amount: Decimal::ZERO,
        refunded: None,
        method: PaymentMethod::Other,
        reference: String::new(),
        allocations: Vec::new(),
        exchange_rate: rate(currency.as_ref(), row.exchange_rate),
        currency,
        private_notes: String::new(),
        status: PaymentStatus::Completed,
    };
    payment(&blank, row, Members::All, client, invoice, reference)
}

/// The payment with the members of a Payment that changed.
///
/// # Errors
/// A line that pays no Invoice, or one without a counterpart; a date that cannot be read.
pub fn payment(
    before: &Payment,
    row: &Wire,
    members: Members<'_>,
    client: &BillingId,
    invoice: impl Fn(&QuickBooksId) -> Option<(BillingId, Option<Date>)>,
    reference: &Reference,
) -> Result<Payment, Park> {
    let mut payment = before.clone();
    if members.has("CustomerRef") && payment.client_id != *client {
        (payment.client_id, payment.client) = (client.clone(), None);
    }
    if members.has("TotalAmt") {
        payment.amount = row.total_amt.unwrap_or_default();
    }
    if members.has("TxnDate") {
        payment.date = super::invoice::date(&row.txn_date)?;
    }
    if members.has("Line") {
        payment.allocations = allocations(row, invoice)?;
    }
    if members.has("PaymentMethodRef") {
        payment.method = method(row, reference).unwrap_or(payment.method);
    }
    if members.has("PaymentRefNum") {
        payment.reference = text(&row.payment_ref_num);
    }
    if members.has("ExchangeRate") {
        payment.exchange_rate = rate(payment.currency.as_ref(), row.exchange_rate);
    }
    if members.has("PrivateNote") {
        let (note, added) = without_added(row.private_note.as_deref().unwrap_or_default(), &ADDED);
        payment.private_notes = note;
        // The whole of a reference that did not fit stands in the note.
        let whole = added.iter().find(|(heading, _)| heading == ADDED[1]).map(|(_, value)| *value);
        if let Some(whole) = whole.filter(|whole| whole.ends_with(payment.reference.as_str())) {
            payment.reference = whole.to_owned();
        }
    }
    Ok(payment)
}

fn allocations(
    row: &Wire,
    invoice: impl Fn(&QuickBooksId) -> Option<(BillingId, Option<Date>)>,
) -> Result<Vec<Allocation>, Park> {
    let mut allocations = Vec::new();
    for Paid { invoice: id, amount } in Paid::of(row)? {
        let (invoice_id, invoice_date) = invoice(&id).ok_or_else(|| {
            Park::new(
                ParkCause::MissingRecord,
                format!("It pays invoice {id} of QuickBooks, which is not in the billing app."),
                "Bring the invoice over, or apply the payment by hand; then retry.",
            )
        })?;
        allocations.push(Allocation { invoice_id, amount, invoice_date });
    }
    Ok(allocations)
}

/// The sort of payment that a payment method is; none to say for one that is not known.
fn method(row: &Wire, reference: &Reference) -> Option<PaymentMethod> {
    let Some(named) = row.payment_method_ref.as_ref() else { return Some(PaymentMethod::Other) };
    let known = reference.payment_methods.iter().find(|method| method.id.as_str() == named.id())?;
    Some(match known.name.to_lowercase().as_str() {
        "cash" => PaymentMethod::Cash,
        "check" | "cheque" => PaymentMethod::Check,
        "bank transfer" | "direct deposit" => PaymentMethod::BankTransfer,
        _ if known.card => PaymentMethod::Card,
        _ => PaymentMethod::Other,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use quickbooks_wire::LinkedTxn;

    use super::*;
    use crate::mapping::fixtures::{billing, decimal, id, payment as paid, reference};
    use crate::mapping::payment as there;
    use crate::settings::Settings;

    fn row(payment: &Payment) -> Wire {
        let invoice = |invoice: &BillingId| Some(id(invoice.as_str().trim_start_matches("i-")));
        there::map(payment, &id("58"), invoice, &Settings::default(), &reference()).unwrap()
    }

    fn back(row: &Wire) -> Result<Payment, Park> {
        let invoice = |invoice: &QuickBooksId| Some((billing(&format!("i-{invoice}")), None));
        new_payment(row, (billing("y-1"), "0007".into()), &billing("c-1"), invoice, &reference())
    }

    #[test]
    fn a_credit_that_is_applied_is_no_payment() {
        let mut row = row(&paid());
        let credit = LinkedTxn { txn_type: Some("CreditMemo".into()), ..LinkedTxn::default() };
        row.line = Some(vec![PaymentLine { linked_txn: Some(vec![credit]), ..PaymentLine::default() }]);
        assert!(back(&row).unwrap_err().reason.contains("CreditMemo"));
    }

    #[test]
    fn an_invoice_without_a_counterpart_is_named() {
        let nobody = |_: &QuickBooksId| None;
        let park = payment(&paid(), &row(&paid()), Members::All, &billing("c-1"), nobody, &reference());
        assert!(park.unwrap_err().reason.contains("invoice 1 "));
    }

    proptest! {
        #[test]
        fn there_and_back_is_the_same(
            parts in prop::collection::vec(1_i64..100_000, 0..4), over in 0_i64..1_000,
            reference in "[A-Za-z0-9]{0,40}", notes in "[a-z ]{0,20}", cash in any::<bool>(),
        ) {
            let mut before = paid();
            let allocation = |(place, part): (usize, &i64)| Allocation {
                invoice_id: billing(&format!("i-{place}")), amount: Decimal::new(*part, 2), invoice_date: None,
            };
            before.allocations = parts.iter().enumerate().map(allocation).collect();
            before.amount = Decimal::new(parts.iter().sum::<i64>() + over + 1, 2);
            before.reference = reference;
            before.private_notes = notes.trim().to_owned();
            before.method = if cash { PaymentMethod::Cash } else { PaymentMethod::Card };
            prop_assert_eq!(back(&row(&before)).unwrap(), before);
        }
    }

    #[test]
    fn two_lines_of_one_invoice_are_one_allocation() {
        let mut row = row(&paid());
        row.line = Some(vec![
            PaymentLine::for_invoice("1", decimal("40")),
            PaymentLine::for_invoice("2", decimal("10")),
            PaymentLine::for_invoice("1", decimal("5")),
        ]);
        let amounts: Vec<(String, Decimal)> = back(&row)
            .unwrap()
            .allocations
            .into_iter()
            .map(|one| (one.invoice_id.to_string(), one.amount))
            .collect();
        assert_eq!(amounts, [("i-1".into(), decimal("45")), ("i-2".into(), decimal("10"))], "T15");
    }
}
