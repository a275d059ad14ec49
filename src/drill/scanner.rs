//! The nightly posture scan: read only, every region, hundreds of calls within minutes.

use serde_json::json;

use super::actor::{Actor, Role};
use super::cast::{GLOBAL, agent};
use super::log::Scene;
use super::record::Call;

/// The hour of the day at which it runs.
const SCAN_HOUR: u32 = 3;
const ADDRESS: &str = "198.51.100.60";
/// What it asks in every region.
const CHECKS: [(&str, &str); 17] = [
    ("ec2", "DescribeInstances"),
    ("ec2", "DescribeSecurityGroups"),
    ("ec2", "DescribeSnapshots"),
    ("ec2", "DescribeVolumes"),
    ("ec2", "DescribeVpcs"),
    ("ec2", "DescribeFlowLogs"),
    ("lambda", "ListFunctions20150331"),
    ("lambda", "GetAccountSettings20160819"),
    ("rds", "DescribeDBInstances"),
    ("cloudtrail", "DescribeTrails"),
    ("guardduty", "ListDetectors"),
    ("config", "DescribeConfigurationRecorders"),
    ("kms", "ListKeys"),
    ("sns", "ListTopics"),
    ("sqs", "ListQueues"),
    ("secretsmanager", "ListSecrets"),
    ("servicequotas", "ListServiceQuotas"),
];
/// What it asks once, of global services.
const GLOBAL_CHECKS: [&str; 6] = [
    "ListUsers",
    "ListRoles",
    "GetAccountSummary",
    "GetAccountPasswordPolicy",
    "ListPolicies",
    "GetAccountAuthorizationDetails",
];

/// The scan, at its hour.
pub(crate) fn live(scene: &mut Scene<'_>, regions: &[String]) {
    if scene.hour.of_day != SCAN_HOUR {
        return;
    }
    let mut at = scene.hour.at(0, scene.rng.i64(0..60));
    let user = Actor::user("audit-runner", "AKIAEXAMPLEAU0000001", ADDRESS, agent::SCANNER);
    let role = Role::named("security-audit");
    let key = scene.assume(&user, at, GLOBAL, &role, "prowler");
    let actor = Actor::session(&role, "prowler", &key, at).from(ADDRESS).with_agent(agent::SCANNER);
    for name in GLOBAL_CHECKS {
        at += 1;
        scene.write(&actor, at, &Call::iam(name));
    }
    for region in regions {
        let first = scene.rng.usize(..CHECKS.len());
        // Every region has a part even of the smallest scan.
        for step in 0..scene.count(CHECKS.len()).max(1) {
            at += scene.rng.i64(0..3);
            let (service, name) = CHECKS[(first + step) % CHECKS.len()];
            let call = Call::new(service, name, region);
            let call = match service {
                "secretsmanager" => call.denied(&actor, "ListSecrets", "*"),
                "servicequotas" => call.request(json!({"serviceCode": "ec2"})),
                "ec2" => call.request(json!({"filterSet": {}, "maxResults": 1_000})),
                _ => call,
            };
            scene.write(&actor, at, &call);
        }
    }
}
