//! The clients against a server that records what it is asked and answers what the test says, and against the
//! simulator.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod client;
mod faults;
mod oauth;
mod server;
mod simulator;
