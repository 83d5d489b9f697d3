//! What the simulators' servers share: how one is started, stopped and controlled, a clock that can be moved,
//! connections that can be broken, what goes wrong on request, what is around a page, and a few small things about their
//! state.

mod clock;
mod connection;
mod control;
mod faults;
mod kept;
mod locks;
mod page;
mod running;
mod settings;

pub use self::clock::{Clock, ClockChange, ClockOutOfRange};
pub use self::connection::{is_severed, serve, severed};
pub use self::control::{Controlled, control, done, refused};
pub use self::faults::{Effect, Fault, Faults, Seen};
pub use self::locks::{lock, read, write};
pub use self::page::page;
pub use self::running::Running;
pub use self::settings::merged;
