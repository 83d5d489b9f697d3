//! Texts as QuickBooks accepts them.

/// A name for a name list: no colon (it separates parents from children), no tabs or line breaks, no doubled or
/// outer spaces, at most `max` characters (Intuit: Customer, DisplayName; Item, Name).
///
/// The colon becomes a hyphen; every other change only removes. What is cut off is not kept elsewhere.
pub fn name(text: &str, max: usize) -> String {
    let plain: String = text.chars().map(|c| if c == ':' { '-' } else { c }).collect();
    let words: Vec<&str> =
        plain.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()).collect();
    cut(words.join(" ").as_str(), max)
}

/// A text of several lines: outer white space and control characters other than line breaks and tabs removed, at
/// most `max` characters.
pub fn paragraph(text: &str, max: usize) -> String {
    let clean: String =
        text.replace("\r\n", "\n").chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
    cut(clean.trim(), max)
}

/// A text of one line, at most `max` characters.
pub fn line(text: &str, max: usize) -> String {
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()).collect();
    cut(words.join(" ").as_str(), max)
}

/// The last `max` characters: of a document number the end tells one from the next.
pub fn tail(text: &str, max: usize) -> String {
    let text = line(text, usize::MAX);
    let surplus = text.chars().count().saturating_sub(max);
    text.chars().skip(surplus).collect::<String>().trim().to_owned()
}

/// The name of what is inactive without what QuickBooks has put behind it, ` (deleted)` or ` (deleted 2)`, and takes away
/// again when it is made active.
pub fn of_inactive(name: &str) -> &str {
    let is_mark = |end: &str| {
        end.strip_suffix(')').is_some_and(|number| number.trim_start().bytes().all(|b| b.is_ascii_digit()))
    };
    match name.rsplit_once(" (deleted") {
        Some((own, end)) if is_mark(end) => own,
        _ => name,
    }
}

/// None for an empty text.
pub fn some(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

fn cut(text: &str, max: usize) -> String {
    text.chars().take(max).collect::<String>().trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_lose_only_what_quickbooks_refuses() {
        assert_eq!(name("O'Brien & Söhne", 500), "O'Brien & Söhne");
        assert_eq!(name("  Acme:\tNorth\n  branch ", 500), "Acme- North branch");
        assert_eq!(name("Flower 🌻 shop", 500), "Flower 🌻 shop");
        assert_eq!(name(&"x".repeat(600), 500).chars().count(), 500);
    }

    #[test]
    fn numbers_keep_their_end() {
        assert_eq!(tail("2026-Q4-NORTHERN-BRANCH-000123", 21), "ORTHERN-BRANCH-000123");
        assert_eq!(tail("INV-7", 21), "INV-7");
    }

    proptest! {
        #[test]
        fn cleaning_is_stable_and_bounded(text in any::<String>(), max in 1_usize..60) {
            for clean in [name, paragraph, line, tail] {
                let once = clean(&text, max);
                prop_assert!(once.chars().count() <= max);
                prop_assert_eq!(clean(&once, max), once);
            }
            prop_assert!(!name(&text, max).contains([':', '\t', '\n']));
        }
    }
}
