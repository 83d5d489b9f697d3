//! Deleting, archiving and restoring, one by one and many at once (Invoice Ninja API: bulk).

use jiff::Timestamp;
use serde_json::{Value, json};

use super::answer::Reply;
use super::kinds::Kind;
use super::lists::List;
use super::record::Members;
use super::refusal::Refusal;
use super::{Company, Request, ids};

/// Actions on invoices beside those that all kinds have. Those that answer with files are not simulated.
const OF_INVOICES: [&str; 6] = ["mark_sent", "mark_paid", "cancel", "reverse", "email", "send_email"];

impl Company {
    /// `POST {entity}/bulk`: answers with the rows it found, changed or not.
    pub(crate) fn bulk(&mut self, kind: Kind, request: &Request, now: Timestamp) -> Result<Reply, Refusal> {
        let sent = request.sent();
        let action = sent.text("action");
        let is_known = ["archive", "restore", "delete"].contains(&action)
            || (kind == Kind::Invoice && OF_INVOICES.contains(&action));
        if !is_known {
            return Err(Refusal::invalid_field("action", "The selected action is invalid."));
        }
        let Some(Value::Array(named)) = sent.get("ids") else {
            return Err(Refusal::invalid_field("ids", "The ids field is required."));
        };
        let windows = if action == "delete" { 3 } else { 1 };
        if kind == Kind::Invoice && self.is_repeated(format!("bulk {action}"), windows, now) {
            return Err(Refusal::duplicate());
        }
        let found = named.iter().filter_map(|id| self.find(kind, id.as_str()?).ok()).collect::<Vec<_>>();
        if found.is_empty() {
            return Ok(Reply::Bare(json!({"message": format!("No {}s Found", kind.model())})));
        }
        if action == "cancel" && !found.iter().all(|id| self.is_cancellable(*id)) {
            return Err(Refusal::invalid_field("ids", "One or more of these invoices cannot be cancelled"));
        }
        for id in &found {
            match action {
                "archive" => self.archive(kind, *id, now),
                "restore" => self.restore(kind, *id, now),
                "delete" => self.delete(kind, *id, now),
                _ => self.invoice_action(*id, action, now)?,
            }
        }
        let rows = found.iter().filter_map(|id| self.record(kind, &ids::shown(*id))).collect();
        Ok(Reply::List(List { rows, total: found.len(), page: 1, per_page: found.len().max(20) }))
    }

    /// Hides a record; nothing else changes. Of one that is hidden already nothing happens.
    pub(crate) fn archive(&mut self, kind: Kind, id: u64, now: Timestamp) {
        let Some(row) = self.store.row_mut(kind, id).filter(|row| row.seconds("archived_at") == 0) else {
            return;
        };
        row.put("archived_at", now.as_second());
        row.put("updated_at", now.as_second());
        self.archived(kind, id, now);
    }

    /// Brings back what was archived or deleted, save deleted payments, which stay as they are.
    pub(crate) fn restore(&mut self, kind: Kind, id: u64, now: Timestamp) {
        let Some(row) = self.store.row_mut(kind, id).filter(|row| row.seconds("archived_at") != 0) else {
            return;
        };
        match kind {
            Kind::Payment if row.flag("is_deleted") => {}
            Kind::Invoice => self.restore_invoice(id, now),
            _ => {
                row.put("is_deleted", false);
                row.put("archived_at", 0);
                row.put("updated_at", now.as_second());
                self.restored(kind, id, now);
            }
        }
    }

    /// Deletes a record so that it can still be read. Of a deleted one nothing happens.
    pub(crate) fn delete(&mut self, kind: Kind, id: u64, now: Timestamp) {
        let Some(row) = self.store.row_mut(kind, id).filter(|row| !row.flag("is_deleted")) else { return };
        match kind {
            Kind::Invoice => self.delete_invoice(id, now),
            Kind::Payment => self.delete_payment(id, now),
            _ => {
                row.put("is_deleted", true);
                row.put("archived_at", now.as_second());
                row.put("updated_at", now.as_second());
                self.updated(kind, id, now);
            }
        }
    }
}
