//! `stakeout lambda`: the watch and the answers in Slack as a Lambda function.
//!
//! - `shape`: what an invocation is about; `span`: what of its time is for what
//! - `shop`: what is kept from one to the next; `costs`: what was paid for
//! - `work`: passes and Slack; `knock`: presses through the function's URL
//! - `history`: parts of a history, for a state machine

mod costs;
mod history;
mod knock;
mod shape;
mod shop;
mod span;
mod work;

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, anyhow, bail};
use clap::Args;
use lambda_runtime::{Diagnostic, LambdaEvent, Runtime, service_fn};
use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};

use super::{Status, Voice, complain, state};
use crate::config::Config;
use crate::model::escape;
use shape::{Shape, shape};
use shop::Shop;
use span::Span;
use work::Work;

/// What Lambda says to a function about itself. Its library ends the process where one is missing.
const NEEDED: [&str; 4] = [
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
];

/// Run as a Lambda function: the same passes and the same answers in Slack, one invocation at a time.
///
/// Lambda starts it so. A schedule makes a pass over all feeds. Messages of SQS and events of EventBridge are read as they
/// come. A request to the function's URL is proved to be Slack's, answered at once, and handed on to another invocation of
/// this function, which proves it again.
///
/// A function whose settings have `[history]` maps and reduces for a state machine (deploy/stepfunctions).
///
/// STAKEOUT_CONFIG names the settings: a file, `ssm:NAME` or `s3://bucket/key`. They are read by the first invocation, and
/// again after five minutes.
///
/// Exit status: 2 could not run.
#[derive(Args)]
pub(super) struct Arguments {}

pub(super) fn run(_: &Arguments, config: Option<&Path>, voice: Voice) -> Result<Status> {
    let value = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    if let Some(missing) = NEEDED.into_iter().find(|name| value(name).is_none()) {
        bail!("this runs in Lambda only: {missing} is not set");
    }
    let is_number = value("AWS_LAMBDA_FUNCTION_MEMORY_SIZE").is_some_and(|size| size.parse::<i32>().is_ok());
    if !is_number {
        bail!("AWS_LAMBDA_FUNCTION_MEMORY_SIZE is no number");
    }
    let function = value("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_default();
    let shop = Shop::new(config, function, voice);
    state::block_on(async {
        let handler = service_fn(|event: LambdaEvent<Value>| invoked(&shop, event));
        Runtime::new(handler).run().await.map_err(|error| anyhow!("the runtime of Lambda: {error}"))?;
        Ok(Status::Quiet)
    })
}

/// One invocation. What is wrong is in the log, and is its error.
async fn invoked(shop: &Shop, event: LambdaEvent<Value>) -> Result<Value, Diagnostic> {
    let (payload, context) = event.into_parts();
    let work = Work { shop, begun: Instant::now(), span: Span::of(left(context.deadline)) };
    // On the heap: it is large, and polled through several layers.
    let done = timeout_at(work.begun + work.span.end, Box::pin(dispatch(&work, payload))).await;
    let done = done.unwrap_or_else(|_| Err(anyhow!("the time of this invocation was over before it came to its end")));
    done.map_err(|error| {
        let message = escape::terminal(&format!("{error:#}")).to_string();
        complain(&format!("stakeout: {message}"));
        Diagnostic { error_type: "Stakeout".to_owned(), error_message: message }
    })
}

async fn dispatch(work: &Work<'_>, payload: Value) -> Result<Value> {
    match shape(payload).map_err(|why| anyhow!("the payload of this invocation: {why}"))? {
        Shape::Schedule => work.scheduled().await,
        Shape::Batch(messages) => {
            let left = work.handed(messages).await?;
            if left.iter().any(String::is_empty) {
                bail!("messages without an id could not be read, and cannot be named one by one");
            }
            let failures: Vec<Value> = left.into_iter().map(|id| json!({ "itemIdentifier": id })).collect();
            Ok(json!({ "batchItemFailures": failures }))
        }
        Shape::Event(message) => match work.handed(vec![message]).await?.as_slice() {
            [] => Ok(json!({})),
            _ => bail!("the event could not be taken in"),
        },
        Shape::Url(event) => Ok(knock::answered(work.shop, &event).await),
        Shape::Click(posted) => work.desk(knock::proved(work.shop, &posted).await?, 0).await,
        Shape::GoOn(turns) => work.desk(Vec::new(), turns).await,
        Shape::History(task) => history::done(work.shop, task).await,
    }
}

/// How much time an invocation has that ends at a time, in milliseconds since 1970.
#[expect(clippy::disallowed_methods, reason = "Lambda says when it ends as a time of day")]
fn left(deadline: u64) -> Duration {
    let now = jiff::Timestamp::now().as_millisecond();
    Duration::from_millis(deadline.saturating_sub_signed(now))
}

/// Settings with their secrets. One that cannot be had is the error of whatever needs it.
///
/// # Errors
/// Settings that cannot be read.
async fn settings(path: Option<&Path>) -> Result<Config> {
    let mut config = Config::fetch(path).await?;
    config.unlock().await;
    Ok(config)
}

/// Whether every secret could be had.
///
/// # Errors
/// The first that could not.
fn check_secrets(config: &Config) -> Result<()> {
    match config.missing_secrets().into_iter().next() {
        Some((key, why)) => bail!("{key}: {why}"),
        None => Ok(()),
    }
}
