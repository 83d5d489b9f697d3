//! Everything that touches an AWS SDK: the engine's stores in DynamoDB and Secrets Manager, the queues, and e-mail.
//!
//! [`Aws`] is made once and makes the rest. The tables' layouts are described in `ledger`, `companies`,
//! `activity`, `imports` and `budget`; what all items share (keys, packed JSON) is in `item`, and calls to DynamoDB in `table`.

mod activity;
mod budget;
mod companies;
mod connection;
mod error;
mod imports;
mod item;
mod ledger;
mod mail;
mod pairing;
mod queue;
#[cfg(feature = "operator")]
mod stack;
mod table;
mod vault;

pub use activity::DynamoActivityLog;
pub use budget::DynamoBudget;
pub use companies::DynamoCompanies;
pub use connection::{Aws, Local};
pub use imports::DynamoImports;
pub use ledger::DynamoLedger;
pub use mail::SesMail;
pub use queue::{Delay, Queue};
#[cfg(feature = "operator")]
pub use stack::StackOutputs;
pub use vault::SecretsVault;
