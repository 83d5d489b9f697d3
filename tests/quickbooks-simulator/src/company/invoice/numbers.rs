//! DocNumber. Intuit: Invoice, DocNumber; Preferences, CustomTxnNumbers.

use crate::company::{Company, faults::Fault, kinds::Kind, wire::Members, writes::Draft};

impl Company {
    /// With custom numbers the request's number or none at all, checked for duplicates; without, QuickBooks counts
    /// on from the last one and does not look.
    pub(super) fn settle_number(&self, draft: &mut Draft<'_>) -> Result<(), Fault> {
        let custom = self.preference("SalesFormsPrefs").is_some_and(|prefs| prefs.flag("CustomTxnNumbers"));
        if !custom {
            if draft.previous.is_some() && !draft.object.contains_key("DocNumber") {
                draft.keep("DocNumber");
            }
            draft.default("DocNumber", following(&self.last_number));
            return Ok(());
        }
        let Some(number) = draft.object.text("DocNumber") else { return Ok(()) };
        let unchanged = draft.previous.is_some_and(|previous| previous.text("DocNumber") == Some(number));
        if unchanged || draft.allow_duplicate_number || !self.switches.warn_of_duplicate_numbers {
            return Ok(());
        }
        match self.store.table(Kind::Invoice).and_then(|table| table.ids_by_number(number).next()) {
            Some(id) => Err(Fault::duplicate_number(number, "Invoice", &id.to_string())),
            None => Ok(()),
        }
    }
}

/// The number after this one: its last digits counted up.
pub(crate) fn following(number: &str) -> String {
    let digits = number.bytes().rev().take_while(u8::is_ascii_digit).count();
    let (front, count) = number.split_at(number.len() - digits);
    match count.parse::<u128>() {
        Ok(count_value) => format!("{front}{:0width$}", count_value + 1, width = count.len()),
        Err(_) => format!("{number}1"),
    }
}

#[cfg(test)]
mod tests {
    use super::following;

    #[test]
    fn the_last_digits_count_up() {
        for (number, next) in
            [("1000", "1001"), ("INV-099", "INV-100"), ("A9", "A10"), ("draft", "draft1"), ("", "1")]
        {
            assert_eq!(following(number), next);
        }
    }
}
