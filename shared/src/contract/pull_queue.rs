//! What a pull queue promises.

use crate::ids::EventId;
use crate::notice::NoticeMessage;
use crate::ports::PullQueue;

use super::company;

/// Checks a [`PullQueue`]. `receive` takes everything out of it: message groups and bodies.
///
/// # Panics
/// If a promise is broken.
pub async fn pull_queue(queue: &dyn PullQueue, receive: impl AsyncFnOnce() -> Vec<(String, String)>) {
    let message = |company_name: &str, number: usize| NoticeMessage {
        company: company(company_name),
        id: EventId::new(format!("message {number}")).unwrap(),
        body: format!("{number} for {company_name}"),
    };
    // More than one request takes (AWS: SQS quotas), of two companies that number theirs alike.
    let all: Vec<NoticeMessage> =
        (0..12).flat_map(|number| [message("left", number), message("right", number)]).collect();
    queue.send_notices(&[]).await.unwrap();
    queue.send_notices(&all[..13]).await.unwrap();
    queue.send_notices(&all).await.unwrap();

    let received = receive().await;
    assert_eq!(received.len(), all.len(), "each once: {received:?}");
    for company in ["left", "right"] {
        let bodies = received.iter().filter(|(group, _)| group == company).map(|(_, body)| body.as_str());
        let expected = (0..12).map(|number| format!("{number} for {company}"));
        assert!(bodies.eq(expected), "in order: {received:?}");
    }
}
