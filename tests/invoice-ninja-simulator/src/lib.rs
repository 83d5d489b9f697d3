//! The slice of Invoice Ninja's REST API (v5) that a sync needs, for tests and for trying things out.
//!
//! [`company`] is the API as a pure state machine, traps included; [`server`] puts HTTP, faults, webhooks and a small
//! web page around it.

pub mod company;
pub mod server;
