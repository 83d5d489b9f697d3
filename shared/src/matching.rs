//! The matching ladder: whether an entity that is in QuickBooks already is a record's counterpart (R21-R24,
//! R37-R41, D2, D5).
//!
//! Clients: exact name, then any contact's e-mail address. Products: key against the Item's name or full name,
//! Categories and Groups aside. Invoices and payments are never matched; an invoice that looks like another one
//! waits for a person. More than one candidate on a rung is ambiguous: nothing is linked or created.

use std::collections::{BTreeSet, HashMap};

use quickbooks_wire::query::{Query, eq, is_in};
use quickbooks_wire::{Customer, Entity, Invoice as WireInvoice, Item, ItemType};
use rust_decimal::Decimal;

use crate::ids::{BillingId, QuickBooksId};
use crate::link::MatchedBy;
use crate::mapping::{cents, customer, invoice, item};
use crate::model::{Client, Invoice, Kind, Product};
use crate::outcome::{Park, ParkCause};

/// Values in one `IN (…)`, so that a statement stays of a moderate length.
const VALUES: usize = 40;

/// What has to be looked up in QuickBooks for records that have no counterpart yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    customer_names: BTreeSet<String>,
    emails: BTreeSet<String>,
    item_names: BTreeSet<String>,
    item_paths: BTreeSet<String>,
    numbers: BTreeSet<String>,
}

impl Wanted {
    /// Looks for a client's Customer.
    pub fn client(&mut self, client: &Client) {
        self.customer_names.insert(customer::display_name(client));
        self.emails.extend(customer::emails(client));
    }

    /// Looks for a product's Item.
    pub fn product(&mut self, product: &Product) {
        self.item_names.insert(item::name(product));
        if product.key.contains(':') {
            self.item_paths.insert(product.key.trim().to_owned());
        }
    }

    /// Looks for invoices with an invoice's number.
    pub fn invoice(&mut self, wanted: &Invoice) {
        self.numbers.extend(invoice::doc_number(wanted));
    }

    /// The queries to run, in one call.
    pub fn queries(&self) -> Vec<Query> {
        let several = |entity: &'static str, property: &'static str, values: &BTreeSet<String>| {
            let values: Vec<&String> = values.iter().collect();
            let query = |some: &[&String]| {
                let condition = match some {
                    [one] => eq(property, one),
                    _ => is_in(property, some),
                };
                Query::from(entity).filter(condition).max(1000)
            };
            values.chunks(VALUES).map(query).collect::<Vec<_>>()
        };
        let mut queries = several("Customer", "DisplayName", &self.customer_names);
        queries.extend(several("Customer", "PrimaryEmailAddr", &self.emails));
        // Inactive ones too: they are no counterparts, but they may hold the name.
        let items = |property, values| several("Item", property, values).into_iter();
        queries.extend(items("Name", &self.item_names).map(Query::active_and_inactive));
        queries.extend(items("FullyQualifiedName", &self.item_paths).map(Query::active_and_inactive));
        queries.extend(several("Invoice", "DocNumber", &self.numbers));
        queries
    }
}

/// What QuickBooks has of what was wanted, and which of it is some record's counterpart already.
#[derive(Clone, Debug, Default)]
pub struct Found {
    customers: Vec<Customer>,
    items: Vec<Item>,
    invoices: Vec<WireInvoice>,
    taken: HashMap<(Kind, QuickBooksId), BillingId>,
}

impl Found {
    /// Adds rows; one that is known already is not added twice.
    pub fn add(&mut self, rows: impl IntoIterator<Item = Entity>) {
        for row in rows {
            match row {
                Entity::Customer(row) if !self.customers.iter().any(|known| known.id == row.id) => {
                    self.customers.push(*row)
                }
                Entity::Item(row) if !self.items.iter().any(|known| known.id == row.id) => {
                    self.items.push(*row)
                }
                Entity::Invoice(row) if !self.invoices.iter().any(|known| known.id == row.id) => {
                    self.invoices.push(*row)
                }
                _ => {}
            }
        }
    }

    /// The entities that were found, by kind and id.
    pub fn ids(&self) -> Vec<(Kind, QuickBooksId)> {
        let of = |kind: Kind, id: &Option<String>| Some((kind, QuickBooksId::new(id.clone()?).ok()?));
        let customers = self.customers.iter().filter_map(|row| of(Kind::Client, &row.id));
        let items = self.items.iter().filter_map(|row| of(Kind::Product, &row.id));
        let invoices = self.invoices.iter().filter_map(|row| of(Kind::Invoice, &row.id));
        customers.chain(items).chain(invoices).collect()
    }

    /// Notes that an entity has a counterpart.
    pub fn take(&mut self, kind: Kind, id: QuickBooksId, by: BillingId) {
        self.taken.insert((kind, id), by);
    }

    fn taken_by(&self, kind: Kind, id: &Option<String>) -> Option<&BillingId> {
        let id = QuickBooksId::new(id.clone()?).ok()?;
        self.taken.get(&(kind, id))
    }
}

/// The counterpart that was found, if any.
pub type Matched<T> = Option<(T, MatchedBy)>;

/// The Customer that is a client's counterpart.
///
/// # Errors
/// More than one candidate, or one that must not be taken.
pub fn client(client: &Client, found: &Found) -> Result<Matched<Customer>, Park> {
    let name = customer::display_name(client);
    let named = found
        .customers
        .iter()
        .filter(|row| is_same(row.display_name.as_deref(), &name) && row.active != Some(false));
    if let Some(row) = named.clone().next() {
        return match found.taken_by(Kind::Client, &row.id) {
            Some(other) if *other != client.id => Err(already_linked("Customer", &name, "client", other)),
            _ if is_sub_customer(row) => Err(Park::new(
                ParkCause::NameTaken,
                format!(
                    "The name \"{name}\" is held in QuickBooks by a sub-customer, and sub-customers cannot be mapped."
                ),
                "Rename the client or the sub-customer, then retry.",
            )),
            _ => Ok(Some((row.clone(), MatchedBy::Name))),
        };
    }
    let emails = customer::emails(client);
    let has_email = |row: &&Customer| {
        let address =
            row.primary_email_addr.as_ref().and_then(|email| email.address.as_deref()).unwrap_or_default();
        address.split(',').any(|one| emails.contains(&one.trim().to_lowercase()))
    };
    let free = found.customers.iter().filter(has_email).filter(|row| {
        row.active != Some(false) && !is_sub_customer(row) && found.taken_by(Kind::Client, &row.id).is_none()
    });
    match free.collect::<Vec<_>>().as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(((*one).clone(), MatchedBy::Email))),
        several => {
            let names = several.iter().map(|row| labelled(row.display_name.as_deref(), &row.id));
            Err(ambiguous(
                "client",
                &name,
                "Customer in QuickBooks by its e-mail address",
                &names.collect::<Vec<_>>(),
            ))
        }
    }
}

/// The Item that is a product's counterpart.
///
/// # Errors
/// More than one candidate, or one that must not be taken.
pub fn product(product: &Product, found: &Found) -> Result<Matched<Item>, Park> {
    let name = item::name(product);
    let is_candidate = |row: &&Item| {
        let sellable = !matches!(row.item_type, Some(ItemType::Category | ItemType::Group));
        let named = is_same(row.name.as_deref(), &name)
            || is_same(row.fully_qualified_name.as_deref(), product.key.trim());
        sellable && named && row.active != Some(false)
    };
    let candidates: Vec<&Item> = found.items.iter().filter(is_candidate).collect();
    let full = |row: &&&Item| is_same(row.fully_qualified_name.as_deref(), product.key.trim());
    let row = match (candidates.as_slice(), candidates.iter().find(full)) {
        ([], _) => return name_is_free(&name, found).map(|()| None),
        (_, Some(exact)) => *exact,
        ([one], None) => *one,
        (several, None) => {
            let names = several.iter().map(|row| labelled(row.fully_qualified_name.as_deref(), &row.id));
            return Err(ambiguous(
                "product",
                &name,
                "Item in QuickBooks by its key",
                &names.collect::<Vec<_>>(),
            ));
        }
    };
    match found.taken_by(Kind::Product, &row.id) {
        Some(other) if *other != product.id => Err(already_linked("Item", &name, "product", other)),
        _ => Ok(Some((row.clone(), MatchedBy::Key))),
    }
}

/// Makes sure that an Item of this name can be made, as far as is known: nothing at the top of the list has it (names
/// are unique under each parent).
fn name_is_free(name: &str, found: &Found) -> Result<(), Park> {
    let holder =
        found.items.iter().find(|row| is_same(row.name.as_deref(), name) && row.parent_ref.is_none());
    let Some(row) = holder else { return Ok(()) };
    let what = match row.item_type {
        Some(ItemType::Category) => "category",
        Some(ItemType::Group) => "bundle",
        _ => "inactive item",
    };
    Err(Park::new(
        ParkCause::NameTaken,
        format!(
            "The name \"{name}\" is held in QuickBooks by the {what} {}, which cannot stand on an invoice.",
            labelled(row.name.as_deref(), &row.id)
        ),
        "Rename one of the two, or map the product to another Item; then retry.",
    ))
}

/// Makes sure that no Invoice in QuickBooks has the number of one that is about to be created. Numbers never link
/// (R42, D5): a person decides. Voided Invoices and counterparts of other invoices do not count.
///
/// # Errors
/// An Invoice with that number.
pub fn no_twin(wanted: &Invoice, found: &Found) -> Result<(), Park> {
    let (Some(row), Some(number)) = (twin(wanted, found), invoice::doc_number(wanted)) else { return Ok(()) };
    let total = row.total_amt.unwrap_or_default();
    let customer =
        row.customer_ref.as_ref().and_then(|customer| customer.name.as_deref()).unwrap_or("another Customer");
    let likeness = if cents(wanted.amount) == total { "with the same total" } else { "with another total" };
    Err(Park::new(
        ParkCause::LikelyTwin,
        format!(
            "QuickBooks has an invoice {number} already, {likeness}: {total:.2} for {customer} (id {}).",
            row.id.as_deref().unwrap_or("unknown")
        ),
        "If it is the same invoice, link the two; if not, change one of the numbers. Then retry.",
    ))
}

/// The Invoice in QuickBooks that has the number of one that is about to be created.
pub fn twin<'f>(wanted: &Invoice, found: &'f Found) -> Option<&'f WireInvoice> {
    let number = invoice::doc_number(wanted)?;
    found.invoices.iter().find(|row| {
        is_same(row.doc_number.as_deref(), &number)
            && !is_voided(row)
            && found.taken_by(Kind::Invoice, &row.id).is_none()
    })
}

/// Whether an Invoice is voided. QuickBooks has no status for it: the amounts are zero and the note says so
/// (Intuit: Invoice, void).
pub fn is_voided(row: &WireInvoice) -> bool {
    row.total_amt.is_some_and(|total| total == Decimal::ZERO)
        && row.private_note.as_deref().is_some_and(|note| note.starts_with("Voided"))
}

fn is_sub_customer(row: &Customer) -> bool {
    row.job == Some(true) || row.parent_ref.is_some()
}

/// QuickBooks holds names that differ only in case for the same.
fn is_same(name: Option<&str>, wanted: &str) -> bool {
    !wanted.is_empty() && name.is_some_and(|name| name.trim().to_lowercase() == wanted.to_lowercase())
}

fn labelled(name: Option<&str>, id: &Option<String>) -> String {
    format!("{} (id {})", name.unwrap_or("unnamed"), id.as_deref().unwrap_or("unknown"))
}

fn ambiguous(kind: &str, name: &str, what: &str, candidates: &[String]) -> Park {
    Park::new(
        ParkCause::Ambiguous,
        format!("The {kind} \"{name}\" fits more than one {what}: {}.", candidates.join(", ")),
        "Map it to the right one by hand, then retry.",
    )
}

fn already_linked(entity: &str, name: &str, kind: &str, other: &BillingId) -> Park {
    Park::new(
        ParkCause::AlreadyLinked,
        format!("The {entity} \"{name}\" in QuickBooks is the counterpart of {kind} {other} already."),
        format!("Give one of the two {kind}s another name, or map this one to another {entity}; then retry."),
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use quickbooks_wire::{EmailAddress, Ref};

    use super::*;
    use crate::mapping::fixtures::{
        billing, client as rosa, decimal, id, invoice as bill, product as pruning,
    };

    fn row(row_id: &str, name: &str, email: &str) -> Customer {
        Customer {
            id: Some(row_id.into()),
            display_name: Some(name.into()),
            primary_email_addr: Some(EmailAddress { address: Some(email.into()) }),
            active: Some(true),
            ..Customer::default()
        }
    }

    fn item(row_id: &str, name: &str, path: &str, item_type: ItemType) -> Item {
        Item {
            id: Some(row_id.into()),
            name: Some(name.into()),
            fully_qualified_name: Some(path.into()),
            item_type: Some(item_type),
            ..Item::default()
        }
    }

    fn found<E: Into<Entity>>(rows: impl IntoIterator<Item = E>) -> Found {
        let mut found = Found::default();
        found.add(rows.into_iter().map(Into::into));
        found
    }

    fn matched<T>(
        result: Result<Matched<T>, Park>,
        id: impl Fn(&T) -> Option<String>,
    ) -> (String, MatchedBy) {
        let (row, by) = result.unwrap().unwrap();
        (id(&row).unwrap(), by)
    }

    #[test]
    fn one_call_asks_for_everything() {
        let mut wanted = Wanted::default();
        wanted.client(&rosa());
        wanted.product(&pruning());
        let mut other = pruning();
        other.key = "Design:Fountain".into();
        wanted.product(&other);
        wanted.invoice(&bill());
        let queries: Vec<String> = wanted.queries().iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(queries.join("\n"), @"
        select * from Customer where DisplayName = 'Delgado Family Gardens' maxresults 1000
        select * from Customer where PrimaryEmailAddr = 'rosa@delgado-gardens.example' maxresults 1000
        select * from Item where Name in ('Design-Fountain', 'Pruning') and Active in (true, false) maxresults 1000
        select * from Item where FullyQualifiedName = 'Design:Fountain' and Active in (true, false) maxresults 1000
        select * from Invoice where DocNumber = 'INV-1001' maxresults 1000
        ");
        assert!(Wanted::default().queries().is_empty());
    }

    #[test]
    fn a_name_wins_over_an_address() {
        let rows = [
            row("1", "Someone else", "rosa@delgado-gardens.example"),
            row("2", "DELGADO family gardens", ""),
        ];
        assert_eq!(
            matched(client(&rosa(), &found(rows)), |row| row.id.clone()),
            ("2".into(), MatchedBy::Name)
        );
    }

    #[test]
    fn an_address_links_when_it_is_the_only_one() {
        let one = row("1", "Rosa D.", "office@x.example, Rosa@Delgado-Gardens.example");
        assert_eq!(
            matched(client(&rosa(), &found([one.clone()])), |row| row.id.clone()),
            ("1".into(), MatchedBy::Email)
        );
        let two = [one, row("2", "Rosa again", "rosa@delgado-gardens.example")];
        let park = client(&rosa(), &found(two)).unwrap_err();
        assert_eq!(park.cause, ParkCause::Ambiguous);
        assert!(park.reason.contains("Rosa D. (id 1), Rosa again (id 2)"), "{}", park.reason);
    }

    #[test]
    fn what_is_taken_inactive_or_a_sub_customer_is_not_linked() {
        let name = customer::display_name(&rosa());
        let mut taken = found([row("2", &name, "")]);
        taken.take(Kind::Client, id("2"), billing("c-9"));
        assert!(client(&rosa(), &taken).unwrap_err().reason.contains("c-9"));
        let mut own = found([row("2", &name, "")]);
        own.take(Kind::Client, id("2"), billing("c-1"));
        assert!(client(&rosa(), &own).unwrap().is_some(), "its own");
        let sub = Customer { job: Some(true), parent_ref: Some(Ref::to("1")), ..row("2", &name, "") };
        assert_eq!(client(&rosa(), &found([sub])).unwrap_err().cause, ParkCause::NameTaken);
        let inactive = Customer { active: Some(false), ..row("2", &name, "") };
        assert_eq!(client(&rosa(), &found([inactive])).unwrap(), None);
    }

    #[test]
    fn products_match_by_name_or_path_and_never_a_category_or_group() {
        let rows = [
            item("1", "Pruning", "Pruning", ItemType::Category),
            item("2", "Pruning", "Pruning set", ItemType::Group),
            item("3", "pruning", "Garden:pruning", ItemType::Service),
        ];
        assert_eq!(
            matched(product(&pruning(), &found(rows.clone())), |row| row.id.clone()),
            ("3".into(), MatchedBy::Key)
        );
        let held = product(&pruning(), &found(rows[..2].to_vec())).unwrap_err();
        assert_eq!(
            held.reason,
            "The name \"Pruning\" is held in QuickBooks by the category Pruning (id 1), which cannot stand on an invoice."
        );
        let below = Item { parent_ref: Some(Ref::to("9")), ..rows[0].clone() };
        assert_eq!(
            product(&pruning(), &found([below])).unwrap(),
            None,
            "R23, R41: the name is free at the top"
        );
        let two = [rows[2].clone(), item("4", "Pruning", "Trees:Pruning", ItemType::Inventory)];
        assert_eq!(product(&pruning(), &found(two.clone())).unwrap_err().cause, ParkCause::Ambiguous);
        let top = [two[0].clone(), item("5", "Pruning", "Pruning", ItemType::Service)];
        assert_eq!(
            matched(product(&pruning(), &found(top)), |row| row.id.clone()).0,
            "5",
            "the full name decides"
        );
    }

    #[test]
    fn an_invoice_with_the_same_number_waits_for_a_person() {
        let twin = WireInvoice {
            id: Some("130".into()),
            doc_number: Some("inv-1001".into()),
            total_amt: Some(decimal("274.59")),
            ..WireInvoice::default()
        };
        let park = no_twin(&bill(), &found([twin.clone()])).unwrap_err();
        assert!(park.cause == ParkCause::LikelyTwin && park.reason.contains("same total"), "{}", park.reason);
        let voided = WireInvoice {
            total_amt: Some(Decimal::ZERO),
            private_note: Some("Voided - entered twice".into()),
            ..twin.clone()
        };
        assert_eq!(no_twin(&bill(), &found([voided])), Ok(()));
        let mut ours = found([twin]);
        ours.take(Kind::Invoice, id("130"), billing("i-0"));
        assert_eq!(no_twin(&bill(), &ours), Ok(()));
    }

    prop_compose! {
        fn any_row()(place in 1_u8..9, name in "(Rosa|rosa|Delgado)", email in "[ab]@x\\.example", active in any::<bool>(), job in any::<bool>(), taken in 0_u8..3)
                     -> (Customer, u8) {
            let row = Customer { active: Some(active), job: Some(job), ..row(&place.to_string(), &name, &email) };
            (row, taken)
        }
    }

    proptest! {
        #[test]
        fn what_is_linked_is_free_active_and_the_only_candidate(rows in prop::collection::vec(any_row(), 0..6)) {
            let mut found = found(rows.iter().map(|(row, _)| row.clone()));
            for (row, taken) in &rows {
                match taken {
                    1 => found.take(Kind::Client, id(row.id.as_deref().unwrap()), billing("c-9")),
                    2 => found.take(Kind::Client, id(row.id.as_deref().unwrap()), billing("c-1")),
                    _ => {}
                }
            }
            let mut rosa = rosa();
            rosa.name = "Rosa".into();
            rosa.contacts[0].email = "A@x.example".into();
            if let Ok(Some((matched, by))) = client(&rosa, &found) {
                prop_assert_eq!(matched.active, Some(true));
                prop_assert_eq!(matched.job, Some(false));
                prop_assert_ne!(found.taken_by(Kind::Client, &matched.id), Some(&billing("c-9")));
                let same_name = matched.display_name.as_deref().unwrap().eq_ignore_ascii_case("rosa");
                prop_assert_eq!(same_name, by == MatchedBy::Name, "a name wins over an address");
            }
        }
    }
}
