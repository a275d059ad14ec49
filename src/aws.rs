//! How the program talks to AWS: the one place where the SDK is configured.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};

/// Cost Explorer answers large questions slowly.
const ANSWER: Duration = Duration::from_secs(60);
const CONNECT: Duration = Duration::from_secs(10);

/// Credentials, endpoint and profile from the usual `AWS_*` variables and files, in a fixed region.
///
/// The SDK never tries again by itself: a call that costs money is repeated only by who counts it.
pub(crate) async fn configuration(region: &'static str) -> SdkConfig {
    let timeouts = TimeoutConfig::builder().connect_timeout(CONNECT).operation_timeout(ANSWER).build();
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .region(Region::from_static(region))
        .timeout_config(timeouts)
        .retry_config(RetryConfig::disabled());
    if let Ok(name) = AppName::new("stakeout") {
        loader = loader.app_name(name);
    }
    loader.load().await
}
