//! What does not go smoothly: what is left out on purpose, and what has to wait for a person while everything behind
//! it goes on.

use anyhow::Context;
use jiff::civil::date;
use rust_decimal::Decimal;
use sync::ids::{BillingId, CompanyId};
use sync::model::{
    Allocation, Client, Invoice, InvoiceStatus, Payment, PaymentMethod, PaymentStatus, ProductType,
    TaxCategory,
};
use sync::outcome::ParkCause;

use super::diary::Diary;
use super::{Ending, amounts, clients, invoices, products};
use Ending::{Created, Parked, Skipped};

/// A company that nobody has added.
const STRANGERS: &str = "nobody-we-know";

/// Writes it down, and returns what is pushed after all: a draft that is sent later, and its payment, which is there
/// before it and waits for it (T14).
pub(super) fn write(
    diary: &mut Diary,
    clients: &[clients::Listed],
    products: &[products::Listed],
) -> anyhow::Result<(Invoice, Payment)> {
    let another = |id: &str, number: usize| -> anyhow::Result<Invoice> {
        let client = &clients[number % 30];
        let invoice = invoices::invoice(number, client, products)?;
        Ok(Invoice { id: BillingId::new(id)?, number: format!("JS-{}", 9000 + number), ..invoice })
    };
    left_out(diary, &another("i-before", 1)?, &another("i-pending", 2)?)?;
    unreadable(diary, &another("i-strangers", 3)?)?;
    unbookable(diary, &another)?;

    let sent = another("i-draft", 32)?;
    let draft = Invoice { status: InvoiceStatus::Draft, ..sent.clone() };
    diary.add(30, "invoice.created", &draft.id, &draft, &[Skipped("draft")])?;
    let paid = payment("y-draft", &sent, PaymentStatus::Completed)?;
    diary.add(40, "payment.created", &paid.id, &paid, &[Created])?;
    diary.add(50, "invoice.sent", &sent.id, &sent, &[Created])?;
    Ok((sent, paid))
}

/// What is skipped: an invoice from before the cut-off date with its payment (D8), a payment that is not money yet,
/// an invoice that is deleted before QuickBooks ever saw it.
fn left_out(diary: &mut Diary, old: &Invoice, unsent: &Invoice) -> anyhow::Result<()> {
    let old = Invoice { date: date(2025, 12, 19), number: "JS-0998".into(), ..old.clone() };
    diary.add(2, "invoice.updated", &old.id, &old, &[Skipped("before the cut-off date")])?;
    let late = payment("y-before", &old, PaymentStatus::Completed)?;
    diary.add(16, "payment.created", &late.id, &late, &[Skipped("before the cut-off date")])?;
    let pending = payment("y-pending", unsent, PaymentStatus::Pending)?;
    diary.add(41, "payment.created", &pending.id, &pending, &[Skipped("pending")])?;
    diary.add(44, "invoice.deleted", &unsent.id, unsent, &[Skipped("never reached QuickBooks")])
}

/// What is no event, of no kind that is known, or of nobody that is known.
fn unreadable(diary: &mut Diary, invoice: &Invoice) -> anyhow::Result<()> {
    let torn = r#"{"specversion": "1.0", "id": "torn", "type": "billing.invoice.cre"#;
    diary.nonsense(21, "torn", torn, Parked(ParkCause::Unreadable));
    diary.add(
        35,
        "quote.created",
        "q-77",
        &serde_json::json!({"id": "q-77"}),
        &[Parked(ParkCause::Unreadable)],
    )?;
    diary.add(55, "invoice.created", &invoice.id, invoice, &[Parked(ParkCause::UnknownCompany)])?;
    diary.in_company(CompanyId::new(STRANGERS)?);
    Ok(())
}

/// What QuickBooks cannot hold as it is: nobody is charged for it, in a currency that the company does not use,
/// below zero, under a name that is taken, or for an invoice that waits itself.
fn unbookable(
    diary: &mut Diary,
    another: &impl Fn(&str, usize) -> anyhow::Result<Invoice>,
) -> anyhow::Result<()> {
    let nobodys =
        Invoice { client_id: BillingId::new("c-nowhere")?, client: None, ..another("i-nobodys", 4)? };
    diary.add(62, "invoice.created", &nobodys.id, &nobodys, &[Parked(ParkCause::MissingRecord)])?;

    let plain = another("i-foreign", 16)?;
    let client = Client { currency: Some("EUR".into()), ..plain.client.clone().context("no client")? };
    let rate = Some(Decimal::new(108, 2));
    let foreign =
        Invoice { currency: Some("EUR".into()), exchange_rate: rate, client: Some(client), ..plain };
    diary.add(74, "invoice.created", &foreign.id, &foreign, &[Parked(ParkCause::Currency)])?;
    let paid = payment("y-foreign", &foreign, PaymentStatus::Completed)?;
    diary.add(88, "payment.created", &paid.id, &paid, &[Parked(ParkCause::MissingRecord)])?;

    let mut credit = another("i-credit", 20)?;
    for line in &mut credit.lines {
        line.quantity = -line.quantity;
    }
    (credit.discount, credit.surcharges) = (None, Vec::new());
    credit.amount = amounts::total(&credit);
    diary.add(92, "invoice.created", &credit.id, &credit, &[Parked(ParkCause::Amount)])?;

    let price = Decimal::from(410);
    let (service, standard) = (ProductType::Service, TaxCategory::Standard);
    // A bundle of QuickBooks' has this name.
    let taken =
        products::product("p-91", "Fountain Corner", "Fountain, pump and work", price, service, standard)?;
    diary.add(100, "product.created", &taken.id, &taken, &[Parked(ParkCause::NameTaken)])
}

fn payment(id: &str, invoice: &Invoice, status: PaymentStatus) -> anyhow::Result<Payment> {
    let allocation = Allocation {
        invoice_id: invoice.id.clone(),
        amount: invoice.amount,
        invoice_date: Some(invoice.date),
    };
    Ok(Payment {
        id: BillingId::new(id)?,
        number: String::new(),
        client_id: invoice.client_id.clone(),
        client: None,
        date: invoice.date,
        amount: invoice.amount,
        refunded: None,
        method: PaymentMethod::Check,
        reference: String::new(),
        allocations: vec![allocation],
        currency: None,
        exchange_rate: None,
        private_notes: String::new(),
        status,
    })
}
