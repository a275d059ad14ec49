//! The tags that a subject carries.

use std::collections::BTreeMap;

use super::{Asking, Right};
use crate::aws::Refusal;
use crate::contain::cloud::Cloud;
use crate::contain::subject::Subject;

/// Rights for [`of`].
pub(crate) const READS: &[Right] = &[
    Right::on("iam:ListUserTags", "arn:aws:iam::{account}:user/*"),
    Right::on("iam:ListRoleTags", "arn:aws:iam::{account}:role/*"),
    Right::on("lambda:ListTags", "arn:aws:lambda:*:{account}:function:*"),
    Right::on("ec2:DescribeTags", "*"),
];

/// Reads the tags of a user, role, function or instance. Other kinds have none that matter: only principals and what
/// runs are worth protecting.
pub(crate) fn of<'a>(cloud: &'a Cloud, subject: &'a Subject) -> Asking<'a, BTreeMap<String, String>> {
    Box::pin(async move {
        let config = cloud.config(&subject.account, &subject.region)?;
        match subject.kind.as_str() {
            "iam:user" => {
                let request = aws_sdk_iam::Client::new(&config).list_user_tags().user_name(subject.name());
                let answer = request.send().await.map_err(|error| Refusal::of("iam:ListUserTags", &error))?;
                Ok(answer.tags().iter().map(|tag| (tag.key().to_owned(), tag.value().to_owned())).collect())
            }
            "iam:role" => {
                let request = aws_sdk_iam::Client::new(&config).list_role_tags().role_name(subject.name());
                let answer = request.send().await.map_err(|error| Refusal::of("iam:ListRoleTags", &error))?;
                Ok(answer.tags().iter().map(|tag| (tag.key().to_owned(), tag.value().to_owned())).collect())
            }
            "lambda:function" => {
                let request = aws_sdk_lambda::Client::new(&config).list_tags().resource(&subject.arn);
                let answer = request.send().await.map_err(|error| Refusal::of("lambda:ListTags", &error))?;
                Ok(answer.tags.unwrap_or_default().into_iter().collect())
            }
            "ec2:instance" => of_instance(&config, subject.name()).await,
            _ => Ok(BTreeMap::new()),
        }
    })
}

#[cfg(feature = "ec2")]
async fn of_instance(config: &aws_config::SdkConfig, id: &str) -> Result<BTreeMap<String, String>, Refusal> {
    let filter = aws_sdk_ec2::types::Filter::builder().name("resource-id").values(id).build();
    let request = aws_sdk_ec2::Client::new(config).describe_tags().filters(filter);
    let answer = request.send().await.map_err(|error| Refusal::of("ec2:DescribeTags", &error))?;
    let pair = |tag: &aws_sdk_ec2::types::TagDescription| Some((tag.key()?.to_owned(), tag.value()?.to_owned()));
    Ok(answer.tags().iter().filter_map(pair).collect())
}

#[cfg(not(feature = "ec2"))]
async fn of_instance(_: &aws_config::SdkConfig, _: &str) -> Result<BTreeMap<String, String>, Refusal> {
    Ok(BTreeMap::new())
}
