//! Invoice Ninja, version 5: its REST API and its webhooks.
//!
//! [`Client`] is one company's app and implements the engine's port [`sync::ports::Billing`]; [`Check`] tries an
//! address and a token before they are a company's. [`webhook`] reads what the app posts, [`hooks`] makes it post.
//! [`mapping`] turns its records into the neutral model and back; it is pure.

mod answer;
mod changed;
mod check;
mod client;
pub mod hooks;
pub mod json;
pub mod mapping;
mod port;
mod statics;
mod tax_rates;
pub mod webhook;

pub use check::Check;
pub use client::Client;
pub use statics::Statics;
