//! The companies' promises.

use futures::join;
use jiff::SignedDuration;

use super::{at, books, company};
use crate::ids::{Books, QuickBooksId, RealmId};
use crate::ports::{Companies, ConnectError, Lease};
use crate::reference::{Account, Reference, TaxModel};
use crate::settings::{Company, Connection, ConnectionState, Direction, Directions};

/// Checks a store of companies through two handles.
pub async fn companies(one: &dyn Companies, two: &dyn Companies) {
    a_company_is_saved_version_by_version(one, two).await;
    of_racing_saves_one_is_stored(one, two).await;
    a_company_is_connected(one, two).await;
    a_realm_has_one_company(one, two).await;
    of_companies_racing_for_a_realm_one_has_it(one, two).await;
    a_company_has_one_realm_at_a_time(one, two).await;
    a_cached_reference_is_replaced(one, two).await;
    a_value_is_used_once(one, two).await;
    a_lease_has_one_holder(one, two).await;
    of_racing_workers_one_has_the_lease(one, two).await;
}

fn connection(books: &Books, name: &str) -> Connection {
    Connection {
        realm: books.realm.clone(),
        state: ConnectionState::Connected,
        name: name.into(),
        connected_at: at(0),
    }
}

fn reference(name: &str) -> Reference {
    Reference {
        name: name.into(),
        country: "US".into(),
        home_currency: "USD".into(),
        multi_currency: false,
        tax_model: TaxModel::Automated,
        custom_numbers: true,
        discounts: true,
        deposits: false,
        auto_apply_credit: false,
        automated_tax_unfinished: false,
        subscription: None,
        book_close_date: Some("2025-12-31".parse().unwrap()),
        accounts: Vec::new(),
        tax_codes: Vec::new(),
        terms: Vec::new(),
        payment_methods: Vec::new(),
        classes: None,
        locations: None,
        custom_fields: Vec::new(),
        read_at: at(1),
    }
}

pub(super) async fn add(store: &dyn Companies, name: &str) {
    assert!(store.save(&Company { version: 1, ..Company::new(company(name)) }).await.unwrap());
}

async fn load(store: &dyn Companies, name: &str) -> Company {
    store.load(&company(name)).await.unwrap().unwrap()
}

pub(super) async fn connect(store: &dyn Companies, books: &Books, name: &str) -> Result<(), ConnectError> {
    store.connect(&books.company, &connection(books, name), &reference(name)).await
}

async fn a_company_is_saved_version_by_version(one: &dyn Companies, two: &dyn Companies) {
    let id = company("saved");
    assert_eq!(one.load(&id).await.unwrap(), None);
    let version = |version| {
        let mut company = Company { version, ..Company::new(id.clone()) };
        company.settings.directions = Directions::all(Direction::Push);
        company
    };
    assert!(!one.save(&version(0)).await.unwrap());
    assert!(!one.save(&version(2)).await.unwrap());
    assert_eq!(two.load(&id).await.unwrap(), None);
    assert!(one.save(&version(1)).await.unwrap());
    let other = Company { version: 1, ..Company::new(id.clone()) };
    assert!(!two.save(&other).await.unwrap(), "it is there already");
    assert_eq!(two.load(&id).await.unwrap(), Some(version(1)));

    assert!(!one.save(&version(3)).await.unwrap());
    assert!(one.save(&version(2)).await.unwrap());
    let other = Company { version: 2, ..Company::new(id.clone()) };
    assert!(!two.save(&other).await.unwrap(), "made from an older version");
    assert_eq!(one.load(&id).await.unwrap(), Some(version(2)));
}

async fn of_racing_saves_one_is_stored(one: &dyn Companies, two: &dyn Companies) {
    add(one, "racing-saves").await;
    for version in 2..7 {
        let first = Company { version, ..load(one, "racing-saves").await };
        let mut second = first.clone();
        second.settings.push_product_edits = !second.settings.push_product_edits;
        let stored = match join!(one.save(&first), two.save(&second)) {
            (Ok(true), Ok(false)) => first,
            (Ok(false), Ok(true)) => second,
            other => panic!("{other:?}"),
        };
        assert_eq!(load(one, "racing-saves").await, stored);
    }
}

async fn a_company_is_connected(one: &dyn Companies, two: &dyn Companies) {
    let books = books("connected", 100);
    assert!(matches!(connect(one, &books, "Mow").await, Err(ConnectError::UnknownCompany)));
    assert_eq!(two.of_realm(&books.realm).await.unwrap(), None);
    assert_eq!(two.reference(&books).await.unwrap(), None);
    add(one, "connected").await;
    let before = load(one, "connected").await;

    for _ in 0..2 {
        connect(one, &books, "Mow").await.unwrap();
        let after = load(two, "connected").await;
        assert_eq!(after.connection, Some(connection(&books, "Mow")));
        assert_eq!(after.settings.directions, Directions::default());
        assert_eq!(after.settings.cut_off, Some("2026-02-25".parse().unwrap()), "the day of the connection");
        assert_eq!(two.of_realm(&books.realm).await.unwrap(), Some(books.company.clone()));
        assert_eq!(two.reference(&books).await.unwrap(), Some(reference("Mow")));
    }
    assert!(
        !two.save(&Company { version: before.version + 1, ..before }).await.unwrap(),
        "it has changed since"
    );

    let mut expired = load(one, "connected").await;
    expired.connection.as_mut().unwrap().state = ConnectionState::Expired;
    expired.settings.cut_off = None;
    expired.version += 1;
    assert!(two.save(&expired).await.unwrap());
    let later = Connection { connected_at: at(86_400), ..connection(&books, "Mow Ltd") };
    two.connect(&books.company, &later, &reference("Mow Ltd")).await.unwrap();
    let again = load(one, "connected").await;
    assert_eq!(again.connection, Some(connection(&books, "Mow Ltd")), "connected again, since the first day");
    assert_eq!(again.settings.cut_off, None, "settings stay (R65)");
    assert_eq!(one.reference(&books).await.unwrap(), Some(reference("Mow Ltd")));
}

async fn a_realm_has_one_company(one: &dyn Companies, two: &dyn Companies) {
    let (books, others) = (books("realm-holder", 200), books("realm-seeker", 200));
    add(one, "realm-holder").await;
    add(one, "realm-seeker").await;
    connect(one, &books, "Mow").await.unwrap();
    for _ in 0..2 {
        assert!(matches!(connect(two, &others, "Sow").await, Err(ConnectError::RealmTaken)));
        assert_eq!(
            load(one, "realm-seeker").await,
            Company { version: 1, ..Company::new(others.company.clone()) }
        );
        assert_eq!(one.reference(&others).await.unwrap(), None, "nothing is left of a refused connection");
        assert_eq!(one.of_realm(&books.realm).await.unwrap(), Some(books.company.clone()));
    }
}

async fn of_companies_racing_for_a_realm_one_has_it(one: &dyn Companies, two: &dyn Companies) {
    for round in 0..3 {
        let realm = 300 + round;
        let (a, b) = (books(&format!("racing-a{round}"), realm), books(&format!("racing-b{round}"), realm));
        add(one, a.company.as_str()).await;
        add(one, b.company.as_str()).await;
        let (winner, loser) = match join!(connect(one, &a, "Mow"), connect(two, &b, "Mow")) {
            (Ok(()), Err(ConnectError::RealmTaken)) => (a, b),
            (Err(ConnectError::RealmTaken), Ok(())) => (b, a),
            other => panic!("{other:?}"),
        };
        assert_eq!(one.of_realm(&winner.realm).await.unwrap(), Some(winner.company));
        assert_eq!(load(two, loser.company.as_str()).await.connection, None);
    }
}

async fn a_company_has_one_realm_at_a_time(one: &dyn Companies, two: &dyn Companies) {
    let (first, second) = (books("one-realm", 400), books("one-realm", 401));
    add(one, "one-realm").await;
    connect(one, &first, "Mow").await.unwrap();
    match connect(two, &second, "Sow").await {
        Err(ConnectError::OtherRealm(name)) => assert_eq!(name, "Mow"),
        other => panic!("{other:?}"),
    }
    assert_eq!(load(one, "one-realm").await.books(), Some(first.clone()));
    assert_eq!(one.of_realm(&second.realm).await.unwrap(), None);

    let mut given_up = load(one, "one-realm").await;
    given_up.connection.as_mut().unwrap().state = ConnectionState::Disconnected;
    given_up.version += 1;
    assert!(one.save(&given_up).await.unwrap());
    connect(two, &second, "Sow").await.unwrap();
    assert_eq!(load(one, "one-realm").await.books(), Some(second.clone()));
    assert_eq!(one.of_realm(&second.realm).await.unwrap(), Some(second.company));
    assert_eq!(one.of_realm(&first.realm).await.unwrap(), None);
    let heir = books("heir", 400);
    add(one, "heir").await;
    connect(one, &heir, "Mow").await.unwrap();
}

async fn a_cached_reference_is_replaced(one: &dyn Companies, two: &dyn Companies) {
    let (cached, other) = (books("reference", 500), books("reference", 501));
    let account = |number: u32| Account {
        id: QuickBooksId::new(number.to_string()).unwrap(),
        name: format!("Landscaping Services:Job Materials:Fountains and Garden Lighting {number}"),
        account_type: "Income".into(),
        sub_type: "SalesOfProductIncome".into(),
    };
    // More than an item of most stores can hold as it is.
    let large = Reference { accounts: (0..5000).map(account).collect(), ..reference("Mow") };
    for reference in [reference("Mow"), large] {
        for _ in 0..2 {
            one.save_reference(&cached, &reference).await.unwrap();
            assert_eq!(two.reference(&cached).await.unwrap().as_ref(), Some(&reference));
        }
    }
    assert_eq!(two.reference(&other).await.unwrap(), None);
}

async fn a_value_is_used_once(one: &dyn Companies, two: &dyn Companies) {
    let (ours, others) = (company("once"), company("once-too"));
    assert!(!one.use_once(&ours, "n", at(0)).await.unwrap(), "never issued");
    for _ in 0..2 {
        one.issue_once(&ours, "n", at(10)).await.unwrap();
    }
    assert!(!two.use_once(&others, "n", at(5)).await.unwrap(), "another company's");
    assert!(two.use_once(&ours, "n", at(5)).await.unwrap());
    assert!(!one.use_once(&ours, "n", at(5)).await.unwrap());

    let moment = SignedDuration::from_nanos(1);
    one.issue_once(&ours, "last moment", at(10)).await.unwrap();
    assert!(two.use_once(&ours, "last moment", at(10) - moment).await.unwrap());
    one.issue_once(&ours, "too late", at(10)).await.unwrap();
    assert!(!two.use_once(&ours, "too late", at(10)).await.unwrap());

    for round in 0..5 {
        let nonce = format!("race {round}");
        one.issue_once(&ours, &nonce, at(10)).await.unwrap();
        let used = join!(one.use_once(&ours, &nonce, at(1)), two.use_once(&ours, &nonce, at(1)));
        assert!(matches!(used, (Ok(true), Ok(false)) | (Ok(false), Ok(true))), "{used:?}");
    }
}

fn lease(name: &'static str, holder: &str, until: i64) -> Lease {
    Lease { name, holder: holder.into(), until: at(until) }
}

async fn a_lease_has_one_holder(one: &dyn Companies, two: &dyn Companies) {
    let ours = books("lease", 600);
    let (mine, yours) = (lease("tokens", "me", 10), lease("tokens", "you", 10));
    assert!(one.acquire_lease(&ours, &mine, at(0)).await.unwrap());
    assert!(!two.acquire_lease(&ours, &yours, at(1)).await.unwrap());
    assert!(one.acquire_lease(&ours, &lease("tokens", "me", 20), at(5)).await.unwrap(), "renewed");
    assert!(!two.acquire_lease(&ours, &yours, at(10)).await.unwrap());

    assert!(two.acquire_lease(&ours, &lease("sweep", "you", 10), at(1)).await.unwrap(), "another lease");
    let other_realm = Books { realm: RealmId::new("601").unwrap(), ..ours.clone() };
    assert!(two.acquire_lease(&other_realm, &yours, at(1)).await.unwrap(), "other books");

    two.release_lease(&ours, &yours).await.unwrap();
    assert!(!two.acquire_lease(&ours, &yours, at(6)).await.unwrap(), "only the holder gives it back");
    for _ in 0..2 {
        one.release_lease(&ours, &mine).await.unwrap();
    }
    assert!(two.acquire_lease(&ours, &yours, at(6)).await.unwrap());
    assert!(
        one.acquire_lease(&ours, &lease("tokens", "me", 30), at(10)).await.unwrap(),
        "it ended by itself"
    );
    two.release_lease(&ours, &yours).await.unwrap();
    assert!(
        !two.acquire_lease(&ours, &yours, at(11)).await.unwrap(),
        "whose lease ended has nothing to give back"
    );
}

async fn of_racing_workers_one_has_the_lease(one: &dyn Companies, two: &dyn Companies) {
    for round in 0..5 {
        let ours = books("racing-lease", 700 + round);
        let (mine, yours) = (lease("tokens", "me", 10), lease("tokens", "you", 10));
        let held = join!(one.acquire_lease(&ours, &mine, at(0)), two.acquire_lease(&ours, &yours, at(0)));
        assert!(matches!(held, (Ok(true), Ok(false)) | (Ok(false), Ok(true))), "{held:?}");
    }
}
