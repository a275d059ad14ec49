//! What really happened in a drill, for scoring what a detector says about it.

use std::collections::BTreeSet;

use serde::Serialize;

use super::actor::Actor;
use super::cast::PROD;
use super::clock::rfc3339;
use super::log::Scene;
use super::record::Call;
use super::{Options, Scenario};

/// The credential through which an attacker came in.
#[derive(Debug, Serialize)]
pub(crate) struct Root {
    /// ARN of the user or role.
    pub(crate) principal: String,
    /// Access key id.
    pub(crate) credential: String,
}

/// The closure of an attack. Without an attack the lists are empty and `incidents` is 0.
#[derive(Debug, Serialize)]
pub(crate) struct Truth {
    /// Name of the scenario, `null` for ordinary life alone.
    pub(crate) scenario: Option<String>,
    /// Whether this is the benign twin.
    pub(crate) twin: bool,
    /// The seed it was made from.
    pub(crate) seed: u64,
    /// Account ids.
    pub(crate) accounts: Vec<String>,
    /// Time of the attacker's first event, RFC 3339.
    pub(crate) attack_started: Option<String>,
    /// A good detector opens its incident no later than this, RFC 3339.
    pub(crate) opened_by: Option<String>,
    /// What the attack costs while it runs, in US dollars an hour on average.
    pub(crate) bill_usd_per_hour: Option<f64>,
    /// When that is on the bill for the first time, RFC 3339.
    pub(crate) costs_seen_at: Option<String>,
    /// The way in.
    pub(crate) root: Option<Root>,
    /// ARNs of the users and roles involved.
    pub(crate) principals: BTreeSet<String>,
    /// Access key ids involved.
    pub(crate) credentials: BTreeSet<String>,
    /// ARNs of what the attacker made; an access key is `USER_ARN#KEY_ID`.
    pub(crate) resources: BTreeSet<String>,
    /// Regions that the attack reached.
    pub(crate) regions: BTreeSet<String>,
    /// Addresses the attacker called from.
    pub(crate) source_ips: BTreeSet<String>,
    /// Ids of all of the attacker's events, sorted.
    pub(crate) event_ids: Vec<String>,
    /// How many incidents there should be.
    pub(crate) incidents: u32,
}

impl Truth {
    /// The truth before anything has happened.
    pub(crate) fn new(scenario: Option<Scenario>, options: &Options) -> Self {
        Self {
            scenario: scenario.map(|scenario| scenario.to_string()),
            twin: options.twin,
            seed: options.seed,
            accounts: vec![PROD.to_owned()],
            attack_started: None,
            opened_by: None,
            bill_usd_per_hour: None,
            costs_seen_at: None,
            root: None,
            principals: BTreeSet::new(),
            credentials: BTreeSet::new(),
            resources: BTreeSet::new(),
            regions: BTreeSet::new(),
            source_ips: BTreeSet::new(),
            event_ids: Vec::new(),
            incidents: 0,
        }
    }

    /// Names the way in.
    pub(crate) fn enter_by(&mut self, principal: &str, credential: &str) {
        self.root = Some(Root { principal: principal.to_owned(), credential: credential.to_owned() });
        self.involve(principal, credential);
        self.incidents = 1;
    }

    /// Adds a principal and a credential of it.
    pub(crate) fn involve(&mut self, principal: &str, credential: &str) {
        self.principals.insert(principal.to_owned());
        self.credentials.insert(credential.to_owned());
    }

    /// Sets the latest opening to the end of the minute of the second `at`.
    pub(crate) fn open_by(&mut self, at: i64) {
        self.opened_by = Some(rfc3339((at.div_euclid(60) + 1) * 60));
    }

    /// Writes a record of the attacker.
    pub(crate) fn act(&mut self, scene: &mut Scene<'_>, actor: &Actor, at: i64, call: &Call<'_>) {
        let time = rfc3339(at);
        if self.attack_started.as_ref().is_none_or(|first| time < *first) {
            self.attack_started = Some(time);
        }
        self.source_ips.insert(actor.address.trim_matches('"').to_owned());
        let id = scene.log.write_kept(actor, at, call);
        self.event_ids.push(id);
    }

    /// Puts the lists into their final order.
    pub(crate) fn finish(&mut self) {
        self.event_ids.sort_unstable();
    }
}
