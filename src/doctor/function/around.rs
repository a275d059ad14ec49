//! What is around a function: its queues, its schedule, where failed events go, its URL.

use aws_sdk_lambda::Client;
use aws_sdk_lambda::types::{EventSourceMappingConfiguration, FunctionResponseType};

use super::Function;
use crate::aws::Refusal;
use crate::doctor::{Check, Room, queue};

/// Rules that are looked at.
const MOST_RULES: usize = 20;

/// What feeds a function.
pub(super) struct Feed {
    pub arn: Option<String>,
    is_enabled: bool,
    /// Messages that failed come again alone, and not all of their batch.
    tells_failures: bool,
}

impl Feed {
    fn of(mapping: &EventSourceMappingConfiguration) -> Self {
        Self {
            arn: mapping.event_source_arn().map(str::to_owned),
            is_enabled: mapping.state().is_some_and(|state| state == "Enabled"),
            tells_failures: mapping.function_response_types().contains(&FunctionResponseType::ReportBatchItemFailures),
        }
    }
}

/// The event source mappings.
///
/// # Errors
/// What Lambda refuses.
pub(super) async fn feeds(function: &Function) -> Result<Vec<Feed>, Refusal> {
    let request = Client::new(&function.config).list_event_source_mappings().function_name(&function.name);
    let answer = request.send().await.map_err(|error| Refusal::of("lambda:ListEventSourceMappings", &error))?;
    Ok(answer.event_source_mappings().iter().map(Feed::of).collect())
}

pub(super) async fn all(room: &Room<'_>, function: &Function, feeds: Result<Vec<Feed>, Refusal>) -> Vec<Check> {
    let (dead, schedule, url, reserved) =
        tokio::join!(dead_letters(function), schedule(function), url(room, function), concurrency(function));
    let mut checks = match feeds {
        Ok(feeds) => told(&function.name, &feeds),
        Err(refusal) => vec![unknown("event sources", &refusal)],
    };
    checks.extend([dead, schedule, url, reserved]);
    checks
}

fn unknown(what: &str, refusal: &Refusal) -> Check {
    Check::note(what, format!("not known: {refusal}"))
}

fn told(name: &str, feeds: &[Feed]) -> Vec<Check> {
    if feeds.is_empty() {
        let told = format!("no queue feeds {name}: events come by its schedule only, minutes late");
        return vec![Check::note("event sources", told).mend("update the stack with FastEvents=true")];
    }
    let one = |feed: &Feed| {
        let arn = feed.arn.as_deref().unwrap_or("an unnamed source");
        let what = format!("event source {}", arn.rsplit(':').next().unwrap_or(arn));
        if !feed.is_enabled {
            let mend = format!("aws lambda update-event-source-mapping --enabled --uuid UUID --function-name {name}");
            return Check::fails(what, "it is not enabled, so that nobody reads what comes").mend(mend);
        }
        if !feed.tells_failures {
            let told = "it has no ReportBatchItemFailures: messages that were not safe yet are deleted with the others";
            return Check::fails(what, told).mend("update the stack");
        }
        Check::works(what, "it is enabled, and messages that failed come again")
    };
    feeds.iter().map(one).collect()
}

/// Where events go that the function failed on again and again.
async fn dead_letters(function: &Function) -> Check {
    let what = format!("dead letters of {}", function.name);
    let of_events = match &function.dead_letters {
        Some(arn) => Ok(Some(arn.clone())),
        None => destination(function).await,
    };
    match of_events {
        Ok(Some(arn)) if arn.contains(":sqs:") => queue::dead_letters_at(&function.config, what, &arn).await,
        Ok(Some(arn)) => Check::works(what, format!("they go to {arn}")),
        Ok(None) => Check::note(what, "none: a click or a go-on that failed is lost").mend("update the stack"),
        Err(refusal) => unknown(&what, &refusal),
    }
}

async fn destination(function: &Function) -> Result<Option<String>, Refusal> {
    let request = Client::new(&function.config).get_function_event_invoke_config().function_name(&function.name);
    match request.send().await.map_err(|error| Refusal::of("lambda:GetFunctionEventInvokeConfig", &error)) {
        Ok(answer) => {
            let failure = answer.destination_config.and_then(|config| config.on_failure);
            Ok(failure.and_then(|failure| failure.destination))
        }
        Err(Refusal::Gone(_)) => Ok(None),
        Err(refusal) => Err(refusal),
    }
}

/// Rules of EventBridge that call the function by the clock.
async fn schedule(function: &Function) -> Check {
    let what = format!("schedule of {}", function.name);
    match rules(function).await {
        Err(refusal) => unknown(&what, &refusal),
        Ok(rules) if rules.is_empty() => {
            let told = "no rule calls it by the clock; one of EventBridge Scheduler is not seen from here";
            Check::note(what, told).mend("update the stack, or make a rule of rate(5 minutes)")
        }
        Ok(rules) => {
            let names = |is_on: bool| -> Vec<_> {
                let named = rules.iter().filter(|(_, _, on)| *on == is_on);
                named.map(|(name, expression, _)| format!("{expression} ({name})")).collect()
            };
            match (names(true), names(false)) {
                (on, _) if !on.is_empty() => Check::works(what, on.join(", ")),
                (_, off) => {
                    let told = format!("it is switched off: {}", off.join(", "));
                    Check::fails(what, told).mend("aws events enable-rule --name NAME")
                }
            }
        }
    }
}

/// Name, expression, and whether it is switched on.
async fn rules(function: &Function) -> Result<Vec<(String, String, bool)>, Refusal> {
    let client = aws_sdk_eventbridge::Client::new(&function.config);
    let answer = client.list_rule_names_by_target().target_arn(&function.arn).send().await;
    let answer = answer.map_err(|error| Refusal::of("events:ListRuleNamesByTarget", &error))?;
    let mut rules = Vec::new();
    for name in answer.rule_names().iter().take(MOST_RULES) {
        let rule = client.describe_rule().name(name).send().await;
        let rule = rule.map_err(|error| Refusal::of("events:DescribeRule", &error))?;
        if let Some(expression) = rule.schedule_expression().filter(|it| !it.is_empty()) {
            let is_on = rule.state().is_some_and(|state| state.as_str().starts_with("ENABLED"));
            rules.push((name.clone(), expression.to_owned(), is_on));
        }
    }
    Ok(rules)
}

/// The URL that Slack's buttons call.
async fn url(room: &Room<'_>, function: &Function) -> Check {
    let what = format!("URL of {}", function.name);
    let has_slack = room.config.slack.signing_secret.is_some();
    let request = Client::new(&function.config).get_function_url_config().function_name(&function.name);
    let answer = request.send().await.map_err(|error| Refusal::of("lambda:GetFunctionUrlConfig", &error));
    match answer {
        Ok(answer) if answer.auth_type().as_str() == "NONE" => {
            Check::works(what, format!("{}; what comes there is proved by Slack's signature", answer.function_url()))
        }
        Ok(answer) => {
            let told = format!("it asks for {}, which Slack does not give", answer.auth_type());
            Check::fails(what, told).mend("update the stack")
        }
        Err(Refusal::Gone(_)) if has_slack => {
            Check::fails(what, "there is none, so that Slack's buttons reach nobody").mend("update the stack")
        }
        Err(Refusal::Gone(_)) => Check::note(what, "there is none, and without Slack none is needed"),
        Err(refusal) => unknown(&what, &refusal),
    }
}

async fn concurrency(function: &Function) -> Check {
    let what = format!("concurrency of {}", function.name);
    let request = Client::new(&function.config).get_function_concurrency().function_name(&function.name);
    match request.send().await.map_err(|error| Refusal::of("lambda:GetFunctionConcurrency", &error)) {
        Ok(answer) => match answer.reserved_concurrent_executions() {
            Some(0) => Check::fails(what, "0 are kept for it, so that it never runs").mend("update the stack"),
            Some(count) => Check::works(what, format!("{count} are kept for it")),
            None => {
                let told = "none are kept for it: an attack that uses up the quota of Lambda stops it too";
                Check::note(what, told).mend("update the stack with ReservedConcurrency=10")
            }
        },
        Err(refusal) => unknown(&what, &refusal),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feed_that_is_off_or_loses_messages_fails() {
        let feed = |state: &str, kinds: Vec<FunctionResponseType>| {
            let mapping = EventSourceMappingConfiguration::builder().state(state);
            let mapping = mapping.event_source_arn("arn:aws:sqs:eu-west-1:1:stakeout-events");
            Feed::of(&mapping.set_function_response_types(Some(kinds)).build())
        };
        let whole = || vec![FunctionResponseType::ReportBatchItemFailures];
        let line = |feed: Feed| told("stakeout", &[feed])[0].line();
        assert!(line(feed("Enabled", whole())).starts_with("works  event source stakeout-events: "));
        assert!(line(feed("Disabled", whole())).starts_with("FAILS  event source stakeout-events: it is not enabled"));
        assert!(line(feed("Enabled", Vec::new())).contains("ReportBatchItemFailures"));
        assert!(!told("stakeout", &[])[0].is_failure());
    }
}
