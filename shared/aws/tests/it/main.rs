//! The stores on a local AWS keep the same promises as those in memory, and the queue does what it is told.

#![expect(clippy::unwrap_used, reason = "a test's set-up that fails fails the test")]

mod contract;
mod queue;
mod world;
