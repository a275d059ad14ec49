//! What can be done at AWS. Each action is one file: how its targets are found, what it reads, what it wants, how it goes
//! there and back, and the rights that this takes.
//!
//! An action is a small state that it moves: `set` goes from any state to any other, so doing and undoing are one code,
//! and what a crash left behind is known by reading. Everything but `find`, `observe` and `set` is pure.

pub(crate) mod assume;
mod attach_deny;
mod close_trust;
mod code;
mod deactivate_key;
mod deactivate_service_credential;
mod deactivate_signing_certificate;
mod deactivate_ssh_key;
mod delete_event_source;
mod delete_function;
mod delete_function_url;
mod delete_key;
mod delete_login_profile;
mod delete_rule;
mod delete_user;
mod deny_other_networks;
mod deny_sessions;
mod disable_event_source;
mod disable_rule;
mod disable_schedule;
#[cfg(feature = "ec2")]
pub(crate) mod ec2;
mod enable_guardduty;
mod function;
mod gone;
mod iam;
mod mapping;
mod raw;
mod registry;
mod remove_failure_destination;
mod remove_provisioned_concurrency;
mod remove_public_permission;
mod require_signed_url;
mod rule;
mod save_function;
mod save_identity;
mod save_rule;
mod set_deny_boundary;
mod start_trail;
mod statement;
mod stop_function;
pub(crate) mod tags;
#[cfg(test)]
mod tests;

use std::future::Future;
use std::pin::Pin;

use serde_json::Value;

use super::cloud::Cloud;
use super::subject::Subject;
use crate::aws::Refusal;
use crate::event::Seconds;
use crate::model::plan::{Class, Target};

use deactivate_key::AccessKeys;
use deactivate_service_credential::ServiceCredentials;
use deactivate_signing_certificate::SigningCertificates;
use deactivate_ssh_key::SshKeys;
pub(crate) use iam::{quarantine, user_by_id};
pub(crate) use registry::{all, by_name};

/// A request under way.
pub(crate) type Asking<'a, T> = Pin<Box<dyn Future<Output = Result<T, Refusal>> + 'a>>;

/// A target as it is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Observed {
    /// As [`Target::id`]; another one means that it is another thing of the same name.
    pub id: String,
    /// What the action changes, and nothing else.
    pub state: Value,
}

/// What `set` must know beside the target.
#[derive(Debug, Clone)]
pub(crate) struct Knobs {
    pub incident: String,
    pub now: Seconds,
}

/// A right, and the resources that it is needed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Right {
    /// `iam:UpdateAccessKey`
    pub action: &'static str,
    /// Patterns of ARNs in which `{account}` stands for the account, `*` for anything: `arn:aws:iam::{account}:user/*`.
    pub resource: &'static str,
    /// One condition, as operator, key and value, that narrows the right to what the action does with it.
    pub only_if: Option<(&'static str, &'static str, &'static str)>,
}

impl Right {
    /// A right without a condition.
    pub(crate) const fn on(action: &'static str, resource: &'static str) -> Self {
        Self { action, resource, only_if: None }
    }

    /// The same under a condition: operator, key and value.
    pub(crate) const fn only_if(self, condition: (&'static str, &'static str, &'static str)) -> Self {
        Self { only_if: Some(condition), ..self }
    }
}

/// What can be said of an action without a network.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Card {
    /// Imperative: `deactivate-key`.
    pub name: &'static str,
    /// What it does, for `playbooks explain` and the documentation, in one sentence.
    pub about: &'static str,
    /// Kinds of subjects that it can be asked about.
    pub on: &'static [&'static str],
    pub class: Class,
    /// When in the order of a plan it runs; see [`phase`].
    pub phase: u8,
    /// Rights for `find` and `observe`.
    pub reads: &'static [Right],
    /// Rights for `set` towards the goal.
    pub writes: &'static [Right],
    /// Rights for `set` back.
    pub undoes: &'static [Right],
}

/// Something that can be done, undone and proven.
pub(crate) trait Action: Sync {
    /// What it is, in words and rights.
    fn card(&self) -> &'static Card;

    /// Imperative: `deactivate-key`.
    fn name(&self) -> &'static str {
        self.card().name
    }

    /// How hard it is to take back.
    fn class(&self) -> Class {
        self.card().class
    }

    /// Whether `set` can go back.
    fn is_undoable(&self) -> bool {
        self.class() < Class::R3
    }

    /// Targets of a subject. None is no error: there is nothing to do.
    fn find<'a>(&'a self, cloud: &'a Cloud, subject: &'a Subject) -> Asking<'a, Vec<Target>>;

    /// The target as it is. A thing that is gone is [`Refusal::Gone`].
    fn observe<'a>(&'a self, cloud: &'a Cloud, target: &'a Target) -> Asking<'a, Observed>;

    /// The state that containment wants, from the state that is; none: nothing is to be done.
    fn goal(&self, target: &Target, state: &Value) -> Option<Value>;

    /// Whether a state does what `after` is for. More than equality where there are several ways to one end.
    fn holds(&self, state: &Value, after: &Value) -> bool {
        state == after
    }

    /// Whether a state is one that `set` itself leaves when it dies half way. More than this where it goes through a
    /// state that is made of neither.
    fn is_between(&self, state: &Value, before: &Value, after: &Value) -> bool {
        is_mixed(state, before, after)
    }

    /// What going to the goal changes, and how it is taken back.
    fn words(&self, target: &Target, before: &Value, after: &Value) -> (String, Option<String>);

    /// Moves a target from one state to another. May be called again from wherever an earlier call died: `from` is what
    /// was read just before. What it came to is read by the caller, and not believed; what it returns goes into the journal.
    fn set<'a>(
        &'a self,
        cloud: &'a Cloud,
        target: &'a Target,
        from: &'a Value,
        to: &'a Value,
        knobs: &'a Knobs,
    ) -> Asking<'a, Value>;
}

/// Whether each part of a state is as it was or as it is to be.
pub(crate) fn is_mixed(state: &Value, before: &Value, after: &Value) -> bool {
    if state == before || state == after {
        return true;
    }
    let (Some(parts), Some(before), Some(after)) = (state.as_object(), before.as_object(), after.as_object()) else {
        return false;
    };
    let names = parts.keys().chain(before.keys()).chain(after.keys());
    let part = |of: &serde_json::Map<String, Value>, name: &str| of.get(name).cloned().unwrap_or(Value::Null);
    names.into_iter().all(|name| is_mixed(&part(parts, name), &part(before, name), &part(after, name)))
}

/// Order of phases within a lane.
pub(crate) mod phase {
    /// Reads and saves. Always first.
    pub(crate) const EVIDENCE: u8 = 0;
    /// Trails and detectors, so that the rest is seen.
    pub(crate) const VISIBILITY: u8 = 1;
    /// Denials of whole principals and sessions.
    pub(crate) const DENY: u8 = 2;
    /// Keys and other credentials.
    pub(crate) const CREDENTIALS: u8 = 3;
    /// What makes things anew: groups, provisioned concurrency, spot requests, termination protection.
    pub(crate) const RESPAWN: u8 = 4;
    /// Functions and instances.
    pub(crate) const STOP: u8 = 5;
    /// Triggers, addresses and doors.
    pub(crate) const DOORS: u8 = 6;
    /// Deletes.
    pub(crate) const ERADICATE: u8 = 7;
}
