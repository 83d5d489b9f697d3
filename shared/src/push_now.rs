//! The push while its sender waits (R50, D6): one event of an invoice is carried out at once, and what QuickBooks
//! made of it is the answer. What cannot be finished in time is left to the push queue.
//!
//! An event is taken over with the answer and not before: until then it is the sender's, who sends it again under the
//! same id when no answer comes, as with any queue. So nothing needs to be stored beforehand, and whatever was begun
//! by a call that was cut short is recognised by the next one, or by the queue's worker, from its recorded intent.

use std::pin::pin;
use std::time::Duration;

use futures::future::{Either, select};

use crate::activity::Activity;
use crate::event::{self, EntityEvent};
use crate::ids::CompanyId;
use crate::model::Kind;
use crate::ports::{PushQueue, StoreError};
use crate::push::{self, Message, Ports, Verdict};

/// The pauses before an event that met another worker is tried again here.
const PAUSES: [Duration; 2] = [Duration::from_millis(300), Duration::from_millis(1500)];

/// What became of an event.
#[derive(Clone, Debug, PartialEq)]
pub enum PushedNow {
    /// It has ended: done, skipped or parked.
    Ended(Box<Activity>),
    /// The queue has it and finishes it.
    Queued,
}

/// Reads the one event of a request for a company.
///
/// # Errors
/// What is wrong with it, naming the member.
pub fn read(company: &CompanyId, body: &str) -> Result<EntityEvent, String> {
    let mut received = event::read(body);
    let event = match received.pop() {
        Some(one) if received.is_empty() => one.event.map_err(|unreadable| unreadable.problem)?,
        _ => return Err("The body should be one event, not an array of them.".into()),
    };
    if event.company != *company {
        return Err(format!("`company` is `{}`, but the address names {company}.", event.company));
    }
    if event.kind != Kind::Invoice {
        return Err(format!(
            "`type` names a {}; only invoices are pushed while their sender waits. Send others to the queue.",
            event.kind
        ));
    }
    Ok(event)
}

/// Carries an event out, until `too_late` at the latest. `body` is the event as it came.
///
/// # Errors
/// The event could be neither ended nor queued: nothing is promised, and its sender sends it again.
pub async fn push_now(
    ports: Ports<'_>,
    queue: &dyn PushQueue,
    event: &EntityEvent,
    body: &str,
    too_late: impl Future<Output = ()>,
) -> Result<PushedNow, StoreError> {
    let ended = pin!(carry_out(ports, event, body));
    let ended = match select(ended, pin!(too_late)).await {
        Either::Left((ended, _)) => ended?,
        Either::Right(_) => None,
    };
    if let Some(activity) = ended {
        return Ok(PushedNow::Ended(Box::new(activity)));
    }
    queue.send(&event.company, &event.id, body).await?;
    Ok(PushedNow::Queued)
}

/// The activity of the event once it has ended; nothing if it is to be tried later.
async fn carry_out(
    ports: Ports<'_>,
    event: &EntityEvent,
    body: &str,
) -> Result<Option<Activity>, StoreError> {
    let message = Message {
        id: event.id.to_string(),
        group: event.company.to_string(),
        body: body.to_owned(),
        sent_at: ports.clock.now(),
        deliveries: 1,
    };
    let mut pauses = PAUSES.into_iter();
    loop {
        if push::messages(ports, std::slice::from_ref(&message)).await == [Verdict::Acknowledge] {
            let entry = ports.activity.entry(&event.company, event.time, &event.id).await?;
            return entry
                .map(Some)
                .ok_or_else(|| StoreError::new("reading back the activity", "it is not there"));
        }
        match pauses.next() {
            Some(pause) => ports.clock.sleep(pause).await,
            None => return Ok(None),
        }
    }
}
