//! What no plan touches, and why: pure.

use std::collections::{BTreeMap, BTreeSet};

use glob::Pattern;

use super::arn::{is_of_aws, is_role, is_user, name_of, thing};
use super::subject::Subject;
use crate::model::plan::{Plan, Refused};

/// Names of principals that open the account when nothing else does.
const BREAK_GLASS: [&str; 3] = ["break-glass", "breakglass", "break_glass"];

/// Everything that is left alone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Guard {
    /// ARNs, in which `*` stands for anything.
    pub principals: Vec<String>,
    pub tags: BTreeMap<String, String>,
    /// ARNs of users and roles that Stakeout is, and of what it was minted or assumed from.
    pub own: BTreeSet<String>,
    /// No plan has more targets.
    pub most_targets: usize,
}

impl Guard {
    /// Why a subject is left alone, with the tags that it carries; nothing where it may be touched.
    pub(crate) fn refuses(&self, subject: &Subject, tags: &BTreeMap<String, String>) -> Option<String> {
        // A tag on what the incident made is the attacker's.
        let protecting = self.tags.iter().find(|(key, value)| !subject.made && tags.get(*key) == Some(*value));
        let tagged = protecting.map(|(key, value)| format!("it is protected by its tag {key}={value}"));
        self.refuses_arn(&subject.arn, subject.made).or(tagged)
    }

    /// The same by ARN alone.
    fn refuses_arn(&self, arn: &str, made: bool) -> Option<String> {
        let thing = thing(arn);
        if self.own.iter().any(|own| is_same(own, thing)) {
            return Some("Stakeout calls as it, or was minted from it".to_owned());
        }
        if let Some(pattern) = self.principals.iter().find(|pattern| matches(pattern, thing)) {
            return Some(format!("the settings protect {pattern}"));
        }
        if is_of_aws(thing) {
            return Some("it belongs to AWS".to_owned());
        }
        let name = name_of(thing).to_ascii_lowercase();
        let is_principal = is_user(thing) || is_role(thing);
        let is_last_way = is_principal && !made && BREAK_GLASS.iter().any(|word| name.contains(word));
        is_last_way.then(|| "by its name it opens the account when nothing else does".to_owned())
    }

    /// What a finished plan must not hold, by the settings of this moment.
    pub(crate) fn objections(&self, plan: &Plan) -> Vec<Refused> {
        let changes = plan.steps.iter().filter(|step| step.is_change());
        let protected = changes.filter_map(|step| {
            // Whether the incident made it was judged when the plan was made.
            let why = self.refuses_arn(&step.target.arn, true)?;
            Some(Refused { target: step.target.arn.clone(), why })
        });
        protected.collect()
    }
}

/// Whether two ARNs mean one user or role. The ARN of a session does not tell the path of its role.
fn is_same(one: &str, other: &str) -> bool {
    let parts = |arn: &str| {
        let account = arn.split(':').nth(4)?.to_owned();
        (is_user(arn) || is_role(arn)).then(|| (account, is_user(arn), name_of(arn).to_owned()))
    };
    one == other || parts(one).is_some_and(|one| parts(other) == Some(one))
}

/// Whether an ARN is one of a pattern's. Cases count, and `*` also stands for a path.
pub(super) fn matches(pattern: &str, arn: &str) -> bool {
    // Only the star is special: brackets and question marks stand for themselves.
    let escaped: String = pattern.split('*').map(Pattern::escape).collect::<Vec<_>>().join("*");
    Pattern::new(&escaped).is_ok_and(|pattern| pattern.matches(arn))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard() -> Guard {
        Guard {
            principals: vec![
                "arn:aws:iam::*:role/break-glass".to_owned(),
                "arn:aws:iam::111122223333:user/ops/*".to_owned(),
            ],
            tags: BTreeMap::from([("stakeout:protected".to_owned(), "true".to_owned())]),
            own: BTreeSet::from(["arn:aws:iam::111122223333:role/stakeout".to_owned()]),
            most_targets: 10,
        }
    }

    #[test]
    fn what_is_protected_is_left_alone() {
        let tags = BTreeMap::from([("stakeout:protected".to_owned(), "true".to_owned())]);
        let none = BTreeMap::new();
        let refuses = |arn: &str, made: bool, tags: &BTreeMap<String, String>| {
            guard().refuses(&Subject::new("iam:role", arn, "us-east-1", made), tags).is_some()
        };
        for arn in [
            "arn:aws:iam::444455556666:role/break-glass",
            "arn:aws:iam::111122223333:user/ops/night/anna",
            "arn:aws:iam::111122223333:role/stakeout",
            "arn:aws:iam::111122223333:role/deploy/stakeout",
            "arn:aws:iam::111122223333:role/aws-service-role/x/y",
            "arn:aws:iam::111122223333:user/BreakGlass-2",
        ] {
            assert!(refuses(arn, false, &none), "{arn}");
        }
        let plain = "arn:aws:iam::111122223333:role/app";
        assert!(!refuses(plain, false, &none));
        assert!(refuses(plain, false, &tags));
        assert!(!refuses(plain, true, &tags), "an attacker tags what it made");
        assert!(
            !refuses("arn:aws:iam::111122223333:user/break-glass-7f", true, &none),
            "an attacker names what it made"
        );
        assert!(refuses("arn:aws:iam::111122223333:role/stakeout", true, &none));
    }
}
