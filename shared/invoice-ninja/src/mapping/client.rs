//! Clients and their contacts (Invoice Ninja API: clients).

use serde_json::Value;
use sync::model::{Address, Client, Contact};

use super::{Changes, Setup, Unfit, object, without_blanks};
use crate::json::{Loose, NotWhole, Object, differing, overlay, partners};

/// What a contact has of the app's own and is not sent back.
const NOT_SENT_BACK: [&str; 7] =
    ["password", "contact_key", "last_login", "link", "created_at", "updated_at", "archived_at"];

pub(super) fn read(record: &Object, setup: &Setup) -> Result<Client, NotWhole> {
    let settings = record.object("settings");
    let setting = |name| settings.map(|settings| settings.text(name)).unwrap_or_default();
    Ok(Client {
        id: record.id("id")?,
        name: record.text("name"),
        contacts: record.objects("contacts")?.into_iter().map(contact).collect(),
        billing_address: address(record, "", setup)?,
        shipping_address: address(record, "shipping_", setup)?,
        phone: record.text("phone"),
        website: record.text("website"),
        currency: currency(record, &setting("currency_id"), setup)?,
        tax_exempt: record.flag("is_tax_exempt"),
        vat_number: record.text("vat_number"),
        payment_terms: setting("payment_terms").trim().parse().ok(),
        public_notes: record.text("public_notes"),
    })
}

/// A client's own currency. One without takes its group's, which has to be filled in before; without either it is
/// the company's.
fn currency(record: &Object, id: &str, setup: &Setup) -> Result<Option<String>, NotWhole> {
    if id.is_empty() {
        return match record.text("group_settings_id").as_str() {
            "" => Ok(None),
            _ => Err(NotWhole::new("group_settings_id", "names settings that are not here")),
        };
    }
    let code = setup.statics.currency(id);
    code.map(|code| Some(code.to_owned()))
        .ok_or_else(|| NotWhole::new("settings.currency_id", "is no currency that is known"))
}

fn contact(contact: &Object) -> Contact {
    Contact {
        first_name: contact.text("first_name"),
        last_name: contact.text("last_name"),
        email: contact.text("email"),
        phone: contact.text("phone"),
        primary: contact.flag("is_primary"),
    }
}

/// An address of which more than the country is set: the app fills that in by itself.
fn address(record: &Object, prefix: &str, setup: &Setup) -> Result<Option<Address>, NotWhole> {
    let part = |name: &str| record.text(&format!("{prefix}{name}"));
    let address = Address {
        line1: part("address1"),
        line2: part("address2"),
        city: part("city"),
        state: part("state"),
        postal_code: part("postal_code"),
        country: String::new(),
    };
    if address == Address::default() {
        return Ok(None);
    }
    let country = match part("country_id").as_str() {
        "" | "0" => String::new(),
        id => setup
            .statics
            .country(id)
            .ok_or_else(|| NotWhole::new(&format!("{prefix}country_id"), "is no country that is known"))?
            .to_owned(),
    };
    Ok(Some(Address { country, ..address }))
}

pub(super) fn creation(client: &Client, setup: &Setup) -> Result<Changes, Unfit> {
    let mut image = without_blanks(image(client, setup)?);
    if let Some(Value::Object(settings)) = image.get_mut("settings") {
        *settings = without_blanks(std::mem::take(settings));
    }
    Ok(Changes { body: without_blanks(image), ..Changes::default() })
}

pub(super) fn changes(
    there: &Object,
    before: &Client,
    after: &Client,
    setup: &Setup,
) -> Result<Changes, Unfit> {
    let (was, is) = (image(before, setup)?, image(after, setup)?);
    let mut body = differing(&was, &is);
    if let (Some(settings), Some(is)) = (body.get_mut("settings"), is.object("settings")) {
        let present = there.object("settings").cloned().unwrap_or_default();
        *settings = Value::Object(overlay(&present, was.object("settings"), is));
    }
    if let Some(list) = body.get_mut("contacts") {
        *list = contacts(there, &before.contacts, &after.contacts);
    }
    Ok(Changes { body, ..Changes::default() })
}

fn image(client: &Client, setup: &Setup) -> Result<Object, Unfit> {
    let currency_id = match client.currency.as_deref() {
        None => "",
        Some(code) => setup.statics.currency_id(code).ok_or_else(|| {
            Unfit::new("settings.currency_id", format!("has no currency {code} to choose from"))
        })?,
    };
    let mut image = object! {
        "name": client.name.as_str(),
        "contacts": client.contacts.iter().map(contact_image).collect::<Value>(),
        "phone": client.phone.as_str(),
        "website": client.website.as_str(),
        "is_tax_exempt": client.tax_exempt,
        "vat_number": client.vat_number.as_str(),
        "public_notes": client.public_notes.as_str(),
        "settings": object! {
            "currency_id": currency_id,
            "payment_terms": client.payment_terms.map(|days| days.to_string()).unwrap_or_default(),
        },
    };
    image.extend(address_image("", client.billing_address.as_ref(), setup)?);
    image.extend(address_image("shipping_", client.shipping_address.as_ref(), setup)?);
    Ok(image)
}

fn address_image(prefix: &str, address: Option<&Address>, setup: &Setup) -> Result<Object, Unfit> {
    let none = Address::default();
    let address = address.unwrap_or(&none);
    let country_id = match address.country.trim() {
        "" => "",
        country => setup.statics.country_id(country).ok_or_else(|| {
            Unfit::new(&format!("{prefix}country_id"), format!("has no country \"{country}\" to choose from"))
        })?,
    };
    let parts = [
        ("address1", address.line1.as_str()),
        ("address2", &address.line2),
        ("city", &address.city),
        ("state", &address.state),
        ("postal_code", &address.postal_code),
        ("country_id", country_id),
    ];
    Ok(parts.into_iter().map(|(name, value)| (format!("{prefix}{name}"), value.into())).collect())
}

fn contact_image(contact: &Contact) -> Object {
    object! {
        "first_name": contact.first_name.as_str(),
        "last_name": contact.last_name.as_str(),
        "email": contact.email.as_str(),
        "phone": contact.phone.as_str(),
        "is_primary": contact.primary,
    }
}

/// The whole list of contacts: those that stay with all that the app knows of them, new ones, and those that somebody
/// added in the meantime. The app deletes whom it is not sent.
fn contacts(there: &Object, before: &[Contact], after: &[Contact]) -> Value {
    let there = there.objects("contacts").unwrap_or_default();
    let known: Vec<Contact> = there.iter().map(|object| contact(object)).collect();
    let there_of_before = partners(&known, before, &[&is_same, &has_same_email, &is_at_same_place]);
    let before_of_after =
        partners(before, after, &[&is_same, &has_same_email, &has_same_name, &are_both_primary]);
    let mut list: Vec<Value> = Vec::new();
    for (contact, was) in after.iter().zip(&before_of_after) {
        let kept = was.and_then(|was| there_of_before[was]).map(|place| there[place].clone());
        let was = was.map(|was| contact_image(&before[was]));
        let sent = overlay(&kept.unwrap_or_default(), was.as_ref(), &contact_image(contact));
        list.push(sent_back(sent));
    }
    let is_new = |place: &usize| !there_of_before.contains(&Some(*place));
    list.extend((0..there.len()).filter(is_new).map(|place| sent_back(there[place].clone())));
    Value::Array(list)
}

fn sent_back(mut contact: Object) -> Value {
    contact.retain(|name, _| !NOT_SENT_BACK.contains(&name.as_str()));
    Value::Object(contact)
}

fn is_same((_, one): (usize, &Contact), (_, other): (usize, &Contact)) -> bool {
    one == other
}

fn has_same_email((_, one): (usize, &Contact), (_, other): (usize, &Contact)) -> bool {
    !one.email.is_empty() && one.email.eq_ignore_ascii_case(&other.email)
}

fn has_same_name((_, one): (usize, &Contact), (_, other): (usize, &Contact)) -> bool {
    let name = |contact: &Contact| format!("{} {}", contact.first_name, contact.last_name).to_lowercase();
    name(one).trim() != "" && name(one) == name(other)
}

fn is_at_same_place((one, _): (usize, &Contact), (other, _): (usize, &Contact)) -> bool {
    one == other
}

fn are_both_primary((_, one): (usize, &Contact), (_, other): (usize, &Contact)) -> bool {
    one.primary && other.primary
}
