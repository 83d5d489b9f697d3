//! The app's fixed lists: countries, currencies and payment types by their ids (Invoice Ninja API: statics).

use serde_json::Value;
use sync::model::PaymentMethod;

use crate::json::{Loose, NotWhole, Object};

/// The lists that records refer to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statics {
    currencies: Vec<Entry>,
    countries: Vec<Country>,
    payment_types: Vec<Entry>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    id: String,
    /// A currency's ISO 4217 code, a payment type's name.
    name: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Country {
    id: String,
    two: String,
    three: String,
    name: String,
}

/// Payment types by their names in lower case, where the first of each method is the one that is written.
const METHODS: [(PaymentMethod, &[&str]); 4] = [
    (PaymentMethod::Cash, &["cash"]),
    (PaymentMethod::Check, &["check", "money order"]),
    (
        PaymentMethod::Card,
        &[
            "credit card other",
            "debit",
            "visa card",
            "visa",
            "mastercard",
            "american express",
            "discover card",
            "discover",
            "diners card",
            "eurocard",
            "nova",
            "carte blanche",
            "unionpay",
            "jcb",
            "laser",
            "maestro",
            "solo",
            "switch",
            "credit card",
        ],
    ),
    (
        PaymentMethod::BankTransfer,
        &[
            "bank transfer",
            "ach",
            "sepa",
            "direct debit",
            "zelle",
            "sofort",
            "ideal",
            "eps",
            "giropay",
            "bancontact",
            "przelewy24",
            "pre authorized payments (eps)",
            "acss",
            "becs",
            "bacs",
            "instant bank pay",
            "interac e-transfer",
        ],
    ),
];

/// Other spellings of countries that people write, in lower case, and their codes of two letters.
const SPELLINGS: [(&str, &str); 7] = [
    ("u.s.a.", "us"),
    ("u.s.", "us"),
    ("united states of america", "us"),
    ("uk", "gb"),
    ("u.k.", "gb"),
    ("great britain", "gb"),
    ("england", "gb"),
];

impl Statics {
    /// Reads the answer of `GET statics`. Entries that cannot be read are left out.
    ///
    /// # Errors
    /// A list is missing.
    pub fn read(answer: &Object) -> Result<Statics, NotWhole> {
        let lists = answer.object("data").unwrap_or(answer);
        let entries = |list: &str, name: &str| -> Result<Vec<Entry>, NotWhole> {
            let entries = lists.objects(list)?.into_iter();
            let entry = |entry: &Object| Entry { id: entry.text("id"), name: entry.text(name) };
            Ok(entries.map(entry).filter(|entry| !entry.id.is_empty() && !entry.name.is_empty()).collect())
        };
        let country = |country: &Object| Country {
            id: country.text("id"),
            two: country.text("iso_3166_2"),
            three: country.text("iso_3166_3"),
            name: country.text("name"),
        };
        Ok(Statics {
            currencies: entries("currencies", "code")?,
            countries: lists.objects("countries")?.into_iter().map(country).collect(),
            payment_types: entries("payment_types", "name")?,
        })
    }

    /// The same for a JSON value.
    ///
    /// # Errors
    /// As [`Statics::read`].
    pub fn of(answer: &Value) -> Result<Statics, NotWhole> {
        answer.as_object().ok_or_else(|| NotWhole::new("statics", "is no object")).and_then(Statics::read)
    }

    /// The ISO 4217 code of a currency.
    pub(crate) fn currency(&self, id: &str) -> Option<&str> {
        self.currencies.iter().find(|entry| entry.id == id).map(|entry| entry.name.as_str())
    }

    /// The id of a currency.
    pub(crate) fn currency_id(&self, code: &str) -> Option<&str> {
        let found = self.currencies.iter().find(|entry| entry.name.eq_ignore_ascii_case(code.trim()));
        found.map(|entry| entry.id.as_str())
    }

    /// The code of three letters of a country.
    pub(crate) fn country(&self, id: &str) -> Option<&str> {
        let country = self.countries.iter().find(|country| country.id == id)?;
        Some(if country.three.is_empty() { &country.name } else { &country.three })
    }

    /// The id of a country by its code of two or three letters, its name, or another usual spelling.
    pub(crate) fn country_id(&self, text: &str) -> Option<&str> {
        let text = text.trim().to_lowercase();
        let spelling = SPELLINGS.iter().find(|(spelling, _)| *spelling == text).map(|(_, code)| *code);
        let wanted = spelling.unwrap_or(&text);
        let fits = |country: &&Country| {
            [&country.two, &country.three, &country.name].iter().any(|name| name.to_lowercase() == wanted)
        };
        self.countries.iter().find(fits).map(|country| country.id.as_str())
    }

    /// How a payment of this type was made.
    pub(crate) fn method(&self, type_id: &str) -> PaymentMethod {
        let entry = self.payment_types.iter().find(|entry| entry.id == type_id);
        let name = entry.map(|entry| entry.name.to_lowercase()).unwrap_or_default();
        let found = METHODS.iter().find(|(_, names)| names.contains(&name.as_str()));
        found.map_or(PaymentMethod::Other, |(method, _)| *method)
    }

    /// The type of payments made like this; none for [`PaymentMethod::Other`].
    pub(crate) fn type_id(&self, method: PaymentMethod) -> Option<&str> {
        let names = METHODS.iter().find(|(known, _)| *known == method).map(|(_, names)| *names)?;
        names.iter().find_map(|name| {
            let entry = self.payment_types.iter().find(|entry| entry.name.eq_ignore_ascii_case(name));
            entry.map(|entry| entry.id.as_str())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::fixtures::statics;

    #[test]
    fn ids_are_found_by_every_usual_spelling_and_back() {
        let statics = statics();
        for text in ["USA", "us", "United States", " U.S.A. ", "united states of america"] {
            assert_eq!(statics.country_id(text), Some("840"), "{text}");
        }
        assert_eq!((statics.country("840"), statics.country("1")), (Some("USA"), None));
        assert_eq!(statics.country_id("Atlantis"), None);
        assert_eq!((statics.currency_id("eur"), statics.currency("3")), (Some("3"), Some("EUR")));
    }

    #[test]
    fn payment_types_are_methods_and_each_method_has_its_type() {
        let statics = statics();
        for (id, method) in [
            ("1", PaymentMethod::BankTransfer),
            ("2", PaymentMethod::Cash),
            ("5", PaymentMethod::Card),
            ("13", PaymentMethod::Other),
            ("15", PaymentMethod::Check),
            ("", PaymentMethod::Other),
        ] {
            assert_eq!(statics.method(id), method, "{id}");
        }
        for method in
            [PaymentMethod::BankTransfer, PaymentMethod::Cash, PaymentMethod::Card, PaymentMethod::Check]
        {
            let id = statics.type_id(method).unwrap();
            assert_eq!(statics.method(id), method);
        }
        assert_eq!(statics.type_id(PaymentMethod::Other), None);
    }
}
