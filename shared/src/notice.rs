//! Change notices: what QuickBooks says changed, before it is read.
//!
//! A message on the pull queue holds one notice or a JSON array of them, all of one company. Each is read by itself,
//! so that one that cannot be read keeps none of the others back.

use std::collections::{BTreeMap, HashSet};
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::event::{Unreadable, typed};
use crate::ids::{CompanyId, EventId, QuickBooksId, RealmId};
use crate::model::Kind;

/// The version of the messages' form that is written here, and the only one that is read.
const VERSION: u32 = 1;

/// The most notices of a message. Ten such messages fit into one request to SQS (1 MiB).
const MOST: usize = 100;

/// Something changed in a company's books. What is there now may be newer: a notice says only where to look.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ChangeNotice {
    /// Whose books.
    pub company: CompanyId,
    /// The QuickBooks company it came from. By the time it is read, the company may be connected with another one.
    pub realm: RealmId,
    /// The kind of entity, by the name of its counterpart.
    pub kind: Kind,
    /// The entity; the surviving one of a merge.
    pub quickbooks_id: QuickBooksId,
    /// What happened.
    pub operation: Operation,
    /// The entity that went away in a merge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_id: Option<QuickBooksId>,
    /// When it happened, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_updated: Option<Timestamp>,
    /// How it became known.
    pub source: Source,
}

/// What happened to an entity (Intuit: Webhooks, operations).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// It was made.
    Created,
    /// It was changed.
    Updated,
    /// It was deleted.
    Deleted,
    /// It was voided.
    Voided,
    /// It took another one in.
    Merged,
    /// It was sent by e-mail.
    Emailed,
}

impl Operation {
    /// Its name in messages and logs.
    pub fn name(self) -> &'static str {
        match self {
            Operation::Created => "created",
            Operation::Updated => "updated",
            Operation::Deleted => "deleted",
            Operation::Voided => "voided",
            Operation::Merged => "merged",
            Operation::Emailed => "emailed",
        }
    }
}

/// How a change became known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Intuit called.
    Webhook,
    /// QuickBooks was asked what has changed.
    Sweep,
    /// A person asked for another try.
    Retry,
    /// It was there when a person had everything brought over, whatever the direction (R27).
    Import,
}

impl ChangeNotice {
    /// Names the change, for the activity log: the same however often, and however, it is told.
    pub fn event_id(&self) -> EventId {
        let at = self.last_updated.map_or_else(|| "at some time".to_owned(), |at| at.to_string());
        EventId::of_notice(&format!("{} {self} {at}", self.realm))
    }

    /// Whether an import brings it over: directions and the cut-off date do not count then (R26, R27).
    pub(crate) fn is_of_import(&self) -> bool {
        self.source == Source::Import
    }

    /// Whether a notice that says the same is about the same change.
    fn names_one_change(&self) -> bool {
        self.last_updated.is_some() && !matches!(self.source, Source::Retry | Source::Import)
    }
}

impl fmt::Display for ChangeNotice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.kind, self.quickbooks_id, self.operation.name())
    }
}

/// A message for the pull queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoticeMessage {
    /// The company, which is the message group.
    pub company: CompanyId,
    /// The same for the same notices, so that the queue drops what is sent again within minutes.
    pub id: EventId,
    /// The notices, for [`read`].
    pub body: String,
}

/// Packs notices into as few messages as possible, each company's in their order. What is there twice is sent once.
///
/// Messages of the same notices have the same id. Where a notice does not say when it happened, or somebody asks for
/// another try, `now` makes the difference: a change must not be taken for a repetition.
pub fn messages(notices: &[ChangeNotice], now: Timestamp) -> Vec<NoticeMessage> {
    let mut seen = HashSet::new();
    let mut by_company: BTreeMap<&CompanyId, Vec<&ChangeNotice>> = BTreeMap::new();
    for notice in notices.iter().filter(|notice| seen.insert(*notice)) {
        by_company.entry(&notice.company).or_default().push(notice);
    }
    let packed = |(company, notices): (&CompanyId, Vec<&ChangeNotice>)| {
        notices.chunks(MOST).map(|notices| message(company, notices, now)).collect::<Vec<_>>()
    };
    by_company.into_iter().flat_map(packed).collect()
}

fn message(company: &CompanyId, notices: &[&ChangeNotice], now: Timestamp) -> NoticeMessage {
    let body = Value::Array(notices.iter().map(|notice| written(notice)).collect()).to_string();
    let mut digest = Sha256::new_with_prefix(&body);
    if !notices.iter().all(|notice| notice.names_one_change()) {
        digest.update(now.to_string());
    }
    let id: String = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    NoticeMessage { company: company.clone(), id: EventId::of_notice(&id), body }
}

/// A notice by itself, as [`read`] reads it.
pub(crate) fn alone(notice: &ChangeNotice) -> String {
    written(notice).to_string()
}

fn written(notice: &ChangeNotice) -> Value {
    let mut value = json!(notice);
    value["version"] = VERSION.into();
    value
}

/// A notice as it came, and what could be read of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Received {
    /// The text as it came.
    pub raw: String,
    /// The notice, or why it cannot be read.
    pub notice: Result<ChangeNotice, Unreadable>,
}

/// Reads a message's body: one notice or an array of them, in order.
///
/// Never fails as a whole: what cannot be read is [`Unreadable`] in its place.
pub fn read(body: &str) -> Vec<Received> {
    let unreadable = |problem: String| {
        vec![Received { raw: body.to_owned(), notice: Err(Unreadable::new(None, problem)) }]
    };
    match serde_json::from_str::<Value>(body) {
        Err(error) => unreadable(format!("The message is not JSON: {error}.")),
        Ok(Value::Array(notices)) if notices.is_empty() => {
            unreadable("The message is an array without notices.".into())
        }
        Ok(Value::Array(notices)) => {
            let received = |notice: &Value| Received { raw: notice.to_string(), notice: read_notice(notice) };
            notices.iter().map(received).collect()
        }
        Ok(notice) => vec![Received { raw: body.to_owned(), notice: read_notice(&notice) }],
    }
}

fn read_notice(value: &Value) -> Result<ChangeNotice, Unreadable> {
    let unreadable = |problem: String| Unreadable::new(Some(value), problem);
    match value.get("version") {
        None => return Err(unreadable("The notice has no `version`.".into())),
        Some(version) if *version != VERSION => {
            return Err(unreadable(format!("`version` is {version}; only {VERSION} is understood.")));
        }
        Some(_) => {}
    }
    typed(value, "", "The notice").map_err(unreadable)
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::option;
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;

    fn now() -> Timestamp {
        "2026-03-01T10:00:00Z".parse().unwrap()
    }

    fn notice() -> ChangeNotice {
        ChangeNotice {
            company: CompanyId::new("acme").unwrap(),
            realm: RealmId::new("9130000000000001").unwrap(),
            kind: Kind::Client,
            quickbooks_id: QuickBooksId::new("43").unwrap(),
            operation: Operation::Merged,
            deleted_id: QuickBooksId::new("27").ok(),
            last_updated: Some("2026-03-01T09:00:00.25Z".parse().unwrap()),
            source: Source::Webhook,
        }
    }

    /// The form is a contract between functions of different ages.
    #[test]
    fn the_form_of_a_message_stays_as_it_is() {
        let bare = ChangeNotice { deleted_id: None, last_updated: None, ..notice() };
        insta::assert_snapshot!(messages(&[notice(), bare], now())[0].body);
    }

    #[test]
    fn r95_a_repetition_has_the_same_id_and_a_later_change_has_not() {
        let id = |notice: ChangeNotice, now| messages(&[notice], now).remove(0).id;
        let later = "2026-03-01T10:00:07Z".parse().unwrap();
        assert_eq!(id(notice(), now()), id(notice(), later));
        let changed_again = ChangeNotice { last_updated: Some(now()), ..notice() };
        assert_ne!(id(changed_again, now()), id(notice(), now()));
        for undated in [
            ChangeNotice { last_updated: None, ..notice() },
            ChangeNotice { source: Source::Retry, ..notice() },
        ] {
            assert_eq!(id(undated.clone(), now()), id(undated.clone(), now()));
            assert_ne!(id(undated.clone(), now()), id(undated, later), "it may be another one");
        }
    }

    #[test]
    fn a_change_has_one_name_however_it_is_told() {
        let name = notice().event_id();
        assert_eq!(name.as_str(), "9130000000000001 client 43 merged 2026-03-01T09:00:00.25Z");
        assert_eq!(ChangeNotice { source: Source::Retry, ..notice() }.event_id(), name);
    }

    #[test]
    fn problems_name_the_place() {
        let problem = |member: &str, value: Value| {
            let mut notice = written(&notice());
            notice[member] = value;
            read(&notice.to_string()).remove(0).notice.unwrap_err().problem
        };
        let mut without = written(&notice());
        without.as_object_mut().unwrap().remove("version");
        let problems = [
            problem("version", json!(2)),
            problem("version", json!("1")),
            problem("kind", json!("bill")),
            problem("realm", json!("12x")),
            problem("operation", json!("exploded")),
            problem("last_updated", json!("yesterday")),
            problem("company", json!(null)),
            read(&without.to_string()).remove(0).notice.unwrap_err().problem,
            read("7").remove(0).notice.unwrap_err().problem,
            read("[]").remove(0).notice.unwrap_err().problem,
        ];
        insta::assert_snapshot!(problems.join("\n"));
        assert!(read("{").remove(0).notice.unwrap_err().problem.starts_with("The message is not JSON"));
    }

    #[test]
    fn a_bad_notice_keeps_its_neighbours_out_of_it_and_says_whose_it_is() {
        let mut bad = written(&notice());
        bad["kind"] = json!("bill");
        let received = read(&json!([written(&notice()), bad, written(&notice())]).to_string());
        assert_eq!(received.iter().map(|one| one.notice.is_ok()).collect::<Vec<_>>(), [true, false, true]);
        assert_eq!(received[1].raw, bad.to_string());
        assert_eq!(received[1].notice.as_ref().unwrap_err().company, CompanyId::new("acme").ok());
    }

    fn any_notice() -> impl Strategy<Value = ChangeNotice> {
        let operations = select(vec![Operation::Created, Operation::Updated, Operation::Deleted]);
        let sources = select(vec![Source::Webhook, Source::Sweep, Source::Retry]);
        let times = option::of(0_i64..4_000_000_000);
        let ids = (select(vec!["acme", "globex"]), 1_u32..4, 1_u32..400, select(Kind::ALL.to_vec()));
        (ids, operations, sources, times).prop_map(|((company, realm, id, kind), operation, source, at)| {
            ChangeNotice {
                company: CompanyId::new(company).unwrap(),
                realm: RealmId::new(realm.to_string()).unwrap(),
                kind,
                quickbooks_id: QuickBooksId::new(id.to_string()).unwrap(),
                operation,
                deleted_id: None,
                last_updated: at.map(|at| Timestamp::from_second(at).unwrap()),
                source,
            }
        })
    }

    proptest! {
        #[test]
        fn every_notice_arrives_once_in_its_companys_order(notices in vec(any_notice(), 0..250)) {
            let messages = messages(&notices, now());
            for company in ["acme", "globex"].map(|company| CompanyId::new(company).unwrap()) {
                let mut expected: Vec<ChangeNotice> = Vec::new();
                for notice in notices.iter().filter(|notice| notice.company == company) {
                    if !expected.contains(notice) {
                        expected.push(notice.clone());
                    }
                }
                let arrived: Vec<ChangeNotice> = messages
                    .iter()
                    .filter(|message| message.company == company)
                    .flat_map(|message| read(&message.body))
                    .map(|received| received.notice.unwrap())
                    .collect();
                prop_assert_eq!(arrived, expected);
            }
        }

        #[test]
        fn nothing_makes_reading_panic(body in any::<String>()) {
            prop_assert!(!read(&body).is_empty());
        }
    }
}
