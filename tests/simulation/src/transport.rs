//! The way to QuickBooks, within the program: the real client's requests reach the simulated company, or do not.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;
use quickbooks::{Answer, SendError, Transport};
use quickbooks_simulator::company::{Company, Request};
use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use serde_json::{Value, json};

use crate::chaos::{CallFate, Chaos, let_others_run};
use crate::clock::SimulatedClock;
use crate::sabotage::Sabotage;

/// Whether QuickBooks lets the app in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Door {
    #[default]
    Open,
    /// The token is refused (401).
    Revoked,
    /// The app may not enter this company (403).
    Forbidden,
    /// The subscription has ended: reads work, writes do not (6190).
    Lapsed,
}

/// One realm as the app reaches it.
pub(crate) struct Realm {
    company: Mutex<Company>,
    door: Mutex<Door>,
    chaos: Arc<Chaos>,
    clock: Arc<SimulatedClock>,
    sabotage: Option<Sabotage>,
    /// How often something was written.
    writes: AtomicU64,
    /// What was asked and answered, once somebody listens.
    heard: Mutex<Option<Vec<(Timestamp, String)>>>,
}

impl Realm {
    pub(crate) fn new(
        company: Company,
        chaos: Arc<Chaos>,
        clock: Arc<SimulatedClock>,
        sabotage: Option<Sabotage>,
    ) -> Realm {
        let company = Mutex::new(company);
        Realm {
            company,
            door: Mutex::default(),
            chaos,
            clock,
            sabotage,
            writes: AtomicU64::new(0),
            heard: Mutex::default(),
        }
    }

    /// From here on calls are kept, for [`Realm::heard`].
    pub(crate) fn listen(&self) {
        *self.heard.lock().unwrap_or_else(PoisonError::into_inner) = Some(Vec::new());
    }

    /// What was asked and answered since somebody listens.
    pub(crate) fn heard(&self) -> Vec<(Timestamp, String)> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone().unwrap_or_default()
    }

    fn note(&self, request: &Request, status: u16, body: &str) {
        if let Some(heard) = self.heard.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            let asked = String::from_utf8_lossy(&request.body);
            let query: Vec<&str> = request.query.iter().map(|(_, value)| value.as_str()).collect();
            let call = format!("{} {} {query:?} {asked} -> {status} {body}", request.method, request.path);
            heard.push((self.clock.time(), call));
        }
    }

    /// How often something was written.
    pub(crate) fn writes(&self) -> u64 {
        self.writes.load(Ordering::Relaxed)
    }

    /// The company itself, for the bookkeeper and the judge.
    pub(crate) fn company(&self) -> MutexGuard<'_, Company> {
        self.company.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_door(&self, door: Door) {
        *self.door.lock().unwrap_or_else(PoisonError::into_inner) = door;
        self.company().switches().subscription_ended = door == Door::Lapsed;
    }

    fn door(&self) -> Door {
        *self.door.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, request: &Request) -> Answer {
        match self.door() {
            Door::Open => {}
            door => self.chaos.happened(door),
        }
        match self.door() {
            Door::Open | Door::Lapsed => {}
            Door::Revoked => return gateway(StatusCode::UNAUTHORIZED, "AUTHENTICATION", "3200"),
            Door::Forbidden => return gateway(StatusCode::FORBIDDEN, "AUTHORIZATION", "3100"),
        }
        let mut company = self.company();
        let mut request = request.clone();
        if let Some(sabotage) = self.sabotage
            && let Some(answer) = tamper(sabotage, &mut request, &company)
        {
            return answer;
        }
        let answer = company.answer(&request, self.clock.time());
        if answer.status == 200 && request.method == "POST" && is_entity(&request) {
            self.writes.fetch_add(1, Ordering::Relaxed);
        }
        let mut body = answer.body;
        // Without a request id the look-up of what was created still finds it: it has to go too.
        let finds_nothing = match self.sabotage {
            Some(Sabotage::LookUpsFindNothing) => is_look_up(&request, ""),
            Some(Sabotage::RequestIdsAreDropped) => is_look_up(&request, "MetaData.CreateTime >="),
            _ => false,
        };
        if finds_nothing {
            body = json!({"QueryResponse": {}}).to_string();
        }
        self.note(&request, answer.status, &body);
        let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::BAD_GATEWAY);
        Answer { status, headers: HeaderMap::new(), body: body.into_bytes() }
    }
}

#[async_trait]
impl Transport for Realm {
    async fn execute(&self, request: reqwest::Request) -> Result<Answer, SendError> {
        let_others_run().await;
        let request = read(&request);
        let lost = || Err(SendError::Lost("the connection broke, as simulated".to_owned()));
        match self.chaos.call() {
            CallFate::Works => {
                let answer = self.answer(&request);
                // The answer takes its time, and others may be at work in it.
                let_others_run().await;
                Ok(answer)
            }
            CallFate::CrashesBefore => self.chaos.crash().await,
            CallFate::CrashesAfter => {
                self.answer(&request);
                self.chaos.crash().await
            }
            CallFate::NotSent => Err(SendError::NotSent("no route, as simulated".to_owned())),
            CallFate::LostOnTheWay => lost(),
            CallFate::AnswerLost => {
                self.answer(&request);
                let_others_run().await;
                lost()
            }
            CallFate::AnswerGarbled => {
                let answer = self.answer(&request);
                Ok(Answer { body: b"<html>One moment, please".to_vec(), ..answer })
            }
            CallFate::Throttled => Ok(gateway(StatusCode::TOO_MANY_REQUESTS, "THROTTLE", "3001")),
            CallFate::ThrottledWithWait => {
                let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static("7"))]);
                Ok(Answer { status: StatusCode::TOO_MANY_REQUESTS, headers, body: Vec::new() })
            }
            CallFate::Broken => Ok(gateway(StatusCode::BAD_GATEWAY, "SERVICE", "000")),
        }
    }
}

/// The request as the company takes it: after the gateway, with what follows the realm in its path.
fn read(request: &reqwest::Request) -> Request {
    let url = request.url();
    let path = url.path().splitn(5, '/').nth(4).unwrap_or_default().to_owned();
    Request {
        method: request.method().to_string(),
        path,
        query: url.query_pairs().into_owned().collect(),
        content_type: request
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned),
        body: request.body().and_then(|body| body.as_bytes()).unwrap_or_default().to_vec(),
    }
}

/// A fault of Intuit's gateway.
fn gateway(status: StatusCode, kind: &str, code: &str) -> Answer {
    let error = json!({"message": format!("errorCode=00{code}; statusCode={status}"), "code": code});
    let body = json!({"fault": {"error": [error], "type": kind}});
    Answer { status, headers: HeaderMap::new(), body: body.to_string().into_bytes() }
}

fn is_entity(request: &Request) -> bool {
    ["customer", "item", "invoice", "payment"].contains(&request.path.as_str())
}

/// A query about records, not about the company's lists, that says `what`.
fn is_look_up(request: &Request, what: &str) -> bool {
    const RECORDS: [&str; 4] = ["from Customer ", "from Item ", "from Invoice ", "from Payment "];
    let said = |text: &str| RECORDS.iter().any(|name| text.contains(name)) && text.contains(what);
    request.path == "query" && request.query.iter().any(|(name, value)| name == "query" && said(value))
}

/// Breaks a request as the sabotage says; an answer in its stead, if it never arrives.
fn tamper(sabotage: Sabotage, request: &mut Request, company: &Company) -> Option<Answer> {
    // Intents and request ids stand in for each other: to see what either is for, the other has to go too.
    let without_intents =
        [Sabotage::IntentsAreForgotten, Sabotage::PendingIntentsAreHidden].contains(&sabotage);
    if sabotage == Sabotage::RequestIdsAreDropped || without_intents {
        request.query.retain(|(name, _)| name != "requestid");
    }
    if request.method != "POST" || !is_entity(request) {
        return None;
    }
    let mut body: Value = serde_json::from_slice(&request.body).ok()?;
    let entity = format!("{}{}", request.path[..1].to_uppercase(), &request.path[1..]);
    let id = body["Id"].as_str().unwrap_or_default().to_owned();
    let current = company.entity(&entity, &id).cloned();
    let is_void = request.query.iter().any(|(_, value)| value == "void");
    let as_if_done = |current: Value| {
        let body = json!({ &entity: current }).to_string().into_bytes();
        Some(Answer { status: StatusCode::OK, headers: HeaderMap::new(), body })
    };
    match (sabotage, current) {
        (Sabotage::TheCurrentSyncTokenIsSent, Some(current)) => {
            body["SyncToken"] = current["SyncToken"].clone()
        }
        (Sabotage::StaleUpdatesSeemToWork, Some(current)) if current["SyncToken"] != body["SyncToken"] => {
            return as_if_done(current);
        }
        (Sabotage::VoidsAreNotCarriedOut, Some(current)) if is_void => return as_if_done(current),
        (Sabotage::UpdatesAreNotSparse, Some(_)) if !is_void => drop(body.as_object_mut()?.remove("sparse")),
        (Sabotage::ALineIsDropped, _) if entity == "Invoice" => {
            let lines = body["Line"].as_array_mut()?;
            if lines.len() > 1 {
                lines.remove(0);
            }
        }
        (Sabotage::DiscountsAreHalved, _) if entity == "Invoice" => {
            for line in body["Line"]
                .as_array_mut()?
                .iter_mut()
                .filter(|line| line["DetailType"] == "DiscountLineDetail")
            {
                let amount: rust_decimal::Decimal = line["Amount"].to_string().parse().unwrap_or_default();
                line["Amount"] = json!((amount / rust_decimal::Decimal::TWO).round_dp(2).to_string());
            }
        }
        (Sabotage::ClassesAreDropped, None) if entity == "Invoice" => without_classes(&mut body),
        (Sabotage::ClassesOfLinesAreNotKept, Some(_)) if entity == "Invoice" => without_classes(&mut body),
        (Sabotage::LocationsAreDropped, None) => drop(body.as_object_mut()?.remove("DepartmentRef")),
        (Sabotage::DepositAccountsAreDropped, None) => {
            drop(body.as_object_mut()?.remove("DepositToAccountRef"));
        }
        (Sabotage::PaymentsPayTheirFirstInvoiceOnly, _) if entity == "Payment" => {
            body["Line"].as_array_mut()?.truncate(1);
        }
        _ => {}
    }
    request.body = body.to_string().into_bytes();
    None
}

fn without_classes(body: &mut Value) {
    let details = body["Line"].as_array_mut().into_iter().flatten();
    let details = details.filter_map(|line| line["SalesItemLineDetail"].as_object_mut());
    details.for_each(|detail| drop(detail.remove("ClassRef")));
    body.as_object_mut().map(|body| body.remove("ClassRef"));
}
