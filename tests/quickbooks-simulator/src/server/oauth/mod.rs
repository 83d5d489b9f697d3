//! Intuit's OAuth 2.0 server: who may connect a company, and which tokens live.

pub(super) mod connections;
pub(super) mod consent;
pub(super) mod endpoints;
