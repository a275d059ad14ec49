//! A decision: from an incident to a plan, from an approved plan to what it came to. The record of it is the journal.
//!
//! - `draft`: reads how things are and makes a plan of it, or the plan that takes one back
//! - `run`: carries an approved plan out, or rehearses one
//! - `close`: a person's judgement of an incident
//! - `settle`: what an ended plan means for its incident
//! - `session`: with which rights a plan runs
//! - `own`: who Stakeout is, which no plan touches

mod close;
mod draft;
mod own;
mod run;
mod session;
mod settle;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, bail};
use aws_config::{Region, SdkConfig};

use crate::approve::{self, Answer, Counted};
use crate::config::{Approval, Config};
use crate::contain::cloud::{Cloud, Vault};
use crate::contain::compile::Wanted;
use crate::contain::subject::Hold;
use crate::event::Seconds;
use crate::journal::Entry;
use crate::model::Status;
use crate::model::approval::{Person, Planned, Stage};
use crate::model::plan::{Plan, Way};
use crate::source::live::Live;
use crate::store::{Head, State, Store};
use crate::watch::Told;

pub(crate) use close::close;
pub(crate) use draft::{blasts, people};
pub(crate) use run::{Paused, Ran, Run, rehearse, run};

/// What decisions are made with.
pub(crate) struct Responder<'r> {
    pub live: &'r Live,
    pub config: &'r Config,
    /// Who asks.
    pub person: Person,
    /// Which process this is, for whoever finds a plan running.
    pub holder: String,
    pub clock: fn() -> Seconds,
}

/// What a plan is to be about.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ask {
    /// By name; empty: all that are for every incident.
    pub playbooks: Vec<String>,
    pub narrow: Option<Hold>,
    /// The plan that takes back what others did.
    pub undo: Option<Wanted>,
}

impl Responder<'_> {
    /// The accounts, as actions reach them, where nothing changes.
    fn cloud(&self, incident: &str) -> Result<Cloud> {
        self.reaching(self.live.configs(), incident)
    }

    /// The accounts by their configurations. Evidence goes where the caller's own credentials reach.
    fn reaching(&self, accounts: BTreeMap<String, SdkConfig>, incident: &str) -> Result<Cloud> {
        let config = move |account: &str, region: &str| {
            let config = accounts.get(account)?.to_builder();
            Some(config.region(Region::new(region.to_owned())).build())
        };
        Ok(Cloud::new(Box::new(config), self.vault()?).for_incident(incident, Some(self.live.home())))
    }

    fn vault(&self) -> Result<Vault> {
        let evidence = &self.config.evidence;
        if let Some(url) = &evidence.s3 {
            let path = url.as_str().trim_start_matches("s3://");
            let (bucket, prefix) = path.split_once('/').unwrap_or((path, ""));
            return Ok(Vault::Bucket(bucket.to_owned(), prefix.trim_end_matches('/').to_owned()));
        }
        let usual = || crate::config::state_folder().map(|folder| folder.join("evidence"));
        let folder = evidence.dir.clone().or_else(usual);
        folder.map(Vault::Folder).context("neither HOME nor XDG_STATE_HOME is set; name a folder with [evidence] dir")
    }
}

/// Makes a plan, stores it and opens it for approval. The same plan again is the same, with the votes that it has.
///
/// # Errors
/// An incident that is closed or part of another, accounts that cannot be reached, or the state.
pub(crate) async fn plan<S: Store>(
    state: &mut State<S>,
    responder: &Responder<'_>,
    id: &str,
    ask: &Ask,
) -> Result<Plan> {
    let mut plan = draft::draft(state, responder, id, ask).await?;
    if plan.steps.is_empty() {
        return Ok(plan);
    }
    if state.plan(&plan.digest).await?.is_none() {
        state.put_plan(&plan.digest, &serde_json::to_vec(&plan)?).await?;
    }
    let now = (responder.clock)();
    let mut said = None;
    let mut expires_at = plan.expires_at;
    let plans: Vec<String> = state.head().watch.plans.keys().cloned().collect();
    let change = |head: &mut Head| {
        let from = head.tip.seq;
        let plans = &mut head.watch.plans;
        let running = |(_, known): &(&String, &Planned)| {
            known.incident == plan.incident && matches!(known.stage, Stage::Running { .. })
        };
        let undoes = plans.iter().find(running).map(|(digest, _)| digest.clone()).filter(|_| plan.way == Way::Undo);
        let Answer { said: answer, entries } =
            approve::make(plans, &plan, &responder.person, undoes.as_deref(), from, now);
        said = Some(answer);
        expires_at = head.watch.plans.get(&plan.digest).map_or(plan.expires_at, |planned| planned.expires_at);
        entries
    };
    state.append(now, change).await?;
    said.context("the state did not answer")?.map_err(anyhow::Error::msg)?;
    state.drop_plans(&plans).await?;
    // The record counts: a plan that was open already keeps its time.
    plan.expires_at = expires_at;
    Ok(plan)
}

/// A vote for a plan, or against it.
#[derive(Debug, Clone)]
pub(crate) enum Word {
    For,
    Against,
}

/// What a vote came to.
#[derive(Debug)]
pub(crate) enum Verdict {
    Approved,
    /// So many more people must agree.
    Missing(usize),
    Denied,
}

/// Takes a vote. Every attempt is journalled, also one that is refused.
///
/// # Errors
/// Why the vote does not count, or the state.
pub(crate) async fn vote<S: Store>(
    state: &mut State<S>,
    config: &Config,
    (person, why): (&Person, Option<&str>),
    (id, digest): (&str, Option<&str>),
    word: &Word,
    now: Seconds,
) -> Result<(String, Verdict)> {
    let told = told(state, id).await?;
    let involved: BTreeSet<String> = told.incident.principals.iter().cloned().collect();
    let rules = &config.approval;
    let mut answer = None;
    let change = |head: &mut Head| {
        let plans = &mut head.watch.plans;
        let found = match digest {
            Some(start) => {
                approve::matching(plans, Some(id), &start.to_ascii_lowercase()).map(|one| vec![one.to_owned()])
            }
            None => open(plans, id),
        };
        let digests = match found {
            Ok(digests) => digests,
            Err(why) => {
                answer = Some(Err(why));
                return Vec::new();
            }
        };
        let mut entries = Vec::new();
        for digest in digests {
            let (said, told) = count(plans, &digest, (person, why), word, rules, &involved, now);
            entries.extend(told);
            answer = Some(said.map(|verdict| (digest, verdict)));
        }
        entries
    };
    state.append(now, change).await?;
    answer.context("the state did not answer")?.map_err(anyhow::Error::msg)
}

/// Counts one vote about one plan.
fn count(
    plans: &mut BTreeMap<String, Planned>,
    digest: &str,
    (person, why): (&Person, Option<&str>),
    word: &Word,
    rules: &Approval,
    involved: &BTreeSet<String>,
    now: Seconds,
) -> (Result<Verdict, String>, Vec<Entry>) {
    match word {
        Word::For => {
            let Answer { said, entries } = approve::approve(plans, digest, person, why, rules, involved, now);
            let verdict = |counted| match counted {
                Counted::Approved => Verdict::Approved,
                Counted::Missing(missing) => Verdict::Missing(missing),
            };
            (said.map(verdict), entries)
        }
        Word::Against => {
            let Answer { said, entries } = approve::deny(plans, digest, person, why, rules, involved, now);
            (said.map(|()| Verdict::Denied), entries)
        }
    }
}

/// The plans of an incident that a person can still decide about.
fn open(plans: &BTreeMap<String, Planned>, id: &str) -> Result<Vec<String>, String> {
    let open = plans.iter().filter(|(_, planned)| planned.incident == id && !planned.stage.is_over());
    let open: Vec<String> = open.map(|(digest, _)| digest.clone()).collect();
    if open.is_empty() { Err(format!("{id} has no plan that waits for anybody")) } else { Ok(open) }
}

/// A plan as it is stored.
///
/// # Errors
/// The state, or a plan that is gone.
pub(crate) async fn stored<S: Store>(state: &State<S>, digest: &str) -> Result<Plan> {
    let bytes = state.plan(digest).await?.with_context(|| format!("plan {digest} is not stored"))?;
    let plan: Plan = serde_json::from_slice(&bytes).with_context(|| format!("plan {digest}"))?;
    if plan.digest != digest || plan.digest_now() != digest {
        bail!("plan {digest} was altered where it is stored");
    }
    Ok(plan)
}

/// The record of an incident that a plan can be about.
async fn told<S: Store>(state: &State<S>, id: &str) -> Result<Told> {
    let known = state.head().watch.incidents.get(id).with_context(|| format!("there is no incident {id}"))?;
    if let Some(into) = &known.merged_into {
        bail!("{id} is part of {into}: plan for that one");
    }
    let status = known.status;
    let mut told = crate::watch::incident(state, id).await?.with_context(|| format!("{id} is not stored"))?;
    told.incident.status = status;
    Ok(told)
}

/// Refuses to contain what a person judged already.
fn refuse_closed(told: &Told) -> Result<()> {
    match told.incident.status {
        Status::Closed => bail!("{} is closed", told.incident.id),
        Status::Open | Status::Contained => Ok(()),
    }
}

/// Plans of an incident that began to run, by digest.
async fn ran<S: Store>(state: &State<S>, id: &str) -> Result<BTreeMap<String, Plan>> {
    let mut plans = BTreeMap::new();
    let of_incident = state.head().watch.plans.iter().filter(|(_, planned)| planned.incident == id);
    for (digest, _) in
        of_incident.filter(|(_, planned)| matches!(planned.stage, Stage::Running { .. } | Stage::Ended { .. }))
    {
        plans.insert(digest.clone(), stored(state, digest).await?);
    }
    Ok(plans)
}
