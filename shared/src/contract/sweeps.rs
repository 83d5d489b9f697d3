//! The promises of what the sweeps remember.

use std::collections::BTreeSet;

use super::companies::{add, connect};
use super::{at, books};
use crate::ids::{CompanyId, RealmId};
use crate::ports::{Companies, Heard, Sweeps};
use crate::reconcile::Cursor;

/// Checks a store of sweeps, and of webhooks that came, through two handles.
pub async fn sweeps<S: Companies + Heard + Sweeps>(one: &S, two: &S) {
    the_last_webhook_of_a_realm_is_known(one, two).await;
    a_cursor_is_kept_for_its_books(one, two).await;
    whoever_is_connected_is_listed(one, two).await;
}

async fn the_last_webhook_of_a_realm_is_known(one: &dyn Heard, two: &dyn Heard) {
    let [a, b, silent] = ["61001", "61002", "61003"].map(|realm| RealmId::new(realm).unwrap());
    one.note_webhook(&[a.clone(), b.clone()], at(1)).await.unwrap();
    one.note_webhook(std::slice::from_ref(&b), at(2)).await.unwrap();
    one.note_webhook(&[], at(3)).await.unwrap();
    assert_eq!(two.last_webhook(&a).await.unwrap(), Some(at(1)));
    assert_eq!(two.last_webhook(&b).await.unwrap(), Some(at(2)));
    assert_eq!(two.last_webhook(&silent).await.unwrap(), None);
}

async fn a_cursor_is_kept_for_its_books(one: &dyn Sweeps, two: &dyn Sweeps) {
    let (ours, others) = (books("swept", 61), books("swept", 62));
    assert_eq!(one.cursor(&ours).await.unwrap(), None);
    for second in [1, 2] {
        let cursor = Cursor { swept_to: at(second), next: at(second + 900) };
        one.save_cursor(&ours, &cursor).await.unwrap();
        assert_eq!(two.cursor(&ours).await.unwrap(), Some(cursor));
    }
    assert_eq!(two.cursor(&others).await.unwrap(), None, "another realm's is its own");
}

async fn whoever_is_connected_is_listed<S: Companies + Sweeps>(one: &S, two: &S) {
    let all: BTreeSet<CompanyId> =
        (0..40).map(|number| books(&format!("listed-{number}"), 0).company).collect();
    for (company, realm) in all.iter().zip(700..) {
        add(one, company.as_str()).await;
        connect(one, &books(company.as_str(), realm), "Listed").await.unwrap();
    }
    add(one, "never-connected").await;
    let (mut listed, mut from): (Vec<CompanyId>, Option<String>) = (Vec::new(), None);
    loop {
        let (some, next) = two.ever_connected(from.as_deref()).await.unwrap();
        listed.extend(some);
        match next {
            Some(next) => from = Some(next),
            None => break,
        }
    }
    listed.sort();
    assert_eq!(listed, all.into_iter().collect::<Vec<_>>(), "each once");
}
