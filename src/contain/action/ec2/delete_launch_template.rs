//! Deletes a launch template that the incident made.

use serde_json::{Value, json};

use crate::aws::Refusal;
use crate::contain::action::{Action, Asking, Card, Knobs, Observed, Right, phase};
use crate::contain::cloud::Cloud;
use crate::contain::subject::{Subject, name_of};
use crate::model::plan::{Class, Target};

pub(super) struct DeleteLaunchTemplate;

impl Action for DeleteLaunchTemplate {
    fn card(&self) -> &'static Card {
        const {
            &Card {
                name: "delete-launch-template",
                about: "Deletes a launch template that the incident made, with all of its versions",
                on: &["ec2:launch-template"],
                class: Class::R3,
                phase: phase::ERADICATE,
                reads: &[super::DESCRIBE_TEMPLATES],
                writes: &[Right::on("ec2:DeleteLaunchTemplate", "arn:aws:ec2:*:{account}:launch-template/*")],
                undoes: &[],
            }
        }
    }

    fn find<'a>(&'a self, cloud: &'a Cloud, subject: &'a Subject) -> Asking<'a, Vec<Target>> {
        Box::pin(async move {
            let target = super::target(subject, "launch-template", subject.name());
            let there = subject.made && super::has_template(&super::client(cloud, &target)?, &target).await?;
            Ok(if there { vec![target] } else { Vec::new() })
        })
    }

    fn observe<'a>(&'a self, cloud: &'a Cloud, target: &'a Target) -> Asking<'a, Observed> {
        Box::pin(async move {
            let there = super::has_template(&super::client(cloud, target)?, target).await?;
            Ok(Observed { id: String::new(), state: json!({ "there": there }) })
        })
    }

    fn goal(&self, _: &Target, state: &Value) -> Option<Value> {
        (state["there"] == true).then(|| json!({ "there": false }))
    }

    fn words(&self, target: &Target, _: &Value, _: &Value) -> (String, Option<String>) {
        (format!("delete launch template {} with all of its versions", name_of(&target.arn)), None)
    }

    fn set<'a>(
        &'a self,
        cloud: &'a Cloud,
        target: &'a Target,
        _: &'a Value,
        to: &'a Value,
        _: &'a Knobs,
    ) -> Asking<'a, Value> {
        Box::pin(async move {
            if to["there"] != false {
                let why = "what is deleted does not come back".to_owned();
                return Err(Refusal::Other { action: "ec2:DeleteLaunchTemplate", why });
            }
            let request = super::client(cloud, target)?.delete_launch_template();
            match request.launch_template_id(name_of(&target.arn)).send().await {
                Ok(_) => Ok(json!({})),
                Err(error) => match Refusal::of("ec2:DeleteLaunchTemplate", &error) {
                    // An earlier call got through without its answer.
                    Refusal::Gone(_) => Ok(json!({})),
                    refusal => Err(refusal),
                },
            }
        })
    }
}
