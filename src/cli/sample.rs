//! An incident to show: a scenario of the drill through the engine of `replay`, with plans made as real ones are. What AWS
//! would answer is made up, and nothing of it is sent anywhere.

mod scene;
mod survey;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};

use crate::baseline::Baseline;
use crate::contain::action::Observed;
use crate::contain::blast_radius;
use crate::contain::compile::{self, Frame, Outstanding, Wanted};
use crate::contain::guard::Guard;
use crate::contain::playbook::{Playbook, chosen};
use crate::contain::subject::{Choice, subjects};
use crate::detect::Rules;
use crate::drill::{Options, Scenario, generate};
use crate::event::{DAY, Seconds};
use crate::habit::Habits;
use crate::model::plan::Plan;
use crate::model::{Finding, Incident};
use crate::replay::map::Range;
use crate::replay::{Settings, replay};
use crate::report::Report;
use crate::respond::{blasts, people};
use crate::source::{Bills, Object};
use crate::watch::habits_of;

pub(super) use scene::State;

/// Bound on the unpacked size of one object.
const MOST_BYTES: u64 = 1 << 30;
/// Between the last event and the message, in seconds.
const LATE: Seconds = 300;
/// How long a plan of a sample can be approved.
const EXPIRES: Seconds = 1_200;
const MOST_TARGETS: usize = 1_000;

/// An incident with everything that a message about it can show.
pub(super) struct Sample {
    pub incident: Incident,
    pub findings: Vec<Finding>,
    /// What people call the accounts, by id.
    pub account_names: BTreeMap<String, String>,
    /// When the message is made.
    pub now: Seconds,
    contain: Plan,
    undo: Plan,
    delete: Plan,
}

/// The same month every time, small, with its attack.
pub(super) fn small() -> Options {
    Options { days: 20, noise: 0.2, ..Options::default() }
}

impl Sample {
    /// Plays a scenario, and returns what the engine tells of it; no sample where that is no incident.
    ///
    /// # Errors
    /// Options out of range, or an engine that cannot run.
    pub(super) fn play(scenario: Option<Scenario>, options: &Options) -> Result<(Report, Option<Self>)> {
        let mut objects = Vec::new();
        generate(scenario, options, &mut |file| {
            objects.push(Object::memory(file.path, file.gzip));
            Ok(())
        })?;
        let rules = Rules::load(&[])?;
        // The attack falls on the last day but one; what was before is history.
        let first = options.start.as_second().div_euclid(DAY);
        let start = (first + i64::from(options.days.saturating_sub(2))) * DAY;
        let range = Range { start, end: Seconds::MAX };
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let settings = Settings { range, accounts: &[], threads, max_object_bytes: MOST_BYTES };
        let (report, _) = replay(&objects, &Bills::default(), &rules, Baseline::default(), settings, &|_| {})?;
        let habits = habits_of(&objects, &rules, MOST_BYTES);
        let worst = report.incidents.iter().max_by_key(|incident| (incident.level, incident.findings.len()));
        let sample = worst.map(|incident| Self::of(incident, &report.findings, &habits)).transpose()?;
        Ok((report, sample))
    }

    fn of(incident: &Incident, findings: &[Finding], habits: &Habits) -> Result<Self> {
        let own: BTreeSet<&String> = incident.findings.iter().collect();
        let findings = findings.iter().filter(|finding| own.contains(&finding.id)).cloned().collect();
        let now = incident.last_event + LATE;
        let account_names = incident.accounts.iter().map(|account| (account.clone(), "prod".to_owned())).collect();
        let mut sample = Self {
            incident: incident.clone(),
            findings,
            account_names,
            now,
            contain: Plan::default(),
            undo: Plan::default(),
            delete: Plan::default(),
        };
        sample.contain = sample.plan(habits, &chosen(&[])?, 0)?;
        sample.undo = sample.taken_back();
        sample.delete = sample.plan(habits, &chosen(&["eradicate".to_owned()])?, 1)?;
        Ok(sample)
    }

    /// A plan as planning makes it, of an account in which everything is as the attack left it.
    fn plan(&self, habits: &Habits, playbooks: &[Playbook], attempt: u32) -> Result<Plan> {
        let (incident, now) = (&self.incident, self.now);
        let choice = Choice {
            narrow: None,
            is_shared: &|role| blast_radius::is_used_by_others(habits, incident, role, now),
            usual_networks: &|user| blast_radius::usual_networks(habits, incident, user, None, now),
        };
        let (subjects, beyond) = subjects(incident, &choice);
        let guard = Guard { most_targets: MOST_TARGETS, ..Guard::default() };
        let mut survey = survey::survey(&subjects, playbooks, &guard);
        survey.refused.extend(beyond);
        let (blasts, remarks) = blasts(&subjects, habits, incident, now);
        let frame = self.frame(&guard, attempt);
        let mut plan = compile::contain(&frame, playbooks, &subjects, survey, blasts).context("planning")?;
        plan.remarks.extend(remarks);
        plan.people.extend(people(incident));
        Ok(plan.sealed())
    }

    /// The plan that takes the first one back, as if all of it was done.
    fn taken_back(&self) -> Plan {
        let changes = self.contain.steps.iter().filter(|step| step.is_change()).map(|step| {
            let observed = Observed { id: step.target.id.clone(), state: survey::done(step) };
            (Outstanding { turn: 0, step: step.clone(), former: step.before.clone() }, Ok(observed))
        });
        let guard = Guard { most_targets: MOST_TARGETS, ..Guard::default() };
        compile::undo(&self.frame(&guard, 1), Wanted::default(), changes.collect())
    }

    fn frame<'f>(&'f self, guard: &'f Guard, attempt: u32) -> Frame<'f> {
        let held_by = BTreeMap::new();
        Frame { incident: &self.incident, guard, held_by, attempt, now: self.now, expires: EXPIRES }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_has_a_message_for_every_state() {
        for scenario in Scenario::ALL {
            let (_, sample) = Sample::play(Some(scenario), &small()).unwrap();
            let sample = sample.unwrap_or_else(|| panic!("{scenario} is no incident"));
            for plan in [&sample.contain, &sample.undo] {
                // What single sign-on manages cannot be changed in the account, and the plan says so.
                let is_managed = scenario == Scenario::InsiderDelete;
                assert!(plan.steps.iter().any(|step| step.is_change()) || is_managed, "{scenario} {:?}", plan.way);
                assert_eq!(plan.digest, plan.digest_now());
            }
            // Whoever only takes what is there makes nothing that could be deleted.
            let takes = [
                Scenario::MissingKey,
                Scenario::Llmjacking,
                Scenario::S3Ransom,
                Scenario::DefenceEvasion,
                Scenario::InsiderDelete,
            ];
            assert_eq!(sample.has(State::Deleted), !takes.contains(&scenario), "{scenario}");
            let uses = sample.contain.blast_radius.iter().any(|blast| blast.calls_per_day > 0.0);
            assert!(uses || scenario == Scenario::InsiderDelete, "{scenario}");
            let again = Sample::play(Some(scenario), &small()).unwrap().1.unwrap();
            assert_eq!((again.contain, again.undo, again.delete), (sample.contain, sample.undo, sample.delete));
        }
        let (_, twin) = Sample::play(Some(Scenario::MissingKey), &Options { twin: true, ..small() }).unwrap();
        assert!(twin.is_none());
    }
}
