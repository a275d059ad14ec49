//! Carries an approved plan out, or rehearses one.

use std::sync::atomic::AtomicBool;

use anyhow::{Context as _, Result, bail};
use serde_json::json;

use super::{Ask, Responder, draft, own, refuse_closed, settle, stored, told};
use crate::approve::{self, Answer, Permit};
use crate::contain::compile::Wanted;
use crate::contain::execute::{Halt, Limits, Outcome, Progress, execute};
use crate::contain::hands::{Dry, Live};
use crate::contain::scribe::{Ledger, Silent};
use crate::event::Seconds;
use crate::journal::Entry;
use crate::model::approval::Stage;
use crate::model::plan::{Plan, Way, short};
use crate::store::{Head, State, Store};

/// How long a run may be silent before another may take it up.
const LEASE: Seconds = 15;

/// Which plan is to run.
#[derive(Debug, Clone)]
pub(crate) struct Run<'r> {
    pub incident: &'r str,
    pub way: Way,
    /// How its digest begins; without it the one that is approved.
    pub digest: Option<&'r str>,
    /// Of an undo, what it was asked to take back.
    pub wanted: Option<Wanted>,
    /// A run that is stopped is left to a later one, which goes on.
    pub pauses: bool,
}

/// The run was stopped, and a later one goes on with it.
#[derive(Debug, thiserror::Error)]
#[error("the run was stopped before its end; the next one goes on with it")]
pub(crate) struct Paused;

/// What came of a run.
pub(crate) struct Ran {
    pub plan: Plan,
    pub outcome: Outcome,
    /// Nothing was changed.
    pub is_rehearsal: bool,
}

/// What a plan would do: reads everything, changes nothing. Without a plan that is open it makes one and stores nothing.
///
/// # Errors
/// What making a plan or reading it says, or a plan that the state of things made void.
pub(crate) async fn rehearse<S: Store>(
    state: &State<S>,
    responder: &Responder<'_>,
    wanted: &Run<'_>,
    abort: &AtomicBool,
) -> Result<Ran> {
    let open = find(state, wanted, |stage| matches!(stage, Stage::Pending | Stage::Approved)).await?;
    let plan = match (open, wanted.digest) {
        (Ok(digest), _) => stored(state, &digest).await?,
        (Err(why), Some(_)) => bail!(why),
        (Err(_), None) => {
            let ask = Ask { undo: wanted.wanted, ..Ask::default() };
            draft::draft(state, responder, wanted.incident, &ask).await?
        }
    };
    let cloud = responder.cloud(&plan.incident)?;
    let clock = responder.clock;
    let hands = Dry::new(Live::new(&cloud, &plan.incident, &clock, None));
    let limits = Limits { reassert: 0, abort, pauses: false };
    let outcome = execute(&plan, &Progress::default(), &hands, &Silent, &limits).await;
    let outcome = outcome.map_err(|halt| halted(&plan, halt))?;
    Ok(Ran { plan, outcome, is_rehearsal: true })
}

/// Runs an approved plan, once, to its proof.
///
/// # Errors
/// No approved plan, one that somebody else runs, one that is void, accounts that cannot be reached, or the state.
pub(crate) async fn run<S: Store>(
    mut state: State<S>,
    responder: &Responder<'_>,
    wanted: &Run<'_>,
    abort: &AtomicBool,
) -> Result<Ran> {
    let can_run = |stage: &Stage| matches!(stage, Stage::Approved | Stage::Running { .. });
    let digest = match find(&state, wanted, can_run).await? {
        Ok(digest) => digest,
        Err(why) => {
            refuse(&mut state, responder, wanted, &why).await?;
            bail!(why);
        }
    };
    let plan = stored(&state, &digest).await?;
    if plan.way == Way::Contain {
        refuse_closed(&told(&state, wanted.incident).await?)?;
    }
    if let Some(object) = own::guard(&state, responder).await?.objections(&plan).into_iter().next() {
        let why = format!("{}: {}", object.target, object.why);
        refuse(&mut state, responder, wanted, &why).await?;
        bail!(why);
    }
    // Before the approval is used up: a role that cannot be assumed must not cost it.
    let cloud = super::session::cloud(responder, &plan).await?;
    let permit = begin(&mut state, responder, &digest).await?;
    let progress = match permit.is_resumed() {
        true => Progress::of(&state.journal().await?.0, &digest),
        false => Progress::default(),
    };
    let clock = responder.clock;
    let hands = Live::new(&cloud, &plan.incident, &clock, Some(permit));
    let ledger = Ledger::new(state, (&digest, &responder.holder), LEASE, &clock);
    let limits = Limits { reassert: responder.config.contain.reassert, abort, pauses: wanted.pauses };
    let outcome = execute(&plan, &progress, &hands, &ledger, &limits).await;
    let mut state = ledger.into_state();
    match outcome {
        Ok(outcome) => {
            settle::ended(&mut state, responder, &plan, &outcome).await?;
            Ok(Ran { plan, outcome, is_rehearsal: false })
        }
        Err(halt) => {
            match &halt {
                Halt::Void(why) => settle::void(&mut state, responder, &digest, why).await?,
                Halt::Paused => settle::paused(&mut state, responder, &digest).await?,
                Halt::NotPermitted | Halt::Journal(_) => {}
            }
            Err(halted(&plan, halt))
        }
    }
}

/// The one plan that is meant and that is at some stage, or why there is none.
async fn find<S: Store>(
    state: &State<S>,
    wanted: &Run<'_>,
    fits: impl Fn(&Stage) -> bool,
) -> Result<Result<String, String>> {
    let plans = &state.head().watch.plans;
    let (id, verb) = (wanted.incident, wanted.way.as_str());
    if let Some(start) = wanted.digest {
        let digest = match approve::matching(plans, Some(id), start) {
            Ok(digest) => digest,
            Err(why) => return Ok(Err(why)),
        };
        let planned = plans.get(digest).filter(|planned| planned.way == wanted.way);
        return Ok(match planned.map(|planned| &planned.stage) {
            Some(stage) if fits(stage) => Ok(digest.to_owned()),
            Some(stage) => Err(format!("plan {start} is {}", stage.as_str())),
            None => Err(format!("plan {start} is not one to {verb}")),
        });
    }
    let mut of_way = Vec::new();
    for (digest, planned) in plans.iter().filter(|(_, known)| known.incident == id && known.way == wanted.way) {
        if wanted.wanted.is_none() || Some(stored(state, digest).await?.scope) == wanted.wanted.map(Wanted::as_text) {
            of_way.push((digest, planned));
        }
    }
    let fitting: Vec<_> = of_way.iter().filter(|(_, planned)| fits(&planned.stage)).collect();
    let last = of_way.iter().max_by_key(|(_, planned)| planned.made_at);
    Ok(match (fitting.as_slice(), last) {
        ([(digest, _)], _) => Ok((*digest).clone()),
        ([], Some((digest, planned))) => {
            let (short, stage) = (short(digest), planned.stage.as_str());
            Err(format!("{id} has no approved plan to {verb}: the last one, {short}, is {stage}"))
        }
        ([], None) => Err(format!("{id} has no approved plan to {verb}: `stakeout plan {id}` makes one")),
        (many, _) => Err(format!("{id} has {} approved plans to {verb}; name one with --plan", many.len())),
    })
}

/// Uses the approval up, or takes a run up that died.
async fn begin<S: Store>(state: &mut State<S>, responder: &Responder<'_>, digest: &str) -> Result<Permit> {
    let now = (responder.clock)();
    let mut answer = None;
    let change = |head: &mut Head| {
        let Answer { said, entries } = approve::begin(&mut head.watch.plans, digest, &responder.holder, LEASE, now);
        answer = Some(said);
        entries
    };
    state.append(now, change).await?;
    answer.context("the state did not answer")?.map_err(anyhow::Error::msg)
}

/// Journals an attempt that comes to nothing.
async fn refuse<S: Store>(state: &mut State<S>, responder: &Responder<'_>, wanted: &Run<'_>, why: &str) -> Result<()> {
    let person = &responder.person;
    let detail = json!({
        "to": wanted.way.as_str(), "plan": wanted.digest, "os_user": person.os_user, "caller": person.caller, "why": why,
    });
    let entry = Entry::new("approval.refused", Some(wanted.incident), detail);
    Ok(state.append((responder.clock)(), |_| vec![entry.clone()]).await?)
}

fn halted(plan: &Plan, halt: Halt) -> anyhow::Error {
    match halt {
        Halt::Void(why) => anyhow::anyhow!(
            "plan {} is void, and nothing was done, because things changed since it was made: {}; make a new plan",
            short(&plan.digest),
            why.join("; ")
        ),
        Halt::Paused => anyhow::Error::new(Paused),
        Halt::NotPermitted => anyhow::anyhow!("the plan is not approved"),
        Halt::Journal(why) => {
            anyhow::anyhow!("it stopped, because what it does could not be journalled: {why}; run it again to go on")
        }
    }
}
