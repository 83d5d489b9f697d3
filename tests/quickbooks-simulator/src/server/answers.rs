//! Answers in Intuit's spellings: headers, gateway faults, XML.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde_json::json;

use super::outside;
use super::switches::ThrottleFormat;
use crate::company::Answer;

/// The version that the recorded service named.
const QBO_VERSION: &str = "1988.128";

/// What is wrong with a call in the eyes of the gateway before the accounting service.
pub(super) struct GatewayFault {
    pub(super) status: StatusCode,
    pub(super) kind: &'static str,
    pub(super) message: &'static str,
    pub(super) detail: Option<String>,
    pub(super) code: &'static str,
}

impl GatewayFault {
    /// The token is not known or not alive.
    pub(super) fn unauthenticated(detail: String) -> Self {
        Self {
            status: StatusCode::UNAUTHORIZED,
            kind: "AUTHENTICATION",
            message: "message=AuthenticationFailed; errorCode=003200; statusCode=401",
            detail: Some(detail),
            code: "3200",
        }
    }

    /// The token is alive but does not open this company.
    pub(super) fn unauthorized() -> Self {
        Self {
            status: StatusCode::FORBIDDEN,
            kind: "SERVICE",
            message: "message=ApplicationAuthorizationFailed; errorCode=003100; statusCode=403",
            detail: None,
            code: "3100",
        }
    }

    /// Too many calls.
    pub(super) fn throttled() -> Self {
        Self {
            status: StatusCode::TOO_MANY_REQUESTS,
            kind: "SERVICE",
            message: "message=ThrottleExceeded; errorCode=003001; statusCode=429",
            detail: Some("The request limit was reached.  Try again later".to_owned()),
            code: "3001",
        }
    }

    /// Something broke on Intuit's side.
    pub(super) fn broken(status: StatusCode) -> Self {
        Self {
            status,
            kind: "SERVICE",
            message: "message=InternalServerError; errorCode=000500",
            detail: None,
            code: "500",
        }
    }

    /// The lower-case JSON that the gateway answers with, whose time is in milliseconds.
    pub(super) fn json(&self, now: Timestamp) -> Response {
        let error = json!({
            "message": self.message, "detail": self.detail, "code": self.code, "element": null,
        });
        let body = json!({
            "warnings": null, "intuitObject": null, "fault": {"error": [error], "type": self.kind},
            "report": null, "queryResponse": null, "batchItemResponse": [], "attachableResponse": [],
            "syncErrorResponse": null, "requestId": null, "time": now.as_millisecond(), "status": null,
            "cdcresponse": [],
        });
        let mut response = json_text(self.status, body.to_string());
        if self.status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static(r#"Bearer realm="Intuit", error="invalid_token""#);
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }

    /// The same in the format that a switch chooses.
    pub(super) fn in_format(&self, format: ThrottleFormat, now: Timestamp) -> Response {
        match format {
            ThrottleFormat::Json => self.json(now),
            ThrottleFormat::Xml => {
                let detail = self.detail.as_deref().unwrap_or_default();
                let error = format!(
                    r#"<Fault type="{}"><Error code="{}"><Message>{}</Message><Detail>{detail}</Detail></Error></Fault>"#,
                    self.kind, self.code, self.message
                );
                xml(self.status, &error, now)
            }
        }
    }
}

/// The document in which Intuit answers whoever does not ask for JSON.
pub(super) fn xml(status: StatusCode, content: &str, now: Timestamp) -> Response {
    let body = format!(
        r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?><IntuitResponse xmlns="http://schema.intuit.com/finance/v3" time="{now:.3}">{content}</IntuitResponse>"#
    );
    (status, [(header::CONTENT_TYPE, "application/xml;charset=UTF-8")], body).into_response()
}

/// A page for people, as gateways and content delivery networks send it.
pub(super) fn html(status: StatusCode) -> Response {
    let reason = status.canonical_reason().unwrap_or_default();
    let title = format!("{} {reason}", status.as_u16());
    let body = format!("<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>");
    (status, [(header::CONTENT_TYPE, "text/html")], body).into_response()
}

/// A fault in the accounting service's own spelling.
pub(super) fn fault(
    status: StatusCode,
    kind: &str,
    code: &str,
    message: &str,
    detail: &str,
    now: Timestamp,
) -> Response {
    let error = json!({"Message": message, "Detail": detail, "code": code});
    json_text(
        status,
        json!({"Fault": {"Error": [error], "type": kind}, "time": format!("{now:.3}")}).to_string(),
    )
}

/// What the company answered. Only a success has the service's headers and names the character set (recorded).
pub(super) fn accounting(answer: Answer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = json_text(status, answer.body);
    if status.is_success() {
        let headers = response.headers_mut();
        for (name, value) in [
            (header::CONTENT_TYPE, "application/json;charset=utf-8"),
            (header::EXPIRES, "0"),
            (header::CACHE_CONTROL, "max-age=0, no-cache, no-store, must-revalidate, private"),
            (header::STRICT_TRANSPORT_SECURITY, "max-age=15552000"),
            (HeaderName::from_static("qbo-version"), QBO_VERSION),
            (HeaderName::from_static("service-time"), "total=21, db=8"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        if let Ok(span) = HeaderValue::from_str(&outside::span_id()) {
            headers.insert(HeaderName::from_static("x-spanid"), span);
        }
    }
    response
}

fn json_text(status: StatusCode, body: String) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}
