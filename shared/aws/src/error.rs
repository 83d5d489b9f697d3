//! The SDKs' errors as the engine's.

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::SdkError;
use sync::ports::StoreError;

/// Makes a [`StoreError`] of an SDK's error.
///
/// The HTTP response is left behind: it may hold secrets, and `Debug` would print it.
pub(crate) fn failed<E>(action: &'static str) -> impl FnOnce(SdkError<E, HttpResponse>) -> StoreError
where
    E: std::error::Error + Send + Sync + 'static,
{
    move |error| {
        let text = error.to_string();
        match error.into_source() {
            Ok(source) => StoreError { action, source },
            Err(_) => StoreError::new(action, text),
        }
    }
}
