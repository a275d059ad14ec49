//! AWS's own services at work in the account: deliveries, scaling, rotation, inventory.

use serde_json::json;

use super::actor::{Actor, Role};
use super::cast::{GLOBAL, HOME, PROD, VENDOR, agent};
use super::ident::{access_key, entity_id, hex, session_token, uuid};
use super::log::{SESSION_SECONDS, Scene, assume_role};
use super::record::Call;

const TRAIL_BUCKET: &str = "example-org-trail";

/// What the services remember.
#[derive(Default)]
pub(crate) struct Services {
    /// Instances that scaling has started, for it to end.
    scaled: Vec<String>,
    /// The session of the monitoring vendor.
    vendor: Option<Actor>,
}

impl Services {
    /// The clockwork of the hour, and about `count` records besides.
    pub(crate) fn live(&mut self, scene: &mut Scene<'_>, count: usize) {
        let hour = scene.hour;
        if hour.of_day.is_multiple_of(6) {
            rotate_secret(scene, HOME[hour.of_day as usize / 6 % 2]);
        }
        if hour.of_day.is_multiple_of(4) || self.vendor.is_none() {
            self.vendor = Some(visit(scene));
        }
        if matches!(hour.of_day, 7 | 19) {
            for region in HOME {
                self.scale(scene, region, hour.of_day == 7);
            }
        }
        let role = Role::linked("config", "AWSServiceRoleForConfig");
        let config = session(scene, &role, "AWSConfig-Describe", "config.amazonaws.com");
        let role = Role::named("orders-api-exec");
        let internal = session(scene, &role, "orders-api", "AWS Internal");
        for _ in 0..count {
            let at = hour.any(scene.rng);
            let region = scene.pick(&HOME);
            match scene.rng.u8(0..20) {
                0..=3 => deliver_trail(scene, at, region),
                4..=7 => deliver_flow_logs(scene, at, region),
                8..=11 => inventory(scene, &config, at, region),
                12..=16 => self.monitor(scene, at, region),
                17..=18 => data_key(scene, &internal, at, region),
                _ => deliver_function_role(scene, at, region),
            }
        }
    }

    /// Scaling out in the morning and in again in the evening, through a service-linked role.
    fn scale(&mut self, scene: &mut Scene<'_>, region: &str, out: bool) {
        let at = scene.hour.at(5, scene.rng.i64(0..60));
        let role = Role::linked("autoscaling", "AWSServiceRoleForAutoScaling");
        let key = scene.assume(&Actor::service("autoscaling"), at, region, &role, "AutoScaling");
        let actor = Actor::session(&role, "AutoScaling", &key, at).via("autoscaling.amazonaws.com");
        if out {
            let id = format!("i-0{}", hex(scene.rng, 16));
            let call = Call::new("ec2", "RunInstances", region)
                .request(json!({
                    "instancesSet": {"items": [{"minCount": 1, "maxCount": 1}]},
                    "instanceType": "t3.medium",
                    "launchTemplate": {"launchTemplateName": "web", "version": "12"},
                }))
                .response(json!({
                    "reservationId": format!("r-0{}", hex(scene.rng, 16)),
                    "ownerId": PROD,
                    "instancesSet": {"items": [{
                        "instanceId": id,
                        "instanceType": "t3.medium",
                        "instanceState": {"code": 0, "name": "pending"},
                    }]},
                }));
            scene.write(&actor, at + 1, &call);
            self.scaled.push(id);
        } else if let Some(id) = self.scaled.pop() {
            let call = Call::new("ec2", "TerminateInstances", region)
                .request(json!({"instancesSet": {"items": [{"instanceId": id}]}}))
                .response(json!({"instancesSet": {"items": [{
                    "instanceId": id,
                    "currentState": {"code": 32, "name": "shutting-down"},
                    "previousState": {"code": 16, "name": "running"},
                }]}}));
            scene.write(&actor, at + 1, &call);
        }
    }

    /// A read of the monitoring vendor.
    fn monitor(&self, scene: &mut Scene<'_>, at: i64, region: &str) {
        const READS: [(&str, &str); 6] = [
            ("monitoring", "GetMetricData"),
            ("monitoring", "ListMetrics"),
            ("ec2", "DescribeInstances"),
            ("tagging", "GetResources"),
            ("elasticloadbalancing", "DescribeTargetHealth"),
            ("ecs", "DescribeServices"),
        ];
        let (service, name) = scene.pick(&READS);
        if let Some(actor) = &self.vendor {
            let call = Call::new(service, name, region);
            let call =
                if scene.rng.u8(0..50) == 0 { call.failed("ThrottlingException", "Rate exceeded") } else { call };
            scene.write(actor, at, &call);
        }
    }
}

/// The vendor assumes its role from its own account.
fn visit(scene: &mut Scene<'_>) -> Actor {
    let at = scene.hour.start;
    let role = Role::named("vendor-monitoring");
    let principal = format!("{}:collector", entity_id("AROA", "vendor-collector"));
    let address = "192.0.2.90";
    let caller = Actor::foreign(VENDOR, &principal, address, agent::BOT);
    let key = access_key(scene.rng, "ASIA");
    let token = session_token(scene.rng);
    let call = assume_role(GLOBAL, &role, "collector", &key, &token, at)
        .request(json!({
            "roleArn": role.arn(),
            "roleSessionName": "collector",
            "externalId": "example-external-id",
            "durationSeconds": SESSION_SECONDS,
        }))
        .with("sharedEventID", uuid(scene.rng.u128(..)).into());
    scene.write(&caller, at, &call);
    Actor::session(&role, "collector", &key, at).from(address).with_agent(agent::BOT)
}

/// CloudTrail looks at its bucket or asks for a key.
fn deliver_trail(scene: &mut Scene<'_>, at: i64, region: &str) {
    let actor = Actor::service("cloudtrail");
    let shared = uuid(scene.rng.u128(..));
    let call = if scene.rng.bool() {
        Call::new("s3", "GetBucketAcl", region)
            .request(json!({
                "bucketName": TRAIL_BUCKET,
                "Host": format!("{TRAIL_BUCKET}.s3.{region}.amazonaws.com"),
                "acl": "",
            }))
            .on("AWS::S3::Bucket", &format!("arn:aws:s3:::{TRAIL_BUCKET}"))
    } else {
        let trail = format!("arn:aws:cloudtrail:{GLOBAL}:{PROD}:trail/management-events");
        Call::new("kms", "GenerateDataKey", region)
            .request(json!({"keySpec": "AES_256", "encryptionContext": {"aws:cloudtrail:arn": trail}}))
            .on("AWS::KMS::Key", &format!("arn:aws:kms:{region}:{PROD}:key/6f1c3b52-8a6d-4c39-8f0e-9a1f4be2d703"))
    };
    scene.write(&actor, at, &call.with("sharedEventID", shared.into()));
}

/// Flow logs arrive; a bucket that went away long ago still has its subscriber.
fn deliver_flow_logs(scene: &mut Scene<'_>, at: i64, region: &str) {
    let actor = Actor::service("delivery.logs");
    let gone = scene.rng.u8(0..4) == 0;
    let bucket = if gone { "example-old-flow-logs" } else { "example-flow-logs" };
    let key = format!("AWSLogs/{PROD}/vpcflowlogs/{region}/{at}_{}.log.gz", hex(scene.rng, 8));
    let call = Call::new("s3", "PutObject", region)
        .on_object(bucket, &key)
        .and_request(json!({"x-amz-acl": "bucket-owner-full-control"}))
        .with("sharedEventID", uuid(scene.rng.u128(..)).into());
    let call = if gone { call.failed("AccessDenied", "Access Denied") } else { call };
    scene.write(&actor, at, &call);
}

/// This hour's session of `role` as `host` uses it on the role's behalf.
fn session(scene: &mut Scene<'_>, role: &Role, name: &str, host: &str) -> Actor {
    let key = access_key(scene.rng, "ASIA");
    Actor::session(role, name, &key, scene.hour.start).via(host)
}

/// AWS Config takes inventory through its service-linked role.
fn inventory(scene: &mut Scene<'_>, actor: &Actor, at: i64, region: &str) {
    const READS: [(&str, &str); 5] = [
        ("ec2", "DescribeInstances"),
        ("ec2", "DescribeSecurityGroups"),
        ("s3", "GetBucketPolicy"),
        ("lambda", "ListFunctions20150331"),
        ("rds", "DescribeDBInstances"),
    ];
    let (service, name) = scene.pick(&READS);
    let call = Call::new(service, name, region);
    let call =
        if service == "s3" { call.request(json!({"bucketName": "example-prod-assets", "policy": ""})) } else { call };
    scene.write(actor, at, &call);
}

/// A data key for something inside AWS.
fn data_key(scene: &mut Scene<'_>, actor: &Actor, at: i64, region: &str) {
    let arn = format!("arn:aws:kms:{region}:{PROD}:key/0d6c4b6e-6f1e-4f0a-9d0a-52d1c0a8e7b1");
    let call = Call::new("kms", "Decrypt", region)
        .request(json!({
            "encryptionContext": {"aws:lambda:FunctionArn": super::deploy::function_arn(region, "orders-api")},
            "encryptionAlgorithm": "SYMMETRIC_DEFAULT",
        }))
        .on("AWS::KMS::Key", &arn);
    scene.write(actor, at, &call);
}

/// Lambda assumes the role of a function that scales up.
fn deliver_function_role(scene: &mut Scene<'_>, at: i64, region: &str) {
    let role = Role::named("search-index-exec");
    scene.assume(&Actor::service("lambda"), at, region, &role, "search-index");
}

/// Secrets Manager rotates a secret by itself and says so in service events.
fn rotate_secret(scene: &mut Scene<'_>, region: &str) {
    let at = scene.hour.at(40, scene.rng.i64(0..60));
    let actor = Actor::internal("secretsmanager.amazonaws.com");
    let secret = format!("arn:aws:secretsmanager:{region}:{PROD}:secret:prod/orders/database-a1b2c3");
    for (second, name) in [(0, "RotationStarted"), (9, "RotationSucceeded")] {
        let call = Call::new("secretsmanager", name, region)
            .kind("AwsServiceEvent")
            .with("additionalEventData", json!({"SecretId": secret}));
        scene.write(&actor, at + second, &call);
    }
    let key = format!("arn:aws:kms:{region}:{PROD}:key/6f1c3b52-8a6d-4c39-8f0e-9a1f4be2d703");
    if scene.hour.of_day == 0 {
        let call = Call::new("kms", "RotateKey", region)
            .kind("AwsServiceEvent")
            .with("serviceEventDetails", json!({"keyId": key}));
        scene.write(&Actor::internal("AWS Internal"), at, &call);
    }
}
