//! An invoice as an Invoice.
//!
//! What the billing app calculates is first broken into bookable amounts ([`bookings`]): every line, surcharge and
//! discount, none left out, each with the product it stands for. Then each gets its Item and its tax code.

mod amounts;
mod custom;
pub mod keep;
#[cfg(test)]
mod properties;

use quickbooks_wire::{
    DescriptionLineDetail, DetailType, DiscountLineDetail, Entity, GlobalTaxCalculation, Invoice as Wire,
    Line, MemoRef, Ref, SalesItemLineDetail, TxnTaxDetail,
};
use rust_decimal::Decimal;

use super::{exchange_rate, foreign_currency, tax, text};
use crate::ids::QuickBooksId;
use crate::model::{Invoice, Product};
use crate::outcome::{Park, ParkCause};
use crate::reference::{Reference, TaxModel, Tracked};
use crate::settings::Settings;

pub use amounts::{Booking, bookings};
pub use custom::notes as custom_field_notes;

/// The longest DocNumber (Intuit: Invoice).
const DOC_NUMBER: usize = 21;

/// The number as QuickBooks keeps it: the last 21 characters, since the end tells one from the next.
pub fn doc_number(invoice: &Invoice) -> Option<String> {
    text::some(text::tail(&invoice.number, DOC_NUMBER))
}

/// The products that the invoice's lines stand for, each once.
///
/// # Errors
/// Amounts that cannot be booked.
pub fn products(invoice: &Invoice, reference: &Reference) -> Result<Vec<Product>, Park> {
    let mut products: Vec<Product> = Vec::new();
    for booking in bookings(invoice, reference)? {
        if let Some(product) = booking.product()
            && !products.iter().any(|known| known.id == product.id)
        {
            products.push(product.clone());
        }
    }
    Ok(products)
}

/// The Invoice that stands for an invoice. `item` gives the Item of a product that [`products`] named.
///
/// # Errors
/// Amounts, taxes or a currency that cannot be booked as they are; a product without an Item.
pub fn map(
    invoice: &Invoice,
    customer: &QuickBooksId,
    item: impl Fn(&Product) -> Option<QuickBooksId>,
    settings: &Settings,
    reference: &Reference,
) -> Result<Wire, Park> {
    tax_on_top(invoice, reference)?;
    let bookings = bookings(invoice, reference)?;
    let currency = foreign_currency(invoice.currency.as_deref(), reference)?;
    let rate = exchange_rate(currency, invoice.exchange_rate, reference)?;
    let per_line = reference.classes.as_ref().is_some_and(|classes| classes.per_line);
    let class = settings.class.as_ref().filter(|_| reference.classes.is_some());
    let location = settings.location.as_ref().filter(|_| reference.locations.is_some());
    let of_line = class.filter(|_| per_line);
    let lines: Result<Vec<Line>, Park> =
        bookings.iter().map(|booking| line(booking, &item, of_line, reference)).collect();
    let united_states = !is_elsewhere(reference);
    Ok(Wire {
        doc_number: doc_number(invoice),
        txn_date: Some(invoice.date.to_string()),
        due_date: invoice.due_date.map(|date| date.to_string()),
        customer_ref: Some(Ref::to(customer.as_str())),
        line: Some(lines?),
        txn_tax_detail: tax_detail(&bookings, reference)?,
        global_tax_calculation: (!united_states).then(|| tax_calculation(invoice, reference)),
        apply_tax_after_discount: united_states.then_some(true),
        customer_memo: customer_memo(invoice),
        private_note: private_note(invoice),
        currency_ref: currency.map(Ref::to),
        exchange_rate: rate,
        class_ref: class.filter(|_| !per_line).map(|id| Ref::to(id.as_str())),
        department_ref: location.map(|id| Ref::to(id.as_str())),
        custom_field: custom::fields(invoice, settings, reference),
        ..Wire::default()
    })
}

/// Whether the invoice can be booked, once its Customer and Items are there.
///
/// # Errors
/// As [`map`].
pub fn check(invoice: &Invoice, settings: &Settings, reference: &Reference) -> Result<(), Park> {
    let any = QuickBooksId::placeholder();
    map(invoice, &any, |_| Some(any.clone()), settings, reference).map(drop)
}

/// Whether the class and the location that are chosen for new Invoices can be used. They are told once, with the new
/// Invoice: later they are the bookkeeper's to change.
///
/// # Errors
/// A class or a location that is not active.
pub fn check_labels(settings: &Settings, reference: &Reference) -> Result<(), Park> {
    let classes = reference.classes.as_ref().map(|classes| &classes.all);
    let is_gone = |chosen: &Option<QuickBooksId>, known: Option<&Vec<Tracked>>| {
        let missing = |id: &QuickBooksId| known.is_some_and(|all| all.iter().all(|one| one.id != *id));
        chosen.clone().filter(missing)
    };
    let gone = is_gone(&settings.class, classes).map(|id| ("class", id));
    let gone =
        gone.or_else(|| is_gone(&settings.location, reference.locations.as_ref()).map(|id| ("location", id)));
    match gone {
        None => Ok(()),
        Some((name, id)) => Err(Park::new(
            ParkCause::Settings,
            format!("The {name} {id} that is chosen for invoices is not active in QuickBooks."),
            format!("Choose another {name} in the settings, or make it active in QuickBooks; then retry."),
        )),
    }
}

fn is_elsewhere(reference: &Reference) -> bool {
    !matches!(reference.country.as_str(), "US" | "USA" | "")
}

/// Makes sure that QuickBooks' own tax can be put on top of the prices.
fn tax_on_top(invoice: &Invoice, reference: &Reference) -> Result<(), Park> {
    match reference.tax_model {
        TaxModel::Automated if invoice.taxes_inclusive => Err(Park::new(
            ParkCause::Tax,
            "Its prices include their tax, but with automated sales tax QuickBooks works the tax out and puts it on top.",
            "Switch inclusive taxes off for the invoice in the billing app and save it.",
        )),
        _ => Ok(()),
    }
}

/// Required outside the United States, not applicable inside (Intuit: Invoice, GlobalTaxCalculation).
fn tax_calculation(invoice: &Invoice, reference: &Reference) -> GlobalTaxCalculation {
    match reference.tax_model {
        TaxModel::Off => GlobalTaxCalculation::NotApplicable,
        _ if invoice.taxes_inclusive => GlobalTaxCalculation::TaxInclusive,
        _ => GlobalTaxCalculation::TaxExcluded,
    }
}

/// The tax code of the whole invoice, where there is one (manual sales tax).
fn tax_detail(bookings: &[Booking], reference: &Reference) -> Result<Option<TxnTaxDetail>, Park> {
    if reference.tax_model != TaxModel::Manual {
        return Ok(None);
    }
    let taxed: Vec<tax::Taxed<'_>> = bookings.iter().filter_map(Booking::taxed).collect();
    let code = tax::invoice_code(&taxed, reference)?;
    Ok(code.map(|code| TxnTaxDetail {
        txn_tax_code_ref: Some(Ref::to(code.as_str())),
        ..TxnTaxDetail::default()
    }))
}

fn line(
    booking: &Booking,
    item: impl Fn(&Product) -> Option<QuickBooksId>,
    class: Option<&QuickBooksId>,
    reference: &Reference,
) -> Result<Line, Park> {
    match booking {
        Booking::Text(notes) => Ok(Line {
            description: text::some(text::paragraph(notes, 4000)),
            detail_type: Some(DetailType::DescriptionOnly),
            description_line_detail: Some(DescriptionLineDetail::default()),
            ..Line::default()
        }),
        Booking::Discount(amount) => Ok(Line {
            amount: Some(*amount),
            detail_type: Some(DetailType::DiscountLineDetail),
            discount_line_detail: Some(DiscountLineDetail {
                percent_based: Some(false),
                ..Default::default()
            }),
            ..Line::default()
        }),
        Booking::Sale(sale) => {
            let product = &sale.product;
            let item = item(product).ok_or_else(|| missing_item(product))?;
            let inclusive = sale.gross.filter(|_| reference.tax_model == TaxModel::Global);
            Ok(Line {
                description: text::some(text::paragraph(&sale.description, 4000)),
                amount: Some(sale.amount),
                detail_type: Some(DetailType::SalesItemLineDetail),
                sales_item_line_detail: Some(SalesItemLineDetail {
                    item_ref: Some(Ref::to(item.as_str())),
                    qty: sale.price.map(|(quantity, _)| quantity),
                    unit_price: sale.price.map(|(_, unit)| unit),
                    tax_code_ref: tax::line_code(sale.taxed(), reference)?.map(Ref::to),
                    tax_inclusive_amt: inclusive,
                    class_ref: class.map(|id| Ref::to(id.as_str())),
                    ..SalesItemLineDetail::default()
                }),
                ..Line::default()
            })
        }
    }
}

fn missing_item(product: &Product) -> Park {
    Park::new(
        ParkCause::MissingRecord,
        format!("The product \"{}\" of a line has no Item in QuickBooks.", product.key),
        "Map the product to an Item, then retry.",
    )
}

/// What the client reads on the document.
fn customer_memo(invoice: &Invoice) -> Option<MemoRef> {
    let parts = [invoice.public_notes.trim(), invoice.terms.trim()];
    let memo = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n\n");
    text::some(text::paragraph(&memo, 1000)).map(|memo| MemoRef { value: Some(memo) })
}

/// What only the bookkeeper reads: the notes, the buyer's order number, and a number that did not fit.
fn private_note(invoice: &Invoice) -> Option<String> {
    let mut parts = vec![invoice.private_notes.trim().to_owned()];
    let order = text::line(&invoice.po_number, 200);
    if !order.is_empty() {
        parts.push(format!("PO number: {order}"));
    }
    if doc_number(invoice).as_deref().unwrap_or_default() != text::line(&invoice.number, usize::MAX) {
        parts.push(format!("Invoice number: {}", text::line(&invoice.number, 500)));
    }
    parts.retain(|part| !part.is_empty());
    text::some(text::paragraph(&parts.join("\n"), 4000))
}

/// The difference between the two sides' totals, when it is more than a cent (D15).
pub fn difference(billing: Decimal, booked: &Wire) -> Option<(Decimal, Decimal)> {
    let total = booked.total_amt?;
    differ(billing, total).then_some((billing, total))
}

/// Whether two totals are more than a cent apart.
pub fn differ(one: Decimal, other: Decimal) -> bool {
    one.saturating_sub(other).abs() > Decimal::new(1, 2)
}

/// What a person should know of an Invoice that is paid the moment it is created: QuickBooks applies credits by itself
/// if it is set so (Intuit: Preferences, AutoApplyCredit), and a payment that the billing app has for it then finds less
/// to pay.
pub fn credit_applied(created: &Entity) -> Option<String> {
    let Entity::Invoice(created) = created else { return None };
    let applied = created.total_amt?.saturating_sub(created.balance?);
    (applied > Decimal::ZERO).then(|| {
        format!(
            "QuickBooks has applied {applied:.2} of the client's credit to it by itself (its setting \"Automatically apply credits\" is on)."
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::fields;
    use crate::mapping::fixtures::{decimal, id, invoice, json, line, reference, tax_code};
    use crate::model::{Discount, Surcharge, Tax, TaxCategory};
    use crate::reference::Classes;

    fn mapped(invoice: &Invoice, reference: &Reference) -> Result<Wire, Park> {
        mapped_with(invoice, &Settings::default(), reference)
    }

    fn mapped_with(invoice: &Invoice, settings: &Settings, reference: &Reference) -> Result<Wire, Park> {
        let known = products(invoice, reference)?;
        let place = |product: &Product| known.iter().position(|other| other.id == product.id);
        let item = |product: &Product| place(product).map(|place| id(&format!("{}", place + 1)));
        map(invoice, &id("58"), item, settings, reference)
    }

    /// A company that tracks both, and what it has chosen.
    fn labelled(per_line: bool) -> (Settings, Reference) {
        let tracked = |code: &str| Tracked { id: id(code), name: format!("Name of {code}") };
        let settings = Settings { class: Some(id("7")), location: Some(id("9")), ..Settings::default() };
        let reference = Reference {
            classes: Some(Classes { per_line, all: vec![tracked("7")] }),
            locations: Some(vec![tracked("9")]),
            ..reference()
        };
        (settings, reference)
    }

    #[test]
    fn point_49_class_and_location_stand_where_quickbooks_tracks_them() {
        let (settings, on_the_whole) = labelled(false);
        let plain = mapped(&invoice(), &on_the_whole).unwrap();
        let whole = mapped_with(&invoice(), &settings, &on_the_whole).unwrap();
        assert_eq!((&whole.class_ref, &whole.department_ref), (&Some(Ref::to("7")), &Some(Ref::to("9"))));
        assert_eq!(whole.line, plain.line);
        let (_, per_line) = labelled(true);
        let lines = mapped_with(&invoice(), &settings, &per_line).unwrap();
        assert_eq!((&lines.class_ref, &lines.department_ref), (&None, &Some(Ref::to("9"))));
        insta::assert_snapshot!(json(&lines.line));
        let untracked = mapped_with(&invoice(), &settings, &reference()).unwrap();
        assert_eq!(untracked, mapped(&invoice(), &reference()).unwrap());
        let digests = |wire: &Wire| fields::fingerprints(&wire.clone().into());
        assert_eq!(digests(&whole), digests(&plain), "later they are the bookkeeper's");
        assert_eq!(digests(&lines), digests(&plain));
    }

    #[test]
    fn point_49_a_class_or_a_location_that_is_inactive_is_named() {
        let (settings, reference) = labelled(true);
        assert_eq!(check_labels(&settings, &reference), Ok(()));
        let told = |settings: &Settings| check_labels(settings, &reference).unwrap_err().reason;
        let other_class = Settings { class: Some(id("70")), ..settings.clone() };
        assert!(told(&other_class).starts_with("The class 70"));
        let other_place = Settings { location: Some(id("90")), ..settings };
        assert!(told(&other_place).starts_with("The location 90"));
        let untracked = crate::mapping::fixtures::reference();
        assert_eq!(check_labels(&other_class, &untracked), Ok(()), "nothing is sent");
    }

    #[test]
    fn a_whole_invoice_with_manual_sales_tax() {
        insta::assert_snapshot!(json(&mapped(&invoice(), &reference()).unwrap()));
    }

    #[test]
    fn discounts_surcharges_text_and_lines_without_a_product_are_all_booked() {
        let mut invoice = invoice();
        invoice.lines[0].discount = Some(Discount::Percent(decimal("10")));
        invoice.lines.push(line("", "1", "25", &["8"]));
        let mut words = line("", "0", "0", &[]);
        words.notes = "Work done in the back garden".into();
        invoice.lines.push(words);
        invoice.discount = Some(Discount::Percent(decimal("5")));
        let tax = vec![Tax { name: String::new(), rate: decimal("8") }];
        invoice.surcharges.push(Surcharge { name: "Fuel".into(), amount: decimal("7.5"), taxes: tax });
        insta::assert_snapshot!(json(&mapped(&invoice, &reference()).unwrap()));
    }

    #[test]
    fn automated_sales_tax_leaves_the_tax_to_quickbooks() {
        let mut invoice = invoice();
        invoice.lines[1].tax_category = TaxCategory::Exempt;
        let reference = Reference { tax_model: TaxModel::Automated, ..reference() };
        let wire = mapped(&invoice, &reference).unwrap();
        let code =
            |line: &Line| line.sales_item_line_detail.clone().unwrap().tax_code_ref.unwrap().value.unwrap();
        assert_eq!(wire.lines().iter().map(code).collect::<Vec<_>>(), ["TAX", "NON"], "R45, R49");
        assert_eq!((wire.txn_tax_detail, wire.global_tax_calculation), (None, None));
    }

    #[test]
    fn prices_with_their_tax_are_split_outside_the_united_states() {
        let mut invoice = invoice();
        invoice.taxes_inclusive = true;
        invoice.lines = vec![line("Mulch", "3", "101.82", &["10"])];
        let reference = Reference {
            country: "AU".into(),
            tax_model: TaxModel::Global,
            tax_codes: vec![tax_code("4", "GST", &["10"])],
            ..reference()
        };
        insta::assert_snapshot!(json(&mapped(&invoice, &reference).unwrap().line));
    }

    #[test]
    fn long_numbers_keep_their_end_and_stay_readable() {
        let mut invoice = invoice();
        invoice.number = "NORTHERN-BRANCH/2026/000123".into();
        let wire = mapped(&invoice, &reference()).unwrap();
        assert_eq!(wire.doc_number.as_deref(), Some("RN-BRANCH/2026/000123"));
        assert!(wire.private_note.unwrap().contains("Invoice number: NORTHERN-BRANCH/2026/000123"));
    }

    #[test]
    fn foreign_currency_needs_a_rate() {
        let mut invoice = invoice();
        invoice.currency = Some("EUR".into());
        assert_eq!(mapped(&invoice, &reference()).unwrap_err().cause, ParkCause::Currency);
        let reference = Reference { multi_currency: true, ..reference() };
        assert!(
            mapped(&invoice, &reference).unwrap_err().reason.contains("no exchange rate"),
            "never 1:1 (D14)"
        );
        invoice.exchange_rate = Some(decimal("1.08"));
        let wire = mapped(&invoice, &reference).unwrap();
        assert_eq!((wire.currency_ref, wire.exchange_rate), (Some(Ref::to("EUR")), Some(decimal("1.08"))));
    }

    #[test]
    fn totals_are_compared_to_the_cent() {
        let invoice = invoice();
        let booked = |total: &str| Wire { total_amt: Some(decimal(total)), ..Wire::default() };
        assert_eq!(
            difference(invoice.amount, &booked("274.60")),
            None,
            "a cent of rounding is allowed (D15)"
        );
        assert!(difference(invoice.amount, &booked("274.61")).is_some());
    }
}
