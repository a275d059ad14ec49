//! A scenario with real API calls, and the engine's own answer to it, against the clock.
//!
//! - `target`: where it may play
//! - `ground`: what lies ready before the intruder comes; `intruder`: what that does; `hunt`: what it still may do
//! - `engine`: passes, plan, approval and containment, on a state of its own; `telling`: Slack, marked DRILL
//! - `played`: what came of it
//! - `made`: everything that was made goes away again, and `unmake` is how
//!
//! Unlike the scenarios that are written as logs this is a flow: it uses `watch` and `respond` as a person does.

mod engine;
mod ground;
mod hunt;
mod intruder;
mod made;
mod played;
mod target;
mod telling;
mod unmake;

use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use aws_config::SdkConfig;

use crate::drill::Scenario;
use crate::event::DEFAULT_REGIONS;
use crate::model::approval::Person;
use crate::model::counted;
use crate::model::plan::short;
use crate::notify::slack::workspace::Workspace;
use crate::report::Report;
use crate::source::live::HOME;
pub(crate) use engine::Engine;
use engine::{Case, Vote};
use ground::{Names, prepare};
use hunt::hunt;
use intruder::{Attack, attack};
use made::{Made, Removed};
pub(crate) use played::{Part, Played};
pub(crate) use target::Target;
pub(crate) use telling::Telling;

/// Regions that the intruder takes where nobody says which.
const REGIONS: usize = 6;
/// Between what was prepared and what the engine reads: two clocks, whole seconds in the log, and what is on its way.
const APART: Duration = Duration::from_secs(3);

/// What is to be played, and for whom.
pub(crate) struct Orders {
    pub scenario: Scenario,
    /// Tells the things of this drill from those of others; letters and digits.
    pub id: String,
    /// None: the first six that are enabled.
    pub regions: Option<Vec<String>>,
    /// From the start of one pass to the start of the next.
    pub interval: Duration,
    /// How long passes look for the intruder.
    pub patience: Duration,
    /// Who approves the plan. Without anybody the drill ends before containment.
    pub approvers: Vec<Person>,
}

/// How the drill speaks while it goes on.
pub(crate) struct Voices<'v, W> {
    /// Slack, where it is set up.
    pub slack: Option<Telling<'v, W>>,
    /// Shows the incident to whoever started the drill.
    pub print: &'v mut dyn FnMut(&Report) -> Result<()>,
    /// Says what happens.
    pub say: &'v dyn Fn(&str),
}

/// Plays a drill to its end or until `stop`, and removes what it made in any case. A failure is in the result, because
/// what could not be removed is known only behind it.
pub(crate) async fn play<W: Workspace>(
    orders: &Orders,
    engine: &Engine<'_>,
    mut voices: Voices<'_, W>,
    stop: impl Future<Output = ()>,
) -> (Played, Result<()>) {
    let (made, mut played) = (Made::default(), Played::new(orders.scenario, &orders.id, &engine.account));
    let config = match engine.config() {
        Ok(config) => config,
        Err(error) => return (played, Err(error)),
    };
    let ended = {
        let mut story = Story { orders, engine, config: &config, made: &made, played: &mut played };
        tokio::select! {
            ended = story.tell(&mut voices) => ended,
            () = stop => Err(anyhow!("stopped before its end")),
        }
    };
    (voices.say)("removing what the drill made");
    let removed = made.remove(&config).await;
    (played.removed, played.remained) = (removed.count, removed.remained);
    if let Some(slack) = &mut voices.slack {
        slack.end(&mut played).await;
    }
    (played, ended)
}

/// Removes by its names whatever a drill left that was killed, in some regions.
pub(crate) async fn clean(id: &str, regions: &[String], config: &SdkConfig) -> Removed {
    Made::anything(&Names::of(id), regions).remove(config).await
}

/// A drill under way.
struct Story<'s> {
    orders: &'s Orders,
    engine: &'s Engine<'s>,
    /// Whoever prepares and removes.
    config: &'s SdkConfig,
    made: &'s Made,
    played: &'s mut Played,
}

impl Story<'_> {
    async fn tell<W: Workspace>(&mut self, voices: &mut Voices<'_, W>) -> Result<()> {
        let Self { orders, engine, config, made, .. } = *self;
        let names = Names::of(&orders.id);
        let regions = self.regions().await?;
        // Whoever loses this process, by a power cut or a kill, finds what it left.
        let things: Vec<_> = names.things(&regions).iter().map(ToString::to_string).collect();
        let (scenario, id) = (orders.scenario, &orders.id);
        (voices.say)(&format!("drill {id} makes {}", things.join(", ")));
        (voices.say)(&format!("should it be killed, `stakeout drill {scenario} --live --clean {id}` removes them"));
        (voices.say)("preparing an administrator with a key, and a role");
        let ground = prepare(config, &names, made).await.context("preparing the drill")?;
        tokio::time::sleep(APART).await;
        // What was prepared is older than anything that the engine reads.
        let since = (engine.clock)() - 1;
        (voices.say)(&format!("the intruder comes with key {}", ground.leaked.id));
        let attack = attack(config, &ground, &names, &regions, made).await?;
        self.attacked(&attack);
        (voices.say)(&format!("it made {}; looking for it", counted(attack.functions.len(), "function")));
        let keys = [&ground.leaked, &attack.own];
        let Some(mut case) = self.find(since, &keys.map(|key| key.id.as_str())).await? else { return Ok(()) };
        self.notify(&case, voices).await?;
        if !self.plan(&mut case, &names, voices).await? {
            return Ok(());
        }
        (voices.say)("approved; containing");
        let begun = self.played.begun();
        let over = std::cell::Cell::new(false);
        let contain = async {
            let done = engine.contain(&case).await;
            over.set(true);
            // Before the hunt ends, because that may take longer.
            (done, begun.map(|begun| begun.elapsed()))
        };
        let ((contained, took), refused) = tokio::join!(contain, hunt(config, &keys, &over, begun));
        self.played.refused(&refused);
        match contained {
            Ok(remains) if remains.is_empty() => self.played.happened(Part::Contained, took),
            Ok(remains) => self.played.missed(Part::Contained, &remains.join("; ")),
            Err(error) => self.played.missed(Part::Contained, &format!("{error:#}")),
        }
        if let Some(slack) = &mut voices.slack {
            slack.update(engine, &case, self.played).await?;
        }
        Ok(())
    }

    /// Where the intruder goes.
    async fn regions(&mut self) -> Result<Vec<String>> {
        let listed = self.engine.live.regions().await;
        let watched = listed.all.get(&self.engine.account).cloned().unwrap_or_default();
        let regions: Vec<String> = match &self.orders.regions {
            Some(wanted) => wanted.clone(),
            None => {
                let usual = DEFAULT_REGIONS.iter().copied().filter(|region| watched.contains(*region));
                usual.take(REGIONS).map(str::to_owned).collect()
            }
        };
        if let Some(region) = regions.iter().find(|region| !watched.contains(*region)) {
            bail!(
                "region {region} is not enabled, or `[aws] regions` does not watch it: nobody would see the intruder"
            );
        }
        self.played.regions = if regions.is_empty() { vec![HOME.to_owned()] } else { regions };
        Ok(self.played.regions.clone())
    }

    fn attacked(&mut self, attack: &Attack) {
        self.played.begin(attack.begun, (self.engine.clock)());
        self.played.functions.clone_from(&attack.functions);
        self.played.remarks.extend(attack.left_out.iter().cloned());
        self.played.now(Part::Played);
    }

    /// Passes until an incident holds the intruder's keys.
    async fn find(&mut self, since: i64, keys: &[&str]) -> Result<Option<Case>> {
        let Orders { interval, patience, .. } = *self.orders;
        let found = self.engine.find(since, keys, (interval, patience), self.played).await?;
        let is_ours = |root: Option<&str>| root.is_some_and(|root| keys.contains(&root));
        if found.as_ref().is_some_and(|case| !is_ours(case.told.incident.root.credential.as_deref())) {
            // Where events come late the log has the preparation too, and an ancestor of a day ago is part of the story.
            self.played.remarks.push(
                "the incident names whoever prepared the drill as the way in, because the log shows who made the leaked key"
                    .to_owned(),
            );
        }
        if found.is_none() {
            let within = crate::event::time::format_duration(i64::try_from(patience.as_secs()).unwrap_or(i64::MAX));
            self.played.missed(Part::Detected, &format!("no incident held the drill's keys within {within}"));
        }
        Ok(found)
    }

    async fn notify<W: Workspace>(&mut self, case: &Case, voices: &mut Voices<'_, W>) -> Result<()> {
        (voices.print)(&case.report())?;
        let Some(slack) = &mut voices.slack else {
            self.played.now(Part::Notified);
            return Ok(());
        };
        match slack.post(self.engine, case).await? {
            Ok(()) => self.played.now(Part::Notified),
            Err(why) => self.played.missed(Part::Notified, &why),
        }
        Ok(())
    }

    /// Makes the plan, shows it and has it approved. False where the drill ends here.
    async fn plan<W: Workspace>(&mut self, case: &mut Case, names: &Names, voices: &mut Voices<'_, W>) -> Result<bool> {
        let Self { orders, engine, .. } = *self;
        let plan = engine.plan(case).await?;
        let changes = || plan.steps.iter().filter(|step| step.is_change());
        let foreign = changes().find(|step| !names.are_of(&step.target.arn));
        if let Some(step) = foreign {
            let why = format!("step {} is about {}, which is not the drill's own", step.n, step.target.arn);
            self.played.missed(Part::Approved, &why);
            return Ok(false);
        }
        if changes().next().is_none() {
            self.played.missed(Part::Approved, "the plan changes nothing");
            return Ok(false);
        }
        if let Some(slack) = &mut voices.slack {
            slack.update(engine, case, self.played).await?;
        }
        if orders.approvers.is_empty() {
            let (id, digest) = (&case.id, short(&plan.digest));
            self.played.commands = vec![
                format!("stakeout plan {id}"),
                format!("stakeout approve {id} --plan {digest} --as NAME"),
                format!("stakeout contain {id} --execute"),
            ];
            return Ok(false);
        }
        match engine.approve(case, &orders.approvers).await? {
            Vote::Approved => self.played.now(Part::Approved),
            Vote::Refused(why) => {
                self.played.missed(Part::Approved, &why);
                return Ok(false);
            }
        }
        Ok(true)
    }
}
