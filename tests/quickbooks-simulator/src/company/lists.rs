//! Accounts, classes, locations, terms, payment methods and tax agencies.

use rust_decimal::Decimal;

use super::{
    Company,
    classes::{ACCOUNT_SUBTYPES, ACCOUNT_TYPES},
    faults::Fault,
    kinds::Kind,
    wire::{self, Members, Object},
    writes::Draft,
};

impl Company {
    pub(crate) fn settle_account(&self, mut draft: Draft<'_>) -> Result<Object, Fault> {
        let name = draft.object.text("Name").ok_or_else(|| Fault::missing("Name"))?;
        if name.contains('"') {
            return Err(Fault::invalid_string("Name"));
        }
        settle_account_type(&mut draft)?;
        draft.default("Active", true);
        draft.set("SubAccount", draft.object.contains_key("ParentRef"));
        for member in ["CurrentBalance", "CurrentBalanceWithSubAccounts"] {
            draft.keep(member);
            draft.default(member, wire::money(Decimal::ZERO));
        }
        self.settle_currency_of_list(&mut draft)?;
        let mut object = draft.object;
        if let Some(number) = object.text("AcctNum") {
            let same = |other: &Object| {
                other.text("AcctNum") == Some(number) && other.text("Id") != object.text("Id")
            };
            if self.objects(Kind::Account).any(same) {
                return Err(Fault::duplicate_name_of("account"));
            }
        }
        if let Some(parent) = object.reference("ParentRef")
            && self.refer(Kind::Account, parent)?.text("AccountType") != object.text("AccountType")
        {
            return Err(Fault::invalid_parent("A sub-account must be of its parent's type"));
        }
        self.settle_name(Kind::Account, &mut object, draft.previous)?;
        self.settle_place(Kind::Account, &mut object)?;
        object.remove("Level");
        Ok(object)
    }

    /// A class or a location. `below` says whether there is one above it.
    pub(crate) fn settle_tracked(
        &self,
        kind: Kind,
        below: &str,
        mut draft: Draft<'_>,
    ) -> Result<Object, Fault> {
        if !draft.object.contains_key("Name") {
            return Err(Fault::missing("Name"));
        }
        draft.default("Active", true);
        draft.set(below, draft.object.contains_key("ParentRef"));
        let mut object = draft.object;
        self.settle_name(kind, &mut object, draft.previous)?;
        self.settle_place(kind, &mut object)?;
        Ok(object)
    }

    pub(crate) fn settle_term(&self, mut draft: Draft<'_>) -> Result<Object, Fault> {
        if !draft.object.contains_key("Name") {
            return Err(Fault::missing("Name"));
        }
        draft.default("Active", true);
        for (member, lowest, highest) in [
            ("DueDays", 0, 999),
            ("DiscountDays", 0, 999),
            ("DiscountPercent", 0, 100),
            ("DayOfMonthDue", 1, 31),
            ("DueNextMonthDays", 0, 999),
            ("DiscountDayOfMonth", 1, 31),
        ] {
            if let Some(days) = draft.object.amount(member)
                && (days < Decimal::from(lowest) || days > Decimal::from(highest))
            {
                return Err(Fault::out_of_range(member, &days.to_string()));
            }
        }
        let kind = match (draft.object.contains_key("DueDays"), draft.object.contains_key("DayOfMonthDue")) {
            (true, _) => "STANDARD",
            (false, true) => "DATE_DRIVEN",
            (false, false) => return Err(Fault::missing("DueDays")),
        };
        draft.set("Type", kind);
        let mut object = draft.object;
        self.settle_name(Kind::Term, &mut object, draft.previous)?;
        Ok(object)
    }

    pub(crate) fn settle_payment_method(&self, mut draft: Draft<'_>) -> Result<Object, Fault> {
        if !draft.object.contains_key("Name") {
            return Err(Fault::missing("Name"));
        }
        draft.default("Active", true);
        draft.default("Type", "NON_CREDIT_CARD");
        let mut object = draft.object;
        self.settle_name(Kind::PaymentMethod, &mut object, draft.previous)?;
        Ok(object)
    }

    pub(crate) fn settle_tax_agency(&self, mut draft: Draft<'_>) -> Result<Object, Fault> {
        if !draft.object.contains_key("DisplayName") {
            return Err(Fault::missing("DisplayName"));
        }
        draft.set("TaxTrackedOnSales", true);
        draft.set("TaxTrackedOnPurchases", false);
        let mut object = draft.object;
        self.settle_name(Kind::TaxAgency, &mut object, draft.previous)?;
        Ok(object)
    }

    /// All objects of a kind, by id.
    pub(crate) fn objects(&self, kind: Kind) -> impl Iterator<Item = &Object> {
        let rows = self.store.table(kind).into_iter().flat_map(super::store::Table::rows);
        rows.filter_map(|(_, row)| row.object())
    }
}

/// AccountType and AccountSubType each imply the other.
fn settle_account_type(draft: &mut Draft<'_>) -> Result<(), Fault> {
    if draft.previous.is_some() && !draft.says("AccountType") && !draft.says("AccountSubType") {
        draft.keep("AccountType");
        draft.keep("AccountSubType");
    }
    let kind = draft.object.text("AccountType").or_else(|| {
        let subtype = draft.object.text("AccountSubType")?;
        let implied = ACCOUNT_TYPES.iter().find(|(.., default)| *default == subtype).map(|(name, ..)| *name);
        implied.or_else(|| ACCOUNT_SUBTYPES.iter().find(|(name, _)| *name == subtype).map(|(_, kind)| *kind))
    });
    let known = ACCOUNT_TYPES.iter().find(|(name, ..)| Some(*name) == kind);
    let Some((kind, classification, default)) = known else { return Err(Fault::account_type_required()) };
    draft.set("AccountType", *kind);
    draft.default("AccountSubType", *default);
    draft.set("Classification", *classification);
    Ok(())
}
