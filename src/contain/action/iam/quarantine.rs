//! What AWS does by itself when it finds a user's key in public.

use super::Principal;
use crate::aws::Refusal;
use crate::contain::cloud::Cloud;
use crate::model::plan::Target;

/// How the names of the policies begin that AWS attaches to such a user: `AWSCompromisedKeyQuarantine`, `...V2`, `...V3`,
/// as AWS's managed policy reference lists them. They deny some calls, and leave the key active.
const QUARANTINE: &str = "AWSCompromisedKeyQuarantine";

/// The name of the quarantine policy that a user has, where it has one.
///
/// # Errors
/// Policies that cannot be listed.
pub(crate) async fn quarantine(cloud: &Cloud, user: &Target) -> Result<Option<String>, Refusal> {
    let attached = Principal::of(cloud, user)?.attached().await?;
    let of_aws = |arn: &str| arn.contains(":iam::aws:policy/");
    let names = attached.into_iter().filter(|(arn, _)| of_aws(arn)).map(|(_, name)| name);
    Ok(names.rev().find(|name| name.starts_with(QUARANTINE)))
}
