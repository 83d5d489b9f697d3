use proptest::prelude::*;
use quickbooks_wire::{
    DetailType, DiscountLineDetail, Entity, GroupLineDetail, Line, Ref, SalesItemLineDetail,
    SubTotalLineDetail, TaxLine, TaxLineDetail, TxnTaxDetail,
};

use super::*;
use crate::mapping::fixtures::{billing, decimal, id, invoice as bill, line, reference, tax_code};
use crate::mapping::{cents, fields, item};
use crate::model::{Discount, InvoiceLine, Product, Surcharge, Tax, TaxCategory};
use crate::reference::TaxModel;
use crate::settings::Settings;

/// The invoice in QuickBooks, and the Items on it by their place.
fn there_from(invoice: &Invoice, reference: &Reference) -> Result<(Wire, Vec<Product>), Park> {
    let products = there::products(invoice, reference)?;
    let item = |product: &Product| {
        products.iter().position(|known| known.id == product.id).map(|place| id(&place.to_string()))
    };
    let wire = there::map(invoice, &id("58"), item, &Settings::default(), reference)?;
    Ok((as_answered(wire), products))
}

/// What QuickBooks adds: ids, a subtotal, the total.
fn as_answered(mut wire: Wire) -> Wire {
    let mut lines = wire.line.take().unwrap_or_default();
    for (place, line) in lines.iter_mut().enumerate() {
        (line.id, line.line_num) = (Some((place + 1).to_string()), Some(1));
    }
    lines.push(Line {
        detail_type: Some(DetailType::SubTotalLineDetail),
        sub_total_line_detail: Some(SubTotalLineDetail::default()),
        ..Line::default()
    });
    Wire { line: Some(lines), total_amt: Some(decimal("274.59")), ..wire }
}

fn sold(products: &[Product]) -> impl Fn(&QuickBooksId) -> Option<Sold> {
    |id| {
        let product = products.get(id.as_str().parse::<usize>().ok()?)?;
        Some(Sold::of(&product.id, &product.key))
    }
}

fn back(before: &Invoice, row: &Wire, products: &[Product], reference: &Reference) -> Invoice {
    let ours = there_from(before, reference).ok().map(|(wire, _)| without_answer(wire));
    let client = billing("c-1");
    invoice(before, ours.as_ref(), row, Members::All, &client, sold(products), reference).unwrap()
}

fn without_answer(mut wire: Wire) -> Wire {
    for line in wire.line.iter_mut().flatten() {
        (line.id, line.line_num) = (None, None);
    }
    let is_ours = |line: &Line| line.sub_total_line_detail.is_none();
    wire.line = wire.line.map(|lines| lines.into_iter().filter(is_ours).collect());
    wire
}

fn global() -> Reference {
    let mut zero = tax_code("5", "Zero rated", &[]);
    zero.rates.clear();
    let exempt = crate::reference::TaxCode { id: id("6"), name: "Exempt".into(), ..zero.clone() };
    let none = crate::reference::TaxCode { id: id("7"), name: "No VAT".into(), ..zero.clone() };
    Reference {
        country: "GB".into(),
        tax_model: TaxModel::Global,
        tax_codes: vec![tax_code("4", "Standard", &["20"]), zero, exempt, none],
        ..reference()
    }
}

#[test]
fn a_changed_line_keeps_its_id_and_its_neighbours_keep_all() {
    let mut before = bill();
    before.lines[0].id = Some("l-1".into());
    before.lines[1].id = Some("l-2".into());
    before.lines[1].discount = Some(Discount::Percent(decimal("10")));
    let (mut row, products) = there_from(&before, &reference()).unwrap();
    let changed = &mut row.line.as_mut().unwrap()[0];
    changed.amount = Some(decimal("97"));
    changed.sales_item_line_detail.as_mut().unwrap().qty = Some(decimal("2"));
    let back = back(&before, &row, &products, &reference());
    assert_eq!((back.lines[0].id.as_deref(), back.lines[0].quantity), (Some("l-1"), decimal("2")));
    assert_eq!(back.lines[1], before.lines[1], "its discount is still per cent");
    assert_eq!((back.po_number.as_str(), back.terms.as_str()), ("PO-77", "30 days"));
}

#[test]
fn r48_a_percentage_that_comes_to_something_else_becomes_the_amount_that_quickbooks_kept() {
    for reference in [reference(), Reference { discounts: false, ..reference() }] {
        let before = Invoice { discount: Some(Discount::Percent(decimal("5"))), ..bill() };
        let (mut row, products) = there_from(&before, &reference).unwrap();
        let same = back(&before, &row, &products, &reference);
        assert_eq!(same.discount, before.discount);
        let changed = &mut row.line.as_mut().unwrap()[0];
        changed.amount = Some(decimal("97"));
        changed.sales_item_line_detail.as_mut().unwrap().qty = Some(decimal("2"));
        let back = back(&before, &row, &products, &reference);
        let kept = before.lines.iter().map(|line| line.quantity * line.unit_price).sum::<Decimal>()
            * decimal("0.05");
        assert_eq!(back.discount, Some(Discount::Amount(kept.round_dp(2))));
    }
}

#[test]
fn a_line_that_is_added_moved_or_taken_out_is_followed() {
    let before = bill();
    let (mut row, products) = there_from(&before, &reference()).unwrap();
    let lines = row.line.as_mut().unwrap();
    lines.swap(0, 1);
    let swapped = back(&before, &row, &products, &reference());
    assert_eq!(swapped.lines, [before.lines[1].clone(), before.lines[0].clone()]);
    row.line.as_mut().unwrap().remove(0);
    let shorter = back(&before, &row, &products, &reference());
    assert_eq!(shorter.lines, [before.lines[0].clone()]);
    let words = Line {
        description: Some("Gate code 4711".into()),
        detail_type: Some(DetailType::DescriptionOnly),
        ..Line::default()
    };
    row.line.as_mut().unwrap().push(words);
    let longer = back(&before, &row, &products, &reference());
    assert_eq!(longer.lines[1].notes, "Gate code 4711");
    assert!(longer.lines[1].quantity.is_zero() && longer.lines[1].product_key.is_empty());
}

#[test]
fn bundles_shipping_and_discounts_of_quickbooks_own_come_over() {
    let before = bill();
    let (mut row, products) = there_from(&before, &reference()).unwrap();
    let mut lines = row.line.take().unwrap();
    let bundled: Vec<Line> = lines.drain(..2).collect();
    let sale = |item: &str, amount| Line {
        amount: Some(decimal(amount)),
        detail_type: Some(DetailType::SalesItemLineDetail),
        sales_item_line_detail: Some(SalesItemLineDetail {
            item_ref: Some(Ref::to(item)),
            ..Default::default()
        }),
        ..Line::default()
    };
    row.line = Some(vec![
        Line {
            detail_type: Some(DetailType::GroupLineDetail),
            group_line_detail: Some(GroupLineDetail { line: Some(bundled), ..Default::default() }),
            ..Line::default()
        },
        Line {
            amount: Some(decimal("25.43")),
            detail_type: Some(DetailType::DiscountLineDetail),
            discount_line_detail: Some(DiscountLineDetail {
                percent_based: Some(true),
                discount_percent: Some(decimal("10")),
                ..Default::default()
            }),
            ..Line::default()
        },
        sale("SHIPPING_ITEM_ID", "9.5"),
    ]);
    let back = back(&before, &row, &products, &reference());
    assert_eq!(back.lines, before.lines);
    assert_eq!(back.discount, Some(Discount::Percent(decimal("10"))));
    assert_eq!((back.surcharges[0].name.as_str(), back.surcharges[0].amount), ("Shipping", decimal("9.5")));
}

#[test]
fn r46_automated_sales_tax_comes_over_per_line() {
    let reference = Reference { tax_model: TaxModel::Automated, ..reference() };
    let mut before = bill();
    before.lines[1].tax_category = TaxCategory::Exempt;
    let (mut row, products) = there_from(&before, &reference).unwrap();
    let tax = |percent: &str, rate: &str| TaxLine {
        tax_line_detail: Some(TaxLineDetail {
            tax_percent: Some(decimal(percent)),
            tax_rate_ref: Some(Ref::to(rate)),
            ..Default::default()
        }),
        ..Default::default()
    };
    row.txn_tax_detail = Some(TxnTaxDetail {
        tax_line: Some(vec![tax("5.6", "30"), tax("2.6", "odd")]),
        ..TxnTaxDetail::default()
    });
    let back = back(&before, &row, &products, &reference);
    let taxes: Vec<(&str, Decimal)> =
        back.lines[0].taxes.iter().map(|tax| (tax.name.as_str(), tax.rate)).collect();
    assert_eq!(taxes, [("Tucson 0", decimal("5.6")), ("Sales tax", decimal("2.6"))]);
    assert_eq!(back.lines[1], before.lines[1], "R49");
}

#[test]
fn an_unknown_tax_code_waits_and_an_unknown_item_is_named() {
    let (mut row, products) = there_from(&bill(), &reference()).unwrap();
    let nobody = |_: &QuickBooksId| None;
    let client = billing("c-1");
    let park = new_invoice(&row, billing("i-9"), &client, nobody, &reference()).unwrap_err();
    assert_eq!(park.cause, ParkCause::MissingRecord);
    row.txn_tax_detail = Some(TxnTaxDetail { txn_tax_code_ref: Some(Ref::to("99")), ..Default::default() });
    let park = new_invoice(&row, billing("i-9"), &client, sold(&products), &reference()).unwrap_err();
    assert!(park.cause == ParkCause::Tax && park.reason.contains("99"));
}

#[test]
fn a_memo_is_told_apart_from_the_terms() {
    let (mut row, products) = there_from(&bill(), &reference()).unwrap();
    let memo = |text: &str| Some(quickbooks_wire::MemoRef { value: Some(text.into()) });
    row.customer_memo = memo("Thanks a lot.\n\n30 days");
    let changed = back(&bill(), &row, &products, &reference());
    assert_eq!((changed.public_notes.as_str(), changed.terms.as_str()), ("Thanks a lot.", "30 days"));
    row.customer_memo = memo("Pay now.");
    let changed = back(&bill(), &row, &products, &reference());
    assert_eq!((changed.public_notes.as_str(), changed.terms.as_str()), ("Pay now.", ""));
}

prop_compose! {
    fn any_line()(key in "[A-C]?", quantity in 1_i64..5_000, scale in 0_u32..3, price in 1_i64..9_999_999,
                  decimals in 0_u32..6, percent in 0_i64..100, taxed in any::<bool>()) -> InvoiceLine {
        let rates: &[&str] = if taxed { &["20"] } else { &[] };
        let mut line = line(&key, "1", "1", rates);
        line.quantity = Decimal::new(quantity, scale);
        line.unit_price = Decimal::new(price, decimals);
        line.discount = (percent > 80).then(|| Discount::Percent(Decimal::from(percent - 80)));
        line
    }
}

prop_compose! {
    fn any_invoice()(lines in prop::collection::vec(any_line(), 1..5), discount in 0_i64..300, percent in any::<bool>(),
                     surcharge in 0_i64..2_000, inclusive in any::<bool>(), world in 0..4_usize)
                     -> (Invoice, Reference) {
        let rate = |model| match model {
            0 => Reference { tax_codes: vec![tax_code("2", "State", &["20"])], ..reference() },
            1 => Reference { tax_model: TaxModel::Automated, ..reference() },
            2 => Reference { discounts: false, tax_codes: vec![tax_code("2", "State", &["20"])], ..reference() },
            _ => global(),
        };
        let reference = rate(world);
        let mut invoice = bill();
        invoice.lines = lines;
        invoice.taxes_inclusive = inclusive && world == 3;
        invoice.discount = (discount > 0).then(|| if percent {
            Discount::Percent(Decimal::new(discount, 1))
        } else {
            Discount::Amount(Decimal::new(discount, 2))
        });
        if surcharge > 0 {
            let taxes = vec![Tax { name: String::new(), rate: decimal("20") }];
            invoice.surcharges.push(Surcharge { name: "Fuel".into(), amount: Decimal::new(surcharge, 2), taxes });
        }
        (invoice, reference)
    }
}

proptest! {
    /// What QuickBooks did not change comes back as it was, whatever QuickBooks does not know of it.
    #[test]
    fn r48_there_and_back_keeps_the_invoice((before, reference) in any_invoice()) {
        let Ok((mut row, products)) = there_from(&before, &reference) else { return Ok(()) };
        row.total_amt = Some(before.amount);
        if reference.tax_model == TaxModel::Automated {
            let detail = TaxLineDetail { tax_percent: Some(decimal("20")), ..Default::default() };
            let line = TaxLine { tax_line_detail: Some(detail), ..TaxLine::default() };
            row.txn_tax_detail = Some(TxnTaxDetail { tax_line: Some(vec![line]), ..Default::default() });
            // A line without a tax is taxable all the same (R45).
            prop_assume!(before.lines.iter().all(|line| !line.taxes.is_empty()));
        }
        prop_assert_eq!(back(&before, &row, &products, &reference), before);
    }

    /// A new invoice, sent back to QuickBooks, comes to the same there: no line is lost, no amount changes.
    #[test]
    fn r48_a_new_invoice_comes_to_the_same((before, reference) in any_invoice()) {
        let Ok((row, products)) = there_from(&before, &reference) else { return Ok(()) };
        let client = billing("c-1");
        let new = new_invoice(&row, billing("i-9"), &client, sold(&products), &reference).unwrap();
        let sum = |wire: &Wire| -> Decimal {
            wire.lines().iter().map(|line| match &line.discount_line_detail {
                Some(_) => -line.amount.unwrap_or_default(),
                None => cents(line.amount.unwrap_or_default()),
            }).sum()
        };
        let item = |product: &Product| {
            let key = item::ledger_key(product);
            products.iter().position(|known| item::ledger_key(known) == key).map(|place| id(&place.to_string()))
        };
        prop_assume!(reference.tax_model != TaxModel::Automated);
        let again = there::map(&new, &id("58"), item, &Settings::default(), &reference).unwrap();
        prop_assert_eq!(sum(&again), sum(&row), "{:?}", new);
        let entities: [Entity; 2] = [row.into(), again.into()];
        for name in ["DocNumber", "TxnDate", "DueDate", "CustomerMemo", "PrivateNote"] {
            prop_assert!(fields::holds(&entities[0], &entities[1], name), "{name}");
        }
    }
}
