//! What a deployed stack says about itself.

use std::collections::BTreeMap;

use aws_sdk_cloudformation::Client;
use sync::ports::StoreError;

use crate::error::failed;

/// A stack's outputs by name.
pub type StackOutputs = BTreeMap<String, String>;

pub(crate) async fn outputs(client: &Client, stack: &str) -> Result<StackOutputs, StoreError> {
    let action = "reading the stack's outputs";
    let answer = client.describe_stacks().stack_name(stack).send().await.map_err(failed(action))?;
    let described = answer.stacks().first();
    let stack = described.ok_or_else(|| StoreError::new(action, format!("there is no stack {stack}")))?;
    let output = |output: &aws_sdk_cloudformation::types::Output| {
        Some((output.output_key()?.to_owned(), output.output_value()?.to_owned()))
    };
    Ok(stack.outputs().iter().filter_map(output).collect())
}
