//! An operator's commands: add a company, make a connect link, read and change settings, move parked events on.
//!
//! [`Deployment`] says where a deployed Counterpart keeps its things, [`Admin`] does the work. The command line in
//! `main.rs` only reads arguments and prints.

mod admin;
mod billing;
mod deployment;
mod import;
pub mod text;

pub use admin::Admin;
pub use deployment::Deployment;
pub use sync::settings_change::{CutOff, SettingsChange};
