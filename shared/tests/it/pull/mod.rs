//! The pull, as a bookkeeper in QuickBooks and a person at the billing app see it: the engine over the real client,
//! against the simulator, with a billing app in memory.

mod cut_short;
mod echoes;
pub(crate) mod fragile;
mod import;
mod lists;
mod office;
mod overlapping;
mod points;
mod recreated;
mod replaced;
mod same_second;
mod sweeps;
mod transactions;
