//! What was asked of the API.

use std::collections::VecDeque;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How many calls are kept to look at.
const KEPT: usize = 10_000;

/// What a call does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallKind {
    /// One record is read.
    Read,
    /// A list is read.
    List,
    /// A record is made.
    Create,
    /// A record is changed.
    Update,
    /// A record is deleted.
    Delete,
    /// Many records at once.
    Bulk,
    /// A payment is refunded.
    Refund,
    /// Anything else: `ping`, `statics`, `refresh`, companies, single actions.
    Other,
}

impl CallKind {
    /// The kind by method and by what follows `/api/v1/`.
    pub(super) fn of(method: &str, path: &str) -> Self {
        let segments: Vec<&str> = path.trim_matches('/').split('/').collect();
        match (method, segments.as_slice()) {
            (_, ["ping" | "statics" | "refresh" | "companies", ..]) => Self::Other,
            ("POST", [_, "bulk"]) => Self::Bulk,
            ("POST", ["payments", "refund"]) => Self::Refund,
            ("GET", [_]) => Self::List,
            ("POST", [_]) => Self::Create,
            ("GET", [_, _]) => Self::Read,
            ("PUT", [_, _]) => Self::Update,
            ("DELETE", [_, _]) => Self::Delete,
            _ => Self::Other,
        }
    }
}

/// One call as the simulator saw it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// When it came in, by the simulator's clock.
    pub at: Timestamp,
    /// The place of the company whose token it carries.
    pub company: Option<usize>,
    /// The HTTP method.
    pub method: String,
    /// The path with its query, as sent.
    pub path: String,
    /// What it does.
    pub kind: CallKind,
    /// The answer's status. None if the call was lost before it was answered.
    pub status: Option<u16>,
    /// The answer was thrown away after the work was done.
    pub response_lost: bool,
}

/// The latest calls.
#[derive(Debug, Default)]
pub(super) struct Calls(VecDeque<Call>);

impl Calls {
    pub(super) fn record(&mut self, call: Call) {
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back(call);
    }

    /// Oldest first.
    pub(super) fn list(&self) -> Vec<Call> {
        self.0.iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_told_by_its_method_and_path() {
        for (method, path, kind) in [
            ("GET", "clients", CallKind::List),
            ("GET", "clients/VolejRejNm", CallKind::Read),
            ("POST", "invoices", CallKind::Create),
            ("PUT", "invoices/VolejRejNm", CallKind::Update),
            ("DELETE", "payments/VolejRejNm", CallKind::Delete),
            ("POST", "payments/bulk", CallKind::Bulk),
            ("POST", "payments/refund", CallKind::Refund),
            ("POST", "refresh", CallKind::Other),
            ("GET", "invoices/VolejRejNm/mark_sent", CallKind::Other),
        ] {
            assert_eq!(CallKind::of(method, path), kind, "{method} {path}");
        }
    }
}
