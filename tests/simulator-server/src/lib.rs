//! What the simulators' servers share: a clock that can be moved, connections that can be broken, and a few small
//! things about their state.

mod clock;
mod connection;
mod kept;
mod locks;
mod settings;

pub use self::clock::{Clock, ClockOutOfRange};
pub use self::connection::{is_severed, serve, severed};
pub use self::kept::{load, save};
pub use self::locks::{lock, read, write};
pub use self::settings::merged;
