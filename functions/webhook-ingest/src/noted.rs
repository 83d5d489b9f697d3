//! Noting that webhooks come. People read when the last one did, so to the minute is near enough: most webhooks of a
//! busy realm cost no write.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use sync::ids::RealmId;
use sync::ports::{Heard, explain};

/// How old what was noted of a realm may be.
const NEAR_ENOUGH: SignedDuration = SignedDuration::from_mins(1);

/// What this process has noted within the last minute.
#[derive(Default)]
pub(crate) struct Noted(Mutex<HashMap<RealmId, Timestamp>>);

impl Noted {
    /// Notes that a webhook has told of these realms. A failure is logged: nothing is decided by what is noted.
    pub(crate) async fn note(
        &self,
        heard: &dyn Heard,
        realms: impl Iterator<Item = RealmId>,
        now: Timestamp,
    ) {
        let due = self.due(realms, now);
        if due.is_empty() {
            return;
        }
        match heard.note_webhook(&due, now).await {
            Ok(()) => self.lock().extend(due.into_iter().map(|realm| (realm, now))),
            Err(error) => {
                tracing::warn!(error = explain(&error), "it could not be noted that a webhook came");
            }
        }
    }

    /// Those of which nothing was noted within the last minute; what is older is forgotten.
    fn due(&self, realms: impl Iterator<Item = RealmId>, now: Timestamp) -> Vec<RealmId> {
        let mut noted = self.lock();
        noted.retain(|_, at| now.duration_since(*at) < NEAR_ENOUGH);
        realms.filter(|realm| !noted.contains_key(realm)).collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RealmId, Timestamp>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use async_trait::async_trait;
    use sync::ports::StoreError;

    use super::*;

    /// A store that keeps what it is told, save while it fails.
    #[derive(Default)]
    struct Store {
        told: Mutex<Vec<(String, Timestamp)>>,
        fails: AtomicBool,
    }

    #[async_trait]
    impl Heard for Store {
        async fn note_webhook(&self, realms: &[RealmId], at: Timestamp) -> Result<(), StoreError> {
            if self.fails.load(Ordering::Relaxed) {
                return Err(StoreError::new("noting a webhook", "throttled"));
            }
            self.told.lock().unwrap().extend(realms.iter().map(|realm| (realm.to_string(), at)));
            Ok(())
        }

        async fn last_webhook(&self, _: &RealmId) -> Result<Option<Timestamp>, StoreError> {
            Ok(None)
        }
    }

    fn realms<'r>(ids: &'r [&'r str]) -> impl Iterator<Item = RealmId> + 'r {
        ids.iter().map(|id| RealmId::new(*id).unwrap())
    }

    #[tokio::test]
    async fn a_realm_is_noted_once_a_minute() {
        let store = Store::default();
        let noted = Noted::default();
        let at = |second: i64| Timestamp::from_second(1_772_445_600 + second).unwrap();
        noted.note(&store, realms(&["1"]), at(0)).await;
        noted.note(&store, realms(&["1", "2"]), at(59)).await;
        noted.note(&store, realms(&["1", "2"]), at(60)).await;
        let told = std::mem::take(&mut *store.told.lock().unwrap());
        assert_eq!(told, [("1".to_owned(), at(0)), ("2".to_owned(), at(59)), ("1".to_owned(), at(60))]);

        store.fails.store(true, Ordering::Relaxed);
        noted.note(&store, realms(&["3"]), at(61)).await;
        store.fails.store(false, Ordering::Relaxed);
        noted.note(&store, realms(&["3"]), at(62)).await;
        let told = std::mem::take(&mut *store.told.lock().unwrap());
        assert_eq!(told, [("3".to_owned(), at(62))], "what could not be noted is noted with the next");
    }
}
