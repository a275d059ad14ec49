//! A sample in each of its states: what the record would hold then, as a message shows it.

use std::collections::BTreeSet;

use clap::ValueEnum;

use super::Sample;
use crate::approve;
use crate::config::Approval;
use crate::event::Seconds;
use crate::model::approval::{Person, Planned, Plans, Stage};
use crate::model::click::SlackUser;
use crate::model::plan::{Class, Plan};
use crate::model::{Finding, Incident, Status};
use crate::notify::slack::card::{Card, Mark, Shown};
use crate::notify::slack::words::{self, Words};
use crate::store::watched::{Closed, Known, Resolution};

/// Everything that Slack is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum State {
    /// Open; the plan is being made.
    Open,
    /// No plan could be made.
    Unplanned,
    /// A plan waits for people.
    Pending,
    /// Nobody approved it in time.
    Expired,
    /// Somebody denied it.
    Denied,
    /// Enough people agreed.
    Approved,
    /// Some of its steps are done.
    Running,
    /// Some of its steps do not hold.
    Failed,
    /// All of it holds.
    Contained,
    /// The plan that takes it back waits for people.
    UndoPending,
    /// It was taken back.
    Undone,
    /// The plan that deletes waits for two people.
    DeletePending,
    /// One of them agreed.
    DeleteOneOfTwo,
    /// It is deleted.
    Deleted,
    /// A person closed the incident.
    Closed,
    /// It is part of another.
    Merged,
    /// What is new, in the thread.
    Reply,
    /// Every step, for whoever asked.
    Steps,
    /// The answer to a click, for whoever clicked.
    Answer,
    /// A gap in what is seen.
    Gap,
    /// Notices of a pass.
    Notices,
    /// The digest of a day.
    Digest,
    /// A drill.
    Drill,
    /// A test of the settings.
    Test,
}

/// Who decides in a sample.
const PEOPLE: [&str; 2] = ["U012ANNA0", "U034BEN00"];

const REPLY: [&str; 3] = [
    "12 more functions, now 97.",
    "3 more regions, now 17.",
    "It burns up to $1,240 an hour at list prices, an estimate.",
];
const REMAINS: [&str; 2] = [
    "step 31: AWS refused lambda:PutFunctionConcurrency in ap-south-1: access denied",
    "step 58: function edge-cache in me-south-1 is not stopped yet, as far as reading shows",
];
const NOTICES: [&str; 3] = [
    "An access key was created, by user/anna, in us-east-1, account prod, at 2026-09-18T08:12:44Z",
    "A console sign-in from a new network, by user/ben, in eu-west-1, account prod, at 2026-09-18T08:14:02Z",
    "and 4 more: they are in the output of `stakeout watch`",
];
const DIGEST: [&str; 5] = [
    "Paged nobody (medium): A policy was attached to a user, 3 times, mostly by user/anna",
    "Notice: An access key was created, 12 times, by user/deploy-bot",
    "Allowed until 2026-09-30, 12 days left: role/deploy, eu-west-1 (owner ann: the nightly roll-out)",
    "Plan 3b9f0c2a41d7 (contain, R1) for inc-1f0c8b2d3e4a waits until 2026-09-18T08:20:00Z",
    "Open since 2026-09-17T02:11:31Z: inc-1f0c8b2d3e4a, critical, Functions in every region",
];

/// A plan, who agreed, and where it stands.
struct Draft<'s> {
    plan: &'s Plan,
    planned: Planned,
}

/// What differs between the states of one incident.
struct Scene<'s> {
    status: Status,
    plan: Option<Draft<'s>>,
    last: Option<Draft<'s>>,
    unplanned: Option<&'static str>,
    can_undo: bool,
    closed: Option<Closed>,
    merged_into: Option<String>,
}

impl Default for Scene<'_> {
    fn default() -> Self {
        let (plan, last, unplanned, can_undo) = (None, None, None, false);
        Self { status: Status::Open, plan, last, unplanned, can_undo, closed: None, merged_into: None }
    }
}

impl Draft<'_> {
    fn shown(&self) -> Shown<'_> {
        let people_needed = if self.plan.class() == Class::R3 { 2 } else { 1 };
        let people_agreed = u32::try_from(self.planned.votes.len()).unwrap_or(people_needed);
        Shown { plan: self.plan, planned: &self.planned, people_needed, people_agreed }
    }

    fn at(mut self, stage: Stage) -> Self {
        self.planned.stage = stage;
        self
    }

    fn running(mut self, now: Seconds) -> Self {
        self.planned.done = u32::try_from(self.planned.steps / 3).unwrap_or_default();
        self.at(Stage::Running { holder: "process 1 on this machine".to_owned(), until: now + 60 })
    }

    fn ended(mut self, holds: bool, remains: &[&str]) -> Self {
        let held = self.planned.steps.saturating_sub(remains.len());
        self.planned.done = u32::try_from(held).unwrap_or_default();
        self.planned.remains = remains.iter().map(|one| (*one).to_owned()).collect();
        self.planned.ended_at = Some(self.planned.made_at + 95);
        self.at(Stage::Ended { holds })
    }

    fn denied(self, now: Seconds) -> Option<Self> {
        let digest = &self.plan.digest;
        let mut plans = Plans::from([(digest.clone(), self.planned)]);
        approve::deny(&mut plans, digest, &person(PEOPLE[0]), None, &rules(), &BTreeSet::new(), now).said.ok()?;
        Some(Self { planned: plans.remove(digest)?, plan: self.plan })
    }
}

fn person(id: &str) -> Person {
    let slack = Some(SlackUser { team: "T0SAMPLE1".to_owned(), id: id.to_owned() });
    Person { name: id.to_owned(), os_user: String::new(), caller: None, slack }
}

/// The people of a sample may approve, also what they asked for.
fn rules() -> Approval {
    let approvers = PEOPLE.iter().filter_map(|id| (*id).to_owned().try_into().ok()).collect();
    Approval { approvers, self_approval: true, ..Approval::default() }
}

impl Sample {
    /// Whether it can come to a state: an incident that made nothing has nothing to delete.
    pub(in crate::cli) fn has(&self, state: State) -> bool {
        match state {
            State::DeletePending | State::DeleteOneOfTwo | State::Deleted => !self.delete.steps.is_empty(),
            _ => true,
        }
    }

    /// What is said in a state. `key` is how the message is found again.
    pub(in crate::cli) fn words(&self, state: State, mark: Mark, key: &str) -> Words {
        let texts = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
        match state {
            State::Reply => words::reply(&texts(&REPLY), key),
            State::Answer => words::answer("You are not among the approvers: ask U012ANNA0."),
            State::Gap => words::gap(&self.gap(), key),
            State::Notices => words::list("Notices", &texts(&NOTICES), key),
            State::Digest => words::list("Digest", &texts(&DIGEST), key),
            State::Steps => match self.draft(&self.contain, 0) {
                Some(draft) => words::steps(&draft.shown()),
                None => words::answer("There is no such plan."),
            },
            State::Drill => self.card(State::Pending, Mark::Drill, key),
            State::Test => self.card(State::Pending, Mark::Test, key),
            state => self.card(state, mark, key),
        }
    }

    fn card(&self, state: State, mark: Mark, key: &str) -> Words {
        let scene = self.scene(state);
        let merged_into = scene.merged_into;
        let incident = Incident { status: scene.status, merged_into: merged_into.clone(), ..self.incident.clone() };
        let known = Known {
            title: incident.title.clone(),
            level: incident.level,
            status: scene.status,
            opened_at: incident.opened_at,
            last_event: incident.last_event,
            revision: 3,
            changed_at: self.now,
            events: incident.members.events.len(),
            closed: scene.closed,
            merged_into,
        };
        let mut card = Card::new(&incident, &known, &self.account_names);
        card.plan = scene.plan.as_ref().map(Draft::shown);
        card.last = scene.last.as_ref().map(Draft::shown);
        (card.unplanned, card.can_undo, card.mark) = (scene.unplanned, scene.can_undo, mark);
        words::card(&card, key)
    }

    fn scene(&self, state: State) -> Scene<'_> {
        let open = Scene::default();
        let contain = |votes: usize| self.draft(&self.contain, votes);
        let undo = |votes: usize| self.draft(&self.undo, votes);
        let delete = |votes: usize| self.draft(&self.delete, votes);
        let held = || contain(1).map(|draft| draft.ended(true, &[]));
        let contained = || Scene { status: Status::Contained, last: held(), can_undo: true, ..Scene::default() };
        match state {
            State::Unplanned => Scene { unplanned: Some("AWS refused iam:GetUser: access denied"), ..open },
            State::Pending => Scene { plan: contain(0), ..open },
            State::Expired => Scene { plan: contain(0).map(|draft| draft.at(Stage::Expired)), ..open },
            State::Denied => Scene { last: contain(0).and_then(|draft| draft.denied(self.now)), ..open },
            State::Approved => Scene { plan: contain(1), ..open },
            State::Running => Scene { plan: contain(1).map(|draft| draft.running(self.now)), ..open },
            State::Failed => {
                Scene { last: contain(1).map(|draft| draft.ended(false, &REMAINS)), can_undo: true, ..open }
            }
            State::Contained => contained(),
            State::UndoPending => Scene { plan: undo(0), ..contained() },
            State::Undone => Scene { last: undo(1).map(|draft| draft.ended(true, &[])), ..open },
            State::DeletePending => Scene { plan: delete(0), ..contained() },
            State::DeleteOneOfTwo => Scene { plan: delete(1), ..contained() },
            State::Deleted => Scene { last: delete(2).map(|draft| draft.ended(true, &[])), ..contained() },
            State::Closed => Scene { status: Status::Closed, closed: Some(self.closed()), ..open },
            State::Merged => Scene { status: Status::Closed, merged_into: Some("inc-0a1b2c3d4e5f".to_owned()), ..open },
            _ => open,
        }
    }

    fn closed(&self) -> Closed {
        let (by, why) = (PEOPLE[0].to_owned(), "closed in Slack".to_owned());
        Closed { at: self.now, resolution: Resolution::Benign, by, why }
    }

    /// A plan's record, with the votes of so many people. None where the rules would not take the plan.
    fn draft<'s>(&'s self, plan: &'s Plan, votes: usize) -> Option<Draft<'s>> {
        let mut plans = Plans::new();
        // What contains is planned by itself; the rest somebody asks for.
        let is_first = plan.digest == self.contain.digest;
        let stakeout = Person::stakeout();
        let by = if is_first { stakeout } else { person(PEOPLE[1]) };
        approve::make(&mut plans, plan, &by, None, 0, self.now).said.ok()?;
        let (rules, nobody) = (rules(), BTreeSet::new());
        for voter in PEOPLE.iter().take(votes) {
            let voter = person(voter);
            approve::approve(&mut plans, &plan.digest, &voter, None, &rules, &nobody, self.now).said.ok()?;
        }
        let planned = plans.remove(&plan.digest)?;
        Some(Draft { plan, planned })
    }

    /// A region that cannot be read.
    fn gap(&self) -> Vec<Finding> {
        let title = "A region cannot be read";
        let first = self.findings.first().cloned();
        let gap = |finding: Finding| Finding {
            title: title.into(),
            principal: "stakeout".to_owned(),
            credential: None,
            incident: None,
            reasons: vec!["LookupEvents in eu-west-3 was refused for 30 minutes: access denied".to_owned()],
            ..finding
        };
        first.map(gap).into_iter().collect()
    }
}
