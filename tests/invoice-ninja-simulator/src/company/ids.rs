//! Ids as the API shows them: hashids of at least ten characters, salted per installation. They hash the row number
//! alone, so a client and an invoice may well have the same id.

use std::sync::LazyLock;

use harsh::Harsh;

static HASHIDS: LazyLock<Harsh> = LazyLock::new(|| {
    Harsh::builder().salt("a simulated installation").length(10).build().unwrap_or_default()
});

/// The id that the API shows.
pub(crate) fn shown(id: u64) -> String {
    HASHIDS.encode(&[id])
}

/// The row number behind an id; None if it is no id of this installation.
pub(crate) fn read(shown: &str) -> Option<u64> {
    let numbers = HASHIDS.decode(shown).ok()?;
    (numbers.len() == 1).then(|| numbers[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_back_and_nothing_else_is() {
        for id in [1, 7, 100_001, u64::from(u32::MAX)] {
            assert!(shown(id).len() >= 10);
            assert_eq!(read(&shown(id)), Some(id));
        }
        for text in ["", "1", "none", "0000000000", "é"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
