//! Takes entity events off the push queue.

fn main() {}
