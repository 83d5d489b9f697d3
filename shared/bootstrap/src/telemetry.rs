//! The log: one JSON object a line on standard output, with dotted fields such as `company.id`.

use tracing_subscriber::EnvFilter;

use crate::config::{RUST_LOG, Variables};

/// The SDKs and the HTTP stack tell every step; what went wrong comes back as an error anyway.
const QUIET: [&str; 5] =
    ["aws_config=warn", "aws_runtime=warn", "aws_smithy_runtime=warn", "hyper_util=warn", "rustls=warn"];

/// Sets the log up for the whole process, panics included. To be called once.
pub fn init(variables: &dyn Variables) {
    let level =
        variables.get(RUST_LOG).filter(|level| !level.is_empty()).unwrap_or_else(|| "INFO".to_owned());
    let filter = QUIET.into_iter().chain([level.as_str()]).collect::<Vec<_>>().join(",");
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_env_filter(EnvFilter::new(filter))
        .init();
    std::panic::set_hook(Box::new(|panic| {
        let message = panic.payload_as_str().unwrap_or("no message");
        let place = panic.location().map(ToString::to_string);
        tracing::error!(panic.message = message, panic.location = place, "the code panicked: {message}");
    }));
}
