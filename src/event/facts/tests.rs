//! Sizes are read from records as AWS writes them.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use serde_json::{Value, json};

use super::{Becomes, Facts, Parts, extract, may_have};
use crate::event::{Identity, Record, Shape};
use crate::price::{Runs, What};

const ROLE: &str = r#"{"type":"IAMUser","principalId":"AIDAEXAMPLE","arn":"arn:aws:iam::111122223333:user/m","accountId":"111122223333","accessKeyId":"AKIAEXAMPLE00000001","userName":"m"}"#;

fn facts(service: &str, name: &str, request: &Value, response: &Value, error: Option<&str>) -> Option<Facts> {
    facts_of(ROLE, service, name, (request, response), error)
}

fn facts_of(
    caller: &str,
    service: &str,
    name: &str,
    (request, response): (&Value, &Value),
    error: Option<&str>,
) -> Option<Facts> {
    let mut record = json!({
        "eventTime": "2026-03-10T02:14:07Z",
        "eventSource": format!("{service}.amazonaws.com"),
        "eventName": name,
        "awsRegion": "eu-west-3",
        "userIdentity": serde_json::from_str::<Value>(caller).unwrap(),
    });
    if let Some(error) = error {
        record["errorCode"] = error.into();
    }
    let text = record.to_string();
    let record = Record::scan(&text).unwrap();
    let identity = Identity::parse(&record.identity, "111122223333");
    let shape = Shape::of(&record, &identity);
    if !may_have(&shape) {
        return None;
    }
    extract(&shape, &identity, "eu-west-3", &Parts { request, response, refused: None }).map(|facts| *facts)
}

fn made(service: &str, name: &str, request: &Value, response: &Value) -> Vec<(String, Option<Runs>)> {
    let facts = facts(service, name, request, response, None).unwrap();
    facts.created.into_iter().map(|made| (made.arn, made.runs)).collect()
}

fn arn(service: &str, rest: &str) -> String {
    format!("arn:aws:{service}:eu-west-3:111122223333:{rest}")
}

fn machine(class: &str, spot: bool, windows: bool) -> What {
    What::Instance { class: class.into(), spot, windows }
}

#[test]
fn instances_have_type_market_and_platform() {
    let request = json!({"instanceType": "m5.large", "instanceMarketOptions": {"marketType": "spot"}});
    let item = json!({"instanceId": "i-1", "instanceType": "p3.16xlarge", "platform": "windows"});
    let response = json!({"instancesSet": {"items": [item, {"instanceId": "i-2"}, {"instanceType": "m5.large"}, 7]}});
    let one = (arn("ec2", "instance/i-1"), Some(machine("p3.16xlarge", true, true).times(1)));
    let two = (arn("ec2", "instance/i-2"), Some(machine("m5.large", true, false).times(1)));
    assert_eq!(made("ec2", "RunInstances", &request, &response), [one, two]);
    assert!(facts("ec2", "RunInstances", &request, &Value::Null, Some("Client.VcpuLimitExceeded")).is_none());
    assert!(facts("ec2", "RunInstances", &request, &Value::Null, Some("Client.DryRunOperation")).is_none());
}

#[test]
fn capacity_is_an_upper_bound_of_the_dearest_type() {
    let request = json!({"CreateFleetRequest": {
        "LaunchTemplateConfigs": {"Overrides": [{"InstanceType": "m5.large"}, {"InstanceType": "p3.16xlarge"}]},
        "TargetCapacitySpecification": {"DefaultTargetCapacityType": "spot", "TotalTargetCapacity": 12},
    }});
    let response = json!({"CreateFleetResponse": {"fleetId": "fleet-1"}});
    let runs = Runs { count: 12, ..machine("p3.16xlarge", true, false).times(1).at_most() };
    assert_eq!(made("ec2", "CreateFleet", &request, &response), [(arn("ec2", "fleet/fleet-1"), Some(runs))]);
    let request = json!({"autoScalingGroupName": "g", "maxSize": 40, "launchTemplate": {"launchTemplateName": "t"}});
    let group = made("autoscaling", "CreateAutoScalingGroup", &request, &Value::Null);
    let like = What::As("111122223333/eu-west-3/launch-template/t".into()).times(40).at_most();
    assert_eq!(group[0].1.as_ref(), Some(&like));
    let defined = json!({"CreateLaunchTemplateRequest": {
        "LaunchTemplateName": "t", "LaunchTemplateData": {"InstanceType": "g5.xlarge"},
    }});
    let response = json!({"CreateLaunchTemplateResponse": {"launchTemplate": {"launchTemplateId": "lt-1"}}});
    let template = (arn("ec2", "launch-template/lt-1"), None);
    assert_eq!(made("ec2", "CreateLaunchTemplate", &defined, &response), [template]);
    let defined = facts("ec2", "CreateLaunchTemplate", &defined, &Value::Null, None).unwrap().defined;
    let template = machine("g5.xlarge", false, false).times(1);
    assert_eq!(defined, [("111122223333/eu-west-3/launch-template/t".to_owned(), template)]);
}

#[test]
fn containers_run_by_their_definition() {
    let definition = arn("ecs", "task-definition/miner:3");
    let response = json!({"taskDefinition": {"taskDefinitionArn": definition, "cpu": "4096", "memory": "8 GB"}});
    let registered = facts("ecs", "RegisterTaskDefinition", &json!({"family": "miner"}), &response, None).unwrap();
    let task = What::Task { cpu: 4096, memory: 8192 }.times(1);
    let names: Vec<_> = registered.defined.iter().map(|(name, _)| name.rsplit('/').next().unwrap()).collect();
    assert_eq!(names, ["miner:3", "miner"]);
    assert!(registered.defined.iter().all(|(_, runs)| *runs == task));
    let request =
        json!({"serviceName": "s", "taskDefinition": definition, "desiredCount": 50, "launchType": "FARGATE"});
    let service = json!({"service": {"serviceArn": arn("ecs", "service/c/s")}});
    let made_service = made("ecs", "CreateService", &request, &service);
    assert_eq!(made_service[0].1, Some(What::As(registered.defined[0].0.clone()).times(50)));
    let tasks = json!({"tasks": [{"taskArn": arn("ecs", "task/c/1"), "cpu": "4096", "memory": "8192", "launchType": "FARGATE"},
        {"taskArn": arn("ecs", "task/c/2"), "cpu": "1024", "memory": "512", "launchType": "EC2"}]});
    let started = made("ecs", "RunTask", &json!({"cluster": "c"}), &tasks);
    assert_eq!(started.into_iter().map(|(_, runs)| runs).collect::<Vec<_>>(), [Some(task), None]);
    let update = facts("ecs", "UpdateService", &json!({"service": "s", "desiredCount": 0}), &service, None).unwrap();
    assert_eq!(update.changed[0].to, Becomes::Count(0));
}

#[test]
fn services_with_machines_of_their_own() {
    let notebook = json!({"notebookInstanceName": "Box", "instanceType": "ml.p3.16xlarge"});
    let answer = json!({"notebookInstanceArn": arn("sagemaker", "notebook-instance/box")});
    let started = made("sagemaker", "CreateNotebookInstance", &notebook, &answer);
    assert_eq!(started[0].1, Some(What::Managed("ml.p3.16xlarge".into()).times(1)));
    let stopped = facts("sagemaker", "StopNotebookInstance", &notebook, &Value::Null, None).unwrap();
    assert_eq!((stopped.changed[0].arn.as_str(), stopped.changed[0].to), (started[0].0.as_str(), Becomes::Stopped));
    let training = json!({"trainingJobName": "t", "resourceConfig": {"instanceType": "ml.g5.xlarge", "instanceCount": 3},
        "stoppingCondition": {"maxRuntimeInSeconds": 600}});
    let answer = json!({"trainingJobArn": arn("sagemaker", "training-job/t")});
    let job = made("sagemaker", "CreateTrainingJob", &training, &answer);
    assert_eq!(job[0].1, Some(What::Managed("ml.g5.xlarge".into()).times(3).lasting(Some(600))));
    let answer = json!({"provisionedModelArn": arn("bedrock", "provisioned-model/x")});
    let units = made("bedrock", "CreateProvisionedModelThroughput", &json!({"modelUnits": 2}), &answer);
    assert_eq!(units[0].1, Some(What::Rate("bedrock-model-unit".into()).times(2)));
    let bundle = json!({"instanceNames": ["a", "b"], "bundleId": "2xlarge_3_0"});
    assert_eq!(made("lightsail", "CreateInstances", &bundle, &Value::Null).len(), 2);
    let flow = json!({"instances": {"instanceGroups": [{"instanceType": "m5.xlarge", "instanceCount": 1},
        {"instanceType": "c5.24xlarge", "instanceCount": 20}]}});
    let cluster = made("elasticmapreduce", "RunJobFlow", &flow, &json!({"jobFlowId": "j-1"}));
    assert_eq!(cluster[0].1, Some(What::Managed("c5.24xlarge".into()).times(21)));
}

#[test]
fn functions_are_resized_frozen_and_freed_under_any_spelling_of_their_name() {
    let arn = arn("lambda", "function:f");
    let response = json!({"functionArn": arn, "memorySize": 3008});
    let created = made("lambda", "CreateFunction20150331", &json!({"functionName": "f"}), &response);
    assert_eq!(created, [(arn.clone(), Some(What::Function { memory: 3008 }.times(1)))]);
    for name in ["f", "111122223333:function:f", "arn:aws:lambda:eu-west-3:111122223333:function:f:live"] {
        let request = json!({"functionName": name, "reservedConcurrentExecutions": 0});
        let frozen = facts("lambda", "PutFunctionConcurrency20171031", &request, &Value::Null, None).unwrap();
        assert_eq!(
            (frozen.changed[0].arn.as_str(), frozen.changed[0].to),
            (arn.as_str(), Becomes::Concurrency(Some(0)))
        );
    }
    let resized =
        facts("lambda", "UpdateFunctionConfiguration20150331v2", &json!({"functionName": "f"}), &response, None);
    assert_eq!(resized.unwrap().changed[0].to, Becomes::Memory(3008));
}

#[test]
fn requests_of_any_shape_are_read_without_harm() {
    let odd =
        [json!(null), json!("x"), json!([[]]), json!({"instanceCount": -1, "maxSize": 1e300, "modelUnits": "NaN"})];
    let calls = super::changes::CHANGES.into_iter().chain(super::made::DELETIONS).chain([
        ("ec2", "RunInstances"),
        ("ec2", "CreateFleet"),
        ("ecs", "RunTask"),
        ("ecs", "RegisterTaskDefinition"),
        ("sagemaker", "CreateEndpointConfig"),
        ("eks", "CreateNodegroup"),
        ("bedrock", "CreateProvisionedModelThroughput"),
        ("autoscaling", "CreateAutoScalingGroup"),
    ]);
    for (service, name) in calls {
        for (request, response) in odd.iter().flat_map(|request| odd.iter().map(move |response| (request, response))) {
            assert!(facts(service, name, request, response, None).is_none(), "{service}:{name} {request} {response}");
        }
    }
}

#[test]
fn what_a_call_made_is_the_arn_that_is_called_like_the_call() {
    let service = arn("ecs", "service/c/s");
    let answer = json!({"service": {"clusterArn": arn("ecs", "cluster/c"), "serviceArn": service, "roleArn": "arn:r"}});
    assert_eq!(made("ecs", "CreateService", &json!({"launchType": "EC2"}), &answer)[0].0, service);
    let profile = arn("rolesanywhere", "profile/p");
    let answer = json!({"profile": {"roleArns": ["arn:aws:iam::1:role/x"], "profileArn": profile}});
    assert_eq!(made("rolesanywhere", "CreateProfile", &Value::Null, &answer)[0].0, profile);
    let gone = facts("rolesanywhere", "DeleteProfile", &json!({"profileId": "p"}), &answer, None).unwrap();
    assert_eq!(gone.deleted, [profile]);
    let provider = "arn:aws:iam::111122223333:saml-provider/x";
    assert_eq!(made("iam", "CreateSAMLProvider", &Value::Null, &json!({"sAMLProviderArn": provider}))[0].0, provider);
}

#[test]
fn what_an_answer_names_by_id_has_an_arn_and_ends_by_it() {
    let ids = json!({"groupId": "sg-1", "keyName": "k", "emailIdentity": "a.example", "identity": "a.example"});
    for (service, make, end, rest) in [
        ("ec2", "CreateSecurityGroup", "DeleteSecurityGroup", "security-group/sg-1"),
        ("ec2", "ImportKeyPair", "DeleteKeyPair", "key-pair/k"),
        ("ses", "CreateEmailIdentity", "DeleteIdentity", "identity/a.example"),
    ] {
        assert_eq!(made(service, make, &ids, &ids)[0].0, arn(service, rest));
        assert_eq!(facts(service, end, &ids, &Value::Null, None).unwrap().deleted, [arn(service, rest)]);
        assert!(facts(service, make, &ids, &Value::Null, Some("AccessDenied")).is_none());
    }
    let user = "arn:aws:iam::111122223333:user/v";
    let request = json!({"userName": "v", "serviceSpecificCredentialId": "ACCAEXAMPLE"});
    let answer = json!({"serviceSpecificCredential": request});
    let credential = format!("{user}#ACCAEXAMPLE");
    assert_eq!(made("iam", "CreateServiceSpecificCredential", &json!({"userName": "v"}), &answer)[0].0, credential);
    let gone = facts("iam", "DeleteServiceSpecificCredential", &request, &Value::Null, None).unwrap();
    assert_eq!(gone.deleted, [credential]);
    let device = "arn:aws:iam::111122223333:mfa/d";
    let answer = json!({"virtualMFADevice": {"serialNumber": device}});
    assert_eq!(made("iam", "CreateVirtualMFADevice", &Value::Null, &answer)[0].0, device);
}

#[test]
fn machines_that_aws_starts_are_made_for_their_group() {
    let scaling = r#"{"type":"AssumedRole","principalId":"AROAEXAMPLE:AutoScaling","arn":"arn:aws:sts::111122223333:assumed-role/AWSServiceRoleForAutoScaling/AutoScaling","accountId":"111122223333","accessKeyId":"ASIAEXAMPLE00000001","invokedBy":"autoscaling.amazonaws.com"}"#;
    let tags = json!([{"key": "Name", "value": "x"}, {"key": "aws:autoscaling:groupName", "value": "g"}]);
    let request = json!({"tagSpecificationSet": {"items": [{"resourceType": "instance", "tags": tags}]}});
    let response = json!({"instancesSet": {"items": [{"instanceId": "i-1"}]}});
    let group = arn("autoscaling", "autoScalingGroup:autoScalingGroupName/g");
    let of = |caller| facts_of(caller, "ec2", "RunInstances", (&request, &response), None).unwrap().made_for;
    assert_eq!(of(scaling), Some(group.clone()));
    assert_eq!(of(ROLE), None, "only AWS writes such a tag");
    let made_group = made("autoscaling", "CreateAutoScalingGroup", &json!({"autoScalingGroupName": "g"}), &Value::Null);
    assert_eq!(made_group[0].0, group);
}

#[test]
fn a_refusal_names_whom_it_was_about() {
    let about = |thing: &str| {
        let told = "User: arn:aws:iam::111122223333:user/ci is not authorized to perform: iam:DeleteUser on resource:";
        super::target_of_refusal(&format!("{told} {thing} because no identity-based policy allows it"))
    };
    assert_eq!(about("user eve").as_deref(), Some("eve"));
    assert_eq!(about("arn:aws:iam::111122223333:role/app/web").as_deref(), Some("web"));
    assert_eq!(about("user "), None, "what follows is no name");
    assert_eq!(about("*"), None);
}
