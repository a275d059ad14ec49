//! Trail, detectors, flow logs and alarms are switched off one after the other.

use serde_json::json;

use crate::drill::actor::{Actor, user_arn};
use crate::drill::bill::Story;
use crate::drill::cast::{GLOBAL, HOME, PROD, agent};
use crate::drill::ident::hex;
use crate::drill::log::Scene;
use crate::drill::record::Call;
use crate::drill::truth::Truth;

mod landing_zone;

pub(super) use landing_zone::twin;

/// The user whose key is stolen, and where it calls from.
const USER: &str = "ops-automation";
const KEY: &str = "AKIAEXAMPLEPA0000001";
const ADDRESS: &str = "198.51.100.47";
/// A trail of the account itself, beside the organization's.
const LOCAL_TRAIL: &str = "local-audit";
const DETECTOR: &str = "0bc1a2d3e4f5061728394a5b6c7d8e9f";

/// The user at its work: it keeps alarms up to date.
pub(super) fn background(twin: bool, scene: &mut Scene<'_>) {
    let actor = Actor::user(USER, KEY, ADDRESS, agent::BOT);
    let at = scene.hour.at(18, scene.rng.i64(0..60));
    let region = HOME[scene.hour.of_day as usize % 2];
    scene.write(&actor, at, &Call::new("ssm", "DescribeInstanceInformation", region));
    if scene.hour.of_day.is_multiple_of(3) {
        let alarm = json!({"alarmName": format!("web-latency-{region}"), "threshold": 0.8, "evaluationPeriods": 3});
        scene.write(&actor, at + 4, &Call::new("monitoring", "PutMetricAlarm", region).request(alarm));
    }
    if twin {
        landing_zone::nightly(scene);
    }
}

/// Plays the attack from the scene's hour on; it costs nothing.
pub(super) fn attack(scene: &mut Scene<'_>, truth: &mut Truth) -> Story {
    let start = scene.hour.at(scene.rng.i64(5..30), scene.rng.i64(0..60));
    let address = format!("203.0.113.{}", scene.rng.u8(60..100));
    let actor = Actor::user(USER, KEY, &address, agent::ATTACKER);
    truth.enter_by(&user_arn(USER), KEY);
    truth.act(scene, &actor, start, &Call::new("sts", "GetCallerIdentity", GLOBAL));
    truth.act(scene, &actor, start + 12, &Call::new("cloudtrail", "DescribeTrails", GLOBAL));
    blind_the_trail(scene, &actor, start + 40, truth);
    blind_the_services(scene, &actor, start + 150, truth);
    cut_the_wires(scene, &actor, start + 400, truth);
    truth.regions.extend(HOME.map(str::to_owned));
    Story::default()
}

/// The organization's trail cannot be stopped; the account's own can be narrowed.
fn blind_the_trail(scene: &mut Scene<'_>, actor: &Actor, at: i64, truth: &mut Truth) {
    let shared = format!("arn:aws:cloudtrail:{GLOBAL}:999988887777:trail/organization");
    let stop = Call::new("cloudtrail", "StopLogging", GLOBAL).denied(actor, "StopLogging", &shared);
    truth.act(scene, actor, at, &stop);
    let arn = format!("arn:aws:cloudtrail:{GLOBAL}:{PROD}:trail/{LOCAL_TRAIL}");
    let narrow = Call::new("cloudtrail", "UpdateTrail", GLOBAL)
        .request(json!({"name": LOCAL_TRAIL, "isMultiRegionTrail": false}))
        .response(json!({
            "name": LOCAL_TRAIL,
            "trailARN": arn,
            "s3BucketName": "example-org-trail",
            "isMultiRegionTrail": false,
            "includeGlobalServiceEvents": true,
            "logFileValidationEnabled": true,
        }));
    truth.act(scene, actor, at + 14, &narrow);
    truth.open_by(at + 14);
    let selectors = json!([{
        "readWriteType": "ReadOnly",
        "includeManagementEvents": false,
        "dataResources": [],
        "excludeManagementEventSources": [],
    }]);
    let select = Call::new("cloudtrail", "PutEventSelectors", GLOBAL)
        .request(json!({"trailName": LOCAL_TRAIL, "eventSelectors": selectors}))
        .response(json!({"trailARN": arn, "eventSelectors": selectors}));
    truth.act(scene, actor, at + 25, &select);
}

/// GuardDuty learns to trust the attacker and is then switched off, and Config after it.
fn blind_the_services(scene: &mut Scene<'_>, actor: &Actor, at: i64, truth: &mut Truth) {
    for (second, region) in (0..).step_by(40).zip(HOME) {
        let at = at + second;
        truth.act(scene, actor, at, &Call::new("guardduty", "ListDetectors", region));
        let trust = Call::new("guardduty", "CreateIPSet", region)
            .request(json!({
                "detectorId": DETECTOR,
                "name": "office",
                "format": "TXT",
                "location": "https://s3.amazonaws.com/example-lists/203.0.113.0-24.txt",
                "activate": true,
            }))
            .response(json!({"ipSetId": hex(scene.rng, 32)}));
        truth.act(scene, actor, at + 6, &trust);
        let off =
            Call::new("guardduty", "UpdateDetector", region).request(json!({"detectorId": DETECTOR, "enable": false}));
        truth.act(scene, actor, at + 13, &off);
        let recorder = Call::new("config", "StopConfigurationRecorder", region)
            .request(json!({"configurationRecorderName": "default"}));
        truth.act(scene, actor, at + 21, &recorder);
        let logs = Call::new("ec2", "DeleteFlowLogs", region)
            .request(json!({"DeleteFlowLogsRequest": {"FlowLogId": {"tag": 1, "content": format!("fl-0{}", hex(scene.rng, 16))}}}))
            .response(json!({"DeleteFlowLogsResponse": {"unsuccessful": ""}}));
        truth.act(scene, actor, at + 29, &logs);
        let group = Call::new("logs", "DeleteLogGroup", region).request(json!({"logGroupName": "/vpc/flow-logs"}));
        truth.act(scene, actor, at + 33, &group);
    }
}

/// Who would be told is told no more.
fn cut_the_wires(scene: &mut Scene<'_>, actor: &Actor, at: i64, truth: &mut Truth) {
    let contact = Call::new("account", "PutAlternateContact", GLOBAL).request(json!({
        "alternateContactType": "SECURITY",
        "name": "HIDDEN_DUE_TO_SECURITY_REASONS",
        "title": "HIDDEN_DUE_TO_SECURITY_REASONS",
        "emailAddress": "HIDDEN_DUE_TO_SECURITY_REASONS",
        "phoneNumber": "HIDDEN_DUE_TO_SECURITY_REASONS",
    }));
    truth.act(scene, actor, at, &contact);
    let rule = Call::new("events", "DisableRule", GLOBAL)
        .request(json!({"name": "stakeout-management-events", "eventBusName": "default"}));
    truth.act(scene, actor, at + 11, &rule);
    let leave = Call::new("organizations", "LeaveOrganization", GLOBAL).denied(actor, "LeaveOrganization", "*");
    truth.act(scene, actor, at + 25, &leave);
    let queue = format!("https://sqs.{GLOBAL}.amazonaws.com/{PROD}/stakeout-events");
    let delete = Call::new("sqs", "DeleteQueue", GLOBAL).request(json!({"queueUrl": queue}));
    truth.act(scene, actor, at + 38, &delete);
}
