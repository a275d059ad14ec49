//! The trails of an account: what they record, and whether it arrives.

use aws_config::{Region, SdkConfig};
use aws_sdk_cloudtrail::Client;
use aws_sdk_cloudtrail::config::Builder;

use super::{ACCOUNTS, Check, PATIENCE, Room};
use crate::aws::{Refusal, Work, side_by_side};
use crate::event::{HOUR, Seconds, time};
use crate::model::counted;

/// Trails that are told one by one.
const TOLD: usize = 5;
/// CloudTrail writes every few minutes where something happens.
const LATE: Seconds = HOUR;
const STATUS: &str = "cloudtrail:GetTrailStatus";

/// A trail, as its home region tells.
#[derive(Debug, Clone, Default)]
struct Trail {
    arn: String,
    bucket: String,
    region: String,
    is_everywhere: bool,
    is_validated: bool,
    status: Option<Status>,
}

#[derive(Debug, Clone, Default)]
struct Status {
    is_logging: bool,
    delivered: Option<Seconds>,
    error: Option<String>,
}

pub(super) async fn all(room: &Room<'_>) -> Vec<Check> {
    let Some(live) = room.live else { return Vec::new() };
    let bucket = room.config.sources.trail_bucket.as_ref().map(|url| bucket_of(url.as_str()).to_owned());
    let (mut checks, mut buckets, mut is_whole) = (Vec::new(), Vec::new(), true);
    let configs = live.configs();
    let work = configs.values().map(|config| -> Work<'_, Result<Vec<Trail>, Refusal>> {
        let late = |_| Err(Refusal::Passing(format!("no answer within {} s", PATIENCE.as_secs())));
        Box::pin(async move { tokio::time::timeout(PATIENCE, read(config)).await.unwrap_or_else(late) })
    });
    for (account, trails) in configs.keys().zip(side_by_side(ACCOUNTS, work).await) {
        match trails {
            Ok(trails) => {
                buckets.extend(trails.iter().map(|trail| trail.bucket.clone()));
                checks.extend(told(account, &trails, (room.clock)()));
            }
            Err(refusal) => {
                is_whole = false;
                checks.push(Check::note(format!("trails of {account}"), format!("not known: {refusal}")));
            }
        }
    }
    if let Some(bucket) = bucket.filter(|bucket| is_whole && !buckets.contains(bucket)) {
        let told = format!("no trail that is seen from here delivers to {bucket}; one of the organization may");
        checks.push(Check::note("sources.trail_bucket", told).mend("compare with aws cloudtrail describe-trails"));
    }
    checks
}

fn bucket_of(url: &str) -> &str {
    let path = url.strip_prefix("s3://").unwrap_or(url);
    path.split('/').next().unwrap_or(path)
}

async fn read(config: &SdkConfig) -> Result<Vec<Trail>, Refusal> {
    let answer = Client::new(config).describe_trails().include_shadow_trails(true).send().await;
    let answer = answer.map_err(|error| Refusal::of("cloudtrail:DescribeTrails", &error))?;
    let mut trails = Vec::new();
    for trail in answer.trail_list() {
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let mut trail = Trail {
            arn: text(trail.trail_arn()),
            bucket: text(trail.s3_bucket_name()),
            region: text(trail.home_region()),
            is_everywhere: trail.is_multi_region_trail() == Some(true),
            is_validated: trail.log_file_validation_enabled() == Some(true),
            status: None,
        };
        if trails.len() < TOLD {
            trail.status = status(config, &trail).await.ok();
        }
        trails.push(trail);
    }
    Ok(trails)
}

async fn status(config: &SdkConfig, trail: &Trail) -> Result<Status, Refusal> {
    let mut builder = Builder::from(config);
    if !trail.region.is_empty() {
        builder = builder.region(Region::new(trail.region.clone()));
    }
    let answer = Client::from_conf(builder.build()).get_trail_status().name(&trail.arn).send().await;
    let answer = answer.map_err(|error| Refusal::of(STATUS, &error))?;
    Ok(Status {
        is_logging: answer.is_logging() == Some(true),
        delivered: answer.latest_delivery_time().map(|at| at.secs()),
        error: answer.latest_delivery_error().filter(|error| !error.is_empty()).map(str::to_owned),
    })
}

/// What can be said of the trails of an account.
fn told(account: &str, trails: &[Trail], now: Seconds) -> Vec<Check> {
    let what = format!("trails of {account}");
    if trails.is_empty() {
        let told = "there is none: CloudTrail keeps 90 days of management events and no more, nothing can be fetched from a \
                    bucket, and EventBridge does not tell of calls";
        let mend = "aws cloudtrail create-trail --name trail --s3-bucket-name BUCKET --is-multi-region-trail \
                    --enable-log-file-validation && aws cloudtrail start-logging --name trail";
        return vec![Check::note(what, told).mend(mend)];
    }
    let mut checks: Vec<_> = trails.iter().take(TOLD).map(|trail| one(trail, now)).collect();
    if trails.len() > TOLD {
        checks.push(Check::note(&what, format!("{} more are not looked at", counted(trails.len() - TOLD, "trail"))));
    }
    let is_known = trails.iter().all(|trail| trail.status.is_some());
    let is_good = |trail: &Trail| trail.is_everywhere && trail.status.as_ref().is_some_and(|status| status.is_logging);
    if is_known && !trails.iter().any(is_good) {
        let told = "none of them records all regions at this time";
        let mend = "aws cloudtrail update-trail --name NAME --is-multi-region-trail";
        checks.push(Check::note(what, told).mend(mend));
    }
    checks
}

fn one(trail: &Trail, now: Seconds) -> Check {
    let name = trail.arn.rsplit('/').next().unwrap_or(&trail.arn);
    let what = format!("trail {name}");
    let Some(status) = &trail.status else {
        return Check::note(what, format!("not known: {STATUS} gives no answer"));
    };
    if !status.is_logging {
        let mend = format!("aws cloudtrail start-logging --region {} --name {}", trail.region, trail.arn);
        return Check::fails(what, "it is switched off").mend(mend);
    }
    if let Some(error) = &status.error {
        let mend = format!("the policy of the bucket {} has to let CloudTrail write", trail.bucket);
        return Check::fails(what, format!("it cannot deliver to {}: {error}", trail.bucket)).mend(mend);
    }
    let age = status.delivered.map(|at| (now - at).max(0));
    let last = age.map_or_else(|| "nothing yet".to_owned(), |age| format!("last {} ago", time::format_duration(age)));
    let place = if trail.is_everywhere { "all regions".to_owned() } else { format!("{} only", trail.region) };
    let told = format!("it records {place} and delivers to {} ({last})", trail.bucket);
    if !trail.is_validated {
        let mend =
            format!("aws cloudtrail update-trail --region {} --name {name} --enable-log-file-validation", trail.region);
        return Check::note(what, format!("{told}; changes to its files cannot be proved")).mend(mend);
    }
    match age {
        Some(age) if age > LATE => Check::note(what, format!("{told}, which is late")),
        None => Check::note(what, told),
        _ => Check::works(what, told),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trail(status: Option<Status>) -> Trail {
        let arn = "arn:aws:cloudtrail:eu-west-1:1:trail/main".to_owned();
        let (bucket, region) = ("b".to_owned(), "eu-west-1".to_owned());
        Trail { arn, bucket, region, is_everywhere: true, is_validated: true, status }
    }

    #[test]
    fn a_trail_that_records_nothing_fails() {
        let good = Status { is_logging: true, delivered: Some(9_700), error: None };
        let line = |trail: Trail| told("1", &[trail], 10_000).iter().map(Check::line).collect::<Vec<_>>().join("\n");
        let works = "works  trail main: it records all regions and delivers to b (last 5m ago)";
        assert_eq!(line(trail(Some(good.clone()))), works);
        assert!(line(trail(Some(Status { is_logging: false, ..good.clone() }))).starts_with(
            "FAILS  trail main: it is switched off. To mend: aws cloudtrail start-logging --region eu-west-1"
        ));
        let broken = Status { error: Some("AccessDenied".to_owned()), ..good.clone() };
        assert!(line(trail(Some(broken))).contains("cannot deliver to b: AccessDenied"));
        assert!(line(trail(None)).starts_with("note   trail main: not known"));
        let local = Trail { is_everywhere: false, is_validated: false, ..trail(Some(good)) };
        let lines = line(local);
        assert!(lines.contains("eu-west-1 only") && lines.contains("none of them records all regions"), "{lines}");
        assert!(told("1", &[], 0)[0].line().contains("create-trail"));
    }
}
