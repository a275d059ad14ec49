//! Whom a policy document lets in: the principals of what it allows, less what conditions and denials take away.

use std::collections::BTreeSet;

use serde_json::Value;

use super::condition::{self, Clause};
use super::document;
use super::reach::{Kind, Limit, Reach};
use super::statement::{Fuel, Statement, strings};
use crate::event::identity::is_account;

/// Denials beyond these take nothing away.
const MOST_DENIALS: usize = 64;

/// Somebody whom a document or a call names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Who {
    Everybody,
    /// Identities of an account, by its number or canonical id.
    Account(String),
    Service,
    Organisation,
    /// An identity that is gone, or one of the account itself by its id.
    Own,
}

impl Who {
    /// Reads a principal: `*`, an account's number, an ARN, the name of a service, a canonical id.
    pub(crate) fn parse(text: &str) -> Self {
        if let Some(rest) = text.strip_prefix("arn:") {
            let mut parts = rest.splitn(5, ':').skip(1);
            let (service, account) = (parts.next().unwrap_or_default(), parts.nth(1).unwrap_or_default());
            return match account {
                _ if service == "organizations" => Self::Organisation,
                "cloudfront" => Self::Service,
                "" => Self::Own,
                account if account.contains('*') => Self::Everybody,
                account => Self::Account(account.to_owned()),
            };
        }
        let is_id = ["AIDA", "AROA", "AKIA", "AGPA", "ANPA"].iter().any(|prefix| text.starts_with(prefix));
        match text {
            "" => Self::Own,
            "*" | "all" | "All" => Self::Everybody,
            _ if is_id => Self::Own,
            _ if text.contains('.') && !text.contains(char::is_whitespace) => Self::Service,
            _ => Self::Account(text.to_owned()),
        }
    }

    /// Whom that lets in under a limit.
    pub(super) fn within(&self, limit: &Limit) -> Reach {
        let (named, only) = match (self, limit) {
            (Self::Everybody, Limit::Any) => return Kind::Everybody.into(),
            (Self::Everybody, Limit::Only(reach)) => return reach.clone(),
            (_, Limit::Only(reach)) if reach.is_empty() => return Reach::default(),
            (Self::Account(account), limit) => (account, limit),
            (Self::Organisation, _) => return Kind::Organisation.into(),
            (Self::Own, _) => return Kind::Own.into(),
            (Self::Service, Limit::Any) => return Kind::Service.into(),
            (Self::Service, Limit::Only(reach)) => {
                return Reach { accounts: reach.accounts.clone(), ..Kind::Service.into() };
            }
        };
        let account = Reach::account(named);
        match only {
            Limit::Only(reach) if reach.by_external_id => Reach { by_external_id: true, ..account },
            Limit::Only(reach) if reach.kinds.is_empty() && !reach.accounts.contains(named) => Reach::default(),
            Limit::Only(reach) if reach.kinds.last() == Some(&Kind::Organisation) => Kind::Organisation.into(),
            _ => account,
        }
    }
}

/// A statement that denies, and whom it leaves.
struct Denial<'d> {
    statement: Statement<'d>,
    leaves: Limit,
    /// Accounts that are shut out as a whole.
    shut: BTreeSet<String>,
}

/// Whom a document lets in; the caller tells own accounts from others with [`Reach::settle`].
pub(crate) fn reach_of(document: &Value) -> Reach {
    let with = |effect: &'static str| {
        let all = document::statements(document).iter();
        all.filter(move |statement| statement.get("Effect").and_then(Value::as_str) == Some(effect))
    };
    let denials: Vec<_> = with("Deny").take(MOST_DENIALS).map(Denial::of).collect();
    let fuel = Fuel::new();
    let mut reach = Reach::default();
    for allow in with("Allow").filter(|allow| names_somebody(allow)) {
        let clauses = condition::clauses(allow);
        let mut limit = condition::met(&clauses);
        let mut shut: BTreeSet<&str> = BTreeSet::new();
        let statement = (!denials.is_empty()).then(|| Statement::of(allow));
        for denial in &denials {
            if statement.as_ref().is_some_and(|allow| allow.is_within(&denial.statement, &fuel)) {
                limit = limit.and(denial.leaves.clone());
                shut.extend(denial.shut.iter().map(String::as_str));
            }
        }
        let is_shut = |who: &Who| matches!(who, Who::Account(account) if shut.contains(account.as_str()));
        for who in principals(allow).filter(|who| !is_shut(who)) {
            reach.add(who.within(&limit));
        }
        let providers = strings(allow.get("Principal").and_then(|named| named.get("Federated")));
        providers.for_each(|provider| reach.add(federated(provider, &clauses, &limit)));
    }
    reach
}

fn names_somebody(statement: &Value) -> bool {
    statement.get("Principal").is_some() || statement.get("NotPrincipal").is_some()
}

/// Whom a statement names, but for identity providers.
fn principals(statement: &Value) -> impl Iterator<Item = Who> {
    let all_but = statement.get("NotPrincipal").map(|_| Who::Everybody);
    let named = statement.get("Principal").filter(|_| all_but.is_none());
    let plain = named.and_then(Value::as_str).map(Who::parse);
    let of = move |key: &str| strings(named.and_then(|named| named.get(key)));
    let services = of("Service").map(|_| Who::Service);
    all_but
        .into_iter()
        .chain(plain)
        .chain(of("AWS").chain(of("CanonicalUser")).chain(of("*")).map(Who::parse))
        .chain(services)
}

impl<'d> Denial<'d> {
    fn of(statement: &'d Value) -> Self {
        let clauses = condition::clauses(statement);
        let leaves = condition::failed(&clauses);
        let named = |key: &str| {
            let value = statement.get(key);
            strings(value).chain(strings(value.and_then(|value| value.get("AWS")))).map(Who::parse).collect::<Vec<_>>()
        };
        let spared = named("NotPrincipal");
        let (leaves, shut) = if statement.get("NotPrincipal").is_some() {
            // Whoever is spared must be allowed elsewhere in the document.
            let spared = spared.iter().map(|who| who.within(&Limit::Any)).map(Limit::Only);
            (spared.fold(leaves, Limit::or), BTreeSet::new())
        } else if named("Principal").contains(&Who::Everybody) {
            (leaves, BTreeSet::new())
        } else {
            let is_whole = |who: &str| is_account(who) || who.ends_with(":root");
            let of_aws = statement.get("Principal").and_then(|named| named.get("AWS"));
            let whole = strings(of_aws).filter(|who| clauses.is_empty() && is_whole(who)).map(Who::parse);
            let accounts = whole.filter_map(|who| if let Who::Account(account) = who { Some(account) } else { None });
            (Limit::Any, accounts.collect())
        };
        Self { statement: Statement::of(statement), leaves, shut }
    }
}

/// Public code hosts: one provider for the pipelines of all their customers.
const CODE_HOSTS: [&str; 8] = [
    "token.actions.githubusercontent.com",
    "gitlab.com",
    "api.bitbucket.org",
    "app.terraform.io",
    "agent.buildkite.com",
    "oidc.codefresh.io",
    "api.pulumi.com",
    "oidc.fly.io",
];
/// Sign-in services where anybody may have an account: without the name of an application everybody is let in.
const OPEN_SIGN_INS: [&str; 5] = [
    "cognito-identity.amazonaws.com",
    "accounts.google.com",
    "www.amazon.com",
    "graph.facebook.com",
    "appleid.apple.com",
];

/// Whom trust in an identity provider lets in.
fn federated(provider: &str, clauses: &[Clause<'_>], limit: &Limit) -> Reach {
    if matches!(limit, Limit::Only(reach) if reach.is_empty()) {
        return Reach::default();
    }
    let host = provider.split_once(":oidc-provider/").map_or(provider, |(_, host)| host).to_ascii_lowercase();
    let is_of = |known: &[&str]| known.iter().any(|known| host == *known || host.starts_with(&format!("{known}/")));
    let asks = |claims: &[&str]| {
        clauses.iter().any(|clause| {
            let claim = clause.key.strip_prefix(host.as_str()).and_then(|rest| rest.strip_prefix(':'));
            let is_narrow = |value: &str, wild| names_one(claim.unwrap_or_default(), value, wild);
            claim.is_some_and(|claim| claims.contains(&claim))
                && clause.wanted().is_some_and(|(values, wild)| values.iter().all(|value| is_narrow(value, wild)))
        })
    };
    if provider == "*" {
        return Kind::AnyPipeline.into();
    }
    let of_account = host.starts_with("api.bitbucket.org/") && asks(&["aud"]);
    if is_of(&CODE_HOSTS) && !asks(&OWNERS) && !of_account {
        return Kind::AnyPipeline.into();
    }
    if is_of(&OPEN_SIGN_INS) && !asks(&["aud", "app_id", "oaud", "azp", "sub"]) {
        return Kind::Everybody.into();
    }
    Kind::Provider.into()
}

/// Claims that tell whose pipeline it is.
const OWNERS: [&str; 17] = [
    "sub",
    "repository",
    "repository_id",
    "repository_owner",
    "repository_owner_id",
    "job_workflow_ref",
    "actor_id",
    "enterprise",
    "project_path",
    "project_id",
    "namespace_path",
    "namespace_id",
    "terraform_organization_id",
    "terraform_workspace_id",
    "organization_slug",
    "organization_id",
    "repositoryuuid",
];

/// Whether the value of a claim says whose pipeline it is. A subject begins with what it tells: `repo:OWNER/NAME:...`.
fn names_one(claim: &str, value: &str, wild: bool) -> bool {
    const NO_OWNERS: [&str; 8] = ["environment", "ref", "ref_type", "actor", "event_name", "context", "job", "runner"];
    let value = value.trim();
    if !wild {
        // Wildcards that do not count match nothing.
        return !value.is_empty();
    }
    let owner = match value.split_once(':') {
        Some((label, _)) if claim == "sub" && NO_OWNERS.contains(&label) => return false,
        Some((_, rest)) if claim == "sub" => rest,
        _ => value,
    };
    let owner = owner.split(['/', ':']).next().unwrap_or_default();
    !owner.is_empty() && !owner.contains(['*', '?'])
}
