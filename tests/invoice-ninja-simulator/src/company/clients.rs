//! Clients and their contacts (Invoice Ninja API: clients).

use std::collections::BTreeSet;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::kinds::{self, Kind};
use super::record::{Errors, Members, Record, blank, fill, objects};
use super::refusal::{Refusal, unless, wrong};
use super::statics::{COUNTRIES, CURRENCIES};
use super::{Company, User, ids};

impl Company {
    pub(crate) fn create_client(
        &mut self,
        sent: &Record,
        user: &User,
        now: Timestamp,
    ) -> Result<u64, Refusal> {
        let mut client = blank(&Kind::Client.fields());
        for name in ["balance", "paid_to_date", "payment_balance", "credit_balance", "last_login"] {
            client.put(name, 0);
        }
        client.put("user_id", user.id.as_str());
        client.put("documents", json!([]));
        client.put("gateway_tokens", json!([]));
        self.fill_client(&mut client, None, sent, now)?;
        if !sent.contains_key("contacts") {
            let nobody = self.contacts(&[], &json!([{}]), now);
            client.put("contacts", nobody);
        }
        if client.text("number").is_empty() {
            client.put("number", self.store.next_number(Kind::Client));
        }
        client.put("display_name", display_name(&client));
        let id = self.store.add(Kind::Client, client, now);
        if let Some(row) = self.store.row_mut(Kind::Client, id) {
            row.put("client_hash", format!("client-hash-{id}"));
        }
        self.created(Kind::Client, id, now);
        Ok(id)
    }

    pub(crate) fn update_client(&mut self, id: u64, sent: &Record, now: Timestamp) -> Result<(), Refusal> {
        let Some(mut client) = self.store.row(Kind::Client, id).cloned() else { return Ok(()) };
        self.fill_client(&mut client, Some(id), sent, now)?;
        client.put("display_name", display_name(&client));
        client.put("updated_at", now.as_second());
        self.store.replace(Kind::Client, id, client);
        self.updated(Kind::Client, id, now);
        Ok(())
    }

    fn fill_client(
        &mut self,
        client: &mut Record,
        id: Option<u64>,
        sent: &Record,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let mut errors = Errors::new();
        fill(client, sent, &Kind::Client.fields(), "", &mut errors);
        for column in ["number", "id_number"] {
            if self.store.is_taken(Kind::Client, column, client.text(column), id) {
                wrong(
                    &mut errors,
                    column,
                    format!("The {} has already been taken.", column.replace('_', " ")),
                );
            }
        }
        by_codes(client, sent);
        check_contacts(sent, &mut errors);
        unless(errors)?;
        if client.text("country_id").is_empty() {
            client.put("country_id", self.setting("country_id").to_owned());
        }
        if let Some(contacts) = sent.get("contacts") {
            let before: Vec<Record> = objects(client, "contacts").cloned().collect();
            let contacts = self.contacts(&before, contacts, now);
            client.put("contacts", contacts);
        }
        Ok(())
    }

    /// The contacts sent are all there are: those with a known id are changed, the others made, the rest is gone.
    fn contacts(&mut self, before: &[Record], sent: &Value, now: Timestamp) -> Value {
        let sent: Vec<&Record> = sent.as_array().into_iter().flatten().filter_map(Value::as_object).collect();
        let nobody = Record::new();
        let sent = if sent.is_empty() { vec![&nobody] } else { sent };
        let mut contacts: Vec<Record> =
            sent.into_iter().map(|contact| self.contact(before, contact, now)).collect();
        let primary = contacts.iter().position(|contact| contact.flag("is_primary")).unwrap_or_default();
        for (n, contact) in contacts.iter_mut().enumerate() {
            contact.put("is_primary", n == primary);
        }
        contacts.sort_by_key(|contact| !contact.flag("is_primary"));
        contacts.into_iter().map(Value::Object).collect()
    }

    fn contact(&mut self, before: &[Record], sent: &Record, now: Timestamp) -> Record {
        let known = before.iter().find(|contact| contact.text("id") == sent.text("id"));
        let mut contact = known.cloned().unwrap_or_else(|| {
            let id = self.store.next_part();
            let mut contact = blank(&kinds::contact());
            contact.put("id", ids::shown(id));
            contact.put("send_email", true);
            contact.put("is_locked", false);
            contact.put("contact_key", format!("contact-key-{id}"));
            contact.put("password", "");
            contact.put("last_login", 0);
            contact.put("link", "");
            contact.put("created_at", now.as_second());
            contact.put("archived_at", 0);
            contact
        });
        fill(&mut contact, sent, &kinds::contact(), "", &mut Errors::new());
        contact.put("updated_at", now.as_second());
        contact
    }

    /// Brings a client's sums up to date after its invoices or payments changed. That moves `updated_at` and tells
    /// nobody.
    pub(crate) fn recount_client(&mut self, id: u64, now: Timestamp) {
        let of_client = |row: &&Record| row.id("client_id") == Some(id) && !row.flag("is_deleted");
        let sum = |kind, amount: fn(&Record) -> Decimal| {
            self.store.rows(kind).map(|(_, row)| row).filter(of_client).map(amount).sum::<Decimal>()
        };
        let sums = [
            ("balance", sum(Kind::Invoice, |row| row.money("balance"))),
            ("paid_to_date", sum(Kind::Payment, |row| row.money("amount") - row.money("refunded"))),
            ("payment_balance", sum(Kind::Payment, |row| row.money("amount") - row.money("applied"))),
        ];
        let Some(client) = self.store.row_mut(Kind::Client, id) else { return };
        for (name, amount) in sums {
            if client.money(name) != amount {
                client.put_money(name, amount);
                client.put("updated_at", now.as_second());
            }
        }
    }
}

/// `country_code` and `currency_code` may be sent in place of ids.
fn by_codes(client: &mut Record, sent: &Record) {
    let country = sent.text("country_code");
    if let Some((id, ..)) = COUNTRIES.iter().find(|(_, two, three, _)| *two == country || *three == country) {
        client.put("country_id", *id);
    }
    let currency = sent.text("currency_code");
    if let Some((id, ..)) = CURRENCIES.iter().find(|(_, code, _)| *code == currency)
        && let Some(Value::Object(settings)) = client.get_mut("settings")
    {
        settings.put("currency_id", *id);
    }
}

fn check_contacts(sent: &Record, errors: &mut Errors) {
    if sent.get("contacts").is_some_and(|contacts| !contacts.is_array()) {
        wrong(errors, "contacts", "The contacts must be an array.");
    }
    let mut seen = BTreeSet::new();
    for (n, contact) in objects(sent, "contacts").enumerate() {
        fill(&mut Record::new(), contact, &kinds::contact(), &format!("contacts.{n}."), errors);
        let (field, email) = (format!("contacts.{n}.email"), contact.text("email").trim());
        if email.is_empty() {
            continue;
        }
        if !is_email(email) {
            wrong(errors, &field, format!("The {field} must be a valid email address."));
        }
        if !seen.insert(email.to_lowercase()) {
            wrong(errors, &field, format!("The {field} field has a duplicate value."));
        }
    }
}

fn is_email(text: &str) -> bool {
    text.split_once('@').is_some_and(|(name, host)| {
        !name.is_empty() && !host.is_empty() && !host.contains('@') && !text.contains(char::is_whitespace)
    })
}

/// What the app calls a client: its name, else its first contact's.
fn display_name(client: &Record) -> String {
    let name = client.text("name");
    if !name.is_empty() {
        return name.to_owned();
    }
    let Some(contact) = objects(client, "contacts").next() else { return String::new() };
    let person = format!("{} {}", contact.text("first_name"), contact.text("last_name"));
    let person = person.trim();
    if person.is_empty() { contact.text("email").to_owned() } else { person.to_owned() }
}
