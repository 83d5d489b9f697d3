//! The company and the user as the API shows them: `ping`, `refresh`, `companies`.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::kinds::Kind;
use super::record::{Members, Record};
use super::refusal::Refusal;
use super::{Company, User, ids};

impl Company {
    /// A company without records, whose row numbers begin at a multiple of its own number.
    pub(crate) fn blank(number: u64, name: &str, now: Timestamp) -> Self {
        let settings = json!({
            "name": name,
            "currency_id": "1",
            "country_id": "840",
            "payment_terms": "",
            "counter_number_applied": "when_saved",
            "lock_invoices": "off",
            "client_manual_payment_notification": true,
            "send_email_on_mark_paid": false,
        });
        let profile = json!({
            "settings": settings,
            "update_products": true,
            "fill_products": true,
            "calculate_taxes": false,
            "enabled_tax_rates": 3,
            "enabled_item_tax_rates": 3,
            "custom_surcharge_taxes1": false,
            "custom_surcharge_taxes2": false,
            "custom_surcharge_taxes3": false,
            "custom_surcharge_taxes4": false,
            "custom_fields": {},
            "quickbooks": null,
        });
        Self {
            id: number,
            created: now.as_second(),
            store: super::store::Store::new(number * 100_000),
            profile: profile.as_object().cloned().unwrap_or_default(),
            users: std::collections::BTreeMap::new(),
            switches: super::Switches::default(),
            notices: Vec::new(),
            mails: Vec::new(),
            seen: std::collections::BTreeMap::new(),
            minute: None,
            lists: 0,
        }
    }

    pub(crate) fn ping(&self, user: &User) -> Value {
        json!({"company_name": self.name(), "user_name": user.name})
    }

    /// The company without its records.
    pub(crate) fn shown_company(&self) -> Value {
        let mut shown = self.profile.clone();
        shown.put("id", ids::shown(self.id));
        shown.put("company_key", format!("company-key-{}", self.id));
        shown.put("is_disabled", false);
        shown.put("created_at", self.created);
        shown.put("updated_at", self.created);
        shown.put("archived_at", 0);
        Value::Object(shown)
    }

    /// What a token opens: its company, its user, and whether that is an administrator.
    pub(crate) fn company_users(&self, user: &User) -> Value {
        let (first, last) = user.name.split_once(' ').unwrap_or((&user.name, ""));
        json!([{
            "permissions": "",
            "is_owner": user.is_admin,
            "is_admin": user.is_admin,
            "is_locked": false,
            "created_at": self.created,
            "updated_at": self.created,
            "archived_at": 0,
            "account": {"id": ids::shown(1), "plan": if self.switches.paid_plan { "pro" } else { "" }},
            "company": self.shown_company(),
            "user": {"id": user.id, "first_name": first, "last_name": last},
        }])
    }

    /// `PUT companies/{id}`: the flags that are known here, and settings one by one.
    pub(crate) fn change_company(&mut self, user: &User, sent: &Record) -> Result<Value, Refusal> {
        if !user.is_admin {
            return Err(Refusal::not_allowed());
        }
        for (name, value) in sent {
            match (name.as_str(), value) {
                ("settings", Value::Object(changes)) => {
                    if let Some(Value::Object(settings)) = self.profile.get_mut("settings") {
                        settings.extend(changes.clone());
                    }
                }
                (_, Value::Bool(_)) if self.profile.get(name).is_some_and(Value::is_boolean) => {
                    self.profile.put(name, value.clone());
                }
                ("quickbooks" | "custom_fields", _) => self.profile.put(name, value.clone()),
                _ => {}
            }
        }
        Ok(self.shown_company())
    }

    /// Whether surcharge `n` is taxed; invoices copy it.
    pub(crate) fn taxes_surcharge(&self, n: usize) -> bool {
        self.profile.flag(&format!("custom_surcharge_taxes{n}"))
    }

    /// A client's currency, as an id: its own, else its group's, else the company's.
    pub(crate) fn currency_of(&self, client: u64) -> &str {
        let client = self.store.row(Kind::Client, client);
        let group = client.and_then(|row| row.id("group_settings_id"));
        let group = group.and_then(|id| self.store.row(Kind::GroupSetting, id));
        let settings =
            [client, group].into_iter().flatten().filter_map(|row| row.get("settings")?.as_object());
        let mut currencies =
            settings.map(|settings| settings.text("currency_id")).filter(|it| !it.is_empty());
        currencies.next().unwrap_or_else(|| self.setting("currency_id"))
    }

    /// Whether the company's settings switch something on.
    pub(crate) fn is_set(&self, name: &str) -> bool {
        self.profile.get("settings").and_then(Value::as_object).is_some_and(|settings| settings.flag(name))
    }
}
