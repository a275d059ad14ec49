//! Credentials of users that no step of a plan is about: one that comes into being meanwhile is the intruder's way back.

use std::collections::{BTreeMap, BTreeSet};

use crate::aws::Refusal;
use crate::contain::action::{Action, all, phase};
use crate::contain::arn::{is_user, part, thing};
use crate::contain::cloud::Cloud;
use crate::contain::subject::Subject;
use crate::model::plan::{Step, Target};

/// ARNs of credentials, by the name of the action that would switch them off. A kind that could not be read is missing.
pub(crate) type Loose = BTreeMap<String, BTreeSet<String>>;

/// The kind in [`Loose`] that every user may have, and that must be read.
pub(crate) const ACCESS_KEYS: &str = "deactivate-key";

/// The kind of what has credentials of its own.
const USER: &str = "iam:user";

/// Access keys of the users in some steps that none of the steps is about, by their ARNs.
///
/// # Errors
/// Keys that cannot be listed.
pub(crate) async fn access_keys(cloud: &Cloud, steps: &[Step]) -> Result<Vec<String>, Refusal> {
    let mut loose = loose(cloud, steps, Target::clone).await?;
    Ok(loose.remove(ACCESS_KEYS).unwrap_or_default().into_iter().collect())
}

/// The same of every kind. `whereabouts` gives a target under the name that its user has by now; ARNs have the names that
/// the steps have.
pub(super) async fn loose(
    cloud: &Cloud,
    steps: &[Step],
    whereabouts: impl Fn(&Target) -> Target,
) -> Result<Loose, Refusal> {
    let known: BTreeSet<&str> = steps.iter().map(|step| step.target.arn.as_str()).collect();
    let actions = all().filter(|action| action.card().phase == phase::CREDENTIALS && action.card().on.contains(&USER));
    let users = users(steps, whereabouts);
    let mut loose = Loose::new();
    for action in actions {
        match found(cloud, action, &users).await {
            Ok(mut found) => {
                found.retain(|arn| !known.contains(arn.as_str()));
                loose.insert(action.name().to_owned(), found);
            }
            Err(refusal) if action.name() == ACCESS_KEYS => return Err(refusal),
            // Stand-ins know few kinds, and AWS may deny the rest: nobody can say then whether one is new.
            Err(_) => {}
        }
    }
    Ok(loose)
}

/// Credentials that one action finds, under the names that the users have in the steps.
async fn found(
    cloud: &Cloud,
    action: &'static dyn Action,
    users: &BTreeMap<&str, Subject>,
) -> Result<BTreeSet<String>, Refusal> {
    let mut found = BTreeSet::new();
    for (arn, user) in users {
        let named = |target: &Target| part(&target.arn).map(|part| format!("{arn}#{part}"));
        match action.find(cloud, user).await {
            Ok(targets) => found.extend(targets.iter().filter_map(named)),
            Err(Refusal::Gone(_)) => {}
            Err(refusal) => return Err(refusal),
        }
    }
    Ok(found)
}

/// The users that steps are about by their ARNs, as subjects of whom every credential is wanted.
fn users(steps: &[Step], whereabouts: impl Fn(&Target) -> Target) -> BTreeMap<&str, Subject> {
    let of_users = steps.iter().map(|step| &step.target);
    let of_users = of_users.filter(|target| target.kind.starts_with("iam:") && is_user(&target.arn));
    let subject = |target: &Target| Subject::new(USER, thing(&whereabouts(target).arn), &target.region, true);
    of_users.map(|target| (thing(&target.arn), subject(target))).collect()
}
