//! What a person looks for and has ticked, as it travels in addresses and forms.

use maud::{Markup, html};
use sync::model::Kind;
use sync::pairing::Status;

use super::{TICKED, path};
use crate::fields::Fields;
use crate::route::encoded;

/// A search, a page of it, and the ticks. These are kept whatever replaces the list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct View {
    pub(super) text: String,
    pub(super) status: Status,
    /// From 1.
    pub(super) page: usize,
    /// The billing ids.
    pub(super) ticked: Vec<String>,
}

impl View {
    pub(super) fn of(fields: &Fields) -> View {
        let mut ticked: Vec<String> = Vec::new();
        for id in fields.all("pick").filter(|id| !id.is_empty()) {
            if ticked.len() < TICKED && !ticked.iter().any(|known| known == id) {
                ticked.push(id.to_owned());
            }
        }
        View {
            text: fields.get("text").chars().take(100).collect(),
            status: meant(fields.get("status")),
            page: fields.get("page").parse().unwrap_or(1),
            ticked,
        }
    }

    pub(super) fn unticked(&self) -> View {
        View { ticked: Vec::new(), ..self.clone() }
    }

    /// Where this is shown.
    pub(super) fn address(&self, kind: Kind) -> String {
        let ticked: String = self.ticked.iter().map(|id| format!("&pick={}", encoded(id))).collect();
        let (text, status, page) = (encoded(&self.text), word(self.status), self.page.max(1));
        format!("{}?text={text}&status={status}&page={page}{ticked}", path(kind))
    }

    /// For a form that leads back to it.
    pub(super) fn fields(&self) -> Markup {
        html! {
            input type="hidden" name="text" value=(self.text);
            input type="hidden" name="status" value=(word(self.status));
            input type="hidden" name="page" value=(self.page.max(1));
        }
    }
}

pub(super) fn word(status: Status) -> &'static str {
    match status {
        Status::All => "all",
        Status::Mapped => "mapped",
        Status::Unmapped => "unmapped",
    }
}

fn meant(word: &str) -> Status {
    match word {
        "mapped" => Status::Mapped,
        "unmapped" => Status::Unmapped,
        _ => Status::All,
    }
}
