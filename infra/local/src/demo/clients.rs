//! The clients.

use anyhow::Context;
use sync::ids::BillingId;
use sync::model::{Address, Client, Contact};

use super::Known;

/// Name, contact's names and e-mail address, street, town, state, postal code, days to pay, and whether QuickBooks
/// has it already.
type Row = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    u32,
    Known,
);

/// Clients of which only invoices tell: the last ones of the list.
pub(super) const ONLY_ON_INVOICES: usize = 4;

/// Clients that pay no tax, by name.
const EXEMPT: [&str; 3] = ["Cedar Point Schools", "Larkspur Clinic", "Saltmarsh Bird Sanctuary"];

#[rustfmt::skip]
const CLIENTS: &[Row] = &[
    ("Delgado's Diner", "Luis", "Delgado", "luis@delgados.example.com", "9 Main St", "Half Cove", "CA", "94019", 30, Known::ByName),
    ("AMBER HILL NURSERY", "Ruth", "Okafor", "orders@amberhill.example.com", "12 Quarry Rd", "Bayview", "CA", "94041", 30, Known::ByName),
    ("Cedar Point Schools", "Ines", "Marsh", "facilities@cedarpoint.example.com", "400 Learning Way", "Bayview", "CA", "94043", 60, Known::ByName),
    ("Ironwood Golf Club", "Petra", "Novak", "greens@ironwood.example.com", "1 Fairway Loop", "Tucson", "AZ", "85750", 30, Known::ByName),
    ("Larkspur Clinic", "Noor", "Haddad", "office@larkspur.example.com", "18 Wellness Blvd", "Palo Verde", "CA", "94303", 30, Known::ByName),
    ("Hollis O'Rourke", "Hollis", "O'Rourke", "hollis@example.com", "260 Birch Ln", "Bayview", "CA", "94041", 15, Known::ByName),
    ("Rosa Beltrán", "Rosa", "Beltrán", "rosa.beltran@example.com", "93 Poppy St", "Half Cove", "CA", "94019", 15, Known::ByName),
    ("Quillen Family Dentists", "Bea", "Quillen", "bea@quillen.example.com", "14 Bay Plaza", "Bayview", "CA", "94041", 30, Known::ByEmail),
    ("Raman Catering LLC", "Priya", "Raman", "HELLO@oliveoak.example.com", "52 Market St", "Palo Verde", "CA", "94301", 30, Known::ByEmail),
    ("Lal & Daughters", "Gita", "Lal", "gita@tamarind.example.com", "29 Mill Rd", "Palo Verde", "CA", "94303", 30, Known::ByEmail),
    ("Agave Court Hotel", "Marisol", "Vega", "desk@agavecourt.example", "210 Congress St", "Tucson", "AZ", "85701", 30, Known::No),
    ("Birchwood Care Home", "Alan", "Pryce", "alan@birchwood.example", "45 Larch Ave", "Bayview", "CA", "94041", 30, Known::No),
    ("Catalina Foothills Church", "Ruben", "Salas", "parish@catalina.example", "3300 Sunrise Dr", "Tucson", "AZ", "85718", 30, Known::No),
    ("Driftwood Surf School", "Kai", "Moana", "kai@driftwood.example", "2 Breaker Ln", "Half Cove", "CA", "94019", 15, Known::No),
    ("Eastgate Business Park", "Helen", "Zhou", "accounts@eastgate.example", "900 Eastgate Pkwy", "Stockwell", "CA", "95202", 60, Known::No),
    ("Farrow & Sons Builders", "Joe", "Farrow", "joe@farrow.example", "17 Timber Yd", "Palo Verde", "CA", "94303", 30, Known::No),
    ("Gila Bend Mercantile", "Oscar", "Reyna", "oscar@gilabend.example", "88 Old Mill Rd", "Tucson", "AZ", "85719", 30, Known::No),
    ("Harborlight Museum", "Faye", "Linden", "faye@harborlight.example", "1 Pier Sq", "Bayview", "CA", "94041", 60, Known::No),
    ("Isla Verde Apartments", "Tomás", "Ruiz", "tomas@islaverde.example", "77 Palm Ct", "Tucson", "AZ", "85705", 30, Known::No),
    ("Jasper Hollow Farm", "Wren", "Abbott", "wren@jasperhollow.example", "5 Hollow Rd", "Sonora Hills", "CA", "95476", 30, Known::No),
    ("Kirkwood Law Offices", "Simone", "Kirkwood", "billing@kirkwoodlaw.example", "640 Court St", "Palo Verde", "CA", "94301", 30, Known::No),
    ("Lantern Bay Yacht Club", "Piers", "Holm", "piers@lanternbay.example", "12 Marina Way", "Bayview", "CA", "94041", 30, Known::No),
    ("Mesquite Ridge Winery", "Elena", "Castro", "elena@mesquiteridge.example", "4100 Vineyard Trl", "Tucson", "AZ", "85743", 30, Known::No),
    ("Northgate Community Garden", "Amy", "Oyelaran", "amy@northgate.example", "30 Commons Rd", "Stockwell", "CA", "95203", 15, Known::No),
    ("Oakhurst Veterinary", "Dev", "Patel", "dev@oakhurstvet.example", "221 Acorn St", "Bayview", "CA", "94043", 30, Known::No),
    ("Paloma Books", "Inez", "Paloma", "inez@palomabooks.example", "6 Reading Rw", "Half Cove", "CA", "94019", 15, Known::No),
    ("Quarry Lake Estates", "Victor", "Sandoval", "hoa@quarrylake.example", "1 Quarry Lake Dr", "Hillsborough", "CA", "94010", 30, Known::No),
    ("Rincon Valley Clinic", "Joyce", "Tso", "joyce@rinconvalley.example", "5151 Broadway", "Tucson", "AZ", "85711", 30, Known::No),
    ("Saltmarsh Bird Sanctuary", "Neil", "Corbett", "neil@saltmarsh.example", "Heron Trail", "Half Cove", "CA", "94019", 60, Known::No),
    ("Thistle & Thyme Café", "Orla", "Byrne", "orla@thistlethyme.example", "14 Baker St", "Palo Verde", "CA", "94301", 15, Known::No),
    ("Ullman Robotics", "Petr", "Ullman", "ap@ullman.example", "2000 Circuit Ave", "Palo Verde", "CA", "94303", 60, Known::No),
    ("Vista del Sol School", "Carla", "Montaño", "office@vistadelsol.example", "700 Prickly Pear Ln", "Tucson", "AZ", "85746", 60, Known::No),
    ("Wickham House", "Edmund", "Wickham", "edmund@wickham.example", "1 Wickham Dr", "Hillsborough", "CA", "94010", 15, Known::No),
    ("Xavier Monroe", "Xavier", "Monroe", "xavier.monroe@mail.example", "18 Elder Ct", "Bayview", "CA", "94041", 15, Known::No),
    ("Yarrow Wellness", "Saoirse", "Flynn", "hello@yarrow.example", "9 Meadow Ln", "Half Cove", "CA", "94019", 30, Known::No),
    ("Zephyr Wind Energy", "Ingrid", "Dahl", "ap@zephyrwind.example", "3500 Ridge Rd", "Stockwell", "CA", "95202", 60, Known::No),
    ("Ada Lovejoy", "Ada", "Lovejoy", "ada.lovejoy@mail.example", "41 Fern Ct", "Bayview", "CA", "94041", 15, Known::No),
    ("Bram Okonkwo", "Bram", "Okonkwo", "bram@mail.example", "7 Olive Ave", "Tucson", "AZ", "85719", 15, Known::No),
    ("Clara Nygaard", "Clara", "Nygaard", "clara.n@mail.example", "302 Cove Rd", "Half Cove", "CA", "94019", 15, Known::No),
    ("Dinesh Rao", "Dinesh", "Rao", "dinesh@mail.example", "66 Willow Way", "Palo Verde", "CA", "94303", 15, Known::No),
    ("Elm Street Dental", "Paula", "Wirth", "front@elmstreetdental.example", "10 Elm St", "Bayview", "CA", "94041", 30, Known::No),
    ("Fernbank Co-operative", "Abe", "Silver", "abe@fernbank.example", "8 Fernbank Pl", "Stockwell", "CA", "95203", 30, Known::No),
    ("Grey Heron Press", "Maud", "Elliot", "maud@greyheron.example", "55 Type St", "Palo Verde", "CA", "94301", 30, Known::No),
    ("Hacienda Luz", "Luz", "Amador", "luz@hacienda.example", "1200 Saguaro Rd", "Tucson", "AZ", "85749", 30, Known::No),
];

/// A client, and whether QuickBooks has it already.
#[derive(Clone)]
pub(super) struct Listed {
    pub(super) client: Client,
    pub(super) state: &'static str,
    pub(super) known: Known,
}

/// All clients, in the order of the list.
pub(super) fn all() -> anyhow::Result<Vec<Listed>> {
    CLIENTS.iter().enumerate().map(|(place, row)| listed(place, row)).collect()
}

fn listed(place: usize, row: &Row) -> anyhow::Result<Listed> {
    let &(name, first_name, last_name, email, street, town, state, postal_code, days, known) = row;
    let address = Address {
        line1: street.into(),
        city: town.into(),
        state: state.into(),
        postal_code: postal_code.into(),
        country: "USA".into(),
        ..Address::default()
    };
    let contact = Contact {
        first_name: first_name.into(),
        last_name: last_name.into(),
        email: email.into(),
        phone: format!("(650) 555-{:04}", 100 + place),
        primary: true,
    };
    let client = Client {
        id: BillingId::new(format!("c-{}", 101 + place)).context(name)?,
        name: name.into(),
        contacts: vec![contact],
        billing_address: Some(address.clone()),
        shipping_address: Some(address),
        phone: String::new(),
        website: String::new(),
        currency: None,
        tax_exempt: EXEMPT.contains(&name),
        vat_number: String::new(),
        payment_terms: Some(days),
        public_notes: String::new(),
    };
    Ok(Listed { client, state, known })
}

/// The client after it has moved.
pub(super) fn moved(client: &Client) -> Client {
    let mut client = client.clone();
    if let Some(address) = &mut client.billing_address {
        address.line1 = format!("Suite 2, {}", address.line1);
    }
    client
}
