//! Answers of AWS as they came, for evidence: nothing is lost in a translation.

use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_ec2::config::interceptors::AfterDeserializationInterceptorContextRef;
use aws_sdk_ec2::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_ec2::error::BoxError;

/// Keeps the body of the last answer to a request.
#[derive(Debug, Clone, Default)]
pub(super) struct Raw(Arc<Mutex<Vec<u8>>>);

impl Raw {
    /// The body that was kept.
    pub(super) fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Intercept for Raw {
    fn name(&self) -> &'static str {
        "raw"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let body = context.response().body().bytes().unwrap_or_default();
        body.clone_into(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(())
    }
}
