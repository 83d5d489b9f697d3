//! The stores on a local AWS: they keep the same promises as those in memory.

#![expect(clippy::unwrap_used, reason = "a test's set-up that fails fails the test")]

mod contract;
