//! A local AWS, and its administrator.

use aws::{Aws, Local};
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::config::Credentials;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
    ProjectionType, ScalarAttributeType,
};
use aws_sdk_sqs::types::QueueAttributeName;
use local::{ACCESS_KEY, BareAws, REGION, SECRET_KEY};

pub(crate) const TABLE: &str = "table";

/// A local AWS and two handles for it.
pub(crate) struct World {
    aws: BareAws,
    pub(crate) config: SdkConfig,
    pub(crate) one: Aws,
    pub(crate) two: Aws,
}

impl World {
    pub(crate) async fn new() -> World {
        let aws = BareAws::start().await.unwrap();
        let config = aws_config::defaults(BehaviorVersion::latest())
            .endpoint_url(aws.endpoint())
            .region(Region::new(REGION))
            .credentials_provider(Credentials::new(ACCESS_KEY, SECRET_KEY, None, None, "test"))
            .load()
            .await;
        let (one, two) = (administrator(&aws).await, administrator(&aws).await);
        World { aws, config, one, two }
    }

    /// Address of every AWS service.
    pub(crate) fn endpoint(&self) -> &str {
        self.aws.endpoint()
    }

    /// With a table as template.yaml describes them all.
    pub(crate) async fn with_table() -> World {
        let world = World::new().await;
        let attribute = |name: &str, kind| {
            AttributeDefinition::builder().attribute_name(name).attribute_type(kind).build().unwrap()
        };
        let key = |name: &str, role| {
            KeySchemaElement::builder().attribute_name(name).key_type(role).build().unwrap()
        };
        let due = GlobalSecondaryIndex::builder()
            .index_name("due")
            .key_schema(key("due_part", KeyType::Hash))
            .key_schema(key("due_at", KeyType::Range))
            .projection(Projection::builder().projection_type(ProjectionType::KeysOnly).build())
            .build()
            .unwrap();
        aws_sdk_dynamodb::Client::new(&world.config)
            .create_table()
            .table_name(TABLE)
            .billing_mode(BillingMode::PayPerRequest)
            .attribute_definitions(attribute("pk", ScalarAttributeType::S))
            .attribute_definitions(attribute("sk", ScalarAttributeType::S))
            .attribute_definitions(attribute("due_part", ScalarAttributeType::S))
            .attribute_definitions(attribute("due_at", ScalarAttributeType::N))
            .attribute_definitions(attribute("record", ScalarAttributeType::S))
            .global_secondary_indexes(
                GlobalSecondaryIndex::builder()
                    .index_name("records")
                    .key_schema(key("record", KeyType::Hash))
                    .key_schema(key("sk", KeyType::Range))
                    .projection(Projection::builder().projection_type(ProjectionType::KeysOnly).build())
                    .build()
                    .unwrap(),
            )
            .key_schema(key("pk", KeyType::Hash))
            .key_schema(key("sk", KeyType::Range))
            .global_secondary_indexes(due)
            .send()
            .await
            .unwrap();
        world
    }

    /// The address of a new queue as template.yaml describes them all.
    pub(crate) async fn queue_url(&self) -> String {
        let request = aws_sdk_sqs::Client::new(&self.config).create_queue().queue_name("pushes.fifo");
        let request = request
            .attributes(QueueAttributeName::FifoQueue, "true")
            .attributes(QueueAttributeName::DeduplicationScope, "messageGroup")
            .attributes(QueueAttributeName::FifoThroughputLimit, "perMessageGroupId");
        request.send().await.unwrap().queue_url.unwrap()
    }
}

async fn administrator(aws: &BareAws) -> Aws {
    let local =
        Local { endpoint: aws.endpoint(), region: REGION, access_key: ACCESS_KEY, secret_key: SECRET_KEY };
    Aws::local(local).await
}
