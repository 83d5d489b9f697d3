//! The judge judged: an engine that is broken in one place is found out each time.

use simulation::{Sabotage, Sort, run};

/// Runs until the judge finds a fault of one of these sorts, and shows that the same run is well without the
/// sabotage.
fn is_noticed(sabotage: Sabotage, sorts: &[Sort]) {
    for seed in 1..=80 {
        let report = run(seed, 250, Some(sabotage));
        let found =
            report.failures.iter().find(|(_, findings)| findings.iter().any(|one| sorts.contains(&one.sort)));
        if let Some((failed, _)) = found {
            assert_eq!(failed.run(None), [], "{sabotage:?}: the run is well without it");
            return;
        }
    }
    panic!("{sabotage:?} is not noticed as {sorts:?}");
}

macro_rules! noticed {
    ($($name:ident: $sabotage:ident => $($sort:ident)|+;)*) => {
        $(
            #[test]
            fn $name() {
                is_noticed(Sabotage::$sabotage, &[$(Sort::$sort),+]);
            }
        )*
    };
}

noticed! {
    requests_without_requestid: RequestIdsAreDropped => Duplicate;
    intents_that_are_not_recorded: IntentsAreForgotten => Duplicate;
    intents_that_are_not_found: PendingIntentsAreHidden => Duplicate;
    links_that_are_not_found: LinksAreForgotten => Duplicate | Lost | SilentDifference;
    links_that_are_not_refreshed: LinksAreNotRefreshed => SilentDifference | Lost | Overwritten;
    updates_with_the_current_token: TheCurrentSyncTokenIsSent => Overwritten;
    full_updates: UpdatesAreNotSparse => Overwritten;
    activity_that_is_not_stored: ActivityIsSwallowed => Lost;
    parked_events_without_their_body: ParkedEventsLoseTheirBody => Lost;
    failures_that_are_acknowledged: FailuresAreAcknowledged => Lost;
    another_companys_realm: EventsGoToAnotherRealm => WrongBooks;
    a_line_that_is_dropped: ALineIsDropped => SilentDifference;
    discounts_that_are_halved: DiscountsAreHalved => SilentDifference;
    events_out_of_order: OldEventsCountAsNew => SilentDifference | Lost;
    voids_that_do_nothing: VoidsAreNotCarriedOut => SilentDifference;
    look_ups_that_find_nothing: LookUpsFindNothing => Duplicate | Lost | SilentDifference;
    stale_updates_that_seem_to_work: StaleUpdatesSeemToWork => SilentDifference;
    payments_of_one_invoice_only: PaymentsPayTheirFirstInvoiceOnly => SilentDifference;
    notes_that_are_lost: NotesAreLost => SilentDifference;
}
