//! What sweeps and polls need: how far they came, and queues to send to.

use std::sync::PoisonError;

use async_trait::async_trait;
use sync::ids::{Books, CompanyId, EventId};
use sync::model::Kind;
use sync::notice::NoticeMessage;
use sync::poll::{self, Cursors};
use sync::ports::{PullQueue, PushQueue, StoreError, Sweeps};
use sync::reconcile;

use super::{Posted, Stores};
use crate::sabotage::Sabotage;

impl Stores {
    fn post(&self, messages: impl IntoIterator<Item = Posted>) {
        self.posted.lock().unwrap_or_else(PoisonError::into_inner).extend(messages);
    }

    /// Takes what was sent.
    pub(crate) fn take_posted(&self) -> Vec<Posted> {
        std::mem::take(&mut *self.posted.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl PushQueue for Stores {
    async fn send(&self, company: &CompanyId, _: &EventId, body: &str) -> Result<(), StoreError> {
        let message = Posted::Push(company.clone(), body.to_owned());
        let sent = async {
            self.post([message]);
            Ok(())
        };
        self.chaos.store("sending events", sent).await
    }
}

#[async_trait]
impl PullQueue for Stores {
    async fn send_notices(&self, messages: &[NoticeMessage]) -> Result<(), StoreError> {
        let posted =
            messages.iter().map(|message| Posted::Pull(message.company.clone(), message.body.clone()));
        let mut posted: Vec<Posted> = posted.collect();
        if self.is(Sabotage::NoticesAreLost) {
            posted.clear();
        }
        let sent = async {
            self.post(posted);
            Ok(())
        };
        self.chaos.store("sending notices", sent).await
    }
}

#[async_trait]
impl Sweeps for Stores {
    async fn ever_connected(
        &self,
        from: Option<&str>,
    ) -> Result<(Vec<CompanyId>, Option<String>), StoreError> {
        self.companies.ever_connected(from).await
    }

    async fn cursor(&self, books: &Books) -> Result<Option<reconcile::Cursor>, StoreError> {
        self.chaos.store("reading how far it was swept", Sweeps::cursor(&self.companies, books)).await
    }

    async fn save_cursor(&self, books: &Books, cursor: &reconcile::Cursor) -> Result<(), StoreError> {
        let save = Sweeps::save_cursor(&self.companies, books, cursor);
        self.chaos.store("storing how far it was swept", save).await
    }
}

#[async_trait]
impl Cursors for Stores {
    async fn cursor(&self, company: &CompanyId, kind: Kind) -> Result<Option<poll::Cursor>, StoreError> {
        self.chaos.store("reading how far it was polled", self.cursors.cursor(company, kind)).await
    }

    async fn save_cursor(
        &self,
        company: &CompanyId,
        kind: Kind,
        cursor: &poll::Cursor,
    ) -> Result<(), StoreError> {
        let save = self.cursors.save_cursor(company, kind, cursor);
        self.chaos.store("storing how far it was polled", save).await
    }
}
