//! What a call is about: one thing, and one role that it assumes or hands on. Read only of the calls in a closed table,
//! because each such value is looked up in the record, and becomes a tuple of what is usual.

use serde_json::Value;

use super::Shape;
use super::view::LIST;

/// Longest value that is kept, in characters; names of AWS are shorter.
const LONGEST: usize = 200;
/// Values of one list that are kept; no call of the table takes more.
const MOST: usize = 20;

/// What the value at a path is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// The thing that the call is about: a secret, a model, a bucket.
    Object,
    /// A role, or the instance profile that holds one.
    Role,
}

/// One value in the requests of some calls.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Source {
    service: &'static str,
    actions: &'static [&'static str],
    /// Below `requestParameters`.
    path: &'static [&'static str],
    part: Part,
}

/// The thing and the role of one call; lists are joined.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct About {
    pub object: Option<String>,
    pub role: Option<String>,
}

const fn object(service: &'static str, actions: &'static [&'static str], path: &'static [&'static str]) -> Source {
    Source { service, actions, path, part: Part::Object }
}

const fn role(service: &'static str, actions: &'static [&'static str], path: &'static [&'static str]) -> Source {
    Source { service, actions, path, part: Part::Role }
}

const BUCKETS: &[&str] = &[
    "PutBucketPolicy",
    "DeleteBucketPolicy",
    "PutBucketAcl",
    "PutBucketPublicAccessBlock",
    "DeleteBucketPublicAccessBlock",
    "PutBucketVersioning",
    "PutBucketLifecycle",
    "PutBucketLifecycleConfiguration",
    "PutBucketReplication",
    "PutBucketEncryption",
    "DeleteBucketEncryption",
    "PutBucketLogging",
    "DeleteBucket",
];
const MODELS: &[&str] = &[
    "InvokeModel",
    "InvokeModelWithResponseStream",
    "InvokeModelWithBidirectionalStream",
    "Converse",
    "ConverseStream",
    "StartAsyncInvoke",
    "CreateModelInvocationJob",
    "CreateProvisionedModelThroughput",
];
const OF_USERS: &[&str] = &[
    "CreateAccessKey",
    "UpdateAccessKey",
    "CreateLoginProfile",
    "UpdateLoginProfile",
    "AttachUserPolicy",
    "PutUserPolicy",
    "DeactivateMFADevice",
];
const OF_ROLES: &[&str] = &["AttachRolePolicy", "PutRolePolicy", "UpdateAssumeRolePolicy"];
const STACKS: &[&str] = &["CreateStack", "UpdateStack", "CreateChangeSet"];
const JOBS: &[&str] = &["CreateJob", "CreateSession", "CreateCrawler", "UpdateCrawler"];
const NOTEBOOKS: &[&str] = &[
    "CreateNotebookInstance",
    "CreateTrainingJob",
    "CreateProcessingJob",
    "CreateAutoMLJob",
    "CreateHyperParameterTuningJob",
];

const SOURCES: &[Source] = &[
    object(
        "secretsmanager",
        &["GetSecretValue", "PutSecretValue", "UpdateSecret", "DeleteSecret", "PutResourcePolicy"],
        &["secretId"],
    ),
    object("secretsmanager", &["BatchGetSecretValue"], &["secretIdList"]),
    object("ssm", &["GetParameter", "GetParameterHistory", "PutParameter", "DeleteParameter"], &["name"]),
    object("ssm", &["GetParameters", "DeleteParameters"], &["names"]),
    object("ssm", &["GetParametersByPath"], &["path"]),
    object("ssm", &["SendCommand"], &["documentName"]),
    object("bedrock", MODELS, &["modelId"]),
    object("s3", BUCKETS, &["bucketName"]),
    object("kms", &["ScheduleKeyDeletion", "DisableKey", "PutKeyPolicy"], &["keyId"]),
    object(
        "lambda",
        &["UpdateFunctionCode", "UpdateFunctionConfiguration", "AddPermission", "DeleteFunction"],
        &["functionName"],
    ),
    object("iam", OF_USERS, &["userName"]),
    object("iam", OF_ROLES, &["roleName"]),
    role("sts", &["AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity"], &["roleArn"]),
    role("lambda", &["CreateFunction", "UpdateFunctionConfiguration"], &["role"]),
    role("ec2", &["RunInstances"], &["iamInstanceProfile", "arn"]),
    role("ec2", &["RunInstances"], &["iamInstanceProfile", "name"]),
    role("ec2", &["AssociateIamInstanceProfile"], &["AssociateIamInstanceProfileRequest", "IamInstanceProfile", "Arn"]),
    role(
        "ec2",
        &["AssociateIamInstanceProfile"],
        &["AssociateIamInstanceProfileRequest", "IamInstanceProfile", "Name"],
    ),
    role(
        "ec2",
        &["ReplaceIamInstanceProfileAssociation"],
        &["ReplaceIamInstanceProfileAssociationRequest", "IamInstanceProfile", "Arn"],
    ),
    role(
        "ec2",
        &["ReplaceIamInstanceProfileAssociation"],
        &["ReplaceIamInstanceProfileAssociationRequest", "IamInstanceProfile", "Name"],
    ),
    role("ecs", &["RegisterTaskDefinition"], &["taskRoleArn"]),
    role("ecs", &["RegisterTaskDefinition"], &["executionRoleArn"]),
    role("ecs", &["RunTask", "StartTask"], &["overrides", "taskRoleArn"]),
    role("cloudformation", STACKS, &["roleARN"]),
    role("codebuild", &["CreateProject", "UpdateProject"], &["serviceRole"]),
    role("codebuild", &["StartBuild"], &["serviceRoleOverride"]),
    role("codepipeline", &["CreatePipeline", "UpdatePipeline"], &["pipeline", "roleArn"]),
    role("glue", JOBS, &["role"]),
    role("glue", &["UpdateJob"], &["jobUpdate", "role"]),
    role("glue", &["CreateDevEndpoint"], &["roleArn"]),
    role("sagemaker", NOTEBOOKS, &["roleArn"]),
    role("sagemaker", &["CreateModel"], &["executionRoleArn"]),
    role("states", &["CreateStateMachine", "UpdateStateMachine"], &["roleArn"]),
    role("scheduler", &["CreateSchedule", "UpdateSchedule"], &["target", "roleArn"]),
    role("batch", &["RegisterJobDefinition"], &["containerProperties", "jobRoleArn"]),
    role("apprunner", &["CreateService", "UpdateService"], &["instanceConfiguration", "instanceRoleArn"]),
    role("elasticmapreduce", &["RunJobFlow"], &["jobFlowRole"]),
    role("emr-serverless", &["StartJobRun"], &["executionRoleArn"]),
    role("bedrock", &["CreateAgent", "UpdateAgent"], &["agentResourceRoleArn"]),
    role("bedrock-agentcore", &["CreateAgentRuntime", "UpdateAgentRuntime"], &["roleArn"]),
    role("bedrock-agentcore", &["CreateCodeInterpreter"], &["executionRoleArn"]),
    role("eks", &["CreateCluster"], &["roleArn"]),
    role("eks", &["CreateNodegroup"], &["nodeRole"]),
];

/// Where calls of a kind say what they are about. Nowhere where AWS itself calls: it assumes roles all day.
pub(crate) fn sources(shape: &Shape) -> Vec<&'static Source> {
    if shape.principal_kind == "service" {
        return Vec::new();
    }
    let (service, name) = (shape.service(), shape.name.as_str());
    SOURCES.iter().filter(|source| source.service == service && source.actions.contains(&name)).collect()
}

/// What one call is about, by its request as JSON.
pub(crate) fn read(request: &str, sources: &[&Source]) -> About {
    let (mut objects, mut roles) = (Vec::new(), Vec::new());
    for source in sources {
        let Ok(value) = sonic_rs::get(request, source.path) else { continue };
        let Ok(value) = serde_json::from_str(value.as_raw_str()) else { continue };
        match source.part {
            Part::Object => objects.extend(texts(&value).map(short)),
            Part::Role => roles.extend(texts(&value).map(plain)),
        }
    }
    About { object: joined(objects), role: joined(roles) }
}

fn texts(value: &Value) -> impl Iterator<Item = &str> {
    let many = value.as_array().into_iter().flatten().filter_map(Value::as_str);
    let known = |text: &&str| !text.is_empty() && *text != "***" && !text.starts_with("HIDDEN_DUE_TO");
    value.as_str().into_iter().chain(many).filter(known).take(MOST)
}

/// Several values as one text, the same whatever their order.
fn joined(mut values: Vec<String>) -> Option<String> {
    values.sort_unstable();
    values.dedup();
    (!values.is_empty()).then(|| values.join(LIST))
}

/// A name, where an ARN or a path stands for it: the same thing is spelt in several ways. Secrets have a random end in
/// their ARNs alone.
fn short(text: &str) -> String {
    let resource = text.strip_prefix("arn:").and_then(|rest| rest.splitn(5, ':').nth(4));
    let name = match resource.map(|resource| resource.split_once([':', '/']).unwrap_or(("", resource))) {
        Some(("secret", name)) => {
            name.rsplit_once('-').filter(|(_, end)| end.len() == 6).map_or(name, |(name, _)| name)
        }
        Some((_, name)) => name,
        None => text,
    };
    let name = plain(name.trim_start_matches('/'));
    // Only the root of a tree of parameters has no name.
    if name.is_empty() { "/".to_owned() } else { name }
}

/// A value that is bounded and cannot be taken for several.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;
    use crate::event::{Identity, Record};

    fn about(service: &str, name: &str, request: &str) -> (Option<String>, Option<String>) {
        let raw = format!(
            r#"{{"eventTime":"2026-03-10T02:14:07Z","eventSource":"{service}.amazonaws.com","eventName":"{name}","awsRegion":"eu-west-1","userIdentity":{{"type":"IAMUser","userName":"ci"}},"requestParameters":{request}}}"#
        );
        let record = Record::scan(&raw).unwrap();
        let identity = Identity::parse(&record.identity, "111122223333");
        let About { object, role } = read(&record.request, &sources(&Shape::of(&record, &identity)));
        (object, role)
    }

    #[test]
    fn one_thing_has_one_name_however_it_is_spelt() {
        let secret = |id: &str| about("secretsmanager", "GetSecretValue", &format!(r#"{{"secretId":"{id}"}}"#)).0;
        assert_eq!(secret("prod/db").as_deref(), Some("prod/db"));
        assert_eq!(secret("arn:aws:secretsmanager:eu-west-1:111122223333:secret:prod/db-Ab12Cd"), secret("prod/db"));
        let parameter = |name: &str| about("ssm", "GetParameter", &format!(r#"{{"name":"{name}"}}"#)).0;
        assert_eq!(parameter("/app/key").as_deref(), Some("app/key"));
        assert_eq!(parameter("arn:aws:ssm:eu-west-1:111122223333:parameter/app/key"), parameter("/app/key"));
        assert_eq!(about("ssm", "GetParametersByPath", r#"{"path":"/"}"#).0.as_deref(), Some("/"));
        let model = |id: &str| about("bedrock", "InvokeModel", &format!(r#"{{"modelId":"{id}"}}"#)).0;
        assert_eq!(
            model("arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-v2"),
            model("anthropic.claude-v2")
        );
        let names = |list: &str| about("ssm", "GetParameters", &format!(r#"{{"names":{list}}}"#)).0;
        assert_eq!(names(r#"["b","a","b"]"#).unwrap().split(LIST).collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn roles_are_kept_as_they_are() {
        let arn = "arn:aws:iam::111122223333:role/app";
        for (service, name, request) in [
            ("sts", "AssumeRole", format!(r#"{{"roleArn":"{arn}"}}"#)),
            ("lambda", "CreateFunction20150331", format!(r#"{{"role":"{arn}","functionName":"f"}}"#)),
            ("cloudformation", "CreateStack", format!(r#"{{"roleARN":"{arn}"}}"#)),
            ("ecs", "RegisterTaskDefinition", format!(r#"{{"taskRoleArn":"{arn}","executionRoleArn":"{arn}"}}"#)),
        ] {
            assert_eq!(about(service, name, &request).1.as_deref(), Some(arn), "{service}");
        }
        let both = about("lambda", "UpdateFunctionConfiguration20150331v2", r#"{"functionName":"f","role":"r"}"#);
        assert_eq!(both, (Some("f".to_owned()), Some("r".to_owned())));
    }

    #[test]
    fn odd_requests_are_about_nothing_and_hostile_ones_stay_small() {
        for request in ["null", "{}", r#"{"secretId":null}"#, r#"{"secretId":{"a":1}}"#, r#"{"secretId":"***"}"#, "[1]"]
        {
            assert_eq!(about("secretsmanager", "GetSecretValue", request), (None, None), "{request}");
        }
        assert_eq!(about("s3", "GetObject", r#"{"bucketName":"b"}"#), (None, None), "not in the table");
        let long = format!(r#"{{"secretId":"a\u001f\u001e\n{}"}}"#, "x".repeat(5_000));
        let text = about("secretsmanager", "GetSecretValue", &long).0.unwrap();
        assert!(text.chars().count() == LONGEST && !text.chars().any(char::is_control));
    }
}
