//! The whole bundle on one machine, without AWS and without Docker.
//!
//! [`Stack`] builds the functions, starts MiniStack (a local AWS, installed into the target directory on first
//! use), deploys the real `template.yaml` with the real binaries, and gives the HTTP API one plain address. Several
//! stacks run side by side. Nothing in a function knows that it runs here.

pub mod demo;
mod ministack;
mod proxy;
mod python;
mod stack;
mod template;
mod workspace;

pub use python::lint_template;
pub use stack::{ACCESS_KEY, REGION, SECRET_KEY, Stack, StackOptions};
