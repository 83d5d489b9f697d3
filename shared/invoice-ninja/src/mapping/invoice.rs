//! Invoices (Invoice Ninja API: invoices).

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::Value;
use sync::model::{Invoice, InvoiceLine, InvoiceStatus, Surcharge, Tax};

use super::lines::{self, Discounts, discount};
use super::{Changes, Setup, Unfit, client, object, without_blanks};
use crate::json::{Loose, NotWhole, Object, differing, number};

/// An invoice's own fields.
const CUSTOM_FIELDS: [&str; 4] = ["custom_value1", "custom_value2", "custom_value3", "custom_value4"];
/// Digits of an exchange rate after the point, when it is the inverse of the app's.
const RATE_DIGITS: u32 = 10;

pub(super) fn read(record: &Object, setup: &Setup) -> Result<Invoice, NotWhole> {
    let client = record.object("client").ok_or_else(|| NotWhole::new("client", "is not included"))?;
    let client = client::read(client, setup)?;
    let of_invoice = lines::taxes(record)?;
    let amount_discounts = record.flag("is_amount_discount");
    let lines = lines_of(record, &of_invoice, amount_discounts)?.into_iter().map(|(_, line)| line);
    Ok(Invoice {
        id: record.id("id")?,
        number: record.text("number"),
        date: record.day("date")?.ok_or_else(|| NotWhole::new("date", "is not set"))?,
        due_date: record.day("due_date")?,
        client_id: record.id("client_id")?,
        lines: lines.collect(),
        discount: discount(record.amount("discount")?, amount_discounts),
        surcharges: surcharges(record, &of_invoice, setup)?,
        taxes_inclusive: record.flag("uses_inclusive_taxes"),
        currency: client.currency.clone(),
        client: Some(client),
        exchange_rate: exchange_rate(record)?,
        po_number: record.text("po_number"),
        public_notes: record.text("public_notes"),
        private_notes: record.text("private_notes"),
        terms: record.text("terms"),
        custom_fields: custom_fields(record),
        status: status(&record.text("status_id"))?,
        amount: record.amount("amount")?,
        balance: record.decimal("balance")?,
    })
}

/// The app's four own fields of an invoice; blank ones are left out.
fn custom_fields(record: &Object) -> BTreeMap<String, String> {
    let fields = CUSTOM_FIELDS.map(|name| (name.to_owned(), record.text(name)));
    fields.into_iter().filter(|(_, text)| !text.is_empty()).collect()
}

fn lines_of<'a>(
    record: &'a Object,
    of_invoice: &[Tax],
    amount_discounts: bool,
) -> Result<Vec<(&'a Object, InvoiceLine)>, NotWhole> {
    let lines = record.objects("line_items")?.into_iter();
    lines.map(|line| Ok((line, lines::read(line, of_invoice, amount_discounts)?))).collect()
}

fn surcharges(record: &Object, of_invoice: &[Tax], setup: &Setup) -> Result<Vec<Surcharge>, NotWhole> {
    let mut surcharges = Vec::new();
    for (n, known) in (1..).zip(&setup.surcharges) {
        let amount = record.amount(&format!("custom_surcharge{n}"))?;
        if !amount.is_zero() {
            let taxed = record.flag(&format!("custom_surcharge_tax{n}"));
            let taxes = if taxed { of_invoice.to_vec() } else { Vec::new() };
            surcharges.push(Surcharge { name: known.name.clone(), amount, taxes });
        }
    }
    Ok(surcharges)
}

/// Home currency for one unit of the invoice's: the app has the inverse, and 1 where it has none.
fn exchange_rate(record: &Object) -> Result<Option<Decimal>, NotWhole> {
    let rate = record.amount("exchange_rate")?;
    Ok(inverse(rate).filter(|_| rate != Decimal::ONE))
}

fn inverse(rate: Decimal) -> Option<Decimal> {
    Decimal::ONE
        .checked_div(rate)
        .map(|inverse| inverse.round_dp(RATE_DIGITS))
        .filter(|inverse| !inverse.is_zero())
}

fn status(id: &str) -> Result<InvoiceStatus, NotWhole> {
    Ok(match id {
        "1" => InvoiceStatus::Draft,
        "2" => InvoiceStatus::Sent,
        "3" => InvoiceStatus::Partial,
        "4" => InvoiceStatus::Paid,
        "5" => InvoiceStatus::Cancelled,
        "6" => InvoiceStatus::Reversed,
        _ => return Err(NotWhole::new("status_id", "is no status that is known")),
    })
}

/// Issued by `mark_sent`, which sends nothing to anybody.
pub(super) fn creation(invoice: &Invoice, setup: &Setup) -> Result<Changes, Unfit> {
    let flags: Vec<bool> = setup.surcharges.iter().map(|surcharge| surcharge.taxed).collect();
    let on_invoice = taxes_on_invoice(invoice, &[], &flags, setup)?;
    let mut body = without_blanks(image(invoice, &on_invoice, setup)?);
    // The client's setting would stand for what is left out.
    body.insert("uses_inclusive_taxes".to_owned(), invoice.taxes_inclusive.into());
    let issued = invoice.status != InvoiceStatus::Draft;
    let actions = if issued { vec![("mark_sent", "true")] } else { Vec::new() };
    Ok(Changes { body, actions })
}

/// Amount, balance and how much of it is paid are the app's own and follow from the rest.
pub(super) fn changes(
    there: &Object,
    before: &Invoice,
    after: &Invoice,
    setup: &Setup,
) -> Result<Changes, Unfit> {
    if before.client_id != after.client_id {
        return Err(Unfit::new("client_id", "cannot be changed"));
    }
    let unreadable = |problem: NotWhole| Unfit::new(&problem.member, problem.problem);
    let present = lines::taxes(there).map_err(unreadable)?;
    let flags: Vec<bool> = (1..=4).map(|n| there.flag(&format!("custom_surcharge_tax{n}"))).collect();
    let on_before = taxes_on_invoice(before, &present, &flags, setup).unwrap_or_default();
    let as_before = before.lines == after.lines && before.surcharges == after.surcharges;
    let on_after = match as_before {
        true => on_before.clone(),
        false => taxes_on_invoice(after, &present, &flags, setup)?,
    };
    let mut body = differing(&image(before, &on_before, setup)?, &image(after, &on_after, setup)?);
    if let Some(list) = body.get_mut("line_items") {
        let there = lines_of(there, &present, there.flag("is_amount_discount")).map_err(unreadable)?;
        let was = lines::images(before, &on_before, &Discounts::of(before));
        let is = lines::images(after, &on_after, &Discounts::of(after));
        *list = lines::merged(&there, (&before.lines, &was), (&after.lines, &is));
    }
    Ok(Changes { body, actions: actions(before, after)? })
}

fn actions(before: &Invoice, after: &Invoice) -> Result<Vec<(&'static str, &'static str)>, Unfit> {
    use InvoiceStatus::{Cancelled, Draft, Reversed};
    Ok(match (before.status, after.status) {
        (one, other) if one == other => Vec::new(),
        (_, Draft) => {
            return Err(Unfit::new("status_id", "of an issued invoice cannot become a draft's again"));
        }
        (_, Reversed) => {
            return Err(Unfit::new("status_id", "becomes that of a reversed invoice by a credit only"));
        }
        (Cancelled | Reversed, _) => {
            return Err(Unfit::new("status_id", "of a cancelled invoice cannot be changed"));
        }
        (_, Cancelled) => vec![("cancel", "true")],
        (Draft, _) => vec![("mark_sent", "true")],
        _ => Vec::new(),
    })
}

fn image(invoice: &Invoice, on_invoice: &[Tax], setup: &Setup) -> Result<Object, Unfit> {
    let discounts = Discounts::of(invoice);
    let lines = lines::images(invoice, on_invoice, &discounts);
    let mut image = object! {
        "client_id": invoice.client_id.as_str(),
        "number": invoice.number.as_str(),
        "date": invoice.date.to_string(),
        "due_date": invoice.due_date.map(|day| day.to_string()).unwrap_or_default(),
        "po_number": invoice.po_number.as_str(),
        "public_notes": invoice.public_notes.as_str(),
        "private_notes": invoice.private_notes.as_str(),
        "terms": invoice.terms.as_str(),
        "uses_inclusive_taxes": invoice.taxes_inclusive,
        "discount": number(discounts.invoice),
        "is_amount_discount": discounts.are_amounts,
        "exchange_rate": number(invoice.exchange_rate.and_then(inverse).unwrap_or(Decimal::ONE)),
        "line_items": lines.into_iter().map(Value::Object).collect::<Value>(),
    };
    for name in CUSTOM_FIELDS {
        let text = invoice.custom_fields.get(name).map_or("", String::as_str);
        image.insert(name.to_owned(), text.into());
    }
    let places = surcharge_places(&invoice.surcharges, setup)?;
    for n in 0..setup.surcharges.len() {
        let amounts = invoice.surcharges.iter().zip(&places).filter(|(_, place)| **place == n);
        let amount: Decimal = amounts.map(|(surcharge, _)| surcharge.amount).sum();
        image.insert(format!("custom_surcharge{}", n + 1), number(amount));
    }
    image.extend(lines::taxes_image(on_invoice));
    Ok(image)
}

/// Which of the app's four surcharges each is: the one of its name, else a free one.
fn surcharge_places(surcharges: &[Surcharge], setup: &Setup) -> Result<Vec<usize>, Unfit> {
    let named =
        |surcharge: &Surcharge| setup.surcharges.iter().position(|known| known.name == surcharge.name);
    let mut places: Vec<Option<usize>> = surcharges.iter().map(named).collect();
    for place in 0..places.len() {
        if places[place].is_none() {
            places[place] = (0..setup.surcharges.len()).find(|n| !places.contains(&Some(*n)));
        }
    }
    places
        .into_iter()
        .collect::<Option<_>>()
        .ok_or_else(|| Unfit::new("custom_surcharge4", "is the last one"))
}

/// Which taxes stand on the invoice itself, and so on its taxed surcharges: those that stand there now if they still
/// hold for everything, else those of a surcharge, else none. `flags` says which surcharges are taxed; the company's
/// settings decide that.
fn taxes_on_invoice(
    invoice: &Invoice,
    present: &[Tax],
    flags: &[bool],
    setup: &Setup,
) -> Result<Vec<Tax>, Unfit> {
    let places = surcharge_places(&invoice.surcharges, setup)?;
    let of_surcharges = invoice.surcharges.iter().map(|surcharge| surcharge.taxes.as_slice());
    let holds = |taxes: &&[Tax]| {
        let on_lines = invoice.lines.iter().all(|line| lines::without(&line.taxes, taxes).is_some());
        let on_surcharge = |(surcharge, place): (&Surcharge, &usize)| {
            let expected = if flags.get(*place) == Some(&true) { *taxes } else { &[] };
            surcharge.taxes == expected
        };
        on_lines && invoice.surcharges.iter().zip(&places).all(on_surcharge)
    };
    let none: &[Tax] = &[];
    let found = [present].into_iter().chain(of_surcharges).chain([none]).find(holds);
    found.map(<[Tax]>::to_vec).ok_or_else(|| {
        let place = places.first().map_or(1, |place| place + 1);
        Unfit::new(
            &format!("custom_surcharge_tax{place}"),
            "is taxed otherwise than the company's settings and the lines allow",
        )
    })
}
