//! Which events may be carried out at the same time: those that have nothing in common that one of them changes.
//!
//! Events are begun in their order, and one that touches what an earlier one, not yet ended, touches waits for it. So
//! the order of each record stays, and what a record refers to is made once, and before it.

use std::collections::HashSet;

use super::batch::Batch;
use crate::event::{EntityEvent, Verb};
use crate::ids::BillingId;
use crate::link::{Entry, Fingerprints, Link, LinkKey};
use crate::mapping::{customer, fields, invoice, item};
use crate::model::{Client, Invoice, Kind, Payment, Product, Record};
use crate::plan;

/// Something that events may have in common.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Mark {
    /// A record and its counterpart, by one of their keys.
    Record(LinkKey),
    /// A name or a number that its kind has once, in lower case.
    Name(Kind, String),
    /// An e-mail address, by which clients are matched.
    Email(String),
    /// All names of a kind: changed by who gives one up, and read by who takes one.
    Names(Kind),
}

/// What an event changes, or may, and what it needs as it is.
#[derive(Clone, Debug, Default)]
pub(super) struct Touches {
    everything: bool,
    changed: HashSet<Mark>,
    read: HashSet<Mark>,
}

impl Touches {
    fn everything() -> Touches {
        Touches { everything: true, ..Touches::default() }
    }

    fn change(&mut self, mark: Mark) {
        self.changed.insert(mark);
    }

    fn read(&mut self, mark: Mark) {
        self.read.insert(mark);
    }

    fn is_nothing(&self) -> bool {
        !self.everything && self.changed.is_empty() && self.read.is_empty()
    }

    fn collides(&self, other: &Touches) -> bool {
        let meets = |changed: &HashSet<Mark>, other: &Touches| {
            changed.iter().any(|mark| other.changed.contains(mark) || other.read.contains(mark))
        };
        match (self.everything, other.everything) {
            (true, _) => !other.is_nothing(),
            (_, true) => !self.is_nothing(),
            _ => meets(&self.changed, other) || meets(&other.changed, self),
        }
    }

    /// Adds what another event touches.
    pub(super) fn add(&mut self, other: Touches) {
        self.everything |= other.everything;
        self.changed.extend(other.changed);
        self.read.extend(other.read);
    }
}

/// The first of the events, in their order, that may be begun while those that are under way go on. `touches` tells
/// of a place in the line whether its event is under way, and what it touches.
pub(super) fn next_to_begin(
    line: impl IntoIterator<Item = usize>,
    touches: impl Fn(usize) -> (bool, Touches),
) -> Option<usize> {
    let mut before = Touches::default();
    for place in line {
        let (is_under_way, mine) = touches(place);
        if !is_under_way && !mine.collides(&before) {
            return Some(place);
        }
        before.add(mine);
    }
    None
}

impl Batch<'_> {
    /// What an event touches, as far as its records' links are known now.
    pub(super) fn touches(&self, event: &EntityEvent) -> Touches {
        let Some(record) = event.data.as_ref().filter(|_| is_plain(event)) else {
            return Touches::everything();
        };
        let mut touches = Touches::default();
        match record {
            Record::Client(client) => self.touch_own_client(client, &mut touches),
            Record::Product(product) => self.touch_own_product(product, &mut touches),
            Record::Invoice(bill) => self.touch_invoice(bill, &mut touches),
            Record::Payment(paid) => self.touch_payment(paid, &mut touches),
        }
        touches.change(Mark::Record(LinkKey::Billing(event.kind, event.subject.clone())));
        touches
    }

    fn touch_own_client(&self, client: &Client, touches: &mut Touches) {
        match self.link(Kind::Client, &client.id) {
            Some(link) => {
                let mapped = customer::map(client, None, &self.reference);
                let mapped = mapped.ok().map(|customer| fields::fingerprints(&customer.into()));
                touch_names(
                    Kind::Client,
                    mapped.is_none_or(|mapped| renames(&link, &mapped, "DisplayName")),
                    touches,
                );
                touch_client_names(client, touches);
            }
            None => self.touch_new_client(client, touches),
        }
    }

    fn touch_new_client(&self, client: &Client, touches: &mut Touches) {
        touches.read(Mark::Names(Kind::Client));
        touch_client_names(client, touches);
    }

    fn touch_own_product(&self, product: &Product, touches: &mut Touches) {
        if let Some(link) = self.link(Kind::Product, &product.id) {
            let mapped = fields::fingerprints(&item::fields(product, &self.reference).into());
            touch_names(Kind::Product, renames(&link, &mapped, "Name"), touches);
        }
        self.touch_new_product(product, touches);
    }

    fn touch_new_product(&self, product: &Product, touches: &mut Touches) {
        touches.read(Mark::Names(Kind::Product));
        for key in item::ledger_keys(product) {
            touches.change(Mark::Record(key));
        }
    }

    fn touch_invoice(&self, bill: &Invoice, touches: &mut Touches) {
        let number = invoice::doc_number(bill);
        let numbered = quickbooks_wire::Invoice { doc_number: number.clone(), ..Default::default() };
        let mapped = fields::fingerprints(&numbered.into());
        let link = self.link(Kind::Invoice, &bill.id);
        touch_names(Kind::Invoice, link.is_some_and(|link| renames(&link, &mapped, "DocNumber")), touches);
        if let Some(number) = number {
            touches.change(Mark::Name(Kind::Invoice, number.to_lowercase()));
        }
        self.touch_client(&bill.client_id, bill.client.as_ref(), touches);
        for product in invoice::products(bill, &self.reference).unwrap_or_default() {
            self.touch_product(&product, touches);
        }
    }

    /// A payment changes what its invoices have left to pay.
    fn touch_payment(&self, paid: &Payment, touches: &mut Touches) {
        for allocation in &paid.allocations {
            touches.change(Mark::Record(LinkKey::Billing(Kind::Invoice, allocation.invoice_id.clone())));
        }
        self.touch_client(&paid.client_id, paid.client.as_ref(), touches);
    }

    /// A client that a transaction refers to.
    fn touch_client(&self, id: &BillingId, carried: Option<&Client>, touches: &mut Touches) {
        let mark = Mark::Record(LinkKey::Billing(Kind::Client, id.clone()));
        if self.link(Kind::Client, id).is_some() {
            touches.read(mark);
            return;
        }
        touches.change(mark);
        match carried.or(self.client_at_hand(id)) {
            Some(client) => self.touch_new_client(client, touches),
            // Nobody knows its name before it is fetched.
            None => touches.change(Mark::Names(Kind::Client)),
        }
    }

    /// A product that a line stands for.
    fn touch_product(&self, product: &Product, touches: &mut Touches) {
        match self.product_entry(product) {
            Some(Entry::Linked(link)) if link.billing_id == product.id || product.id.is_stand_in() => {
                for key in item::ledger_keys(product) {
                    touches.read(Mark::Record(key));
                }
            }
            _ => self.touch_new_product(product, touches),
        }
    }

    fn link(&self, kind: Kind, id: &BillingId) -> Option<Link> {
        match self.entry(kind, id)? {
            Entry::Linked(link) => Some(link),
            Entry::Pending(_) => None,
        }
    }
}

/// Creates or changes its record and nothing else. What is taken back or brought back may depend on anything.
fn is_plain(event: &EntityEvent) -> bool {
    !plan::is_withdrawn(event) && event.verb != Verb::Restored
}

fn touch_client_names(client: &Client, touches: &mut Touches) {
    touches.change(Mark::Name(Kind::Client, customer::display_name(client).to_lowercase()));
    for email in customer::emails(client) {
        touches.change(Mark::Email(email.to_lowercase()));
    }
}

fn touch_names(kind: Kind, is_given_up: bool, touches: &mut Touches) {
    match is_given_up {
        true => touches.change(Mark::Names(kind)),
        false => touches.read(Mark::Names(kind)),
    }
}

/// Whether the member that holds the name differs from what was last pushed.
fn renames(link: &Link, mapped: &Fingerprints, member: &str) -> bool {
    link.pushed.get(member) != mapped.get(member)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mark(number: u8) -> Mark {
        Mark::Email(number.to_string())
    }

    fn any_touches() -> impl Strategy<Value = Touches> {
        let marks = || prop::collection::hash_set((0..8_u8).prop_map(mark), 0..3);
        let own = prop::collection::hash_set((0..8_u8).prop_map(mark), 1..3);
        (prop::bool::weighted(0.05), own, marks()).prop_map(|(everything, changed, read)| Touches {
            everything,
            changed,
            read,
        })
    }

    /// Whether two events may trade places, told mark by mark.
    fn independent(one: &Touches, other: &Touches) -> bool {
        let changes = |touches: &Touches, mark: &Mark| touches.everything || touches.changed.contains(mark);
        let touched = |touches: &Touches, mark: &Mark| changes(touches, mark) || touches.read.contains(mark);
        let clash = |one: &Touches, other: &Touches, mark: &Mark| changes(one, mark) && touched(other, mark);
        !(0..8).map(mark).any(|mark| clash(one, other, &mark) || clash(other, one, &mark))
    }

    #[derive(Clone, Copy, PartialEq)]
    enum State {
        Waits,
        UnderWay,
        Ended,
    }

    proptest! {
        /// Whatever ends when: each event is begun once, nothing under way collides, and who collides keeps the order.
        #[test]
        fn what_collides_runs_in_order_and_nothing_is_forgotten(
            all in prop::collection::vec(any_touches(), 1..30), ends in prop::collection::vec(0..4_usize, 0..200), at_once in 1..6_usize,
        ) {
            let mut states = vec![State::Waits; all.len()];
            let mut ends = ends.into_iter().chain(std::iter::repeat(0));
            loop {
                let under_way: Vec<usize> = (0..all.len()).filter(|place| states[*place] == State::UnderWay).collect();
                let open = (0..all.len()).filter(|place| states[*place] != State::Ended);
                let next = next_to_begin(open, |place| (states[place] == State::UnderWay, all[place].clone()));
                match next.filter(|_| under_way.len() < at_once) {
                    Some(begun) => {
                        prop_assert!(states[begun] == State::Waits);
                        for earlier in (0..begun).filter(|earlier| states[*earlier] != State::Ended) {
                            prop_assert!(independent(&all[earlier], &all[begun]), "order");
                        }
                        for other in &under_way {
                            prop_assert!(independent(&all[*other], &all[begun]), "at the same time");
                        }
                        states[begun] = State::UnderWay;
                    }
                    None if under_way.is_empty() => break,
                    None => states[under_way[ends.next().unwrap_or_default() % under_way.len()]] = State::Ended,
                }
            }
            prop_assert!(states.iter().all(|state| *state == State::Ended), "all of them");
        }

        /// Nobody waits without a reason.
        #[test]
        fn what_is_independent_of_all_before_it_is_begun(all in prop::collection::vec(any_touches(), 1..30)) {
            let mut begun = HashSet::new();
            while let Some(next) = next_to_begin(0..all.len(), |place| (begun.contains(&place), all[place].clone())) {
                begun.insert(next);
            }
            for (place, mine) in all.iter().enumerate() {
                let is_free = all[..place].iter().all(|earlier| independent(earlier, mine));
                prop_assert_eq!(begun.contains(&place), is_free);
            }
        }
    }
}
