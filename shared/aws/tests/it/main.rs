//! The stores on a local AWS: they keep the same promises as those in memory.

mod contract;
