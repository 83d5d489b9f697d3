//! Reading the activity log in memory page by page.

use async_trait::async_trait;

use super::MemoryActivityLog;
use crate::activity::Activity;
use crate::history::{History, Place};
use crate::ids::{BillingId, CompanyId};
use crate::model::Kind;
use crate::ports::StoreError;

#[async_trait]
impl History for MemoryActivityLog {
    async fn before(
        &self,
        company: &CompanyId,
        place: Option<&Place>,
        limit: usize,
    ) -> Result<Vec<Activity>, StoreError> {
        let is_behind = |entry: &Activity| {
            place.is_none_or(|place| (entry.time, &entry.event) < (place.time, &place.event))
        };
        Ok(self.of(company).into_iter().rev().filter(is_behind).take(limit).collect())
    }

    async fn of_record(
        &self,
        company: &CompanyId,
        kind: Kind,
        id: &BillingId,
        limit: usize,
    ) -> Result<Vec<Activity>, StoreError> {
        let is_of = |entry: &Activity| entry.kind == Some(kind) && entry.billing_id.as_ref() == Some(id);
        Ok(self.of(company).into_iter().rev().filter(is_of).take(limit).collect())
    }
}
