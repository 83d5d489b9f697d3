//! The cookie that holds the session.

use lambda_http::http::{HeaderMap, header};
use sync::session::IDLE;

/// How the cookie is called and what browsers may do with it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cookie {
    /// Whether people come over https.
    pub(crate) secure: bool,
}

impl Cookie {
    /// The prefix binds the cookie to this very host, and browsers take it over https only.
    fn name(self) -> &'static str {
        if self.secure { "__Host-counterpart-session" } else { "counterpart-session" }
    }

    /// What a browser sends.
    pub(crate) fn value(self, headers: &HeaderMap) -> Option<&str> {
        let cookies = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
        let mut pairs =
            cookies.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(name, _)| *name == self.name()).map(|(_, value)| value)
    }

    /// Lax: it has to come along when the billing app or Intuit sends the browser here.
    pub(crate) fn set(self, value: &str) -> String {
        self.header(value, IDLE.as_secs())
    }

    /// Takes it away.
    pub(crate) fn clear(self) -> String {
        self.header("", 0)
    }

    fn header(self, value: &str, life: i64) -> String {
        let secure = if self.secure { "; Secure" } else { "" };
        format!("{}={value}; Max-Age={life}; Path=/; HttpOnly; SameSite=Lax{secure}", self.name())
    }
}
