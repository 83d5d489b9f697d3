//! The promises of what is kept of how connections stand.

use std::collections::BTreeSet;

use futures::join;
use jiff::Timestamp;

use super::{at, books};
use crate::ids::Books;
use crate::mail::Address;
use crate::ports::Standings;
use crate::standing::{EndReason, Ended, LastMail, Mails, Standing};

/// Checks a store of standings through two handles.
pub async fn standings(one: &dyn Standings, two: &dyn Standings) {
    a_standing_is_saved_version_by_version(one, two).await;
    of_racing_saves_one_is_stored(one, two).await;
    whatever_is_due_is_found_by_when(one, two).await;
}

fn standing(version: u64, due_at: Option<Timestamp>) -> Standing {
    Standing {
        consented_at: at(0),
        refreshed_at: at(1),
        access_expires_at: at(3600),
        refresh_expires_at: at(8_726_400),
        hard_expires_at: Some(at(157_680_000)),
        ended: None,
        to_revoke: false,
        due_at,
        failures: 0,
        mails: Mails::default(),
        version,
    }
}

async fn a_standing_is_saved_version_by_version(one: &dyn Standings, two: &dyn Standings) {
    let (ours, other_realm) = (books("standing", 801), books("standing", 802));
    assert_eq!(one.standing(&ours).await.unwrap(), None);
    for wrong in [0, 2] {
        assert!(!one.save_standing(&ours, &standing(wrong, None)).await.unwrap());
    }
    assert!(one.save_standing(&ours, &standing(1, None)).await.unwrap());
    assert_eq!(two.standing(&ours).await.unwrap(), Some(standing(1, None)));
    assert_eq!(two.standing(&other_realm).await.unwrap(), None, "another realm's is its own");

    let ended = Standing {
        ended: Some(Ended { at: at(7), why: EndReason::Refused("In their words.".into()) }),
        mails: Mails {
            last: Some(LastMail { at: at(8), sent: true }),
            warned: Some(7),
            told_ended: true,
            unreached: vec![Address::new("bob@example.com").unwrap()],
        },
        ..standing(2, Some(at(9)))
    };
    assert!(two.save_standing(&ours, &ended).await.unwrap());
    assert!(!one.save_standing(&ours, &standing(2, None)).await.unwrap(), "made from an older version");
    assert_eq!(one.standing(&ours).await.unwrap(), Some(ended.clone()));
    let gone = Standing { due_at: None, version: 3, ..ended };
    assert!(one.save_standing(&ours, &gone).await.unwrap());
}

async fn of_racing_saves_one_is_stored(one: &dyn Standings, two: &dyn Standings) {
    let ours = books("racing-standing", 803);
    for version in 1..5 {
        let (first, second) = (standing(version, None), Standing { failures: 1, ..standing(version, None) });
        let stored = match join!(one.save_standing(&ours, &first), two.save_standing(&ours, &second)) {
            (Ok(true), Ok(false)) => first,
            (Ok(false), Ok(true)) => second,
            other => panic!("{other:?}"),
        };
        assert_eq!(one.standing(&ours).await.unwrap(), Some(stored));
    }
}

async fn whatever_is_due_is_found_by_when(one: &dyn Standings, two: &dyn Standings) {
    let all: Vec<Books> = (0..40).map(|number| books(&format!("due-{number}"), 900 + number)).collect();
    for (books, second) in all.iter().zip(0..) {
        let due_at = (second != 5).then(|| at(second));
        assert!(one.save_standing(books, &standing(1, due_at)).await.unwrap());
    }
    let expected = |until: usize| {
        all.iter()
            .take(until + 1)
            .enumerate()
            .filter(|(place, _)| *place != 5)
            .map(|(_, it)| it.clone())
            .collect()
    };
    assert_eq!(due(two, at(20)).await, expected(20), "those whose time has come, and no other");
    assert_eq!(due(two, at(-1)).await, BTreeSet::new());

    assert!(two.save_standing(&all[3], &standing(2, Some(at(30)))).await.unwrap());
    assert!(two.save_standing(&all[4], &standing(2, None)).await.unwrap());
    let mut left: BTreeSet<Books> = expected(20);
    left.remove(&all[3]);
    left.remove(&all[4]);
    assert_eq!(due(one, at(20)).await, left);
}

/// Everything that is due; each once.
async fn due(store: &dyn Standings, now: Timestamp) -> BTreeSet<Books> {
    let (mut all, mut from): (Vec<Books>, Option<String>) = (Vec::new(), None);
    loop {
        let (some, next) = store.due(now, from.as_deref()).await.unwrap();
        all.extend(some);
        match next {
            Some(next) => from = Some(next),
            None => break,
        }
    }
    let each: BTreeSet<Books> = all.iter().cloned().collect();
    assert_eq!(all.len(), each.len(), "{all:?}");
    each
}
