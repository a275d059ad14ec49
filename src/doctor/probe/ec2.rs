//! Rights of EC2. It has dry runs: the answer is the decision.

use super::{Bench, Tried};

#[cfg(not(feature = "ec2"))]
pub(super) async fn attempt(_: &str, _: &Bench<'_>) -> Option<Tried> {
    None
}

#[cfg(feature = "ec2")]
pub(super) async fn attempt(name: &str, bench: &Bench<'_>) -> Option<Tried> {
    use super::tried;
    let client = aws_sdk_ec2::Client::new(&bench.config);
    Some(match name {
        "DescribeIamInstanceProfileAssociations" => {
            // It has no dry run.
            let request = client.describe_iam_instance_profile_associations().max_results(5);
            tried("ec2:DescribeIamInstanceProfileAssociations", request.send().await)
        }
        "DescribeInstances" => tried("ec2:DescribeInstances", client.describe_instances().dry_run(true).send().await),
        "DescribeLaunchTemplates" => {
            tried("ec2:DescribeLaunchTemplates", client.describe_launch_templates().dry_run(true).send().await)
        }
        "DescribeNetworkInterfaces" => {
            tried("ec2:DescribeNetworkInterfaces", client.describe_network_interfaces().dry_run(true).send().await)
        }
        "DescribeRegions" => tried("ec2:DescribeRegions", client.describe_regions().dry_run(true).send().await),
        "DescribeSecurityGroups" => {
            tried("ec2:DescribeSecurityGroups", client.describe_security_groups().dry_run(true).send().await)
        }
        "DescribeSpotInstanceRequests" => {
            let request = client.describe_spot_instance_requests().dry_run(true);
            tried("ec2:DescribeSpotInstanceRequests", request.send().await)
        }
        "DescribeTags" => tried("ec2:DescribeTags", client.describe_tags().dry_run(true).send().await),
        _ => return None,
    })
}
