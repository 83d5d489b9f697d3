//! The real binaries, deployed from the real template to a local AWS, beside a QuickBooks simulator.
//!
//! All tests share one bundle, which the first of them starts and which is ended in order after the last, whatever
//! became of them. Each has companies and realms of its own, so that they run side by side.

mod after_all;
mod api;
mod billing;
mod both_ways;
mod budget;
mod connection;
mod console;
mod demo;
mod directions;
mod failures;
mod imports;
mod input;
mod ninja;
mod oauth;
mod push_now;
mod python;
mod records;
mod webhooks;
mod world;

use std::process::ExitCode;

use libtest_mimic::Arguments;

/// They mostly wait.
const AT_A_TIME: usize = 8;

fn main() -> anyhow::Result<ExitCode> {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(AT_A_TIME);
    let world = world::World::new()?;
    let side_by_side = [
        demo::tests(),
        api::tests(),
        failures::tests(),
        oauth::tests(),
        push_now::tests(),
        directions::tests(),
        billing::tests(),
        budget::tests(),
        connection::tests(),
        imports::tests(),
        console::tests(),
        input::tests(),
        webhooks::tests(),
    ];
    // A sweep goes through the books of all companies.
    let rounds = [side_by_side.into_iter().flatten().collect(), both_ways::tests(), after_all::tests()];
    let has_failed = |tests| libtest_mimic::run(&arguments, world.trials(tests)).has_failed();
    let failed = rounds.map(has_failed).contains(&true);
    world.end()?;
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
