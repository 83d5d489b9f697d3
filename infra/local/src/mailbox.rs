//! What was sent by e-mail, and calling a function by hand.

use anyhow::{Context, ensure};
use serde::Deserialize;
use serde_json::Value;

use crate::stack::{ACCESS_KEY, REGION, Stack};

/// An e-mail as the local SES took it over.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SentMail {
    /// Whom it is from.
    pub source: String,
    /// Everybody it went to.
    pub to: Vec<String>,
    /// One line.
    pub subject: String,
    /// For readers without HTML.
    pub body_text: String,
    /// For all others.
    pub body_html: String,
}

impl Stack {
    /// Every e-mail that was sent to an address, in order.
    pub async fn mails_to(&self, address: &str) -> anyhow::Result<Vec<SentMail>> {
        let mut mails = self.mails().await?;
        mails.retain(|mail| mail.to.iter().any(|to| to == address));
        Ok(mails)
    }

    /// Every e-mail that was sent, in order.
    pub async fn mails(&self) -> anyhow::Result<Vec<SentMail>> {
        let answer = reqwest::get(format!("{}/_ministack/ses/messages", self.aws_endpoint())).await?;
        let answer: Value = serde_json::from_str(&answer.text().await?)?;
        let accounts = answer["messages"].as_object().context("no messages")?.values();
        let mails = accounts.filter_map(Value::as_array).flatten().cloned();
        mails.map(|mail| Ok(serde_json::from_value(mail)?)).collect()
    }

    /// Calls a function as its schedule does, and waits for its end. `function` is its logical id in the template.
    pub async fn run_scheduled(&self, function: &str) -> anyhow::Result<()> {
        let name = self.output(function)?;
        let address = format!("{}/2015-03-31/functions/{name}/invocations", self.aws_endpoint());
        // The local AWS looks at whose key it is and at no signature.
        let signed = format!(
            "AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/20260101/{REGION}/lambda/aws4_request, SignedHeaders=host, Signature=0"
        );
        let request = reqwest::Client::new().post(address).header("authorization", signed);
        let answer = request.body("{}").send().await?;
        let failed = answer.headers().contains_key("x-amz-function-error");
        let (status, body) = (answer.status(), answer.text().await?);
        ensure!(status.is_success() && !failed, "{function} ended with HTTP {status}: {body}");
        Ok(())
    }
}
