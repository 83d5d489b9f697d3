//! The payments.

use rust_decimal::Decimal;
use sync::ids::BillingId;
use sync::model::{Allocation, Invoice, Payment, PaymentMethod, PaymentStatus};

use super::diary::Diary;
use super::{Ending, amounts, invoices};

/// Days from the (last) invoice to its payment.
const PAID_AFTER: usize = 20;

/// Where the same client has its turn again among the invoices.
const NEXT_OF_CLIENT: usize = 44;

/// Which invoices a payment pays, and how much of them.
struct Paid {
    invoices: Vec<usize>,
    how: How,
    days: usize,
}

#[derive(Clone, Copy)]
enum How {
    /// All that is owed.
    Fully,
    /// Half of it, to the cent.
    Half,
    /// The other half.
    Rest,
    /// All that is owed and twenty dollars more, which stay on the client's account.
    WithARest,
}

fn list() -> Vec<Paid> {
    let once = |n: usize, how: How| Paid { invoices: vec![n], how, days: PAID_AFTER };
    let unpaid = |n: &usize| !invoices::CANCELLED.contains(n) && *n != invoices::ROUNDED;
    let mut list = Vec::new();
    for n in 0..14 {
        list.push(Paid { invoices: vec![n, n + NEXT_OF_CLIENT], how: How::Fully, days: PAID_AFTER });
    }
    for n in 14..26 {
        list.push(once(n, How::Half));
        list.push(Paid { days: PAID_AFTER + 12, ..once(n, How::Rest) });
    }
    for n in (26..44).chain(60..85).filter(unpaid) {
        list.push(once(n, if n % 10 == 2 { How::WithARest } else { How::Fully }));
    }
    for n in (98..104).filter(unpaid) {
        list.push(once(n, How::Half));
    }
    list
}

/// The payments, in the order of the invoices they pay.
pub(super) fn write(diary: &mut Diary, invoices: &[Invoice]) -> anyhow::Result<Vec<Payment>> {
    let mut payments = Vec::new();
    for (place, paid) in list().iter().enumerate() {
        let day = invoices::FIRST_DAY + paid.invoices.iter().max().copied().unwrap_or_default() + paid.days;
        let payment = payment(place, paid, day, invoices)?;
        diary.add(i64::try_from(day)?, "payment.created", &payment.id, &payment, &[Ending::Created])?;
        payments.push(payment);
    }
    Ok(payments)
}

fn payment(place: usize, paid: &Paid, day: usize, invoices: &[Invoice]) -> anyhow::Result<Payment> {
    let allocation = |n: &usize| {
        let invoice = &invoices[*n];
        let half = amounts::cents(invoice.amount / Decimal::TWO);
        let amount = match paid.how {
            How::Fully | How::WithARest => invoice.amount,
            How::Half => half,
            How::Rest => invoice.amount - half,
        };
        Allocation { invoice_id: invoice.id.clone(), amount, invoice_date: Some(invoice.date) }
    };
    let allocations: Vec<Allocation> = paid.invoices.iter().map(allocation).collect();
    let allocated: Decimal = allocations.iter().map(|allocation| allocation.amount).sum();
    let more = if matches!(paid.how, How::WithARest) { Decimal::from(20) } else { Decimal::ZERO };
    let first = &invoices[paid.invoices[0]];
    let (method, reference) = match place % 4 {
        0 => (PaymentMethod::Check, format!("{}", 2200 + place)),
        1 => (PaymentMethod::Card, format!("ch_{}", 310_000 + place * 17)),
        2 => (PaymentMethod::BankTransfer, String::new()),
        _ => (PaymentMethod::Cash, String::new()),
    };
    Ok(Payment {
        id: BillingId::new(format!("y-{}", 501 + place))?,
        number: format!("{:04}", 501 + place),
        client_id: first.client_id.clone(),
        client: None,
        date: invoices::day(day)?,
        amount: allocated + more,
        refunded: None,
        method,
        reference,
        allocations,
        currency: None,
        exchange_rate: None,
        private_notes: String::new(),
        status: PaymentStatus::Completed,
    })
}
