use std::time::Duration;

use aws::Delay;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};
use sync::contract;
use sync::ids::{CompanyId, EventId};
use sync::ports::PushQueue;

use crate::world::World;

async fn receive(client: &Client, url: &str) -> Vec<Message> {
    let request = client.receive_message().queue_url(url).max_number_of_messages(10).wait_time_seconds(10);
    request.send().await.unwrap().messages.unwrap_or_default()
}

fn bodies(messages: &[Message]) -> Vec<&str> {
    messages.iter().filter_map(Message::body).collect()
}

#[tokio::test]
async fn events_are_delivered_once_and_in_order_and_again_when_told() {
    let world = World::new().await;
    let url = world.queue_url().await;
    let (queue, client) = (world.one.queue(&url), Client::new(&world.config));
    let company = CompanyId::new("acme").unwrap();
    for (id, body) in [("e1", "first"), ("e2", "second"), ("e1", "first")] {
        queue.send(&company, &EventId::new(id).unwrap(), body).await.unwrap();
    }
    let messages = receive(&client, &url).await;
    assert_eq!(bodies(&messages), ["first", "second"]);

    let delays: Vec<Delay> = messages
        .iter()
        .map(|message| Delay {
            receipt_handle: message.receipt_handle.clone().unwrap(),
            after: Duration::from_millis(100),
        })
        .collect();
    assert_eq!(queue.delay(&delays).await.unwrap(), 0);
    assert_eq!(bodies(&receive(&client, &url).await), ["first", "second"]);
    assert_eq!(queue.delay(&[]).await.unwrap(), 0);
}

#[tokio::test]
async fn the_pull_queue_keeps_its_promises() {
    let world = World::new().await;
    let url = world.queue_url().await;
    let client = Client::new(&world.config);
    contract::pull_queue(&world.one.queue(&url), async || everything(&client, &url).await).await;
}

/// Takes every message out of the queue: its group and its body.
async fn everything(client: &Client, url: &str) -> Vec<(String, String)> {
    let mut all = Vec::new();
    loop {
        let request = client.receive_message().queue_url(url).max_number_of_messages(10);
        let request = request.message_system_attribute_names(MessageSystemAttributeName::MessageGroupId);
        let messages = request.send().await.unwrap().messages.unwrap_or_default();
        if messages.is_empty() {
            return all;
        }
        for message in messages {
            let group = message.attributes.unwrap()[&MessageSystemAttributeName::MessageGroupId].clone();
            all.push((group, message.body.unwrap()));
            let request = client.delete_message().queue_url(url);
            request.receipt_handle(message.receipt_handle.unwrap()).send().await.unwrap();
        }
    }
}
