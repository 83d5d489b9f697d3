//! Signed links, by which a person connects, reconnects or disconnects a company.

use jiff::{SignedDuration, Timestamp};

use super::later;
use super::seal::{BadSeal, Claims, Purpose, Seal};
use crate::ids::{Books, CompanyId};
use crate::ports::StoreError;

/// How long a link to connect or disconnect may be clicked.
pub const LINK_LIFE: SignedDuration = SignedDuration::from_mins(15);
/// How long a link in an e-mail may be clicked.
pub const RECONNECT_LINK_LIFE: SignedDuration = SignedDuration::from_hours(30 * 24);

/// A link with which a person may connect the company, for [`LINK_LIFE`].
pub fn link(seal: &Seal, company: &CompanyId, now: Timestamp) -> Result<String, StoreError> {
    seal.close(&claims(Purpose::Link, company, later(now, LINK_LIFE)))
}

/// A link for an e-mail, with which a person may reconnect the company with the realm that it is linked with, and with
/// no other, for [`RECONNECT_LINK_LIFE`]. Whoever else gets hold of it can do no more than an administrator of that
/// QuickBooks company can consent to.
pub fn reconnect_link(seal: &Seal, books: &Books, now: Timestamp) -> Result<String, StoreError> {
    seal.close(&of_realm(Purpose::Reconnect, books, later(now, RECONNECT_LINK_LIFE)))
}

/// A link with which a person may disconnect the company from the realm that it is linked with, and from no other, for
/// [`LINK_LIFE`].
pub fn disconnect_link(seal: &Seal, books: &Books, now: Timestamp) -> Result<String, StoreError> {
    seal.close(&of_realm(Purpose::Disconnect, books, later(now, LINK_LIFE)))
}

/// What a link of [`disconnect_link`] is for.
pub fn books_of_disconnect_link(seal: &Seal, link: &str, now: Timestamp) -> Result<Books, BadSeal> {
    let claims = seal.open(link, Purpose::Disconnect, now)?;
    Ok(Books { company: claims.company, realm: claims.realm.ok_or(BadSeal::Forged)? })
}

/// What a link to connect or to reconnect says.
pub(super) fn open(seal: &Seal, link: &str, now: Timestamp) -> Result<Claims, BadSeal> {
    match seal.open(link, Purpose::Link, now) {
        Err(BadSeal::Forged) => seal.open(link, Purpose::Reconnect, now),
        opened => opened,
    }
}

fn of_realm(purpose: Purpose, books: &Books, expires_at: Timestamp) -> Claims {
    Claims { realm: Some(books.realm.clone()), ..claims(purpose, &books.company, expires_at) }
}

fn claims(purpose: Purpose, company: &CompanyId, expires_at: Timestamp) -> Claims {
    Claims {
        purpose,
        company: company.clone(),
        expires_at,
        nonce: String::new(),
        browser: String::new(),
        realm: None,
        began_at: None,
        generation: None,
    }
}
