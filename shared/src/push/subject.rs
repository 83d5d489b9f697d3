//! The record that is being written, and what QuickBooks' answer to it means.

use std::collections::BTreeMap;

use jiff::Timestamp;
use quickbooks_wire::{Entity, Invoice as Booked};

use crate::event::EntityEvent;
use crate::ids::{BillingId, EventId};
use crate::link::Link;
use crate::mapping::invoice;
use crate::mapping::tax_answer::{Question, TaxAnswer};
use crate::model::{Invoice, Kind};
use crate::outcome::{DoneAction, variance};
use crate::reference::Reference;
use crate::settings::Settings;

/// The record that is being written, and the event for whose sake.
#[derive(Clone, Debug)]
pub(super) struct Subject<'e> {
    pub(super) kind: Kind,
    pub(super) id: BillingId,
    pub(super) event: &'e EntityEvent,
    pub(super) product_key: Option<String>,
    pub(super) bill: Option<Box<Invoice>>,
    question: Option<Question>,
    pub(super) about_members: BTreeMap<String, String>,
    own: bool,
    made_of: Option<Timestamp>,
}

impl<'e> Subject<'e> {
    /// The record that the event is about.
    pub(super) fn of(event: &'e EntityEvent, kind: Kind, id: &BillingId) -> Subject<'e> {
        Subject {
            kind,
            id: id.clone(),
            event,
            product_key: None,
            bill: None,
            question: None,
            about_members: BTreeMap::new(),
            own: true,
            made_of: None,
        }
    }

    /// A record that the event's record refers to.
    pub(super) fn dependency(event: &'e EntityEvent, kind: Kind, id: &BillingId) -> Subject<'e> {
        Subject { own: false, ..Subject::of(event, kind, id) }
    }

    /// The same record, without the event being carried out for it.
    pub(super) fn in_passing(&self) -> Subject<'e> {
        Subject { own: false, ..self.clone() }
    }

    /// The record as an event of that time told it.
    pub(super) fn made_of(self, made_of: Option<Timestamp>) -> Subject<'e> {
        Subject { made_of, ..self }
    }

    /// The key by which a product is found as well.
    pub(super) fn with_key(self, key: String) -> Subject<'e> {
        Subject { product_key: Some(key), ..self }
    }

    /// The invoice that is booked as `sent`: its total is compared with what QuickBooks makes of it (D15), its lines
    /// get their taxes from the answer, and a person is told what of its custom fields is cut off.
    pub(super) fn booking(
        self,
        bill: &Invoice,
        sent: &Booked,
        settings: &Settings,
        reference: &Reference,
    ) -> Subject<'e> {
        Subject {
            question: Question::of(bill, sent, reference),
            about_members: invoice::custom_field_notes(bill, settings, reference),
            bill: Some(Box::new(Invoice { client: None, ..bill.clone() })),
            ..self
        }
    }

    pub(super) fn notes_on<'s>(&'s self, sent: &'s [String]) -> impl Iterator<Item = String> + 's {
        sent.iter().filter_map(|name| self.about_members.get(name).cloned())
    }

    /// The taxes in QuickBooks' answer.
    pub(super) fn taxes(&self, booked: &Entity) -> Option<Box<TaxAnswer>> {
        let Entity::Invoice(booked) = booked else { return None };
        Some(Box::new(self.question.as_ref()?.answered(booked)))
    }

    /// What a person should know of what QuickBooks made of it.
    pub(super) fn variance(&self, booked: &Entity) -> Option<String> {
        let Entity::Invoice(booked) = booked else { return None };
        let (billing, quickbooks) = invoice::difference(self.bill.as_ref()?.amount, booked)?;
        Some(variance(billing, quickbooks))
    }

    /// The link after this event has done `action`. One made for the sake of another record's event does not stand
    /// for an event of its own, so that the record's own events are never out of date.
    pub(super) fn next(&self, link: &Link, action: DoneAction) -> Link {
        Link {
            last_event: self.event_id(),
            last_action: action,
            last_notes: Vec::new(),
            billing_time: self.time(),
            revision: link.revision + 1,
            product_key: self.product_key.clone().or_else(|| link.product_key.clone()),
            attempt: None,
            ..link.clone()
        }
    }

    pub(super) fn event_id(&self) -> EventId {
        if self.own { self.event.id.clone() } else { EventId::of_dependency(&self.event.id) }
    }

    pub(super) fn time(&self) -> Timestamp {
        if self.own { self.event.time } else { self.made_of.unwrap_or(Timestamp::UNIX_EPOCH) }
    }

    /// When the event told the record, if it is carried out for it.
    pub(super) fn told_at(&self) -> Option<Timestamp> {
        self.own.then_some(self.event.time)
    }
}
