//! Takes the role away from an instance. Credentials that it fetched before last up to six hours more: the role is
//! denied beside this.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{
    IamInstanceProfileAssociation, IamInstanceProfileAssociationState, IamInstanceProfileSpecification,
};
use serde_json::{Value, json};

use super::{ANY, INSTANCE, OfGroup};
use crate::aws::Refusal;
use crate::contain::action::{Action, Asking, Card, Knobs, Observed, Right, phase};
use crate::contain::cloud::Cloud;
use crate::contain::subject::{Subject, name_of};
use crate::model::plan::{Class, Target};

pub(super) struct DetachInstanceProfile;

const ASSOCIATIONS: Right = Right::on("ec2:DescribeIamInstanceProfileAssociations", ANY);
const TO_EC2: (&str, &str, &str) = ("StringEquals", "iam:PassedToService", "ec2.amazonaws.com");

impl Action for DetachInstanceProfile {
    fn card(&self) -> &'static Card {
        const {
            &Card {
                name: "detach-instance-profile",
                about: "Takes the instance profile, and with it the role, away from an instance",
                on: super::INSTANCES,
                class: Class::R2,
                phase: phase::CREDENTIALS,
                reads: &[super::DESCRIBE_INSTANCES, super::DESCRIBE_SPOT, super::DESCRIBE_GROUPS, ASSOCIATIONS],
                writes: &[Right::on("ec2:DisassociateIamInstanceProfile", INSTANCE)],
                undoes: &[
                    Right::on("ec2:AssociateIamInstanceProfile", INSTANCE),
                    Right::on("ec2:DisassociateIamInstanceProfile", INSTANCE),
                    Right::on("iam:PassRole", "arn:aws:iam::{account}:role/*").only_if(TO_EC2),
                ],
            }
        }
    }

    fn find<'a>(&'a self, cloud: &'a Cloud, subject: &'a Subject) -> Asking<'a, Vec<Target>> {
        Box::pin(async move {
            let instances = super::instances(cloud, subject, OfGroup::Staying).await?;
            let with = instances.iter().filter(|instance| instance.iam_instance_profile().is_some());
            let ids = with.filter_map(|instance| instance.instance_id());
            Ok(ids.map(|id| super::target(subject, "instance", id)).collect())
        })
    }

    fn observe<'a>(&'a self, cloud: &'a Cloud, target: &'a Target) -> Asking<'a, Observed> {
        Box::pin(async move {
            let client = super::client(cloud, target)?;
            super::instance(&client, target).await?;
            let profile = association(&client, target).await?.map(|association| profile_of(&association));
            Ok(Observed { id: String::new(), state: json!({ "profile": profile }) })
        })
    }

    fn goal(&self, _: &Target, state: &Value) -> Option<Value> {
        state["profile"].is_string().then(|| json!({ "profile": null }))
    }

    fn words(&self, target: &Target, before: &Value, _: &Value) -> (String, Option<String>) {
        let id = name_of(&target.arn);
        let profile = name_of(before["profile"].as_str().unwrap_or_default());
        (format!("take instance profile {profile} away from {id}"), Some(format!("give {profile} back to {id}")))
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
            let client = super::client(cloud, target)?;
            let wanted = to["profile"].as_str();
            if let Some(association) = association(&client, target).await? {
                if wanted == Some(profile_of(&association).as_str()) {
                    return Ok(json!({}));
                }
                let request = client.disassociate_iam_instance_profile();
                let answer = request.set_association_id(association.association_id).send().await;
                answer.map_err(|error| Refusal::of("ec2:DisassociateIamInstanceProfile", &error))?;
            }
            if let Some(profile) = wanted {
                let profile = IamInstanceProfileSpecification::builder().arn(profile).build();
                let request = client.associate_iam_instance_profile().instance_id(name_of(&target.arn));
                let answer = request.iam_instance_profile(profile).send().await;
                answer.map_err(|error| Refusal::of("ec2:AssociateIamInstanceProfile", &error))?;
            }
            Ok(json!({}))
        })
    }
}

fn profile_of(association: &IamInstanceProfileAssociation) -> String {
    association.iam_instance_profile().and_then(|profile| profile.arn()).unwrap_or_default().to_owned()
}

/// The profile that an instance has, and not one that is on its way out.
async fn association(client: &Client, target: &Target) -> Result<Option<IamInstanceProfileAssociation>, Refusal> {
    let of_instance = super::filter("instance-id", [name_of(&target.arn)]);
    let answer = client.describe_iam_instance_profile_associations().filters(of_instance).send().await;
    let answer = answer.map_err(|error| Refusal::of("ec2:DescribeIamInstanceProfileAssociations", &error))?;
    let mut all = answer.iam_instance_profile_associations.unwrap_or_default().into_iter();
    Ok(all.find(|association| {
        use IamInstanceProfileAssociationState::{Disassociated, Disassociating};
        !matches!(association.state(), Some(Disassociated | Disassociating))
    }))
}
