//! The session in which a plan runs.

use aws_config::SdkConfig;
use aws_sdk_sts::config::{Credentials, SharedCredentialsProvider};

use crate::aws::Refusal;

/// As long as a plan may take with everything, in seconds.
const LASTS: i32 = 3_600;
const PROVIDER: &str = "stakeout-plan";

/// What a session is assumed with.
pub(crate) struct Session<'s> {
    pub role: &'s str,
    /// Nothing beyond this is allowed, whatever the role may do.
    pub policy: String,
    /// Source identity and name of the session.
    pub source: String,
}

/// The same configuration, with the credentials of a session.
///
/// # Errors
/// What STS refuses.
pub(crate) async fn assume(config: &SdkConfig, session: &Session<'_>) -> Result<SdkConfig, Refusal> {
    const RIGHT: &str = "sts:AssumeRole";
    let request = aws_sdk_sts::Client::new(config)
        .assume_role()
        .role_arn(session.role)
        .role_session_name(&session.source)
        .source_identity(&session.source)
        .policy(&session.policy)
        .duration_seconds(LASTS);
    let answer = request.send().await.map_err(|error| Refusal::of(RIGHT, &error))?;
    let missing = || Refusal::Other { action: RIGHT, why: "the answer holds no credentials".to_owned() };
    let minted = answer.credentials.ok_or_else(missing)?;
    let token = Some(minted.session_token);
    let credentials = Credentials::new(minted.access_key_id, minted.secret_access_key, token, None, PROVIDER);
    Ok(config.to_builder().credentials_provider(SharedCredentialsProvider::new(credentials)).build())
}
