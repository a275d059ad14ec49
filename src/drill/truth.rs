//! What really happened in a drill, for scoring what a detector says about it.

use std::collections::BTreeSet;

use serde::Serialize;

use fastrand::Rng;

use super::actor::{Actor, Role};
use super::cast::{GLOBAL, PROD, agent};
use super::clock::rfc3339;
use super::ident::{access_key, session_token, uuid};
use super::log::{Scene, assume_role};
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
    pub(crate) accounts: BTreeSet<String>,
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
    /// How the attacker goes about it.
    #[serde(skip)]
    manner: Manner,
}

/// How an attacker goes about it, whatever the story.
#[derive(Debug)]
struct Manner {
    rng: Rng,
    /// Asks little, with the tools of the house.
    quiet: bool,
    /// Share of the questions that are refused.
    denied: f64,
}

/// Of so many questions, a quiet attacker asks one.
const ASKED: u8 = 4;

impl Truth {
    /// The truth before anything has happened.
    pub(crate) fn new(scenario: Option<Scenario>, options: &Options) -> Self {
        Self {
            scenario: scenario.map(|scenario| scenario.to_string()),
            twin: options.twin,
            seed: options.seed,
            accounts: BTreeSet::from([PROD.to_owned()]),
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
            manner: Manner {
                rng: Rng::with_seed(options.seed ^ 0x3a77_3a77),
                quiet: options.quiet,
                denied: options.denied,
            },
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

    /// Writes a record of the attacker, in the manner that the options ask for.
    pub(crate) fn act(&mut self, scene: &mut Scene<'_>, actor: &Actor, at: i64, call: &Call<'_>) {
        let Manner { rng, quiet, denied } = &mut self.manner;
        if *quiet && call.is_question() && rng.u8(0..ASKED) > 0 {
            return;
        }
        let refused = *denied > 0.0 && call.is_question() && rng.f64() < *denied;
        let disguised = (*quiet && !actor.service && !actor.console).then(|| actor.clone().with_agent(agent::CLI));
        let actor = disguised.as_ref().unwrap_or(actor);
        if refused {
            self.record(scene, actor, at, &call.refused(actor));
        } else {
            self.record(scene, actor, at, call);
        }
    }

    fn record(&mut self, scene: &mut Scene<'_>, actor: &Actor, at: i64, call: &Call<'_>) {
        let time = rfc3339(at);
        if self.attack_started.as_ref().is_none_or(|first| time < *first) {
            self.attack_started = Some(time);
        }
        // What AWS does for the attacker comes from AWS.
        if !actor.service {
            self.source_ips.insert(actor.address.trim_matches('"').to_owned());
        }
        self.accounts.insert(actor.trail.clone());
        let id = scene.log.write_kept(actor, at, call);
        self.event_ids.push(id);
    }

    /// The attacker assumes `role`; both accounts have a record of it where it is another account's. Returns the key of the
    /// session.
    pub(crate) fn assume(
        &mut self,
        scene: &mut Scene<'_>,
        actor: &Actor,
        at: i64,
        role: &Role,
        session: &str,
    ) -> String {
        let key = access_key(scene.rng, "ASIA");
        let token = session_token(scene.rng);
        let call = assume_role(GLOBAL, role, session, &key, &token, at);
        if role.account == actor.trail {
            self.act(scene, actor, at, &call);
        } else {
            let call = call.with("sharedEventID", uuid(scene.rng.u128(..)).into());
            self.act(scene, actor, at, &call);
            self.act(scene, &actor.abroad(&role.account), at, &call);
        }
        self.involve(&role.arn(), &key);
        key
    }

    /// Puts the lists into their final order.
    pub(crate) fn finish(&mut self) {
        self.event_ids.sort_unstable();
    }
}
