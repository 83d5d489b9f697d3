//! What a company has chosen for new invoices and payments: a class, a location, accounts for the money.

use jiff::Timestamp;
use quickbooks_simulator::company::{ClassPlace, Company, Request};
use serde_json::{Value, json};
use sync::ids::QuickBooksId;
use sync::model::PaymentMethod;
use sync::settings::Settings;

use crate::dice::Dice;
use crate::view;

/// The ids of what was chosen, as far as anything was.
#[derive(Default)]
pub(crate) struct Choices {
    /// The class of new invoices, where it stands on the whole form.
    pub(crate) class: Option<String>,
    /// The same where it stands on each line.
    pub(crate) class_of_lines: Option<String>,
    /// The location of new invoices.
    pub(crate) location: Option<String>,
    /// Where the money of new payments goes.
    pub(crate) account: Option<String>,
    /// The same of payments by card.
    pub(crate) account_of_cards: Option<String>,
}

impl Choices {
    /// Sets up what there is to choose from, two of each, and chooses.
    pub(crate) fn of(company: &mut Company, dice: Dice, now: Timestamp) -> Choices {
        let place = dice.pick("class", &[None, Some(ClassPlace::Form), Some(ClassPlace::Line)]);
        let location = dice.chance("location", 50);
        company.track_classes(place, now);
        company.track_locations(location, now);
        let mut add = |entity: &str, body: Value| {
            let bodies = ["North", "South"].map(|name| {
                let mut body = body.clone();
                body["Name"] = name.into();
                body
            });
            let [first, second] = bodies.map(|body| post(company, entity, &body, now));
            (first, second)
        };
        let class = place.and_then(|_| add("Class", json!({})).0);
        let location = location.then(|| add("Department", json!({})).0).flatten();
        let accounts = add("Account", json!({ "AccountType": "Bank" }));
        let of = |wanted: ClassPlace| class.clone().filter(|_| place == Some(wanted));
        Choices {
            class: of(ClassPlace::Form),
            class_of_lines: of(ClassPlace::Line),
            location,
            account: accounts.0.filter(|_| dice.chance("account", 50)),
            account_of_cards: accounts.1.filter(|_| dice.chance("account of cards", 50)),
        }
    }

    /// Writes them into a company's settings.
    pub(crate) fn apply(&self, settings: Settings) -> Settings {
        let id = |id: &Option<String>| id.as_ref().and_then(|id| QuickBooksId::new(id.as_str()).ok());
        let of_cards = id(&self.account_of_cards).map(|account| (PaymentMethod::Card, account));
        Settings {
            class: id(&self.class).or(id(&self.class_of_lines)),
            location: id(&self.location),
            deposit_account: id(&self.account),
            deposit_accounts: of_cards.into_iter().collect(),
            ..settings
        }
    }

    /// Where the money of a new payment goes; QuickBooks decides where nothing was chosen.
    pub(crate) fn account_for(&self, method: PaymentMethod) -> Option<&String> {
        let of_method = self.account_of_cards.as_ref().filter(|_| method == PaymentMethod::Card);
        of_method.or(self.account.as_ref())
    }
}

fn post(company: &mut Company, entity: &str, body: &Value, now: Timestamp) -> Option<String> {
    let request = Request {
        method: "POST".to_owned(),
        path: entity.to_lowercase(),
        query: Vec::new(),
        content_type: Some("application/json".to_owned()),
        body: body.to_string().into_bytes(),
    };
    let answer: Value = serde_json::from_str(&company.answer(&request, now).body).ok()?;
    Some(view::text(&answer[entity], "Id")).filter(|id| !id.is_empty())
}
