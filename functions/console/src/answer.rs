//! What a request is answered with, and the headers that go with it.

use std::io::Write;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use lambda_http::http::{HeaderMap, HeaderValue, StatusCode, header};
use lambda_http::{Body, Response};
use maud::Markup;
use sha2::{Digest, Sha256};

use crate::layout::STYLE;

/// What is shorter is sent as it is, in bytes.
const WORTH_PACKING: usize = 1400;

/// An answer.
pub(crate) enum Answer {
    /// A page, or a part of one.
    Page(StatusCode, Markup),
    /// Go there, with a GET. Always an address of ours.
    SeeOther(String),
    /// A file to keep.
    File {
        /// What it is called.
        name: String,
        /// Comma-separated values.
        csv: String,
    },
    /// A script, which never changes under its address.
    Script(&'static str),
}

impl Answer {
    /// A page that is as it should be.
    pub(crate) fn page(markup: Markup) -> Answer {
        Answer::Page(StatusCode::OK, markup)
    }

    /// A part of a page, which the script puts into its place.
    pub(crate) fn part(markup: Markup) -> Answer {
        Answer::Page(StatusCode::OK, markup)
    }

    pub(crate) fn see(address: impl Into<String>) -> Answer {
        Answer::SeeOther(address.into())
    }

    /// The response, packed if the browser takes that.
    pub(crate) fn response(self, asked: &HeaderMap) -> Response<Body> {
        let (status, media_type, text, kept) = match self {
            Answer::Page(status, markup) => {
                (status, "text/html; charset=utf-8", markup.into_string(), "no-store")
            }
            Answer::SeeOther(address) => return see_other(&address),
            Answer::File { name, csv } => return file(&name, csv),
            Answer::Script(content) => {
                let kept = "public, max-age=31536000, immutable";
                (StatusCode::OK, "text/javascript; charset=utf-8", content.to_owned(), kept)
            }
        };
        let mut response = Response::new(Body::Empty);
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(kept));
        headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
        let takes_gzip = asked
            .get(header::ACCEPT_ENCODING)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|value| value.contains("gzip"));
        match (takes_gzip && text.len() > WORTH_PACKING).then(|| packed(&text)).flatten() {
            Some(bytes) => {
                headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
                *response.body_mut() = Body::Binary(bytes);
            }
            None => *response.body_mut() = Body::Text(text),
        }
        secured(response)
    }
}

fn packed(text: &str) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).ok()?;
    encoder.finish().ok()
}

fn see_other(address: &str) -> Response<Body> {
    let mut response = Response::new(Body::Empty);
    *response.status_mut() = StatusCode::SEE_OTHER;
    if let Ok(address) = HeaderValue::from_str(address) {
        response.headers_mut().insert(header::LOCATION, address);
    }
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    secured(response)
}

fn file(name: &str, csv: String) -> Response<Body> {
    let mut response = Response::new(Body::Text(csv));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(disposition) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        headers.insert(header::CONTENT_DISPOSITION, disposition);
    }
    secured(response)
}

/// Only our own script and this very style; nothing framed, told to others or sent elsewhere.
fn content_security_policy() -> String {
    let digest = BASE64_STANDARD.encode(Sha256::digest(STYLE));
    format!(
        "default-src 'none'; script-src 'self'; style-src 'sha256-{digest}'; connect-src 'self'; img-src 'self' data:; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
}

fn secured(mut response: Response<Body>) -> Response<Body> {
    let headers = response.headers_mut();
    // Not to other sites; to ourselves, so that forms name their origin.
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
    if let Ok(policy) = HeaderValue::from_str(&content_security_policy()) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}
