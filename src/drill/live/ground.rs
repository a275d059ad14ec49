//! What lies ready before the intruder comes: an administrator whose key leaked, and a role for functions.

use aws_config::SdkConfig;
use aws_sdk_iam::Client;
use aws_sdk_sts::config::{Credentials, SharedCredentialsProvider};

use super::made::{Made, Thing};
use crate::aws::Refusal;

/// What the story hands out, by its full name.
pub(super) const ADMINISTRATOR: &str = "arn:aws:iam::aws:policy/AdministratorAccess";
/// What names end in: the role of functions, the user whose key leaked, the intruder's own user, and the functions.
const ROLE: &str = "worker";
const LEAKED: &str = "ci";
pub(super) const OWN: &str = "svc";
pub(super) const FUNCTION: &str = "health";
/// Whom functions run as.
const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
const PROVIDER: &str = "stakeout-drill";

/// The names of one drill. Nobody else has any that begins so.
#[derive(Debug, Clone)]
pub(super) struct Names {
    /// `stakeout-drill-` and the drill's id.
    prefix: String,
}

impl Names {
    pub(super) fn of(id: &str) -> Self {
        Self { prefix: format!("stakeout-drill-{id}") }
    }

    /// The name of one of the drill's things.
    pub(super) fn name(&self, of: &str) -> String {
        format!("{}-{of}", self.prefix)
    }

    /// Everything that a drill makes, in the order in which it does.
    pub(super) fn things(&self, regions: &[String]) -> Vec<Thing> {
        let functions = regions.iter().map(|region| Thing::Function(region.clone(), self.name(FUNCTION)));
        let people = [Thing::Role(self.name(ROLE)), Thing::User(self.name(LEAKED)), Thing::User(self.name(OWN))];
        people.into_iter().chain(functions).collect()
    }

    /// Whether an ARN is of one of the drill's things.
    pub(super) fn are_of(&self, arn: &str) -> bool {
        let name = format!("{}-", self.prefix);
        arn.rsplit([':', '/']).any(|part| part.starts_with(&name))
    }
}

/// A key with its secret, which is shown nowhere.
pub(super) struct Key {
    pub id: String,
    secret: String,
}

impl Key {
    /// From an answer of IAM.
    ///
    /// # Errors
    /// An answer without a key.
    pub(super) fn of(key: Option<aws_sdk_iam::types::AccessKey>) -> Result<Self, Refusal> {
        let why = || "the answer holds no key".to_owned();
        let key = key.ok_or_else(|| Refusal::Other { action: "iam:CreateAccessKey", why: why() })?;
        Ok(Self { id: key.access_key_id, secret: key.secret_access_key })
    }

    /// A configuration that signs with it.
    pub(super) fn hold(&self, config: &SdkConfig) -> SdkConfig {
        let credentials = Credentials::new(&self.id, &self.secret, None, None, PROVIDER);
        config.to_builder().credentials_provider(SharedCredentialsProvider::new(credentials)).build()
    }
}

/// The account as the intruder finds it.
pub(super) struct Ground {
    pub leaked: Key,
    /// The ARN of the role that functions get.
    pub role: String,
}

/// Makes the administrator, its key and the role.
///
/// # Errors
/// What AWS refuses.
pub(super) async fn prepare(config: &SdkConfig, names: &Names, made: &Made) -> Result<Ground, Refusal> {
    let iam = Client::new(config);
    let role = names.name(ROLE);
    made.note(Thing::Role(role.clone()));
    let answer = iam.create_role().role_name(role).assume_role_policy_document(TRUST).send().await;
    let answer = answer.map_err(|error| Refusal::of("iam:CreateRole", &error))?;
    made.confirm();
    let role = answer.role.map(|role| role.arn).unwrap_or_default();
    let user = names.name(LEAKED);
    made.note(Thing::User(user.clone()));
    let answer = iam.create_user().user_name(&user).send().await;
    answer.map_err(|error| Refusal::of("iam:CreateUser", &error))?;
    made.confirm();
    let answer = iam.attach_user_policy().user_name(&user).policy_arn(ADMINISTRATOR).send().await;
    answer.map_err(|error| Refusal::of("iam:AttachUserPolicy", &error))?;
    let answer = iam.create_access_key().user_name(&user).send().await;
    let answer = answer.map_err(|error| Refusal::of("iam:CreateAccessKey", &error))?;
    Ok(Ground { leaked: Key::of(answer.access_key)?, role })
}

#[cfg(test)]
mod tests {
    use super::Names;

    #[test]
    fn only_what_the_drill_named_is_of_the_drill() {
        let names = Names::of("3fa2c1");
        for own in [
            "arn:aws:iam::111122223333:user/stakeout-drill-3fa2c1-ci",
            "arn:aws:iam::111122223333:user/stakeout-drill-3fa2c1-ci#AKIAEXAMPLE",
            "arn:aws:lambda:eu-west-1:111122223333:function:stakeout-drill-3fa2c1-health",
            "arn:aws:lambda:eu-west-1:111122223333:function:stakeout-drill-3fa2c1-health#url",
        ] {
            assert!(names.are_of(own), "{own}");
        }
        for other in [
            "arn:aws:iam::111122223333:user/stakeout-drill-3fa2c12-ci",
            "arn:aws:iam::111122223333:user/stakeout-drill-000000-ci",
            "arn:aws:iam::111122223333:user/ann#stakeout-drill-3fa2c1-ci",
            "arn:aws:iam::111122223333:role/stakeout",
            "",
        ] {
            assert!(!names.are_of(other), "{other}");
        }
    }
}
