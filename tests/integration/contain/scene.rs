//! An account with an intruder in it, and somebody with Stakeout.

use std::any::Any;
use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{Run, finish, set};
use crate::stand_in::{Cast, LocalEmu, MINI_ACCOUNT, MOTO_ACCOUNT, MiniStack, Moto, OWNER, Proxy};
use crate::watch::desk::{Desk, Station, only};

/// Regions of the intruder in the shorter stories.
pub(crate) const THREE: [&str; 3] = ["us-east-1", "eu-north-1", "sa-east-1"];

/// Where the cast delivers the log that it writes.
const DELIVERED: &str = "lookup_events = false\ntrail_bucket = \"s3://trail-bucket\"";

/// Everything that a story needs. Stakeout calls through the proxy, all others call the stand-in itself.
pub(crate) struct Scene {
    pub(crate) cast: Cast,
    pub(crate) proxy: Proxy,
    pub(crate) account: &'static str,
    /// Who there was before the intruder, by name: `arn`, `id`, `key`, `secret`.
    pub(crate) people: Value,
    station: Station,
    desk: Desk,
    regions: Vec<&'static str>,
    reassert: &'static str,
    /// The cast keeps the log, and not the stand-in.
    delivers: bool,
    /// It ends with the scene.
    _stand_in: Box<dyn Any>,
}

impl Scene {
    /// `MiniStack`, which runs functions and honours denials of sessions, and whose log the cast writes itself.
    pub(crate) fn mini(regions: &[&'static str], settings: &str) -> Option<Self> {
        let cloud = MiniStack::enforcing()?;
        let (url, cast) = (cloud.url(), cloud.cast()?);
        let scene = Self::set(Box::new(cloud), &url, cast, (MINI_ACCOUNT, DELIVERED), regions, settings);
        scene.proxy.fill_gaps(&["ListSSHPublicKeys", "ListServiceSpecificCredentials", "ListSigningCertificates"]);
        Some(scene)
    }

    /// `LocalEmu`, which keeps the log, and knows `AWSDenyAll`.
    pub(crate) fn local(regions: &[&'static str], settings: &str) -> Option<Self> {
        let cloud = LocalEmu::start(&[])?;
        let (url, cast) = (cloud.url(), cloud.cast()?);
        Some(Self::set(Box::new(cloud), &url, cast, (OWNER, ""), regions, settings))
    }

    /// moto, which knows every service and enforces nothing.
    pub(crate) fn moto(regions: &[&'static str], settings: &str) -> Option<Self> {
        let cloud = Moto::with_policies()?;
        let (url, cast) = (cloud.url(), cloud.cast()?);
        let scene = Self::set(Box::new(cloud), &url, cast, (MOTO_ACCOUNT, DELIVERED), regions, settings);
        scene.proxy.fill_gaps(&["ListServiceSpecificCredentials"]);
        Some(scene)
    }

    fn set(
        stand_in: Box<dyn Any>,
        url: &str,
        cast: Cast,
        (account, sources): (&'static str, &str),
        regions: &[&'static str],
        settings: &str,
    ) -> Self {
        let delivers = !sources.is_empty();
        let trails = if delivers { &[] } else { regions };
        let people = cast.ask(&json!({ "do": "prepare", "trails": trails }));
        let proxy = Proxy::before(url);
        let desk = Desk::at(proxy.url(), people["stakeout"]["key"].as_str().unwrap());
        let evidence = json!(desk.path().join("evidence").to_str().unwrap());
        let places = json!(regions);
        let all =
            format!("[aws]\nregions = {places}\n[sources]\n{sources}\n[evidence]\ndir = {evidence}\n{settings}\n");
        // A run that was killed is over soon.
        let state = format!("path = {}\nlease = \"10s\"", json!(desk.path().join("desk.db").to_str().unwrap()));
        let station = desk.station_on("desk", &state, &all);
        Self {
            cast,
            proxy,
            account,
            people,
            station,
            desk,
            regions: regions.to_vec(),
            reassert: "2s",
            delivers,
            _stand_in: stand_in,
        }
    }

    /// Denials are watched for as long.
    pub(crate) fn watched_for(mut self, reassert: &'static str) -> Self {
        self.reassert = reassert;
        self
    }

    pub(crate) fn key_of(&self, name: &str) -> String {
        self.people[name]["key"].as_str().unwrap().to_owned()
    }

    /// The intruder comes, with the key of `ci-deployer`, and the log of it arrives.
    pub(crate) fn attacked(&self, more: &Value) -> Value {
        let mut what = json!({ "do": "attack", "regions": self.regions, "logged": !self.delivers });
        what.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let made = self.cast.ask(&what);
        assert!(!made["functions"].as_array().unwrap().is_empty());
        made
    }

    /// Each of a list of actors makes a call: `OK` or the code of its refusal.
    pub(crate) fn tries(&self, actors: &[&str]) -> Value {
        self.cast.ask(&json!({ "do": "tries", "as": actors }))
    }

    pub(crate) fn dump(&self) -> Value {
        self.cast.dump(&self.regions)
    }

    /// The binary as the user `stakeout`.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.station.command(arguments);
        command.env("AWS_SECRET_ACCESS_KEY", self.people["stakeout"]["secret"].as_str().unwrap());
        command.env("STAKEOUT_CONTAIN__REASSERT", self.reassert);
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        finish(self.command(arguments), b"")
    }

    /// A run that has to end well.
    pub(crate) fn well(&self, arguments: &[&str]) -> Run {
        let run = self.run(arguments);
        assert_eq!(run.status, 0, "{arguments:?}: {}", said(&run));
        run
    }

    /// The log arrives.
    pub(crate) fn deliver(&self) {
        if self.delivers {
            self.cast.ask(&json!({ "do": "deliver" }));
        }
    }

    /// The log arrives, and a pass reads it.
    pub(crate) fn watch(&self, more: &[&str]) -> Run {
        self.deliver();
        self.run(&[&["watch", "--once", "--format", "ndjson"], more].concat())
    }

    /// A pass opens the only incident. Gives its id.
    pub(crate) fn opened(&self) -> String {
        self.passed(&[])
    }

    /// The same for a pass that learns first.
    pub(crate) fn passed(&self, more: &[&str]) -> String {
        let run = self.watch(more);
        assert_eq!(run.status, 1, "{run:?}");
        let incidents = run.incidents();
        let incident = only(&incidents);
        assert_eq!(incident["root"]["credential"], self.key_of("ci-deployer").as_str(), "{incident:#}");
        incident["id"].as_str().unwrap().to_owned()
    }

    /// A plan, as JSON.
    pub(crate) fn plan(&self, id: &str, more: &[&str]) -> Value {
        let run = self.well(&[&["plan", id, "--format", "json"], more].concat());
        serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run:?}"))
    }

    pub(crate) fn approve(&self, id: &str, plan: &Value) {
        self.well(&["approve", id, "--plan", digest(plan), "--as", "Ada", "--why", "a test"]);
    }

    /// A plan that is made and approved.
    pub(crate) fn approved(&self, id: &str, more: &[&str]) -> Value {
        let plan = self.plan(id, more);
        self.approve(id, &plan);
        plan
    }

    /// Carries out what is approved, and tells how long it took.
    pub(crate) fn contain(&self, id: &str) -> (Run, Duration) {
        let begun = Instant::now();
        let run = self.run(&["contain", id, "--execute", "--format", "json"]);
        (run, begun.elapsed())
    }

    /// The same with everything done.
    pub(crate) fn contained(&self, id: &str) {
        let (run, _) = self.contain(id);
        assert_eq!(run.status, 0, "{}", said(&run));
    }

    /// The journal is whole. Gives its lines.
    pub(crate) fn journal(&self) -> String {
        self.well(&["journal", "verify"]);
        self.well(&["journal", "show"]).stdout
    }

    /// The folder with the state and the evidence.
    pub(crate) fn folder(&self) -> &Path {
        self.desk.path()
    }

    /// The intruder opens doors into functions. Gives words of which the ARN of each of their targets has one.
    pub(crate) fn doors<'a>(&self, functions: impl IntoIterator<Item = &'a Value>, whole: bool) -> BTreeSet<String> {
        let made = functions.into_iter().map(|arn| {
            let made = self.cast.ask(&json!({ "do": "doors", "function": arn, "whole": whole }));
            made.as_object().unwrap().values().map(|arn| arn.as_str().unwrap().to_owned()).collect::<Vec<_>>()
        });
        made.flatten().collect()
    }

    /// A plan touches what the intruder made, the user whose key was stolen, and the doors; nothing else, and all of it.
    pub(crate) fn covers_the_closure(&self, plan: &Value, made: &Value, doors: &BTreeSet<String>) {
        let mut closure = set(&made["functions"]);
        closure.extend([&made["user"]["arn"], &made["role"]["arn"]].map(|arn| arn.as_str().unwrap().to_owned()));
        closure.insert(self.people["ci-deployer"]["arn"].as_str().unwrap().to_owned());
        let targets = targets(plan);
        let missing: Vec<_> = closure.difference(&targets).collect();
        assert!(missing.is_empty(), "missing: {missing:?}\n{plan:#}");
        let foreign = targets.difference(&closure).filter(|arn| !doors.iter().any(|door| arn.contains(door.as_str())));
        let foreign: Vec<_> = foreign.collect();
        assert!(foreign.is_empty(), "not of the intruder: {foreign:?}");
    }
}

/// What came of a run, without the plan.
pub(crate) fn said(run: &Run) -> String {
    let told: Value = serde_json::from_str(&run.stdout).unwrap_or_default();
    if told["result"].is_null() {
        return format!("status {}\n{}\n{}", run.status, run.stdout, run.stderr);
    }
    let good = ["done", "held", "saved"].map(Value::from);
    let steps = told["result"]["steps"].as_array().unwrap().iter();
    let bad: Vec<_> = steps.filter(|step| !good.contains(&step["end"])).map(Value::to_string).collect();
    format!("status {}\n{:#}\n{}\n{}", run.status, told["result"]["remains"], bad.join("\n"), run.stderr)
}

/// Tells how long something took, also where the runner keeps what tests print.
pub(crate) fn told(what: &str, took: Duration) {
    drop(writeln!(std::io::stderr(), "{what}: {:.1} s", took.as_secs_f64()));
}

pub(crate) fn digest(plan: &Value) -> &str {
    plan["digest"].as_str().unwrap()
}

/// ARNs of what a plan's steps are about, without the part behind `#`.
pub(crate) fn targets(plan: &Value) -> BTreeSet<String> {
    let steps = plan["steps"].as_array().unwrap();
    let whole = |step: &Value| step["target"].as_str().or(step["target"]["arn"].as_str()).unwrap().to_owned();
    steps.iter().map(|step| whole(step).split('#').next().unwrap().to_owned()).collect()
}

/// The steps of a plan with an action.
pub(crate) fn steps<'p>(plan: &'p Value, action: &str) -> Vec<&'p Value> {
    plan["steps"].as_array().unwrap().iter().filter(|step| step["action"] == action).collect()
}

/// A dump in which keys have no status.
pub(crate) fn without_keys(dump: &Value) -> Value {
    let mut dump = dump.clone();
    for (_, one) in dump["identities"].as_object_mut().unwrap() {
        for (_, status) in one["keys"].as_object_mut().into_iter().flatten() {
            *status = Value::Null;
        }
    }
    dump
}

/// Two dumps say the same; where not, the first difference is named.
pub(crate) fn same(left: &Value, right: &Value) {
    if let Some(place) = difference(left, right, "") {
        panic!("differs at {place}");
    }
}

fn difference(left: &Value, right: &Value, place: &str) -> Option<String> {
    match (left, right) {
        (Value::Object(one), Value::Object(other)) => {
            let names: BTreeSet<_> = one.keys().chain(other.keys()).collect();
            names.into_iter().find_map(|name| difference(&left[name], &right[name], &format!("{place}/{name}")))
        }
        _ if left == right => None,
        _ => Some(format!("{place}: {left} and {right}")),
    }
}
