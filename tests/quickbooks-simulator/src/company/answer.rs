//! From a path to an operation, and from its outcome to a body.

use jiff::Timestamp;
use serde_json::Value;

use super::{
    Answer, Company, Request,
    faults::Fault,
    kinds::Kind,
    wire::{self, Object},
    writes::{Operation, Order},
};

/// The members of an answer's envelope.
pub(crate) enum Reply {
    /// Intuit adds `time`.
    Envelope(Object),
    /// Sent as it is.
    Bare(Object),
}

impl Reply {
    pub(crate) fn of(name: &str, value: Value) -> Self {
        Self::Envelope(Object::from_iter([(name.to_owned(), value)]))
    }

    fn into_body(self, now: Timestamp) -> String {
        match self {
            Self::Bare(object) => Value::Object(object).to_string(),
            Self::Envelope(mut object) => {
                object.insert("time".to_owned(), wire::envelope_time(now).into());
                Value::Object(object).to_string()
            }
        }
    }
}

impl Request {
    /// The first query parameter of that name.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn has_content_type(&self, allowed: &[&str]) -> Result<(), Fault> {
        let Some(sent) = &self.content_type else { return Ok(()) };
        let media = sent.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if allowed.contains(&media.as_str()) { Ok(()) } else { Err(Fault::invalid_content_type(sent)) }
    }
}

impl Company {
    /// Answers a request to anything under `/v3/company/{realm}/`. A refused request changes nothing.
    pub fn answer(&mut self, request: &Request, now: Timestamp) -> Answer {
        match self.repeated(request, now) {
            Ok(Some(answer)) => return answer,
            Ok(None) => {}
            Err(fault) => return refusal(&fault, now),
        }
        match self.route(request, now) {
            Ok(reply) => {
                let answer = Answer { status: 200, body: reply.into_body(now) };
                self.remember(request, &answer, now);
                answer
            }
            Err(fault) => refusal(&fault, now),
        }
    }

    fn route(&mut self, request: &Request, now: Timestamp) -> Result<Reply, Fault> {
        let path = request.path.trim_matches('/');
        let segments: Vec<&str> = path.split('/').collect();
        match (request.method.as_str(), segments.as_slice()) {
            ("GET", ["query"]) => {
                let statement = request.parameter("query").ok_or_else(|| Fault::missing("query"))?;
                self.query(statement, now).map(Reply::Envelope)
            }
            ("POST", ["query"]) => {
                request.has_content_type(&["application/text", "text/plain"])?;
                let statement = String::from_utf8_lossy(&request.body);
                self.query(&statement, now).map(Reply::Envelope)
            }
            ("POST", ["batch"]) => {
                request.has_content_type(&["application/json"])?;
                self.batch(&request.body, now)
            }
            ("GET", ["cdc"]) => self.changes_since(request, now),
            ("GET", ["preferences"]) => self.read(Kind::Preferences, "1"),
            ("GET", ["companyinfo", realm]) if *realm == self.realm => self.read(Kind::CompanyInfo, "1"),
            ("POST", ["taxservice", "taxcode"]) => {
                request.has_content_type(&["application/json"])?;
                self.create_tax_code(&request.body, now)
            }
            ("POST", ["invoice", id, "send"]) => self.send_invoice(id, request.parameter("sendTo"), now),
            ("GET", [segment, id]) => match Kind::in_path(segment) {
                Some(kind) if kind != Kind::CompanyInfo => self.read(kind, id),
                _ => Err(self.unsupported(path)),
            },
            ("POST", [segment]) => match Kind::in_path(segment) {
                Some(kind) => self.post(kind, request, now),
                None => Err(self.unsupported(path)),
            },
            _ => Err(self.unsupported(path)),
        }
    }

    fn unsupported(&self, path: &str) -> Fault {
        Fault::unsupported_operation(&self.realm, path)
    }

    fn read(&self, kind: Kind, id: &str) -> Result<Reply, Fault> {
        if kind == Kind::TaxCode
            && let Some(code) = self.pseudo_tax_codes().into_iter().find(|code| code["Id"] == id)
        {
            return Ok(Reply::of(kind.name(), code));
        }
        if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Fault::invalid_id(id));
        }
        let row = self.store.row(kind, id).ok_or_else(Fault::not_found)?;
        Ok(Reply::of(kind.name(), row.value.clone()))
    }

    fn post(&mut self, kind: Kind, request: &Request, now: Timestamp) -> Result<Reply, Fault> {
        request.has_content_type(&["application/json"])?;
        let body = serde_json::from_slice(&request.body)
            .map_err(|error| Fault::invalid_property(&format!("{error}\n")))?;
        let includes = |what: &str| {
            let mut all =
                request.query.iter().filter(|(name, _)| name == "include").flat_map(|(_, v)| v.split(','));
            all.any(|include| include.trim().eq_ignore_ascii_case(what))
        };
        let operation = match request.parameter("operation").map(str::to_ascii_lowercase).as_deref() {
            None | Some("create") if includes("void") => {
                return Err(Fault::operation_not_supported("include=void"));
            }
            None | Some("create") => Operation::Save,
            Some("update") if includes("void") => Operation::Void,
            Some("update") => Operation::Update,
            Some("delete") => Operation::Delete,
            Some("void") => Operation::Void,
            Some(other) => return Err(Fault::operation_not_supported(other)),
        };
        let order = Order { kind, operation, allow_duplicate_number: includes("allowduplicatedocnum") };
        self.write(order, body, now).map(|entity| Reply::of(kind.name(), entity))
    }
}

fn refusal(fault: &Fault, now: Timestamp) -> Answer {
    Answer { status: 400, body: Reply::of("Fault", fault.to_json()).into_body(now) }
}
