//! The push, as a company's bookkeeper and its billing app see it: the engine over the real client, against the
//! simulator. Stores are in memory.

mod desk;
mod linking;
mod ordering;
mod trouble;
mod writing;
