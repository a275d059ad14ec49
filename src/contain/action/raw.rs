//! What AWS answers, as it answers it: evidence is no retelling.

use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_lambda::config::interceptors::AfterDeserializationInterceptorContextRef;
use aws_sdk_lambda::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_lambda::error::BoxError;

/// Keeps the bodies of successful answers, in order. It fits the clients of every service.
#[derive(Debug, Clone, Default)]
pub(super) struct Tape(Arc<Mutex<Vec<Vec<u8>>>>);

impl Tape {
    /// The bodies so far; then it is empty.
    pub(super) fn take(&self) -> Vec<Vec<u8>> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Intercept for Tape {
    fn name(&self) -> &'static str {
        "tape"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let answer = context.response();
        if let (true, Some(body)) = (answer.status().is_success(), answer.body().bytes()) {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(body.to_vec());
        }
        Ok(())
    }
}
