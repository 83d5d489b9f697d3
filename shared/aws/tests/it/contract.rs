use aws::{Aws, Local};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use local::{ACCESS_KEY, BareAws, REGION, SECRET_KEY};
use sync::contract;

const TABLE: &str = "table";

/// A local AWS with a table as template.yaml describes them all, and two handles for it.
struct World {
    _aws: BareAws,
    one: Aws,
    two: Aws,
}

impl World {
    async fn new() -> World {
        let aws = BareAws::start().await.unwrap();
        let (one, two) = (administrator(&aws).await, administrator(&aws).await);
        create_table(&aws).await;
        World { _aws: aws, one, two }
    }
}

async fn administrator(aws: &BareAws) -> Aws {
    let local =
        Local { endpoint: aws.endpoint(), region: REGION, access_key: ACCESS_KEY, secret_key: SECRET_KEY };
    Aws::local(local).await
}

async fn create_table(aws: &BareAws) {
    let config = aws_config::defaults(aws_config::BehaviorVersion::latest())
        .endpoint_url(aws.endpoint())
        .region(aws_config::Region::new(REGION))
        .credentials_provider(aws_sdk_dynamodb::config::Credentials::new(
            ACCESS_KEY, SECRET_KEY, None, None, "test",
        ))
        .load()
        .await;
    let attribute = |name: &str| {
        AttributeDefinition::builder()
            .attribute_name(name)
            .attribute_type(ScalarAttributeType::S)
            .build()
            .unwrap()
    };
    let key =
        |name: &str, role| KeySchemaElement::builder().attribute_name(name).key_type(role).build().unwrap();
    aws_sdk_dynamodb::Client::new(&config)
        .create_table()
        .table_name(TABLE)
        .billing_mode(BillingMode::PayPerRequest)
        .attribute_definitions(attribute("pk"))
        .attribute_definitions(attribute("sk"))
        .key_schema(key("pk", KeyType::Hash))
        .key_schema(key("sk", KeyType::Range))
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn the_ledger_keeps_its_promises() {
    let world = World::new().await;
    contract::ledger(&world.one.ledger(TABLE), &world.two.ledger(TABLE)).await;
}

#[tokio::test]
async fn the_companies_keep_their_promises() {
    let world = World::new().await;
    contract::companies(&world.one.companies(TABLE), &world.two.companies(TABLE)).await;
}

#[tokio::test]
async fn the_activity_log_keeps_its_promises() {
    let world = World::new().await;
    contract::activity_log(&world.one.activity_log(TABLE), &world.two.activity_log(TABLE)).await;
}

#[tokio::test]
async fn the_vault_keeps_its_promises() {
    let world = World::new().await;
    contract::vault(&world.one.vault("test/"), &world.two.vault("test/")).await;
}
