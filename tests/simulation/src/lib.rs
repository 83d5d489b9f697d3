//! Random changes on both sides of the real engine, faults at every arrow, and a judge.
//!
//! A run is a list of [`Operation`]s in a world of several companies: what their billing apps tell, what a bookkeeper
//! does in QuickBooks, and how connections come and go. The engine (`sync::push`, `sync::pull`, `sync::reconcile`,
//! `sync::poll`) works through the real client (`quickbooks::Client`) on simulated companies and on a billing app in
//! memory, while stores fail, workers die or overlap, webhooks go astray, and calls are lost before or after they took
//! effect. At the end the faults stop, everything settles, and the [`judge`](Finding) compares both sides.
//!
//! The same seed gives the same run. A run that fails is cut down to the few operations that matter.

mod billing;
mod bookkeeper;
mod chaos;
mod choices;
mod clock;
mod dice;
mod judge;
mod operation;
mod queue;
mod run;
mod sabotage;
mod stores;
mod tidings;
mod transport;
mod view;
mod world;

pub use judge::{Finding, Sort};
pub use operation::{Act, Operation, Ways};
pub use run::{Report, Reproduction, run};
pub use sabotage::Sabotage;
