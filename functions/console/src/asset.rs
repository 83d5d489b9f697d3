//! What the pages load beside themselves.

use std::sync::LazyLock;

use sha2::{Digest, Sha256};

/// A script of the pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asset {
    /// Version 2.0.11.
    Htmx,
    /// The little that neither markup nor htmx can say.
    Console,
}

impl Asset {
    pub(crate) const ALL: [Asset; 2] = [Asset::Htmx, Asset::Console];

    fn name(self) -> &'static str {
        match self {
            Asset::Htmx => "htmx.js",
            Asset::Console => "console.js",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Asset> {
        Asset::ALL.into_iter().find(|asset| asset.name() == name)
    }

    pub(crate) fn content(self) -> &'static str {
        match self {
            Asset::Htmx => include_str!("../assets/htmx.min.js"),
            Asset::Console => include_str!("../assets/console.js"),
        }
    }

    /// Where it is. The digest makes another address of another content, so that browsers may keep what they have.
    pub(crate) fn address(self) -> &'static str {
        static ADDRESSES: LazyLock<[String; 2]> = LazyLock::new(|| {
            Asset::ALL.map(|asset| {
                let digest = Sha256::digest(asset.content());
                let short: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
                format!("/console/assets/{}?v={short}", asset.name())
            })
        });
        let [htmx, console] = &*ADDRESSES;
        match self {
            Asset::Htmx => htmx,
            Asset::Console => console,
        }
    }
}
