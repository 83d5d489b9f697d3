//! The budget's promises.

use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};

use super::{at, books};
use crate::ids::Books;
use crate::limits::{Call, Spent, Turn};
use crate::ports::Budget;

/// Checks a budget through two handles.
pub async fn budget(one: &dyn Budget, two: &dyn Budget) {
    turns_are_shared(one, two).await;
    each_realm_of_each_company_has_its_own(one, two).await;
    a_pause_holds_for_everybody(one, two).await;
    of_racing_workers_each_has_a_turn_of_its_own(one, two).await;
}

async fn turn(budget: &dyn Budget, books: &Books, call: Call) -> Turn {
    budget.reserve(books, call, at(0), at(60)).await.unwrap()
}

fn after(milliseconds: i64) -> Timestamp {
    at(0) + SignedDuration::from_millis(milliseconds)
}

async fn turns_are_shared(one: &dyn Budget, two: &dyn Budget) {
    let ours = books("budget", 1);
    assert_eq!(one.spent(&ours, at(0)).await.unwrap(), Spent::default());
    assert_eq!(turn(one, &ours, Call::Write).await, Turn::At(after(0)));
    assert_eq!(turn(two, &ours, Call::Read).await, Turn::At(after(125)));
    assert_eq!(turn(two, &ours, Call::Batch).await, Turn::At(after(250)));
    let refused = one.reserve(&ours, Call::Write, at(0), after(374)).await.unwrap();
    assert_eq!(refused, Turn::NotBefore(after(375)));
    assert_eq!(turn(one, &ours, Call::Write).await, Turn::At(after(375)), "nothing was taken before");
    for budget in [one, two] {
        assert_eq!(budget.spent(&ours, at(0)).await.unwrap(), Spent { metered: 2, free: 2 });
    }
}

async fn each_realm_of_each_company_has_its_own(one: &dyn Budget, two: &dyn Budget) {
    let first = books("budget-realms", 2);
    assert_eq!(turn(one, &first, Call::Write).await, Turn::At(at(0)));
    one.pause(&first, at(30)).await.unwrap();
    for others in [books("budget-realms", 3), books("budget-others", 2)] {
        assert_eq!(turn(two, &others, Call::Write).await, Turn::At(at(0)));
    }
}

async fn a_pause_holds_for_everybody(one: &dyn Budget, two: &dyn Budget) {
    let ours = books("budget-pause", 4);
    for until in [30, 7] {
        one.pause(&ours, at(until)).await.unwrap();
        let refused = two.reserve(&ours, Call::Write, at(0), at(29)).await.unwrap();
        assert_eq!(refused, Turn::NotBefore(at(30)));
    }
    assert_eq!(turn(two, &ours, Call::Write).await, Turn::At(at(30)));
    assert_eq!(one.spent(&ours, at(0)).await.unwrap(), Spent { metered: 0, free: 1 });
}

async fn of_racing_workers_each_has_a_turn_of_its_own(one: &dyn Budget, two: &dyn Budget) {
    let ours = books("budget-race", 5);
    let racing = (0..24).map(|place| turn(if place % 2 == 0 { one } else { two }, &ours, Call::Write));
    let mut turns: Vec<Timestamp> = join_all(racing)
        .await
        .into_iter()
        .map(|turn| match turn {
            Turn::At(turn) => turn,
            Turn::NotBefore(turn) => panic!("not before {turn}"),
        })
        .collect();
    turns.sort();
    assert_eq!(turns, (0..24).map(|place| after(125 * place)).collect::<Vec<_>>());
    assert_eq!(one.spent(&ours, at(0)).await.unwrap(), Spent { metered: 0, free: 24 });
}
