//! A Customer as a client.

use quickbooks_wire::{Customer, PhysicalAddress};

use super::{Members, currency, text};
use crate::ids::BillingId;
use crate::mapping::customer;
use crate::model::{Address, Client, Contact};
use crate::reference::Reference;

/// The new client that stands for a Customer. Its id is a placeholder until the billing app gives it one.
pub fn new_client(row: &Customer, id: BillingId, reference: &Reference) -> Client {
    let blank = Client {
        id,
        name: String::new(),
        contacts: Vec::new(),
        billing_address: None,
        shipping_address: None,
        phone: String::new(),
        website: String::new(),
        currency: currency(row.currency_ref.as_ref(), reference),
        tax_exempt: false,
        vat_number: row.primary_tax_identifier.clone().unwrap_or_default(),
        payment_terms: None,
        public_notes: String::new(),
    };
    client(&blank, row, Members::All, reference)
}

/// The client with the members of a Customer that changed.
pub fn client(before: &Client, row: &Customer, members: Members<'_>, reference: &Reference) -> Client {
    let mut client = before.clone();
    if members.has("DisplayName") && customer::display_name(&client) != text(&row.display_name) {
        client.name = text(&row.display_name);
    }
    if members.has("GivenName") {
        set_contact(&mut client, text(&row.given_name), |contact| &mut contact.first_name);
    }
    if members.has("FamilyName") {
        set_contact(&mut client, text(&row.family_name), |contact| &mut contact.last_name);
    }
    if members.has("PrimaryEmailAddr") {
        let addresses = row.primary_email_addr.as_ref().and_then(|email| email.address.as_deref());
        set_emails(&mut client, addresses.unwrap_or_default());
    }
    if members.has("PrimaryPhone") {
        let phone = row.primary_phone.as_ref().and_then(|phone| phone.free_form_number.clone());
        set_phone(&mut client, phone.unwrap_or_default());
    }
    if members.has("WebAddr") {
        client.website = row.web_addr.as_ref().and_then(|web| web.uri.clone()).unwrap_or_default();
    }
    if members.has("BillAddr") {
        client.billing_address = row.bill_addr.as_ref().and_then(address);
    }
    if members.has("ShipAddr") {
        client.shipping_address = row.ship_addr.as_ref().and_then(address);
    }
    if members.has("Notes") {
        client.public_notes = text(&row.notes);
    }
    if let (true, Some(taxable)) = (members.has("Taxable"), row.taxable) {
        client.tax_exempt = !taxable;
    }
    if members.has("SalesTermRef") {
        client.payment_terms = terms(row, reference).unwrap_or(client.payment_terms);
    }
    client
}

/// Sets a member of the contact to write to, who is added if there is something to tell.
fn set_contact(client: &mut Client, value: String, member: impl Fn(&mut Contact) -> &mut String) {
    match primary(client) {
        Some(contact) => *member(contact) = value,
        None if value.is_empty() => {}
        None => {
            let mut contact = Contact { primary: true, ..Contact::default() };
            *member(&mut contact) = value;
            client.contacts.push(contact);
        }
    }
}

fn primary(client: &mut Client) -> Option<&mut Contact> {
    let place = client.contacts.iter().position(|contact| contact.primary).unwrap_or_default();
    client.contacts.get_mut(place)
}

/// QuickBooks keeps several addresses in one text, separated by commas. The first is the primary contact's; further
/// ones that nobody has yet become contacts of their own.
fn set_emails(client: &mut Client, addresses: &str) {
    let mut addresses = addresses.split(',').map(str::trim).filter(|address| !address.is_empty());
    let first = addresses.next().unwrap_or_default().to_owned();
    set_contact(client, first, |contact| &mut contact.email);
    for address in addresses {
        let is_known = client.contacts.iter().any(|contact| contact.email.eq_ignore_ascii_case(address));
        if !is_known {
            client.contacts.push(Contact { email: address.to_owned(), ..Contact::default() });
        }
    }
}

/// The number goes where the one before came from: to the client, or to its contact.
fn set_phone(client: &mut Client, phone: String) {
    let is_contacts = client.phone.trim().is_empty()
        && primary(client).is_some_and(|contact| !contact.phone.trim().is_empty());
    if is_contacts {
        set_contact(client, phone, |contact| &mut contact.phone);
    } else {
        client.phone = phone;
    }
}

fn address(row: &PhysicalAddress) -> Option<Address> {
    let further = [&row.line2, &row.line3, &row.line4, &row.line5];
    let further: Vec<&str> = further.into_iter().flatten().map(|line| line.trim()).collect();
    let address = Address {
        line1: text(&row.line1),
        line2: further.into_iter().filter(|line| !line.is_empty()).collect::<Vec<_>>().join(", "),
        city: text(&row.city),
        state: text(&row.country_sub_division_code),
        postal_code: text(&row.postal_code),
        country: text(&row.country),
    };
    (address != Address::default()).then_some(address)
}

/// The days of the Customer's term: none to say if the term names a day of the month instead.
fn terms(row: &Customer, reference: &Reference) -> Option<Option<u32>> {
    let Some(term) = row.sales_term_ref.as_ref() else { return Some(None) };
    let known = reference.terms.iter().find(|known| known.id.as_str() == term.id())?;
    known.due_days.map(Some)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use quickbooks_wire::{EmailAddress, Entity};

    use super::*;
    use crate::mapping::fields;
    use crate::mapping::fixtures::{billing, client as rosa, reference};

    fn row(client: &Client) -> Customer {
        customer::map(client, None, &reference()).unwrap()
    }

    #[test]
    fn what_the_customer_says_comes_over_whole() {
        let back = new_client(&row(&rosa()), billing("c-1"), &reference());
        let contact = Contact { phone: String::new(), ..rosa().contacts[0].clone() };
        let expected = Client {
            contacts: vec![contact],
            phone: "520 555 0199".into(),
            website: "https://delgado-gardens.example".into(),
            ..rosa()
        };
        assert_eq!(back, expected);
    }

    #[test]
    fn only_what_changed_is_touched() {
        let mut changed = row(&rosa());
        changed.given_name = Some("Rosalind".into());
        changed.notes = Some("not to be looked at".into());
        let names = ["GivenName".to_owned()];
        let back = client(&rosa(), &changed, Members::Some(&names), &reference());
        let mut expected = rosa();
        expected.contacts[0].first_name = "Rosalind".into();
        assert_eq!(back, expected);
    }

    #[test]
    fn several_addresses_become_several_contacts() {
        let mut changed = row(&rosa());
        changed.primary_email_addr =
            Some(EmailAddress { address: Some("new@delgado.example, office@delgado.example".into()) });
        let back = client(&rosa(), &changed, Members::All, &reference());
        let emails: Vec<&str> = back.contacts.iter().map(|contact| contact.email.as_str()).collect();
        assert_eq!(emails, ["new@delgado.example", "office@delgado.example"]);
        assert_eq!(client(&back, &changed, Members::All, &reference()), back, "once");
    }

    proptest! {
        #[test]
        fn there_and_back_keeps_what_both_know(
            name in "[A-Za-z' ]{0,20}", first in "[A-Za-z]{0,8}", last in "[A-Za-z]{0,8}",
            phone in "[0-9 ]{0,12}", city in "[A-Za-z ]{0,10}", notes in "[a-z \n]{0,30}", exempt in any::<bool>(),
        ) {
            let mut before = rosa();
            before.name = name;
            before.contacts[0].first_name = first;
            before.contacts[0].last_name = last;
            before.contacts[0].phone = phone;
            before.billing_address = Some(Address { city, ..Address::default() });
            before.public_notes = notes;
            before.tax_exempt = exempt;
            let there = row(&before);
            let entity: Entity = there.clone().into();
            let back = new_client(&there, billing("c-1"), &reference());
            let again: Entity = row(&back).into();
            let names = fields::fingerprints(&entity).into_keys();
            // A Customer has no company's name of its own in the billing app; the client's name stands for it.
            for name in names.filter(|name| name != "CompanyName") {
                prop_assert!(fields::holds(&entity, &again, &name), "{name}: {entity:?} and {again:?}");
            }
        }
    }
}
