//! What the business does for its clients: the invoices' contents, before client and number.

use super::products;
use anyhow::Context;
use sync::model::{Discount, InvoiceLine, Product, ProductType, Surcharge, Tax, TaxCategory};

/// A reduction, in per cent or in money.
#[derive(Clone, Copy)]
enum Less {
    Percent(&'static str),
    Amount(&'static str),
}

use Less::{Amount, Percent};

/// One line of a job.
enum Sold {
    /// A product of the list, and how many.
    Product(&'static str, &'static str),
    /// The same at a lower price.
    Reduced(&'static str, &'static str, Less),
    /// Something that only lines name: key, quantity, price.
    Unlisted(&'static str, &'static str, &'static str),
    /// Work without a product: text, quantity, price.
    Free(&'static str, &'static str, &'static str),
    /// Only words.
    Words(&'static str),
}

use Sold::{Free, Product as P, Reduced, Unlisted, Words};

#[derive(Clone, Copy)]
struct Job {
    lines: &'static [Sold],
    discount: Option<Less>,
    /// Name, amount, and whether it is taxed.
    surcharge: Option<(&'static str, &'static str, bool)>,
}

const fn job(lines: &'static [Sold]) -> Job {
    Job { lines, discount: None, surcharge: None }
}

const fn less(discount: Less, job: Job) -> Job {
    Job { discount: Some(discount), ..job }
}

const fn plus(name: &'static str, amount: &'static str, taxed: bool, job: Job) -> Job {
    Job { surcharge: Some((name, amount, taxed)), ..job }
}

/// A product that the billing app learns of after it was billed.
pub(super) const LATE_PRODUCT: &str = "Stump Grinding";
/// A product that the billing app never tells of by itself.
pub(super) const UNTOLD_PRODUCT: &str = "Hedge Sculpting";

/// Goods are taxed where the client lives, services are not.
const JOBS: &[Job] = &[
    job(&[P("Lawn Care", "4"), P("Weeding", "2.5")]),
    job(&[P("Planting", "6.5"), P("Topsoil", "20"), P("Lavender", "12")]),
    job(&[P("Gravel", "0.333"), P("Paving Slab", "48")]),
    job(&[Reduced("Garden Design", "12", Percent("10")), Words("Drawings were sent on Monday.")]),
    job(&[Reduced("pruning", "7.25", Amount("30")), P("Leaf Clearing", "1")]),
    less(Percent("5"), job(&[P("Rose Bush", "7"), P("Compost", "1.75")])),
    less(Percent("7.5"), job(&[P("Planting", "3"), P("Olive Tree", "2")])),
    less(Amount("25"), job(&[P("Tree Felling", "1"), P("Hedge Trimming", "38.5")])),
    plus("Fuel", "18.50", false, job(&[P("Pond Cleaning", "1"), P("Irrigation Check", "2")])),
    plus("Delivery", "39.90", true, job(&[P("Cedar Fencing", "9"), P("Soil and Turf:Bark Mulch", "14")])),
    job(&[Free("Fetching a ladder from the roof", "1", "35"), P("Call-out", "1")]),
    job(&[Unlisted(LATE_PRODUCT, "2", "110"), P("Tree Felling", "2")]),
    job(&[P("Seedlings", "6"), P("Workshop", "4"), P("Herb Starter Kit", "4")]),
    job(&[
        P("Garden Design", "1.5"),
        P("Garden Plan", "1"),
        P("Topsoil", "35"),
        P("Compost", "2.4"),
        P("Lavender", "60"),
        P("Rose Bush", "5"),
        P("Garden Bench", "1"),
        P("Planting", "11"),
    ]),
    job(&[
        P("Snow Clearing", "3"),
        Reduced("Leaf Clearing", "1", Percent("100")),
        Words("The last visit is on us."),
    ]),
    less(
        Percent("3"),
        plus("Skip hire", "64", false, job(&[Unlisted(UNTOLD_PRODUCT, "5", "47.20"), P("Weeding", "9")])),
    ),
];

/// The contents of an invoice.
pub(super) struct Contents {
    pub(super) lines: Vec<InvoiceLine>,
    pub(super) discount: Option<Discount>,
    pub(super) surcharges: Vec<Surcharge>,
}

/// The contents of the `n`th invoice. `taxes` are those of taxed goods at the client's.
pub(super) fn contents(n: usize, taxes: &[Tax], products: &[products::Listed]) -> anyhow::Result<Contents> {
    let job = JOBS.get(n % JOBS.len()).context("there is no job")?;
    let mut lines =
        job.lines.iter().map(|sold| line(sold, taxes, products)).collect::<anyhow::Result<Vec<_>>>()?;
    // The same job is larger the next time.
    if let Some(first) = lines.first_mut() {
        first.quantity += rust_decimal::Decimal::from(n / JOBS.len());
    }
    let surcharges = job.surcharge.map(|(name, amount, taxed)| {
        let taxes = if taxed { taxes.to_vec() } else { Vec::new() };
        anyhow::Ok(Surcharge { name: name.into(), amount: amount.parse()?, taxes })
    });
    Ok(Contents {
        lines,
        discount: job.discount.map(discount).transpose()?,
        surcharges: surcharges.transpose()?.into_iter().collect(),
    })
}

/// A line of a product.
pub(super) fn product_line(product: &Product, quantity: &str, taxes: &[Tax]) -> anyhow::Result<InvoiceLine> {
    let taxed = product.product_type == ProductType::Goods && product.tax_category == TaxCategory::Standard;
    let zero = Tax { name: "Zero rate".into(), rate: rust_decimal::Decimal::ZERO };
    Ok(InvoiceLine {
        product_id: Some(product.id.clone()),
        product_key: product.key.clone(),
        unit_price: product.price.unwrap_or_default(),
        taxes: match product.tax_category {
            TaxCategory::ZeroRated => vec![zero],
            _ if taxed => taxes.to_vec(),
            _ => Vec::new(),
        },
        tax_category: product.tax_category,
        product_type: product.product_type,
        ..free_line(&product.notes, quantity, "0")?
    })
}

fn line(sold: &Sold, taxes: &[Tax], products: &[products::Listed]) -> anyhow::Result<InvoiceLine> {
    let listed = |key: &str| {
        let found = products.iter().find(|listed| listed.product.key == key);
        found.map(|listed| &listed.product).with_context(|| format!("there is no product {key}"))
    };
    match sold {
        P(key, quantity) => product_line(listed(key)?, quantity, taxes),
        Reduced(key, quantity, less) => Ok(InvoiceLine {
            discount: Some(discount(*less)?),
            ..product_line(listed(key)?, quantity, taxes)?
        }),
        Unlisted(key, quantity, price) => {
            Ok(InvoiceLine { product_key: (*key).into(), ..free_line(key, quantity, price)? })
        }
        Free(text, quantity, price) => free_line(text, quantity, price),
        Words(text) => free_line(text, "0", "0"),
    }
}

fn free_line(notes: &str, quantity: &str, price: &str) -> anyhow::Result<InvoiceLine> {
    Ok(InvoiceLine {
        id: None,
        product_id: None,
        product_key: String::new(),
        notes: notes.into(),
        quantity: quantity.parse().context("a quantity")?,
        unit_price: price.parse().context("a price")?,
        discount: None,
        taxes: Vec::new(),
        tax_category: TaxCategory::Standard,
        product_type: ProductType::Service,
    })
}

fn discount(less: Less) -> anyhow::Result<Discount> {
    Ok(match less {
        Percent(percent) => Discount::Percent(percent.parse()?),
        Amount(amount) => Discount::Amount(amount.parse()?),
    })
}
