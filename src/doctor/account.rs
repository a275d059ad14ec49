//! Who we are: in each account, and at home.

use aws_config::SdkConfig;
use aws_sdk_iam::config::ProvideCredentials as _;

use super::{Check, Room};
use crate::aws::Refusal;

/// One line for each account: as whom it is watched, or why it cannot be.
pub(super) async fn all(room: &Room<'_>) -> Vec<Check> {
    let live = match (room.live, &room.unreached) {
        (Some(live), _) => live,
        (None, why) => {
            let why = why.clone().unwrap_or_else(|| "AWS was not asked".to_owned());
            let mend = "aws sts get-caller-identity with the same AWS_* variables; for a member account also its role, \
                        whose trust policy has to name the caller and the external id";
            return vec![Check::fails("identity", why).mend(mend)];
        }
    };
    let of = |account: &str| room.problems.iter().find(|problem| problem.what == format!("account {account}"));
    let role = |account: &str| {
        let account = room.config.accounts.iter().find(|one| one.id.as_str() == account)?;
        account.role.as_ref().map(ToString::to_string)
    };
    let mut checks = Vec::new();
    for identity in live.identity() {
        let name = identity.name.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
        let what = format!("account {}{name}", identity.account);
        checks.push(match identity.arn {
            Some(arn) if arn.ends_with(":root") => {
                let told = "the credentials are the root user's, which nothing limits";
                Check::note(what, told).mend("make a role or a user with what `stakeout permissions detector` prints")
            }
            Some(arn) => Check::works(what, format!("it is watched as {arn}")),
            None => {
                let why = of(&identity.account);
                let why = why.map_or_else(|| "it cannot be reached".to_owned(), |problem| problem.why.clone());
                Check::fails(what, why).mend(trust(role(&identity.account)))
            }
        });
    }
    checks
}

fn trust(role: Option<String>) -> String {
    let role = role.unwrap_or_else(|| "the role".to_owned());
    format!(
        "allow sts:AssumeRole on {role} to this caller (stakeout permissions detector --name stakeout-detector-home), and let \
         its trust policy name the caller and the external id of the settings"
    )
}

/// The caller's ARN.
///
/// # Errors
/// STS does not answer.
pub(crate) async fn caller(config: &SdkConfig) -> Result<String, Refusal> {
    let answer = aws_sdk_sts::Client::new(config).get_caller_identity().send().await;
    let answer = answer.map_err(|error| Refusal::of("sts:GetCallerIdentity", &error))?;
    Ok(answer.arn.unwrap_or_default())
}

/// A key of some user of the account: our own, where it is one, else the first that is found.
pub(super) async fn some_key(config: &SdkConfig) -> Option<String> {
    let own = match config.credentials_provider() {
        Some(provider) => provider.provide_credentials().await.ok(),
        None => None,
    };
    // Sessions have ids that IAM does not know as keys.
    let own = own.filter(|own| own.session_token().is_none()).map(|own| own.access_key_id().to_owned());
    if own.is_some() {
        return own;
    }
    let client = aws_sdk_iam::Client::new(config);
    let users = client.list_users().max_items(5).send().await.ok()?;
    for user in users.users().iter().take(5) {
        let keys = client.list_access_keys().user_name(user.user_name()).send().await.ok()?;
        let key = keys.access_key_metadata().iter().find_map(|key| key.access_key_id().map(str::to_owned));
        if key.is_some() {
            return key;
        }
    }
    None
}
