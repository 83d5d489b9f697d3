//! What a form or an address carries, by name.

use lambda_http::{Body, Request};
use url::form_urlencoded;

/// The longest form that is read, in bytes.
pub(crate) const LONGEST: usize = 2 * 1024 * 1024;

/// Names and values, in their order.
#[derive(Debug, Default)]
pub(crate) struct Fields(Vec<(String, String)>);

impl Fields {
    /// Those of the address.
    pub(crate) fn of_query(request: &Request) -> Fields {
        Fields::parse(request.uri().query().unwrap_or_default().as_bytes())
    }

    /// Those of the form that is sent; none of one that is too long.
    pub(crate) fn of_body(request: &Request) -> Fields {
        match request.body() {
            Body::Text(text) if text.len() <= LONGEST => Fields::parse(text.as_bytes()),
            Body::Binary(bytes) if bytes.len() <= LONGEST => Fields::parse(bytes),
            _ => Fields::default(),
        }
    }

    fn parse(text: &[u8]) -> Fields {
        Fields(form_urlencoded::parse(text).into_owned().collect())
    }

    /// The first value of a name; empty if there is none.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.trim())
    }

    /// The same of what need not be there: a page may have had no such field.
    pub(crate) fn sent(&self, name: &str) -> Option<String> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.trim().to_owned())
    }

    /// All values of a name.
    pub(crate) fn all<'f>(&'f self, name: &'f str) -> impl Iterator<Item = &'f str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Names that begin with a prefix, without it, and their values.
    pub(crate) fn named<'f>(&'f self, prefix: &'f str) -> impl Iterator<Item = (&'f str, &'f str)> {
        self.0.iter().filter_map(move |(name, value)| Some((name.strip_prefix(prefix)?, value.as_str())))
    }

    /// Whether a box is ticked.
    pub(crate) fn ticked(&self, name: &str) -> bool {
        self.get(name) == "on"
    }
}
