//! A person's way into the console: a signed link that opens it once, and the session that it begins.
//!
//! Nothing is stored but that a link was used. A session is a signed value in the browser's cookie; it ends when it
//! is idle for half an hour, and after ten hours whatever happens. All sessions of a company, and its links that were
//! not opened yet, end at once when its generation is raised ([`Company::end_sessions`]).

use jiff::{SignedDuration, Timestamp};
use subtle::ConstantTimeEq;

use crate::connect::seal::{Claims, Purpose};
use crate::connect::{BadSeal, Seal};
use crate::ids::CompanyId;
use crate::ports::{Companies, StoreError};
use crate::settings::Company;

/// How long a link into the console may be opened.
pub const ENTRY_LIFE: SignedDuration = SignedDuration::from_mins(5);
/// How long a session lasts without a request.
pub const IDLE: SignedDuration = SignedDuration::from_mins(30);
/// How long a session lasts at most.
pub const LONGEST: SignedDuration = SignedDuration::from_hours(10);

/// Why nobody is let in.
#[derive(Debug, thiserror::Error)]
pub enum NoEntry {
    /// The link is not ours, or too old.
    #[error("the link cannot be used: {0}")]
    Link(BadSeal),
    /// The link was opened before.
    #[error("the link was used before")]
    Used,
    /// All sessions were ended after the link was made.
    #[error("all sessions were ended after the link was made")]
    Ended,
    /// There is no such company.
    #[error("there is no such company")]
    UnknownCompany,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A person at work in one company's console.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The company, and the only one.
    pub company: CompanyId,
    id: String,
    generation: u64,
    began_at: Timestamp,
    expires_at: Timestamp,
}

/// Whose a form is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A page of this session, of the realm that the company is linked with.
    Here,
    /// A page of this session from when the company was linked with another realm, or with none: its ids and names mean
    /// something else now.
    OtherBooks,
    /// Not one of this session's pages.
    Elsewhere,
}

/// A link's value that opens the company's console once, within [`ENTRY_LIFE`]. `nonce` is random.
///
/// # Errors
/// The store failed.
pub async fn link(
    companies: &dyn Companies,
    seal: &Seal,
    company: &Company,
    nonce: &str,
    now: Timestamp,
) -> Result<String, StoreError> {
    let expires_at = later(now, ENTRY_LIFE);
    companies.issue_once(&company.id, nonce, expires_at).await?;
    seal.close(&Claims {
        purpose: Purpose::Entry,
        company: company.id.clone(),
        expires_at,
        nonce: nonce.to_owned(),
        browser: String::new(),
        realm: None,
        began_at: None,
        generation: Some(company.session_generation),
    })
}

/// Begins a session with a link, which is used up. `id` is random.
///
/// # Errors
/// As [`NoEntry`] says.
pub async fn enter(
    companies: &dyn Companies,
    seal: &Seal,
    link: &str,
    id: &str,
    now: Timestamp,
) -> Result<Session, NoEntry> {
    let claims = seal.open(link, Purpose::Entry, now).map_err(NoEntry::Link)?;
    let company = companies.load(&claims.company).await?.ok_or(NoEntry::UnknownCompany)?;
    let generation = claims.generation.unwrap_or_default();
    if generation != company.session_generation {
        return Err(NoEntry::Ended);
    }
    if !companies.use_once(&company.id, &claims.nonce, now).await? {
        return Err(NoEntry::Used);
    }
    let expires_at = later(now, IDLE);
    Ok(Session { company: company.id, id: id.to_owned(), generation, began_at: now, expires_at })
}

impl Session {
    /// Reads a session from what the browser keeps; none if it is not ours or has ended by time. Whether the company
    /// lets it go on is told by [`Session::holds_in`].
    pub fn open(seal: &Seal, cookie: &str, now: Timestamp) -> Option<Session> {
        let claims = seal.open(cookie, Purpose::Session, now).ok()?;
        let began_at = claims.began_at?;
        (now < later(began_at, LONGEST)).then_some(Session {
            company: claims.company,
            id: claims.nonce,
            generation: claims.generation.unwrap_or_default(),
            began_at,
            expires_at: claims.expires_at,
        })
    }

    /// Whether the company, as it is now, has not ended it.
    pub fn holds_in(&self, company: &Company) -> bool {
        self.company == company.id && self.generation == company.session_generation
    }

    /// The session after a request: good for another half hour.
    #[must_use]
    pub fn renewed(self, now: Timestamp) -> Session {
        let expires_at = later(now, IDLE).min(later(self.began_at, LONGEST));
        Session { expires_at, ..self }
    }

    /// What the browser keeps.
    ///
    /// # Errors
    /// It cannot be written as JSON, which does not happen.
    pub fn cookie(&self, seal: &Seal) -> Result<String, StoreError> {
        seal.close(&Claims {
            purpose: Purpose::Session,
            company: self.company.clone(),
            expires_at: self.expires_at,
            nonce: self.id.clone(),
            browser: String::new(),
            realm: None,
            began_at: Some(self.began_at),
            generation: Some(self.generation),
        })
    }

    /// What every form of the session carries: so that no other site can send one, a value that only we can make, and
    /// the realm that the company had when the page was made.
    pub fn form_mark(&self, seal: &Seal, company: &Company) -> String {
        format!("{}.{}", self.own_mark(seal), realm_of(company))
    }

    /// Whose a form with this mark is.
    pub fn origin(&self, seal: &Seal, company: &Company, mark: &str) -> Origin {
        let (own, realm) = mark.split_once('.').unwrap_or_default();
        let is_own: bool = self.own_mark(seal).as_bytes().ct_eq(own.as_bytes()).into();
        match is_own {
            false => Origin::Elsewhere,
            true if realm == realm_of(company) => Origin::Here,
            true => Origin::OtherBooks,
        }
    }

    fn own_mark(&self, seal: &Seal) -> String {
        seal.mark(&format!("form of {} {}", self.company, self.id))
    }
}

/// Empty before the company was connected for the first time.
fn realm_of(company: &Company) -> &str {
    company.connection.as_ref().map_or("", |connection| connection.realm.as_str())
}

fn later(now: Timestamp, life: SignedDuration) -> Timestamp {
    now.checked_add(life).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;

    use super::*;
    use crate::ids::RealmId;
    use crate::memory::MemoryCompanies;
    use crate::settings::{Connection, ConnectionState};

    fn seal() -> Seal {
        Seal::new(&"0123456789abcdef0123456789abcdef".into()).unwrap()
    }

    fn acme() -> CompanyId {
        CompanyId::new("acme").unwrap()
    }

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_second(1_772_000_000 + 60 * minutes).unwrap()
    }

    fn companies() -> MemoryCompanies {
        let companies = MemoryCompanies::default();
        assert!(block_on(companies.save(&Company { version: 1, ..Company::new(acme()) })).unwrap());
        companies
    }

    fn company(companies: &MemoryCompanies) -> Company {
        block_on(companies.load(&acme())).unwrap().unwrap()
    }

    fn entered(companies: &MemoryCompanies) -> Session {
        let link = block_on(link(companies, &seal(), &company(companies), "n", at(0))).unwrap();
        block_on(enter(companies, &seal(), &link, "s", at(1))).unwrap()
    }

    #[test]
    fn a_link_opens_once_and_for_five_minutes() {
        let companies = companies();
        let link = |nonce| block_on(link(&companies, &seal(), &company(&companies), nonce, at(0))).unwrap();
        let enter = |link: &str, now| block_on(enter(&companies, &seal(), link, "s", now));
        let first = link("a");
        assert_eq!(enter(&first, at(4)).unwrap().company, acme());
        assert!(matches!(enter(&first, at(4)), Err(NoEntry::Used)));
        assert!(matches!(enter(&link("b"), at(5)), Err(NoEntry::Link(BadSeal::Expired))));
        assert!(matches!(enter("abc.def", at(0)), Err(NoEntry::Link(BadSeal::Forged))));
    }

    #[test]
    fn links_sessions_and_connect_links_do_not_stand_for_each_other() {
        let companies = companies();
        let session = entered(&companies).cookie(&seal()).unwrap();
        let connect = crate::connect::link(&seal(), &acme(), at(0)).unwrap();
        for wrong in [session.as_str(), &connect] {
            assert!(block_on(enter(&companies, &seal(), wrong, "s", at(1))).is_err());
        }
        let entry = block_on(link(&companies, &seal(), &company(&companies), "x", at(0))).unwrap();
        for wrong in [entry.as_str(), &connect] {
            assert_eq!(Session::open(&seal(), wrong, at(1)), None);
        }
    }

    #[test]
    fn a_session_ends_when_it_is_idle_and_after_ten_hours() {
        let mut session = entered(&companies());
        let cookie = session.cookie(&seal()).unwrap();
        assert_eq!(Session::open(&seal(), &cookie, at(30)), Some(session.clone()));
        assert_eq!(Session::open(&seal(), &cookie, at(31)), None);
        for minutes in (20..1000).step_by(20) {
            let cookie = session.cookie(&seal()).unwrap();
            match Session::open(&seal(), &cookie, at(minutes)) {
                Some(open) => session = open.renewed(at(minutes)),
                None => return assert_eq!(minutes, 620),
            }
        }
        panic!("it does not end");
    }

    #[test]
    fn ending_all_sessions_ends_links_that_wait_too() {
        let companies = companies();
        let session = entered(&companies);
        let waiting = block_on(link(&companies, &seal(), &company(&companies), "w", at(0))).unwrap();
        let mut acme = company(&companies);
        assert!(session.holds_in(&acme));
        acme.end_sessions();
        acme.version += 1;
        assert!(block_on(companies.save(&acme)).unwrap());
        assert!(!session.holds_in(&acme) && !session.clone().renewed(at(2)).holds_in(&acme));
        assert!(matches!(block_on(enter(&companies, &seal(), &waiting, "s", at(1))), Err(NoEntry::Ended)));
        let again = block_on(link(&companies, &seal(), &acme, "a", at(1))).unwrap();
        assert!(block_on(enter(&companies, &seal(), &again, "s", at(1))).unwrap().holds_in(&acme));
        assert!(!session.holds_in(&Company::new(CompanyId::new("globex").unwrap())), "another company's");
    }

    #[test]
    fn a_form_belongs_to_its_session() {
        let companies = companies();
        let session = entered(&companies);
        let other = Session { id: "t".into(), ..session.clone() };
        let acme = company(&companies);
        let mark = session.form_mark(&seal(), &acme);
        assert_eq!(session.origin(&seal(), &acme, &mark), Origin::Here);
        let forged = ["", ".", mark.trim_end_matches('.'), &other.form_mark(&seal(), &acme)];
        for mark in forged {
            assert_eq!(session.origin(&seal(), &acme, mark), Origin::Elsewhere, "{mark}");
        }
    }

    #[test]
    fn d12_a_form_belongs_to_the_quickbooks_company_of_its_page() {
        let companies = companies();
        let session = entered(&companies);
        let with = |realm: &str, state| {
            let (realm, name) = (RealmId::new(realm).unwrap(), String::new());
            let connection = Connection { realm, state, name, connected_at: at(0) };
            Company { connection: Some(connection), ..Company::new(acme()) }
        };
        let first = with("1", ConnectionState::Connected);
        let mark = session.form_mark(&seal(), &first);
        for (company, origin) in [
            (first, Origin::Here),
            (with("1", ConnectionState::Disconnected), Origin::Here),
            (with("2", ConnectionState::Connected), Origin::OtherBooks),
            (with("11", ConnectionState::Connected), Origin::OtherBooks),
            (Company::new(acme()), Origin::OtherBooks),
        ] {
            assert_eq!(session.origin(&seal(), &company, &mark), origin, "{:?}", company.connection);
        }
    }
}
