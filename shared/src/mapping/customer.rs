//! A client as a Customer.

use quickbooks_wire::{Customer, EmailAddress, PhysicalAddress, Ref, TelephoneNumber, WebAddress};

use super::{foreign_currency, text};
use crate::model::{Address, Client, Contact};
use crate::outcome::Park;
use crate::reference::{Reference, TaxModel};

/// The longest DisplayName (Intuit: Customer).
const DISPLAY_NAME: usize = 500;

/// The name that the client's Customer has: the client's own, else its contact's, else a contact's e-mail address,
/// else its id.
pub fn display_name(client: &Client) -> String {
    let contact = primary_contact(client);
    let contact_name = contact.map(|contact| format!("{} {}", contact.first_name, contact.last_name));
    let choices = [
        text::name(&client.name, DISPLAY_NAME),
        text::name(&contact_name.unwrap_or_default(), DISPLAY_NAME),
        text::name(contact.map_or("", |contact| &contact.email), DISPLAY_NAME),
    ];
    choices.into_iter().find(|name| !name.is_empty()).unwrap_or_else(|| format!("Client {}", client.id))
}

/// The e-mail addresses of the client's contacts, as compared: trimmed, lower case, each once.
pub fn emails(client: &Client) -> Vec<String> {
    let mut emails: Vec<String> =
        client.contacts.iter().map(|contact| contact.email.trim().to_lowercase()).collect();
    emails.retain(|email| is_email(email));
    emails.sort();
    emails.dedup();
    emails
}

/// The Customer that stands for a client. `currency` is that of the invoice or payment it is made for, should the
/// client not name its own.
///
/// # Errors
/// A foreign currency that the QuickBooks company does not use.
pub fn map(client: &Client, currency: Option<&str>, reference: &Reference) -> Result<Customer, Park> {
    let contact = primary_contact(client);
    let currency = foreign_currency(client.currency.as_deref().or(currency), reference)?;
    let phone = if client.phone.trim().is_empty() { contact.map_or("", |c| &c.phone) } else { &client.phone };
    Ok(Customer {
        display_name: Some(display_name(client)),
        company_name: text::some(text::name(&client.name, 100)),
        given_name: contact.and_then(|contact| text::some(text::name(&contact.first_name, 100))),
        family_name: contact.and_then(|contact| text::some(text::name(&contact.last_name, 100))),
        primary_email_addr: contact.and_then(email).map(|address| EmailAddress { address: Some(address) }),
        primary_phone: text::some(text::line(phone, 30))
            .map(|number| TelephoneNumber { free_form_number: Some(number) }),
        web_addr: web_address(&client.website).map(|uri| WebAddress { uri: Some(uri) }),
        bill_addr: client.billing_address.as_ref().and_then(address),
        ship_addr: client.shipping_address.as_ref().and_then(address),
        notes: text::some(text::paragraph(&client.public_notes, 2000)),
        taxable: is_united_states(reference).then_some(!client.tax_exempt),
        sales_term_ref: client.payment_terms.and_then(|days| term(days, reference)),
        currency_ref: currency.map(Ref::to),
        ..Customer::default()
    })
}

fn primary_contact(client: &Client) -> Option<&Contact> {
    client.contacts.iter().find(|contact| contact.primary).or_else(|| client.contacts.first())
}

fn email(contact: &Contact) -> Option<String> {
    let address = contact.email.trim();
    is_email(address).then(|| address.to_owned())
}

/// What QuickBooks would take for an address (Intuit: error 2210). Anything else is left out rather than refused
/// with the whole Customer.
fn is_email(address: &str) -> bool {
    let parts = address.split_once('@');
    address.len() <= 100
        && !address.contains(|c: char| c.is_whitespace() || c.is_control() || "<>(),;:\"".contains(c))
        && parts
            .is_some_and(|(local, domain)| !local.is_empty() && domain.contains('.') && !domain.contains('@'))
}

fn web_address(website: &str) -> Option<String> {
    let site = text::some(text::line(website, 990))?;
    if site.contains(' ') || !site.contains('.') {
        return None;
    }
    Some(if site.contains("://") { site } else { format!("https://{site}") })
}

/// An address as QuickBooks keeps it; none when nothing is in it.
pub fn address(address: &Address) -> Option<PhysicalAddress> {
    let part = |value: &str, max: usize| text::some(text::line(value, max));
    let mapped = PhysicalAddress {
        line1: part(&address.line1, 500),
        line2: part(&address.line2, 500),
        city: part(&address.city, 255),
        country_sub_division_code: part(&address.state, 255),
        postal_code: part(&address.postal_code, 30),
        country: part(&address.country, 255),
        ..PhysicalAddress::default()
    };
    (mapped != PhysicalAddress::default()).then_some(mapped)
}

fn term(days: u32, reference: &Reference) -> Option<Ref> {
    let term = reference.terms.iter().find(|term| term.due_days == Some(days))?;
    Some(Ref::to(term.id.as_str()))
}

/// `Taxable` is a member of United States companies only (Intuit: Customer).
fn is_united_states(reference: &Reference) -> bool {
    matches!(reference.tax_model, TaxModel::Automated | TaxModel::Manual)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::fixtures::{client, json, reference};

    #[test]
    fn a_whole_client() {
        insta::assert_snapshot!(json(&map(&client(), None, &reference()).unwrap()));
    }

    #[test]
    fn names_fall_back_to_contact_mail_and_id() {
        let mut client = client();
        client.name = " ".into();
        assert_eq!(display_name(&client), "Rosa Delgado");
        client.contacts[0].first_name.clear();
        client.contacts[0].last_name.clear();
        assert_eq!(display_name(&client), "rosa@delgado-gardens.example");
        client.contacts.clear();
        assert_eq!(display_name(&client), "Client c-1");
    }

    #[test]
    fn a_broken_mail_address_is_left_out() {
        for broken in ["", "rosa", "rosa@", "@x.example", "a b@x.example", "<rosa@x.example>"] {
            let mut client = client();
            client.contacts[0].email = broken.into();
            assert_eq!(map(&client, None, &reference()).unwrap().primary_email_addr, None, "{broken}");
        }
    }

    #[test]
    fn a_foreign_currency_needs_multicurrency() {
        let mut reference = reference();
        let park = map(&client(), Some("EUR"), &reference).unwrap_err();
        assert!(park.reason.contains("EUR") && park.reason.contains("multicurrency"), "{}", park.reason);
        reference.multi_currency = true;
        assert_eq!(map(&client(), Some("EUR"), &reference).unwrap().currency_ref, Some(Ref::to("EUR")));
        assert_eq!(map(&client(), Some("USD"), &reference).unwrap().currency_ref, None);
    }
}
