//! The SDKs' errors as the engine's.

use std::error::Error;

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::SdkError;
use sync::ports::StoreError;

/// Makes a [`StoreError`] of an SDK's error, without anything of the request or the response: they may hold secrets.
pub(crate) fn failed<E>(action: &'static str) -> impl FnOnce(SdkError<E, HttpResponse>) -> StoreError
where
    E: Error + Send + Sync + 'static,
{
    move |error| StoreError::new(action, Cause::of(&error))
}

/// An error's text and its causes' texts. The SDKs' own errors print whole requests and responses with `Debug`, and
/// some do even with `Display`.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
struct Cause {
    text: String,
    source: Option<Box<Cause>>,
}

impl Cause {
    fn of(error: &dyn Error) -> Cause {
        let text = error.to_string();
        let quotes_a_body = text.contains("SdkBody");
        Cause {
            text: if quotes_a_body { "an error that quotes the whole request".to_owned() } else { text },
            source: error.source().map(|source| Box::new(Cause::of(source))),
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::error::ConnectorError;
    use sync::ports::explain;

    use super::*;

    #[test]
    fn no_secret_is_told_and_the_causes_are() {
        let request =
            "failed to apply endpoint to `Request { body: SdkBody { inner: Once(Some(b\"secret\")) } }`";
        let cause = std::io::Error::other(Cause {
            text: request.to_owned(),
            source: Some(Box::new(Cause { text: "invalid uri character".to_owned(), source: None })),
        });
        let error: SdkError<std::io::Error, HttpResponse> =
            SdkError::dispatch_failure(ConnectorError::other(cause.into(), None));
        let error = failed("storing tokens")(error);
        let told = format!("{} {error:?}", explain(&error));
        assert!(!told.contains("secret"), "{told}");
        assert!(told.contains("storing tokens failed: ") && told.contains("invalid uri character"), "{told}");
    }
}
