//! From a path to what it does, and from the outcome to a body.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::kinds::Kind;
use super::lists::List;
use super::record::{Members, Record};
use super::refusal::Refusal;
use super::{Answer, Company, Request, User, ids, statics};

/// The version in every answer's headers.
const VERSION: &str = "5.13.39";

/// What an answer consists of.
pub(crate) enum Reply {
    /// In an envelope.
    Item(Value),
    /// In an envelope, with what page this is.
    List(List),
    /// Sent as it is.
    Bare(Value),
}

impl Reply {
    fn into_body(self, request: &Request) -> Value {
        let key = request.parameter("index").filter(|key| !key.is_empty()).unwrap_or("data");
        match self {
            Self::Bare(body) => body,
            Self::Item(item) => json!({key: item}),
            Self::List(list) => {
                let meta = json!({"pagination": list.pagination()});
                json!({key: list.rows, "meta": meta})
            }
        }
    }
}

impl Company {
    /// Answers a request to anything under `/api/v1/`. A refused request changes nothing but the app's memory of what
    /// was asked last.
    pub fn answer(&mut self, request: &Request, now: Timestamp) -> Answer {
        let (admitted, mut headers) = self.admit(now);
        let outcome = if admitted { self.route(request, now) } else { Err(Refusal::too_many()) };
        let (status, content, body) = match outcome {
            Ok(reply) => (200, "application/json", reply.into_body(request).to_string()),
            Err(refusal) => refused(&refusal, request.asks_for_json),
        };
        headers.push(("content-type", content.to_owned()));
        if status == 302 {
            headers.push(("location", "/".to_owned()));
        }
        Answer { status, headers, body }
    }

    /// Whether the minute has room for one more request, and the headers that tell of it.
    fn admit(&mut self, now: Timestamp) -> (bool, Vec<(&'static str, String)>) {
        let mut headers = vec![("x-api-version", VERSION.to_owned()), ("x-app-version", VERSION.to_owned())];
        let Some(limit) = self.switches.requests_per_minute else { return (true, headers) };
        let (began, count) = self
            .minute
            .filter(|(began, _)| (0..60).contains(&now.duration_since(*began).as_secs()))
            .unwrap_or((now, 0));
        let admitted = count < limit;
        let count = if admitted { count + 1 } else { count };
        self.minute = Some((began, count));
        headers.push(("x-ratelimit-limit", limit.to_string()));
        headers.push(("x-ratelimit-remaining", (limit - count.min(limit)).to_string()));
        if !admitted {
            let left = 60 - now.duration_since(began).as_secs();
            headers.push(("retry-after", left.to_string()));
        }
        (admitted, headers)
    }

    fn route(&mut self, request: &Request, now: Timestamp) -> Result<Reply, Refusal> {
        let path = request.path.trim_matches('/');
        let segments: Vec<&str> = path.split('/').collect();
        let route = Route::of(&request.method, &segments)?;
        let user = request.token.as_ref().and_then(|token| self.users.get(token)).cloned();
        let user = user.ok_or_else(Refusal::invalid_token)?;
        if !self.switches.paid_plan {
            return Err(Refusal::unpaid());
        }
        if route.changes_something() && !user.is_admin {
            return Err(Refusal::not_allowed());
        }
        match route {
            Route::Ping => Ok(Reply::Bare(self.ping(&user))),
            Route::Statics => Ok(Reply::Bare(statics::statics())),
            Route::Refresh => Ok(Reply::Item(self.company_users(&user))),
            Route::CurrentCompany => Ok(Reply::Item(self.shown_company())),
            Route::Companies => {
                Ok(Reply::List(List { rows: vec![self.shown_company()], total: 1, page: 1, per_page: 20 }))
            }
            Route::Company(id) if ids::read(id) != Some(self.id) => Err(Refusal::missing("Company", id)),
            Route::Company(_) if !user.is_admin => Err(Refusal::not_allowed()),
            Route::Company(_) => Ok(Reply::Item(self.shown_company())),
            Route::ChangeCompany(id) if ids::read(id) != Some(self.id) => {
                Err(Refusal::missing("Company", id))
            }
            Route::ChangeCompany(_) => self.change_company(&user, &request.sent()).map(Reply::Item),
            Route::List(kind) => self.list(kind, request, &user).map(Reply::List),
            Route::Blank(kind) => Ok(Reply::Item(Value::Object(super::record::blank(&kind.fields())))),
            Route::Create(kind) => {
                let includes = includes(kind, request)?;
                let id = self.create(kind, request, &user, now)?;
                self.reply(kind, id, &includes)
            }
            Route::Read(kind, id) => {
                let includes = includes(kind, request)?;
                let id = self.find(kind, id)?;
                if !self.sees(&user, kind, id) {
                    return Err(Refusal::not_allowed());
                }
                self.reply(kind, id, &includes)
            }
            Route::Update(kind, id) => {
                let includes = includes(kind, request)?;
                let id = self.find(kind, id)?;
                self.update(kind, id, request, &user, now)?;
                self.reply(kind, id, &includes)
            }
            Route::Delete(kind, id) => {
                let id = self.find(kind, id)?;
                self.delete(kind, id, now);
                self.reply(kind, id, &[])
            }
            Route::Bulk(kind) => self.bulk(kind, request, now),
            Route::InvoiceAction(id, action) => {
                let id = self.find(Kind::Invoice, id)?;
                self.invoice_action(id, action, now)?;
                self.reply(Kind::Invoice, id, &[])
            }
            Route::Refund => {
                let id = self.refund(&request.sent(), now)?;
                self.reply(Kind::Payment, id, &[])
            }
        }
    }

    fn reply(&self, kind: Kind, id: u64, includes: &[&str]) -> Result<Reply, Refusal> {
        let row = self.store.row(kind, id).ok_or_else(|| Refusal::missing(kind.model(), &ids::shown(id)))?;
        Ok(Reply::Item(self.shown_with(kind, row, includes)))
    }

    /// The row behind an id. What is no id at all is just as missing.
    pub(crate) fn find(&self, kind: Kind, id: &str) -> Result<u64, Refusal> {
        let row = ids::read(id).filter(|row| self.store.row(kind, *row).is_some());
        row.ok_or_else(|| Refusal::missing(kind.model(), id))
    }

    /// Whether a record is shown to this user.
    pub(crate) fn sees(&self, user: &User, kind: Kind, id: u64) -> bool {
        let own = |row: &Record| row.text("user_id") == user.id || row.text("assigned_user_id") == user.id;
        user.is_admin || self.store.row(kind, id).is_some_and(own)
    }

    /// Whether the same was asked for a moment ago; it is remembered in any case, also of requests that are refused.
    pub(crate) fn is_repeated(&mut self, what: String, windows: u32, now: Timestamp) -> bool {
        let window = SignedDuration::from_millis(i64::from(self.switches.repeat_window) * i64::from(windows));
        let before = self.seen.insert(what, now);
        before.is_some_and(|before| now >= before && now.duration_since(before) < window)
    }

    fn create(&mut self, kind: Kind, request: &Request, user: &User, now: Timestamp) -> Result<u64, Refusal> {
        let sent = request.sent();
        match kind {
            Kind::Client => self.create_client(&sent, user, now),
            Kind::Product => self.create_product(&sent, user, now),
            Kind::Invoice => self.create_invoice(&sent, request, user, now),
            Kind::Payment => self.create_payment(&sent, request, user, now),
            Kind::TaxRate | Kind::GroupSetting | Kind::Webhook => {
                self.save_plain(kind, None, &sent, user, now)
            }
        }
    }

    fn update(
        &mut self,
        kind: Kind,
        id: u64,
        request: &Request,
        user: &User,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        if self.store.row(kind, id).is_some_and(|row| row.flag("is_deleted")) {
            return Err(Refusal::deleted());
        }
        let sent = request.sent();
        match kind {
            Kind::Client => self.update_client(id, &sent, now),
            Kind::Product => self.update_product(id, &sent, now),
            Kind::Invoice => self.update_invoice(id, &sent, request, now),
            Kind::Payment => self.update_payment(id, &sent, now),
            Kind::TaxRate | Kind::GroupSetting | Kind::Webhook => {
                self.save_plain(kind, Some(id), &sent, user, now).map(|_| ())
            }
        }
    }
}

fn refused(refusal: &Refusal, asks_for_json: bool) -> (u16, &'static str, String) {
    // The token is looked at before the app thinks about formats.
    if asks_for_json || refusal.status == 403 {
        return (refusal.status, "application/json", refusal.body().to_string());
    }
    let (status, page) = refusal.page();
    (status, "text/html; charset=UTF-8", page)
}

/// The relations asked for; an unknown one is refused.
pub(crate) fn includes(kind: Kind, request: &Request) -> Result<Vec<&str>, Refusal> {
    let asked = request.parameter("include").unwrap_or_default();
    let names: Vec<&str> = asked.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    match names.iter().find(|name| !kind.includes().contains(name)) {
        Some(unknown) => Err(Refusal::no_such_include(unknown)),
        None => Ok(names),
    }
}

/// What a method and a path stand for.
#[derive(Clone, Copy)]
enum Route<'a> {
    Ping,
    Statics,
    Refresh,
    CurrentCompany,
    Companies,
    Company(&'a str),
    ChangeCompany(&'a str),
    List(Kind),
    Blank(Kind),
    Create(Kind),
    Read(Kind, &'a str),
    Update(Kind, &'a str),
    Delete(Kind, &'a str),
    Bulk(Kind),
    InvoiceAction(&'a str, &'a str),
    Refund,
}

impl<'a> Route<'a> {
    fn of(method: &str, segments: &[&'a str]) -> Result<Self, Refusal> {
        let found = match (method, segments) {
            ("GET", ["ping"]) => Some(Self::Ping),
            ("GET", ["statics"]) => Some(Self::Statics),
            ("POST", ["refresh"]) => Some(Self::Refresh),
            ("POST", ["companies", "current"]) => Some(Self::CurrentCompany),
            ("GET", ["companies"]) => Some(Self::Companies),
            ("GET", ["companies", id]) => Some(Self::Company(id)),
            ("PUT", ["companies", id]) => Some(Self::ChangeCompany(id)),
            ("POST", ["payments", "refund"]) => Some(Self::Refund),
            ("GET", ["invoices", id, action]) if *action != "edit" => Some(Self::InvoiceAction(id, action)),
            (_, [entity, rest @ ..]) => {
                Kind::in_path(entity).and_then(|kind| Self::of_kind(method, kind, rest))
            }
            _ => None,
        };
        found.ok_or_else(
            || if is_known(segments) { Refusal::wrong_method() } else { Refusal::no_such_route() },
        )
    }

    fn of_kind(method: &str, kind: Kind, rest: &[&'a str]) -> Option<Self> {
        Some(match (method, rest) {
            ("GET", []) => Self::List(kind),
            ("POST", []) => Self::Create(kind),
            ("POST", ["bulk"]) => Self::Bulk(kind),
            ("GET", ["create"]) => Self::Blank(kind),
            ("GET", [id] | [id, "edit"]) => Self::Read(kind, id),
            ("PUT", [id]) => Self::Update(kind, id),
            ("DELETE", [id]) => Self::Delete(kind, id),
            _ => return None,
        })
    }

    fn changes_something(self) -> bool {
        matches!(
            self,
            Self::ChangeCompany(_)
                | Self::Create(_)
                | Self::Update(..)
                | Self::Delete(..)
                | Self::Bulk(_)
                | Self::InvoiceAction(..)
                | Self::Refund
        )
    }
}

fn is_known(segments: &[&str]) -> bool {
    match segments {
        ["ping" | "statics" | "refresh" | "companies"] | ["companies", _] => true,
        [entity] | [entity, _] | [entity, _, "edit"] => Kind::in_path(entity).is_some(),
        _ => false,
    }
}
