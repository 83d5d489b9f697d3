//! Everything that is kept secret, for tests that look for it where it must not be.

use anyhow::{Context, ensure};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::stack::{ACCESS_KEY, REGION, Stack};

/// The version that holds, and the one before it.
const STAGES: [&str; 2] = ["AWSCURRENT", "AWSPREVIOUS"];

impl Stack {
    /// The values of all secrets, and the values that they had before.
    pub async fn secrets(&self) -> anyhow::Result<Vec<String>> {
        let (mut values, mut next) = (Vec::new(), Value::Null);
        loop {
            let listed =
                self.secrets_manager("ListSecrets", &json!({"MaxResults": 100, "NextToken": next})).await?;
            let listed = listed.context("ListSecrets was refused")?;
            for secret in listed["SecretList"].as_array().context("no list of secrets")? {
                for stage in STAGES {
                    let wanted = json!({"SecretId": secret["ARN"], "VersionStage": stage});
                    // Most have but one version.
                    let Some(value) = self.secrets_manager("GetSecretValue", &wanted).await? else {
                        continue;
                    };
                    values.extend(value["SecretString"].as_str().map(str::to_owned));
                }
            }
            next = listed["NextToken"].clone();
            if next.is_null() {
                return Ok(values);
            }
        }
    }

    /// The answer; none if the request was refused.
    async fn secrets_manager(&self, operation: &str, request: &Value) -> anyhow::Result<Option<Value>> {
        let mut request = request.clone();
        if let Some(members) = request.as_object_mut() {
            members.retain(|_, value| !value.is_null());
        }
        // The local AWS looks at whose key it is and at no signature.
        let signed = format!(
            "AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/20260101/{REGION}/secretsmanager/aws4_request, SignedHeaders=host, Signature=0"
        );
        let answer = reqwest::Client::new()
            .post(self.aws_endpoint())
            .header("authorization", signed)
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", format!("secretsmanager.{operation}"))
            .body(request.to_string())
            .send()
            .await?;
        let (status, body) = (answer.status(), answer.text().await?);
        if status == StatusCode::BAD_REQUEST {
            return Ok(None);
        }
        ensure!(status.is_success(), "{operation}: HTTP {status}: {body}");
        Ok(Some(serde_json::from_str(&body)?))
    }
}
