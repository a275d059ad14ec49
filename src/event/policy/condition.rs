//! Conditions of a statement: whom they leave of those whom it names.

use std::borrow::Cow;

use serde_json::Value;

use super::reach::{Kind, Limit, Reach};
use crate::event::identity::is_account;

/// One operator, key and list of values of a condition.
pub(super) struct Clause<'d> {
    compares: Compares,
    /// Holds where the value is another one.
    negated: bool,
    /// Holds where the key is absent, too.
    lenient: bool,
    /// In lower case: AWS does not tell cases apart.
    pub key: String,
    values: Vec<Cow<'d, str>>,
}

/// How an operator compares.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Compares {
    /// Wildcards are ordinary characters.
    Exactly,
    WithWildcards,
    /// Truth values.
    Truth,
    /// In a way that narrows nobody down: dates, numbers, presence.
    Otherwise,
}

/// The clauses of a statement, all of which must hold.
pub(super) fn clauses(statement: &Value) -> Vec<Clause<'_>> {
    let operators = statement.get("Condition").and_then(Value::as_object).into_iter().flatten();
    let keyed = operators.filter_map(|(operator, keys)| Some((operator, keys.as_object()?)));
    keyed
        .flat_map(|(operator, keys)| keys.iter().map(move |(key, values)| Clause::new(operator, key, values)))
        .collect()
}

/// Whom clauses leave that must all hold.
pub(super) fn met(clauses: &[Clause<'_>]) -> Limit {
    clauses.iter().map(Clause::met).fold(Limit::Any, Limit::and)
}

/// Whom a denial under these clauses leaves: whoever fails one of them.
pub(super) fn failed(clauses: &[Clause<'_>]) -> Limit {
    clauses.iter().map(Clause::failed).fold(Limit::Only(Reach::default()), Limit::or)
}

impl<'d> Clause<'d> {
    fn new(operator: &str, key: &str, values: &'d Value) -> Self {
        let (set, operator) = operator.split_once(':').unwrap_or(("", operator));
        let (operator, if_exists) =
            operator.strip_suffix("IfExists").map_or((operator, false), |operator| (operator, true));
        let negated = operator.contains("Not");
        let compares = match operator {
            "StringEquals" | "StringNotEquals" | "StringEqualsIgnoreCase" | "StringNotEqualsIgnoreCase" => {
                Compares::Exactly
            }
            "StringLike" | "StringNotLike" | "ArnLike" | "ArnNotLike" | "ArnEquals" | "ArnNotEquals" | "IpAddress"
            | "NotIpAddress" => Compares::WithWildcards,
            "Bool" => Compares::Truth,
            _ => Compares::Otherwise,
        };
        let lenient = if_exists || set == "ForAllValues";
        Self { compares, negated, lenient, key: key.to_ascii_lowercase(), values: texts(values) }
    }

    /// The values that one must be met of, and whether wildcards count in them, where the clause surely asks for one.
    pub(super) fn wanted(&self) -> Option<(&[Cow<'d, str>], bool)> {
        let compares_text = matches!(self.compares, Compares::Exactly | Compares::WithWildcards);
        (compares_text && !self.negated && !self.lenient)
            .then_some((self.values.as_slice(), self.compares == Compares::WithWildcards))
    }

    /// Whom the clause leaves where it must hold.
    fn met(&self) -> Limit {
        if self.negated || self.lenient {
            return Limit::Any;
        }
        self.limit("true")
    }

    /// Whom the clause leaves where it must not hold.
    fn failed(&self) -> Limit {
        let tells = self.negated || self.compares == Compares::Truth;
        if tells { self.limit("false") } else { Limit::Any }
    }

    /// Those of the values; of a truth value, those of whom it is `truth` that must be said.
    fn limit(&self, truth: &str) -> Limit {
        let about = About::of(&self.key);
        if self.compares == Compares::Truth {
            let says_so = !self.values.is_empty() && self.values.iter().all(|value| value.eq_ignore_ascii_case(truth));
            return match about {
                Some(About::ByService) if says_so => Limit::Only(Kind::Service.into()),
                Some(About::ByMount) if says_so => Limit::Only(Kind::Network.into()),
                _ => Limit::Any,
            };
        }
        let tells = self.compares != Compares::Otherwise && !self.values.is_empty();
        let Some(about) = about.filter(|_| tells) else {
            return Limit::Any;
        };
        let limits = self.values.iter().map(|value| {
            let has_wildcard = value.contains(['*', '?']) && !value.contains("${");
            if self.compares == Compares::Exactly && has_wildcard {
                return Limit::Only(Reach::default());
            }
            about.limit(value)
        });
        limits.fold(Limit::Only(Reach::default()), Limit::or)
    }
}

/// What a condition key tells of a caller.
#[derive(Clone, Copy)]
enum About {
    Account,
    Arn,
    UserId,
    Organisation,
    Network,
    Address,
    Service,
    ByService,
    ByMount,
    ExternalId,
    /// The account, or organisation, of the thing itself, which may be asked to be the caller's.
    Resource,
}

impl About {
    fn of(key: &str) -> Option<Self> {
        Some(match key {
            "aws:principalaccount"
            | "aws:sourceaccount"
            | "aws:sourceowner"
            | "aws:vpceaccount"
            | "kms:calleraccount"
            | "s3:dataaccesspointaccount" => Self::Account,
            "aws:principalarn"
            | "aws:sourcearn"
            | "aws:sourcevpcarn"
            | "lambda:sourcefunctionarn"
            | "ec2:sourceinstancearn"
            | "s3:dataaccesspointarn" => Self::Arn,
            "aws:userid" => Self::UserId,
            "aws:principalorgid"
            | "aws:principalorgpaths"
            | "aws:sourceorgid"
            | "aws:sourceorgpaths"
            | "aws:vpceorgid"
            | "aws:vpceorgpaths" => Self::Organisation,
            "aws:sourcevpce" | "aws:sourcevpc" => Self::Network,
            "aws:sourceip" | "aws:vpcsourceip" => Self::Address,
            "aws:principalservicename" | "aws:principalservicenameslist" => Self::Service,
            "aws:principalisawsservice" | "aws:viaawsservice" => Self::ByService,
            "elasticfilesystem:accessedviamounttarget" => Self::ByMount,
            "sts:externalid" => Self::ExternalId,
            "aws:resourceaccount" | "aws:resourceorgid" => Self::Resource,
            _ => return None,
        })
    }

    /// Whom one value leaves.
    fn limit(self, value: &str) -> Limit {
        let fixed = value.split(['*', '?']).next().unwrap_or_default();
        let kind = match self {
            Self::Account | Self::Resource if value.contains("${") => return of_variable(self, value),
            Self::Account if fixed.len() == value.len() && !value.is_empty() => {
                return Limit::Only(Reach::account(value));
            }
            Self::Arn => return of_arn(value),
            Self::UserId if is_account(fixed) => return Limit::Only(Reach::account(fixed)),
            Self::UserId if fixed.len() >= 12 && fixed.starts_with('A') => Kind::Own,
            Self::Organisation if value.contains("${aws:ResourceOrg") => Kind::Organisation,
            Self::Organisation if fixed.starts_with("o-") && fixed.len() > 4 => Kind::Organisation,
            Self::Network if fixed.split_once('-').is_some_and(|(_, id)| id.len() > 4) => Kind::Network,
            Self::Address if is_narrow_range(value) => Kind::Network,
            Self::Service if !fixed.is_empty() => Kind::Service,
            Self::ExternalId if !fixed.is_empty() => {
                return Limit::Only(Reach { by_external_id: true, ..Kind::AnotherAccount.into() });
            }
            _ => return Limit::Any,
        };
        Limit::Only(kind.into())
    }
}

/// A value that is known only at the time of a call: the caller's account must be that of the thing, or the like.
fn of_variable(about: About, value: &str) -> Limit {
    let kind = match (about, value) {
        (About::Account, "${aws:ResourceAccount}") | (About::Resource, "${aws:PrincipalAccount}") => Kind::Own,
        (About::Resource, "${aws:PrincipalOrgID}") => Kind::Organisation,
        _ => return Limit::Any,
    };
    Limit::Only(kind.into())
}

/// The account of an ARN. A bucket has none in its name, but it is somebody's alone, and mostly one's own.
fn of_arn(value: &str) -> Limit {
    let mut parts = value.splitn(6, ':').skip(2);
    let (Some(service), Some(_), Some(account), Some(rest)) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Limit::Any;
    };
    let is_open = |text: &str| text.contains(['*', '?']);
    match account {
        "" | "*" if service == "s3" && !rest.is_empty() && !rest.starts_with(['*', '?']) => {
            Limit::Only(Kind::Own.into())
        }
        "" => Limit::Any,
        account if account.contains("${") || is_open(account) => Limit::Any,
        account => Limit::Only(Reach::account(account)),
    }
}

/// Whether a range of addresses is no large part of the internet.
fn is_narrow_range(range: &str) -> bool {
    let (address, length) = range.split_once('/').map_or((range, None), |(address, length)| (address, Some(length)));
    let least = if address.contains(':') { 20 } else { 8 };
    match length {
        Some(length) => length.parse::<u8>().is_ok_and(|length| length >= least),
        None => !address.is_empty() && !address.contains('*'),
    }
}

/// The values of a clause as texts.
fn texts<'v>(value: &'v Value) -> Vec<Cow<'v, str>> {
    let list = match value {
        Value::Array(all) => all.as_slice(),
        one => std::slice::from_ref(one),
    };
    let text = |value: &'v Value| match value {
        Value::String(text) => Some(Cow::Borrowed(text.as_str())),
        Value::Bool(_) | Value::Number(_) => Some(Cow::Owned(value.to_string())),
        _ => None,
    };
    list.iter().filter_map(text).collect()
}
