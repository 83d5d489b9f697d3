//! The client against the simulator, which is stricter than any test's own answers.

use std::time::Duration;

use jiff::Timestamp;
use quickbooks::{Client, Endpoints, OAuth};
use quickbooks_simulator::company::{BatchOrder, Company};
use quickbooks_simulator::server::{
    CallKind, Effect, ErrorBody, Fault, Limits, Options, Simulator, Switches, start,
};
use quickbooks_wire::query::{Query, eq, ge};
use quickbooks_wire::{
    BatchItemRequest, BatchOutcome, Customer, DetailType, Entity, EntityKind, Invoice, Item, ItemType, Line,
    Operation, Payment, PaymentLine, Ref, SalesItemLineDetail,
};
use rust_decimal::Decimal;
use secrecy::ExposeSecret;
use sync::ids::{QuickBooksId, RealmId};
use sync::link::RequestId;
use sync::ports::{CallError, QuickBooks, RefreshError, TokenServer, Write};
use sync::tokens::TokenPair;
use url::Url;

use crate::server::http;

/// A simulator without request limits, its first company, and a client of that.
struct Setup {
    simulator: Simulator,
    endpoints: Endpoints,
    realm: String,
    client: Client,
}

async fn set_up() -> Setup {
    let switches = Switches { limits: Limits::NONE, refresh_takes: 0, ..Switches::default() };
    let simulator = start(Options { switches, ..Options::default() }).await.unwrap();
    let endpoints = Endpoints::at(&Url::parse(simulator.url()).unwrap()).unwrap();
    let realm = simulator.realms().remove(0);
    let access_token = simulator.connect(&realm).unwrap().access_token;
    let client = client(&endpoints, &realm, &access_token);
    Setup { simulator, endpoints, realm, client }
}

fn client(endpoints: &Endpoints, realm: &str, access_token: &str) -> Client {
    let realm = RealmId::new(realm).unwrap();
    Client::new(http(Duration::from_secs(30)), &endpoints.api, realm, access_token.into())
}

fn request(id: &str) -> RequestId {
    serde_json::from_value(id.into()).unwrap()
}

fn id_of(entity: &Entity) -> QuickBooksId {
    QuickBooksId::new(entity.id().unwrap()).unwrap()
}

fn customer(name: &str) -> Entity {
    Customer { display_name: Some(name.into()), ..Customer::default() }.into()
}

fn refused_with(error: &CallError, code: &str) -> bool {
    matches!(error, CallError::Refused(fault) if fault.has_code(code))
}

#[tokio::test]
async fn a_customer_is_made_read_found_and_changed() {
    let setup = set_up().await;
    let client = &setup.client;
    let made = client.create(&customer("Amy's \\ Birds & Söhne + 50%"), &request("1")).await.unwrap();
    assert_eq!(client.read(EntityKind::Customer, &id_of(&made)).await.unwrap().as_ref(), Some(&made));
    let named = Query::from("Customer").filter(eq("DisplayName", "Amy's \\ Birds & Söhne + 50%"));
    assert_eq!(client.query(&[named]).await.unwrap(), [vec![made.clone()]]);

    let changed = Customer {
        id: made.id().map(str::to_owned),
        sync_token: made.sync_token().map(str::to_owned),
        sparse: Some(true),
        notes: Some("Rings twice".into()),
        ..Customer::default()
    };
    let updated = client.update(&changed.clone().into(), &request("2")).await.unwrap();
    let Entity::Customer(updated) = updated else { panic!("not a customer") };
    assert_eq!(updated.notes.as_deref(), Some("Rings twice"));
    assert_eq!(updated.display_name.as_deref(), Some("Amy's \\ Birds & Söhne + 50%"));
    assert_ne!(updated.sync_token, changed.sync_token);
    let stale = client.update(&changed.into(), &request("3")).await.unwrap_err();
    assert!(refused_with(&stale, "5010"), "{stale}");
    assert_eq!(client.read(EntityKind::Customer, &QuickBooksId::new("999999").unwrap()).await.unwrap(), None);
}

#[tokio::test]
async fn a_name_that_is_taken_is_refused_and_its_holder_is_found() {
    let setup = set_up().await;
    let client = &setup.client;
    let made = client.create(&customer("Fern"), &request("1")).await.unwrap();
    let error = client.create(&customer("FERN"), &request("2")).await.unwrap_err();
    assert!(refused_with(&error, "6240"), "{error}");
    let holders = client.name_holders("fern").await.unwrap();
    assert_eq!(holders.len(), 1);
    assert_eq!(
        (holders[0].entity.as_str(), holders[0].id.clone(), holders[0].active),
        ("Customer", id_of(&made), true)
    );
}

async fn invoice(client: &Client) -> (Entity, Entity) {
    let lists = client.reference_lists().await.unwrap();
    let income =
        lists.accounts.iter().find(|account| account.account_type.as_deref() == Some("Income")).unwrap();
    let item = Item {
        name: Some("Hedge".into()),
        item_type: Some(ItemType::Service),
        income_account_ref: income.id.clone().map(Ref::to),
        ..Item::default()
    };
    let item = client.create(&item.into(), &request("item")).await.unwrap();
    let customer = client.create(&customer("Fern"), &request("customer")).await.unwrap();
    let detail = SalesItemLineDetail {
        item_ref: item.id().map(Ref::to),
        unit_price: Some(Decimal::new(925_633_333, 7)),
        qty: Some(3.into()),
        tax_code_ref: Some(Ref::to("NON")),
        ..SalesItemLineDetail::default()
    };
    let line = Line {
        amount: Some(Decimal::new(27769, 2)),
        detail_type: Some(DetailType::SalesItemLineDetail),
        sales_item_line_detail: Some(detail),
        ..Line::default()
    };
    let invoice =
        Invoice { customer_ref: customer.id().map(Ref::to), line: Some(vec![line]), ..Invoice::default() };
    let invoice = client.create(&invoice.into(), &request("invoice")).await.unwrap();
    (customer, invoice)
}

async fn read_invoice(client: &Client, invoice: &Entity) -> Invoice {
    let entity = client.read(EntityKind::Invoice, &id_of(invoice)).await.unwrap();
    let Some(Entity::Invoice(invoice)) = entity else { panic!("no invoice") };
    *invoice
}

#[tokio::test]
async fn an_invoice_is_paid_and_both_are_voided() {
    let setup = set_up().await;
    let client = &setup.client;
    let begun = setup.simulator.now();
    let (customer, invoice) = invoice(client).await;
    assert_eq!(read_invoice(client, &invoice).await.total_amt, Some(Decimal::new(27769, 2)));

    let payment = Payment {
        customer_ref: customer.id().map(Ref::to),
        total_amt: Some(Decimal::new(27769, 2)),
        line: Some(vec![PaymentLine::for_invoice(invoice.id().unwrap(), Decimal::new(27769, 2))]),
        ..Payment::default()
    };
    let payment = client.create(&payment.into(), &request("payment")).await.unwrap();
    let paid = read_invoice(client, &invoice).await;
    assert_eq!(paid.balance, Some(Decimal::ZERO));

    let sync_token = payment.sync_token().unwrap();
    let voided =
        client.void(EntityKind::Payment, &id_of(&payment), sync_token, &request("void")).await.unwrap();
    let Entity::Payment(voided) = voided else { panic!("not a payment") };
    assert_eq!(voided.total_amt, Some(Decimal::ZERO));
    let open = read_invoice(client, &invoice).await;
    assert_eq!(open.balance, open.total_amt);

    let sync_token = open.sync_token.unwrap();
    let voided =
        client.void(EntityKind::Invoice, &id_of(&invoice), &sync_token, &request("void-2")).await.unwrap();
    let Entity::Invoice(voided) = voided else { panic!("not an invoice") };
    assert_eq!(voided.total_amt, Some(Decimal::ZERO));

    let sync_token = voided.sync_token.unwrap();
    let gone =
        client.delete(EntityKind::Invoice, &id_of(&invoice), &sync_token, &request("delete")).await.unwrap();
    assert!(gone.is_deleted());
    assert_eq!(client.read(EntityKind::Invoice, &id_of(&invoice)).await.unwrap(), None);
    let changed = client.changes(&EntityKind::ALL, begun).await.unwrap();
    let tombstones: Vec<_> = changed.iter().filter(|entity| entity.is_deleted()).map(id_of).collect();
    assert_eq!(tombstones, [id_of(&invoice)]);
    assert!(changed.iter().any(|entity| entity.kind() == EntityKind::Payment && entity.id() == payment.id()));
}

#[tokio::test]
async fn reference_lists_of_every_kind_of_company_are_read() {
    let setup = set_up().await;
    for realm in setup.simulator.realms() {
        let access_token = setup.simulator.connect(&realm).unwrap().access_token;
        let lists = client(&setup.endpoints, &realm, &access_token).reference_lists().await.unwrap();
        assert!(lists.company_info.country.is_some() && lists.preferences.sales_forms_prefs.is_some());
        assert!(!lists.accounts.is_empty() && !lists.terms.is_empty() && !lists.payment_methods.is_empty());
        let codes: Vec<_> = lists.tax_codes.iter().filter_map(|code| code.id.as_deref()).collect();
        assert_eq!(lists.company_info.country.as_deref() == Some("US"), codes.contains(&"NON"), "{codes:?}");
    }
}

#[tokio::test]
async fn classes_and_locations_are_read_where_they_are_tracked() {
    let setup = set_up().await;
    let change =
        |act: &dyn Fn(&mut Company)| setup.simulator.with_company(&setup.realm, |company| act(company));
    let lists = setup.client.reference_lists().await.unwrap();
    assert!(lists.classes.is_empty() && lists.locations.is_empty());
    let now = setup.simulator.now();
    for (path, name) in [("class", "North"), ("department", "Yard")] {
        change(&|company| {
            let request = quickbooks_simulator::company::Request {
                method: "POST".into(),
                path: path.into(),
                query: Vec::new(),
                content_type: Some("application/json".into()),
                body: format!(r#"{{"Name":"{name}"}}"#).into_bytes(),
            };
            assert_eq!(company.answer(&request, now).status, 200);
        });
    }
    change(&|company| {
        company.track_classes(Some(quickbooks_simulator::company::ClassPlace::Line), now);
        company.track_locations(true, now);
    });
    let lists = setup.client.reference_lists().await.unwrap();
    let names = |rows: &[quickbooks_wire::Tracked]| -> Vec<String> {
        rows.iter().filter_map(|row| row.fully_qualified_name.clone()).collect()
    };
    assert_eq!((names(&lists.classes), names(&lists.locations)), (vec!["North".into()], vec!["Yard".into()]));
}

#[tokio::test]
async fn a_batch_mixes_outcomes() {
    let setup = set_up().await;
    let client = &setup.client;
    let items = vec![
        BatchItemRequest::write("a", Operation::Create, customer("Fern")),
        BatchItemRequest::write("b", Operation::Create, customer("No : colons")),
        BatchItemRequest::query(
            "c",
            &Query::from("Term").filter(ge("MetaData.LastUpdatedTime", "2000-01-01")),
        ),
    ];
    let mut answers = client.in_one_call(items, Some(&request("batch"))).await.unwrap();
    answers.sort_by_key(|answer| answer.b_id.clone());
    let outcomes: Vec<_> = answers.into_iter().map(|answer| answer.into_outcome()).collect();
    assert!(matches!(&outcomes[0], BatchOutcome::Entity(entity) if entity.sync_token() == Some("0")));
    assert!(matches!(&outcomes[1], BatchOutcome::Fault(_)));
    assert!(matches!(&outcomes[2], BatchOutcome::Rows(rows) if !rows.term.is_empty()));
}

#[tokio::test]
async fn each_write_of_a_batch_is_answered_for_in_its_place() {
    for order in [BatchOrder::AsSent, BatchOrder::Reversed] {
        let setup = set_up().await;
        let company =
            |act: &dyn Fn(&mut Company)| setup.simulator.with_company(&setup.realm, |company| act(company));
        company(&|company| company.switches().batch_order = order);
        let client: &dyn QuickBooks = &setup.client;
        let moss = client.create(&customer("Moss"), &request("moss")).await.unwrap();
        let edited = |sync_token: &str| {
            let notes = Some("Rings twice".to_owned());
            let sync_token = Some(sync_token.to_owned());
            let id = moss.id().map(str::to_owned);
            Write::Update(
                Customer { id, sync_token, sparse: Some(true), notes, ..Customer::default() }.into(),
            )
        };
        let writes = [
            Write::Create(customer("Fern")),
            Write::Create(customer("No : colons")),
            edited("0"),
            edited("7"),
            Write::Create(customer("Moss")),
        ];
        let answers = client.batch(&writes, &request("batch")).await.unwrap();
        let name = |answer: &Result<Entity, CallError>| match answer {
            Ok(Entity::Customer(customer)) => customer.display_name.clone().unwrap(),
            other => panic!("{other:?}"),
        };
        assert_eq!((name(&answers[0]), name(&answers[2])), ("Fern".into(), "Moss".into()));
        assert!(matches!(&answers[1], Err(CallError::Refused(_))), "{:?}", answers[1]);
        assert!(refused_with(answers[3].as_ref().unwrap_err(), "5010"));
        assert!(refused_with(answers[4].as_ref().unwrap_err(), "6240"));

        let again = client.batch(&writes, &request("batch")).await.unwrap();
        assert_eq!(format!("{again:?}"), format!("{answers:?}"), "answered as the first time");
        let error = client.batch(&writes[..1], &request("batch")).await.unwrap_err();
        assert!(refused_with(&error, "600"), "{error}");
        let fault = Fault { count: Some(1), ..Fault::once(Effect::LoseResponse).on(CallKind::Batch) };
        setup.simulator.add_fault(fault);
        let more = [Write::Create(customer("Reed")), Write::Create(customer("Sedge"))];
        let lost = client.batch(&more, &request("more")).await.unwrap_err();
        assert!(matches!(lost, CallError::Unknown(_)), "{lost}");
        assert!(client.batch(&more, &request("more")).await.unwrap().iter().all(Result::is_ok));
        let reeds = client.query(&[Query::from("Customer").filter(eq("DisplayName", "Reed"))]).await.unwrap();
        assert_eq!(reeds[0].len(), 1);
        let many = vec![Write::Create(customer("Rush")); 31];
        assert!(matches!(client.batch(&many, &request("many")).await, Err(CallError::NotSent(_))));
    }
}

#[tokio::test]
async fn a_create_whose_answer_is_lost_can_be_repeated() {
    let setup = set_up().await;
    for (place, effect) in [
        Effect::LoseRequest,
        Effect::LoseResponse,
        Effect::ServerError { status: 503, body: ErrorBody::Html },
        Effect::ServerError { status: 500, body: ErrorBody::Json },
    ]
    .into_iter()
    .enumerate()
    {
        let (new, once) = (customer(&format!("Fern {place}")), request(&format!("request-{place}")));
        setup.simulator.add_fault(Fault::once(effect));
        let error = setup.client.create(&new, &once).await.unwrap_err();
        assert!(matches!(error, CallError::Unknown(_)), "{effect:?}: {error}");
        let made = setup.client.create(&new, &once).await.unwrap();
        assert_eq!(setup.client.create(&new, &once).await.unwrap(), made);
    }
    let ferns = |company: &mut quickbooks_simulator::company::Company| {
        let named = |customer: &&serde_json::Value| {
            customer["DisplayName"].as_str().is_some_and(|name| name.starts_with("Fern "))
        };
        company.entities("Customer").into_iter().filter(named).count()
    };
    assert_eq!(setup.simulator.with_company(&setup.realm, ferns), Some(4));
}

#[tokio::test]
async fn throttles_and_ended_tokens_are_told_apart() {
    let setup = set_up().await;
    setup.simulator.add_fault(Fault::once(Effect::Throttle));
    let error = setup.client.create(&customer("Fern"), &request("1")).await.unwrap_err();
    assert!(matches!(error, CallError::Throttled { .. }), "{error}");
    let other = setup.simulator.realms().remove(1);
    let error = client(&setup.endpoints, &other, "not a token").company_info().await.unwrap_err();
    assert!(matches!(error, CallError::Unauthorized), "{error}");
    setup.simulator.expire_access_tokens(&setup.realm);
    let error = setup.client.company_info().await.unwrap_err();
    assert!(matches!(error, CallError::Unauthorized), "{error}");
    let token = setup.simulator.connect(&setup.realm).unwrap().access_token;
    let error = client(&setup.endpoints, &other, &token).company_info().await.unwrap_err();
    assert!(matches!(error, CallError::Forbidden(_)), "{error}");
}

#[tokio::test]
async fn a_connection_lives_from_consent_to_revocation() {
    let setup = set_up().await;
    let app = setup.simulator.connect(&setup.realm).unwrap();
    let oauth =
        OAuth::new(http(Duration::from_secs(30)), &setup.endpoints, app.client_id, app.client_secret.into());
    let redirect_uri = Url::parse("http://localhost:3000/callback").unwrap();
    setup.simulator.consent_for(Some(&setup.realm));
    let consent = http(Duration::from_secs(30))
        .get(oauth.authorize_url("st&te".into(), &redirect_uri))
        .send()
        .await
        .unwrap();
    let back = Url::parse(consent.headers()["location"].to_str().unwrap()).unwrap();
    let member = |wanted: &str| back.query_pairs().find(|(name, _)| name == wanted).unwrap().1.into_owned();
    assert_eq!((member("state"), member("realmId")), ("st&te".into(), setup.realm.clone()));

    let now = setup.simulator.now();
    let code = member("code");
    let pair = oauth.exchange_code(&code.clone().into(), &redirect_uri, now).await.unwrap();
    assert!(pair.access_expires_at > now && pair.refresh_expires_at > pair.access_expires_at);
    assert!(pair.hard_expires_at.is_some_and(|hard| hard > pair.refresh_expires_at));
    assert!(works(&setup, &pair).await);
    oauth.exchange_code(&code.into(), &redirect_uri, now).await.unwrap_err();

    setup.simulator.advance_clock(jiff::SignedDuration::from_hours(25)).unwrap();
    assert!(!works(&setup, &pair).await);
    let server: &dyn TokenServer = &oauth;
    let next = server.refresh(&pair, setup.simulator.now()).await.unwrap();
    assert!(works(&setup, &next).await);
    assert_ne!(next.refresh_token.expose_secret(), pair.refresh_token.expose_secret());
    assert!(matches!(server.refresh(&pair, Timestamp::UNIX_EPOCH).await, Err(RefreshError::Dead)));

    oauth.revoke(&next.refresh_token).await.unwrap();
    assert!(!works(&setup, &next).await);
    assert!(matches!(server.refresh(&next, now).await, Err(RefreshError::Dead)));
    let stranger =
        OAuth::new(http(Duration::from_secs(30)), &setup.endpoints, "nobody".into(), "nothing".into());
    assert!(matches!(TokenServer::refresh(&stranger, &next, now).await, Err(RefreshError::Client)));
}

async fn works(setup: &Setup, pair: &TokenPair) -> bool {
    client(&setup.endpoints, &setup.realm, pair.access_token.expose_secret()).company_info().await.is_ok()
}
