//! A QuickBooks Online company and its OAuth server, for tests and for trying things out.
//!
//! [`company`] is the accounting API as a pure state machine; [`server`] puts HTTP, OAuth, throttles, faults,
//! webhooks and a small web page around it.

pub mod company;
pub mod server;
