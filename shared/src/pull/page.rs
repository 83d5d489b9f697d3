//! A page of entities, brought to the billing app by the decisions that notices of them would lead to, several side by
//! side. Those that touch the same go one after the other, as they would in one row.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::join_all;
use jiff::Timestamp;
use quickbooks_wire::Entity;

use super::group;
use super::open::{About, Id, Pull, Told};
use super::sources::references;
use crate::activity::{Activity, ActivityResult};
use crate::ids::{EventId, QuickBooksId};
use crate::import::{Known, Register};
use crate::link::MatchedBy;
use crate::mapping::fields;
use crate::model::Kind;
use crate::notice::{self, ChangeNotice, Operation, Source};
use crate::outcome::{Outcome, Park, Retry};
use crate::ports::{BillingQuery, QuickBooks};
use crate::push::Ports;
use crate::settings::Company;

/// A company's books, open for bringing entities over.
pub(crate) struct Importing<'a>(Pull<'a>);

/// How fast entities are brought over, and when no more of them are begun.
#[derive(Clone, Copy)]
pub(crate) struct Pace {
    /// How many side by side, at most.
    pub(crate) at_once: usize,
    /// When time is up.
    pub(crate) until: Timestamp,
    /// How many that come to nothing in a row mean that none will come to anything.
    pub(crate) in_vain: usize,
}

/// An entity, and what became of it.
pub(crate) struct Brought {
    pub(crate) notice: ChangeNotice,
    pub(crate) outcome: Outcome,
    pub(crate) about: About,
    /// How it was linked, if it is.
    pub(crate) matched_by: Option<MatchedBy>,
}

impl Brought {
    /// Its entry in the activity log.
    pub(crate) fn activity(&self, now: Timestamp) -> Option<Activity> {
        let (event, raw) = (self.notice.event_id(), notice::alone(&self.notice));
        let result = ActivityResult::of(&self.outcome)?;
        Some(group::activity(
            &self.notice.company,
            told(&self.notice, &event, &raw),
            &self.about,
            result,
            now,
        ))
    }
}

fn told<'n>(notice: &'n ChangeNotice, event: &'n EventId, raw: &'n str) -> Told<'n> {
    Told { notice, event, time: notice.last_updated.unwrap_or(Timestamp::UNIX_EPOCH), raw }
}

/// Entities that touch the same thing, by their places in the page.
type Lane = Vec<usize>;

impl<'a> Importing<'a> {
    /// Opens the books. A connection that has ended is a reason to wait for a person.
    pub(crate) async fn open(
        ports: Ports<'a>,
        company: &'a Company,
        register: &'a Register,
    ) -> Result<Result<Importing<'a>, Park>, Retry> {
        let pull = Pull::open(ports, company).await?;
        Ok(pull.map(|pull| Importing(Pull { register: Some(register), ..pull })))
    }

    /// The accounting API of the books.
    pub(crate) fn quickbooks(&self) -> &dyn QuickBooks {
        &*self.0.quickbooks
    }

    /// Brings entities over as the import that was begun `at` a moment. Those that are missing in the answer were not
    /// begun. Fails as a whole if not even what is known of them can be read.
    pub(crate) async fn bring(
        &mut self,
        rows: &[Entity],
        at: Timestamp,
        pace: Pace,
    ) -> Result<Vec<(usize, Brought)>, Outcome> {
        let notices = self.notices(rows, at);
        let ids: Vec<Id> = notices.iter().map(|(_, notice)| id_of(notice)).collect();
        let pull = &mut self.0;
        pull.rows =
            ids.iter().cloned().zip(notices.iter().map(|(place, _)| rows.get(*place).cloned())).collect();
        pull.know(&ids).await.map_err(|ending| *ending)?;
        pull.read_what_they_refer_to(&ids).await.map_err(|ending| *ending)?;
        let met = self.0.met(&ids).await;
        let pull = &self.0;
        let in_vain = AtomicUsize::new(0);
        let runs = lanes(pull, &ids, &met, pace.at_once).into_iter().map(|lane| {
            let (notices, in_vain) = (&notices, &in_vain);
            async move {
                let of_lane = lane.iter().filter_map(|place| notices.get(*place));
                let mut part = pull.part(of_lane.map(|(_, notice)| id_of(notice)).collect());
                let mut ended = Vec::new();
                for (place, notice) in lane.iter().filter_map(|place| notices.get(*place)) {
                    let is_late = part.ports.clock.now() >= pace.until;
                    if is_late || in_vain.load(Ordering::Relaxed) >= pace.in_vain {
                        break;
                    }
                    let brought = part.bring_entity(notice).await;
                    match brought.outcome {
                        Outcome::Retry(_) => in_vain.fetch_add(1, Ordering::Relaxed),
                        _ => in_vain.swap(0, Ordering::Relaxed),
                    };
                    ended.push((*place, brought));
                }
                ended
            }
        });
        let mut ended: Vec<(usize, Brought)> = join_all(runs).await.into_iter().flatten().collect();
        ended.sort_by_key(|(place, _)| *place);
        // What was found out is in the ledger by now; the next entities' part of it is read again.
        self.forget();
        Ok(ended)
    }

    fn notices(&self, rows: &[Entity], at: Timestamp) -> Vec<(usize, ChangeNotice)> {
        let notice = |row: &Entity| {
            Some(ChangeNotice {
                company: self.0.books.company.clone(),
                realm: self.0.books.realm.clone(),
                kind: fields::record_kind(row.kind()),
                quickbooks_id: QuickBooksId::new(row.id()?).ok()?,
                operation: Operation::Updated,
                deleted_id: None,
                last_updated: Some(at),
                source: Source::Import,
            })
        };
        rows.iter().enumerate().filter_map(|(place, row)| Some((place, notice(row)?))).collect()
    }

    fn forget(&mut self) {
        let pull = &mut self.0;
        pull.rows.clear();
        pull.links.clear();
        pull.pending.clear();
        pull.known.clear();
        pull.entries.clear();
    }
}

fn id_of(notice: &ChangeNotice) -> Id {
    (notice.kind, notice.quickbooks_id.clone())
}

impl<'a> Pull<'a> {
    async fn bring_entity(&mut self, notice: &ChangeNotice) -> Brought {
        let (event, raw) = (notice.event_id(), notice::alone(notice));
        let outcome = self.pull(told(notice, &event, &raw)).await;
        let matched_by = self.links.get(&id_of(notice)).map(|link| link.matched_by);
        Brought { notice: notice.clone(), outcome, about: std::mem::take(&mut self.about), matched_by }
    }

    /// The same books with what is known of some entities and of what they refer to.
    fn part(&self, ids: Vec<Id>) -> Pull<'a> {
        let mut all: BTreeSet<Id> = BTreeSet::new();
        let mut from = ids;
        while let Some(id) = from.pop() {
            let row = self.rows.get(&id).and_then(Option::as_ref);
            if all.insert(id) {
                from.extend(row.into_iter().flat_map(references));
            }
        }
        let mut part = self.empty();
        for id in all {
            if let Some(row) = self.rows.get(&id) {
                part.rows.insert(id.clone(), row.clone());
            }
            if let Some(link) = self.links.get(&id).cloned() {
                part.remember(&link);
            }
            if let Some(intent) = self.pending.get(&id) {
                part.pending.insert(id.clone(), intent.clone());
            }
            if self.known.contains(&id) {
                part.known.insert(id);
            }
        }
        part
    }

    fn empty(&self) -> Pull<'a> {
        Pull {
            ports: self.ports,
            company: self.company,
            books: self.books.clone(),
            quickbooks: self.quickbooks.clone(),
            reference: self.reference.clone(),
            rows: HashMap::new(),
            links: HashMap::new(),
            pending: HashMap::new(),
            attempts: self.attempts.clone(),
            known: Default::default(),
            entries: HashMap::new(),
            keys: self.keys.clone(),
            about: About::default(),
            ended: None,
            crowded: HashSet::new(),
            register: self.register,
        }
    }

    /// The groups of records that entities without a counterpart, and what they refer to, may come upon.
    async fn met(&self, ids: &[Id]) -> Met {
        let mut met = Met::new();
        let mut from = ids.to_vec();
        while let Some(id) = from.pop() {
            let row = self.rows.get(&id).and_then(Option::as_ref);
            let Some(row) = row.filter(|_| !met.contains_key(&id)) else { continue };
            let mut groups = BTreeSet::new();
            if !self.links.contains_key(&id) {
                for wanted in fits(row) {
                    if let Known::InGroup(group) = self.known(&wanted).await {
                        groups.insert(group);
                    }
                }
            }
            met.insert(id, groups);
            from.extend(references(row));
        }
        met
    }

    /// What carrying an entity out may look at or change beside itself.
    fn touches(&self, id: &Id, met: &Met, touched: &mut BTreeSet<Touch>) {
        let Some(row) = self.rows.get(id).and_then(Option::as_ref) else { return };
        let groups = met.get(id).into_iter().flatten();
        touched.extend(groups.map(|group| Touch::Records(id.0, *group)));
        let lower = |text: &Option<String>| text.as_deref().unwrap_or_default().trim().to_lowercase();
        match row {
            Entity::Customer(customer) => {
                touched.insert(Touch::Name(lower(&customer.display_name)));
                let addresses = customer.primary_email_addr.as_ref().map(|email| lower(&email.address));
                let addresses = addresses.unwrap_or_default();
                touched.extend(addresses.split(',').map(|one| Touch::Email(one.trim().to_owned())));
            }
            Entity::Item(item) => {
                touched.extend([&item.name, &item.fully_qualified_name].map(|key| Touch::Key(lower(key))));
            }
            Entity::Invoice(invoice) => {
                touched.insert(Touch::Number(lower(&invoice.doc_number)));
            }
            // The app takes payments of a client that look alike for one another if they come close together.
            Entity::Payment(payment) => {
                let customer = payment.customer_ref.as_ref().map(|customer| customer.id().to_owned());
                touched.insert(Touch::PaidBy(customer.unwrap_or_default()));
            }
        }
        for other in references(row) {
            // What has no counterpart may be made for the sake of this one. What is paid is changed by it.
            if !self.links.contains_key(&other) || other.0 == Kind::Invoice {
                let is_new = touched.insert(Touch::Entity(other.clone()));
                if is_new && !self.links.contains_key(&other) {
                    self.touches(&other, met, touched);
                }
            }
        }
        // Nothing is what all have that have none.
        for none in [Touch::Email, Touch::Key, Touch::Number] {
            touched.remove(&none(String::new()));
        }
    }
}

/// Something that two entities may have in common.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Touch {
    Name(String),
    Email(String),
    Key(String),
    Number(String),
    PaidBy(String),
    Entity(Id),
    /// A group of the billing app's records, by its number in the register.
    Records(Kind, u32),
}

/// The groups of records that entities may come upon.
type Met = HashMap<Id, BTreeSet<u32>>;

/// What an entity is matched by, if it has no counterpart (D2). The rest is never linked.
fn fits(row: &Entity) -> Vec<BillingQuery> {
    match row {
        Entity::Customer(customer) => {
            let emails = customer.primary_email_addr.as_ref().and_then(|email| email.address.as_deref());
            let emails = emails.into_iter().flat_map(|emails| emails.split(','));
            let emails = emails.map(|email| BillingQuery::ClientWithEmail(email.trim().to_owned()));
            let name = customer.display_name.clone().map(BillingQuery::ClientNamed);
            name.into_iter().chain(emails).collect()
        }
        Entity::Item(item) => {
            let keys = [&item.name, &item.fully_qualified_name].into_iter().flatten();
            keys.cloned().map(BillingQuery::ProductKeyed).collect()
        }
        Entity::Invoice(_) | Entity::Payment(_) => Vec::new(),
    }
}

/// Divides the entities among at most `at_once` lanes. What touches the same is in the same lane, in its order.
fn lanes(pull: &Pull<'_>, ids: &[Id], met: &Met, at_once: usize) -> Vec<Lane> {
    let touches = ids.iter().map(|id| {
        let mut touched = BTreeSet::from([Touch::Entity(id.clone())]);
        pull.touches(id, met, &mut touched);
        touched
    });
    balanced(groups(touches), at_once)
}

/// The places of those that have something in common, directly or through others, in their order.
fn groups<T: Eq + std::hash::Hash>(all: impl Iterator<Item = BTreeSet<T>>) -> Vec<Lane> {
    let mut group_of: HashMap<T, usize> = HashMap::new();
    let mut groups: Vec<Lane> = Vec::new();
    for (place, touched) in all.enumerate() {
        let mut met: Vec<usize> = touched.iter().filter_map(|touch| group_of.get(touch).copied()).collect();
        met.sort_unstable();
        met.dedup();
        let into = met.first().copied().unwrap_or_else(|| {
            groups.push(Lane::new());
            groups.len() - 1
        });
        for other in met.iter().skip(1) {
            let moved = std::mem::take(&mut groups[*other]);
            groups[into].extend(moved);
            group_of.values_mut().filter(|group| **group == *other).for_each(|group| *group = into);
        }
        groups[into].push(place);
        group_of.extend(touched.into_iter().map(|touch| (touch, into)));
    }
    groups.retain(|group| !group.is_empty());
    groups.iter_mut().for_each(|group| group.sort_unstable());
    groups
}

/// Puts groups together into so many lanes of about the same length.
fn balanced(mut groups: Vec<Lane>, at_once: usize) -> Vec<Lane> {
    groups.sort_by_key(|group| std::cmp::Reverse(group.len()));
    let mut lanes: Vec<Lane> = vec![Lane::new(); at_once.max(1)];
    for group in groups {
        if let Some(shortest) = lanes.iter_mut().min_by_key(|lane| lane.len()) {
            shortest.extend(group);
        }
    }
    lanes.retain(|lane| !lane.is_empty());
    // Groups have nothing in common: within a lane the page's order is as good as any, and easier to follow.
    lanes.iter_mut().for_each(|lane| lane.sort_unstable());
    lanes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_touches_the_same_is_in_one_lane_in_order_and_nothing_is_lost(
            touched in prop::collection::vec(prop::collection::btree_set(0_u8..12, 0..3), 0..40),
            at_once in 1_usize..9,
        ) {
            let lanes = balanced(groups(touched.iter().cloned()), at_once);
            prop_assert!(lanes.len() <= at_once);
            let mut all: Vec<usize> = lanes.iter().flatten().copied().collect();
            all.sort_unstable();
            prop_assert_eq!(all, (0..touched.len()).collect::<Vec<_>>());
            let lane_of = |place: usize| lanes.iter().position(|lane| lane.contains(&place));
            for (one, ones) in touched.iter().enumerate() {
                for (other, others) in touched.iter().enumerate() {
                    if !ones.is_disjoint(others) {
                        prop_assert_eq!(lane_of(one), lane_of(other));
                    }
                }
            }
            prop_assert!(lanes.iter().all(|lane| lane.is_sorted()));
        }

        #[test]
        fn what_has_nothing_in_common_goes_side_by_side(count in 8_usize..60) {
            let apart = (0..count).map(|place| BTreeSet::from([place]));
            let lanes = balanced(groups(apart), 8);
            prop_assert_eq!(lanes.len(), 8);
            let lengths: Vec<usize> = lanes.iter().map(Vec::len).collect();
            let (shortest, longest) = (lengths.iter().min().unwrap(), lengths.iter().max().unwrap());
            prop_assert!(longest - shortest <= 1);
        }
    }
}
