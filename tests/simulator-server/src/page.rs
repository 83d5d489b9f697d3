//! What the pages of all simulators have around them. Plain HTML, no scripts.

use maud::{DOCTYPE, Markup, PreEscaped, html};

/// A whole page of a simulator, in its style, around its content.
pub fn page(simulator: &str, style: &str, title: &str, content: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · " (simulator) }
                style { (PreEscaped(style)) }
            }
            body {
                header { a href="/" { (simulator) } }
                main { (content) }
            }
        }
    }
}
