//! `requestid`: the answer of the first request is repeated instead of executing the same request again.

use std::collections::{BTreeMap, VecDeque};

use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Answer, Company, Request, faults::Fault};

/// Intuit: at most 50 characters, 36 with a batch.
const LONGEST: usize = 50;
const LONGEST_WITH_BATCH: usize = 36;

/// The successful answers of the recent past, by request id.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Repeats {
    answers: BTreeMap<String, Repeat>,
    oldest_first: VecDeque<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Repeat {
    fingerprint: String,
    status: u16,
    body: String,
    at: Timestamp,
}

impl Company {
    /// The stored answer to a request that was already executed.
    ///
    /// # Errors
    /// 2130 for a malformed id, 600 for an id that belongs to a different request.
    pub(crate) fn repeated(&self, request: &Request, now: Timestamp) -> Result<Option<Answer>, Fault> {
        let Some(id) = request_id(request) else { return Ok(None) };
        let longest = if request.path.trim_matches('/') == "batch" { LONGEST_WITH_BATCH } else { LONGEST };
        let length = id.chars().count();
        if length > longest {
            return Err(Fault::request_id_format(longest, length));
        }
        let limit = self.oldest_repeat(now);
        match self.repeats.answers.get(id) {
            None => Ok(None),
            Some(repeat) if repeat.at <= limit => Ok(None),
            Some(repeat) if repeat.fingerprint == fingerprint(request) => {
                Ok(Some(Answer { status: repeat.status, body: repeat.body.clone() }))
            }
            Some(_) => Err(Fault::duplicate_request_id(id)),
        }
    }

    /// Stores a successful answer for its request id.
    pub(crate) fn remember(&mut self, request: &Request, answer: &Answer, now: Timestamp) {
        let Some(id) = request_id(request) else { return };
        let repeat = Repeat {
            fingerprint: fingerprint(request),
            status: answer.status,
            body: answer.body.clone(),
            at: now,
        };
        self.repeats.forget_before(self.oldest_repeat(now));
        self.repeats.answers.insert(id.to_owned(), repeat);
        self.repeats.oldest_first.push_back(id.to_owned());
    }

    fn oldest_repeat(&self, now: Timestamp) -> Timestamp {
        now - i64::from(self.switches.requestid_hours).hours()
    }
}

impl Repeats {
    fn forget_before(&mut self, limit: Timestamp) {
        while let Some(id) = self.oldest_first.front() {
            if self.answers.get(id).is_some_and(|repeat| repeat.at > limit) {
                return;
            }
            self.answers.remove(id);
            self.oldest_first.pop_front();
        }
    }
}

/// Only writes are repeated.
fn request_id(request: &Request) -> Option<&str> {
    let is_write = request.method == "POST" && request.path.trim_matches('/') != "query";
    request.parameter("requestid").filter(|id| is_write && !id.is_empty())
}

fn fingerprint(request: &Request) -> String {
    let mut digest = Sha256::new();
    for part in [&request.method, &request.path] {
        digest.update(part);
        digest.update([0]);
    }
    for (name, value) in request.query.iter().filter(|(name, _)| name == "operation" || name == "include") {
        digest.update(format!("{name}={value}\0"));
    }
    digest.update(&request.body);
    BASE64_STANDARD.encode(digest.finalize())
}
