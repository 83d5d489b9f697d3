//! The push, as a company's bookkeeper and its billing app see it: the engine over the real client, against the
//! simulator. Stores are in memory.

#![expect(clippy::unwrap_used, reason = "a test's set-up that fails fails the test")]

mod amounts;
mod batches;
mod checklist;
mod choices;
mod cut_short;
mod desk;
mod fuzz;
mod guarded;
mod linking;
mod names;
mod ordering;
mod preflight;
mod pull;
mod purity;
mod push_now;
mod replay;
mod stops;
mod storms;
mod taxes;
mod trouble;
mod withdrawals;
mod write_back;
mod writing;
