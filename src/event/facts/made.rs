//! What calls create and delete.

use serde_json::Value;

use super::find::{DEEP, find_text, tag};
use super::{Call, Minted, Resource, text};
use crate::event::identity::principal_key;

/// Deletions that are read, beside those of IAM.
pub(super) const DELETIONS: [(&str, &str); 19] = [
    ("lambda", "DeleteFunction"),
    ("events", "DeleteRule"),
    ("s3", "DeleteBucket"),
    ("ec2", "TerminateInstances"),
    ("ec2", "CancelSpotFleetRequests"),
    ("ec2", "CancelSpotInstanceRequests"),
    ("ec2", "DeleteFleets"),
    ("ec2", "DeleteLaunchTemplate"),
    ("autoscaling", "DeleteAutoScalingGroup"),
    ("ecs", "DeleteService"),
    ("ecs", "DeleteCluster"),
    ("rolesanywhere", "DeleteTrustAnchor"),
    ("rolesanywhere", "DeleteProfile"),
    ("sagemaker", "DeleteNotebookInstance"),
    ("sagemaker", "DeleteEndpoint"),
    ("bedrock", "DeleteProvisionedModelThroughput"),
    ("lightsail", "DeleteInstance"),
    ("elasticmapreduce", "TerminateJobFlows"),
    ("batch", "DeleteComputeEnvironment"),
];

impl Call<'_> {
    pub(super) fn created(&self) -> Vec<Resource> {
        let (service, name) = (self.shape.service(), self.name());
        let is_new = |arn: String, kind: &str| vec![Resource::new(arn, kind)];
        match (service, name) {
            ("iam", "CreateUser") => principal_resource(&self.response["user"], "userId", "iam:user"),
            ("iam", "CreateRole") => principal_resource(&self.response["role"], "roleId", "iam:role"),
            ("iam", "CreateAccessKey") => match self.minted() {
                Some(Minted { credential: Some(key), arn, .. }) => is_new(format!("{arn}#{key}"), "iam:access-key"),
                _ => Vec::new(),
            },
            ("iam", "CreateLoginProfile") => match self.minted() {
                Some(minted) => is_new(format!("{}#password", minted.arn), "iam:login-profile"),
                None => Vec::new(),
            },
            ("s3", "CreateBucket") => text(self.request, "bucketName")
                .map(|bucket| is_new(format!("arn:{}:s3:::{bucket}", self.partition()), "s3:bucket"))
                .unwrap_or_default(),
            _ => match self.started() {
                Some(started) => started,
                None => match self.named() {
                    Some(made) => vec![made],
                    None => self.answered().map(|arn| vec![self.sized(arn)]).unwrap_or_default(),
                },
            },
        }
    }

    /// The ARN that the answer to a creation gives: the one that is called like the call, else the shortest name.
    fn answered(&self) -> Option<String> {
        let name = self.name();
        let thing = ["Create", "Run", "Register"].iter().find_map(|verb| name.strip_prefix(verb));
        let makes = thing.is_some() || matches!(name, "PutRule" | "StartBuild");
        let called = thing.map(|thing| format!("{thing}Arn"));
        let exact = called.and_then(|key| find_text(self.response, &key)).filter(|arn| arn.starts_with("arn:"));
        exact.or_else(|| first_arn(self.response, 3)).filter(|_| makes)
    }

    /// The scaling group that AWS itself started machines for. Nobody else can write the tag that says so.
    pub(super) fn made_for(&self) -> Option<String> {
        let by_scaling = self.shape.service() == "ec2" && self.shape.service_call;
        let name = by_scaling.then(|| tag(self.request, "aws:autoscaling:groupName", DEEP)).flatten()?;
        Some(self.group(name))
    }

    /// A thing that its ARN tells all about, and what it runs.
    fn sized(&self, arn: String) -> Resource {
        let kind = kind_of(&arn);
        Resource { runs: self.size(), ..Resource::new(arn, &kind) }
    }

    pub(super) fn deleted(&self) -> Vec<String> {
        let request = |key: &str| text(self.request, key);
        let (service, name) = (self.shape.service(), self.name());
        let regional = |rest: String| self.regional(service, &rest);
        let one = match (service, name) {
            ("iam", "DeleteUser") => request("userName").map(|name| self.iam_arn("user", &name)),
            ("iam", "DeleteRole") => request("roleName").map(|name| self.iam_arn("role", &name)),
            ("iam", "DeleteAccessKey") => {
                request("accessKeyId").zip(self.target(None)).map(|(key, user)| format!("{}#{key}", self.user(&user)))
            }
            ("iam", "DeleteLoginProfile") => {
                request("userName").map(|name| format!("{}#password", self.iam_arn("user", &name)))
            }
            ("lambda", "DeleteFunction") if request("qualifier").is_some() => None,
            ("lambda", "DeleteFunction") => self.function(),
            ("events", "DeleteRule") => request("name").map(|name| regional(format!("rule/{name}"))),
            ("s3", "DeleteBucket") => request("bucketName").map(|name| format!("arn:{}:s3:::{name}", self.partition())),
            ("ecs", "DeleteService") => text(&self.response["service"], "serviceArn"),
            ("ecs", "DeleteCluster") => text(&self.response["cluster"], "clusterArn"),
            ("rolesanywhere", _) => first_arn(self.response, 3),
            ("ec2" | "elasticmapreduce", _) if DELETIONS.contains(&(service, name)) => return self.ended(),
            ("autoscaling", "DeleteAutoScalingGroup") => request("autoScalingGroupName").map(|name| self.group(&name)),
            ("sagemaker", "DeleteNotebookInstance") => self.notebook(),
            ("sagemaker", "DeleteEndpoint") => {
                request("endpointName").map(|name| regional(format!("endpoint/{}", name.to_ascii_lowercase())))
            }
            ("bedrock", "DeleteProvisionedModelThroughput") => request("provisionedModelId").map(|name| {
                if name.starts_with("arn:") { name } else { regional(format!("provisioned-model/{name}")) }
            }),
            ("lightsail", "DeleteInstance") => request("instanceName").map(|name| regional(format!("Instance/{name}"))),
            ("batch", "DeleteComputeEnvironment") => request("computeEnvironment").map(|name| {
                if name.starts_with("arn:") { name } else { regional(format!("compute-environment/{name}")) }
            }),
            _ => self.unnamed(),
        };
        one.into_iter().collect()
    }

    /// ARNs of things that calls end several of at a time.
    fn ended(&self) -> Vec<String> {
        let arns = |kind: &str, ids: Vec<String>| {
            ids.into_iter().map(|id| self.regional(self.shape.service(), &format!("{kind}/{id}"))).collect()
        };
        match self.name() {
            "TerminateInstances" => self.instances(),
            "CancelSpotFleetRequests" => arns("spot-fleet-request", self.ids("sfr-")),
            "CancelSpotInstanceRequests" => arns("spot-instances-request", self.ids("sir-")),
            // The request may name it; the answer has its id.
            "DeleteLaunchTemplate" => {
                arns("launch-template", find_text(self.response, "launchTemplateId").into_iter().collect())
            }
            "DeleteFleets" => arns("fleet", self.ids("fleet-")),
            "TerminateJobFlows" => arns("cluster", self.ids("j-")),
            _ => Vec::new(),
        }
    }

    /// Every text of the request that begins like an id of a kind, once.
    fn ids(&self, prefix: &str) -> Vec<String> {
        fn gather(value: &Value, prefix: &str, depth: usize, found: &mut Vec<String>) {
            match value {
                Value::String(id) if id.starts_with(prefix) && !found.contains(id) => found.push(id.clone()),
                Value::Array(items) if depth > 0 => {
                    items.iter().for_each(|item| gather(item, prefix, depth - 1, found))
                }
                Value::Object(fields) if depth > 0 => {
                    fields.values().for_each(|field| gather(field, prefix, depth - 1, found));
                }
                _ => {}
            }
        }
        let mut found = Vec::new();
        gather(self.request, prefix, 5, &mut found);
        found
    }

    /// The function that a call names: by name, by ARN or by a part of it.
    pub(super) fn function(&self) -> Option<String> {
        let named = text(self.request, "functionName")?;
        if named.starts_with("arn:") {
            // What follows the name is a version or an alias.
            let parts: Vec<_> = named.split(':').take(7).collect();
            return Some(parts.join(":"));
        }
        let name = named.split_once("function:").map_or(named.as_str(), |(_, name)| name);
        let name = name.split(':').next().unwrap_or(name);
        Some(self.regional("lambda", &format!("function:{name}")))
    }

    /// The instances that an answer is about.
    pub(super) fn instances(&self) -> Vec<String> {
        let items = self.response["instancesSet"]["items"].as_array().map(Vec::as_slice).unwrap_or_default();
        let ids = items.iter().filter_map(|item| text(item, "instanceId"));
        ids.map(|id| self.regional("ec2", &format!("instance/{id}"))).collect()
    }

    pub(super) fn notebook(&self) -> Option<String> {
        let name = text(self.request, "notebookInstanceName")?.to_ascii_lowercase();
        Some(self.regional("sagemaker", &format!("notebook-instance/{name}")))
    }

    /// An auto scaling group. Its real ARN holds a random part, which is in no call.
    pub(super) fn group(&self, name: &str) -> String {
        self.regional("autoscaling", &format!("autoScalingGroup:autoScalingGroupName/{name}"))
    }

    /// An ARN of this account and region.
    pub(super) fn regional(&self, service: &str, rest: &str) -> String {
        format!("arn:{}:{service}:{}:{}:{rest}", self.partition(), self.region, self.identity.account)
    }
}

fn principal_resource(made: &Value, id_key: &str, kind: &str) -> Vec<Resource> {
    let Some(arn) = text(made, "arn") else {
        return Vec::new();
    };
    let principal = Some(principal_key(&text(made, id_key).unwrap_or_default(), &arn));
    vec![Resource { principal, ..Resource::new(arn, kind) }]
}

/// The first string under a key that ends in "arn", in the order of the keys.
fn first_arn(value: &Value, depth: usize) -> Option<String> {
    let Value::Object(fields) = value else {
        return None;
    };
    let is_arn = |key: &str, value: &Value| {
        key.to_ascii_lowercase().ends_with("arn") && value.as_str().is_some_and(|arn| arn.starts_with("arn:"))
    };
    let named = fields.iter().filter(|(key, value)| is_arn(key, value) && !key.to_ascii_lowercase().contains("role"));
    if let Some((_, arn)) = named.min_by_key(|(key, _)| key.len()) {
        return arn.as_str().map(str::to_owned);
    }
    (depth > 0).then(|| fields.values().find_map(|inner| first_arn(inner, depth - 1))).flatten()
}

/// `lambda:function` for a function's ARN.
pub(super) fn kind_of(arn: &str) -> String {
    let mut parts = arn.splitn(6, ':').skip(2);
    let service = parts.next().unwrap_or("aws");
    let resource = parts.nth(2).unwrap_or_default();
    let kind = resource.split([':', '/']).next().unwrap_or_default();
    if kind == resource || kind.is_empty() { service.to_owned() } else { format!("{service}:{kind}") }
}
