//! What becomes of things that run already.

use serde_json::Value;

use super::find::number;
use super::{Becomes, Call, Change, text};

/// Calls that start, stop or change what runs, beside those that begin like a creation.
pub(super) const CHANGES: [(&str, &str); 18] = [
    ("ec2", "StartInstances"),
    ("ec2", "StopInstances"),
    ("ec2", "RequestSpotFleet"),
    ("ec2", "RequestSpotInstances"),
    ("autoscaling", "UpdateAutoScalingGroup"),
    ("lambda", "UpdateFunctionConfiguration"),
    ("lambda", "PutFunctionConcurrency"),
    ("lambda", "DeleteFunctionConcurrency"),
    ("ecs", "UpdateService"),
    ("ecs", "StopTask"),
    ("sagemaker", "StartNotebookInstance"),
    ("sagemaker", "StopNotebookInstance"),
    ("sagemaker", "StopTrainingJob"),
    ("codebuild", "StartBuild"),
    ("codebuild", "StopBuild"),
    ("glue", "StartJobRun"),
    ("glue", "BatchStopJobRun"),
    ("batch", "UpdateComputeEnvironment"),
];

impl Call<'_> {
    /// What a call changes about things that run already.
    pub(super) fn changed(&self) -> Vec<Change> {
        let request = |key: &str| text(self.request, key);
        let become_all = |arns: Vec<String>, to| arns.into_iter().map(|arn| Change { arn, to }).collect();
        let one = match (self.shape.service(), self.name()) {
            ("ec2", "StartInstances") => return become_all(self.instances(), Becomes::Started),
            ("ec2", "StopInstances") => return become_all(self.instances(), Becomes::Stopped),
            ("autoscaling", "UpdateAutoScalingGroup") => request("autoScalingGroupName")
                .zip(number(self.request, "maxSize"))
                .map(|(name, most)| (self.group(&name), Becomes::Count(most))),
            ("lambda", "UpdateFunctionConfiguration") => {
                self.function().zip(number(self.response, "memorySize")).map(|(arn, mb)| (arn, Becomes::Memory(mb)))
            }
            ("lambda", "PutFunctionConcurrency") => self
                .function()
                .zip(number(self.request, "reservedConcurrentExecutions"))
                .map(|(arn, most)| (arn, Becomes::Concurrency(Some(most)))),
            ("lambda", "DeleteFunctionConcurrency") => self.function().map(|arn| (arn, Becomes::Concurrency(None))),
            ("ecs", "UpdateService") => text(&self.response["service"], "serviceArn")
                .zip(number(self.request, "desiredCount"))
                .map(|(arn, count)| (arn, Becomes::Count(count))),
            ("ecs", "StopTask") => text(&self.response["task"], "taskArn").map(|arn| (arn, Becomes::Stopped)),
            ("sagemaker", "StartNotebookInstance") => self.notebook().map(|arn| (arn, Becomes::Started)),
            ("sagemaker", "StopNotebookInstance") => self.notebook().map(|arn| (arn, Becomes::Stopped)),
            ("sagemaker", "StopTrainingJob") => request("trainingJobName").map(|name| {
                let arn = self.regional("sagemaker", &format!("training-job/{}", name.to_ascii_lowercase()));
                (arn, Becomes::Stopped)
            }),
            ("codebuild", "StopBuild") => text(&self.response["build"], "arn").map(|arn| (arn, Becomes::Stopped)),
            ("glue", "BatchStopJobRun") => {
                let job = request("jobName").unwrap_or_default();
                let runs = self.request["jobRunIds"].as_array().into_iter().flatten().filter_map(Value::as_str);
                let arns = runs.map(|run| self.regional("glue", &format!("job/{job}/{run}"))).collect();
                return become_all(arns, Becomes::Stopped);
            }
            ("batch", "UpdateComputeEnvironment") => text(self.response, "computeEnvironmentArn")
                .zip(number(&self.request["computeResources"], "maxvCpus"))
                .map(|(arn, most)| (arn, Becomes::Count(most))),
            _ => None,
        };
        one.map(|(arn, to)| Change { arn, to }).into_iter().collect()
    }
}
