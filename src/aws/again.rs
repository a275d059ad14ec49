//! This Lambda function, invoked by itself for what is not to hold up an answer.

use std::time::Duration;

use aws_sdk_lambda::Client;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::InvocationType;

use super::Refusal;

/// The IAM action that it needs, on the function itself.
const ACTION: &str = "lambda:InvokeFunction";
/// Somebody waits three seconds for an answer.
const PATIENCE: Duration = Duration::from_millis(2_200);

/// The function that this process is.
pub(crate) struct Again {
    client: Client,
    function: String,
}

impl Again {
    /// The function of this name, in the region of the environment. Sends nothing.
    pub(crate) async fn of(function: String) -> Self {
        Self { client: Client::new(&super::patient(None).await), function }
    }

    /// Lambda invokes the function with this payload as soon as it can, once or more than once. Returns when Lambda has
    /// taken it.
    ///
    /// # Errors
    /// Lambda did not take it, or did not say so in time.
    pub(crate) async fn invoke(&self, payload: Vec<u8>) -> Result<(), Refusal> {
        let request = self
            .client
            .invoke()
            .function_name(&self.function)
            .invocation_type(InvocationType::Event)
            .payload(Blob::new(payload));
        let sent = tokio::time::timeout(PATIENCE, request.send()).await;
        let sent = sent.map_err(|_| Refusal::Passing(format!("{ACTION}: no answer within {PATIENCE:?}")))?;
        sent.map(drop).map_err(|error| Refusal::of(ACTION, &error))
    }
}
