//! An account with an intruder in it, and people in Slack who watch it.

use std::io::Write as _;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::press::{Press, button, mark, signed, texts};
use super::serve::Serve;
use crate::contain::scene::Scene;
use crate::stand_in::slack::{Sdk, Slack};
use crate::watch::lookup::now;

/// An approver by id.
pub(crate) const ADA: &str = "U0ADA00001";
/// One by the group that he is in.
pub(crate) const BOB: &str = "W0BOB00001";
pub(crate) const GROUP: &str = "S0ONCALL01";
/// Nobody named.
pub(crate) const EVE: &str = "U0EVE00001";

/// Slack shows an error behind it.
pub(crate) const ACKNOWLEDGED: Duration = Duration::from_secs(3);
/// Patience with a machine that does other things too.
const PATIENCE: Duration = Duration::from_secs(90);

/// Tells numbers, also where the runner keeps what tests print.
pub(crate) fn tell(line: &str) {
    drop(writeln!(std::io::stderr(), "{line}"));
}

/// How presses come in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Way {
    Http(u16),
    Socket,
}

pub(crate) struct Room {
    pub(crate) scene: Scene,
    pub(crate) slack: Slack,
    pub(crate) sdk: Sdk,
    presses: AtomicUsize,
}

impl Room {
    /// With an account of `MiniStack`, and approvers besides Ada and Bob.
    pub(crate) fn mini(regions: &[&'static str], socket: bool, approvers: &[String]) -> Option<Self> {
        Self::with(socket, approvers, |settings| Scene::mini(regions, settings))
    }

    /// With an account of moto, in which everybody may do everything.
    pub(crate) fn moto(regions: &[&'static str]) -> Option<Self> {
        Self::with(false, &[], |settings| Scene::moto(regions, settings))
    }

    fn with(socket: bool, approvers: &[String], scene: impl FnOnce(&str) -> Option<Scene>) -> Option<Self> {
        let (slack, sdk) = (Slack::start()?, Sdk::start()?);
        slack.group(GROUP, &[BOB]);
        let named = [ADA.to_owned(), GROUP.to_owned()];
        let approvers = serde_json::json!(named.iter().chain(approvers).collect::<Vec<_>>());
        let settings = format!("{}\n[approval]\napprovers = {approvers}\n", slack.settings(socket));
        Some(Self { scene: scene(&settings)?, slack, sdk, presses: AtomicUsize::new(1) })
    }

    /// The binary with the secrets that the settings name.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.scene.command(arguments);
        Slack::secrets(&mut command);
        command
    }

    pub(crate) fn serve(&self, more: &[&str]) -> Serve {
        Serve::start(self.command(&[&["serve", "--format", "ndjson", "--interval"], more].concat()))
    }

    /// Waits until something is so.
    pub(crate) fn until<T>(&self, what: &str, ask: impl FnMut() -> Option<T>) -> T {
        self.within(PATIENCE, what, ask)
    }

    /// The same with other patience.
    pub(crate) fn within<T>(&self, patience: Duration, what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
        let begun = Instant::now();
        loop {
            if let Some(answer) = ask() {
                return answer;
            }
            if begun.elapsed() > patience {
                let shown: Vec<_> = self.incidents().iter().map(texts).collect();
                panic!("{what}: not after {patience:?}; Slack shows {shown:#?}");
            }
            thread::sleep(Duration::from_millis(200));
        }
    }

    /// The messages of incidents, without those about what is not seen.
    pub(crate) fn incidents(&self) -> Vec<Value> {
        let mut messages = self.slack.messages(&self.slack.channel);
        messages.retain(|message| mark(message).starts_with("inc-"));
        messages
    }

    /// Waits for the only incident's message until it has a button, and gives it.
    pub(crate) fn shows(&self, action: &str) -> Value {
        self.shows_where(action, |_| true)
    }

    /// The same for a button that is as `wanted` says.
    pub(crate) fn shows_where(&self, action: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        self.until(&format!("a button {action}"), || {
            let mut messages = self.incidents();
            assert!(messages.len() < 2, "one message for one incident: {messages:#?}");
            messages.pop().filter(|message| button(message, action).is_some_and(&wanted))
        })
    }

    /// A press of the button of a message. Gives its number.
    pub(crate) fn press(&self, way: Way, user: &str, message: &Value, action: &str) -> usize {
        let number = self.presses.fetch_add(1, Ordering::SeqCst);
        let button = button(message, action).unwrap_or_else(|| panic!("no {action}: {message:#}"));
        let press = Press { user, channel: &self.slack.channel, message, button, number };
        let took = match way {
            Way::Http(port) => {
                let request = signed(&self.sdk, vec![press.body(&self.slack)], now()).remove(0);
                let (status, body, took) = request.send(port);
                assert_eq!((status, body.as_str()), (200, ""), "{user} {action}");
                took
            }
            Way::Socket => {
                let id = self.slack.link.press(&press.payload(&self.slack));
                self.until("an acknowledgement", || self.slack.link.acknowledged(&id))
            }
        };
        assert!(took < ACKNOWLEDGED, "{took:?}");
        number
    }

    /// Waits for the answer to a press, and gives what it says.
    pub(crate) fn answer(&self, press: usize) -> String {
        self.until("an answer", || {
            let answer = self.slack.answers().into_iter().find(|answer| answer.to == press)?;
            assert_eq!(answer.with["response_type"], "ephemeral", "only they see it: {}", answer.with);
            assert_ne!(answer.with["replace_original"], true, "{}", answer.with);
            Some(format!("{}\n{}", answer.with["text"].as_str().unwrap_or_default(), texts(&answer.with["blocks"])))
        })
    }

    /// The lines of the journal, which is whole.
    pub(crate) fn journal(&self) -> Vec<Value> {
        let run = self.scene.run(&["journal", "show"]);
        assert_eq!(run.status, 0, "{run:?}");
        self.scene.well(&["journal", "verify"]);
        run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Lines of a kind.
    pub(crate) fn journalled(&self, kind: &str) -> Vec<Value> {
        self.journal().into_iter().filter(|line| line["kind"] == kind).collect()
    }
}
