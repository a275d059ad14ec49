//! Parts of ARNs whose names an attacker may have chosen: pure.
//!
//! The path of a user or role may hold any printable character, also `#`, `:` and words that stand elsewhere in an ARN.
//! Its name may hold neither `#` nor `/`.

/// A target's ARN without its part: what stands before the `#` that Stakeout put there.
pub(crate) fn thing(arn: &str) -> &str {
    cut(arn).map_or(arn, |(thing, _)| thing)
}

/// What of a thing a target is, such as the id of an access key.
pub(crate) fn part(arn: &str) -> Option<&str> {
    cut(arn).map(|(_, part)| part)
}

fn cut(arn: &str) -> Option<(&str, &str)> {
    // In IAM only names come behind the last slash.
    let from = if arn.split(':').nth(2) == Some("iam") { arn.rfind('/').map_or(0, |at| at + 1) } else { 0 };
    let at = from + arn[from..].find('#')?;
    Some((&arn[..at], &arn[at + 1..]))
}

/// What an ARN says behind the account: `user/path/name`.
pub(crate) fn resource(arn: &str) -> &str {
    arn.splitn(6, ':').nth(5).unwrap_or_default()
}

/// The name of a user, role or function, without a path.
pub(crate) fn name_of(arn: &str) -> &str {
    let thing = thing(arn);
    thing.rsplit(['/', ':']).next().unwrap_or(thing)
}

/// Whether an ARN is that of a user.
pub(crate) fn is_user(arn: &str) -> bool {
    resource(arn).starts_with("user/")
}

/// Whether an ARN is that of a role.
pub(crate) fn is_role(arn: &str) -> bool {
    resource(arn).starts_with("role/")
}

/// Whether a role belongs to AWS: service-linked, or of Identity Center.
pub(crate) fn is_of_aws(arn: &str) -> bool {
    let resource = resource(arn);
    resource.starts_with("role/aws-service-role/") || resource.starts_with("role/aws-reserved/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_cannot_pretend() {
        let odd = "arn:aws:iam::111122223333:user/break-glass#/x:role/aws-service-role/y1#AKIAEXAMPLE000000001";
        assert_eq!(thing(odd), "arn:aws:iam::111122223333:user/break-glass#/x:role/aws-service-role/y1");
        assert_eq!((part(odd), name_of(odd)), (Some("AKIAEXAMPLE000000001"), "y1"));
        assert!(is_user(odd) && !is_role(odd) && !is_of_aws(odd));
        assert_eq!(part("arn:aws:iam::111122223333:user/shop-app#/x1"), None);
        let function = "arn:aws:lambda:eu-west-1:111122223333:function:f#policy/live/s";
        assert_eq!((name_of(function), part(function)), ("f", Some("policy/live/s")));
        assert!(is_of_aws("arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_x"));
    }
}
