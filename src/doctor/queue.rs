//! The queues of the settings: what waits in them, and what nobody could read.

use aws_config::SdkConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::Builder;
use aws_sdk_sqs::types::QueueAttributeName;
use serde_json::Value;

use super::{Check, Room};
use crate::aws::{Refusal, whereabouts};

const RIGHT: &str = "sqs:GetQueueAttributes";
/// More messages than these are more than a pass or two reads.
const MANY: u64 = 10_000;

/// What a queue says of itself.
struct Queue {
    waiting: u64,
    in_hand: u64,
    /// The ARN of the queue of dead letters.
    dead: Option<String>,
}

/// A client in the region that a queue's URL names.
pub(super) fn client(config: &SdkConfig, url: &str) -> Client {
    let mut builder = Builder::from(config);
    if let Some(region) = whereabouts::of_queue(url) {
        builder = builder.region(region);
    }
    Client::from_conf(builder.build())
}

pub(super) async fn all(room: &Room<'_>) -> Vec<Check> {
    let Some(live) = room.live else { return Vec::new() };
    let home = live.home();
    let mut checks = Vec::new();
    for url in &room.config.sources.queue_url {
        let url = url.as_str();
        let name = url.trim_end_matches('/').rsplit('/').next().unwrap_or(url);
        let client = client(&home, url);
        match read(&client, url).await {
            Ok(queue) => {
                checks.push(waiting(name, &queue));
                checks.push(dead_letters(&client, url, name, &queue).await);
            }
            Err(Refusal::Denied { .. }) => {
                let told = format!("how much waits in it is not known: {RIGHT} is denied");
                checks.push(Check::note(format!("queue {name}"), told));
            }
            Err(refusal @ Refusal::Gone(_)) => {
                let mend = "correct sources.queue_url, or make the queue";
                checks.push(Check::fails(format!("queue {name}"), refusal.to_string()).mend(mend));
            }
            Err(refusal) => checks.push(Check::note(format!("queue {name}"), format!("not known: {refusal}"))),
        }
    }
    checks
}

async fn read(client: &Client, url: &str) -> Result<Queue, Refusal> {
    let request = client.get_queue_attributes().queue_url(url).attribute_names(QueueAttributeName::All);
    let answer = request.send().await.map_err(|error| Refusal::of(RIGHT, &error))?;
    let text = |name: &QueueAttributeName| answer.attributes().and_then(|all| all.get(name)).map(String::as_str);
    let number = |name| text(&name).and_then(|text| text.parse().ok()).unwrap_or(0);
    let policy = text(&QueueAttributeName::RedrivePolicy).and_then(|text| serde_json::from_str::<Value>(text).ok());
    let dead = policy.and_then(|policy| policy.get("deadLetterTargetArn")?.as_str().map(str::to_owned));
    Ok(Queue {
        waiting: number(QueueAttributeName::ApproximateNumberOfMessages),
        in_hand: number(QueueAttributeName::ApproximateNumberOfMessagesNotVisible),
        dead,
    })
}

fn waiting(name: &str, queue: &Queue) -> Check {
    let what = format!("queue {name}");
    let told = format!("{} waiting, {} in hand", queue.waiting, queue.in_hand);
    if queue.waiting > MANY {
        return Check::note(what, format!("{told}: more than a few passes read"))
            .mend("stakeout watch --once, until it is empty");
    }
    Check::works(what, told)
}

/// The URL of another queue of the same account and region, in which the dead letters of a queue have to be.
fn beside(url: &str, name: &str) -> String {
    let above = url.trim_end_matches('/').rsplit_once('/').map_or(url, |(above, _)| above);
    format!("{above}/{name}")
}

/// What was received again and again, and read by nobody.
async fn dead_letters(client: &Client, url: &str, name: &str, queue: &Queue) -> Check {
    let what = format!("queue {name}, dead letters");
    let Some(arn) = &queue.dead else {
        let told = "it has none: a message that cannot be read is tried until it expires";
        return Check::note(what, told).mend("give it a redrive policy");
    };
    let dead = arn.rsplit(':').next().unwrap_or(arn);
    count(client, &beside(url, dead), what, arn).await
}

/// The same of a queue that is known by its ARN.
pub(super) async fn dead_letters_at(config: &SdkConfig, what: String, arn: &str) -> Check {
    let mut parts = arn.splitn(6, ':').skip(3);
    let (region, account, name) = (parts.next(), parts.next(), parts.next());
    let (Some(region), Some(account), Some(name)) = (region, account, name) else {
        return Check::note(what, format!("{arn} is no queue"));
    };
    let url = format!("https://sqs.{region}.amazonaws.com/{account}/{name}");
    count(&client(config, &url), &url, what, arn).await
}

async fn count(client: &Client, url: &str, what: String, arn: &str) -> Check {
    let dead = arn.rsplit(':').next().unwrap_or(arn);
    match read(client, url).await.ok() {
        None => Check::note(what, format!("{dead} cannot be looked at from here")),
        Some(found) if found.waiting + found.in_hand == 0 => Check::works(what, format!("{dead} is empty")),
        Some(found) => {
            let mend = format!("look at them, then aws sqs start-message-move-task --source-arn {arn}");
            Check::note(what, format!("{} in {dead}", found.waiting + found.in_hand)).mend(mend)
        }
    }
}
