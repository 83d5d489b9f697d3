//! Every call, what kind it was, and whether Intuit would meter it.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How many calls are kept one by one. The counters go on beyond it.
const KEPT: usize = 100_000;

/// What a call does, as far as limits and metering care.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallKind {
    /// Exchange, refresh or revocation of tokens.
    #[serde(rename = "oauth")]
    OAuth,
    /// `GET` of one object.
    Read,
    /// `query`, by `GET` or `POST`.
    Query,
    /// `cdc`.
    ChangeDataCapture,
    /// `reports/…`.
    Report,
    /// `batch`.
    Batch,
    /// `POST` of an object without an id.
    Create,
    /// `POST` of an object with an id.
    Update,
    /// `POST` with `operation=delete`.
    Delete,
    /// `POST` with `operation=void` or `include=void`.
    Void,
    /// `POST …/{id}/send`.
    Send,
    /// Anything else.
    Other,
}

impl CallKind {
    /// The kind of a call to the accounting API. `path` is what follows `/v3/company/{realm}/`.
    pub(super) fn of_accounting(method: &str, path: &str, query: &str, body: &[u8]) -> Self {
        let has = |name: &str, value: &str| {
            url::form_urlencoded::parse(query.as_bytes())
                .any(|(n, v)| n == name && v.eq_ignore_ascii_case(value))
        };
        let first = path.split('/').next().unwrap_or_default();
        match (method, first) {
            (_, "query") => Self::Query,
            (_, "cdc") => Self::ChangeDataCapture,
            (_, "reports") => Self::Report,
            ("POST", "batch") => Self::Batch,
            ("GET", _) => Self::Read,
            ("POST", _) if path.ends_with("/send") => Self::Send,
            ("POST", _) if has("operation", "delete") => Self::Delete,
            ("POST", _) if has("operation", "void") || has("include", "void") => Self::Void,
            ("POST", _) if names_an_id(body) => Self::Update,
            ("POST", _) => Self::Create,
            _ => Self::Other,
        }
    }

    /// Whether a successful call of this kind is metered ("CorePlus" in Intuit's App Partner Program): all that
    /// reads, and batches whatever they hold.
    pub fn is_core_plus(self) -> bool {
        matches!(self, Self::Read | Self::Query | Self::ChangeDataCapture | Self::Report | Self::Batch)
    }
}

fn names_an_id(body: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Identified {
        #[serde(rename = "Id")]
        id: Option<serde::de::IgnoredAny>,
    }
    serde_json::from_slice::<Identified>(body).is_ok_and(|object| object.id.is_some())
}

/// One call as the simulator saw it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// When it came in, by the simulator's clock.
    pub at: Timestamp,
    /// The company in its path.
    pub realm: Option<String>,
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
    /// Intuit would count it against the app's monthly CorePlus calls.
    pub metered: bool,
    /// The `intuit_tid` of the answer.
    pub tid: String,
}

/// How many calls there were.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// All calls to the accounting API and to the OAuth server.
    pub total: u64,
    /// Those that Intuit meters.
    pub metered: u64,
    /// Those that it does not: writes, OAuth, and everything that failed.
    pub free: u64,
    /// By what they do.
    pub by_kind: BTreeMap<CallKind, u64>,
    /// By the answer's status. Calls that were lost before they were answered are not among them.
    pub by_status: BTreeMap<u16, u64>,
}

impl Counters {
    fn add(&mut self, call: &Call) {
        self.total += 1;
        *(if call.metered { &mut self.metered } else { &mut self.free }) += 1;
        *self.by_kind.entry(call.kind).or_default() += 1;
        if let Some(status) = call.status {
            *self.by_status.entry(status).or_default() += 1;
        }
    }

    /// Calls of one kind.
    pub fn of(&self, kind: CallKind) -> u64 {
        self.by_kind.get(&kind).copied().unwrap_or_default()
    }
}

/// The record of all calls.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Calls {
    all: Counters,
    by_realm: BTreeMap<String, Counters>,
    latest: VecDeque<Call>,
}

impl Calls {
    /// Records a call and decides whether it was metered: successful calls only (Intuit App Partner Program).
    pub(super) fn record(&mut self, mut call: Call) {
        let successful = call.status.is_some_and(|status| (200..300).contains(&status));
        call.metered = successful && call.kind.is_core_plus();
        self.all.add(&call);
        if let Some(realm) = &call.realm {
            self.by_realm.entry(realm.clone()).or_default().add(&call);
        }
        if self.latest.len() == KEPT {
            self.latest.pop_front();
        }
        self.latest.push_back(call);
    }

    /// The counters of one company, or of all calls.
    pub(super) fn counters(&self, realm: Option<&str>) -> Counters {
        match realm {
            Some(realm) => self.by_realm.get(realm).cloned().unwrap_or_default(),
            None => self.all.clone(),
        }
    }

    /// The calls themselves, oldest first.
    pub(super) fn list(&self, realm: Option<&str>) -> Vec<Call> {
        let asked = |call: &&Call| realm.is_none() || call.realm.as_deref() == realm;
        self.latest.iter().filter(asked).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(method: &str, path: &str, query: &str, body: &str) -> CallKind {
        CallKind::of_accounting(method, path, query, body.as_bytes())
    }

    #[test]
    fn a_call_is_told_by_its_path_its_query_and_whether_it_names_an_id() {
        assert_eq!(kind("POST", "customer", "", r#"{"DisplayName":"Jane"}"#), CallKind::Create);
        assert_eq!(kind("POST", "customer", "", r#"{"Id":"1","SyncToken":"0"}"#), CallKind::Update);
        assert_eq!(kind("POST", "invoice", "operation=void", r#"{"Id":"1"}"#), CallKind::Void);
        assert_eq!(kind("POST", "payment", "operation=update&include=void", r#"{"Id":"1"}"#), CallKind::Void);
        assert_eq!(kind("POST", "invoice", "operation=delete", r#"{"Id":"1"}"#), CallKind::Delete);
        assert_eq!(kind("POST", "invoice/5/send", "sendTo=a%40b.c", ""), CallKind::Send);
        assert_eq!(kind("GET", "invoice/5", "", ""), CallKind::Read);
        assert_eq!(kind("POST", "query", "", "select * from Item"), CallKind::Query);
        assert_eq!(kind("PUT", "customer", "", ""), CallKind::Other);
    }

    #[test]
    fn only_successful_reads_and_batches_are_metered() {
        let mut calls = Calls::default();
        for (kind, status) in [
            (CallKind::Query, Some(200)),
            (CallKind::Batch, Some(200)),
            (CallKind::Query, Some(429)),
            (CallKind::Query, None),
            (CallKind::Create, Some(200)),
            (CallKind::OAuth, Some(200)),
        ] {
            calls.record(Call {
                at: Timestamp::UNIX_EPOCH,
                realm: Some("1".into()),
                method: "POST".into(),
                path: String::new(),
                kind,
                status,
                response_lost: false,
                metered: false,
                tid: String::new(),
            });
        }
        let counters = calls.counters(None);
        assert_eq!((counters.total, counters.metered, counters.free), (6, 2, 4));
        assert_eq!(counters.of(CallKind::Query), 3);
        assert_eq!(calls.counters(Some("2")), Counters::default());
    }
}
