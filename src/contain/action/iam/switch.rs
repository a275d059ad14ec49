//! Long-term credentials of users that IAM can switch off and on: keys, SSH keys, credentials of services, certificates.

use std::future::Future;

use aws_sdk_iam::Client;
use aws_sdk_iam::types::StatusType;
use serde_json::{Value, json};

use super::super::super::cloud::Cloud;
use super::super::super::subject::{Hold, Subject, name_of};
use super::super::{Action, Asking, Card, Knobs, Observed, Right, phase};
use super::{Principal, target};
use crate::aws::Refusal;
use crate::event::Seconds;
use crate::model::plan::{Class, Target};

/// A credential of a user.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in super::super) struct Credential {
    pub(in super::super) id: String,
    /// `Active` or `Inactive`; some of services also `Expired`.
    pub(in super::super) status: String,
    pub(in super::super) made: Seconds,
}

/// One kind of credential.
pub(in super::super) trait Switch: Sync {
    const NAME: &'static str;
    const ABOUT: &'static str;
    /// `iam:access-key`
    const KIND: &'static str;
    /// In a sentence.
    const WORDS: &'static str;
    const READS: &'static [Right];
    const WRITES: &'static [Right];

    /// All of a user.
    fn list(client: &Client, user: &str) -> impl Future<Output = Result<Vec<Credential>, Refusal>>;

    fn update(client: &Client, user: &str, id: &str, status: StatusType) -> impl Future<Output = Result<(), Refusal>>;
}

/// Switches credentials of a kind off.
pub(in super::super) struct Deactivate<S>(pub(in super::super) S);

/// Whether a credential of a subject is to be switched off: of what the incident made every one, else what it names.
pub(in super::super) fn is_named(subject: &Subject, id: &str) -> bool {
    let is_all = subject.made && subject.hold == Hold::Whole;
    let is_any = matches!(subject.hold, Hold::Whole | Hold::Credentials);
    is_all || is_any && subject.credentials.contains(id)
}

/// Credentials of a subject as targets.
pub(in super::super) async fn credentials<S: Switch>(
    cloud: &Cloud,
    subject: &Subject,
    is_meant: impl Fn(&str) -> bool,
) -> Result<Vec<Target>, Refusal> {
    let Some(principal) = Principal::subject(cloud, subject)? else { return Ok(Vec::new()) };
    let read = async {
        let head = principal.head().await?;
        Ok((head.id, S::list(&principal.client, &principal.name).await?))
    };
    let (user, mut all) = match read.await {
        Ok(read) => read,
        Err(Refusal::Gone(_)) => return Ok(Vec::new()),
        // A kind that the service does not know is one that nobody has.
        Err(Refusal::Other { why, .. }) if why.starts_with("InvalidAction") => return Ok(Vec::new()),
        Err(refusal) => return Err(refusal),
    };
    all.sort();
    all.retain(|credential| is_meant(&credential.id));
    let one = |credential: Credential| {
        let arn = format!("{}#{}", subject.arn, credential.id);
        target(subject, S::KIND, arn, identity(&user, &credential), &[])
    };
    Ok(all.into_iter().map(one).collect())
}

/// A credential that a target names, with its user's id.
pub(in super::super) async fn read<S: Switch>(cloud: &Cloud, target: &Target) -> Result<(String, Credential), Refusal> {
    let principal = Principal::of(cloud, target)?;
    let user = principal.head().await?.id;
    let all = S::list(&principal.client, &principal.name).await?;
    let one = all.into_iter().find(|credential| credential.id == part(target));
    let credential = one.ok_or_else(|| Refusal::Gone(target.arn.clone()))?;
    Ok((identity(&user, &credential), credential))
}

/// What no other credential is ever called: an id can be freed and, at a stand-in, be given again.
fn identity(user: &str, credential: &Credential) -> String {
    format!("{user}/{}/{}", credential.id, credential.made)
}

/// The credential's id in a target's ARN.
pub(in super::super) fn part(target: &Target) -> &str {
    crate::contain::arn::part(&target.arn).unwrap_or_default()
}

impl<S: Switch> Action for Deactivate<S> {
    fn card(&self) -> &'static Card {
        const {
            &Card {
                name: S::NAME,
                about: S::ABOUT,
                on: &["iam:user"],
                class: Class::R1,
                phase: phase::CREDENTIALS,
                reads: S::READS,
                writes: S::WRITES,
                undoes: S::WRITES,
            }
        }
    }

    fn find<'a>(&'a self, cloud: &'a Cloud, subject: &'a Subject) -> Asking<'a, Vec<Target>> {
        Box::pin(async move {
            if !subject.made && subject.credentials.is_empty() {
                return Ok(Vec::new());
            }
            credentials::<S>(cloud, subject, |id| is_named(subject, id)).await
        })
    }

    fn observe<'a>(&'a self, cloud: &'a Cloud, target: &'a Target) -> Asking<'a, Observed> {
        Box::pin(async move {
            let (id, credential) = read::<S>(cloud, target).await?;
            Ok(Observed { id, state: json!({ "status": credential.status }) })
        })
    }

    fn goal(&self, _: &Target, state: &Value) -> Option<Value> {
        (state["status"] == "Active").then(|| json!({ "status": "Inactive" }))
    }

    fn words(&self, target: &Target, _: &Value, _: &Value) -> (String, Option<String>) {
        let (id, user, words) = (part(target), name_of(&target.arn), S::WORDS);
        (format!("makes {words} {id} of user {user} inactive"), Some(format!("makes {words} {id} active again")))
    }

    fn set<'a>(
        &'a self,
        cloud: &'a Cloud,
        target: &'a Target,
        from: &'a Value,
        to: &'a Value,
        _: &'a Knobs,
    ) -> Asking<'a, Value> {
        Box::pin(async move {
            if from != to {
                let principal = Principal::of(cloud, target)?;
                let status = StatusType::from(to["status"].as_str().unwrap_or("Inactive"));
                S::update(&principal.client, &principal.name, part(target), status).await?;
            }
            Ok(Value::Null)
        })
    }
}
