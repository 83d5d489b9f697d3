//! `cargo run -p local`: the whole bundle on this machine.
fn main() {}
