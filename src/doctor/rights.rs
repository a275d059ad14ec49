//! Each right that the settings need, tried.
//!
//! Which rights these are is read from the policies that `stakeout permissions` prints, so that there is no second list.

mod needs;

use std::collections::BTreeMap;
use std::time::Duration;

use aws_config::SdkConfig;
use tokio::time::Instant;

use super::probe::{Bench, Tried};
use super::simulate::{self, Question};
use super::{ACCOUNTS, Check, Room};
use crate::aws::{Refusal, Work, side_by_side};
use crate::contain::action;
use crate::contain::rights::{self, Places, Policy};
use crate::model::counted;
use crate::source::live::Identity;
use needs::Need;
pub(super) use needs::{Grant, grants, needs};

/// Requests side by side.
const ABREAST: usize = 12;
/// What one right may take with all that it asks.
const PATIENCE: Duration = Duration::from_secs(10);
/// What all rights of an account may take. What was found until then is told.
const MOST: Duration = Duration::from_secs(60);

/// The rights in one account, or where the program runs.
struct Ward<'a> {
    /// `rights in 111122223333`
    what: String,
    account: &'a str,
    needs: Vec<Need>,
    bench: Bench<'a>,
    /// As whom a simulation knows the caller.
    caller: Option<String>,
}

/// Tries every right: of every account, and of home.
pub(super) async fn all(room: &Room<'_>) -> Vec<Check> {
    let Some(live) = room.live else { return Vec::new() };
    let queues: Vec<String> = room.config.sources.queue_url.iter().map(ToString::to_string).collect();
    let identities = live.identity();
    let queues = &queues;
    let of_accounts = identities.iter().map(|identity| -> Work<'_, Vec<Check>> {
        Box::pin(async move {
            match of_account(room, identity, queues).await {
                Some(ward) => examine(&ward).await,
                None => Vec::new(),
            }
        })
    });
    let at_home: Work<'_, Vec<Check>> = Box::pin(async move {
        match of_home(room, live.home(), queues).await {
            Some(ward) => examine(&ward).await,
            None => Vec::new(),
        }
    });
    side_by_side(ACCOUNTS, of_accounts.chain([at_home])).await.concat()
}

/// The detector's policies for an account.
fn policies(room: &Room<'_>, account: &str) -> Vec<Policy> {
    let actions: Vec<_> = action::all().collect();
    rights::detector(&actions, &Places::of(room.config, Some(account)))
}

/// Nothing where the account is not reached: then nothing can be tried as it.
async fn of_account<'a>(room: &Room<'_>, identity: &'a Identity, queues: &'a [String]) -> Option<Ward<'a>> {
    let live = room.live?;
    let account = identity.account.as_str();
    let config = live.config(account, &room.region())?;
    let home = live.config(account, super::HOME)?;
    let policies = policies(room, account);
    let mut needs = needs(policies.iter().filter(|policy| !is_home(policy)));
    needs.retain(|need| is_tried_here(room, need));
    let found = async {
        let caller = simulate::principal(&home, identity.arn.as_deref().unwrap_or_default());
        tokio::join!(caller, super::account::some_key(&home))
    };
    let (caller, key) = tokio::time::timeout(PATIENCE, found).await.unwrap_or_default();
    let bench = Bench { account, config, key, queues };
    Some(Ward { what: format!("rights in {account}"), account, needs, bench, caller })
}

/// The rights on what the settings name: the table, buckets, queues, topics.
async fn of_home<'a>(room: &'a Room<'_>, config: SdkConfig, queues: &'a [String]) -> Option<Ward<'a>> {
    let account = room.home().unwrap_or("*");
    let policies = policies(room, account);
    let mut needs = needs(policies.iter().filter(|policy| is_home(policy)));
    needs.retain(|need| is_tried_here(room, need));
    if needs.is_empty() {
        return None;
    }
    let own = simulate::principal(&config, room.caller.as_deref().unwrap_or_default());
    let caller = tokio::time::timeout(PATIENCE, own).await.unwrap_or_default();
    let bench = Bench { account, config, key: None, queues };
    Some(Ward { what: format!("rights at home ({account})"), account, needs, bench, caller })
}

/// Roles are tried by signing in and secrets by reading them, which is told where that is done. Who does not ask Cost
/// Explorer needs no right to it.
fn is_tried_here(room: &Room<'_>, need: &Need) -> bool {
    match need.action.split(':').next().unwrap_or_default() {
        "sts" | "ssm" | "secretsmanager" => false,
        "ce" => room.config.sources.cost_explorer,
        _ => true,
    }
}

fn is_home(policy: &Policy) -> bool {
    policy.name.contains("-home")
}

async fn examine(ward: &Ward<'_>) -> Vec<Check> {
    let end = Instant::now() + MOST;
    let work = ward.needs.iter().map(|need| -> Work<'_, Tried> {
        Box::pin(async move {
            let end = end.min(Instant::now() + PATIENCE);
            let late = || Tried::Silent(format!("no answer within {} s", PATIENCE.as_secs()));
            tokio::time::timeout_at(end, one(ward, need)).await.unwrap_or_else(|_| late())
        })
    });
    let results = side_by_side(ABREAST, work).await;
    let partition = ward.caller.as_deref().and_then(|caller| caller.split(':').nth(1)).unwrap_or("aws");
    lines(&ward.what, (partition, ward.account), &ward.needs, &results)
}

/// Tries a right by a call, and where that says nothing by a simulation.
async fn one(ward: &Ward<'_>, need: &Need) -> Tried {
    match ward.bench.attempt(&need.action, &need.resource).await {
        Some(Tried::Unknown(_)) | None => {}
        // Who gives no answer to this gives none to a simulation either.
        Some(known) => return known,
    }
    let Some(caller) = &ward.caller else {
        return Tried::Unknown("calls do not tell, and of the root user there is no simulation".to_owned());
    };
    let question =
        Question { actions: vec![need.action.clone()], resources: vec![need.resource.clone()], context: Vec::new() };
    match simulate::lacking(&ward.bench.config, caller, &question).await {
        Ok(lacking) if lacking.is_empty() => Tried::Allowed,
        Ok(_) => Tried::Denied(format!("a simulation of {caller} does not allow it")),
        Err(Refusal::Denied { action, .. }) => {
            Tried::Unknown(format!("calls do not tell, and {action}, which would, is denied"))
        }
        Err(refusal) => Tried::Unknown(format!("calls do not tell, and there is no simulation: {refusal}")),
    }
}

/// One line for all that works, one for each right that is denied, one for all of which nobody can say.
fn lines(what: &str, (partition, account): (&str, &str), needs: &[Need], results: &[Tried]) -> Vec<Check> {
    let mut denied: BTreeMap<&str, (Vec<&Need>, &str)> = BTreeMap::new();
    let mut unknown: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut missing: BTreeMap<&str, &str> = BTreeMap::new();
    let mut allowed = 0;
    for (need, result) in needs.iter().zip(results) {
        match result {
            Tried::Allowed => allowed += 1,
            Tried::Missing(why) => {
                allowed += 1;
                missing.insert(thing(&need.resource), why);
            }
            Tried::Denied(why) => denied.entry(&need.action).or_insert((Vec::new(), why)).0.push(need),
            Tried::Unknown(why) | Tried::Silent(why) => unknown.entry(why).or_default().push(&need.action),
        }
    }
    let mut checks = Vec::new();
    if allowed > 0 {
        checks.push(Check::works(what, format!("{} tried", counted(allowed, "right"))));
    }
    for (action, (needs, why)) in denied {
        let resources: Vec<_> = needs.iter().map(|need| need.resource.as_str()).collect();
        let check =
            Check::fails(format!("right {action} on {}", resources.join(", ")), format!("AWS denies it ({why})"));
        checks.push(check.mend(mend(partition, account, &needs, why)));
    }
    for (resource, why) in missing {
        let check = Check::fails(resource, format!("the settings name it, and it is not there ({why})"));
        checks.push(check.mend("make it, or correct the settings"));
    }
    for (why, mut actions) in unknown {
        actions.sort_unstable();
        actions.dedup();
        checks.push(Check::note(what, format!("not known: {}: {why}", actions.join(", "))));
    }
    checks
}

/// What the settings name: of objects, their bucket.
fn thing(resource: &str) -> &str {
    let bucket = || resource.split('/').next().unwrap_or(resource);
    if resource.starts_with("arn:aws:s3:::") { bucket() } else { resource }
}

/// The commands that give a right, or who else has to.
fn mend(partition: &str, account: &str, needs: &[&Need], why: &str) -> String {
    if why.contains("explicit deny") {
        return "a policy denies it explicitly; take the denial out of the policy that AWS names, or out of the boundary \
                or the organization's policies"
            .to_owned();
    }
    let name = needs.first().map_or("stakeout-detector", |need| need.policy.as_str());
    let (known, account) = match account {
        "*" => (String::new(), "ACCOUNT"),
        account => (format!("--account {account} "), account),
    };
    format!(
        "update the stack that made the role, or stakeout permissions detector {known}--name {name} > p.json && aws iam \
         create-policy-version --policy-arn arn:{partition}:iam::{account}:policy/{name} --policy-document file://p.json \
         --set-as-default"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn need(action: &str, resource: &str) -> Need {
        Need { action: action.to_owned(), resource: resource.to_owned(), policy: "stakeout-detector-home".to_owned() }
    }

    #[test]
    fn what_works_is_one_line_and_each_denial_is_named_once() {
        let needs = [
            need("s3:GetObject", "arn:aws:s3:::a/*"),
            need("s3:GetObject", "arn:aws:s3:::b/*"),
            need("sqs:ReceiveMessage", "arn:aws:sqs:*:1:q"),
            need("iam:GetUser", "*"),
            need("iam:GetRole", "*"),
            need("s3:ListBucket", "arn:aws:s3:::c"),
        ];
        let no = |why: &str| Tried::Denied(why.to_owned());
        let unknown = Tried::Unknown("because".to_owned());
        let gone = Tried::Missing("NoSuchBucket".to_owned());
        let results = [no("no"), no("no"), unknown, Tried::Allowed, no("with an explicit deny"), gone];
        let checks = lines("rights", ("aws-cn", "111122223333"), &needs, &results);
        let failing: Vec<_> = checks.iter().filter(|check| check.is_failure()).map(Check::line).collect();
        assert_eq!((checks.len(), failing.len()), (5, 3), "{checks:#?}");
        assert!(failing[1].contains("s3:GetObject on arn:aws:s3:::a/*, arn:aws:s3:::b/*"), "{failing:?}");
        assert!(failing[1].contains("--account 111122223333 --name stakeout-detector-home"), "{failing:?}");
        assert!(failing[1].contains("--policy-arn arn:aws-cn:iam::111122223333:policy/"), "{failing:?}");
        let unknown = mend("aws", "*", &[], "no");
        assert!(unknown.contains("arn:aws:iam::ACCOUNT:policy/") && !unknown.contains('*'), "{unknown}");
        assert!(unknown.starts_with("update the stack") && !unknown.contains("--account"), "{unknown}");
        assert!(failing[0].contains("denies it explicitly"), "{failing:?}");
        assert!(failing[2].contains("arn:aws:s3:::c: the settings name it, and it is not there"), "{failing:?}");
        assert_eq!(checks[0].line(), "works  rights: 2 rights tried");
        assert_eq!(checks[4].line(), "note   rights: not known: sqs:ReceiveMessage: because");
    }
}
