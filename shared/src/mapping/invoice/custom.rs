//! The billing app's custom fields on those of QuickBooks' sales forms (Intuit: Invoice, CustomField).

use std::collections::BTreeMap;

use quickbooks_wire::CustomField;

use crate::mapping::{fields, text};
use crate::model::Invoice;
use crate::reference::Reference;
use crate::settings::Settings;

/// The longest text of a custom field.
const LONGEST: usize = 31;

/// A field for each that stands for one of the billing app's, blank where that is; none for those that QuickBooks does
/// not have (now).
pub(super) fn fields(
    invoice: &Invoice,
    settings: &Settings,
    reference: &Reference,
) -> Option<Vec<CustomField>> {
    let known = |id: &String| reference.custom_fields.iter().any(|field| field.id == *id);
    let chosen = settings.custom_fields.iter().filter(|(_, id)| known(id));
    let fields: Vec<CustomField> =
        chosen.map(|(name, id)| CustomField::text(id, text::line(told(invoice, name), LONGEST))).collect();
    (!fields.is_empty()).then_some(fields)
}

/// What a person should know of the custom fields, by the member that it is about.
pub fn notes(invoice: &Invoice, settings: &Settings, reference: &Reference) -> BTreeMap<String, String> {
    let chosen = settings.custom_fields.iter();
    let note = |(name, id): (&String, &String)| {
        let whole = text::line(told(invoice, name), usize::MAX);
        let known = reference.custom_fields.iter().find(|field| field.id == *id);
        let note = match known {
            _ if whole.is_empty() => return None,
            None => format!("QuickBooks has no custom field {id} now, so {name} is not told."),
            Some(_) if whole.chars().count() <= LONGEST => return None,
            Some(field) => {
                let name = &field.name;
                format!(
                    "The custom field {name} holds {LONGEST} characters in QuickBooks; the rest was cut off."
                )
            }
        };
        Some((fields::custom_field(id), note))
    };
    chosen.filter_map(note).collect()
}

fn told<'i>(invoice: &'i Invoice, name: &str) -> &'i str {
    invoice.custom_fields.get(name).map_or("", String::as_str)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::mapping::fixtures::{invoice, json, reference};
    use crate::reference;

    fn company() -> (Settings, Reference) {
        let pair = |name: &str, id: &str| (name.to_owned(), id.to_owned());
        let custom_fields = BTreeMap::from([
            pair("custom_value1", "1"),
            pair("custom_value2", "2"),
            pair("custom_value4", "9"),
        ]);
        let known = |id: &str, name: &str| reference::CustomField { id: id.into(), name: name.into() };
        let there = vec![known("1", "Crew"), known("2", "Gate"), known("3", "Theirs")];
        (Settings { custom_fields, ..Settings::default() }, Reference { custom_fields: there, ..reference() })
    }

    fn told_as(values: &[(&str, &str)]) -> Invoice {
        let values = values.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
        Invoice { custom_fields: values.collect(), ..invoice() }
    }

    #[test]
    fn point_49_custom_fields_stand_on_those_that_are_chosen() {
        let (settings, reference) = company();
        let bill = told_as(&[
            ("custom_value1", "North crew\twith the long ladder and the van"),
            ("custom_value3", "stands for none"),
            ("custom_value4", "QuickBooks does not have it"),
        ]);
        let (fields, notes) = (fields(&bill, &settings, &reference), notes(&bill, &settings, &reference));
        insta::assert_snapshot!(json(&(fields, notes)));
        assert_eq!(super::fields(&bill, &Settings::default(), &reference), None);
    }

    proptest! {
        #[test]
        fn whatever_a_custom_field_holds_fits(value in ".{0,80}") {
            let (settings, reference) = company();
            let bill = told_as(&[("custom_value1", &value)]);
            let sent = fields(&bill, &settings, &reference).unwrap()[0].string_value.clone().unwrap();
            prop_assert!(sent.chars().count() <= LONGEST && !sent.contains(char::is_control), "{sent:?}");
            let whole = text::line(&value, usize::MAX);
            prop_assert_eq!(sent.len() < whole.len(), !notes(&bill, &settings, &reference).is_empty());
        }
    }
}
