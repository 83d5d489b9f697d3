//! The judge judged: an engine that is broken in one place is found out each time.
#![expect(clippy::print_stdout, reason = "tells which seed shows it, for the list below")]

use simulation::{Sabotage, Sort, Ways, run};

/// Runs until the judge finds a fault of one of these sorts, and shows that the same run is well without the
/// sabotage. `seed` is the one that shows it as things are: when they change, another one will.
fn is_noticed(sabotage: Sabotage, ways: Ways, seed: u64, sorts: &[Sort]) {
    for seed in (seed..=SEEDS).chain(1..seed) {
        let report = run(ways, seed, 250, Some(sabotage));
        let found =
            report.failures.iter().find(|(_, findings)| findings.iter().any(|one| sorts.contains(&one.sort)));
        if let Some((failed, _)) = found {
            assert_eq!(failed.run(None), [], "{sabotage:?}: the run is well without it");
            println!("{sabotage:?} is noticed with seed {seed}");
            return;
        }
    }
    panic!("{sabotage:?} is not noticed as {sorts:?}");
}

/// How many are tried.
const SEEDS: u64 = 120;

macro_rules! noticed {
    ($ways:ident; $($name:ident: $sabotage:ident, $seed:literal => $($sort:ident)|+;)*) => {
        $(
            #[test]
            fn $name() {
                is_noticed(Sabotage::$sabotage, Ways::$ways, $seed, &[$(Sort::$sort),+]);
            }
        )*
    };
}

noticed! {
    Push;
    requests_without_requestid: RequestIdsAreDropped, 14 => Duplicate;
    intents_that_are_not_recorded: IntentsAreForgotten, 77 => Duplicate;
    intents_that_are_not_found: PendingIntentsAreHidden, 77 => Duplicate;
    links_that_are_not_found: LinksAreForgotten, 1 => Duplicate | Lost | SilentDifference;
    links_that_are_not_refreshed: LinksAreNotRefreshed, 1 => SilentDifference | Lost | Overwritten;
    updates_with_the_current_token: TheCurrentSyncTokenIsSent, 55 => Overwritten;
    full_updates: UpdatesAreNotSparse, 2 => Overwritten;
    activity_that_is_not_stored: ActivityIsSwallowed, 1 => Lost;
    parked_events_without_their_body: ParkedEventsLoseTheirBody, 2 => Lost;
    failures_that_are_acknowledged: FailuresAreAcknowledged, 1 => Lost;
    another_companys_realm: EventsGoToAnotherRealm, 1 => WrongBooks;
    a_line_that_is_dropped: ALineIsDropped, 1 => SilentDifference;
    discounts_that_are_halved: DiscountsAreHalved, 1 => SilentDifference;
    events_out_of_order: OldEventsCountAsNew, 3 => SilentDifference | Lost;
    voids_that_do_nothing: VoidsAreNotCarriedOut, 1 => SilentDifference;
    look_ups_that_find_nothing: LookUpsFindNothing, 85 => Duplicate | Lost | SilentDifference;
    stale_updates_that_seem_to_work: StaleUpdatesSeemToWork, 1 => SilentDifference;
    payments_of_one_invoice_only: PaymentsPayTheirFirstInvoiceOnly, 2 => SilentDifference;
    notes_that_are_lost: NotesAreLost, 3 => SilentDifference;
    classes_that_are_dropped: ClassesAreDropped, 1 => SilentDifference;
    classes_of_lines_that_are_not_kept: ClassesOfLinesAreNotKept, 3 => SilentDifference;
    locations_that_are_dropped: LocationsAreDropped, 1 => SilentDifference;
    deposit_accounts_that_are_dropped: DepositAccountsAreDropped, 1 => SilentDifference;
}

noticed! {
    Both;
    sweeps_that_are_skipped: SweepsAreSkipped, 11 => Lost | Diverged;
    polls_that_are_skipped: PollsAreSkipped, 1 => Lost | Diverged;
    what_was_seen_is_forgotten: WhatWasSeenIsForgotten, 2 => Overwritten;
    what_was_pushed_is_forgotten: WhatWasPushedIsForgotten, 2 => Overwritten;
    notices_that_are_lost: NoticesAreLost, 4 => Lost | Diverged;
    records_that_are_not_updated: RecordsAreNotUpdated, 1 => Diverged;
    records_that_are_not_deleted: RecordsAreNotDeleted, 6 => Diverged;
}
