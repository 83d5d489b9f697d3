//! What every implementation of the stores has to pass, told as tests: each function takes two handles of one store,
//! as two workers would have them, and panics where a promise of [`crate::ports`] is broken.
//!
//! Every check uses companies of its own, so that a store may be shared. A store must be empty at first.

#![expect(clippy::unwrap_used, clippy::panic, reason = "these are tests that other packages run too")]

mod activity;
mod budget;
mod companies;
mod cursors;
mod history;
mod imports;
mod ledger;
mod mail;
mod pairing;
mod pull_queue;
mod standings;
mod sweeps;
mod vault;

use jiff::Timestamp;

use crate::ids::{Books, CompanyId, RealmId};

pub use activity::activity_log;
pub use budget::budget;
pub use companies::companies;
pub use cursors::cursors;
pub use history::history;
pub use imports::imports;
pub use ledger::ledger;
pub use mail::mail;
pub use pairing::{directories, pairs};
pub use pull_queue::pull_queue;
pub use standings::standings;
pub use sweeps::sweeps;
pub use vault::{billing_vault, vault};

fn company(name: &str) -> CompanyId {
    CompanyId::new(name).unwrap()
}

/// A realm for a number; each check has numbers of its own.
fn books(name: &str, realm: u32) -> Books {
    Books { company: company(name), realm: RealmId::new(realm.to_string()).unwrap() }
}

/// Some second of one day, told by a number.
fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_772_000_000 + second).unwrap()
}

/// Text that does not become shorter when it is packed, much.
fn noise(length: usize) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-";
    let mut state: u64 = 0x9E37_79B9_7F4A_7C15;
    let letter = |_| {
        // xorshift (Marsaglia).
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(LETTERS[usize::try_from(state >> 58).unwrap()])
    };
    (0..length).map(letter).collect()
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;

    use crate::memory::{
        MemoryActivityLog, MemoryBillingVault, MemoryBudget, MemoryCompanies, MemoryCursors,
        MemoryDirectories, MemoryImports, MemoryLedger, MemoryMail, MemoryPullQueue, MemoryVault,
    };

    #[test]
    fn the_stores_in_memory_keep_their_promises() {
        let ledger = MemoryLedger::default();
        block_on(super::ledger(&ledger, &ledger));
        block_on(super::pairs(&ledger, &ledger));
        let directories = MemoryDirectories::default();
        block_on(super::directories(&directories, &directories));
        let companies = MemoryCompanies::default();
        block_on(super::companies(&companies, &companies));
        let companies = MemoryCompanies::default();
        block_on(super::sweeps(&companies, &companies));
        let companies = MemoryCompanies::default();
        block_on(super::standings(&companies, &companies));
        let log = MemoryActivityLog::default();
        block_on(super::activity_log(&log, &log));
        let log = MemoryActivityLog::default();
        block_on(super::history(&log, &log));
        let vault = MemoryVault::default();
        block_on(super::vault(&vault, &vault));
        let vault = MemoryBillingVault::default();
        block_on(super::billing_vault(&vault, &vault));
        let cursors = MemoryCursors::default();
        block_on(super::cursors(&cursors, &cursors));
        let queue = MemoryPullQueue::default();
        block_on(super::pull_queue(&queue, async || {
            queue.messages().into_iter().map(|message| (message.company.into(), message.body)).collect()
        }));
        let imports = MemoryImports::default();
        block_on(super::imports(&imports, &imports));
        let mail = MemoryMail::default();
        block_on(super::mail(&mail, async || mail.messages()));
        let budget = MemoryBudget::default();
        block_on(super::budget(&budget, &budget));
    }
}
