//! QuickBooks Online client: the accounting API, Intuit's token server, and webhooks.
//!
//! [`Client`] calls the accounting API of one realm and implements the engine's port
//! [`sync::ports::QuickBooks`]; [`OAuth`] is its [`sync::ports::TokenServer`]. Both are cheap to make and share one
//! HTTP client, made once by [`http_client`]. [`webhook`] checks and reads what Intuit posts.

mod answer;
mod client;
mod endpoints;
mod http;
mod oauth;
mod port;
pub mod webhook;

pub use answer::asks_to_wait;
pub use client::Client;
pub use endpoints::Endpoints;
pub use oauth::{OAuth, OAuthError};
pub use transport::{Answer, SendError, Transport, http_client};
