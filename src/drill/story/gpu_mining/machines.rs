//! The machines of one region: what they need, who starts them, and what keeps them.

use serde_json::{Value, json};

use super::super::hand::{Hand, arn};
use crate::drill::actor::{Actor, Role};
use crate::drill::cast::PROD;
use crate::drill::ident::hex;
use crate::drill::record::Call;

/// What the scaling groups start.
const CLASS: &str = "g5.12xlarge";
/// Machines that a scaling group has at least.
const LEAST: usize = 20;

/// Names of what belongs together in one region.
pub(super) struct Ground<'r> {
    region: &'r str,
    name: String,
    group: String,
    template: String,
    /// Ids of the machines that the scaling group starts.
    machines: Vec<String>,
}

/// `requestParameters` of a launch.
pub(super) fn run(class: &str, count: usize) -> Value {
    json!({
        "instancesSet": {"items": [{"imageId": "ami-0a1b2c3d4e5f60718", "minCount": count, "maxCount": count}]},
        "instanceType": class,
        "blockDeviceMapping": {},
        "monitoring": {"enabled": false},
        "disableApiTermination": false,
        "disableApiStop": false,
        "userData": "<sensitiveDataRemoved>",
    })
}

/// `responseElements` of a launch of `ids`.
pub(super) fn running(reservation: &str, ids: &[String], class: &str) -> Value {
    let items: Vec<_> = ids
        .iter()
        .map(|id| {
            json!({
                "instanceId": id,
                "imageId": "ami-0a1b2c3d4e5f60718",
                "instanceType": class,
                "instanceState": {"code": 0, "name": "pending"},
            })
        })
        .collect();
    json!({"reservationId": format!("r-0{reservation}"), "ownerId": PROD, "instancesSet": {"items": items}})
}

impl<'r> Ground<'r> {
    pub(super) fn new(hand: &mut Hand<'_, '_>, region: &'r str, suffix: &str) -> Self {
        let rng = &mut *hand.scene.rng;
        Self {
            region,
            name: format!("asg-{suffix}"),
            group: format!("sg-0{}", hex(rng, 16)),
            template: format!("lt-0{}", hex(rng, 16)),
            machines: (0..LEAST).map(|_| format!("i-0{}", hex(rng, 16))).collect(),
        }
    }

    /// A key pair, a security group with an open door, and a launch template.
    pub(super) fn prepare(&self, hand: &mut Hand<'_, '_>, at: i64) {
        let Self { region, name, group, template, .. } = self;
        let ec2 = |call| Call::new("ec2", call, region);
        let pair = ec2("ImportKeyPair")
            .request(json!({"keyName": name, "publicKeyMaterial": "<sensitiveDataRemoved>"}))
            .response(json!({"keyName": name, "keyPairId": format!("key-0{}", hex(hand.scene.rng, 16))}));
        hand.make(at, &pair, &arn("ec2", region, &format!("key-pair/{name}")));
        let made = ec2("CreateSecurityGroup")
            .request(json!({"groupName": name, "groupDescription": "default access"}))
            .response(json!({"groupId": group, "_return": true}));
        hand.make(at + 2, &made, &arn("ec2", region, &format!("security-group/{group}")));
        let door = json!([{
            "ipProtocol": "tcp",
            "fromPort": 22,
            "toPort": 22,
            "groups": {},
            "ipRanges": {"items": [{"cidrIp": "0.0.0.0/0"}]},
            "ipv6Ranges": {},
            "prefixListIds": {},
        }]);
        let open = ec2("AuthorizeSecurityGroupIngress")
            .request(json!({"groupId": group, "ipPermissions": {"items": door}}))
            .response(json!({"_return": true}));
        hand.change(at + 4, &open);
        let request = json!({"CreateLaunchTemplateRequest": {
            "LaunchTemplateName": name,
            "LaunchTemplateData": {
                "InstanceType": CLASS,
                "ImageId": "ami-0a1b2c3d4e5f60718",
                "KeyName": name,
                "UserData": "<sensitiveDataRemoved>",
                "SecurityGroupId": {"tag": 1, "content": group},
            },
        }});
        let answer = json!({"CreateLaunchTemplateResponse": {"launchTemplate": {
            "launchTemplateId": template,
            "launchTemplateName": name,
            "defaultVersionNumber": 1,
            "latestVersionNumber": 1,
        }}});
        let call = ec2("CreateLaunchTemplate").request(request).response(answer);
        hand.make(at + 6, &call, &arn("ec2", region, &format!("launch-template/{template}")));
    }

    /// A scaling group without a sensible end; AWS starts its machines.
    pub(super) fn start(&self, hand: &mut Hand<'_, '_>, at: i64) {
        let Self { region, name, template, machines, .. } = self;
        let request = json!({
            "autoScalingGroupName": name,
            "minSize": LEAST,
            "maxSize": 999,
            "desiredCapacity": LEAST,
            "launchTemplate": {"launchTemplateId": template, "version": "1"},
            "availabilityZones": [format!("{region}a"), format!("{region}b")],
        });
        let call = Call::new("autoscaling", "CreateAutoScalingGroup", region).request(request);
        let made = arn("autoscaling", region, &format!("autoScalingGroup:autoScalingGroupName/{name}"));
        hand.make(at, &call, &made);

        let role = Role::linked("autoscaling", "AWSServiceRoleForAutoScaling");
        let key = hand.scene.assume(&Actor::service("autoscaling"), at + 3, region, &role, "AutoScaling");
        let scaling = Actor::session(&role, "AutoScaling", &key, at + 3).via("autoscaling.amazonaws.com");
        let mut request = run(CLASS, machines.len());
        request["launchTemplate"] = json!({"launchTemplateId": template, "version": "1"});
        request["tagSpecificationSet"] = json!({"items": [{
            "resourceType": "instance",
            "tags": [{"key": "aws:autoscaling:groupName", "value": name}],
        }]});
        let answer = running(&hex(hand.scene.rng, 16), machines, CLASS);
        let launch = Call::new("ec2", "RunInstances", region).request(request).response(answer);
        hand.scene.log.write_kept(&scaling, at + 5, &launch);
        for id in machines {
            hand.truth.resources.insert(arn("ec2", region, &format!("instance/{id}")));
        }
    }

    /// Larger machines, which the limits forbid, and spare capacity, which they do not.
    pub(super) fn start_more(&self, hand: &mut Hand<'_, '_>, at: i64) {
        let region = self.region;
        let refused = "You have requested more vCPU capacity than your current vCPU limit of 0 allows for the instance bucket that the specified instance type belongs to. Please visit http://aws.amazon.com/contact-us/ec2-request to request an adjustment to this limit.";
        let call = Call::new("ec2", "RunInstances", region)
            .request(run("p4d.24xlarge", 8))
            .failed("Client.VcpuLimitExceeded", refused);
        hand.ask(at, &call);
        let id = format!("sir-{}", hex(hand.scene.rng, 8));
        let asked = json!({
            "spotPrice": "5.672",
            "instanceCount": 1,
            "type": "persistent",
            "launchSpecification": {"imageId": "ami-0a1b2c3d4e5f60718", "instanceType": CLASS, "keyName": self.name},
        });
        let answer = json!({"spotInstanceRequestSet": {"items": [{
            "spotInstanceRequestId": id,
            "state": "open",
            "type": "persistent",
            "spotPrice": "5.672",
        }]}});
        let call = Call::new("ec2", "RequestSpotInstances", region).request(asked).response(answer);
        hand.make(at + 4, &call, &arn("ec2", region, &format!("spot-instances-request/{id}")));
    }

    /// No machine can be terminated without another call first.
    pub(super) fn protect(&self, hand: &mut Hand<'_, '_>, at: i64) {
        for (second, id) in (0..).zip(&self.machines) {
            let call = Call::new("ec2", "ModifyInstanceAttribute", self.region)
                .request(json!({"instanceId": id, "disableApiTermination": {"value": true}}))
                .response(json!({"_return": true}));
            hand.change(at + second, &call);
        }
        let look = Call::new("ec2", "DescribeInstances", self.region)
            .request(json!({"filterSet": {}, "instancesSet": {}, "maxResults": 1_000}));
        hand.ask(at + 30, &look);
    }
}
