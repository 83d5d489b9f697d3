//! E-mail through SES.

use async_trait::async_trait;
use aws_sdk_sesv2::Client;
use aws_sdk_sesv2::config::http::HttpResponse;
use aws_sdk_sesv2::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sesv2::operation::send_email::SendEmailError;
use aws_sdk_sesv2::types::{Body, Content, Destination, EmailContent, Message as SimpleMessage};
use sync::mail::{Address, Mail, MailError, Message};

const CHARSET: &str = "UTF-8";

/// Sends from one address, which SES knows as ours.
#[derive(Clone, Debug)]
pub struct SesMail {
    client: Client,
    from: String,
}

impl SesMail {
    /// `client` repeats nothing by itself: an e-mail whose fate is unknown would be sent twice.
    pub(crate) fn new(client: Client, from: String) -> SesMail {
        SesMail { client, from }
    }
}

#[async_trait]
impl Mail for SesMail {
    async fn send(&self, message: &Message) -> Result<(), MailError> {
        let unsent = |error: aws_sdk_sesv2::error::BuildError| MailError::NotSent(error.to_string());
        let content = |text: &str| Content::builder().data(text).charset(CHARSET).build().map_err(unsent);
        let body = Body::builder().text(content(&message.text)?).html(content(&message.html)?).build();
        let simple = SimpleMessage::builder().subject(content(&message.subject)?).body(body).build();
        let to = message.to.iter().map(|address| address.as_str().to_owned()).collect();
        let request = self
            .client
            .send_email()
            .from_email_address(&self.from)
            .destination(Destination::builder().set_to_addresses(Some(to)).build())
            .content(EmailContent::builder().simple(simple).build());
        request.send().await.map(drop).map_err(|error| unsent_or_unknown(&error))
    }

    /// By the account's suppression list, on which SES puts what bounces for good and who complains (Amazon SES: Using the
    /// account-level suppression list).
    async fn keeps_back(&self, address: &Address) -> bool {
        let listed = self.client.get_suppressed_destination().email_address(address.as_str()).send().await;
        match listed {
            Ok(_) => true,
            Err(SdkError::ServiceError(refusal)) if refusal.err().is_not_found_exception() => false,
            Err(error) => {
                let code = error.code().unwrap_or("no code");
                tracing::warn!(code, "SES did not tell whether an address takes e-mail");
                false
            }
        }
    }
}

/// What is known of an e-mail that SES did not take over. Its own words are left out: they name addresses.
fn unsent_or_unknown(error: &SdkError<SendEmailError, HttpResponse>) -> MailError {
    let code = || error.code().unwrap_or("no code").to_owned();
    match error {
        SdkError::ConstructionFailure(_) => MailError::NotSent("the request could not be made".into()),
        SdkError::ServiceError(refusal) if refusal.raw().status().is_client_error() => {
            MailError::NotSent(format!("SES refuses: {}", code()))
        }
        SdkError::ServiceError(_) => MailError::Unknown(format!("SES fails: {}", code())),
        SdkError::TimeoutError(_) => MailError::Unknown("SES did not answer in time".into()),
        _ => MailError::Unknown("SES could not be reached, or its answer was lost".into()),
    }
}
