//! Products and services.

use rust_decimal::Decimal;

use super::{
    Company,
    faults::Fault,
    kinds::Kind,
    taxes::Model,
    wire::{self, Members, Object},
    writes::Draft,
};

/// Intuit: Item, UnitPrice.
const HIGHEST_PRICE: u64 = 99_999_999_999;

impl Company {
    pub(crate) fn settle_item(&self, mut draft: Draft<'_>) -> Result<Object, Fault> {
        if !draft.object.contains_key("Name") {
            return Err(Fault::missing("Name"));
        }
        if draft.previous.is_some() && !draft.object.contains_key("Type") {
            draft.keep("Type");
        }
        let kind = draft.object.text("Type").ok_or_else(|| Fault::missing("Type"))?.to_owned();
        refuse_change_of_type(&draft, &kind)?;
        draft.default("Active", true);
        if draft.object.flag("SubItem") != draft.object.contains_key("ParentRef") {
            return Err(Fault::parent_flag("SubItem"));
        }
        if !draft.object.flag("SubItem") {
            draft.object.remove("SubItem");
        }
        match kind.as_str() {
            "Category" => settle_category(&mut draft)?,
            "Group" => settle_group(&mut draft)?,
            _ => self.settle_sold_item(&mut draft, &kind)?,
        }
        self.settle_item_place(draft)
    }

    fn settle_item_place(&self, draft: Draft<'_>) -> Result<Object, Fault> {
        let mut object = draft.object;
        if let Some(parent) = object.reference("ParentRef") {
            let parent = self
                .store
                .get(Kind::Item, parent)
                .ok_or_else(|| Fault::no_such_reference("Items", parent))?;
            if parent.text("Type") != Some("Category") {
                return Err(Fault::invalid_parent("The parent of an item must be a category"));
            }
        }
        self.settle_reference(&mut object, "ParentRef", Kind::Item)?;
        self.settle_name(Kind::Item, &mut object, draft.previous)?;
        self.settle_place(Kind::Item, &mut object)?;
        Ok(object)
    }

    fn settle_sold_item(&self, draft: &mut Draft<'_>, kind: &str) -> Result<(), Fault> {
        for member in ["UnitPrice", "PurchaseCost"] {
            draft.default(member, wire::quantity(Decimal::ZERO));
            let price = draft.object.amount_or_zero(member);
            if price.abs() > Decimal::from(HIGHEST_PRICE) {
                return Err(Fault::out_of_range(member, &price.to_string()));
            }
        }
        draft.default("Taxable", self.tax_model() == Model::Automated);
        draft.default("TrackQtyOnHand", kind == "Inventory");
        draft.object.remove("ItemGroupDetail");
        draft.object.remove("PrintGroupedItems");
        self.settle_item_accounts(draft, kind)?;
        if kind == "Inventory" {
            settle_stock(draft)?
        } else {
            forget_stock(draft)
        }
        for member in ["SalesTaxCodeRef", "PurchaseTaxCodeRef"] {
            if let Some(code) = draft.object.reference(member) {
                if !code.bytes().all(|byte| byte.is_ascii_digit()) {
                    return Err(Fault::invalid_number(member, code));
                }
                self.refer(Kind::TaxCode, code)?;
            }
        }
        Ok(())
    }

    fn settle_item_accounts(&self, draft: &mut Draft<'_>, kind: &str) -> Result<(), Fault> {
        let has = |member: &str| draft.object.contains_key(member);
        let required: &[&str] = match kind {
            "Inventory" => &["IncomeAccountRef", "ExpenseAccountRef", "AssetAccountRef"],
            "Service" => &["IncomeAccountRef"],
            _ if has("ExpenseAccountRef") => &[],
            _ => &["IncomeAccountRef"],
        };
        if let Some(missing) = required.iter().find(|member| !has(member)) {
            return Err(Fault::missing(missing));
        }
        let expense: &[&str] = if kind == "Inventory" {
            &["Cost of Goods Sold"]
        } else {
            &["Expense", "Cost of Goods Sold", "Other Expense"]
        };
        self.settle_account_reference(draft, "IncomeAccountRef", &["Income", "Other Income"])?;
        self.settle_account_reference(draft, "ExpenseAccountRef", expense)?;
        self.settle_account_reference(draft, "AssetAccountRef", &["Other Current Asset"])?;
        let income =
            draft.object.reference("IncomeAccountRef").and_then(|id| self.store.get(Kind::Account, id));
        let subtype = income.and_then(|account| account.text("AccountSubType"));
        if kind == "Inventory" && subtype != Some("SalesOfProductIncome") {
            return Err(Fault::invalid_account_type("IncomeAccountRef"));
        }
        Ok(())
    }

    /// Checks a reference to an account of one of `types`, if it is there.
    pub(crate) fn settle_account_reference(
        &self,
        draft: &mut Draft<'_>,
        member: &str,
        types: &[&str],
    ) -> Result<(), Fault> {
        let Some(id) = draft.object.reference(member) else { return Ok(()) };
        let account = self.refer(Kind::Account, id)?;
        if !account.text("AccountType").is_some_and(|kind| types.contains(&kind)) {
            return Err(Fault::invalid_account_type(member));
        }
        self.settle_reference(&mut draft.object, member, Kind::Account)
    }
}

fn refuse_change_of_type(draft: &Draft<'_>, kind: &str) -> Result<(), Fault> {
    let before = draft.previous.and_then(|previous| previous.text("Type"));
    match (before, kind) {
        (None, "Group") => Err(Fault::business("A bundle cannot be created through the API")),
        (Some(before), _)
            if before != kind && [before, kind].iter().any(|t| !matches!(*t, "Service" | "NonInventory")) =>
        {
            Err(Fault::business("The type of this item cannot be changed"))
        }
        _ => Ok(()),
    }
}

/// A category has a name and a place, nothing else.
fn settle_category(draft: &mut Draft<'_>) -> Result<(), Fault> {
    if !draft.object.flag("Active") {
        return Err(Fault::business("A category cannot be made inactive"));
    }
    const KEPT: [&str; 11] = [
        "Name",
        "Type",
        "Active",
        "SubItem",
        "ParentRef",
        "Id",
        "SyncToken",
        "domain",
        "sparse",
        "MetaData",
        "Level",
    ];
    draft.object.retain(|name, _| KEPT.contains(&name.as_str()));
    Ok(())
}

/// A bundle's components cannot be changed through the API; its name and description can.
fn settle_group(draft: &mut Draft<'_>) -> Result<(), Fault> {
    draft.keep("ItemGroupDetail");
    for member in ["UnitPrice", "PurchaseCost"] {
        draft.set(member, wire::quantity(Decimal::ZERO));
    }
    draft.default("Taxable", false);
    draft.default("TrackQtyOnHand", false);
    draft.default("PrintGroupedItems", true);
    Ok(())
}

fn settle_stock(draft: &mut Draft<'_>) -> Result<(), Fault> {
    if !draft.object.flag("TrackQtyOnHand") {
        return Err(Fault::business("TrackQtyOnHand of an inventory item cannot be false"));
    }
    if draft.previous.is_some() {
        for member in ["QtyOnHand", "InvStartDate"] {
            if !draft.object.contains_key(member) {
                draft.keep(member);
            }
        }
    }
    if !draft.object.contains_key("QtyOnHand") {
        return Err(Fault::quantity_required());
    }
    if !draft.object.contains_key("InvStartDate") {
        return Err(Fault::missing("InvStartDate"));
    }
    Ok(())
}

fn forget_stock(draft: &mut Draft<'_>) {
    draft.set("TrackQtyOnHand", false);
    for member in ["QtyOnHand", "InvStartDate", "AssetAccountRef", "ReorderPoint"] {
        draft.object.remove(member);
    }
}
