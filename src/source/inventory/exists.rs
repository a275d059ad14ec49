//! Whether what an incident made is still there.

use std::collections::BTreeMap;

use aws_config::SdkConfig;

use super::users;
use crate::aws::Refusal;
use crate::aws::{Work, side_by_side};
use crate::model::Created;
use crate::source::live::HOME;

/// Resources that are asked for in one pass. Each is a request.
const MOST_ASKED: usize = 200;
/// Requests side by side.
const ABREAST: usize = 8;

/// Asks the live accounts which resources still exist, by ARN. What cannot be told is left out: unknown kinds, accounts
/// without a configuration, refusals, and all beyond the first [`MOST_ASKED`].
///
/// `config_for` gives the configuration of an account and region; global things are asked for in [`HOME`].
pub(crate) async fn exists(
    config_for: impl Fn(&str, &str) -> Option<SdkConfig>,
    resources: &[Created],
) -> BTreeMap<String, bool> {
    let questions = resources.iter().filter_map(Question::of).take(MOST_ASKED);
    let questions = questions.filter_map(|question| Some((config_for(&question.account, &question.region)?, question)));
    let work = questions.map(|(config, question)| -> Work<'_, _> {
        Box::pin(async move {
            let there = match question.ask(&config).await {
                Ok(there) => there,
                Err(Refusal::Gone(_)) => false,
                Err(_) => return None,
            };
            Some((question.arn.to_owned(), there))
        })
    });
    side_by_side(ABREAST, work).await.into_iter().flatten().collect()
}

/// Where a resource is, and what to ask for.
struct Question<'a> {
    arn: &'a str,
    account: String,
    region: String,
    about: About<'a>,
}

/// One kind of resource, by what its service calls it.
#[derive(Debug, PartialEq, Eq)]
enum About<'a> {
    User(&'a str),
    Role(&'a str),
    /// A user's name and the access key id.
    Key(&'a str, &'a str),
    Function(&'a str),
    Instance(&'a str),
}

impl<'a> Question<'a> {
    fn of(resource: &'a Created) -> Option<Self> {
        let arn = resource.arn.as_str();
        let mut parts = arn.split(':').skip(3);
        let (region, account) = (parts.next()?, parts.next()?);
        // A path stands before the name of a user or role.
        let name = arn.rsplit('/').next()?;
        let about = match resource.kind.as_str() {
            "iam:user" => About::User(name),
            "iam:role" => About::Role(name),
            "iam:access-key" => {
                let (user, key) = name.split_once('#')?;
                About::Key(user, key)
            }
            "lambda:function" => About::Function(arn),
            "ec2:instance" => About::Instance(name),
            _ => return None,
        };
        let region = if region.is_empty() { HOME } else { region };
        Some(Self { arn, account: account.to_owned(), region: region.to_owned(), about })
    }

    async fn ask(&self, config: &SdkConfig) -> Result<bool, Refusal> {
        let iam = || aws_sdk_iam::Client::new(config);
        match self.about {
            About::User(name) => {
                let answer = iam().get_user().user_name(name).send().await;
                answer.map(|_| true).map_err(|error| Refusal::of("iam:GetUser", &error))
            }
            About::Role(name) => {
                let answer = iam().get_role().role_name(name).send().await;
                answer.map(|_| true).map_err(|error| Refusal::of("iam:GetRole", &error))
            }
            About::Key(user, key) => users::keys_of(&iam(), user).await.map(|keys| keys.contains_key(key)),
            About::Function(arn) => {
                let client = aws_sdk_lambda::Client::new(config);
                let answer = client.get_function_configuration().function_name(arn).send().await;
                answer.map(|_| true).map_err(|error| Refusal::of("lambda:GetFunctionConfiguration", &error))
            }
            About::Instance(id) => instance(config, id).await,
        }
    }
}

/// A filter finds nothing where an id in the request would be refused once the instance is forgotten.
#[cfg(feature = "ec2")]
async fn instance(config: &SdkConfig, id: &str) -> Result<bool, Refusal> {
    use aws_sdk_ec2::types::{Filter, InstanceStateName};

    let filter = Filter::builder().name("instance-id").values(id).build();
    let answer = aws_sdk_ec2::Client::new(config).describe_instances().filters(filter).send().await;
    let answer = answer.map_err(|error| Refusal::of("ec2:DescribeInstances", &error))?;
    let mut instances = answer.reservations().iter().flat_map(|reservation| reservation.instances());
    let is_there = |state: &InstanceStateName| *state != InstanceStateName::Terminated;
    Ok(instances.any(|instance| instance.state().and_then(|state| state.name()).is_none_or(is_there)))
}

#[cfg(not(feature = "ec2"))]
async fn instance(_: &SdkConfig, _: &str) -> Result<bool, Refusal> {
    Err(Refusal::Other { action: "ec2:DescribeInstances", why: "this program is built without it".to_owned() })
}

#[cfg(test)]
mod tests {
    use super::{About, Question};
    use crate::model::Created;

    #[test]
    fn names_come_out_of_arns() {
        let about = |arn: &str, kind: &str, wanted: Option<(&str, About<'_>)>| {
            let (arn, kind) = (arn.to_owned(), kind.to_owned());
            let region = String::new();
            let made = Created { arn, kind, region, action: String::new(), exists: true, by: String::new(), at: 0 };
            let question = Question::of(&made);
            assert_eq!(
                question.map(|question| (question.region, question.about)),
                wanted.map(|(r, a)| (r.to_owned(), a))
            );
        };
        let user = "arn:aws:iam::111122223333:user/ops/svc";
        about(user, "iam:user", Some(("us-east-1", About::User("svc"))));
        about(
            "arn:aws:iam::111122223333:user/svc#AKIAEXAMPLE110744244",
            "iam:access-key",
            Some(("us-east-1", About::Key("svc", "AKIAEXAMPLE110744244"))),
        );
        let function = "arn:aws:lambda:eu-west-1:111122223333:function:svc";
        about(function, "lambda:function", Some(("eu-west-1", About::Function(function))));
        about(
            "arn:aws:ec2:eu-west-1:111122223333:instance/i-0abc",
            "ec2:instance",
            Some(("eu-west-1", About::Instance("i-0abc"))),
        );
        about("arn:aws:iam::111122223333:user/svc#password", "iam:login-profile", None);
        about("iam", "iam:user", None);
    }
}
