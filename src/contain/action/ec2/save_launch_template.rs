//! Evidence of a launch template: all of its versions, as EC2 tells them.

use aws_sdk_ec2::Client;
use serde_json::{Value, json};

use super::ANY;
use super::raw::Raw;
use crate::aws::Refusal;
use crate::contain::action::{Action, Asking, Card, Knobs, Observed, Right, phase};
use crate::contain::cloud::Cloud;
use crate::contain::evidence::{self, Found};
use crate::contain::subject::{Subject, name_of};
use crate::model::plan::{Class, Target};

pub(super) struct SaveLaunchTemplate;

impl Action for SaveLaunchTemplate {
    fn card(&self) -> &'static Card {
        const {
            &Card {
                name: "save-launch-template",
                about: "Saves a launch template with all of its versions",
                on: &["ec2:launch-template"],
                class: Class::R0,
                phase: phase::EVIDENCE,
                reads: &[super::DESCRIBE_TEMPLATES],
                writes: // Versions hold user data.
        const { &[Right::on("ec2:DescribeLaunchTemplateVersions", ANY)] },
                undoes: &[],
            }
        }
    }

    fn find<'a>(&'a self, cloud: &'a Cloud, subject: &'a Subject) -> Asking<'a, Vec<Target>> {
        Box::pin(async move {
            let target = super::target(subject, "launch-template", subject.name());
            let there = super::has_template(&super::client(cloud, &target)?, &target).await?;
            Ok(if there { vec![target] } else { Vec::new() })
        })
    }

    fn observe<'a>(&'a self, cloud: &'a Cloud, target: &'a Target) -> Asking<'a, Observed> {
        Box::pin(async move {
            let saved = evidence::is_saved(cloud, &evidence::path(cloud, target)).await?;
            Ok(Observed { id: String::new(), state: json!({ "saved": saved }) })
        })
    }

    fn goal(&self, _: &Target, state: &Value) -> Option<Value> {
        (state["saved"] != true).then(|| json!({ "saved": true }))
    }

    fn words(&self, target: &Target, _: &Value, _: &Value) -> (String, Option<String>) {
        (format!("save all versions of launch template {}", name_of(&target.arn)), None)
    }

    fn set<'a>(
        &'a self,
        cloud: &'a Cloud,
        target: &'a Target,
        _: &'a Value,
        _: &'a Value,
        knobs: &'a Knobs,
    ) -> Asking<'a, Value> {
        Box::pin(async move {
            let client = super::client(cloud, target)?;
            let mut found = Found::of(target, knobs);
            versions(&client, name_of(&target.arn), &mut found).await;
            evidence::save(cloud, &evidence::path(cloud, target), found).await
        })
    }
}

async fn versions(client: &Client, id: &str, found: &mut Found) {
    let mut token = None;
    for page in 1..=super::MOST_PAGES {
        let raw = Raw::default();
        let request = client.describe_launch_template_versions().launch_template_id(id).set_next_token(token);
        let answer = request.customize().interceptor(raw.clone()).send().await;
        match answer.map_err(|error| Refusal::of("ec2:DescribeLaunchTemplateVersions", &error)) {
            Ok(answer) => {
                found.object(format!("versions-{page}.xml"), raw.take());
                token = answer.next_token.filter(|token| !token.is_empty());
            }
            Err(refusal) => return found.missing(format!("versions, page {page}"), refusal.to_string()),
        }
        if token.is_none() {
            return;
        }
    }
    found.missing("versions", "the list does not end");
}
