//! Turns GuardDuty's detectors on again. Where an account has none, none is made.

use std::collections::BTreeMap;

use aws_sdk_guardduty::Client;
use aws_sdk_guardduty::types::DetectorStatus;
use serde_json::{Value, json};

use super::{Action, Asking, Card, Knobs, Observed, Right, phase};
use crate::aws::{Refusal, Work, side_by_side};
use crate::contain::cloud::Cloud;
use crate::contain::subject::{Subject, name_of};
use crate::model::plan::{Class, Target};

/// Regions that are asked side by side.
const ABREAST: usize = 8;
/// The id of a detector in a region where the list was refused: looking at it says why.
const ANY: &str = "*";
const DETECTOR: &str = "arn:aws:guardduty:*:{account}:detector/*";

pub(super) struct EnableGuardDuty;

const WRITES: &[Right] = &[Right::on("guardduty:UpdateDetector", DETECTOR)];

impl Action for EnableGuardDuty {
    fn card(&self) -> &'static Card {
        const {
            &Card {
                name: "enable-guardduty",
                about: "Turns on GuardDuty's detectors that are disabled, in the regions of the incident",
                on: &["account"],
                class: Class::R1,
                phase: phase::VISIBILITY,
                reads: &[Right::on("guardduty:ListDetectors", "*"), Right::on("guardduty:GetDetector", DETECTOR)],
                writes: WRITES,
                undoes: WRITES,
            }
        }
    }

    fn find<'a>(&'a self, cloud: &'a Cloud, subject: &'a Subject) -> Asking<'a, Vec<Target>> {
        Box::pin(async move {
            let work =
                subject.regions.iter().map(|region| -> Work<'_, _> { Box::pin(detectors(cloud, subject, region)) });
            Ok(side_by_side(ABREAST, work).await.into_iter().flatten().collect())
        })
    }

    fn observe<'a>(&'a self, cloud: &'a Cloud, target: &'a Target) -> Asking<'a, Observed> {
        Box::pin(async move {
            let client = Client::new(&cloud.config(&target.account, &target.region)?);
            let id = name_of(&target.arn);
            // Of a detector that is gone, GuardDuty says the same as of a malformed request.
            if !listed(&client).await?.iter().any(|there| there == id) {
                return Err(Refusal::Gone(format!("detector {id}")));
            }
            let answer = client.get_detector().detector_id(id).send().await;
            let answer = answer.map_err(|error| Refusal::of("guardduty:GetDetector", &error))?;
            let enabled = answer.status() == Some(&DetectorStatus::Enabled);
            Ok(Observed { id: String::new(), state: json!({ "enabled": enabled }) })
        })
    }

    fn goal(&self, _: &Target, state: &Value) -> Option<Value> {
        (state["enabled"] == false).then(|| json!({ "enabled": true }))
    }

    fn words(&self, target: &Target, _: &Value, _: &Value) -> (String, Option<String>) {
        (
            format!("enable GuardDuty in {}", target.region),
            Some(format!("disable GuardDuty in {} again", target.region)),
        )
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
            let client = Client::new(&cloud.config(&target.account, &target.region)?);
            let request = client.update_detector().detector_id(name_of(&target.arn));
            let answer = request.enable(to["enabled"] == true).send().await;
            answer.map(|_| json!({})).map_err(|error| Refusal::of("guardduty:UpdateDetector", &error))
        })
    }
}

async fn listed(client: &Client) -> Result<Vec<String>, Refusal> {
    // An account has one detector in a region at most.
    let answer = client.list_detectors().send().await;
    let answer = answer.map_err(|error| Refusal::of("guardduty:ListDetectors", &error))?;
    Ok(answer.detector_ids.unwrap_or_default())
}

async fn detectors(cloud: &Cloud, subject: &Subject, region: &str) -> Vec<Target> {
    let account = &subject.account;
    let found = match cloud.config(account, region) {
        Ok(config) => listed(&Client::new(&config)).await,
        Err(refusal) => Err(refusal),
    };
    let ids = found.unwrap_or_else(|_| vec![ANY.to_owned()]).into_iter();
    let target = |id: String| Target {
        kind: "guardduty:detector".to_owned(),
        arn: format!("arn:aws:guardduty:{region}:{account}:detector/{id}"),
        account: account.clone(),
        region: region.to_owned(),
        id: String::new(),
        detail: BTreeMap::new(),
    };
    ids.map(target).collect()
}
