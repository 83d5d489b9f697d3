//! The real template, checked and deployed to the local AWS, and tried there in every direction.

#![expect(clippy::unwrap_used, reason = "a test ends at its first surprise")]

use std::path::Path;
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sqs::config::Credentials;
use aws_sdk_sqs::types::QueueAttributeName;
use local::{ACCESS_KEY, Bundle, BundleOptions, REGION, SECRET_KEY, Stack, StackOptions, pairs, run};

/// Nothing listens there: these tests do not go as far as Intuit.
const NO_INTUIT: &str = "http://127.0.0.1:9";

/// What API Gateway itself answers for a path without a route.
const NO_ROUTE: &str = r#"{"message":"Not Found"}"#;

/// What cfn-lint says about it is in the failure's text.
#[tokio::test]
async fn the_template_is_sound() {
    local::lint_template(&|_| ()).await.unwrap();
}

/// Whoever is called at night finds the alarm's name there.
#[test]
fn each_alarm_has_its_entry_in_the_runbook() {
    let (template, runbook) = (include_str!("../../../template.yaml"), include_str!("../../RUNBOOK.md"));
    let names = template.lines().filter_map(|line| line.strip_prefix("  ")?.strip_suffix("Alarm:"));
    let alarms: Vec<String> =
        names.filter(|name| !name.starts_with(' ')).map(|name| format!("`{name}Alarm`")).collect();
    assert!(alarms.len() > 20, "{alarms:?}");
    for alarm in alarms {
        assert!(runbook.contains(&alarm), "{alarm}");
    }
}

#[tokio::test]
async fn two_stacks_run_side_by_side_and_end_one_by_one() {
    let (first, second) = tokio::join!(start(), start());

    for stack in [&first, &second] {
        assert!(has_route(stack, "/connect").await);
        assert!(has_route(stack, "/oauth/callback").await);
        assert!(!has_route(stack, "/elsewhere").await);
        assert_eq!(stack.output("RedirectUri").unwrap(), format!("{}/oauth/callback", stack.api_url()));
    }

    let (gone, gone_aws) = (first.api_url().to_owned(), first.aws_endpoint().to_owned());
    first.stop().await.unwrap();
    assert!(reqwest::get(gone).await.is_err());
    assert!(reqwest::get(gone_aws).await.is_err());
    assert!(has_route(&second, "/connect").await);
    second.stop().await.unwrap();
}

#[tokio::test]
async fn the_push_queue_feeds_its_function_and_gives_up_to_its_dead_letter_queue() {
    let stack = start().await;
    let sqs = aws_sdk_sqs::Client::new(&administrator(&stack).await);
    let queue = stack.output("PushQueueUrl").unwrap();

    let redrive = attribute(&sqs, queue, QueueAttributeName::RedrivePolicy).await;
    let dead_letters = stack.output("PushDeadLetterQueueUrl").unwrap();
    let dead_letters = attribute(&sqs, dead_letters, QueueAttributeName::QueueArn).await;
    assert!(redrive.contains(&dead_letters), "{redrive}");

    sqs.send_message()
        .queue_url(queue)
        .message_group_id("company")
        .message_deduplication_id("1")
        .message_body("not an event")
        .send()
        .await
        .unwrap();
    // The function parks what it cannot read, and only then is the message deleted.
    let deleted = async {
        while !is_empty(&sqs, queue).await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    if tokio::time::timeout(Duration::from_secs(60), deleted).await.is_err() {
        panic!("not handled:\n{}", stack.function_log("PushProcessorFunction").unwrap());
    }
    assert!(stack.function_log("PushProcessorFunction").unwrap().contains("Parked"));
    stack.stop().await.unwrap();
}

#[tokio::test]
async fn what_a_stack_keeps_is_there_when_it_starts_again() {
    let directory = tempfile::tempdir().unwrap();
    let keys = r#"{"client_id":"ours","client_secret":"ours","verifier_token":"ours"}"#;

    let stack = start_in(directory.path()).await;
    let secrets = aws_sdk_secretsmanager::Client::new(&administrator(&stack).await);
    let app = stack.output("IntuitAppSecret").unwrap();
    secrets.put_secret_value().secret_id(app).secret_string(keys).send().await.unwrap();
    let address = stack.api_url().to_owned();
    stack.stop().await.unwrap();

    let stack = start_in(directory.path()).await;
    assert_eq!(stack.api_url(), address);
    assert!(has_route(&stack, "/connect").await);
    let secrets = aws_sdk_secretsmanager::Client::new(&administrator(&stack).await);
    let app = stack.output("IntuitAppSecret").unwrap();
    let kept = secrets.get_secret_value().secret_id(app).send().await.unwrap();
    assert_eq!(kept.secret_string(), Some(keys));
    stack.stop().await.unwrap();
}

/// T20, R3, R5, R31: what is changed on either side's page arrives on the other's where the direction lets it, and nothing
/// comes back. So it does when it is tried once more.
#[tokio::test]
async fn r9_every_direction_does_what_it_says() {
    let bundle = Bundle::start(BundleOptions::default()).await.unwrap();
    let pairs = pairs::set_up(&bundle, bundle.simulator.now()).await.unwrap();
    for _ in 0..2 {
        let trials = run::both_ways(&bundle, &pairs).await.unwrap();
        assert_eq!(trials.len(), 4);
        let problems: Vec<&String> = trials.iter().flat_map(|trial| &trial.problems).collect();
        assert!(problems.is_empty(), "{problems:#?}\n{trials:#?}");
    }
    bundle.stop().await.unwrap();
}

async fn start() -> Stack {
    Stack::start(StackOptions::new(NO_INTUIT)).await.unwrap()
}

async fn start_in(directory: &Path) -> Stack {
    let options = StackOptions { data_dir: Some(directory.to_owned()), ..StackOptions::new(NO_INTUIT) };
    Stack::start(options).await.unwrap()
}

/// Whether a function is asked, whatever it makes of the bare request.
async fn has_route(stack: &Stack, path: &str) -> bool {
    let response = reqwest::get(format!("{}{path}", stack.api_url())).await.unwrap();
    response.text().await.unwrap() != NO_ROUTE
}

async fn administrator(stack: &Stack) -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest())
        .endpoint_url(stack.aws_endpoint())
        .region(Region::new(REGION))
        .credentials_provider(Credentials::new(ACCESS_KEY, SECRET_KEY, None, None, "local"))
        .load()
        .await
}

async fn is_empty(sqs: &aws_sdk_sqs::Client, queue: &str) -> bool {
    let waiting = attribute(sqs, queue, QueueAttributeName::ApproximateNumberOfMessages).await;
    let taken = attribute(sqs, queue, QueueAttributeName::ApproximateNumberOfMessagesNotVisible).await;
    waiting == "0" && taken == "0"
}

async fn attribute(sqs: &aws_sdk_sqs::Client, queue: &str, name: QueueAttributeName) -> String {
    let answer =
        sqs.get_queue_attributes().queue_url(queue).attribute_names(name.clone()).send().await.unwrap();
    answer.attributes().unwrap()[&name].clone()
}
