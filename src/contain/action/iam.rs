//! Users and roles, as the actions on them reach IAM.

mod delete;
pub(super) mod document;
mod inline;
mod policies;
mod quarantine;
mod switch;

use std::collections::BTreeMap;

use aws_sdk_iam::Client;

use super::super::arn::{is_of_aws, is_role, thing};
use super::super::cloud::Cloud;
use super::super::subject::{Hold, Subject, name_of};
use super::Right;
use crate::aws::Refusal;
use crate::model::plan::Target;

pub(super) use delete::{delete_key, delete_password, strip};
pub(super) use inline::Inline;
pub(crate) use quarantine::quarantine;
pub(super) use switch::{Credential, Deactivate, Switch, credentials, part, read};

/// Of the partition that is everywhere but in China and the government's regions.
pub(super) const DENY_ALL: &str = "arn:aws:iam::aws:policy/AWSDenyAll";
pub(super) const USERS: &str = "arn:aws:iam::{account}:user/*";
/// For whoever asks whether a user is gone: one that was renamed is found by its id only.
pub(super) const LIST_USERS: Right = Right::on("iam:ListUsers", USERS);
pub(super) const ROLES: &str = "arn:aws:iam::{account}:role/*";

/// Users on one page of a list.
const MOST_USERS: i32 = 1_000;

/// Names an error of the SDK.
macro_rules! refused {
    ($action:literal) => {
        |error| $crate::aws::Refusal::of($action, &error)
    };
}
pub(super) use refused;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    User,
    Role,
}

/// A user or role, and the way to it.
pub(super) struct Principal {
    pub(super) client: Client,
    pub(super) kind: Kind,
    /// As calls take it: without the path that the ARN has.
    pub(super) name: String,
    pub(super) arn: String,
}

/// What one call tells of a principal.
pub(super) struct Head {
    /// AIDA... or AROA...
    pub(super) id: String,
    /// The ARN of its permissions boundary.
    pub(super) boundary: Option<String>,
    /// Of a role, its trust policy as it was written.
    pub(super) trust: Option<String>,
}

impl Principal {
    /// The principal of a target, also of a part of one.
    pub(super) fn of(cloud: &Cloud, target: &Target) -> Result<Self, Refusal> {
        Self::named(cloud, &target.account, &target.region, &target.arn)
    }

    /// The principal of a subject. What AWS keeps for itself is none.
    pub(super) fn subject(cloud: &Cloud, subject: &Subject) -> Result<Option<Self>, Refusal> {
        if is_reserved(&subject.arn) {
            return Ok(None);
        }
        Self::named(cloud, &subject.account, &subject.region, &subject.arn).map(Some)
    }

    fn named(cloud: &Cloud, account: &str, region: &str, arn: &str) -> Result<Self, Refusal> {
        let arn = thing(arn);
        let kind = match arn.splitn(6, ':').nth(5) {
            Some(thing) if thing.starts_with("user/") => Kind::User,
            Some(thing) if thing.starts_with("role/") => Kind::Role,
            _ => return Err(Refusal::Other { action: "iam:GetUser", why: format!("{arn} is no user and no role") }),
        };
        let client = Client::new(&cloud.config(account, region)?);
        Ok(Self { client, kind, name: name_of(arn).to_owned(), arn: arn.to_owned() })
    }

    /// Its id, boundary and trust.
    ///
    /// # Errors
    /// [`Refusal::Gone`] where there is no such principal.
    pub(super) async fn head(&self) -> Result<Head, Refusal> {
        match self.kind {
            Kind::User => {
                let answer = self.client.get_user().user_name(&self.name).send().await;
                let answer = answer.map_err(refused!("iam:GetUser"))?;
                let user = answer.user().ok_or_else(|| Refusal::Gone(self.arn.clone()))?;
                let boundary = user.permissions_boundary().and_then(|boundary| boundary.permissions_boundary_arn());
                Ok(Head { id: user.user_id().to_owned(), boundary: boundary.map(str::to_owned), trust: None })
            }
            Kind::Role => {
                let answer = self.client.get_role().role_name(&self.name).send().await;
                let answer = answer.map_err(refused!("iam:GetRole"))?;
                let role = answer.role().ok_or_else(|| Refusal::Gone(self.arn.clone()))?;
                let boundary = role.permissions_boundary().and_then(|boundary| boundary.permissions_boundary_arn());
                let trust = role.assume_role_policy_document().map(document::decoded);
                Ok(Head { id: role.role_id().to_owned(), boundary: boundary.map(str::to_owned), trust })
            }
        }
    }

    /// What it is called in a sentence.
    pub(super) fn words(arn: &str) -> String {
        let name = name_of(arn);
        if is_role(arn) { format!("role {name}") } else { format!("user {name}") }
    }

    /// `AWSDenyAll` of its partition.
    pub(super) fn deny_all(&self) -> String {
        deny_all(&self.arn)
    }
}

/// The ARN of the user that has an id, in the account of a target; none where no user has it.
///
/// # Errors
/// Users that cannot be listed.
pub(crate) async fn user_by_id(cloud: &Cloud, target: &Target, id: &str) -> Result<Option<String>, Refusal> {
    let client = Client::new(&cloud.config(&target.account, &target.region)?);
    let mut pages = client.list_users().into_paginator().page_size(MOST_USERS).items().send();
    let partition = target.arn.split(':').nth(1).unwrap_or("aws");
    while let Some(user) = pages.next().await {
        let user = user.map_err(refused!("iam:ListUsers"))?;
        if user.user_id() == id {
            // As calls name it: a stand-in may keep the former name in the ARN.
            let (path, name) = (user.path(), user.user_name());
            return Ok(Some(format!("arn:{partition}:iam::{}:user{path}{name}", target.account)));
        }
    }
    Ok(None)
}

/// `AWSDenyAll` of the partition of an ARN.
pub(super) fn deny_all(arn: &str) -> String {
    let partition = arn.split(':').nth(1).filter(|partition| !partition.is_empty()).unwrap_or("aws");
    format!("arn:{partition}:iam::aws:policy/AWSDenyAll")
}

/// Roles that AWS makes and that nobody in the account can change.
fn is_reserved(arn: &str) -> bool {
    is_of_aws(arn)
}

/// A principal as a target; none where it is gone.
pub(super) async fn whole(cloud: &Cloud, subject: &Subject, detail: &[(&str, String)]) -> Result<Vec<Target>, Refusal> {
    let Some(principal) = Principal::subject(cloud, subject)? else { return Ok(Vec::new()) };
    match principal.head().await {
        Ok(head) => Ok(vec![target(subject, &subject.kind, subject.arn.clone(), head.id, detail)]),
        Err(Refusal::Gone(_)) => Ok(Vec::new()),
        Err(refusal) => Err(refusal),
    }
}

/// The same where all of the principal is to be cut off.
pub(super) async fn held_whole(cloud: &Cloud, subject: &Subject) -> Result<Vec<Target>, Refusal> {
    if subject.hold == Hold::Whole { whole(cloud, subject, &[]).await } else { Ok(Vec::new()) }
}

/// The same where the incident made it: nothing else is ever deleted.
pub(super) async fn made(cloud: &Cloud, subject: &Subject) -> Result<Vec<Target>, Refusal> {
    if subject.made && subject.hold == Hold::Whole { whole(cloud, subject, &[]).await } else { Ok(Vec::new()) }
}

/// A target of a subject's account.
pub(super) fn target(subject: &Subject, kind: &str, arn: String, id: String, detail: &[(&str, String)]) -> Target {
    let detail: BTreeMap<_, _> = detail.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let (account, region) = (subject.account.clone(), subject.region.clone());
    Target { kind: kind.to_owned(), arn, account, region, id, detail }
}
