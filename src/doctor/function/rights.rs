//! What the role of a function may do, and whether it may become the responder.

use std::path::Path;

use aws_sdk_iam::Client;
use serde_json::Value;

use super::Function;
use crate::aws::Refusal;
use crate::config::Place;
use crate::contain::action;
use crate::contain::rights::{self, Places, Site};
use crate::doctor::rights::{Grant, grants};
use crate::doctor::simulate::lack;
use crate::doctor::{Check, Room, responder};
use crate::event::policy::document::percent_decode;
use crate::model::counted;

/// Rights that only this command would need inside of the function.
const OF_DOCTOR: &str = "iam:SimulatePrincipalPolicy";
const BECOMING: [&str; 2] = ["sts:AssumeRole", "sts:SetSourceIdentity"];

/// Simulates the detector's and the function's policies for the function's role.
pub(super) async fn own(room: &Room<'_>, function: &Function, feeds: Vec<String>) -> Check {
    let what = format!("rights of {}", function.role);
    let answer = lack(&function.config, &function.role, needed(room, function, feeds)).await;
    let lack = match answer {
        Ok(lack) => lack,
        Err(refusal) => return Check::note(what, format!("not known, by simulation only: {refusal}")),
    };
    if lack.missing.is_empty() {
        return Check::works(what, format!("{}, by simulation", counted(lack.asked.len(), "right")));
    }
    let told = format!("{} missing, by simulation: {}", counted(lack.missing.len(), "right"), lack.names());
    let name = &function.name;
    let mend = format!(
        "update the stack, or give the role what stakeout permissions detector and function --function {name} print"
    );
    Check::fails(what, told).mend(mend)
}

/// What the policies give that the function's role needs.
fn needed(room: &Room<'_>, function: &Function, feeds: Vec<String>) -> Vec<Grant> {
    let variable = |name: &str| function.variables.get(name);
    let site = Site {
        account: Some(function.account().to_owned()),
        region: Some(function.region.clone()),
        function: Some(function.name.clone()),
        settings: variable("STAKEOUT_CONFIG").and_then(|place| Place::parse(Path::new(place)).ok()),
        feeds,
        dead_letters: function.dead_letters.clone(),
    };
    let places = Places::at(room.config, &site);
    let actions: Vec<_> = action::all().collect();
    // Where every account has a role of its own, that role reads them.
    let accounts = &room.config.accounts;
    let is_reader = accounts.is_empty() || accounts.iter().any(|account| account.role.is_none());
    let detector = rights::detector(&actions, &places).into_iter();
    let policies: Vec<_> = detector
        .filter(|policy| is_reader || !policy.name.contains("-account"))
        .chain(rights::function(&places))
        .collect();
    let is_asked =
        |action: &String| action != OF_DOCTOR && (room.config.sources.cost_explorer || !action.starts_with("ce:"));
    let asked = policies.iter().flat_map(grants).map(|mut grant| {
        grant.actions.retain(is_asked);
        grant
    });
    asked.filter(|grant| !grant.actions.is_empty()).collect()
}

/// Whether the function may become the responder, and what that role may do, in the function's account.
pub(super) async fn responder(room: &Room<'_>, function: &Function) -> Vec<Check> {
    let Some(role) = &room.config.contain.responder_role else {
        let told = "none: plans run with the function's role, which for the detector's policies is not enough";
        return vec![Check::note("responder", told).mend("update the stack, which makes one")];
    };
    let (trusted, rights) = tokio::join!(
        trust(function, role.as_str()),
        responder::rights_of(room, &function.config, function.account(), role.as_str())
    );
    vec![trusted, rights]
}

async fn trust(function: &Function, role: &str) -> Check {
    let what = format!("responder {role}");
    let name = role.rsplit('/').next().unwrap_or(role);
    let answer = Client::new(&function.config).get_role().role_name(name).send().await;
    let answer = match answer.map_err(|error| Refusal::of("iam:GetRole", &error)) {
        Ok(answer) => answer,
        Err(refusal @ Refusal::Gone(_)) => {
            return Check::fails(what, refusal.to_string()).mend("update the stack, or correct contain.responder_role");
        }
        Err(refusal) => return Check::note(what, format!("not known: {refusal}")),
    };
    let document = answer.role.and_then(|role| role.assume_role_policy_document).unwrap_or_default();
    let document = if document.starts_with('%') { percent_decode(&document) } else { document.as_str().into() };
    let document = serde_json::from_str(&document).unwrap_or_default();
    if trusts(&document, &function.role) {
        return Check::works(what, format!("its trust policy names {}", function.role));
    }
    let told = format!("its trust policy does not let {} assume it and set a source identity", function.role);
    Check::fails(what, told).mend("update the stack, or stakeout permissions responder --trust prints the policy")
}

/// Whether a trust policy allows a role to begin a session for one plan, as far as statements without a denial tell.
fn trusts(document: &Value, role: &str) -> bool {
    let account = role.split(':').nth(4).unwrap_or_default();
    let is_role = |text: &str| text == role || text == account || text.ends_with(&format!("::{account}:root"));
    let statements = match document.get("Statement") {
        Some(Value::Array(all)) => all.iter().collect(),
        Some(one) => vec![one],
        None => Vec::new(),
    };
    let allows = |action: &str| {
        statements.iter().any(|statement| {
            let actions = texts(statement.get("Action"));
            let principals = texts(statement.get("Principal").and_then(|principal| principal.get("AWS")));
            statement.get("Effect").is_some_and(|effect| effect == "Allow")
                && principals.iter().any(|text| is_role(text))
                && actions.iter().any(|it| it.eq_ignore_ascii_case(action) || *it == "sts:*" || *it == "*")
        })
    };
    BECOMING.iter().all(|action| allows(action))
}

fn texts(value: Option<&Value>) -> Vec<&str> {
    match value {
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
        Some(one) => one.as_str().into_iter().collect(),
        None => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::contain::rights::{Trust, trust};

    #[test]
    fn the_policy_that_is_printed_is_one_that_trusts() {
        let role = "arn:aws:iam::111122223333:role/stakeout";
        assert!(trusts(&trust(&[role.to_owned()], &Trust::Responder), role));
        assert!(trusts(&trust(&["arn:aws:iam::111122223333:root".to_owned()], &Trust::Responder), role));
        assert!(!trusts(&trust(&["arn:aws:iam::111122223333:role/other".to_owned()], &Trust::Responder), role));
        // No session begins that cannot name its plan.
        assert!(!trusts(&trust(&[role.to_owned()], &Trust::Detector { external_id: None }), role));
        assert!(!trusts(&json!({}), role));
    }
}
