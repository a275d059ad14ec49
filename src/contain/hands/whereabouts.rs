//! Users by their ids: a user that is renamed keeps its id and its keys, and is no longer found by the name in a plan.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::aws::Refusal;
use crate::contain::action::{Observed, user_by_id};
use crate::contain::arn::{is_user, part, thing};
use crate::contain::cloud::Cloud;
use crate::model::plan::Target;

/// Where users of plans are that are not where the plans say.
#[derive(Default)]
pub(super) struct Whereabouts {
    /// By the ARN and id in a plan: the ARN that the user has by now, or none where the account has no such user any more.
    known: RefCell<BTreeMap<(String, String), Option<String>>>,
}

impl Whereabouts {
    /// A target under the name that its user was last seen with.
    pub(super) fn of(&self, target: &Target) -> Target {
        let mut target = target.clone();
        let arn = user(&target).and_then(|user| self.known.borrow().get(&user).cloned().flatten());
        if let Some(arn) = arn {
            target.arn = match part(&target.arn) {
                Some(part) => format!("{arn}#{part}"),
                None => arn,
            };
        }
        target
    }

    /// Whether an answer about a target says that something else may have its user's name, or nothing has it.
    pub(super) fn is_lost(&self, target: &Target, answer: &Result<Observed, Refusal>) -> bool {
        let Some(user) = user(target) else { return false };
        let is_lost = match answer {
            Ok(observed) => observed.id != target.id,
            Err(refusal) => matches!(refusal, Refusal::Gone(_)),
        };
        // What is deleted never comes back: ids are given once.
        is_lost && !matches!(self.known.borrow().get(&user), Some(None))
    }

    /// Looks for a target's user by its id: the target under another name than the one it was `sought` by, or none where
    /// the user has that very name, or is gone.
    ///
    /// # Errors
    /// Users that cannot be listed: whether it is gone is not known.
    pub(super) async fn follow(
        &self,
        cloud: &Cloud,
        target: &Target,
        sought: &Target,
    ) -> Result<Option<Target>, Refusal> {
        let Some(user) = user(target) else { return Ok(None) };
        let arn = user_by_id(cloud, target, &user.1).await?;
        self.known.borrow_mut().insert(user, arn.clone());
        if arn.is_some_and(|arn| arn == sought.arn) {
            let why = format!("{} is listed, and is not found by its name", sought.arn);
            return Err(Refusal::Passing(why));
        }
        let found = self.of(target);
        Ok((found.arn != sought.arn).then_some(found))
    }
}

/// The ARN and id of the user that a target is or belongs to.
fn user(target: &Target) -> Option<(String, String)> {
    let arn = thing(&target.arn);
    let is_user = target.kind.starts_with("iam:") && is_user(arn);
    // Parts have their user's id before a slash.
    let id = target.id.split('/').next().filter(|id| !id.is_empty())?;
    is_user.then(|| (arn.to_owned(), id.to_owned()))
}
