//! The benign look-alike of switching off what watches: an update of the landing zone, which changes trails and recorders.

use serde_json::json;

use crate::drill::actor::{Actor, Role};
use crate::drill::cast::{GLOBAL, HOME, MANAGEMENT, PROD, agent};
use crate::drill::ident::{access_key, entity_id};
use crate::drill::log::Scene;
use crate::drill::record::Call;

const ROLE: &str = "AWSControlTowerExecution";

/// Control Tower looks at its account every night.
pub(in crate::drill::story) fn nightly(scene: &mut Scene<'_>) {
    if scene.hour.of_day != 22 {
        return;
    }
    let at = scene.hour.at(7, scene.rng.i64(0..60));
    let actor = enter(scene, at);
    for (second, region) in (4..).step_by(5).zip(HOME) {
        scene.write(&actor, at + second, &Call::new("config", "DescribeConfigurationRecorderStatus", region));
        scene.write(&actor, at + second + 2, &Call::new("cloudtrail", "GetTrailStatus", region));
    }
}

/// The role that the management account has in every account.
fn enter(scene: &mut Scene<'_>, at: i64) -> Actor {
    let role = Role::named(ROLE);
    let principal = format!("{}:AWSControlTower", entity_id("AROA", "controltower-admin"));
    let caller = Actor::foreign(MANAGEMENT, &principal, "cloudformation.amazonaws.com", agent::CLI)
        .via("cloudformation.amazonaws.com");
    let key = scene.assume(&caller, at, GLOBAL, &role, "AWSControlTower");
    Actor::session(&role, "AWSControlTower", &key, at).via("cloudformation.amazonaws.com")
}

/// A new version of the landing zone: recorders stop and start again, a trail and its selectors are written anew.
pub(in crate::drill::story) fn twin(scene: &mut Scene<'_>) {
    let at = scene.hour.at(20, scene.rng.i64(0..60));
    let actor = enter(scene, at);
    for (turn, region) in (0..).zip(HOME) {
        let at = at + 20 + 90 * turn;
        let recorder = json!({"configurationRecorderName": "aws-controltower-BaselineConfigRecorder"});
        scene.write(&actor, at, &Call::new("config", "StopConfigurationRecorder", region).request(recorder.clone()));
        let put = json!({"configurationRecorder": {
            "name": "aws-controltower-BaselineConfigRecorder",
            "roleARN": Role::named("aws-controltower-ConfigRecorderRole").arn(),
            "recordingGroup": {"allSupported": true, "includeGlobalResourceTypes": region == GLOBAL},
        }});
        scene.write(&actor, at + 5, &Call::new("config", "PutConfigurationRecorder", region).request(put));
        scene.write(&actor, at + 9, &Call::new("config", "StartConfigurationRecorder", region).request(recorder));
        let rule = json!({"name": "aws-controltower-ConfigComplianceChangeEventRule", "state": "ENABLED"});
        let arn = format!("arn:aws:events:{region}:{PROD}:rule/aws-controltower-ConfigComplianceChangeEventRule");
        let call = Call::new("events", "PutRule", region).request(rule).response(json!({"ruleArn": arn}));
        scene.write(&actor, at + 14, &call);
        let retention = json!({"logGroupName": "aws-controltower/CloudTrailLogs", "retentionInDays": 14});
        scene.write(&actor, at + 18, &Call::new("logs", "PutRetentionPolicy", region).request(retention));
    }
    let name = "aws-controltower-BaselineCloudTrail";
    let arn = format!("arn:aws:cloudtrail:{GLOBAL}:{PROD}:trail/{name}");
    let update = Call::new("cloudtrail", "UpdateTrail", GLOBAL)
        .request(json!({"name": name, "isMultiRegionTrail": true, "includeGlobalServiceEvents": true}))
        .response(json!({"name": name, "trailARN": arn, "isMultiRegionTrail": true}));
    scene.write(&actor, at + 240, &update);
    let selectors = json!([{"readWriteType": "All", "includeManagementEvents": true, "dataResources": []}]);
    let select = Call::new("cloudtrail", "PutEventSelectors", GLOBAL)
        .request(json!({"trailName": name, "eventSelectors": selectors}))
        .response(json!({"trailARN": arn, "eventSelectors": selectors}));
    scene.write(&actor, at + 246, &select);
    let key = access_key(scene.rng, "ASIA");
    let stack = Actor::session(&Role::named(ROLE), "AWSControlTower", &key, at).via("cloudformation.amazonaws.com");
    let topic = format!("arn:aws:sns:{GLOBAL}:{PROD}:aws-controltower-SecurityNotifications");
    let call = Call::new("sns", "SetTopicAttributes", GLOBAL)
        .request(json!({"topicArn": topic, "attributeName": "DisplayName", "attributeValue": "security"}));
    scene.write(&stack, at + 260, &call);
}
