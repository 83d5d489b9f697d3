//! Tenants in memory, and how their connections stand.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use jiff::Timestamp;

use super::lock;
use crate::ids::{Books, CompanyId, RealmId};
use crate::ports::{Companies, ConnectError, Heard, Lease, Standings, StoreError, Sweeps};
use crate::reconcile;
use crate::reference::Reference;
use crate::settings::{Company, Connection};
use crate::standing::Standing;

/// [`Companies`] in memory.
#[derive(Debug, Default)]
pub struct MemoryCompanies(Mutex<Tenants>);

#[derive(Debug, Default)]
struct Tenants {
    companies: BTreeMap<CompanyId, Company>,
    realms: BTreeMap<RealmId, CompanyId>,
    references: BTreeMap<Books, Reference>,
    once: BTreeMap<(CompanyId, String), Timestamp>,
    leases: BTreeMap<(Books, &'static str), Lease>,
    cursors: BTreeMap<Books, reconcile::Cursor>,
    webhooks: BTreeMap<RealmId, Timestamp>,
    standings: BTreeMap<Books, Standing>,
}

#[async_trait]
impl Companies for MemoryCompanies {
    async fn load(&self, company: &CompanyId) -> Result<Option<Company>, StoreError> {
        Ok(lock(&self.0).companies.get(company).cloned())
    }

    async fn save(&self, company: &Company) -> Result<bool, StoreError> {
        let mut tenants = lock(&self.0);
        let stored = tenants.companies.get(&company.id).map_or(0, |stored| stored.version);
        let current = stored + 1 == company.version;
        if current {
            tenants.companies.insert(company.id.clone(), company.clone());
        }
        Ok(current)
    }

    async fn connect(
        &self,
        company: &CompanyId,
        connection: &Connection,
        reference: &Reference,
    ) -> Result<(), ConnectError> {
        let mut tenants = lock(&self.0);
        let Some(mut stored) = tenants.companies.get(company).cloned() else {
            return Err(ConnectError::UnknownCompany);
        };
        let given_up = stored.books().map(|books| books.realm);
        stored.connect(connection.clone()).map_err(|present| ConnectError::OtherRealm(present.name))?;
        if tenants.realms.get(&connection.realm).is_some_and(|holder| holder != company) {
            return Err(ConnectError::RealmTaken);
        }
        stored.version += 1;
        if let Some(realm) = given_up {
            tenants.realms.remove(&realm);
        }
        let books = Books { company: company.clone(), realm: connection.realm.clone() };
        tenants.companies.insert(company.clone(), stored);
        tenants.realms.insert(connection.realm.clone(), company.clone());
        tenants.references.insert(books, reference.clone());
        Ok(())
    }

    async fn of_realm(&self, realm: &RealmId) -> Result<Option<CompanyId>, StoreError> {
        Ok(lock(&self.0).realms.get(realm).cloned())
    }

    async fn reference(&self, books: &Books) -> Result<Option<Reference>, StoreError> {
        Ok(lock(&self.0).references.get(books).cloned())
    }

    async fn save_reference(&self, books: &Books, reference: &Reference) -> Result<(), StoreError> {
        lock(&self.0).references.insert(books.clone(), reference.clone());
        Ok(())
    }

    async fn issue_once(
        &self,
        company: &CompanyId,
        nonce: &str,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        lock(&self.0).once.insert((company.clone(), nonce.to_owned()), expires_at);
        Ok(())
    }

    async fn use_once(&self, company: &CompanyId, nonce: &str, now: Timestamp) -> Result<bool, StoreError> {
        let used = lock(&self.0).once.remove(&(company.clone(), nonce.to_owned()));
        Ok(used.is_some_and(|expires_at| now < expires_at))
    }

    async fn acquire_lease(&self, books: &Books, lease: &Lease, now: Timestamp) -> Result<bool, StoreError> {
        let mut tenants = lock(&self.0);
        let key = (books.clone(), lease.name);
        let held =
            tenants.leases.get(&key).is_some_and(|held| held.holder != lease.holder && now < held.until);
        if !held {
            tenants.leases.insert(key, lease.clone());
        }
        Ok(!held)
    }

    async fn release_lease(&self, books: &Books, lease: &Lease) -> Result<(), StoreError> {
        let mut tenants = lock(&self.0);
        let key = (books.clone(), lease.name);
        if tenants.leases.get(&key).is_some_and(|held| held.holder == lease.holder) {
            tenants.leases.remove(&key);
        }
        Ok(())
    }
}

#[async_trait]
impl Sweeps for MemoryCompanies {
    async fn ever_connected(
        &self,
        _from: Option<&str>,
    ) -> Result<(Vec<CompanyId>, Option<String>), StoreError> {
        Ok((lock(&self.0).realms.values().cloned().collect(), None))
    }

    async fn cursor(&self, books: &Books) -> Result<Option<reconcile::Cursor>, StoreError> {
        Ok(lock(&self.0).cursors.get(books).cloned())
    }

    async fn save_cursor(&self, books: &Books, cursor: &reconcile::Cursor) -> Result<(), StoreError> {
        lock(&self.0).cursors.insert(books.clone(), cursor.clone());
        Ok(())
    }
}

#[async_trait]
impl Heard for MemoryCompanies {
    async fn note_webhook(&self, realms: &[RealmId], at: Timestamp) -> Result<(), StoreError> {
        lock(&self.0).webhooks.extend(realms.iter().map(|realm| (realm.clone(), at)));
        Ok(())
    }

    async fn last_webhook(&self, realm: &RealmId) -> Result<Option<Timestamp>, StoreError> {
        Ok(lock(&self.0).webhooks.get(realm).copied())
    }
}

#[async_trait]
impl Standings for MemoryCompanies {
    async fn standing(&self, books: &Books) -> Result<Option<Standing>, StoreError> {
        Ok(lock(&self.0).standings.get(books).cloned())
    }

    async fn save_standing(&self, books: &Books, standing: &Standing) -> Result<bool, StoreError> {
        let mut tenants = lock(&self.0);
        let stored = tenants.standings.get(books).map_or(0, |stored| stored.version);
        let current = stored + 1 == standing.version;
        if current {
            tenants.standings.insert(books.clone(), standing.clone());
        }
        Ok(current)
    }

    async fn due(
        &self,
        now: Timestamp,
        _from: Option<&str>,
    ) -> Result<(Vec<Books>, Option<String>), StoreError> {
        let tenants = lock(&self.0);
        let due = |(books, standing): (&Books, &Standing)| Some((standing.due_at?, books.clone()));
        let mut due: Vec<_> = tenants.standings.iter().filter_map(due).filter(|(at, _)| *at <= now).collect();
        due.sort();
        Ok((due.into_iter().map(|(_, books)| books).collect(), None))
    }
}
