use std::collections::BTreeMap;

use futures::executor::block_on;

use super::*;
use crate::ids::{QuickBooksId, RealmId};
use crate::memory::MemoryCompanies;
use crate::reference::{Account, Classes, CustomField, Tracked};
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
    let tracked = |id: &str, name: &str| Tracked { id: QuickBooksId::new(id).unwrap(), name: name.into() };
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
