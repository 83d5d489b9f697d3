//! What every function's main shares.
//!
//! [`config`] reads the environment, [`telemetry`] sets up the log, and [`Services`] holds the clients, made once per
//! process; nothing is called before it is needed. [`batch`] takes an SQS batch apart and answers for each message;
//! [`Services::report`] tells CloudWatch what was done.

pub mod batch;
mod billing;
pub mod config;
mod connections;
mod intuit;
mod metrics;
mod pacing;
mod services;
pub mod telemetry;
mod verifier;

pub use billing::BillingApps;
pub use connections::Connections;
pub use intuit::IntuitAt;
pub use services::{Patience, Secret, Services, SystemClock};
pub use verifier::{ReadSecret, Verifier};
