//! How the program talks to AWS: the one place where the SDK is configured, what refusals mean, requests side by side, and
//! this program as a function of Lambda.

mod again;
pub(crate) mod kept;
mod refusal;
mod side_by_side;
pub(crate) mod whereabouts;

use std::sync::OnceLock;
use std::time::Duration;

use aws_config::environment::credentials::EnvironmentVariableCredentialsProvider;
use aws_config::environment::region::EnvironmentVariableRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::region::ProfileFileRegionProvider;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};

pub(crate) use again::Again;
pub(crate) use refusal::Refusal;
pub(crate) use side_by_side::{Work, side_by_side};

/// Cost Explorer answers large questions slowly.
const ANSWER: Duration = Duration::from_secs(60);
const CONNECT: Duration = Duration::from_secs(10);
/// The first try and four more, with growing pauses between them.
const TRIES: u32 = 5;
/// Where nothing names a region.
const ANY_REGION: &str = "us-east-1";

/// Where every client of this process goes, where that is pinned.
static PINNED: OnceLock<Pinned> = OnceLock::new();

/// The one address of a process, in the place of AWS's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pinned {
    pub endpoint: String,
    /// It is on this machine: the only credentials are those of the environment, so that nobody elsewhere is asked for any.
    pub is_here: bool,
}

/// Sends every client that is made from here on to one address, whatever variables and profiles say. A drill must not reach
/// an account by a client that nobody thought of, so this holds for the process and cannot be taken back.
///
/// # Errors
/// Another address is pinned already.
pub(crate) fn pin(pinned: Pinned) -> Result<(), Pinned> {
    let wanted = pinned.clone();
    match PINNED.get_or_init(|| pinned) {
        known if *known == wanted => Ok(()),
        known => Err(known.clone()),
    }
}

/// Credentials, endpoint and profile from the usual `AWS_*` variables and files, in a fixed region.
///
/// The SDK never tries again by itself: a call that costs money is repeated only by who counts it.
pub(crate) async fn configuration(region: &'static str) -> SdkConfig {
    load(Some(region.to_owned()), RetryConfig::disabled()).await
}

/// The same for calls that cost next to nothing: throttling and failures of the service are tried again. Without a region
/// that of the environment or the profile; the instance is not asked, which takes long where there is none.
pub(crate) async fn patient(region: Option<String>) -> SdkConfig {
    load(region, RetryConfig::standard().with_max_attempts(TRIES)).await
}

async fn load(region: Option<String>, retry: RetryConfig) -> SdkConfig {
    let region = RegionProviderChain::first_try(region.map(Region::new))
        .or_else(EnvironmentVariableRegionProvider::new())
        .or_else(ProfileFileRegionProvider::new())
        .or_else(Region::from_static(ANY_REGION));
    let timeouts = TimeoutConfig::builder().connect_timeout(CONNECT).operation_timeout(ANSWER).build();
    let mut loader =
        aws_config::defaults(BehaviorVersion::latest()).region(region).timeout_config(timeouts).retry_config(retry);
    if let Ok(name) = AppName::new("stakeout") {
        loader = loader.app_name(name);
    }
    if let Some(Pinned { endpoint, is_here }) = PINNED.get() {
        loader = loader.endpoint_url(endpoint);
        if *is_here {
            loader = loader.credentials_provider(EnvironmentVariableCredentialsProvider::new());
        }
    }
    loader.load().await
}
