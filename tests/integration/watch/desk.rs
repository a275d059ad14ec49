//! A place to watch from: folders, settings and the environment of a run.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::{Run, command, finish, set};

/// How packed bytes begin.
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// A folder and the address of a stand-in.
pub(crate) struct Desk {
    folder: TempDir,
    url: String,
    key: String,
}

/// One state with its settings.
pub(crate) struct Station {
    home: PathBuf,
    settings: PathBuf,
    told: PathBuf,
    url: String,
    key: String,
}

impl Desk {
    /// At a stand-in, with the key id of somebody.
    pub(crate) fn at(url: String, key: &str) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), url, key: key.to_owned() }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A state of its own in a file, and more settings.
    pub(crate) fn station(&self, name: &str, settings: &str) -> Station {
        let state = format!("path = {}", quoted(&self.path().join(format!("{name}.db"))));
        self.station_on(name, &state, settings)
    }

    /// A state where `state` says, and more settings.
    pub(crate) fn station_on(&self, name: &str, state: &str, settings: &str) -> Station {
        let told = self.path().join(format!("{name}.ndjson"));
        let text = format!("[state]\n{state}\n[notify.file]\npath = {}\n{settings}\n", quoted(&told));
        let file = self.path().join(format!("{name}.toml"));
        std::fs::write(&file, text).unwrap();
        let home = self.path().to_owned();
        Station { home, settings: file, told, url: self.url.clone(), key: self.key.clone() }
    }
}

/// A path as a TOML string.
fn quoted(path: &Path) -> String {
    json!(path.to_str().unwrap()).to_string()
}

impl Station {
    /// The binary with arguments and these settings, and nobody's own environment.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut run = self.bare(arguments);
        run.arg("--config").arg(&self.settings);
        run
    }

    /// The binary as Lambda starts it: without words.
    pub(crate) fn function(&self) -> Command {
        let mut run = self.bare(&[]);
        run.env("STAKEOUT_CONFIG", &self.settings).env("AWS_SESSION_TOKEN", "a-token");
        run
    }

    fn bare(&self, arguments: &[&str]) -> Command {
        let mut run = command(arguments);
        let foreign = |name: &str| {
            ["AWS_", "STAKEOUT_", "XDG_"].iter().any(|begin| name.starts_with(begin))
                || name.to_ascii_lowercase().ends_with("_proxy")
        };
        for (name, _) in std::env::vars().filter(|(name, _)| foreign(name)) {
            run.env_remove(name);
        }
        run.env("HOME", &self.home).env("AWS_EC2_METADATA_DISABLED", "true").env("NO_PROXY", "127.0.0.1");
        run.env("AWS_ENDPOINT_URL", &self.url).env("AWS_REGION", "us-east-1").env("AWS_ACCESS_KEY_ID", &self.key);
        run.env("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
        run
    }

    /// Runs the binary to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        finish(self.command(arguments), b"")
    }

    /// One pass.
    pub(crate) fn watch(&self) -> Run {
        self.run(&["watch", "--once", "--format", "ndjson"])
    }

    /// The incidents that the state knows, by id, without those that became part of another.
    pub(crate) fn incidents(&self) -> Vec<Value> {
        let list = self.run(&["incidents", "--all", "--format", "ndjson"]);
        assert_eq!(list.status, 0, "{list:?}");
        let listed = list.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let survivors = listed.filter(|known| known["merged_into"].is_null());
        let shown = survivors.map(|known| {
            let show = self.run(&["show", known["id"].as_str().unwrap(), "--format", "ndjson"]);
            assert_eq!(show.status, 0, "{show:?}");
            only(&show.incidents()).clone()
        });
        sorted(shown.collect())
    }

    /// The journal is whole. Gives its lines as they are exported.
    pub(crate) fn verify(&self) -> String {
        let run = self.run(&["journal", "verify"]);
        assert_eq!(run.status, 0, "{run:?}");
        run.stdout
    }

    /// What was told to the file, line by line.
    pub(crate) fn told(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(&self.told).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Every value of a state in a file, unpacked.
    pub(crate) fn stored(&self) -> Vec<Vec<u8>> {
        let state = rusqlite::Connection::open(self.settings.with_extension("db")).unwrap();
        let mut all = state.prepare("SELECT value FROM item").unwrap();
        let values = all.query_map([], |row| row.get::<_, Vec<u8>>(0)).unwrap();
        let unpacked = |value: Vec<u8>| {
            let begin = value.windows(4).position(|four| four == ZSTD);
            begin.and_then(|begin| zstd::decode_all(&value[begin..]).ok()).unwrap_or(value)
        };
        values.map(|value| unpacked(value.unwrap())).collect()
    }

    /// Keys of what was told; none may be there twice.
    pub(crate) fn keys(&self) -> Vec<String> {
        let mut keys: Vec<_> = self.told().iter().map(|line| line["key"].as_str().unwrap().to_owned()).collect();
        keys.sort();
        let all = keys.len();
        keys.dedup();
        assert_eq!(keys.len(), all, "told twice: {keys:?}");
        keys
    }
}

/// Incidents in the order of their ids.
pub(crate) fn sorted(mut incidents: Vec<Value>) -> Vec<Value> {
    incidents.sort_by_key(|incident| incident["id"].as_str().unwrap().to_owned());
    incidents
}

/// What an incident is about, without what changes with the moment of telling.
pub(crate) fn core(incident: &Value) -> Value {
    let arns: std::collections::BTreeSet<_> =
        incident["resources"].as_array().unwrap().iter().map(|resource| resource["arn"].as_str().unwrap()).collect();
    json!({
        "id": incident["id"],
        "level": incident["level"],
        "root": [incident["root"]["principal"], incident["root"]["credential"]],
        "principals": set(&incident["principals"]),
        "credentials": set(&incident["credentials"]),
        "regions": set(&incident["regions"]),
        "findings": set(&incident["findings"]),
        "resources": arns,
    })
}

/// The only incident of a list.
pub(crate) fn only(incidents: &[Value]) -> &Value {
    assert_eq!(incidents.len(), 1, "{incidents:#?}");
    &incidents[0]
}
