//! Whether approved plans can be carried out: the responder's role, and what it lacks.

use aws_config::SdkConfig;

use super::rights::grants;
use super::simulate::{Lack, lack};
use super::{ACCOUNTS, Check, Room, in_time};
use crate::aws::{Refusal, Work, side_by_side};
use crate::contain::action;
use crate::contain::action::assume::{Session, assume};
use crate::contain::rights::{self, Places};
use crate::model::counted;

/// A session that may do nothing: that it can be had is all that is asked.
const NOTHING: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}"#;
/// Who asks, in the logs of AWS.
const SOURCE: &str = "stakeout-doctor";

pub(super) async fn all(room: &Room<'_>) -> Vec<Check> {
    let Some(live) = room.live else { return Vec::new() };
    let Some(role) = &room.config.contain.responder_role else {
        let told = "none: plans run with the credentials as they are, which for the detector's policies is not enough";
        let mend = "[contain] responder_role = \"arn:aws:iam::ID:role/stakeout-responder\"";
        return vec![Check::note("responder", told).mend(mend)];
    };
    let configs = live.configs();
    let work = configs.iter().map(|(account, config)| -> Work<'_, Vec<Check>> {
        let role = in_account(role.as_str(), account);
        Box::pin(async move {
            // Each has its own time, so that the one is told where the other is late.
            let (assumed, rights) = tokio::join!(
                in_time(format!("responder {role}"), async { vec![can_assume(config, &role).await] }),
                in_time(what(account), async { vec![rights_of(room, config, account, &role).await] })
            );
            [assumed, rights].concat()
        })
    });
    side_by_side(ACCOUNTS, work).await.concat()
}

async fn can_assume(config: &SdkConfig, role: &str) -> Check {
    let what = format!("responder {role}");
    let session = Session { role, policy: NOTHING.to_owned(), source: SOURCE.to_owned() };
    let mend = "its trust policy has to allow sts:AssumeRole and sts:SetSourceIdentity to this caller, and the caller's \
                policy sts:AssumeRole on it";
    match assume(config, &session).await {
        Ok(_) => Check::works(what, "it can be assumed"),
        Err(refusal @ Refusal::Passing(_)) => Check::note(what, format!("not known: {refusal}")),
        Err(refusal) => Check::fails(what, format!("it cannot be assumed: {refusal}")).mend(mend),
    }
}

fn what(account: &str) -> String {
    format!("responder's rights in {account}")
}

/// By simulation: nothing that the responder does can be tried.
pub(super) async fn rights_of(room: &Room<'_>, config: &SdkConfig, account: &str, role: &str) -> Check {
    let actions: Vec<_> = action::all().collect();
    let policies = rights::responder(&actions, &Places::of(room.config, Some(account)));
    let is_home = room.home() == Some(account);
    let policies = policies.iter().filter(|policy| is_home || !policy.name.contains("-home"));
    let lack = match lack(config, role, policies.flat_map(grants).collect()).await {
        Ok(lack) => lack,
        Err(refusal) => return Check::note(what(account), format!("not known, by simulation only: {refusal}")),
    };
    let Lack { asked, missing } = &lack;
    if missing.is_empty() {
        return Check::works(what(account), format!("{}, by simulation", counted(asked.len(), "right")));
    }
    let told = format!("{} missing, by simulation: {}", counted(missing.len(), "right"), lack.names());
    let mend = format!(
        "update the stack, or stakeout permissions responder --account {account}, and put these policies on it"
    );
    Check::fails(what(account), told).mend(mend)
}

/// One role in every account, by the same name.
fn in_account(role: &str, account: &str) -> String {
    let mut parts: Vec<&str> = role.splitn(6, ':').collect();
    if let Some(part) = parts.get_mut(4) {
        *part = account;
    }
    parts.join(":")
}
