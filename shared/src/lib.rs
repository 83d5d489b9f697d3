//! The engine: what to do about a change, and in which order.
//!
//! Decisions are pure functions over values and `now`. The few functions that talk to the outside do it through
//! [`ports`]; nothing here knows AWS, HTTP or a runtime.

pub mod activity;
pub mod api_key;
pub mod billing_app;
pub mod connect;
#[cfg(any(test, feature = "contract"))]
pub mod contract;
pub mod event;
pub mod failure;
pub mod history;
pub mod ids;
pub mod import;
pub mod keep_alive;
pub mod limits;
pub mod link;
pub mod mail;
pub mod mapping;
pub mod matching;
#[cfg(any(test, feature = "memory"))]
pub mod memory;
pub mod model;
pub mod notice;
pub mod number;
pub mod outcome;
pub mod pairing;
pub mod parked;
pub mod plan;
pub mod poll;
pub mod ports;
pub mod preflight;
pub mod pull;
pub mod push;
pub mod push_now;
pub mod reconcile;
pub mod recreate;
pub mod reference;
pub mod session;
pub mod settings;
pub mod settings_change;
pub mod standing;
pub mod tokens;
