//! The invoices, and what becomes of them.

use jiff::ToSpan;
use jiff::civil::{Date, date};
use rust_decimal::Decimal;
use sync::ids::BillingId;
use sync::model::{Invoice, InvoiceStatus, Tax};

use super::diary::Diary;
use super::{Ending, amounts, clients, jobs, products};

/// How many there are. Each is issued on a day of its own, from [`FIRST_DAY`] on.
pub(super) const COUNT: usize = 124;
/// The day of the diary on which the first one is issued.
pub(super) const FIRST_DAY: usize = 3;

/// Every client has its turn; the turns of two neighbours of the list lie apart.
const STRIDE: usize = 7;
/// Those that get one more line some days later.
const EDITED: [usize; 10] = [4, 19, 33, 47, 58, 71, 86, 97, 104, 111];
/// Those that are cancelled before anybody has paid.
pub(super) const CANCELLED: [usize; 4] = [40, 66, 90, 95];
/// The one whose total is rounded up to a full dollar, which no line says: a variance. QuickBooks has what the lines
/// come to.
pub(super) const ROUNDED: usize = 85;
/// The one that is saved and sent in the same minute.
const SENT_AT_ONCE: usize = 25;

/// Days from an invoice to its edit or cancellation.
const EDITED_AFTER: usize = 14;

/// The invoices as they end up, in the order in which they were issued.
pub(super) fn write(
    diary: &mut Diary,
    clients: &[clients::Listed],
    products: &[products::Listed],
) -> anyhow::Result<Vec<Invoice>> {
    let mut invoices = Vec::new();
    for n in 0..COUNT {
        let client = &clients[n * STRIDE % clients.len()];
        let mut invoice = invoice(n, client, products)?;
        let day = i64::try_from(FIRST_DAY + n)?;
        let later = day + i64::try_from(EDITED_AFTER)?;
        if n == ROUNDED {
            let rounded = Invoice { amount: invoice.amount.ceil(), ..invoice.clone() };
            diary.add(day, "invoice.created", &invoice.id, &rounded, &[Ending::Varies])?;
        } else if n == SENT_AT_ONCE {
            diary.add(
                day,
                "invoice.created",
                &invoice.id,
                &invoice,
                &[Ending::Created, Ending::SUPERSEDED],
            )?;
            diary.add(day, "invoice.sent", &invoice.id, &invoice, &[Ending::Created, Ending::UNCHANGED])?;
        } else {
            diary.add(day, "invoice.created", &invoice.id, &invoice, &[Ending::Created])?;
        }
        if EDITED.contains(&n) {
            let weeding = products.iter().find(|listed| listed.product.key == "Weeding");
            let line = weeding.map(|listed| jobs::product_line(&listed.product, "1.25", &[])).transpose()?;
            invoice.lines.extend(line);
            invoice.amount = amounts::total(&invoice);
            invoice.balance = Some(invoice.amount);
            diary.add(later, "invoice.updated", &invoice.id, &invoice, &[Ending::Updated])?;
        }
        if CANCELLED.contains(&n) {
            invoice.status = InvoiceStatus::Cancelled;
            diary.add(later, "invoice.cancelled", &invoice.id, &invoice, &[Ending::Voided])?;
            (invoice.amount, invoice.balance) = (Decimal::ZERO, Some(Decimal::ZERO));
        }
        invoices.push(invoice);
    }
    Ok(invoices)
}

/// The `n`th invoice as it is issued.
pub(super) fn invoice(
    n: usize,
    listed: &clients::Listed,
    products: &[products::Listed],
) -> anyhow::Result<Invoice> {
    let date = day(FIRST_DAY + n)?;
    let taxes = if listed.client.tax_exempt { Vec::new() } else { taxes(listed.state) };
    let contents = jobs::contents(n, &taxes, products)?;
    let terms = listed.client.payment_terms.unwrap_or_default();
    let mut invoice = Invoice {
        id: BillingId::new(format!("i-{}", 1001 + n))?,
        number: format!("JS-{}", 1001 + n),
        date,
        due_date: Some(date.checked_add(i64::from(terms).days())?),
        client_id: listed.client.id.clone(),
        client: Some(listed.client.clone()),
        lines: contents.lines,
        discount: contents.discount,
        surcharges: contents.surcharges,
        taxes_inclusive: false,
        currency: None,
        exchange_rate: None,
        po_number: if n.is_multiple_of(9) { format!("PO-{}", 7000 + n) } else { String::new() },
        custom_fields: Default::default(),
        public_notes: if n.is_multiple_of(5) { "Thank you for your trust.".into() } else { String::new() },
        private_notes: String::new(),
        terms: format!("Payable within {terms} days."),
        status: InvoiceStatus::Sent,
        amount: Decimal::ZERO,
        balance: None,
    };
    invoice.amount = amounts::total(&invoice);
    invoice.balance = Some(invoice.amount);
    Ok(invoice)
}

/// The date of a day of the diary.
pub(super) fn day(days: usize) -> anyhow::Result<Date> {
    Ok(date(2026, 1, 2).checked_add(i64::try_from(days)?.days())?)
}

/// Sales tax on goods: one rate by the coast, two in the desert.
fn taxes(state: &str) -> Vec<Tax> {
    let tax = |name: &str, rate: Decimal| Tax { name: name.into(), rate };
    match state {
        "AZ" => vec![tax("Desert State", Decimal::new(56, 1)), tax("Tucson City", Decimal::new(26, 1))],
        _ => vec![tax("Bayview", Decimal::from(8))],
    }
}
