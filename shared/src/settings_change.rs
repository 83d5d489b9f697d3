//! Changes that people make to a company's settings.

use std::collections::BTreeMap;

use jiff::civil::Date;

use crate::ids::{CompanyId, QuickBooksId};
use crate::model::{Kind, PaymentMethod, ProductType};
use crate::ports::{Companies, StoreError};
use crate::reference::{Account, Reference, Tracked};
use crate::settings::{Company, Direction, Notify, Settings};

/// How often a change is tried against others who change the company at the same moment.
const TRIES: u32 = 5;

/// Why a change was not made. Nothing is changed then.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// There is no such company.
    #[error("there is no company {0}")]
    UnknownCompany(CompanyId),
    /// What can be chosen is not known yet.
    #[error("accounts, classes and locations are not known before the company is connected with QuickBooks")]
    NotConnected,
    /// The account, class or location that was named will not do.
    #[error("{0}")]
    Choice(String),
    /// The company was connected with another QuickBooks company after a person had looked at it (D12).
    #[error("{0} has been connected with another QuickBooks company meanwhile; open the page again")]
    OtherBooks(CompanyId),
    /// Others changed the company again and again at the same moment.
    #[error("others keep changing company {0}; try again")]
    Contended(CompanyId),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes a change to a company's settings and returns the company as it is then.
///
/// # Errors
/// As [`ChangeError`] says.
pub async fn change_settings(
    companies: &dyn Companies,
    id: &CompanyId,
    change: &SettingsChange,
) -> Result<Company, ChangeError> {
    edit(companies, id, |company, reference| change.apply(&mut company.settings, reference)).await
}

/// Makes a change that a person has chosen from what was there for the company as they saw it.
///
/// # Errors
/// As [`ChangeError`] says.
pub async fn change_settings_as_seen(
    companies: &dyn Companies,
    seen: &Company,
    change: &SettingsChange,
) -> Result<Company, ChangeError> {
    edit(companies, &seen.id, |company, reference| {
        if company.books() != seen.books() {
            return Err(ChangeError::OtherBooks(company.id.clone()));
        }
        change.apply(&mut company.settings, reference)
    })
    .await
}

/// Changes a company, again from its newest version if others change it meanwhile.
///
/// # Errors
/// What `change` fails with, or as [`ChangeError`] says.
pub async fn edit(
    companies: &dyn Companies,
    id: &CompanyId,
    change: impl Fn(&mut Company, Option<&Reference>) -> Result<(), ChangeError>,
) -> Result<Company, ChangeError> {
    for _ in 0..TRIES {
        let company = companies.load(id).await?;
        let mut company = company.ok_or_else(|| ChangeError::UnknownCompany(id.clone()))?;
        let reference = match company.books() {
            Some(books) => companies.reference(&books).await?,
            None => None,
        };
        change(&mut company, reference.as_ref())?;
        company.version += 1;
        if companies.save(&company).await? {
            return Ok(company);
        }
    }
    Err(ChangeError::Contended(id.clone()))
}

/// What is to be changed; everything else stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SettingsChange {
    /// New directions.
    pub directions: Vec<(Kind, Direction)>,
    /// The default income account: its id, or its full name in any case. Blank: none, and new products wait.
    pub income_account: Option<String>,
    /// Income accounts of product types, in the same form. Blank: the default again.
    pub income_accounts: Vec<(ProductType, String)>,
    /// The account of new Payments, in the same form. Blank: QuickBooks' own default again.
    pub deposit_account: Option<String>,
    /// Accounts of payments made in one way, in the same form. Blank: the one for all again.
    pub deposit_accounts: Vec<(PaymentMethod, String)>,
    /// The class of new Invoices: its id, or its full name in any case. Blank: none.
    pub class: Option<String>,
    /// The location of new Invoices, in the same form.
    pub location: Option<String>,
    /// Fields of the billing app, each with the custom field of QuickBooks' that stands for it: its id, or its name in
    /// any case. Blank: none.
    pub custom_fields: Vec<(String, String)>,
    /// The cut-off date.
    pub cut_off: Option<CutOff>,
    /// Whether edits of products are pushed.
    pub push_product_edits: Option<bool>,
    /// Whether missing Customers are created on the fly.
    pub create_clients: Option<bool>,
    /// Whether missing Items are created on the fly.
    pub create_products: Option<bool>,
    /// Whether Customers and Items of deleted records become inactive.
    pub inactivate_deleted: Option<bool>,
    /// Who is told what, by e-mail.
    pub notify: Option<Notify>,
}

/// A cut-off date, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CutOff {
    /// Invoices before this day are left alone.
    Day(Date),
    /// All invoices are synced.
    None,
}

impl SettingsChange {
    /// Makes the change, or says why it cannot be made; then nothing is changed. Accounts are looked up in what is
    /// cached of QuickBooks.
    pub fn apply(&self, settings: &mut Settings, reference: Option<&Reference>) -> Result<(), ChangeError> {
        let mut changed = settings.clone();
        for (kind, direction) in &self.directions {
            *changed.directions.of_mut(*kind) = *direction;
        }
        if let Some(account) = &self.income_account {
            changed.default_income_account =
                INCOME.chosen(account, changed.default_income_account, reference)?;
        }
        for (product_type, account) in &self.income_accounts {
            INCOME.choose(&mut changed.income_accounts, *product_type, account, reference)?;
        }
        if let Some(account) = &self.deposit_account {
            changed.deposit_account = DEPOSITS.chosen(account, changed.deposit_account, reference)?;
        }
        for (method, account) in &self.deposit_accounts {
            DEPOSITS.choose(&mut changed.deposit_accounts, *method, account, reference)?;
        }
        if let Some(class) = &self.class {
            changed.class = CLASS.chosen(class, changed.class, reference)?;
        }
        if let Some(location) = &self.location {
            changed.location = LOCATION.chosen(location, changed.location, reference)?;
        }
        choose_fields(&mut changed.custom_fields, &self.custom_fields, reference)?;
        match self.cut_off {
            Some(CutOff::Day(day)) => changed.cut_off = Some(day),
            Some(CutOff::None) => changed.cut_off = None,
            None => {}
        }
        if let Some(notify) = &self.notify {
            changed.notify = notify.clone();
        }
        for (wanted, switch) in [
            (self.push_product_edits, &mut changed.push_product_edits),
            (self.create_clients, &mut changed.create_clients),
            (self.create_products, &mut changed.create_products),
            (self.inactivate_deleted, &mut changed.inactivate_deleted),
        ] {
            *switch = wanted.unwrap_or(*switch);
        }
        *settings = changed;
        Ok(())
    }
}

/// What accounts are chosen for.
struct Purpose {
    /// As in "those for … are".
    name: &'static str,
    /// The types of account that will do, in words.
    types: &'static str,
    fits: fn(&Account) -> bool,
}

const INCOME: Purpose = Purpose { name: "income", types: "Income", fits: is_for_income };
const DEPOSITS: Purpose =
    Purpose { name: "deposits", types: "Bank or Other Current Asset", fits: is_for_deposits };

impl Purpose {
    /// The account that a person means; none for a blank. What was chosen before may stay, even if it will not do now:
    /// who changes something else is not kept from it.
    fn chosen(
        &self,
        wanted: &str,
        before: Option<QuickBooksId>,
        reference: Option<&Reference>,
    ) -> Result<Option<QuickBooksId>, ChangeError> {
        if wanted.trim().is_empty() {
            return Ok(None);
        }
        match before.filter(|before| before.as_str() == wanted) {
            Some(before) => Ok(Some(before)),
            None => self.account(wanted, reference).map(Some),
        }
    }

    /// The same for one of several.
    fn choose<K: Ord>(
        &self,
        accounts: &mut BTreeMap<K, QuickBooksId>,
        of: K,
        wanted: &str,
        reference: Option<&Reference>,
    ) -> Result<(), ChangeError> {
        if let Some(account) = self.chosen(wanted, accounts.remove(&of), reference)? {
            accounts.insert(of, account);
        }
        Ok(())
    }

    /// The account that a person means, which has to be of a type that will do.
    fn account(&self, wanted: &str, reference: Option<&Reference>) -> Result<QuickBooksId, ChangeError> {
        let accounts = &reference.ok_or(ChangeError::NotConnected)?.accounts;
        let known: Vec<Named<'_>> = accounts.iter().map(named).collect();
        let Some(place) = place_of(wanted, "accounts", &known)? else {
            let fitting = accounts.iter().filter(|account| (self.fits)(account)).map(named);
            let names = in_words(fitting);
            return Err(ChangeError::Choice(format!(
                "there is no active account {wanted:?}; those for {} are: {names}",
                self.name
            )));
        };
        let account @ Account { name, id, account_type, .. } = &accounts[place];
        if !(self.fits)(account) {
            let problem = format!("account {name} ({id}) is of type {account_type}, not {}", self.types);
            return Err(ChangeError::Choice(problem));
        }
        Ok(id.clone())
    }
}

/// What sales are sorted by.
struct Label {
    /// In words.
    name: &'static str,
    several: &'static str,
    /// All of them, where they are tracked.
    known: fn(&Reference) -> Option<&[Tracked]>,
}

const CLASS: Label = Label {
    name: "class",
    several: "classes",
    known: |reference| reference.classes.as_ref().map(|classes| classes.all.as_slice()),
};
const LOCATION: Label =
    Label { name: "location", several: "locations", known: |reference| reference.locations.as_deref() };

impl Label {
    /// The one that a person means; none for a blank. What was chosen before may stay.
    fn chosen(
        &self,
        wanted: &str,
        before: Option<QuickBooksId>,
        reference: Option<&Reference>,
    ) -> Result<Option<QuickBooksId>, ChangeError> {
        if wanted.trim().is_empty() {
            return Ok(None);
        }
        if before.as_ref().is_some_and(|before| before.as_str() == wanted) {
            return Ok(before);
        }
        let Label { name, several, .. } = self;
        let Some(all) = (self.known)(reference.ok_or(ChangeError::NotConnected)?) else {
            return Err(ChangeError::Choice(format!(
                "QuickBooks does not track {several}; they are turned on there under Account and settings, Advanced, \
                 Categories"
            )));
        };
        let known: Vec<Named<'_>> = all.iter().map(|one| (&one.id, one.name.as_str())).collect();
        match place_of(wanted, several, &known)? {
            Some(place) => Ok(Some(all[place].id.clone())),
            None => {
                let known = in_words(known);
                Err(ChangeError::Choice(format!("there is no active {name} {wanted:?}; there are: {known}")))
            }
        }
    }
}

/// Lets custom fields of QuickBooks' stand for some of the billing app's, each for one at most; none for a blank.
fn choose_fields(
    fields: &mut BTreeMap<String, String>,
    wanted: &[(String, String)],
    reference: Option<&Reference>,
) -> Result<(), ChangeError> {
    let before = fields.clone();
    fields.retain(|name, _| !wanted.iter().any(|(changed, _)| changed == name));
    for (name, field) in wanted {
        let Some((id, title)) = chosen_field(field, before.get(name), reference)? else { continue };
        if let Some((other, _)) = fields.iter().find(|(_, taken)| **taken == id) {
            let problem = format!("custom field {title} stands for {other} already");
            return Err(ChangeError::Choice(problem));
        }
        fields.insert(name.clone(), id);
    }
    Ok(())
}

/// The id and the name of the custom field that a person means; none for a blank. What was chosen before may stay.
fn chosen_field(
    wanted: &str,
    before: Option<&String>,
    reference: Option<&Reference>,
) -> Result<Option<(String, String)>, ChangeError> {
    let wanted = wanted.trim();
    if wanted.is_empty() {
        return Ok(None);
    }
    let known = reference.map(|reference| reference.custom_fields.as_slice()).unwrap_or_default();
    let found = known.iter().find(|field| field.id == wanted);
    let found = found.or_else(|| known.iter().find(|field| field.name.eq_ignore_ascii_case(wanted)));
    if let Some(field) = found {
        return Ok(Some((field.id.clone(), field.name.clone())));
    }
    if before.is_some_and(|before| before == wanted) {
        return Ok(Some((wanted.to_owned(), wanted.to_owned())));
    }
    if reference.is_none() {
        return Err(ChangeError::NotConnected);
    }
    let names: Vec<String> = known.iter().map(|field| format!("{} ({})", field.name, field.id)).collect();
    let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    let problem = format!("there is no custom field {wanted:?} on sales forms; there are: {names}");
    Err(ChangeError::Choice(problem))
}

/// What is chosen from: id and full name.
type Named<'a> = (&'a QuickBooksId, &'a str);

fn named(account: &Account) -> Named<'_> {
    (&account.id, account.name.as_str())
}

/// The place of the one that a person means: by its id, else by its name in any case.
fn place_of(wanted: &str, several: &str, known: &[Named<'_>]) -> Result<Option<usize>, ChangeError> {
    if let Some(place) = known.iter().position(|(id, _)| id.as_str() == wanted) {
        return Ok(Some(place));
    }
    let wanted_name = wanted.to_lowercase();
    let mut of_name = (0..known.len()).filter(|place| known[*place].1.to_lowercase() == wanted_name);
    match (of_name.next(), of_name.next()) {
        (Some(_), Some(_)) => {
            Err(ChangeError::Choice(format!("there are several {several} {wanted:?}; give the id")))
        }
        (found, _) => Ok(found),
    }
}

fn in_words<'a>(named: impl IntoIterator<Item = Named<'a>>) -> String {
    named.into_iter().map(|(id, name)| format!("{name} ({id})")).collect::<Vec<_>>().join(", ")
}

/// What an Item's income may be booked to (Intuit: Item, IncomeAccountRef).
pub fn is_for_income(account: &Account) -> bool {
    matches!(account.account_type.as_str(), "Income" | "Other Income")
}

/// Where the money of a Payment may go (Intuit: Payment, DepositToAccountRef).
pub fn is_for_deposits(account: &Account) -> bool {
    matches!(account.account_type.as_str(), "Bank" | "Other Current Asset")
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;

    use super::*;
    use crate::ids::RealmId;
    use crate::memory::MemoryCompanies;
    use crate::reference::{Classes, CustomField};
    use crate::settings::{Connection, ConnectionState};

    fn account(id: &str, name: &str, account_type: &str) -> Account {
        Account {
            id: QuickBooksId::new(id).unwrap(),
            name: name.into(),
            account_type: account_type.into(),
            sub_type: String::new(),
        }
    }

    fn reference() -> Reference {
        let mut reference = Reference::from_lists(&Default::default(), jiff::Timestamp::UNIX_EPOCH);
        reference.accounts = vec![
            account("79", "Sales of Product Income", "Income"),
            account("45", "Landscaping Services", "Income"),
            account("46", "landscaping services", "Income"),
            account("35", "Checking", "Bank"),
            account("36", "Cash drawer", "Other Current Asset"),
        ];
        reference
    }

    fn with_account(wanted: &str) -> Result<Settings, ChangeError> {
        let mut settings = Settings::default();
        let change = SettingsChange { income_account: Some(wanted.into()), ..SettingsChange::default() };
        change.apply(&mut settings, Some(&reference()))?;
        Ok(settings)
    }

    #[test]
    fn an_account_is_found_by_its_id_or_its_name() {
        let expected = Some(QuickBooksId::new("79").unwrap());
        assert_eq!(with_account("79").unwrap().default_income_account, expected);
        assert_eq!(with_account("sales of product income").unwrap().default_income_account, expected);
        let none = SettingsChange { income_account: Some(String::new()), ..SettingsChange::default() };
        let mut settings = with_account("79").unwrap();
        none.apply(&mut settings, None).unwrap();
        assert_eq!(settings.default_income_account, None);
    }

    #[test]
    fn an_account_that_will_not_do_is_explained() {
        for (wanted, problem) in [
            ("Checking", "account Checking (35) is of type Bank, not Income"),
            ("Landscaping Services", "there are several accounts \"Landscaping Services\"; give the id"),
        ] {
            assert_eq!(with_account(wanted).unwrap_err().to_string(), problem);
        }
        let unknown = with_account("Fees").unwrap_err().to_string();
        assert!(unknown.contains("Sales of Product Income (79), Landscaping Services (45)"), "{unknown}");
        assert!(!unknown.contains("Checking"), "{unknown}");
    }

    #[test]
    fn money_goes_to_a_bank_or_another_current_asset_or_where_quickbooks_puts_it() {
        let mut settings = Settings::default();
        let mut apply = |account: &str, of_cash: &str| {
            let change = SettingsChange {
                deposit_account: Some(account.into()),
                deposit_accounts: vec![(PaymentMethod::Cash, of_cash.into())],
                ..SettingsChange::default()
            };
            change.apply(&mut settings, Some(&reference())).map_err(|error| error.to_string())?;
            let of = |method| settings.deposit_account(method).map(|id| id.to_string());
            Ok::<_, String>((of(PaymentMethod::Card), of(PaymentMethod::Cash)))
        };
        let (checking, drawer) = (Some("35".to_owned()), Some("36".to_owned()));
        assert_eq!(apply("checking", "36"), Ok((checking.clone(), drawer)));
        assert_eq!(apply("35", ""), Ok((checking.clone(), checking.clone())));
        assert_eq!(apply("35", "35"), Ok((checking.clone(), checking)), "as it was");
        assert_eq!(apply("", ""), Ok((None, None)));
        let wrong = apply("79", "").unwrap_err();
        assert_eq!(
            wrong,
            "account Sales of Product Income (79) is of type Income, not Bank or Other Current Asset"
        );
        let unknown = apply("Safe", "").unwrap_err();
        assert!(unknown.ends_with("those for deposits are: Checking (35), Cash drawer (36)"), "{unknown}");
    }

    #[test]
    fn a_class_and_a_location_are_chosen_where_quickbooks_tracks_them() {
        let mut settings = Settings::default();
        let tracked =
            |id: &str, name: &str| Tracked { id: QuickBooksId::new(id).unwrap(), name: name.into() };
        let all = vec![tracked("7", "North"), tracked("8", "North:Coast")];
        let with_classes = Reference { classes: Some(Classes { per_line: true, all }), ..reference() };
        let untracking = reference();
        let mut apply = |class: &str, location: &str, reference| {
            let change = SettingsChange {
                class: Some(class.into()),
                location: Some(location.into()),
                ..SettingsChange::default()
            };
            change.apply(&mut settings, reference).map_err(|error| error.to_string())?;
            Ok::<_, String>(settings.class.as_ref().map(ToString::to_string))
        };
        assert_eq!(apply("north:coast", "", Some(&with_classes)), Ok(Some("8".into())));
        let unknown = apply("South", "", Some(&with_classes)).unwrap_err();
        assert_eq!(unknown, "there is no active class \"South\"; there are: North (7), North:Coast (8)");
        let untracked = apply("8", "Yard", Some(&with_classes)).unwrap_err();
        assert!(untracked.starts_with("QuickBooks does not track locations"), "{untracked}");
        assert_eq!(apply("8", "", Some(&untracking)), Ok(Some("8".into())), "as it was");
        assert_eq!(apply("", "", None), Ok(None));
    }

    #[test]
    fn a_custom_field_stands_for_one_of_the_billing_apps() {
        let mut settings = Settings::default();
        let field = |id: &str, name: &str| CustomField { id: id.into(), name: name.into() };
        let known = Reference { custom_fields: vec![field("1", "Crew"), field("2", "Gate")], ..reference() };
        let mut apply = |name: &str, wanted: &str| {
            let custom_fields = vec![(name.to_owned(), wanted.to_owned())];
            let change = SettingsChange { custom_fields, ..SettingsChange::default() };
            change.apply(&mut settings, Some(&known)).map_err(|error| error.to_string())?;
            Ok::<_, String>(settings.custom_fields.clone().into_iter().collect::<Vec<_>>())
        };
        let crew = ("custom_value1".to_owned(), "1".to_owned());
        assert_eq!(apply("custom_value1", "crew"), Ok(vec![crew]));
        let twice = apply("custom_value2", "1").unwrap_err();
        assert_eq!(twice, "custom field Crew stands for custom_value1 already");
        let unknown = apply("custom_value2", "Route").unwrap_err();
        assert!(unknown.ends_with("there are: Crew (1), Gate (2)"), "{unknown}");
        assert_eq!(apply("custom_value1", ""), Ok(Vec::new()));
    }

    #[test]
    fn custom_fields_change_places_in_one_go() {
        let field = |id: &str| CustomField { id: id.into(), name: format!("Field {id}") };
        let known = Reference { custom_fields: vec![field("1"), field("2")], ..reference() };
        let named = |first: &str, second: &str| {
            let pairs = [("custom_value1", first), ("custom_value2", second)];
            pairs.map(|(name, id)| (name.to_owned(), id.to_owned()))
        };
        let mut settings = Settings { custom_fields: BTreeMap::from(named("1", "2")), ..Settings::default() };
        let swap = SettingsChange { custom_fields: named("2", "1").to_vec(), ..SettingsChange::default() };
        swap.apply(&mut settings, Some(&known)).unwrap();
        assert_eq!(settings.custom_fields, BTreeMap::from(named("2", "1")));
        let twice = SettingsChange { custom_fields: named("1", "1").to_vec(), ..SettingsChange::default() };
        let problem = twice.apply(&mut settings, Some(&known)).unwrap_err().to_string();
        assert_eq!(problem, "custom field Field 1 stands for custom_value1 already");
        assert_eq!(settings.custom_fields, BTreeMap::from(named("2", "1")));
    }

    #[test]
    fn nothing_changes_when_a_part_cannot() {
        let mut settings = Settings::default();
        let change = SettingsChange {
            directions: vec![(Kind::Client, Direction::Push)],
            income_account: Some("79".into()),
            ..SettingsChange::default()
        };
        assert!(change.apply(&mut settings, None).is_err());
        assert_eq!(settings, Settings::default());
    }

    #[test]
    fn settings_are_changed_one_version_at_a_time() {
        let companies = MemoryCompanies::default();
        let acme = CompanyId::new("acme").unwrap();
        let push =
            SettingsChange { directions: vec![(Kind::Client, Direction::Push)], ..SettingsChange::default() };
        let error = block_on(change_settings(&companies, &acme, &push)).unwrap_err();
        assert_eq!(error.to_string(), "there is no company acme");
        assert!(block_on(companies.save(&Company { version: 1, ..Company::new(acme.clone()) })).unwrap());
        let changed = block_on(change_settings(&companies, &acme, &push)).unwrap();
        assert_eq!((changed.version, changed.settings.directions.client), (2, Direction::Push));
        assert_eq!(block_on(companies.load(&acme)).unwrap(), Some(changed));
    }

    #[test]
    fn d12_what_was_chosen_from_other_books_is_not_stored() {
        let companies = MemoryCompanies::default();
        let connect = |company: &mut Company, realm: &str| {
            let connection = Connection {
                realm: RealmId::new(realm).unwrap(),
                state: ConnectionState::Disconnected,
                name: String::new(),
                connected_at: jiff::Timestamp::UNIX_EPOCH,
            };
            company.connect(connection).unwrap();
            company.version += 1;
            assert!(block_on(companies.save(company)).unwrap());
        };
        let mut company = Company::new(CompanyId::new("acme").unwrap());
        connect(&mut company, "1");
        let seen = company.clone();
        connect(&mut company, "1");
        let push =
            SettingsChange { directions: vec![(Kind::Client, Direction::Push)], ..SettingsChange::default() };
        let changed = block_on(change_settings_as_seen(&companies, &seen, &push)).unwrap();
        assert_eq!(changed.settings.directions.client, Direction::Push, "the same books");
        company = changed;
        connect(&mut company, "2");
        let refused = block_on(change_settings_as_seen(&companies, &seen, &push)).unwrap_err();
        assert!(matches!(refused, ChangeError::OtherBooks(_)), "{refused}");
        assert_eq!(block_on(companies.load(&seen.id)).unwrap(), Some(company));
    }

    #[test]
    fn only_what_is_named_changes() {
        let mut settings = Settings { cut_off: Some("2026-01-01".parse().unwrap()), ..Settings::default() };
        let change = SettingsChange {
            directions: vec![(Kind::Invoice, Direction::Push)],
            push_product_edits: Some(true),
            create_clients: Some(false),
            income_accounts: vec![(ProductType::Goods, "45".into())],
            ..SettingsChange::default()
        };
        change.apply(&mut settings, Some(&reference())).unwrap();
        let mut expected = Settings {
            cut_off: Some("2026-01-01".parse().unwrap()),
            push_product_edits: true,
            create_clients: false,
            ..Settings::default()
        };
        expected.directions.invoice = Direction::Push;
        expected.income_accounts.insert(ProductType::Goods, QuickBooksId::new("45").unwrap());
        assert_eq!(settings, expected);

        let change = SettingsChange { cut_off: Some(CutOff::None), ..SettingsChange::default() };
        change.apply(&mut settings, None).unwrap();
        assert_eq!(settings.cut_off, None);
    }
}
