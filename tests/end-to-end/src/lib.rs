//! The real binaries, deployed from the real template to a local AWS.
