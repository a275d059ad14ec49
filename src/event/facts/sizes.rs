//! How large the things are that calls start, stop and change: what a price needs.

use serde_json::Value;

use super::find::{DEEP, as_number, find, find_all, find_text, number, units};
use super::{Call, Resource, text};
use crate::price::{Runs, What, dearest};

/// What a function has where the call does not say, in MB.
const LEAST_MEMORY: u32 = 128;
/// How long jobs last where the call does not say, in seconds: AWS's defaults.
const TRAINING: u64 = 86_400;
const BUILD: u64 = 3_600;
const GLUE_JOB: u64 = 8 * 3_600;

impl Call<'_> {
    /// Things that a call starts without one ARN in the answer that tells all; `None` for other calls.
    pub(super) fn started(&self) -> Option<Vec<Resource>> {
        let (service, name) = (self.shape.service(), self.name());
        let thing = |kind: &str, id: &str, runs: Option<Runs>| {
            let arn = self.regional(service, &format!("{kind}/{id}"));
            Resource { runs, ..Resource::new(arn, &format!("{service}:{kind}")) }
        };
        let one = |resource: Option<Resource>| Some(resource.into_iter().collect());
        match (service, name) {
            ("ec2", "RunInstances") => Some(self.run_instances()),
            ("ec2", "RequestSpotFleet") => one(find_text(self.response, "spotFleetRequestId")
                .map(|id| thing("spot-fleet-request", &id, self.fleet("targetCapacity", true)))),
            ("ec2", "CreateFleet") => {
                let spot = find_text(self.request, "defaultTargetCapacityType").is_some_and(|of| of == "spot");
                one(find_text(self.response, "fleetId")
                    .map(|id| thing("fleet", &id, self.fleet("totalTargetCapacity", spot))))
            }
            ("ec2", "RequestSpotInstances") => {
                let runs = find_text(self.request, "instanceType").map(|class| instance(class, true, false).at_most());
                let ids = find_all(self.response, "spotInstanceRequestId");
                Some(ids.into_iter().map(|id| thing("spot-instances-request", &id, runs.clone())).collect())
            }
            ("ec2", "CreateLaunchTemplate") => {
                one(find_text(self.response, "launchTemplateId").map(|id| thing("launch-template", &id, None)))
            }
            ("autoscaling", "CreateAutoScalingGroup") => one(text(self.request, "autoScalingGroupName").map(|name| {
                let runs = self.fleet("maxSize", false);
                Resource { runs, ..Resource::new(self.group(&name), "autoscaling:autoScalingGroup") }
            })),
            ("ecs", "RunTask") => {
                let tasks = self.response["tasks"].as_array().map(Vec::as_slice).unwrap_or_default();
                let task = |task: &Value| {
                    let runs = on_fargate(task).then(|| self.task(task)).flatten().map(|size| size.times(1));
                    text(task, "taskArn").map(|arn| Resource { runs, ..Resource::new(arn, "ecs:task") })
                };
                Some(tasks.iter().filter_map(task).collect())
            }
            ("lightsail", "CreateInstances") => {
                let bundle = text(self.request, "bundleId").unwrap_or_default();
                let size = bundle.split('_').next().unwrap_or_default();
                let runs = What::Rate(format!("lightsail-{size}")).times(1);
                let names = self.request["instanceNames"].as_array().into_iter().flatten().filter_map(Value::as_str);
                Some(names.map(|name| thing("Instance", name, Some(runs.clone()))).collect())
            }
            ("elasticmapreduce", "RunJobFlow") => {
                one(find_text(self.response, "jobFlowId").map(|id| thing("cluster", &id, self.cluster())))
            }
            ("glue", "StartJobRun") => {
                one(text(self.response, "jobRunId").zip(text(self.request, "jobName")).map(|(run, job)| {
                    thing(
                        "job",
                        &format!("{job}/{run}"),
                        // Without a limit of its own a run has that of its job's definition.
                        self.workers(self.request)
                            .or_else(|| Some(self.like("glue-job", &job, 1).lasting(limit(self.request)))),
                    )
                }))
            }
            _ => None,
        }
    }

    /// What the one thing runs that a call makes.
    pub(super) fn size(&self) -> Option<Runs> {
        let request = self.request;
        let managed = |value: &Value| {
            let count = number(value, "instanceCount").unwrap_or(1);
            text(value, "instanceType").map(|class| What::Managed(class).times(count))
        };
        match (self.shape.service(), self.name()) {
            ("lambda", "CreateFunction") => {
                let memory = number(self.response, "memorySize").or_else(|| number(request, "memorySize"));
                Some(What::Function { memory: memory.unwrap_or(LEAST_MEMORY) }.times(1))
            }
            ("ecs", "CreateService") if on_fargate(request) => {
                let definition = text(request, "taskDefinition")?;
                Some(self.like("task-definition", &definition, number(request, "desiredCount").unwrap_or(1)))
            }
            ("sagemaker", "CreateNotebookInstance") => managed(request),
            ("sagemaker", "CreateEndpoint") => {
                Some(self.like("endpoint-config", &text(request, "endpointConfigName")?, 1))
            }
            ("sagemaker", "CreateTrainingJob") => {
                let longest = number(&request["stoppingCondition"], "maxRuntimeInSeconds").map_or(TRAINING, u64::from);
                managed(&request["resourceConfig"]).map(|runs| runs.lasting(Some(longest)))
            }
            ("sagemaker", "CreateProcessingJob") => {
                let longest = number(&request["stoppingCondition"], "maxRuntimeInSeconds").map_or(TRAINING, u64::from);
                managed(&request["processingResources"]["clusterConfig"]).map(|runs| runs.lasting(Some(longest)))
            }
            ("bedrock", "CreateProvisionedModelThroughput") => {
                Some(What::Rate("bedrock-model-unit".into()).times(number(request, "modelUnits")?))
            }
            ("codebuild", "StartBuild") => {
                let build = &self.response["build"];
                let size = text(&build["environment"], "computeType")?;
                let longest = number(build, "timeoutInMinutes").map_or(BUILD, |minutes| u64::from(minutes) * 60);
                Some(What::Rate(format!("codebuild-{size}")).times(1).lasting(Some(longest)))
            }
            ("batch", "CreateComputeEnvironment") => {
                let most = number(&request["computeResources"], "maxvCpus")?;
                Some(What::Rate("batch-vcpu".into()).times(most).at_most())
            }
            ("eks", "CreateNodegroup") => {
                let class =
                    dearest(request["instanceTypes"].as_array()?.iter().filter_map(Value::as_str).map(str::to_owned))?;
                let count = number(&request["scalingConfig"], "desiredSize").unwrap_or(1);
                let spot = text(request, "capacityType").is_some_and(|of| of.eq_ignore_ascii_case("spot"));
                Some(Runs { count, ..instance(class, spot, false) })
            }
            _ => None,
        }
    }

    /// What a call defines for others to run, under the names by which they can name it.
    pub(super) fn defined(&self) -> Vec<(String, Runs)> {
        let all = |kind: &str, names: [Option<String>; 2], runs: Option<Runs>| {
            let Some(runs) = runs else { return Vec::new() };
            names.into_iter().flatten().map(|name| (self.definition(kind, &name), runs.clone())).collect()
        };
        match (self.shape.service(), self.name()) {
            ("ecs", "RegisterTaskDefinition") => {
                let made = &self.response["taskDefinition"];
                let size = self.task(made).or_else(|| self.task(self.request));
                let names = [text(made, "taskDefinitionArn"), text(self.request, "family")];
                all("task-definition", names, size.map(|size| size.times(1)))
            }
            ("sagemaker", "CreateEndpointConfig") => {
                let variants = self.request["productionVariants"].as_array().map(Vec::as_slice).unwrap_or_default();
                let class = variants.iter().find_map(|variant| text(variant, "instanceType"));
                let counts = variants.iter().map(|variant| number(variant, "initialInstanceCount").unwrap_or(1));
                let count = counts.fold(0, u32::saturating_add);
                let runs = class.map(|class| What::Managed(class).times(count));
                all("endpoint-config", [text(self.request, "endpointConfigName"), None], runs)
            }
            ("ec2", "CreateLaunchTemplate") => {
                let names =
                    [find_text(self.request, "launchTemplateName"), find_text(self.response, "launchTemplateId")];
                let runs = find_text(self.request, "instanceType").map(|class| instance(class, false, false));
                all("launch-template", names, runs)
            }
            ("autoscaling", "CreateLaunchConfiguration") => {
                let runs = text(self.request, "instanceType").map(|class| instance(class, false, false));
                all("launch-template", [text(self.request, "launchConfigurationName"), None], runs)
            }
            ("glue", "CreateJob") => all("glue-job", [text(self.request, "name"), None], self.workers(self.request)),
            _ => Vec::new(),
        }
    }

    fn run_instances(&self) -> Vec<Resource> {
        let items = self.response["instancesSet"]["items"].as_array().map(Vec::as_slice).unwrap_or_default();
        let asked = text(self.request, "instanceType");
        let market = &self.request["instanceMarketOptions"];
        let spot_asked = text(market, "marketType").is_some_and(|market| market == "spot");
        let made = |item: &Value| {
            let arn = self.regional("ec2", &format!("instance/{}", text(item, "instanceId")?));
            let spot = spot_asked || text(item, "instanceLifecycle").is_some_and(|kind| kind == "spot");
            let windows = text(item, "platform").is_some_and(|platform| platform.eq_ignore_ascii_case("windows"));
            let class = text(item, "instanceType").or_else(|| asked.clone());
            let runs = class.map(|class| instance(class, spot, windows));
            Some(Resource { runs, ..Resource::new(arn, "ec2:instance") })
        };
        items.iter().filter_map(made).collect()
    }

    /// A request for capacity: of the types that it names the dearest, else what its launch template says.
    fn fleet(&self, capacity: &str, spot: bool) -> Option<Runs> {
        let count = find(self.request, capacity, DEEP).and_then(as_number)?;
        let runs = match dearest(find_all(self.request, "instanceType")) {
            Some(class) => Runs { count, ..instance(class, spot, false) },
            None => {
                let names = ["launchTemplateId", "launchTemplateName", "launchConfigurationName"];
                let template = names.iter().find_map(|key| find_text(self.request, key))?;
                self.like("launch-template", &template, count)
            }
        };
        Some(runs.at_most())
    }

    /// The machines of an EMR cluster, all as dear as the dearest.
    fn cluster(&self) -> Option<Runs> {
        let instances = &self.request["instances"];
        let class = dearest(
            ["instanceType", "masterInstanceType", "slaveInstanceType"].iter().flat_map(|key| find_all(instances, key)),
        )?;
        let groups = instances["instanceGroups"].as_array().into_iter().flatten();
        let in_groups = groups.filter_map(|group| number(group, "instanceCount")).fold(0, u32::saturating_add);
        let count = number(instances, "instanceCount").unwrap_or(in_groups).max(1);
        Some(What::Managed(class).times(count))
    }

    /// The workers of a Glue job in data processing units.
    fn workers(&self, job: &Value) -> Option<Runs> {
        let units = match text(job, "workerType").as_deref() {
            Some("G.2X") => 2,
            Some("G.4X") => 4,
            Some("G.8X") => 8,
            _ => 1,
        };
        let count =
            number(job, "numberOfWorkers").map(|n| n.saturating_mul(units)).or_else(|| number(job, "maxCapacity"))?;
        Some(What::Rate("glue-dpu".into()).times(count).lasting(limit(job).or(Some(GLUE_JOB))))
    }

    /// The size of a task or of its definition; containers count where the task itself says nothing.
    fn task(&self, task: &Value) -> Option<What> {
        let part = |value: &Value, key: &str| value.get(key).and_then(units);
        let containers = || task["containerDefinitions"].as_array().map(Vec::as_slice).unwrap_or_default().iter();
        let sum = |key: &str| containers().filter_map(|one| part(one, key)).reduce(u32::saturating_add);
        let cpu = part(task, "cpu").or_else(|| sum("cpu"))?;
        let memory = part(task, "memory").or_else(|| sum("memory"))?;
        Some(What::Task { cpu, memory })
    }

    fn like(&self, kind: &str, name: &str, count: u32) -> Runs {
        What::As(self.definition(kind, name)).times(count)
    }

    /// The name of a definition in this account and region, by its name or its ARN.
    fn definition(&self, kind: &str, name: &str) -> String {
        let name = name.rsplit('/').next().unwrap_or(name);
        format!("{}/{}/{kind}/{name}", self.identity.account, self.region)
    }
}

fn instance(class: String, spot: bool, windows: bool) -> Runs {
    What::Instance { class, spot, windows }.times(1)
}

/// Tasks on instances are paid for with the instances.
fn on_fargate(value: &Value) -> bool {
    !text(value, "launchType").is_some_and(|kind| kind == "EC2" || kind == "EXTERNAL")
}

/// The time limit of a Glue job in seconds, where it is given; the call has minutes.
fn limit(job: &Value) -> Option<u64> {
    number(job, "timeout").map(|minutes| u64::from(minutes) * 60)
}
