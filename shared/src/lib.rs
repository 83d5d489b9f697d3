//! The engine: what to do about a change, and in which order.
