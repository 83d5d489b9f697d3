//! The whole bundle on one machine, without AWS and without Docker.
//!
//! [`Stack`] builds the functions, starts MiniStack (a local AWS, installed into the target directory on first
//! use), deploys the real `template.yaml` with the real binaries, and gives the HTTP API one plain address.
//! [`Bundle`] adds simulators of QuickBooks and of Invoice Ninja; [`run`] connects a company, pushes the events of
//! [`demo`] or a person's own, tells what became of them, and tries the four [`pairs`] of companies in every direction. Several run side by side. Nothing in a function knows that it runs here.

mod bare;
mod bundle;
mod delivery;
pub mod demo;
mod mailbox;
mod ministack;
pub mod pairs;
mod person;
mod proxy;
mod python;
pub mod run;
mod secrets;
mod stack;
mod template;
mod workspace;

pub use bare::BareAws;
pub use bundle::{Bundle, BundleOptions};
pub use delivery::{Ended, Message, Sent};
pub use mailbox::SentMail;
pub use person::{Page, Person};
pub use python::lint_template;
pub use stack::{ACCESS_KEY, MAIL_FROM, REGION, SECRET_KEY, STACK_NAME, Stack, StackOptions};
