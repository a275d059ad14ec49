//! The zip as a function on a host that a schedule, a queue and Slack invoke.
//!
//! `MiniStack` makes the stack of the template, enforces the rights of its roles, and runs the program as Lambda does.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::contain::scene::told;
use crate::harness::{command, finish, packed, root};
use crate::slack::press::{Press, button, mark, signed, texts};
use crate::slack::room::{ACKNOWLEDGED, ADA, EVE};
use crate::stand_in::slack::{BOT, SECRET, Sdk, Slack};
use crate::stand_in::{Cast, Fate, MINI_ACCOUNT, MiniStack, Proxy, REGIONS};
use crate::watch::lookup::now;

/// Patience with a machine that does other things too.
const PATIENCE: Duration = Duration::from_secs(150);
/// Functions in each region.
const EACH: usize = 1;

/// An account with the stack in it, and people in Slack.
struct Host {
    /// What the function asked of services, as `service operation`.
    asked: Arc<Mutex<BTreeSet<String>>>,
    port: u16,
    /// The path of the function's address.
    path: String,
    made: Value,
    /// Who operates Stakeout by hand: `key`, `secret`.
    operator: Value,
    cast: Cast,
    slack: Slack,
    sdk: Sdk,
    _proxy: Proxy,
    cloud: MiniStack,
    _folder: TempDir,
}

impl Host {
    fn deploy() -> Option<Self> {
        let (slack, sdk, cloud) = (Slack::start()?, Sdk::start()?, MiniStack::enforcing()?);
        let cast = cloud.cast()?;
        let operator = cast.ask(&json!({ "do": "prepare" }))["stakeout"].take();
        let proxy = Proxy::before(&cloud.url());
        proxy.fill_gaps(&["ListSSHPublicKeys", "ListServiceSpecificCredentials", "ListSigningCertificates"]);
        let asked = Arc::new(Mutex::new(BTreeSet::new()));
        let seen = Arc::clone(&asked);
        proxy.rule(move |request, _| {
            let operation = request.operation.split('?').next().unwrap_or_default();
            seen.lock().unwrap().insert(format!("{} {operation}", request.service));
            Fate::Pass
        });
        let folder = tempfile::tempdir().unwrap();
        let made = cast.ask(&json!({
            "do": "deploy",
            "zip": packed(folder.path()),
            "template": root().join("deploy/cloudformation/stakeout.yaml"),
            "secret": json!({ "token": BOT, "signing_secret": SECRET }).to_string(),
            "parameters": { "Schedule": "rate(1 minute)", "SlackChannel": slack.channel, "Approvers": ADA },
            // What stands in for AWS and Slack, and less patience than in earnest.
            "more": {
                "AWS_ENDPOINT_URL": proxy.url(), "NO_PROXY": "127.0.0.1", "STAKEOUT_SLACK__API_URL": slack.api_url(),
                "STAKEOUT_CONTAIN__REASSERT": "2s",
            },
        }));
        // The step of the README for a bucket that is there.
        let configuration: Value = serde_json::from_str(made["NotifyBucket"].as_str().unwrap()).unwrap();
        cast.ask(&json!({ "do": "notify", "configuration": configuration }));
        let url = made["FunctionUrl"].as_str().unwrap();
        let id = url.trim_start_matches("https://").split('.').next().unwrap();
        let path = format!("/_aws/lambda-url/{id}/");
        let port = cloud.url().rsplit(':').next().unwrap().parse().unwrap();
        Some(Self { asked, port, path, made, operator, cast, slack, sdk, _proxy: proxy, cloud, _folder: folder })
    }

    /// What its host tells of the function: `log`, `mapping`, `queues`.
    fn hosted(&self) -> Value {
        let queues = [&self.made["QueueUrl"], &self.made["DeadLettersUrl"]];
        self.cast.ask(&json!({ "do": "hosted", "function": self.made["FunctionName"], "queues": queues }))
    }

    /// Waits until something is so.
    fn until<T>(&self, what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
        let begun = Instant::now();
        loop {
            if let Some(answer) = ask() {
                return answer;
            }
            if begun.elapsed() > PATIENCE {
                let shown: Vec<_> = self.incidents().iter().map(texts).collect();
                panic!("{what}: not after {PATIENCE:?}; Slack shows {shown:#?}; {:#}", tail(&self.hosted()));
            }
            thread::sleep(Duration::from_millis(500));
        }
    }

    /// The messages of incidents.
    fn incidents(&self) -> Vec<Value> {
        let mut messages = self.slack.messages(&self.slack.channel);
        messages.retain(|message| mark(message).starts_with("inc-"));
        messages
    }

    /// Waits for the only incident's message until it has a button, and gives it.
    fn shows(&self, action: &str) -> Value {
        self.until(&format!("a button {action}"), || {
            let mut messages = self.incidents();
            assert!(messages.len() < 2, "one message for one incident: {messages:#?}");
            messages.pop().filter(|message| button(message, action).is_some())
        })
    }

    /// A press of a button, which arrives at the function's address. Gives what only they see.
    fn press(&self, user: &str, message: &Value, action: &str, number: usize) -> String {
        let button = button(message, action).unwrap_or_else(|| panic!("no {action}: {message:#}"));
        let press = Press { user, channel: &self.slack.channel, message, button, number };
        let request = signed(&self.sdk, vec![press.body(&self.slack)], now()).remove(0);
        let (status, body, took) = request.send_to(self.port, &self.path);
        assert_eq!((status, body.as_str()), (200, ""), "{:#}", tail(&self.hosted()));
        told("a click acknowledged by a function", took);
        assert!(took < ACKNOWLEDGED, "{took:?}");
        self.until("an answer", || {
            let answer = self.slack.answers().into_iter().find(|answer| answer.to == number)?;
            Some(format!("{}\n{}", answer.with["text"].as_str().unwrap_or_default(), texts(&answer.with["blocks"])))
        })
    }

    /// The statuses of invoking functions as their owner.
    fn invoked(&self, functions: &[Value]) -> BTreeSet<u64> {
        let answers = self.cast.ask(&json!({ "do": "invoke", "functions": functions }));
        answers.as_object().unwrap().values().map(|status| status.as_u64().unwrap()).collect()
    }

    /// The lines of the journal in the function's table, which is whole.
    fn journal(&self) -> Vec<Value> {
        let run = |what: &str| {
            let mut command = command(["journal", what]);
            for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("AWS_") || name.ends_with("_proxy")) {
                command.env_remove(name);
            }
            command
                .env("AWS_ENDPOINT_URL", self.cloud.url())
                .env("AWS_REGION", "us-east-1")
                .env("NO_PROXY", "127.0.0.1");
            command.env("AWS_ACCESS_KEY_ID", self.operator["key"].as_str().unwrap());
            command.env("AWS_SECRET_ACCESS_KEY", self.operator["secret"].as_str().unwrap());
            command.env("STAKEOUT_STATE__DYNAMODB", self.made["Table"].as_str().unwrap());
            let run = finish(command, b"");
            assert_eq!(run.status, 0, "{run:?}");
            run.stdout
        };
        run("verify");
        run("show").lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Whether the function asked something of a service.
    fn has_asked(&self, what: &str) -> bool {
        self.asked.lock().unwrap().iter().any(|asked| asked.contains(what))
    }
}

/// What a host tells, with the end of the log alone.
fn tail(hosted: &Value) -> Value {
    let mut hosted = hosted.clone();
    let log = hosted["log"].as_str().unwrap_or_default();
    let from = log.char_indices().rev().nth(12_000).map_or(0, |(at, _)| at);
    hosted["log"] = log[from..].lines().collect();
    hosted
}

#[test]
fn a_stack_finds_tells_and_freezes() {
    let Some(host) = Host::deploy() else { return };
    let deployed = Instant::now();
    let made = host.cast.ask(&json!({ "do": "attack", "regions": REGIONS, "each": EACH }));
    let functions = made["functions"].as_array().unwrap();
    assert_eq!(functions.len(), REGIONS.len() * EACH);
    assert_eq!(host.invoked(&functions[..3]), BTreeSet::from([200]), "they work");

    // The trail delivers, the bucket tells the queue, and the queue invokes the function.
    let begun = Instant::now();
    host.cast.ask(&json!({ "do": "deliver" }));
    let message = host.shows("approve");
    told("from the log to the message", begun.elapsed());
    assert!(texts(&message["blocks"]).contains("ci-deployer"), "{}", texts(&message["blocks"]));

    let refused = host.press(EVE, &message, "approve", 1);
    assert!(!refused.trim().is_empty());
    assert_eq!(host.invoked(&functions[..1]), BTreeSet::from([200]), "she may not");

    let begun = Instant::now();
    host.press(ADA, &message, "approve", 2);
    let contained = host.shows("plan-undo");
    told("from the click to the message that it is contained", begun.elapsed());
    assert!(texts(&contained["blocks"]).to_lowercase().contains("contained"), "{}", texts(&contained["blocks"]));
    let said = texts(&contained["blocks"]);
    assert_eq!(
        host.invoked(functions),
        BTreeSet::from([429]),
        "every function is frozen: {said}, {:#}",
        tail(&host.hosted())
    );
    let tries = host.cast.ask(&json!({ "do": "tries", "as": ["thief", "intruder", "session"] }));
    for (actor, code) in tries.as_object().unwrap() {
        assert_ne!(code, "OK", "{actor} still may");
    }
    let shop = format!("arn:aws:lambda:us-east-1:{MINI_ACCOUNT}:function:shop-checkout");
    assert_eq!(host.invoked(&[json!(shop)]), BTreeSet::from([200]), "the shop still sells");

    // Each of the three invoked it: LookupEvents is asked by the schedule alone.
    host.until("a pass by the schedule", || host.has_asked("LookupEvents").then_some(()));
    told("from the stack to its first pass by the schedule", deployed.elapsed());
    assert!(host.has_asked("/functions/stakeout/invocations"), "{:?}", host.asked);
    let hosted = host.until("an empty queue", || {
        let hosted = host.hosted();
        (hosted["queues"]["stakeout-events"] == json!([0, 0])).then_some(hosted)
    });
    assert!(hosted["mapping"].as_str().unwrap_or_default().starts_with("OK"), "{:#}", tail(&hosted));
    assert_eq!(hosted["queues"]["stakeout-dead-letters"], json!([0, 0]), "{:#}", tail(&hosted));
    let log = hosted["log"].as_str().unwrap();
    assert!(!log.contains(BOT) && !log.contains(SECRET) && !log.contains("/respond/"), "{:#}", tail(&hosted));
    assert!(!log.contains("AccessDenied"), "the roles' rights are enough: {:#}", tail(&hosted));
    assert_eq!(host.incidents().len(), 1, "one message from first to last");
    let journal = host.journal();
    let lines = |kind: &str| journal.iter().filter(|line| line["kind"] == kind).count();
    assert_eq!((lines("plan.started"), lines("plan.ended")), (1, 1), "{journal:#?}");
    assert!(lines("approval.refused") > 0, "{journal:#?}");
}
