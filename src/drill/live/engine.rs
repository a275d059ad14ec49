//! The engine as a person uses it, on a state of its own: passes, plan, approval, containment.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use aws_config::SdkConfig;
use tokio::time::{Instant, sleep_until};

use super::played::{Part, Played};
use crate::config::Config;
use crate::detect::Rules;
use crate::event::Seconds;
use crate::model::approval::Person;
use crate::model::plan::{Plan, Way};
use crate::notify::slack::Names;
use crate::report::Report;
use crate::respond::{self, Ask, Responder, Run, Verdict, Word};
use crate::source::Bills;
use crate::source::live::{HOME, Live};
use crate::store::{AnyStore, Place, State};
use crate::watch::{Told, Turn, Watch, incident, pass};

/// Remarks of passes that are told.
const MOST_REMARKS: usize = 10;

/// What the engine works with. The settings are those of the drill: the state in a folder of its own, and nobody is told.
pub(crate) struct Engine<'e> {
    pub live: &'e Live,
    pub rules: &'e Rules,
    pub config: &'e Config,
    /// A state that nobody else uses.
    pub place: Place,
    /// The account that the drill plays in.
    pub account: String,
    /// What people call the accounts, by id.
    pub account_names: BTreeMap<String, String>,
    pub holder: String,
    pub clock: fn() -> Seconds,
}

/// The incident that the intruder became.
pub(super) struct Case {
    pub id: String,
    pub state: State<AnyStore>,
    pub told: Told,
    pub plan: Option<Plan>,
}

/// What the approvers' words came to.
pub(super) enum Vote {
    Approved,
    Refused(String),
}

impl Case {
    /// The incident with its findings.
    pub(super) fn report(&self) -> Report {
        self.told.clone().report()
    }
}

impl Engine<'_> {
    /// Whoever started the drill, at AWS.
    ///
    /// # Errors
    /// An account that is not reached.
    pub(super) fn config(&self) -> Result<SdkConfig> {
        self.live.config(&self.account, HOME).with_context(|| format!("account {} is not reached", self.account))
    }

    /// Passes over what was logged from `since` on, until an incident holds all keys, or patience ends with one that holds
    /// some. The first that holds any of them is what counts as detected.
    ///
    /// # Errors
    /// The state.
    pub(super) async fn find(
        &self,
        since: Seconds,
        keys: &[&str],
        (interval, patience): (Duration, Duration),
        played: &mut Played,
    ) -> Result<Option<Case>> {
        let mut state = self.open().await?;
        let end = Instant::now() + patience;
        loop {
            let begun = Instant::now();
            self.pass(&mut state, since, played).await?;
            let found = holding(&state, keys).await?;
            let is_whole = found.as_ref().is_some_and(|(_, _, held)| *held == keys.len());
            if let Some((id, _, _)) = &found {
                played.now(Part::Detected);
                played.incident = Some(id.clone());
            }
            let next = begun + interval;
            if is_whole || next > end {
                return Ok(found.map(|(id, told, _)| Case { id, state, told, plan: None }));
            }
            sleep_until(next).await;
        }
    }

    async fn pass(&self, state: &mut State<AnyStore>, since: Seconds, played: &mut Played) -> Result<()> {
        let bills = Bills::default();
        let lookback = ((self.clock)() - since).max(1);
        match pass(state, &self.watch(&bills, lookback), &mut |_| Ok(())).await? {
            Turn::Done(passed) => {
                played.passes += 1;
                for problem in passed.problems {
                    let remark = format!("{}: {}", problem.path, problem.why);
                    if played.remarks.len() < MOST_REMARKS && !played.remarks.contains(&remark) {
                        played.remarks.push(remark);
                    }
                }
                Ok(())
            }
            Turn::Held { holder, .. } => bail!("{holder} works on the drill's own state"),
        }
    }

    fn watch<'w>(&'w self, bills: &'w Bills, first_lookback: Seconds) -> Watch<'w> {
        let Config { state, watch, notify, slack, allow, .. } = self.config;
        Watch {
            live: self.live,
            handed: None,
            reading: Duration::from_secs(watch.budget.unsigned_abs()),
            rules: self.rules,
            channels: &[],
            notices: &[],
            slack: Names::default(),
            digest: slack.digest,
            allow,
            account_names: self.account_names.clone(),
            bills,
            kept: None,
            first_lookback,
            lease: state.lease,
            patience: watch.patience,
            min_level: notify.min_level,
            holder: self.holder.clone(),
            clock: self.clock,
        }
    }

    /// The state as it is at this moment.
    ///
    /// # Errors
    /// The state.
    pub(super) async fn open(&self) -> Result<State<AnyStore>> {
        Ok(State::open(AnyStore::open(&self.place).await?).await?)
    }

    /// Stakeout asks for plans; people only agree.
    fn responder(&self) -> Responder<'_> {
        Responder {
            live: self.live,
            config: self.config,
            person: Person::stakeout(),
            holder: self.holder.clone(),
            clock: self.clock,
        }
    }

    /// Makes the usual plan.
    ///
    /// # Errors
    /// As [`respond::plan`].
    pub(super) async fn plan(&self, case: &mut Case) -> Result<Plan> {
        let plan = respond::plan(&mut case.state, &self.responder(), &case.id, &Ask::default()).await;
        let plan = plan.context("planning")?;
        case.plan = Some(plan.clone());
        Ok(plan)
    }

    /// Everybody says yes, until it is enough.
    ///
    /// # Errors
    /// The state. Who may not is in the result.
    pub(super) async fn approve(&self, case: &mut Case, people: &[Person]) -> Result<Vote> {
        let digest = case.plan.as_ref().map(|plan| plan.digest.clone()).context("there is no plan")?;
        let mut why = "nobody approves it".to_owned();
        for person in people {
            let (id, now) = (case.id.clone(), (self.clock)());
            let about = (id.as_str(), Some(digest.as_str()));
            let said = (person, Some("a drill"));
            match respond::vote(&mut case.state, self.config, said, about, &Word::For, now).await {
                Ok((_, Verdict::Approved)) => return Ok(Vote::Approved),
                Ok((_, Verdict::Missing(missing))) => why = format!("it needs {missing} more to approve"),
                Ok((_, Verdict::Denied)) => why = "it was denied".to_owned(),
                Err(error) => why = format!("{error:#}"),
            }
        }
        Ok(Vote::Refused(why))
    }

    /// Carries the plan out, to its proof. Gives what does not hold.
    ///
    /// # Errors
    /// As [`respond::run`].
    pub(super) async fn contain(&self, case: &Case) -> Result<Vec<String>> {
        let digest = case.plan.as_ref().map(|plan| plan.digest.as_str());
        let wanted = Run { incident: &case.id, way: Way::Contain, digest, wanted: None, pauses: false };
        let never = AtomicBool::new(false);
        let ran = respond::run(self.open().await?, &self.responder(), &wanted, &never).await?;
        let outcome = ran.outcome;
        Ok(match outcome.holds() {
            true => Vec::new(),
            false if outcome.remains.is_empty() => vec!["not all of it holds".to_owned()],
            false => outcome.remains,
        })
    }
}

/// The incident that holds most of some keys, where one holds any, and how many.
async fn holding(state: &State<AnyStore>, keys: &[&str]) -> Result<Option<(String, Told, usize)>> {
    let mut best: Option<(String, Told, usize)> = None;
    for (id, _) in state.head().watch.incidents.iter().filter(|(_, known)| known.merged_into.is_none()) {
        let Some(told) = incident(state, id).await? else { continue };
        let held = keys.iter().filter(|key| told.incident.credentials.iter().any(|known| known == *key)).count();
        if held > best.as_ref().map_or(0, |(_, _, held)| *held) {
            best = Some((id.clone(), told, held));
        }
    }
    Ok(best)
}
