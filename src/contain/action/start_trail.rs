//! Turns the recording of trails on again, so that what follows is seen.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use aws_sdk_cloudtrail::Client;
use serde_json::{Value, json};

use super::{Action, Asking, Card, Knobs, Observed, Right, phase};
use crate::aws::{Refusal, Work, side_by_side};
use crate::contain::cloud::Cloud;
use crate::contain::subject::{Subject, name_of};
use crate::model::plan::{Class, Target};

/// Regions that are asked side by side.
const ABREAST: usize = 8;
/// The name of a trail in a region where the list was refused: looking at it says why.
const ANY: &str = "*";

/// Not undone: no plan turns recording off. Who had it off on purpose turns it off.
pub(super) struct StartTrail;

impl Action for StartTrail {
    fn card(&self) -> &'static Card {
        const {
            &Card {
                name: "start-trail",
                about: "Turns on the recording of the account's trails that do not record",
                on: &["account"],
                class: Class::R1,
                phase: phase::VISIBILITY,
                reads: &[
                    Right::on("cloudtrail:DescribeTrails", "*"),
                    Right::on("cloudtrail:GetTrailStatus", "arn:aws:cloudtrail:*:{account}:trail/*"),
                ],
                writes: &[Right::on("cloudtrail:StartLogging", "arn:aws:cloudtrail:*:{account}:trail/*")],
                undoes: &[],
            }
        }
    }

    fn is_undoable(&self) -> bool {
        false
    }

    fn find<'a>(&'a self, cloud: &'a Cloud, subject: &'a Subject) -> Asking<'a, Vec<Target>> {
        Box::pin(async move {
            let work = subject.regions.iter().map(|region| -> Work<'_, _> { Box::pin(trails(cloud, subject, region)) });
            let targets = side_by_side(ABREAST, work).await.into_iter().flatten();
            // A trail of all regions is in every list.
            let once: BTreeMap<_, _> = targets.map(|target| (target.arn.clone(), target)).collect();
            Ok(once.into_values().collect())
        })
    }

    fn observe<'a>(&'a self, cloud: &'a Cloud, target: &'a Target) -> Asking<'a, Observed> {
        Box::pin(async move {
            let client = Client::new(&cloud.config(&target.account, &target.region)?);
            if name_of(&target.arn) == ANY {
                listed(&client).await?;
                return Err(Refusal::Passing("its trails could not be listed before".to_owned()));
            }
            let answer = client.get_trail_status().name(&target.arn).send().await;
            let answer = answer.map_err(|error| Refusal::of("cloudtrail:GetTrailStatus", &error))?;
            Ok(Observed { id: String::new(), state: json!({ "logging": answer.is_logging() == Some(true) }) })
        })
    }

    fn goal(&self, _: &Target, state: &Value) -> Option<Value> {
        (state["logging"] == false).then(|| json!({ "logging": true }))
    }

    fn words(&self, target: &Target, _: &Value, _: &Value) -> (String, Option<String>) {
        (format!("turn on the recording of trail {} in {}", name_of(&target.arn), target.region), None)
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
            if to["logging"] != true {
                let why = "no plan turns recording off".to_owned();
                return Err(Refusal::Other { action: "cloudtrail:StartLogging", why });
            }
            let client = Client::new(&cloud.config(&target.account, &target.region)?);
            let answer = client.start_logging().name(&target.arn).send().await;
            answer.map(|_| json!({})).map_err(|error| Refusal::of("cloudtrail:StartLogging", &error))
        })
    }
}

/// Home regions and ARNs of the trails that a region knows.
async fn listed(client: &Client) -> Result<Vec<(String, String)>, Refusal> {
    let answer = client.describe_trails().include_shadow_trails(true).send().await;
    let answer = answer.map_err(|error| Refusal::of("cloudtrail:DescribeTrails", &error))?;
    let trails = answer.trail_list().iter();
    Ok(trails.filter_map(|trail| Some((trail.home_region()?.to_owned(), trail.trail_arn()?.to_owned()))).collect())
}

/// The trails of the subject's account that a region knows. A trail of the organization belongs to another account.
async fn trails(cloud: &Cloud, subject: &Subject, region: &str) -> Vec<Target> {
    let account = &subject.account;
    let target = |region: &str, arn: String| Target {
        kind: "cloudtrail:trail".to_owned(),
        arn,
        account: account.clone(),
        region: region.to_owned(),
        id: String::new(),
        detail: BTreeMap::new(),
    };
    let found = match cloud.config(account, region) {
        Ok(config) => listed(&Client::new(&config)).await,
        Err(refusal) => Err(refusal),
    };
    let Ok(found) = found else {
        return vec![target(region, format!("arn:aws:cloudtrail:{region}:{account}:trail/{ANY}"))];
    };
    let own = found.into_iter().filter(|(_, arn)| arn.split(':').nth(4) == Some(account));
    own.map(|(home, arn)| target(&home, arn)).collect()
}
