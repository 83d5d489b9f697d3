//! What a person decides about a company's sync, and the state of its connection.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::api_key::ApiKeyHash;
use crate::billing_app::BillingApp;
use crate::ids::{Books, CompanyId, QuickBooksId, RealmId};
use crate::mail::Address;
use crate::mapping::fields;
use crate::model::{Kind, PaymentMethod, ProductType};

/// Which way changes of one kind travel (R3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Not at all (R5).
    #[default]
    None,
    /// From the billing app to QuickBooks (R6).
    Push,
    /// From QuickBooks to the billing app (R7).
    Pull,
    /// Both ways (R9).
    Bidirectional,
}

impl Direction {
    /// Whether the billing app's changes go to QuickBooks.
    pub fn pushes(self) -> bool {
        matches!(self, Direction::Push | Direction::Bidirectional)
    }

    /// Whether QuickBooks' changes go to the billing app.
    pub fn pulls(self) -> bool {
        matches!(self, Direction::Pull | Direction::Bidirectional)
    }
}

impl std::fmt::Display for Direction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Direction::None => "None",
            Direction::Push => "Push",
            Direction::Pull => "Pull",
            Direction::Bidirectional => "Bidirectional",
        })
    }
}

/// The direction of each kind (R2). All are None at first (R4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Directions {
    /// Clients and Customers.
    pub client: Direction,
    /// Products and Items.
    pub product: Direction,
    /// Invoices.
    pub invoice: Direction,
    /// Payments.
    pub payment: Direction,
}

impl Directions {
    /// The same direction for every kind.
    pub fn all(direction: Direction) -> Directions {
        Directions { client: direction, product: direction, invoice: direction, payment: direction }
    }

    /// The direction of one kind.
    pub fn of(&self, kind: Kind) -> Direction {
        match kind {
            Kind::Client => self.client,
            Kind::Product => self.product,
            Kind::Invoice => self.invoice,
            Kind::Payment => self.payment,
        }
    }

    /// The direction of one kind, to be changed.
    pub fn of_mut(&mut self, kind: Kind) -> &mut Direction {
        match kind {
            Kind::Client => &mut self.client,
            Kind::Product => &mut self.product,
            Kind::Invoice => &mut self.invoice,
            Kind::Payment => &mut self.payment,
        }
    }
}

/// A company's settings. They outlive disconnecting, and connecting the same QuickBooks company again (R65).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Which way each kind travels.
    pub directions: Directions,
    /// The income account of new Items, unless overridden (R59).
    pub default_income_account: Option<QuickBooksId>,
    /// The income account of new Items of a product type (R88). Wins over the default.
    pub income_accounts: BTreeMap<ProductType, QuickBooksId>,
    /// The account that the money of new Payments goes to; unset: QuickBooks' own default, Undeposited Funds.
    pub deposit_account: Option<QuickBooksId>,
    /// The account for payments made in one way. Wins over the one for all.
    pub deposit_accounts: BTreeMap<PaymentMethod, QuickBooksId>,
    /// The class of new Invoices, where QuickBooks tracks classes.
    pub class: Option<QuickBooksId>,
    /// The location (Department) of new Invoices, where QuickBooks tracks locations.
    pub location: Option<QuickBooksId>,
    /// The custom field of QuickBooks' Invoices (its DefinitionId) that stands for one of the billing app's.
    pub custom_fields: BTreeMap<String, String>,
    /// Invoices dated before this day are never synced, nor their payments (D8).
    pub cut_off: Option<Date>,
    /// Push edits of products too, not only new ones (D1).
    pub push_product_edits: bool,
    /// Create a missing Customer while pushing an invoice or payment (D9).
    pub create_clients: bool,
    /// Create missing Items while pushing an invoice (D9).
    pub create_products: bool,
    /// Make Customers and Items inactive when their counterpart is deleted (D13).
    pub inactivate_deleted: bool,
    /// Who is told what, by e-mail.
    pub notify: Notify,
}

/// Who is told what, by e-mail: of connections that end or have ended always, of parked records if they want.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Notify {
    /// Where e-mails go. Nobody is told if there is no address.
    pub to: Vec<Address>,
    /// Tell once a day what is parked.
    pub digest: bool,
}

impl Default for Notify {
    fn default() -> Notify {
        Notify { to: Vec::new(), digest: true }
    }
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            directions: Directions::default(),
            default_income_account: None,
            income_accounts: BTreeMap::new(),
            deposit_account: None,
            deposit_accounts: BTreeMap::new(),
            class: None,
            location: None,
            custom_fields: BTreeMap::new(),
            cut_off: None,
            push_product_edits: false,
            create_clients: true,
            create_products: true,
            inactivate_deleted: false,
            notify: Notify::default(),
        }
    }
}

impl Settings {
    /// The account that a person chose for the money of payments made in this way.
    pub fn deposit_account(&self, method: PaymentMethod) -> Option<&QuickBooksId> {
        self.deposit_accounts.get(&method).or(self.deposit_account.as_ref())
    }

    /// The settings for another QuickBooks company. Nothing travels until a person says so (R4), and an id of the old one's
    /// accounts, classes, locations or custom fields would mean something else there.
    #[must_use]
    fn for_new_books(self) -> Settings {
        Settings {
            cut_off: self.cut_off,
            push_product_edits: self.push_product_edits,
            create_clients: self.create_clients,
            create_products: self.create_products,
            inactivate_deleted: self.inactivate_deleted,
            notify: self.notify,
            ..Settings::default()
        }
    }

    /// Whether a member of an Invoice is a custom field that stands for one of the billing app's.
    pub fn stands_for_a_field(&self, member: &str) -> bool {
        self.custom_fields.values().any(|id| fields::custom_field(id) == member)
    }

    /// Whether new entities of a kind are booked by a person's choice, which QuickBooks may have made inactive since.
    pub fn choose_for(&self, kind: Kind) -> bool {
        match kind {
            Kind::Invoice => self.class.is_some() || self.location.is_some(),
            Kind::Payment => self.deposit_account.is_some() || !self.deposit_accounts.is_empty(),
            Kind::Client | Kind::Product => false,
        }
    }
}

/// Whether calls to QuickBooks can succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConnectionState {
    /// Tokens are good as far as known.
    Connected,
    /// QuickBooks refused the tokens; a person has to reconnect (R58).
    Expired,
    /// A person disconnected (R57).
    Disconnected,
}

/// A company's link with its QuickBooks company.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Connection {
    /// The QuickBooks company.
    pub realm: RealmId,
    /// Whether calls can succeed.
    pub state: ConnectionState,
    /// The QuickBooks company's name, for people.
    pub name: String,
    /// When the company was first connected with this realm.
    pub connected_at: Timestamp,
}

/// A tenant as stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Company {
    /// Its id.
    pub id: CompanyId,
    /// What people decided.
    #[serde(default)]
    pub settings: Settings,
    /// What it bills with.
    #[serde(default)]
    pub billing: BillingApp,
    /// Absent until a person has connected it for the first time.
    #[serde(default)]
    pub connection: Option<Connection>,
    /// What its billing app shows to push while it waits; absent as long as nobody has made one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_key: Option<ApiKeyHash>,
    /// Which generation of sessions in the console is good; see [`Company::end_sessions`].
    #[serde(default, skip_serializing_if = "is_first")]
    pub session_generation: u64,
    /// Counts the stored changes; a write names the one it was made from.
    #[serde(default)]
    pub version: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_first(generation: &u64) -> bool {
    *generation == 0
}

impl Company {
    /// A company that nobody has connected yet.
    pub fn new(id: CompanyId) -> Company {
        Company {
            id,
            settings: Settings::default(),
            billing: BillingApp::default(),
            connection: None,
            api_key: None,
            session_generation: 0,
            version: 0,
        }
    }

    /// Replaces the API key, or takes it away. Whoever had the old one may have opened the console with it, so its
    /// sessions end too.
    pub fn set_api_key(&mut self, key: Option<ApiKeyHash>) {
        self.api_key = key;
        self.end_sessions();
    }

    /// Ends all sessions in the company's console, and makes links into it that were not opened yet worthless.
    pub fn end_sessions(&mut self) {
        self.session_generation += 1;
    }

    /// Connects it with a realm. The first connection sets the cut-off date to its own day (UTC) unless a person has
    /// set one (D8). Connecting the same realm again leaves all settings as they are (R65); another one is a new
    /// connection (R4), for which nothing travels and nothing is chosen yet that only the one before has.
    ///
    /// Fails with the present connection if that is with another realm and was not given up (D12).
    pub fn connect(&mut self, connection: Connection) -> Result<(), Connection> {
        match self.connection.take() {
            Some(present)
                if present.realm != connection.realm && present.state != ConnectionState::Disconnected =>
            {
                self.connection = Some(present.clone());
                return Err(present);
            }
            Some(present) if present.realm == connection.realm => {
                self.connection = Some(Connection { connected_at: present.connected_at, ..connection });
            }
            Some(_) => {
                self.settings = std::mem::take(&mut self.settings).for_new_books();
                self.connection = Some(connection);
            }
            None => {
                let day = connection.connected_at.to_zoned(TimeZone::UTC).date();
                self.settings.cut_off.get_or_insert(day);
                self.connection = Some(connection);
            }
        }
        Ok(())
    }

    /// Whether it is linked with a realm that it has not given up.
    pub fn has(&self, realm: &RealmId) -> bool {
        let linked = |it: &Connection| it.realm == *realm && it.state != ConnectionState::Disconnected;
        self.connection.as_ref().is_some_and(linked)
    }

    /// The books that its changes go to, once it has been connected.
    pub fn books(&self) -> Option<Books> {
        let connection = self.connection.as_ref()?;
        Some(Books { company: self.id.clone(), realm: connection.realm.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection(realm: &str, at: &str) -> Connection {
        Connection {
            realm: RealmId::new(realm).unwrap(),
            state: ConnectionState::Connected,
            name: "Sandbox".into(),
            connected_at: at.parse().unwrap(),
        }
    }

    fn company() -> Company {
        Company::new(CompanyId::new("acme").unwrap())
    }

    #[test]
    fn the_first_connection_sets_the_cut_off_date_and_nothing_else() {
        let mut company = company();
        company.connect(connection("1", "2026-03-09T23:10:00Z")).unwrap();
        let cut_off = Some("2026-03-09".parse().unwrap());
        assert_eq!(company.settings, Settings { cut_off, ..Settings::default() });
    }

    #[test]
    fn a_cut_off_date_that_is_set_stays() {
        let mut company = company();
        company.settings.cut_off = Some("2025-01-01".parse().unwrap());
        company.connect(connection("1", "2026-03-09T23:10:00Z")).unwrap();
        assert_eq!(company.settings.cut_off, Some("2025-01-01".parse().unwrap()));
    }

    #[test]
    fn reconnecting_keeps_settings_and_the_day_of_the_first_connection() {
        let mut company = company();
        company.connect(connection("1", "2026-03-09T10:00:00Z")).unwrap();
        company.settings.cut_off = None;
        company.connection.as_mut().unwrap().state = ConnectionState::Expired;
        company.connect(connection("1", "2026-06-01T10:00:00Z")).unwrap();
        assert_eq!(company.settings.cut_off, None);
        assert_eq!(company.connection, Some(connection("1", "2026-03-09T10:00:00Z")));
    }

    #[test]
    fn another_realm_is_refused_until_a_person_disconnects() {
        let mut company = company();
        let first = connection("1", "2026-03-09T10:00:00Z");
        company.connect(first.clone()).unwrap();
        let second = connection("2", "2026-06-01T10:00:00Z");
        assert_eq!(company.connect(second.clone()), Err(first.clone()));
        assert_eq!(company.connection, Some(first));
        company.connection.as_mut().unwrap().state = ConnectionState::Disconnected;
        assert_eq!(company.connect(second.clone()), Ok(()));
        assert_eq!(company.connection, Some(second));
    }

    #[test]
    fn r4_another_realm_begins_without_directions_and_without_the_ids_of_the_first() {
        let id = |id: &str| QuickBooksId::new(id).unwrap();
        let mut company = company();
        company.connect(connection("1", "2026-03-09T10:00:00Z")).unwrap();
        let kept = Settings {
            cut_off: Some("2025-01-01".parse().unwrap()),
            push_product_edits: true,
            create_clients: false,
            create_products: false,
            inactivate_deleted: true,
            notify: Notify { to: vec![Address::new("books@example.com").unwrap()], digest: false },
            ..Settings::default()
        };
        company.settings = Settings {
            directions: Directions::all(Direction::Bidirectional),
            default_income_account: Some(id("79")),
            income_accounts: [(ProductType::Goods, id("80"))].into(),
            deposit_account: Some(id("35")),
            deposit_accounts: [(PaymentMethod::Card, id("36"))].into(),
            class: Some(id("5")),
            location: Some(id("6")),
            custom_fields: [("custom_value1".to_owned(), "1".to_owned())].into(),
            ..kept.clone()
        };
        let before = company.settings.clone();
        company.connection.as_mut().unwrap().state = ConnectionState::Disconnected;
        company.connect(connection("1", "2026-06-01T10:00:00Z")).unwrap();
        assert_eq!(company.settings, before, "R65: the same one");
        company.connection.as_mut().unwrap().state = ConnectionState::Disconnected;
        company.connect(connection("2", "2026-06-02T10:00:00Z")).unwrap();
        assert_eq!(company.settings, kept);
    }
}
