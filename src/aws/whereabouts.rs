//! Where buckets and queues are: they are asked in their own region.

use aws_config::{Region, SdkConfig};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::Builder;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::SdkError;

/// The header in which S3 names the region of a bucket, also where it refuses everything else.
const REGION: &str = "x-amz-bucket-region";

/// A client of S3 in a region; none: that of the configuration.
pub(crate) fn buckets(config: &SdkConfig, region: Option<Region>) -> Client {
    // A stand-in on this machine has no names for buckets.
    let is_stand_in = config.endpoint_url().is_some() || std::env::var_os("AWS_ENDPOINT_URL_S3").is_some();
    let mut builder = Builder::from(config).force_path_style(is_stand_in);
    if region.is_some() {
        builder.set_region(region);
    }
    Client::from_conf(builder.build())
}

/// The region of the bucket that a refusal is about, where it names one.
pub(crate) fn named<E>(error: &SdkError<E, HttpResponse>) -> Option<Region> {
    let named = error.raw_response()?.headers().get(REGION)?;
    Some(Region::new(named.to_owned()))
}

/// The region in a queue's URL such as `https://sqs.eu-west-1.amazonaws.com/111122223333/name`.
pub(crate) fn of_queue(url: &str) -> Option<Region> {
    let host = url.split_once("://")?.1.split('/').next()?;
    let mut parts = host.strip_prefix("sqs.").or_else(|| host.strip_prefix("sqs-fips."))?.split('.');
    let region = parts.next().filter(|region| region.matches('-').count() >= 2)?;
    Some(Region::new(region.to_owned()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_queue_names_its_region() {
        let region = |url| super::of_queue(url).map(|region| region.to_string());
        let named = |region: &str| Some(region.to_owned());
        assert_eq!(region("https://sqs.eu-west-1.amazonaws.com/111122223333/events"), named("eu-west-1"));
        assert_eq!(region("http://sqs.us-east-1.localhost:4566/000000000000/events"), named("us-east-1"));
        assert_eq!(region("http://127.0.0.1:4566/000000000000/events"), None);
        assert_eq!(region("https://sqs.amazonaws.com/111122223333/events"), None);
    }
}
