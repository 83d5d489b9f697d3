//! The lines of an Invoice as lines, surcharges and a discount. None is ever left out.

use quickbooks_wire::{DetailType, Invoice as Wire, Line, Ref, SalesItemLineDetail};
use rust_decimal::Decimal;

use super::taxes::{self, LineTax};
use crate::ids::{BillingId, QuickBooksId};
use crate::mapping::invoice::{Booking, bookings};
use crate::mapping::tax::Taxed;
use crate::mapping::{cents, fields, item};
use crate::model::{Discount, Invoice, InvoiceLine, ProductType, Surcharge, Tax, TaxCategory};
use crate::outcome::{Park, ParkCause};
use crate::reference::{Reference, TaxModel};

/// Decimals of a price that is worked out.
const PRICE_DECIMALS: u32 = 7;

/// What an Item on a line is in the billing app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sold {
    /// A product.
    Product {
        /// Its id, when it is known.
        id: Option<BillingId>,
        /// Its key.
        key: String,
    },
    /// Something of this type that is no product of its own.
    General(ProductType),
    /// A charge beside the lines.
    Surcharge,
    /// A share of the discount.
    Discount,
}

impl Sold {
    /// What the Item that is linked with `id` under `key` stands for.
    pub fn of(id: &BillingId, key: &str) -> Sold {
        if !id.is_stand_in() {
            return Sold::Product { id: Some(id.clone()), key: key.to_owned() };
        }
        match item::general_type(key) {
            Some(item::General::Type(product_type)) => Sold::General(product_type),
            Some(item::General::Surcharges) => Sold::Surcharge,
            Some(item::General::Discounts) => Sold::Discount,
            None => Sold::Product { id: None, key: key.to_owned() },
        }
    }
}

/// The Items on an Invoice's lines, each once, with the names that stand on the lines.
pub(crate) fn items(row: &Wire) -> Vec<(QuickBooksId, String)> {
    let mut items: Vec<(QuickBooksId, String)> = Vec::new();
    for line in flat(row.lines()) {
        let Some(reference) =
            line.sales_item_line_detail.as_ref().and_then(|detail| detail.item_ref.as_ref())
        else {
            continue;
        };
        if let (None, Ok(id)) = (built_in(reference), QuickBooksId::new(reference.id()))
            && !items.iter().any(|(known, _)| *known == id)
        {
            items.push((id, reference.name.clone().unwrap_or_default()));
        }
    }
    items
}

/// What QuickBooks bills by itself, without an Item (Intuit: Invoice, SHIPPING_ITEM_ID and GRATUITY_ITEM_ID).
fn built_in(reference: &Ref) -> Option<&'static str> {
    match reference.id() {
        "SHIPPING_ITEM_ID" => Some("Shipping"),
        "GRATUITY_ITEM_ID" => Some("Gratuity"),
        _ => None,
    }
}

/// The lines that say something: no subtotals, and what is in a bundle instead of the bundle.
fn flat(lines: &[Line]) -> Vec<&Line> {
    let mut flat = Vec::new();
    for line in lines {
        match (&line.detail_type, &line.group_line_detail) {
            (Some(DetailType::SubTotalLineDetail), _) => {}
            (_, Some(group)) if group.line.as_ref().is_some_and(|lines| !lines.is_empty()) => {
                flat.extend(group.line.iter().flatten());
            }
            _ => flat.push(line),
        }
    }
    flat
}

/// What becomes of the lines.
struct Sorted {
    lines: Vec<InvoiceLine>,
    surcharges: Vec<Surcharge>,
    discount: Option<Discount>,
    /// Negative sales that may together be the discount.
    shares: Vec<InvoiceLine>,
}

/// Brings an Invoice's lines onto an invoice. `ours` is the invoice as it is mapped now: a line that still says the
/// same keeps all that QuickBooks does not know of it.
///
/// # Errors
/// An Item without a counterpart, or a tax code that is not known.
pub(super) fn apply(
    invoice: &mut Invoice,
    ours: Option<&Wire>,
    row: &Wire,
    sold: impl Fn(&QuickBooksId) -> Option<Sold>,
    reference: &Reference,
) -> Result<(), Park> {
    let before = invoice.clone();
    if reference.tax_model == TaxModel::Global {
        invoice.taxes_inclusive =
            row.global_tax_calculation == Some(quickbooks_wire::GlobalTaxCalculation::TaxInclusive);
    }
    let known = Known::of(&before, ours);
    let theirs = flat(row.lines());
    let mut same: Vec<Option<usize>> = vec![None; theirs.len()];
    let mut free: Vec<usize> = (0..known.lines.len()).collect();
    for (place, line) in theirs.iter().enumerate() {
        if let Some(found) = free.iter().position(|ours| fields::line_holds(line, &known.lines[*ours])) {
            same[place] = Some(free.remove(found));
        }
    }
    let mut sorted = Sorted { lines: Vec::new(), surcharges: Vec::new(), discount: None, shares: Vec::new() };
    let all_discounts_stay = known.places_of_discounts().all(|place| same.contains(&Some(place)));
    for (place, line) in theirs.iter().enumerate() {
        match same[place].map(|place| known.source(place)) {
            Some(Source::Line(place)) => {
                let mut kept = before.lines[place].clone();
                retax(&mut kept.taxes, &mut kept.tax_category, line, &before, row, reference)?;
                sorted.lines.push(kept);
            }
            Some(Source::Surcharge(place)) => {
                let mut kept = before.surcharges[place].clone();
                let mut category = TaxCategory::Standard;
                retax(&mut kept.taxes, &mut category, line, &before, row, reference)?;
                sorted.surcharges.push(kept);
            }
            Some(Source::Discount) if all_discounts_stay => sorted.discount = before.discount.clone(),
            Some(Source::Discount) | None => {
                let like = free.iter().position(|ours| same_item(line, &known.lines[*ours]));
                let like = like.map(|found| known.source(free.remove(found)));
                let base = match like {
                    Some(Source::Line(place)) => before.lines.get(place),
                    _ => None,
                };
                sorted.add(line, base, invoice.taxes_inclusive, row, &sold, reference)?;
            }
        }
    }
    let is_discount =
        |same: &Option<usize>| same.is_some_and(|place| matches!(known.source(place), Source::Discount));
    let kept = theirs.iter().zip(&same).filter(|(_, same)| all_discounts_stay && is_discount(same));
    let kept: Vec<&Line> = kept.map(|(line, _)| *line).collect();
    (invoice.lines, invoice.surcharges, invoice.discount) =
        (sorted.lines, sorted.surcharges, sorted.discount);
    fix_percentage(invoice, &kept, reference);
    combine(invoice, sorted.shares, reference);
    Ok(())
}

/// QuickBooks keeps a discount as an amount. A percentage that comes to something else now that the lines have changed
/// becomes that amount.
fn fix_percentage(invoice: &mut Invoice, kept: &[&Line], reference: &Reference) {
    if !matches!(invoice.discount, Some(Discount::Percent(_))) || kept.is_empty() {
        return;
    }
    let inclusive = invoice.taxes_inclusive;
    let amount = |line: &&Line| {
        let gross = line.sales_item_line_detail.as_ref().and_then(|detail| detail.tax_inclusive_amt);
        gross.filter(|_| inclusive).or(line.amount).unwrap_or_default().abs()
    };
    let amount: Decimal = kept.iter().map(amount).sum();
    let booked = bookings(invoice, reference).unwrap_or_default();
    let comes_to: Decimal = booked
        .iter()
        .rev()
        .take(kept.len())
        .map(|booking| match booking {
            Booking::Discount(amount) => *amount,
            Booking::Sale(sale) => -sale.gross.unwrap_or(sale.amount),
            Booking::Text(_) => Decimal::ZERO,
        })
        .sum();
    if comes_to != amount {
        invoice.discount = Some(Discount::Amount(amount));
    }
}

/// Where a line of the invoice as it is mapped comes from.
#[derive(Clone, Copy)]
enum Source {
    Line(usize),
    Surcharge(usize),
    Discount,
}

/// The invoice as it is mapped now, line by line.
struct Known<'a> {
    lines: &'a [Line],
    of_lines: usize,
    surcharges: Vec<usize>,
}

impl<'a> Known<'a> {
    fn of(before: &Invoice, ours: Option<&'a Wire>) -> Known<'a> {
        let charged = before.surcharges.iter().enumerate();
        let surcharges = charged.filter(|(_, charge)| !charge.amount.is_zero()).map(|(place, _)| place);
        Known {
            lines: ours.map_or(&[], Wire::lines),
            of_lines: before.lines.len(),
            surcharges: surcharges.collect(),
        }
    }

    /// Lines come first, surcharges after them, the discount last, each in their order.
    fn source(&self, place: usize) -> Source {
        match place.checked_sub(self.of_lines) {
            None => Source::Line(place),
            Some(place) => {
                self.surcharges.get(place).map_or(Source::Discount, |place| Source::Surcharge(*place))
            }
        }
    }

    fn places_of_discounts(&self) -> impl Iterator<Item = usize> {
        self.of_lines + self.surcharges.len()..self.lines.len()
    }
}

fn same_item(theirs: &Line, ours: &Line) -> bool {
    let item = |line: &Line| {
        let detail = line.sales_item_line_detail.as_ref()?;
        Some(detail.item_ref.as_ref()?.id().to_owned())
    };
    item(theirs).is_some() && item(theirs) == item(ours)
}

/// Takes QuickBooks' taxes where they come to something else than the billing app's.
fn retax(
    taxes: &mut Vec<Tax>,
    category: &mut TaxCategory,
    line: &Line,
    before: &Invoice,
    row: &Wire,
    reference: &Reference,
) -> Result<(), Park> {
    let exempt_client = before.client.as_ref().is_some_and(|client| client.tax_exempt);
    let theirs = taxes::of(tax_code(line), row, reference)?;
    if theirs.percent() != (Taxed { taxes, category: *category, exempt_client }).percent() {
        (*taxes, *category) = (theirs.taxes, theirs.category);
    }
    Ok(())
}

fn tax_code(line: &Line) -> Option<&Ref> {
    line.sales_item_line_detail.as_ref()?.tax_code_ref.as_ref()
}

impl Sorted {
    /// Adds a line that is new or changed. `base` is the line that it was.
    fn add(
        &mut self,
        line: &Line,
        base: Option<&InvoiceLine>,
        inclusive: bool,
        row: &Wire,
        sold: impl Fn(&QuickBooksId) -> Option<Sold>,
        reference: &Reference,
    ) -> Result<(), Park> {
        let notes = line.description.clone().unwrap_or_default();
        if let Some(detail) = &line.discount_line_detail {
            let percent = detail.discount_percent.filter(|_| detail.percent_based == Some(true));
            let amount = line.amount.filter(|amount| !amount.is_zero()).map(Discount::Amount);
            self.discount = percent.map(Discount::Percent).or(amount);
            return Ok(());
        }
        let Some(detail) = &line.sales_item_line_detail else {
            // Words, or something that sales forms do not have: its amount is kept all the same.
            let amount = line.amount.unwrap_or_default();
            let quantity = if amount.is_zero() { Decimal::ZERO } else { Decimal::ONE };
            self.lines.push(InvoiceLine { quantity, unit_price: amount, ..worded(notes) });
            return Ok(());
        };
        let tax = taxes::of(detail.tax_code_ref.as_ref(), row, reference)?;
        let shown = shown(line, detail, &tax, inclusive);
        let what = match &detail.item_ref {
            None => Sold::General(ProductType::Service),
            Some(reference) => match built_in(reference) {
                Some(name) => {
                    let name = if notes.is_empty() { name.to_owned() } else { notes };
                    self.surcharges.push(Surcharge { name, amount: shown, taxes: tax.taxes });
                    return Ok(());
                }
                None => counterpart(reference, &sold)?,
            },
        };
        if what == Sold::Surcharge {
            self.surcharges.push(Surcharge { name: notes, amount: shown, taxes: tax.taxes });
            return Ok(());
        }
        let (quantity, unit_price, notes) = priced(detail, shown, notes, inclusive);
        let (product_id, product_key, general) = match &what {
            Sold::Product { id, key } => (id.clone(), key.clone(), None),
            Sold::General(product_type) => (None, String::new(), Some(*product_type)),
            Sold::Surcharge | Sold::Discount => (None, "Discounts".to_owned(), None),
        };
        let known = base.map(|base| base.product_type).unwrap_or_default();
        let sale = InvoiceLine {
            id: base.and_then(|base| base.id.clone()),
            product_id,
            product_key,
            quantity,
            unit_price,
            taxes: tax.taxes,
            tax_category: tax.category,
            product_type: general.unwrap_or(known),
            ..worded(notes)
        };
        if what == Sold::Discount && shown < Decimal::ZERO {
            self.shares.push(sale);
        } else {
            self.lines.push(sale);
        }
        Ok(())
    }
}

fn counterpart(reference: &Ref, sold: impl Fn(&QuickBooksId) -> Option<Sold>) -> Result<Sold, Park> {
    let found = QuickBooksId::new(reference.id()).ok().and_then(|id| sold(&id));
    found.ok_or_else(|| {
        let name = reference.name.as_deref().unwrap_or_else(|| reference.id());
        Park::new(
            ParkCause::MissingRecord,
            format!("The Item \"{name}\" of a line has no product in the billing app."),
            "Bring the Item over, or map it to a product; then retry.",
        )
    })
}

/// A line of nothing but words.
fn worded(notes: String) -> InvoiceLine {
    InvoiceLine {
        id: None,
        product_id: None,
        product_key: String::new(),
        notes,
        quantity: Decimal::ZERO,
        unit_price: Decimal::ZERO,
        discount: None,
        taxes: Vec::new(),
        tax_category: TaxCategory::Standard,
        product_type: ProductType::Service,
    }
}

/// The amount as the billing app shows it: with its tax where prices include it.
fn shown(line: &Line, detail: &SalesItemLineDetail, tax: &LineTax, inclusive: bool) -> Decimal {
    let net = line.amount.unwrap_or_default();
    if !inclusive {
        return net;
    }
    detail
        .tax_inclusive_amt
        .unwrap_or_else(|| cents(net * (Decimal::ONE + tax.percent() / Decimal::ONE_HUNDRED)))
}

/// Quantity and price of one that come to the amount; one piece of the whole, with the quantity in words, if none do.
fn priced(
    detail: &SalesItemLineDetail,
    shown: Decimal,
    notes: String,
    inclusive: bool,
) -> (Decimal, Decimal, String) {
    let quantity = detail.qty.filter(|quantity| !quantity.is_zero());
    let comes_to = |quantity: Decimal, unit: Decimal| {
        quantity.checked_mul(unit).is_some_and(|product| cents(product) == shown)
    };
    if let (Some(quantity), Some(unit), false) = (quantity, detail.unit_price, inclusive)
        && comes_to(quantity, unit)
    {
        return (quantity, unit, notes);
    }
    let Some(quantity) = quantity else { return (Decimal::ONE, shown, notes) };
    let unit = shown.checked_div(quantity).map(|unit| unit.round_dp(PRICE_DECIMALS).normalize());
    match unit.filter(|unit| comes_to(quantity, *unit)) {
        Some(unit) => (quantity, unit, notes),
        None => {
            let quantity = format!("{notes} (quantity {})", quantity.normalize());
            (Decimal::ONE, shown, quantity.trim().to_owned())
        }
    }
}

/// Makes one discount of negative sales that are just what the billing app's discount would be booked as; else they
/// stay lines, so that the taxes stay right.
fn combine(invoice: &mut Invoice, shares: Vec<InvoiceLine>, reference: &Reference) {
    if shares.is_empty() {
        return;
    }
    let amounts: Vec<Decimal> = shares.iter().map(|share| cents(share.quantity * share.unit_price)).collect();
    if invoice.discount.is_none() {
        let whole = Discount::Amount(-amounts.iter().copied().sum::<Decimal>());
        let candidate = Invoice { discount: Some(whole), ..invoice.clone() };
        let booked = bookings(&candidate, reference).unwrap_or_default();
        let discounts = booked.iter().skip(booked.len().saturating_sub(shares.len()));
        let booked_as: Vec<Decimal> = discounts
            .filter_map(|booking| match booking {
                Booking::Sale(sale) => Some(sale.gross.unwrap_or(sale.amount)),
                Booking::Discount(_) | Booking::Text(_) => None,
            })
            .collect();
        if booked_as == amounts {
            *invoice = candidate;
            return;
        }
    }
    invoice.lines.extend(shares);
}
