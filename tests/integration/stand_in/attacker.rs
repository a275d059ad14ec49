//! An intruder with real API calls, and the account that it finds.

use std::process::{Command, Stdio};

use serde_json::Value;

use super::localemu::LocalEmu;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/integration/stand_in/attack.py");

/// What lies ready before the intruder comes.
#[derive(Debug)]
pub(crate) struct Ground {
    pub(crate) bucket: String,
    /// The queue that hears of the bucket's objects.
    pub(crate) objects: String,
    /// The queue that hears of calls.
    pub(crate) events: String,
    /// Where a trail and a rule lie.
    pub(crate) regions: Vec<String>,
    /// The administrator's leaked key.
    pub(crate) key: String,
    secret: String,
}

/// What the intruder made.
#[derive(Debug)]
pub(crate) struct Attack {
    pub(crate) user: String,
    pub(crate) key: String,
    pub(crate) functions: Vec<String>,
    /// What the stand-in tells in its records, and AWS never does.
    pub(crate) secret: String,
}

impl LocalEmu {
    /// An administrator with a key, and a trail and a rule in each of the first regions of the intruder's list.
    pub(crate) fn ground(&self, regions: usize) -> Ground {
        let made = self.script(&["prepare", &self.url(), &regions.to_string()]);
        Ground {
            bucket: text(&made["bucket"]),
            objects: format!("{}/000000000000/{}", self.url(), text(&made["objects"])),
            events: format!("{}/000000000000/{}", self.url(), text(&made["events"])),
            regions: texts(&made["regions"]),
            key: text(&made["key"]),
            secret: text(&made["secret"]),
        }
    }

    /// With the leaked key: a user, its key, administrator's rights, then functions in regions.
    pub(crate) fn enter(&self, ground: &Ground, regions: usize) -> Attack {
        let made = self.script(&["enter", &self.url(), &ground.key, &ground.secret, &regions.to_string()]);
        assert_eq!(texts(&made["refused"]), ["AccessDenied", "AccessDenied"], "permissions are enforced");
        let (user, key, secret) = (text(&made["user"]), text(&made["key"]), text(&made["secret"]));
        Attack { user, key, secret, functions: texts(&made["functions"]) }
    }

    /// With the key that the intruder made: functions in the next regions.
    pub(crate) fn spread(&self, attack: &mut Attack, regions: usize) {
        let (begin, count) = (attack.functions.len().to_string(), regions.to_string());
        let made = self.script(&["spread", &self.url(), &attack.key, &attack.secret, &begin, &count]);
        attack.functions.extend(texts(&made["functions"]));
    }

    /// Waits until the bucket has the functions of some regions; 150 seconds at most.
    pub(crate) fn await_objects(&self, regions: usize) {
        self.script(&["objects", &self.url(), &regions.to_string()]);
    }

    /// Waits until the functions of some regions are in the queue of calls.
    pub(crate) fn await_events(&self, regions: usize) {
        self.script(&["events", &self.url(), &regions.to_string()]);
    }

    fn script(&self, arguments: &[&str]) -> Value {
        let mut script = Command::new(&self.python);
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("AWS_") || name.ends_with("_proxy")) {
            script.env_remove(name);
        }
        let output = script.arg(SCRIPT).args(arguments).stdin(Stdio::null()).output().unwrap();
        let (told, wrong) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{arguments:?}: {wrong}");
        serde_json::from_str(&told).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {told}"))
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().map(text).collect()
}
