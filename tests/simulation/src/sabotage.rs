//! Ways to break the engine on purpose, from outside: the judge has to notice each.

/// What is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, clap::ValueEnum)]
#[expect(missing_docs, reason = "the names say it; each is explained where it acts")]
pub enum Sabotage {
    RequestIdsAreDropped,
    IntentsAreForgotten,
    PendingIntentsAreHidden,
    LinksAreForgotten,
    LinksAreNotRefreshed,
    TheCurrentSyncTokenIsSent,
    UpdatesAreNotSparse,
    ActivityIsSwallowed,
    ParkedEventsLoseTheirBody,
    FailuresAreAcknowledged,
    EventsGoToAnotherRealm,
    ALineIsDropped,
    DiscountsAreHalved,
    OldEventsCountAsNew,
    VoidsAreNotCarriedOut,
    LookUpsFindNothing,
    StaleUpdatesSeemToWork,
    PaymentsPayTheirFirstInvoiceOnly,
    NotesAreLost,
    SweepsAreSkipped,
    PollsAreSkipped,
    NoticesAreLost,
    WhatWasSeenIsForgotten,
    WhatWasPushedIsForgotten,
    RecordsLookOlderThanTheyAre,
    RecordIntentsAreForgotten,
    RecordsAreNotUpdated,
    RecordsAreReplacedWhole,
    RecordsAreNotDeleted,
}
