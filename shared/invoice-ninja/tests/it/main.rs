//! The client against the simulator, traps included.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod app;
mod connecting;
mod listing;
mod trouble;
mod writing;
