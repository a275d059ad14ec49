//! EventBridge rules: their client, names and buses.

use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::operation::describe_rule::DescribeRuleOutput;
use aws_sdk_eventbridge::types::Target as Called;

use super::Right;
use super::function::{LEFT, function_of, unless_gone};
use crate::aws::Refusal;
use crate::contain::cloud::Cloud;
use crate::contain::subject::Subject;
use crate::model::plan::Target;

/// The kind of subjects that are rules.
pub(super) const RULE: &str = "events:rule";
const RULES: &str = "arn:aws:events:*:{account}:rule/*";

/// A right on rules.
pub(super) const fn on_rules(action: &'static str) -> Right {
    Right { action, resource: RULES, only_if: None }
}

/// A client where a target is.
///
/// # Errors
/// An account that cannot be reached.
pub(super) fn client(cloud: &Cloud, target: &Target) -> Result<Client, Refusal> {
    Ok(Client::new(&cloud.config(&target.account, &target.region)?))
}

/// The bus and the name in a rule's ARN: `rule/NAME` on the default bus, `rule/BUS/NAME` on others. The name of a
/// partner's bus has slashes of its own.
pub(super) fn place(arn: &str) -> (Option<String>, String) {
    let path = arn.split_once(":rule/").map_or(arn, |(_, path)| path);
    match path.rsplit_once('/') {
        Some((bus, name)) => (Some(bus.to_owned()), name.to_owned()),
        None => (None, path.to_owned()),
    }
}

/// Reads the rule of a target.
pub(super) async fn read(client: &Client, target: &Target) -> Result<DescribeRuleOutput, Refusal> {
    let (bus, name) = place(&target.arn);
    let answer = client.describe_rule().name(name).set_event_bus_name(bus).send().await;
    answer.map_err(|error| Refusal::of("events:DescribeRule", &error))
}

/// What a rule calls.
pub(super) async fn called(client: &Client, target: &Target) -> Result<Vec<Called>, Refusal> {
    let (bus, name) = place(&target.arn);
    let (mut found, mut token) = (Vec::new(), None);
    loop {
        let list = client.list_targets_by_rule().rule(&name).set_event_bus_name(bus.clone()).set_next_token(token);
        let page = list.send().await.map_err(|error| Refusal::of("events:ListTargetsByRule", &error))?;
        found.extend(page.targets.unwrap_or_default());
        token = page.next_token.filter(|token| !token.is_empty());
        if token.is_none() {
            return Ok(found);
        }
    }
}

/// Why a rule stays, by what it calls. The request that makes a rule also changes one that is there: whether the
/// incident made it is only seen by what it leads to.
fn reason_to_leave<'a>(subject: &Subject, called: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let is_ours = |arn: &str| subject.peers.contains(arn) || subject.peers.contains(function_of(arn));
    let other = called.into_iter().find(|arn| !is_ours(arn))?;
    Some(format!("it calls {other}, which the incident did not make: the rule may have been there before"))
}

/// The rule of a subject, unless the incident did not make it, it is gone, or a service of AWS manages it. One that calls
/// something else than what the incident made is to be left as it is.
pub(super) async fn find(cloud: &Cloud, subject: &Subject) -> Result<Vec<Target>, Refusal> {
    if !subject.made {
        return Ok(Vec::new());
    }
    let mut target = Target {
        kind: RULE.to_owned(),
        arn: subject.arn.clone(),
        account: subject.account.clone(),
        region: subject.region.clone(),
        id: String::new(),
        detail: std::collections::BTreeMap::new(),
    };
    let client = client(cloud, &target)?;
    let rule = unless_gone(read(&client, &target).await)?;
    let is_theirs = rule.is_some_and(|rule| rule.managed_by().is_none_or(str::is_empty));
    if !is_theirs {
        return Ok(Vec::new());
    }
    let called = unless_gone(called(&client, &target).await)?.unwrap_or_default();
    if let Some(why) = reason_to_leave(subject, called.iter().map(Called::arn)) {
        target.detail.insert(LEFT.to_owned(), why);
    }
    Ok(vec![target])
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE_ARN: &str = "arn:aws:events:eu-west-1:111122223333:rule/nightly";
    const MINER: &str = "arn:aws:lambda:eu-west-1:111122223333:function:miner";

    #[test]
    fn a_rule_that_calls_others_was_perhaps_there_before() {
        let subject = Subject { peers: [MINER.to_owned()].into(), ..Subject::new(RULE, RULE_ARN, "eu-west-1", true) };
        let live = format!("{MINER}:live");
        let other = "arn:aws:lambda:eu-west-1:111122223333:function:billing";
        assert_eq!(reason_to_leave(&subject, []), None);
        assert_eq!(reason_to_leave(&subject, [MINER, &live]), None);
        let why = reason_to_leave(&subject, [MINER, other]).unwrap();
        assert!(why.contains(other), "{why}");
        // Who knows of nothing that was made leaves every rule that calls something.
        assert!(reason_to_leave(&Subject::new(RULE, RULE_ARN, "eu-west-1", true), [MINER]).is_some());
    }
}
