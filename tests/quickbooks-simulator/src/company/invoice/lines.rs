//! The lines of an invoice.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::company::{
    Company,
    faults::Fault,
    kinds::Kind,
    money::percent_of,
    taxes::Model,
    wire::{self, Members, Object, cents},
    writes::Draft,
};

const SHIPPING: &str = "SHIPPING_ITEM_ID";

/// What is sold, before tax. Subtotal lines are left out; they are written anew.
#[derive(Debug, Default)]
pub(crate) struct Sale {
    /// Items, bundles and texts, in the order of the form.
    lines: Vec<Object>,
    discount: Option<Object>,
    shipping: Option<Object>,
}

impl Sale {
    /// Every line that sells an item, those inside bundles and shipping too.
    pub(crate) fn sales_lines_mut(&mut self) -> Vec<&mut Object> {
        let mut all = Vec::new();
        for line in self.lines.iter_mut().chain(self.shipping.iter_mut()) {
            if line.contains_key("SalesItemLineDetail") {
                all.push(line);
            } else if let Some(inner) =
                line.get_mut("GroupLineDetail").and_then(|detail| detail.get_mut("Line"))
            {
                all.extend(inner.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut));
            }
        }
        all
    }

    /// The sum of the items, without discount, shipping and tax.
    pub(crate) fn subtotal(&self) -> Decimal {
        self.lines.iter().map(amount_with_components).sum()
    }

    pub(crate) fn discount_amount(&self) -> Decimal {
        self.discount.as_ref().map_or(Decimal::ZERO, |line| line.amount_or_zero("Amount"))
    }

    /// The fraction of the subtotal that the discount leaves.
    pub(crate) fn kept_after_discount(&self) -> Decimal {
        let subtotal = self.subtotal();
        if subtotal.is_zero() { Decimal::ONE } else { Decimal::ONE - self.discount_amount() / subtotal }
    }

    /// Subtotal, less discount, plus shipping.
    pub(crate) fn total_before_tax(&self) -> Decimal {
        let shipping = self.shipping.as_ref().map_or(Decimal::ZERO, |line| line.amount_or_zero("Amount"));
        self.subtotal() - self.discount_amount() + shipping
    }

    /// Recalculates a discount in percent.
    pub(crate) fn settle_discount(&mut self) {
        let subtotal = self.subtotal();
        if let Some(line) = &mut self.discount
            && let Some(percent) = percent_of_line(line)
        {
            line.insert("Amount".to_owned(), wire::money(percent_of(subtotal, percent)));
        }
    }

    /// The lines as they are returned: numbered, the subtotal after the items, then discount and shipping.
    pub(crate) fn into_lines(self, last_id: u64) -> Value {
        let subtotal = wire::money(self.subtotal());
        let mut numbering = Numbering { last_id };
        let mut lines: Vec<Value> = Vec::new();
        for (position, line) in self.lines.into_iter().enumerate() {
            lines.push(Value::Object(numbering.number(line, position + 1)));
        }
        lines.push(
            json!({ "Amount": subtotal, "DetailType": "SubTotalLineDetail", "SubTotalLineDetail": {} }),
        );
        lines.extend(self.discount.into_iter().chain(self.shipping).map(|mut line| {
            line.remove("Id");
            line.remove("LineNum");
            Value::Object(line)
        }));
        lines.into()
    }
}

/// Gives ids to the lines that have none.
struct Numbering {
    last_id: u64,
}

impl Numbering {
    fn number(&mut self, mut line: Object, position: usize) -> Object {
        if !line.contains_key("Id") {
            self.last_id += 1;
            line.insert("Id".to_owned(), self.last_id.to_string().into());
        }
        line.insert("LineNum".to_owned(), position.into());
        let inner = line.get_mut("GroupLineDetail").and_then(|detail| detail.get_mut("Line"));
        for (position, value) in inner.and_then(Value::as_array_mut).into_iter().flatten().enumerate() {
            if let Value::Object(object) = value.take() {
                *value = Value::Object(self.number(object, position + 1));
            }
        }
        line
    }
}

fn amount_with_components(line: &Object) -> Decimal {
    match line.get("GroupLineDetail") {
        Some(group) => group.list("Line").iter().map(|line| line.amount_or_zero("Amount")).sum(),
        None => line.amount_or_zero("Amount"),
    }
}

fn percent_of_line(line: &Object) -> Option<Decimal> {
    let detail = line.get("DiscountLineDetail")?;
    detail.amount("DiscountPercent").filter(|_| detail.flag("PercentBased"))
}

/// The ids that the lines of an object have, those inside bundles too.
pub(crate) fn line_ids(object: &Object) -> Vec<u64> {
    let nested =
        |line: &Value| line.get("GroupLineDetail").map_or(Vec::new(), |detail| detail.list("Line").to_vec());
    let lines = object.list("Line");
    let inner: Vec<Value> = lines.iter().flat_map(nested).collect();
    lines.iter().chain(&inner).filter_map(|line| line.text("Id")?.parse().ok()).collect()
}

impl Company {
    /// Reads a draft's lines.
    pub(super) fn sale(&self, draft: &Draft<'_>) -> Result<Sale, Fault> {
        let known = draft.previous.map(line_ids).unwrap_or_default();
        let mut sale = Sale::default();
        for line in draft.object.list("Line") {
            let mut line = line.as_object().cloned().unwrap_or_default();
            forget_unknown_id(&mut line, &known);
            let kind = line.text("DetailType").ok_or_else(|| Fault::missing("Line.DetailType"))?.to_owned();
            match kind.as_str() {
                "SalesItemLineDetail" => {
                    let line = self.settle_sales_line(draft, line)?;
                    if is_shipping(&line) { sale.shipping = Some(line) } else { sale.lines.push(line) }
                }
                "GroupLineDetail" => sale.lines.push(self.settle_bundle(draft, line, &known)?),
                "DescriptionOnly" | "DescriptionLineDetail" => sale.lines.push(settle_text(line)),
                "DiscountLineDetail" if sale.discount.is_some() => {
                    return Err(Fault::business("A transaction can have one discount line only"));
                }
                "DiscountLineDetail" => sale.discount = Some(self.settle_discount_line(line)?),
                "SubTotalLineDetail" => {}
                other => return Err(Fault::invalid_enumeration("Line.DetailType", other)),
            }
        }
        if !sale.lines.iter().any(counts_as_content) {
            return Err(Fault::missing("Line"));
        }
        sale.settle_discount();
        Ok(sale)
    }

    fn settle_sales_line(&self, draft: &Draft<'_>, mut line: Object) -> Result<Object, Fault> {
        if !line.contains_key("Amount") {
            return Err(Fault::missing("Line.Amount"));
        }
        let mut detail = take_detail(&mut line, "SalesItemLineDetail");
        self.settle_price(&line, &mut detail)?;
        if !detail.contains_key("ItemRef") {
            let item =
                self.default_item().ok_or_else(|| Fault::missing("Line.SalesItemLineDetail.ItemRef"))?;
            detail.insert("ItemRef".to_owned(), json!({ "value": item }));
        }
        if detail.reference("ItemRef") == Some(SHIPPING) {
            self.require("AllowShipping", "Shipping")?;
        } else {
            self.settle_item_of_line(draft, &mut detail)?;
        }
        if draft.says("Line") {
            self.settle_label(&mut detail, "ClassRef", Kind::Class, "ClassTrackingPerTxnLine")?;
        }
        line.insert("SalesItemLineDetail".to_owned(), Value::Object(detail));
        line.insert("DetailType".to_owned(), "SalesItemLineDetail".into());
        Ok(line)
    }

    /// In the United States Amount must be UnitPrice times Qty; elsewhere the product overrides it.
    fn settle_price(&self, line: &Object, detail: &mut Object) -> Result<(), Fault> {
        if let Some(price) = detail.amount("UnitPrice") {
            detail.insert("UnitPrice".to_owned(), wire::quantity(wire::unit_price(price)));
        }
        let (Some(price), Some(quantity)) = (detail.amount("UnitPrice"), detail.amount("Qty")) else {
            return Ok(());
        };
        let amount = line.amount_or_zero("Amount");
        if price.is_zero() && quantity.is_zero() {
            detail.remove("UnitPrice");
            detail.remove("Qty");
        } else if self.tax_model() != Model::Global && cents(price * quantity) != amount {
            return Err(Fault::amount_mismatch(&amount.to_string()));
        }
        Ok(())
    }

    fn settle_item_of_line(&self, draft: &Draft<'_>, detail: &mut Object) -> Result<(), Fault> {
        self.settle_reference(detail, "ItemRef", Kind::Item)?;
        let id = detail.reference("ItemRef").unwrap_or_default();
        let Some(item) = self.store.get(Kind::Item, id) else { return Ok(()) };
        if matches!(item.text("Type"), Some("Category" | "Group")) {
            return Err(Fault::business("A category or a bundle cannot be the item of a sales line"));
        }
        if let (Some(start), Some(date)) = (item.text("InvStartDate"), draft.object.text("TxnDate"))
            && date < start
        {
            return Err(Fault::before_inventory_start(item.text("Name").unwrap_or_default()));
        }
        if let Some(account) = item.get("IncomeAccountRef") {
            detail.insert("ItemAccountRef".to_owned(), account.clone());
        }
        Ok(())
    }

    fn settle_bundle(&self, draft: &Draft<'_>, mut line: Object, known: &[u64]) -> Result<Object, Fault> {
        let mut detail = take_detail(&mut line, "GroupLineDetail");
        let Some(id) = detail.reference("GroupItemRef").map(str::to_owned) else {
            return Err(Fault::missing("Line.GroupLineDetail.GroupItemRef"));
        };
        let bundle = self.refer(Kind::Item, &id)?;
        if bundle.text("Type") != Some("Group") {
            return Err(Fault::business("The item of a group line must be a bundle"));
        }
        self.settle_reference(&mut detail, "GroupItemRef", Kind::Item)?;
        let quantity = detail.amount("Quantity").unwrap_or(Decimal::ONE);
        detail.insert("Quantity".to_owned(), wire::quantity(quantity));
        let given = detail.list("Line");
        let lines = if given.is_empty() { self.components(bundle, quantity) } else { given.to_vec() };
        let settled = lines.into_iter().map(|inner| {
            let mut inner = inner.as_object().cloned().unwrap_or_default();
            forget_unknown_id(&mut inner, known);
            self.settle_sales_line(draft, inner).map(Value::Object)
        });
        detail.insert("Line".to_owned(), Value::Array(settled.collect::<Result<_, _>>()?));
        line.insert("Amount".to_owned(), wire::money(Decimal::ZERO));
        line.insert("GroupLineDetail".to_owned(), Value::Object(detail));
        Ok(line)
    }

    /// The lines that a bundle stands for, at the items' own prices.
    fn components(&self, bundle: &Object, bundles: Decimal) -> Vec<Value> {
        let group = bundle.get("ItemGroupDetail").map_or(&[][..], |detail| detail.list("ItemGroupLine"));
        let lines = group.iter().filter_map(|component| {
            let id = component.reference("ItemRef")?;
            let item = self.store.get(Kind::Item, id)?;
            let quantity = component.amount_or_zero("Qty") * bundles;
            let price = item.amount_or_zero("UnitPrice");
            let code = if item.flag("Taxable") { "TAX" } else { "NON" };
            Some(json!({
                "Amount": wire::money(price * quantity),
                "DetailType": "SalesItemLineDetail",
                "SalesItemLineDetail": {
                    "ItemRef": { "value": id }, "UnitPrice": wire::quantity(price), "Qty": wire::quantity(quantity),
                    "TaxCodeRef": { "value": code },
                },
            }))
        });
        lines.collect()
    }

    fn settle_discount_line(&self, mut line: Object) -> Result<Object, Fault> {
        self.require("AllowDiscount", "Discount")?;
        let mut detail = take_detail(&mut line, "DiscountLineDetail");
        let percent = detail.amount("DiscountPercent").filter(|_| detail.flag("PercentBased"));
        match (percent, line.amount("Amount")) {
            (None, None) => return Err(Fault::discount_without_amount()),
            (None, Some(amount)) if amount < Decimal::ZERO => {
                return Err(Fault::negative_amount("Line.Amount"));
            }
            (Some(percent), _) if percent < Decimal::ZERO || percent > Decimal::ONE_HUNDRED => {
                return Err(Fault::out_of_range(
                    "Line.DiscountLineDetail.DiscountPercent",
                    &percent.to_string(),
                ));
            }
            _ => {}
        }
        if detail.flag("PercentBased") && percent.is_none() {
            return Err(Fault::discount_without_amount());
        }
        if !detail.contains_key("PercentBased") {
            detail.insert("PercentBased".to_owned(), false.into());
        }
        if let Some(account) =
            self.preference("SalesFormsPrefs").and_then(|prefs| prefs.get("DefaultDiscountAccount"))
            && !detail.contains_key("DiscountAccountRef")
        {
            detail.insert("DiscountAccountRef".to_owned(), json!({ "value": account }));
        }
        self.settle_reference(&mut detail, "DiscountAccountRef", Kind::Account)?;
        line.insert("DiscountLineDetail".to_owned(), Value::Object(detail));
        Ok(line)
    }

    /// Refuses what a sales form setting does not allow.
    pub(super) fn require(&self, setting: &str, what: &str) -> Result<(), Fault> {
        let allowed = self.preference("SalesFormsPrefs").is_some_and(|prefs| prefs.flag(setting));
        if allowed {
            Ok(())
        } else {
            Err(Fault::business(&format!("{what} is turned off in the company's settings")))
        }
    }

    fn default_item(&self) -> Option<String> {
        let pairs = self.preference("OtherPrefs")?.list("NameValue");
        let item = pairs
            .iter()
            .find(|pair| pair.text("Name") == Some("SalesFormsPrefs.DefaultItem"))?
            .text("Value")?;
        self.store.get(Kind::Item, item).map(|_| item.to_owned())
    }
}

fn take_detail(line: &mut Object, name: &str) -> Object {
    match line.remove(name) {
        Some(Value::Object(detail)) => detail,
        _ => Object::new(),
    }
}

/// An unknown line id makes a new line.
fn forget_unknown_id(line: &mut Object, known: &[u64]) {
    let id = line.text("Id").and_then(|id| id.parse().ok());
    if !id.is_some_and(|id| known.contains(&id)) {
        line.remove("Id");
    }
}

fn is_shipping(line: &Object) -> bool {
    line.get("SalesItemLineDetail").and_then(|detail| detail.reference("ItemRef")) == Some(SHIPPING)
}

fn settle_text(mut line: Object) -> Object {
    line.remove("Amount");
    line.insert("DetailType".to_owned(), "DescriptionOnly".into());
    line.entry("DescriptionLineDetail").or_insert_with(|| json!({}));
    line
}

/// An invoice needs an item or an inline subtotal.
fn counts_as_content(line: &Object) -> bool {
    line.text("DetailType") != Some("DescriptionOnly")
        || line.text("Description").is_some_and(|text| text.starts_with("Subtotal:"))
}
