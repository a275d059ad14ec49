//! Policies, compared: what one allows, and whether others allow it too.

use serde_json::Value;

/// Everything in some documents that goes beyond what others allow, or that they deny and these do not, in words.
pub(super) fn beyond<'a>(
    documents: impl IntoIterator<Item = &'a Value>,
    allowed: impl IntoIterator<Item = &'a Value>,
) -> Vec<String> {
    let (here, there) = (grants(documents), grants(allowed));
    let wider = here.iter().filter(|grant| grant.allows && !there.iter().any(|other| other.covers(grant)));
    let weaker = there.iter().filter(|grant| !grant.allows && !here.iter().any(|other| other.covers(grant)));
    let allows = wider.map(|grant| format!("allows {grant:?}"));
    allows.chain(weaker.map(|grant| format!("does not deny {grant:?}"))).collect()
}

/// One action on one resource, or on all but some.
#[derive(Debug, Clone, PartialEq)]
struct Grant {
    allows: bool,
    action: String,
    on: On,
    condition: Value,
}

#[derive(Debug, Clone, PartialEq)]
enum On {
    One(String),
    AllBut(Vec<String>),
}

impl Grant {
    /// Whether whatever another grant speaks about is spoken about by this one.
    fn covers(&self, other: &Self) -> bool {
        let condition = self.condition.is_null() || self.condition == other.condition;
        let on = match (&self.on, &other.on) {
            (On::One(own), On::One(others)) => covers(own, others),
            (On::AllBut(own), On::AllBut(others)) => own.iter().all(|one| others.iter().any(|all| covers(all, one))),
            (On::One(own), On::AllBut(_)) => own == "*",
            (On::AllBut(_), On::One(_)) => false,
        };
        self.allows == other.allows && condition && on && covers(&lower(&self.action), &lower(&other.action))
    }
}

fn lower(action: &str) -> String {
    action.to_ascii_lowercase()
}

fn grants<'a>(documents: impl IntoIterator<Item = &'a Value>) -> Vec<Grant> {
    let mut grants = Vec::new();
    for statement in documents.into_iter().flat_map(|document| many(&document["Statement"])) {
        let allows = statement["Effect"] == "Allow";
        assert!(statement.get("NotAction").is_none(), "{statement}");
        let texts = |key: &str| -> Vec<String> {
            many(&statement[key]).iter().map(|text| text.as_str().unwrap().to_owned()).collect()
        };
        let on: Vec<_> = match statement.get("NotResource") {
            Some(_) => vec![On::AllBut(texts("NotResource"))],
            None => texts("Resource").into_iter().map(On::One).collect(),
        };
        let condition = statement.get("Condition").cloned().unwrap_or_default();
        for action in texts("Action") {
            let grant =
                |on: &On| Grant { allows, action: action.clone(), on: on.clone(), condition: condition.clone() };
            grants.extend(on.iter().map(grant));
        }
    }
    grants
}

fn many(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        Value::Null => Vec::new(),
        one => vec![one],
    }
}

/// Whether all that a pattern matches is matched by another one. A `*` in it is only covered by a `*`.
fn covers(pattern: &str, other: &str) -> bool {
    let (pattern, other): (Vec<_>, Vec<_>) = (pattern.chars().collect(), other.chars().collect());
    // Whether the rest of the pattern, from each place on, covers what is left of the other.
    let mut ends = vec![false; pattern.len() + 1];
    ends[pattern.len()] = true;
    for place in (0..pattern.len()).rev() {
        ends[place] = pattern[place] == '*' && ends[place + 1];
    }
    for letter in other.iter().rev() {
        let mut starts = vec![false; pattern.len() + 1];
        for place in (0..pattern.len()).rev() {
            starts[place] = match pattern[place] {
                '*' => starts[place + 1] || ends[place],
                '?' => *letter != '*' && ends[place + 1],
                plain => plain == *letter && ends[place + 1],
            };
        }
        ends = starts;
    }
    ends[0]
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{beyond, covers};

    #[test]
    fn a_pattern_covers_what_it_matches() {
        for (pattern, other) in
            [("*", "a"), ("*", "*"), ("a*", "a"), ("a*c", "abc"), ("a*", "ab*"), ("a?", "ab"), ("?", "?")]
        {
            assert!(covers(pattern, other), "{pattern} {other}");
        }
        for (pattern, other) in
            [("a", "*"), ("a*", "*"), ("ab*", "a*"), ("?", "*"), ("a", "ab"), ("*a", "ab"), ("", "a")]
        {
            assert!(!covers(pattern, other), "{pattern} {other}");
        }
    }

    #[test]
    fn what_goes_beyond_is_found() {
        let of = |effect: &str, action: &str, key: &str, resource: &str| json!({ "Statement": [{ "Effect": effect, "Action": action, key: resource }] });
        let finds = |here: &Value, there: &Value| !beyond([here], [there]).is_empty();
        let read = of("Allow", "s3:GetObject", "Resource", "arn:aws:s3:::logs/*");
        assert!(!finds(&of("Allow", "s3:getobject", "Resource", "arn:aws:s3:::logs/a/*"), &read));
        assert!(finds(&of("Allow", "s3:GetObject", "Resource", "*"), &read));
        assert!(finds(&of("Allow", "s3:*", "Resource", "arn:aws:s3:::logs/*"), &read));
        let mut only = read.clone();
        only["Statement"][0]["Condition"] = json!({ "Bool": { "aws:SecureTransport": "true" } });
        assert!(!finds(&only, &read));
        assert!(finds(&read, &only));
        let never = of("Deny", "ssm:GetParameter", "NotResource", "arn:own");
        assert!(finds(&json!({ "Statement": [] }), &never));
        assert!(finds(&of("Deny", "ssm:GetParameter", "NotResource", "*"), &never));
        assert!(!finds(&of("Deny", "ssm:*", "Resource", "*"), &never));
        assert!(!finds(&never, &never));
    }
}
