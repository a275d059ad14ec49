//! Rights of services of which a few calls are needed.

use super::{Bench, NOBODY, Tried, tried};

pub(super) async fn attempt(action: &str, bench: &Bench<'_>) -> Option<Tried> {
    match action.split_once(':')?.0 {
        "cloudtrail" => cloudtrail(action, bench).await,
        "events" | "scheduler" => triggers(action, bench).await,
        _ => accounts(action, bench).await,
    }
}

async fn cloudtrail(action: &str, bench: &Bench<'_>) -> Option<Tried> {
    let client = aws_sdk_cloudtrail::Client::new(&bench.config);
    Some(match action {
        "cloudtrail:DescribeTrails" => {
            tried("cloudtrail:DescribeTrails", client.describe_trails().include_shadow_trails(false).send().await)
        }
        "cloudtrail:GetTrailStatus" => {
            tried("cloudtrail:GetTrailStatus", client.get_trail_status().name(NOBODY).send().await)
        }
        "cloudtrail:LookupEvents" => {
            tried("cloudtrail:LookupEvents", client.lookup_events().max_results(1).send().await)
        }
        _ => return None,
    })
}

async fn triggers(action: &str, bench: &Bench<'_>) -> Option<Tried> {
    let events = aws_sdk_eventbridge::Client::new(&bench.config);
    Some(match action {
        "events:DescribeRule" => tried("events:DescribeRule", events.describe_rule().name(NOBODY).send().await),
        "events:ListTargetsByRule" => {
            tried("events:ListTargetsByRule", events.list_targets_by_rule().rule(NOBODY).send().await)
        }
        "scheduler:GetSchedule" => {
            let client = aws_sdk_scheduler::Client::new(&bench.config);
            tried("scheduler:GetSchedule", client.get_schedule().name(NOBODY).send().await)
        }
        _ => return None,
    })
}

async fn accounts(action: &str, bench: &Bench<'_>) -> Option<Tried> {
    Some(match action {
        "account:ListRegions" => {
            let client = aws_sdk_account::Client::new(&bench.config);
            tried("account:ListRegions", client.list_regions().max_results(1).send().await)
        }
        "autoscaling:DescribeAutoScalingGroups" => {
            let client = aws_sdk_autoscaling::Client::new(&bench.config);
            let request = client.describe_auto_scaling_groups().max_records(1);
            tried("autoscaling:DescribeAutoScalingGroups", request.send().await)
        }
        "guardduty:GetDetector" => {
            let client = aws_sdk_guardduty::Client::new(&bench.config);
            let request = client.get_detector().detector_id("0".repeat(32));
            tried("guardduty:GetDetector", request.send().await)
        }
        "guardduty:ListDetectors" => {
            let client = aws_sdk_guardduty::Client::new(&bench.config);
            tried("guardduty:ListDetectors", client.list_detectors().max_results(1).send().await)
        }
        _ => return None,
    })
}
