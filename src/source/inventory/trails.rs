//! Trails: whether they log, and whether what they log arrives.

use aws_config::{Region, SdkConfig};
use aws_sdk_cloudtrail::Client;
use aws_sdk_cloudtrail::config::Builder;

use super::{Trail, TrailStatus, problem};
use crate::aws::Refusal;
use crate::source::Problem;

/// Each is a request. An account has five trails in a region at most, and those of other regions are rarely seen here.
const MOST_TRAILS: usize = 50;

/// Whether the trails are all that can be seen, the trails, and what could not be read.
pub(super) type Read = (bool, Vec<Trail>, Vec<Problem>);

/// Lists the trails of the global region with the copies of multi-region trails there, and asks each one's home region
/// how it does: the copy of a trail knows only its own region.
pub(super) async fn read(account: &str, config: &SdkConfig) -> Read {
    let client = Client::new(config);
    let answer = match client.describe_trails().include_shadow_trails(true).send().await {
        Ok(answer) => answer,
        Err(error) => {
            let why = Refusal::of("cloudtrail:DescribeTrails", &error).to_string();
            return (false, Vec::new(), vec![problem("cloudtrail:DescribeTrails", account, why)]);
        }
    };
    let mut trails = Vec::new();
    let mut problems = Vec::new();
    for trail in answer.trail_list().iter().take(MOST_TRAILS) {
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let mut trail = Trail {
            arn: text(trail.trail_arn()),
            name: text(trail.name()),
            home_region: text(trail.home_region()),
            multi_region: trail.is_multi_region_trail() == Some(true),
            bucket: text(trail.s3_bucket_name()),
            status: None,
            has_logged: false,
        };
        match status(config, &trail).await {
            Ok(status) => {
                trail.has_logged = status.logging;
                trail.status = Some(status);
            }
            Err(refusal) => {
                let what = format!("cloudtrail:GetTrailStatus of {}", trail.arn);
                problems.push(problem(&what, account, refusal.to_string()));
            }
        }
        trails.push(trail);
    }
    trails.sort_unstable_by(|a, b| a.arn.cmp(&b.arn));
    let complete = answer.trail_list().len() <= MOST_TRAILS;
    if !complete {
        let why = format!("more than {MOST_TRAILS} trails; none of them is compared");
        problems.push(problem("cloudtrail:DescribeTrails", account, why));
    }
    (complete, trails, problems)
}

async fn status(config: &SdkConfig, trail: &Trail) -> Result<TrailStatus, Refusal> {
    let mut builder = Builder::from(config);
    if !trail.home_region.is_empty() {
        builder = builder.region(Region::new(trail.home_region.clone()));
    }
    let client = Client::from_conf(builder.build());
    let answer = client.get_trail_status().name(&trail.arn).send().await;
    let answer = answer.map_err(|error| Refusal::of("cloudtrail:GetTrailStatus", &error))?;
    Ok(TrailStatus {
        logging: answer.is_logging() == Some(true),
        latest_delivery: answer.latest_delivery_time().map(|at| at.secs()),
        delivery_error: answer.latest_delivery_error().filter(|error| !error.is_empty()).map(str::to_owned),
    })
}
