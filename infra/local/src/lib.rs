//! The whole bundle on one machine, in one command.
