//! The companies to begin with. All names and figures are invented.

mod defaults;
mod global;
mod landscaping;

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp, ToSpan};
use serde_json::Value;

use super::{
    Company, Seed, Switches,
    kinds::Kind,
    repeats::Repeats,
    store::Store,
    wire::{self, Object},
    writes::{Operation, Order},
};

impl Company {
    /// A company as `seed` describes it. Its Customers have been the same for years; all else was created at `now`.
    #[must_use]
    pub fn new(seed: Seed, realm: &str, now: Timestamp) -> Self {
        let mut company = Self {
            realm: realm.to_owned(),
            created: now,
            store: Store::default(),
            switches: Switches::default(),
            repeats: Repeats::default(),
            changes: Vec::new(),
            deposited: BTreeSet::new(),
            matched: BTreeSet::new(),
            closed_with_password: false,
            tax_areas: Vec::new(),
            last_number: "1000".to_owned(),
        };
        company.plant_defaults(seed, now);
        match seed {
            Seed::Landscaping => company.plant_landscaping(now),
            Seed::AutomatedSalesTax => company.plant_automated_landscaping(now),
            Seed::Global => company.plant_global(now),
            Seed::Empty => {}
        }
        company.changes.clear();
        company
    }

    /// Creates an object as a request would, and returns its id.
    #[expect(clippy::panic, reason = "seeds are constants, and a test plants each of them")]
    fn plant(&mut self, kind: Kind, body: Value, now: Timestamp) -> String {
        let order = Order { kind, operation: Operation::Save, allow_duplicate_number: true };
        match self.write(order, body, now) {
            Ok(object) => object["Id"].as_str().unwrap_or_default().to_owned(),
            Err(fault) => panic!("seed {}: {}", kind.name(), fault.detail()),
        }
    }

    /// Stores an object that no request could create.
    fn plant_as_it_is(&mut self, kind: Kind, object: &Value, now: Timestamp) -> String {
        self.store.insert(kind, object.as_object().cloned().unwrap_or_else(Object::new), now)
    }
}

/// Long before anything that a billing app could tell.
fn years_ago(now: Timestamp) -> Timestamp {
    now.saturating_sub(SignedDuration::from_hours(10 * 365 * 24)).unwrap_or(now)
}

/// A date so many days ago.
fn days_ago(days: i64, now: Timestamp) -> String {
    wire::today(now).checked_sub(days.days()).map_or_else(|_| String::new(), |date| date.to_string())
}
