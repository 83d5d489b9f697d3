//! What QuickBooks tells of changes: webhooks that may be late, come twice, change places or never arrive.

use std::time::Duration;

use jiff::{RoundMode, Timestamp, TimestampRound, Unit};
use quickbooks_simulator::company::Change;
use sync::ids::{Books, QuickBooksId};
use sync::notice::{ChangeNotice, Operation, Source};

use crate::chaos::Chaos;
use crate::dice::Dice;
use crate::judge::kind_named;

/// The webhooks of one company.
#[derive(Default)]
pub(crate) struct Tidings {
    /// Those that are on their way, and when they arrive.
    on_the_way: Vec<(Timestamp, ChangeNotice)>,
    /// The newest change that has been told of.
    newest: Option<Timestamp>,
}

impl Tidings {
    /// Sends what has changed on its way. With dice, some of it goes astray.
    pub(crate) fn send(
        &mut self,
        books: &Books,
        changes: Vec<Change>,
        dice: Option<Dice>,
        chaos: &Chaos,
        now: Timestamp,
    ) {
        for (place, change) in changes.into_iter().enumerate() {
            let Some(notice) = notice(books, &change) else { continue };
            let Some(dice) = dice.map(|dice| dice.part("webhook").nth(place as u64)) else {
                self.on_the_way.push((now, notice));
                continue;
            };
            if dice.chance("lost", 6) {
                chaos.happened("WebhookLost");
                continue;
            }
            if dice.chance("twice", 6) {
                chaos.happened("WebhookTwice");
                self.on_the_way.push((now + late(dice.part("second")), notice.clone()));
            }
            self.on_the_way.push((now + late(dice), notice));
        }
    }

    /// Takes what has arrived by now, or all of it.
    pub(crate) fn arrived(&mut self, now: Timestamp, all: bool, chaos: &Chaos) -> Vec<ChangeNotice> {
        let (arrived, on_the_way): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.on_the_way).into_iter().partition(|(at, _)| all || *at <= now);
        self.on_the_way = on_the_way;
        for (_, notice) in &arrived {
            if notice.last_updated < self.newest {
                chaos.happened("WebhookOvertaken");
            }
            self.newest = self.newest.max(notice.last_updated);
        }
        arrived.into_iter().map(|(_, notice)| notice).collect()
    }
}

fn late(dice: Dice) -> Duration {
    Duration::from_secs(dice.pick("late", &[0, 0, 0, 2, 10, 60, 600]))
}

fn notice(books: &Books, change: &Change) -> Option<ChangeNotice> {
    let operation = match change.operation.as_str() {
        "Create" => Operation::Created,
        "Update" => Operation::Updated,
        "Delete" => Operation::Deleted,
        "Merge" => Operation::Merged,
        "Void" => Operation::Voided,
        _ => Operation::Emailed,
    };
    let seconds = TimestampRound::new().smallest(Unit::Second).mode(RoundMode::Floor);
    Some(ChangeNotice {
        company: books.company.clone(),
        realm: books.realm.clone(),
        kind: kind_named(&change.entity)?,
        quickbooks_id: QuickBooksId::new(&change.id).ok()?,
        operation,
        deleted_id: change.deleted_id.as_ref().and_then(|id| QuickBooksId::new(id).ok()),
        last_updated: change.at.round(seconds).ok(),
        source: Source::Webhook,
    })
}
