//! What AWS says of an account for which settings are to be made.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_cloudtrail::config::ProvideCredentials as _;

use super::HOME;
use crate::aws;

/// Nobody waits longer for a proposal.
const PATIENCE: Duration = Duration::from_secs(6);

/// What can be proposed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Proposal {
    /// Of the credentials.
    pub account: Option<String>,
    /// Of a trail, the one of all regions first: `s3://bucket/prefix`.
    pub bucket: Option<String>,
}

/// Asks AWS, where there are credentials. What it does not say is not proposed.
pub(crate) async fn propose() -> Proposal {
    let asked = async {
        let config = aws::configuration(HOME).await;
        let provider = config.credentials_provider()?;
        provider.provide_credentials().await.ok()?;
        Some(tokio::join!(account(&config), bucket(&config)))
    };
    let (account, bucket) = tokio::time::timeout(PATIENCE, asked).await.ok().flatten().unwrap_or_default();
    Proposal { account, bucket }
}

async fn account(config: &SdkConfig) -> Option<String> {
    aws_sdk_sts::Client::new(config).get_caller_identity().send().await.ok()?.account
}

async fn bucket(config: &SdkConfig) -> Option<String> {
    let answer = aws_sdk_cloudtrail::Client::new(config).describe_trails().include_shadow_trails(true).send().await;
    let mut trails = answer.ok()?.trail_list.unwrap_or_default();
    trails.sort_by_key(|trail| trail.is_multi_region_trail() != Some(true));
    let trail = trails.into_iter().find(|trail| trail.s3_bucket_name().is_some())?;
    let prefix = trail.s3_key_prefix().filter(|prefix| !prefix.is_empty());
    let prefix = prefix.map(|prefix| format!("/{}", prefix.trim_matches('/'))).unwrap_or_default();
    Some(format!("s3://{}{prefix}", trail.s3_bucket_name()?))
}
