//! The billing app as the engine reaches it, or does not.

use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use sync::ids::{BillingId, CompanyId};
use sync::model::{Kind, Record};
use sync::ports::{Billing, BillingError, BillingQuery, Page, StoreError, Stored};

use super::Stores;
use crate::billing::BillingApp;
use crate::chaos::{AppFate, let_others_run};
use crate::sabotage::Sabotage;

impl Stores {
    fn app(&self, company: &CompanyId) -> Option<MutexGuard<'_, BillingApp>> {
        let mut apps = self.apps.iter().map(|app| app.lock().unwrap_or_else(PoisonError::into_inner));
        apps.find(|app| app.id == *company)
    }

    /// A call to a billing app that has an API.
    async fn call<T: Send>(
        &self,
        company: &CompanyId,
        call: impl FnOnce(&mut BillingApp, Timestamp) -> Result<T, BillingError> + Send,
    ) -> Result<T, BillingError> {
        let_others_run().await;
        let answer = || {
            let mut app = self.app(company).ok_or(BillingError::NotOffered)?;
            call(&mut app, self.clock.time())
        };
        let later = |reason: &str, after| Err(BillingError::Later { reason: reason.to_owned(), after });
        let unknown = || Err(BillingError::Unknown("the connection broke, as simulated".to_owned()));
        match self.app(company).map(|app| (app.has_api, app.is_away)) {
            Some((true, false)) => {}
            Some((true, true)) => {
                self.chaos.happened("AppIsAway");
                return later("nobody answers, as simulated", None);
            }
            _ => return Err(BillingError::NotOffered),
        }
        match self.chaos.app() {
            AppFate::Works => {
                let answer = answer();
                let_others_run().await;
                answer
            }
            AppFate::AppCrashesBefore => self.chaos.crash().await,
            AppFate::AppCrashesAfter => {
                drop(answer());
                self.chaos.crash().await
            }
            AppFate::AppUnreached => later("no route, as simulated", None),
            AppFate::AppThrottles => later("too many requests", Some(Duration::from_secs(30))),
            AppFate::AppLosesRequest => unknown(),
            AppFate::AppLosesAnswer => {
                drop(answer());
                let_others_run().await;
                unknown()
            }
            AppFate::AppRefuses => Err(BillingError::Refused("not today, as simulated".to_owned())),
        }
    }
}

#[async_trait]
impl Billing for Stores {
    async fn fetch(
        &self,
        company: &CompanyId,
        kind: Kind,
        id: &BillingId,
    ) -> Result<Option<Stored>, BillingError> {
        if self.app(company).is_some_and(|app| app.has_api) {
            let mut stored = self.call(company, |app, _| Ok(app.stored(kind, id))).await?;
            if let Some(stored) = stored.as_mut().filter(|_| self.is(Sabotage::RecordsLookOlderThanTheyAre)) {
                stored.updated_at = Timestamp::UNIX_EPOCH;
            }
            return Ok(stored);
        }
        let found = self.app(company).filter(|app| app.answers).and_then(|app| app.stored(kind, id));
        self.chaos
            .store("asking the billing app", async { Ok::<_, StoreError>(found) })
            .await
            .map_err(BillingError::from)
    }

    async fn find(&self, company: &CompanyId, wanted: &BillingQuery) -> Result<Vec<Stored>, BillingError> {
        self.call(company, |app, _| Ok(app.find(wanted))).await
    }

    async fn create(&self, company: &CompanyId, record: &Record) -> Result<Stored, BillingError> {
        self.call(company, |app, now| app.create(record, now)).await
    }

    async fn update(
        &self,
        company: &CompanyId,
        before: &Record,
        after: &Record,
    ) -> Result<Stored, BillingError> {
        let sabotage = self.sabotage;
        self.call(company, |app, now| match sabotage {
            Some(Sabotage::RecordsAreNotUpdated) => {
                Ok(Stored { record: after.clone(), updated_at: now, deleted: false })
            }
            Some(Sabotage::RecordsAreReplacedWhole) => {
                let current = app.stored(after.kind(), after.id()).ok_or(BillingError::Gone)?;
                app.update(&current.record, after, now)
            }
            _ => app.update(before, after, now),
        })
        .await
    }

    async fn delete(&self, company: &CompanyId, kind: Kind, id: &BillingId) -> Result<(), BillingError> {
        if self.is(Sabotage::RecordsAreNotDeleted) {
            return Ok(());
        }
        self.call(company, |app, now| app.delete(kind, id, now)).await
    }

    async fn note(
        &self,
        company: &CompanyId,
        kind: Kind,
        id: &BillingId,
        text: &str,
    ) -> Result<(), BillingError> {
        self.call(company, |app, now| app.note(kind, id, text, now)).await
    }

    async fn changed_since(
        &self,
        company: &CompanyId,
        kind: Kind,
        since: Timestamp,
        page: Option<&str>,
    ) -> Result<Page, BillingError> {
        self.call(company, |app, _| app.changed_since(kind, since, page)).await
    }
}
