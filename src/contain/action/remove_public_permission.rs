//! Takes the statements from a function's policy that let everybody or another account in.

use aws_sdk_lambda::Client;
use aws_sdk_lambda::error::ProvideErrorMetadata as _;
use serde_json::{Value, json};

use super::function::{
    FUNCTION, LEFT, QUALIFIER, client, detail, function_of, is_own, known, on_functions, qualifier_of, qualifiers,
    target,
};
use super::statement::{self, Grant};
use super::{Action, Asking, Card, Knobs, Observed, phase};
use crate::aws::Refusal;
use crate::contain::cloud::Cloud;
use crate::contain::subject::{Subject, name_of};
use crate::model::plan::{Class, Target};

/// The key of a detail: the statement's id.
const SID: &str = "sid";
/// The key of a detail: whom it lets in.
const WHOM: &str = "lets-in";

/// Statements of a function's policies, each a target. What could not be put back as it was is left, with the reason in
/// the target's detail `left`.
pub(crate) struct RemovePublicPermission;

impl Action for RemovePublicPermission {
    fn card(&self) -> &'static Card {
        const {
            &Card {
                name: "remove-public-permission",
                about: "Removes the statements of a function's policy that let everybody or another account invoke it",
                on: &[FUNCTION],
                class: Class::R2,
                phase: phase::DOORS,
                reads: &[
                    on_functions("lambda:GetFunctionConfiguration"),
                    on_functions("lambda:GetPolicy"),
                    on_functions("lambda:ListAliases"),
                    on_functions("lambda:ListVersionsByFunction"),
                ],
                writes: &[on_functions("lambda:RemovePermission")],
                undoes: &[on_functions("lambda:AddPermission"), on_functions("lambda:RemovePermission")],
            }
        }
    }

    fn find<'a>(&'a self, cloud: &'a Cloud, subject: &'a Subject) -> Asking<'a, Vec<Target>> {
        Box::pin(async move {
            if !is_own(subject) {
                return Ok(Vec::new());
            }
            let client = client(cloud, &subject.account, &subject.region)?;
            let names = match qualifiers(&client, &subject.arn).await {
                Ok(names) => names,
                Err(Refusal::Gone(_)) => return Ok(Vec::new()),
                Err(refusal) => return Err(refusal),
            };
            let mut targets = Vec::new();
            for name in std::iter::once(None).chain(names.iter().map(Some)) {
                let name = name.map(String::as_str);
                for statement in policy(&client, &subject.arn, name).await? {
                    if let Some(whom) = statement::lets_in(&statement, &subject.account) {
                        targets.push(of_statement(subject, name, &statement, &whom));
                    }
                }
            }
            targets.sort();
            targets.dedup();
            Ok(targets)
        })
    }

    fn observe<'a>(&'a self, cloud: &'a Cloud, target: &'a Target) -> Asking<'a, Observed> {
        Box::pin(async move {
            let client = client(cloud, &target.account, &target.region)?;
            // A function that is gone looks like one without a policy otherwise.
            known(&client, &target.arn).await?;
            let statements = policy(&client, &target.arn, detail(target, QUALIFIER)).await?;
            let sid = detail(target, SID).unwrap_or_default();
            let statement = statements.into_iter().find(|statement| statement["Sid"] == sid);
            Ok(Observed { id: target.id.clone(), state: json!({ "statement": statement }) })
        })
    }

    fn goal(&self, target: &Target, state: &Value) -> Option<Value> {
        let stays = target.detail.contains_key(LEFT) || Grant::of(&state["statement"]).is_err();
        (!stays).then(|| json!({ "statement": null }))
    }

    fn holds(&self, state: &Value, after: &Value) -> bool {
        statement::normal(&state["statement"]) == statement::normal(&after["statement"])
    }

    fn words(&self, target: &Target, _: &Value, _: &Value) -> (String, Option<String>) {
        let (name, sid) = (name_of(&target.arn), detail(target, SID).unwrap_or_default());
        let whom = detail(target, WHOM).unwrap_or("others");
        (
            format!("removes the statement {sid} that lets {whom} in from the policy of function {name}"),
            Some(format!("adds the statement {sid} to the policy of function {name} again")),
        )
    }

    fn set<'a>(
        &'a self,
        cloud: &'a Cloud,
        target: &'a Target,
        from: &'a Value,
        to: &'a Value,
        _: &'a Knobs,
    ) -> Asking<'a, Value> {
        Box::pin(async move {
            let client = client(cloud, &target.account, &target.region)?;
            // What cannot be put back is not taken away either.
            for statement in [&from["statement"], &to["statement"]].into_iter().filter(|statement| !statement.is_null())
            {
                Grant::of(statement).map_err(|why| Refusal::Other { action: "lambda:AddPermission", why })?;
            }
            if !from["statement"].is_null() {
                remove(&client, target).await?;
            }
            if !to["statement"].is_null() {
                add(&client, target, &to["statement"]).await?;
            }
            Ok(Value::Null)
        })
    }
}

fn of_statement(subject: &Subject, qualifier: Option<&str>, statement: &Value, whom: &str) -> Target {
    let sid = statement["Sid"].as_str().unwrap_or_default();
    let part = match qualifier {
        Some(name) => format!("permission-{name}/{sid}"),
        None => format!("permission-{sid}"),
    };
    let left = Grant::of(statement).err();
    let mut detail = vec![(SID, sid), (WHOM, whom)];
    detail.extend(qualifier.map(|name| (QUALIFIER, name)));
    detail.extend(left.as_deref().map(|why| (LEFT, why)));
    target(subject, &part, "", &detail)
}

/// Statements of the policy of a function, or of a version or alias; none where it has no policy.
async fn policy(client: &Client, arn: &str, qualifier: Option<&str>) -> Result<Vec<Value>, Refusal> {
    let get = client.get_policy().function_name(name_of(function_of(arn))).set_qualifier(qualifier.map(str::to_owned));
    let answer = match get.send().await {
        Ok(answer) => answer,
        Err(error) => match Refusal::of("lambda:GetPolicy", &error) {
            Refusal::Gone(_) => return Ok(Vec::new()),
            refusal => return Err(refusal),
        },
    };
    let document: Value = serde_json::from_str(answer.policy().unwrap_or("{}")).map_err(|error| Refusal::Other {
        action: "lambda:GetPolicy",
        why: format!("the policy is no JSON: {error}"),
    })?;
    let mut statements = match &document["Statement"] {
        Value::Array(statements) => statements.clone(),
        Value::Null => Vec::new(),
        one => vec![one.clone()],
    };
    // Some answer with every statement, whichever version or alias they are asked for.
    statements.retain(|statement| statement["Resource"].as_str().is_none_or(|arn| qualifier_of(arn) == qualifier));
    Ok(statements)
}

async fn remove(client: &Client, target: &Target) -> Result<(), Refusal> {
    let remove = client.remove_permission().function_name(name_of(function_of(&target.arn)));
    let remove = remove.set_qualifier(detail(target, QUALIFIER).map(str::to_owned));
    match remove.statement_id(detail(target, SID).unwrap_or_default()).send().await {
        Ok(_) => Ok(()),
        Err(error) if error.code() == Some("ResourceNotFoundException") => Ok(()),
        Err(error) => Err(Refusal::of("lambda:RemovePermission", &error)),
    }
}

async fn add(client: &Client, target: &Target, statement: &Value) -> Result<(), Refusal> {
    let grant = Grant::of(statement).map_err(|why| Refusal::Other { action: "lambda:AddPermission", why })?;
    let add = client.add_permission().function_name(name_of(function_of(&target.arn)));
    let add = add.set_qualifier(detail(target, QUALIFIER).map(str::to_owned));
    let add = add.statement_id(grant.sid).action(grant.action).principal(grant.principal);
    let add = add.set_source_arn(grant.source_arn).set_source_account(grant.source_account);
    let add = add.set_principal_org_id(grant.organisation).set_event_source_token(grant.token);
    let add = add.set_function_url_auth_type(grant.auth.as_deref().map(Into::into));
    let answer = add.set_invoked_via_function_url(grant.via_url).send().await;
    answer.map(drop).map_err(|error| Refusal::of("lambda:AddPermission", &error))
}
