//! What was refused, from the message of a refusal: the action may be another one than the call, and a call that is
//! refused shows little of what it was about.

use serde_json::Value;

/// What comes before the action.
const PERFORM: &str = "is not authorized to perform: ";
/// What comes before the thing.
const ON_RESOURCE: &str = " on resource: ";
/// What comes behind the thing.
const ENDS: [&str; 4] = [" because ", " with an explicit deny", " Encoded authorization", " in the context"];
/// Longest name of an action and of a thing, in bytes.
const LONGEST: usize = 128;
const LONGEST_THING: usize = 2_048;

/// The action that a message says was refused, as `service:Action`.
pub(crate) fn action(message: &str) -> Option<&str> {
    let behind = message.split_once(PERFORM).map(|(_, rest)| rest);
    let named = behind.and_then(|rest| rest.split_whitespace().next());
    // `... because no identity-based policy allows the ses:GetAccount action`
    let granted = || message.rsplit_once(" allows the ")?.1.split_whitespace().next();
    let action = named.or_else(granted)?.trim_end_matches(['.', ',', ';']);
    let is_word = |text: &str, more: &[u8]| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || more.contains(&byte))
    };
    let (service, name) = action.split_once(':')?;
    (action.len() <= LONGEST && is_word(service, b"-.") && is_word(name, b"*")).then_some(action)
}

/// The thing that a message says it was about: an ARN, or a name with the kind of thing before it, `user NAME`.
pub(crate) fn thing(message: &str) -> Option<&str> {
    let rest = message.split_once(ON_RESOURCE)?.1;
    let end = ENDS.iter().filter_map(|end| rest.find(end)).min().unwrap_or(rest.len());
    let thing = rest.get(..end)?.trim().trim_end_matches(['.', ',']);
    let is_told = !thing.is_empty() && thing != "*" && thing.len() <= LONGEST_THING;
    is_told.then_some(thing)
}

/// The thing that a refused call names itself, where its message does not.
pub(crate) fn named(request: &Value) -> Option<&str> {
    const KEYS: [&str; 12] = [
        "roleArn",
        "bucketName",
        "secretId",
        "functionName",
        "keyId",
        "userName",
        "roleName",
        "tableName",
        "queueUrl",
        "topicArn",
        "modelId",
        "name",
    ];
    KEYS.iter().find_map(|key| request.get(*key).and_then(Value::as_str)).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::{action, thing};

    #[test]
    fn messages_tell_action_and_thing_in_every_spelling() {
        let user = "User: arn:aws:iam::111122223333:user/ci";
        for (message, wanted) in [
            (
                format!(
                    "{user} is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::111122223333:role/prod"
                ),
                (Some("sts:AssumeRole"), Some("arn:aws:iam::111122223333:role/prod")),
            ),
            (
                format!(
                    "{user} is not authorized to perform: iam:CreateUser on resource: user eve with an explicit deny in a service control policy"
                ),
                (Some("iam:CreateUser"), Some("user eve")),
            ),
            (
                format!(
                    "You are not authorized to perform this operation. {user} is not authorized to perform: iam:PassRole on resource: arn:aws:iam::111122223333:role/admin because no identity-based policy allows the iam:PassRole action. Encoded authorization failure message: xyz"
                ),
                (Some("iam:PassRole"), Some("arn:aws:iam::111122223333:role/admin")),
            ),
            (
                format!(
                    "{user} is not authorized to perform: ses:GetAccount on resource: * because no identity-based policy allows the ses:GetAccount action"
                ),
                (Some("ses:GetAccount"), None),
            ),
            (
                format!(
                    "{user} is not authorized to perform: iam:ListSSHPublicKeys on resource: user  because no identity-based policy allows it"
                ),
                (Some("iam:ListSSHPublicKeys"), Some("user")),
            ),
            (
                format!(
                    "{user} is not authorized to perform: elasticfilesystem:DeleteMountTarget on the specified resource"
                ),
                (Some("elasticfilesystem:DeleteMountTarget"), None),
            ),
            (
                "You are not authorized to perform this operation. Encoded authorization failure message: AbCd"
                    .to_owned(),
                (None, None),
            ),
            ("Access Denied".to_owned(), (None, None)),
            ("is not authorized to perform: a b".to_owned(), (None, None)),
            ("is not authorized to perform: x:\u{1b}[2J on resource: ".to_owned(), (None, None)),
            (String::new(), (None, None)),
        ] {
            assert_eq!((action(&message), thing(&message)), wanted, "{message}");
        }
    }
}
