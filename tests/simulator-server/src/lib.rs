//! What the simulators' servers share: a clock that can be moved, connections that can be broken, rules for what goes
//! wrong, and a few small things about their state.

mod clock;
mod connection;
mod kept;
mod locks;
mod rules;
mod settings;

pub use self::clock::{Clock, ClockChange, ClockOutOfRange};
pub use self::connection::{is_severed, serve, severed};
pub use self::kept::{load, save};
pub use self::locks::{lock, read, write};
pub use self::rules::{Rules, Strikes};
pub use self::settings::merged;
