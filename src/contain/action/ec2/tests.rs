use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_ec2::Client;
use aws_sdk_ec2::config::{Credentials, SharedCredentialsProvider};
use aws_sdk_ec2::types::{
    AttributeBooleanValue, IamInstanceProfileSpecification, InstanceType, RequestLaunchTemplateData,
    RequestSpotLaunchSpecification, SpotInstanceType,
};
use serde_json::{Value, json};

use super::isolate_instance::IsolateInstance;
use super::scale_group_to_zero::ScaleGroupToZero;
use super::stop_instance::StopInstance;
use crate::aws::Refusal;
use crate::contain::action::{Action as _, Knobs, by_name};
use crate::contain::cloud::{Cloud, Vault};
use crate::contain::subject::Subject;
use crate::model::plan::{Class, Target};

const REGION: &str = "eu-west-1";

fn target(arn: &str) -> Target {
    let kind = "ec2:instance".to_owned();
    let (account, region) = ("111122223333".to_owned(), REGION.to_owned());
    Target { kind, arn: arn.to_owned(), account, region, id: String::new(), detail: Default::default() }
}

#[test]
fn goals_are_reached_once_and_only_where_they_can_be() {
    let instance = target("arn:aws:ec2:eu-west-1:111122223333:instance/i-1");
    let goal = StopInstance.goal(&instance, &running(false)).unwrap();
    assert_eq!(StopInstance.goal(&instance, &goal), None);
    let mut fixed = instance.clone();
    fixed.detail.insert("cannot".to_owned(), "its root device is an instance store".to_owned());
    assert_eq!(StopInstance.goal(&fixed, &running(false)), None);
    let (changes, undo) = StopInstance.words(&fixed, &Value::Null, &Value::Null);
    assert!(changes.contains("instance store") && undo.is_none(), "{changes}");

    let numbers = json!({ "min": 0, "max": 9, "desired": 0 });
    assert_eq!(ScaleGroupToZero.goal(&instance, &numbers).unwrap()["max"], 0);

    // Which group isolates is not known beforehand, but that of the way back is.
    let before = json!({ "groups": ["sg-1", "sg-2"], "isolated": false });
    let goal = IsolateInstance.goal(&instance, &before).unwrap();
    assert!(IsolateInstance.holds(&json!({ "groups": ["sg-9"], "isolated": true }), &goal));
    assert!(!IsolateInstance.holds(&json!({ "groups": ["sg-9"], "isolated": false }), &goal));
    assert!(!IsolateInstance.holds(&json!({ "groups": ["sg-1"], "isolated": false }), &before));
}

fn running(protection_off: bool) -> Value {
    json!({ "state": "running", "protection_off": protection_off })
}

#[test]
fn a_protection_that_was_turned_off_is_something_to_take_back() {
    let instance = target("arn:aws:ec2:eu-west-1:111122223333:instance/i-1");
    let before = running(false);
    let goal = StopInstance.goal(&instance, &before).unwrap();
    for off in [false, true] {
        let stopped = json!({ "state": "stopped", "protection_off": off });
        assert!(StopInstance.holds(&stopped, &goal) && !StopInstance.holds(&stopped, &before), "{off}");
    }
    // It did not stop, or it was started again: both ways go on from there.
    let half = running(true);
    assert!(StopInstance.is_between(&half, &before, &goal) && StopInstance.is_between(&half, &goal, &before));
    assert!(!StopInstance.holds(&half, &goal) && !StopInstance.holds(&half, &before));
    assert!(StopInstance.goal(&instance, &half).is_some());
}

#[test]
fn a_crash_on_the_way_to_isolation_is_known_again() {
    let before = json!({ "groups": ["sg-1", "sg-2"], "isolated": false });
    let goal = json!({ "isolated": true });
    let passing = json!({ "groups": ["sg-8"], "isolated": false, "passage": true });
    let isolated = json!({ "groups": ["sg-9"], "isolated": true });
    assert!(IsolateInstance.is_between(&passing, &before, &goal), "contained from there");
    assert!(IsolateInstance.is_between(&passing, &isolated, &before), "and given back from there");
    assert!(!IsolateInstance.holds(&passing, &goal) && !IsolateInstance.holds(&passing, &before));
    let other = json!({ "groups": ["sg-8"], "isolated": false });
    assert!(!IsolateInstance.is_between(&other, &before, &goal), "somebody else moved it");
}

#[test]
fn classes_say_what_can_be_taken_back() {
    for action in super::ACTIONS {
        let undoable = action.is_undoable();
        assert_eq!(undoable, !action.card().undoes.is_empty() || action.class() == Class::R0, "{}", action.name());
        assert!(undoable || action.class() == Class::R3 || action.name() == "cancel-spot-request", "{}", action.name());
    }
}

/// A stand-in's address, in the environment of whoever runs the ignored tests.
pub(crate) fn endpoint() -> String {
    std::env::var("STAKEOUT_TEST_ENDPOINT").expect("STAKEOUT_TEST_ENDPOINT names a stand-in")
}

/// As the owner of the stand-in's account.
pub(crate) fn config(region: &str) -> SdkConfig {
    let from = |name: &str| std::env::var(name).unwrap_or_else(|_| "testing".to_owned());
    config_as(region, &from("AWS_ACCESS_KEY_ID"), &from("AWS_SECRET_ACCESS_KEY"))
}

pub(crate) fn config_as(region: &str, key: &str, secret: &str) -> SdkConfig {
    let credentials = Credentials::new(key, secret, None, None, "test");
    SdkConfig::builder()
        .endpoint_url(endpoint())
        .region(Region::new(region.to_owned()))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .behavior_version(BehaviorVersion::latest())
        .build()
}

pub(crate) fn cloud(folder: &std::path::Path) -> Cloud {
    let configs = Box::new(|_: &str, region: &str| Some(config(region)));
    Cloud::new(configs, Vault::Folder(folder.to_owned())).for_incident("inc-1", None)
}

pub(crate) fn subject(kind: &str, arn: String) -> Subject {
    Subject { regions: [REGION.to_owned()].into(), ..Subject::new(kind, &arn, REGION, true) }
}

pub(crate) fn knobs() -> Knobs {
    Knobs { incident: "inc-1".to_owned(), now: 1_790_000_000 }
}

/// There, and where it can be taken back, back again; each way twice. Gives how many targets there were.
pub(crate) async fn there_and_back(cloud: &Cloud, name: &str, subject: &Subject) -> Result<usize, Refusal> {
    let action = by_name(name).unwrap();
    let targets = action.find(cloud, subject).await?;
    for target in &targets {
        let before = action.observe(cloud, target).await?.state;
        let Some(goal) = action.goal(target, &before) else { continue };
        for _ in 0..2 {
            let from = action.observe(cloud, target).await?.state;
            action.set(cloud, target, &from, &goal, &knobs()).await?;
            let state = action.observe(cloud, target).await?.state;
            assert!(action.holds(&state, &goal), "{name} of {}: {before} -> {state}, not {goal}", target.arn);
        }
        if !action.is_undoable() || action.class() == Class::R0 {
            continue;
        }
        for _ in 0..2 {
            let from = action.observe(cloud, target).await?.state;
            action.set(cloud, target, &from, &before, &knobs()).await?;
            let state = action.observe(cloud, target).await?.state;
            assert_eq!(state, before, "{name} of {} back", target.arn);
        }
    }
    Ok(targets.len())
}

pub(crate) fn on_a_thread<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

/// An instance with a profile and a protection against stopping, where the stand-in has these.
pub(crate) async fn launch(client: &Client) -> String {
    let images = client.describe_images().send().await.unwrap();
    let image = images.images().first().and_then(|image| image.image_id()).unwrap_or("ami-12345678").to_owned();
    let run = client.run_instances().image_id(image).instance_type(InstanceType::T3Micro).min_count(1).max_count(1);
    let answer = run.send().await.unwrap();
    let id = answer.instances()[0].instance_id().unwrap().to_owned();
    let iam = aws_sdk_iam::Client::new(&config("us-east-1"));
    // Another test may have made it.
    drop(iam.create_instance_profile().instance_profile_name("miner").send().await);
    let profile = iam.get_instance_profile().instance_profile_name("miner").send().await.unwrap();
    let profile = profile.instance_profile().unwrap().arn().to_owned();
    let profile = IamInstanceProfileSpecification::builder().arn(profile).name("miner").build();
    let gave = client.associate_iam_instance_profile().instance_id(&id).iam_instance_profile(profile).send().await;
    let on = AttributeBooleanValue::builder().value(true).build();
    let guarded = client.modify_instance_attribute().instance_id(&id).disable_api_stop(on.clone()).send().await;
    let lasting = client.modify_instance_attribute().instance_id(&id).disable_api_termination(on).send().await;
    said("profile given", gave.is_ok());
    said("stop protection", guarded.is_ok());
    said("termination protection", lasting.is_ok());
    id
}

pub(crate) fn said(what: &str, value: impl std::fmt::Display) {
    use std::io::Write as _;
    drop(writeln!(std::io::stderr(), "{what}: {value}"));
}

#[test]
#[ignore = "needs a stand-in of AWS, whose address is in STAKEOUT_TEST_ENDPOINT"]
fn an_instance_goes_there_and_back_at_a_stand_in() {
    on_a_thread(async {
        let folder = tempfile::tempdir().unwrap();
        let cloud = cloud(folder.path());
        let id = launch(&Client::new(&config(REGION))).await;
        let instance = subject("ec2:instance", format!("arn:aws:ec2:{REGION}:123456789012:instance/{id}"));
        for name in
            ["save-instance", "detach-instance-profile", "isolate-instance", "stop-instance", "terminate-instance"]
        {
            match there_and_back(&cloud, name, &instance).await {
                Ok(targets) => said(name, format!("ok, {targets} target(s)")),
                Err(refusal) => said(name, refusal),
            }
        }
    });
}

#[test]
#[ignore = "needs a stand-in of AWS, whose address is in STAKEOUT_TEST_ENDPOINT"]
fn groups_requests_and_templates_at_a_stand_in() {
    on_a_thread(async {
        let folder = tempfile::tempdir().unwrap();
        let cloud = cloud(folder.path());
        let client = Client::new(&config(REGION));
        let data = RequestLaunchTemplateData::builder().instance_type(InstanceType::T3Micro).image_id("ami-12345678");
        let made = client.create_launch_template().launch_template_name("miner").launch_template_data(data.build());
        let made = made.send().await.unwrap();
        let id = made.launch_template().unwrap().launch_template_id().unwrap().to_owned();
        let template =
            subject("ec2:launch-template", format!("arn:aws:ec2:{REGION}:123456789012:launch-template/{id}"));

        let scaling = aws_sdk_autoscaling::Client::new(&config(REGION));
        let group = scaling.create_auto_scaling_group().auto_scaling_group_name("g/1").min_size(1).max_size(4);
        let with = aws_sdk_autoscaling::types::LaunchTemplateSpecification::builder().launch_template_id(&id);
        let group = group.desired_capacity(2).launch_template(with.version("1").build());
        let group = group.availability_zones(format!("{REGION}a")).send().await;
        said("group made", group.is_ok());
        let arn = format!("arn:aws:autoscaling:{REGION}:123456789012:autoScalingGroup:autoScalingGroupName/g/1");
        let group = subject("autoscaling:autoScalingGroup", arn);

        let launch =
            RequestSpotLaunchSpecification::builder().image_id("ami-12345678").instance_type(InstanceType::T3Micro);
        let request = client.request_spot_instances().launch_specification(launch.build()).spot_price("0.01");
        let request = request.r#type(SpotInstanceType::Persistent).send().await;
        let request = request.ok().and_then(|answer| answer.spot_instance_requests?.pop()?.spot_instance_request_id);
        said("spot request", request.clone().unwrap_or_default());
        let arn = format!("arn:aws:ec2:{REGION}:123456789012:spot-instances-request/{}", request.unwrap_or_default());
        let spot = subject("ec2:spot-instances-request", arn);
        for (name, subject) in [
            ("save-instance", &group),
            ("scale-group-to-zero", &group),
            ("cancel-spot-request", &spot),
            ("stop-instance", &spot),
            ("save-launch-template", &template),
            ("delete-launch-template", &template),
        ] {
            match there_and_back(&cloud, name, subject).await {
                Ok(targets) => said(name, format!("ok, {targets} target(s)")),
                Err(refusal) => said(name, refusal),
            }
        }
    });
}
