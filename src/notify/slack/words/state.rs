//! Where an incident stands, as its message says it.

use super::actions::aim;
use super::pen::{Pen, date};
use crate::model::approval::{Person, Planned, Stage};
use crate::model::plan::{Class, Way};
use crate::model::{Status, counted};
use crate::notify::slack::card::{Card, Shown};
use crate::store::watched::{Closed, Resolution};

/// Where nobody may press anything.
const UNDECIDED: &str =
    "The settings name nobody who decides in Slack (`[approval] approvers`): the command line does, see below.";
/// People who are named.
const NAMED: usize = 4;
/// Characters of a bar.
const BAR: usize = 20;

/// What decides words and buttons.
pub(super) enum State<'s> {
    Merged(&'s str),
    Closed(Option<&'s Closed>),
    /// There is no plan, or not yet.
    Planless,
    Pending(Shown<'s>),
    /// Nobody began it in time; whoever agrees has it made anew.
    Expired(Shown<'s>),
    Approved(Shown<'s>),
    Running(Shown<'s>),
    Denied(Shown<'s>),
    /// It was approved, and nothing of it was done: what it is about changed, or it was stopped before its first step.
    Void(Shown<'s>),
    Ended(Shown<'s>, bool),
}

impl<'s> State<'s> {
    pub(super) fn of(card: &Card<'s>) -> Self {
        let incident = card.incident;
        if let Some(other) = &incident.merged_into {
            return Self::Merged(other);
        }
        if is_closed(card) {
            // What was done can still be taken back.
            let back = card.plan.filter(|shown| shown.planned.way == Way::Undo);
            return back.map_or(Self::Closed(card.closed), Self::of_plan);
        }
        match card.plan.or(card.last) {
            Some(shown) => Self::of_plan(shown),
            None => Self::Planless,
        }
    }

    fn of_plan(shown: Shown<'s>) -> Self {
        match &shown.planned.stage {
            Stage::Pending => Self::Pending(shown),
            Stage::Approved => Self::Approved(shown),
            Stage::Denied => Self::Denied(shown),
            Stage::Expired => Self::Expired(shown),
            Stage::Running { .. } => Self::Running(shown),
            Stage::Ended { holds: false } if shown.planned.done == 0 && !shown.planned.remains.is_empty() => {
                Self::Void(shown)
            }
            Stage::Ended { holds } => Self::Ended(shown, *holds),
        }
    }

    /// The plan that it is about.
    pub(super) fn shown(&self) -> Option<&Shown<'s>> {
        match self {
            Self::Merged(_) | Self::Closed(_) | Self::Planless => None,
            Self::Pending(shown)
            | Self::Expired(shown)
            | Self::Approved(shown)
            | Self::Running(shown)
            | Self::Denied(shown)
            | Self::Void(shown)
            | Self::Ended(shown, _) => Some(shown),
        }
    }

    /// Nobody decides about it any more.
    pub(super) fn is_over(&self) -> bool {
        matches!(self, Self::Merged(_) | Self::Closed(_))
    }

    /// In a word or two, for the header; none while it is open.
    pub(super) fn word(&self, status: Status) -> Option<&'static str> {
        Some(match self {
            Self::Merged(_) => "Merged",
            Self::Closed(_) => "Closed",
            Self::Running(_) => "Running",
            Self::Ended(_, false) => "Failed in part",
            Self::Ended(shown, true) if shown.planned.way == Way::Undo => "Undone",
            Self::Ended(shown, true) if shown.planned.class == Class::R3 => "Deleted",
            _ if status == Status::Contained => "Contained",
            _ if status == Status::Closed => "Closed",
            _ => return None,
        })
    }

    /// In one line or two, with markup.
    pub(super) fn line(&self, pen: &Pen<'_>, card: &Card<'_>) -> String {
        let line = self.told(pen, card);
        if card.has_deciders || self.is_over() { line } else { format!("{line} {UNDECIDED}") }
    }

    fn told(&self, pen: &Pen<'_>, card: &Card<'_>) -> String {
        let place = match card.incident.status {
            _ if is_closed(card) => closed(pen, card.closed),
            Status::Contained => "*Contained.*".to_owned(),
            _ => "*Open.*".to_owned(),
        };
        match self {
            Self::Merged(other) => format!("*Merged* into {}: it goes on there.", pen.code(other)),
            Self::Closed(closed) => self::closed(pen, *closed),
            Self::Planless if card.unplanned.is_some() => format!("{place} There is no plan yet."),
            Self::Planless if card.incident.status == Status::Contained => place,
            Self::Planless => format!("{place} A plan is being made."),
            Self::Pending(shown) => {
                let asked = asked(pen, card, shown);
                format!("{place} A plan to {} is ready.{asked} {}", to(shown), agreed(pen, shown))
            }
            Self::Expired(shown) => format!(
                "{place} The plan to {} expired on {}.{} Approving makes it anew; the word counts if it is the same as this.",
                to(shown),
                date(shown.planned.expires_at),
                asked(pen, card, shown)
            ),
            Self::Approved(shown) => approved(pen, card, shown),
            Self::Running(shown) => running(pen, shown),
            Self::Denied(shown) => match &shown.planned.denied_by {
                Some(who) => format!("{place} The plan was denied by {}; nothing of it was done.", person(pen, who)),
                None => format!("{place} The plan was denied; nothing of it was done."),
            },
            Self::Void(shown) => {
                let at = shown.planned.ended_at.map_or_else(String::new, |at| format!(" on {}", date(at)));
                format!(
                    "{place} *Nothing was done*{at}: things changed since the plan to {} was made. A new one can be made.",
                    to(shown)
                )
            }
            Self::Ended(shown, holds) => ended(pen, card, shown, *holds),
        }
    }
}

fn is_closed(card: &Card<'_>) -> bool {
    card.closed.is_some() || card.incident.status == Status::Closed
}

/// Whether Stakeout made a plan by itself, and not because somebody asked.
pub(super) fn is_own(planned: &Planned) -> bool {
    planned.requested_by.is_stakeout()
}

/// Who asked for a plan, and what that means for who approves it.
fn asked(pen: &Pen<'_>, card: &Card<'_>, shown: &Shown<'_>) -> String {
    if is_own(shown.planned) {
        return String::new();
    }
    let who = person(pen, &shown.planned.requested_by);
    match card.self_approval {
        true => format!(" {who} asked for it."),
        false => format!(" {who} asked for it, so somebody else must approve it."),
    }
}

fn to(shown: &Shown<'_>) -> &'static str {
    aim(shown.planned.way, shown.planned.class)
}

/// Who agreed, and how many are missing.
fn agreed(pen: &Pen<'_>, shown: &Shown<'_>) -> String {
    let missing = shown.people_needed.saturating_sub(shown.people_agreed);
    match (shown.people_agreed, missing) {
        (0, 0 | 1) => "One person must agree.".to_owned(),
        (0, many) => format!("{} must agree.", people(many)),
        (_, 0) => format!("{} agreed.", voters(pen, shown)),
        (_, 1) => format!("{} agreed; one more person must.", voters(pen, shown)),
        (_, many) => format!("{} agreed; {} more must.", voters(pen, shown), people(many)),
    }
}

fn people(count: u32) -> String {
    if count == 1 { "1 person".to_owned() } else { format!("{count} people") }
}

fn approved(pen: &Pen<'_>, card: &Card<'_>, shown: &Shown<'_>) -> String {
    let by = voters(pen, shown);
    let is_ours = shown.planned.votes.last().is_some_and(|vote| vote.person.slack.is_some());
    let next = match is_ours {
        true if card.stuck.is_some() => {
            format!("it could not begin, and is tried again until {}.", date(shown.planned.expires_at))
        }
        true => "it begins.".to_owned(),
        false => {
            let command = format!("stakeout {} {} --execute", shown.planned.way.as_str(), shown.planned.incident);
            format!("{} begins it.", pen.command(&command))
        }
    };
    format!("*Approved* by {by}: {next}")
}

fn running(pen: &Pen<'_>, shown: &Shown<'_>) -> String {
    let all = shown.planned.steps;
    let done = usize::try_from(shown.planned.done).unwrap_or(usize::MAX).min(all);
    let full = (done * BAR).checked_div(all).unwrap_or(0);
    let bar = format!("{}{}", "█".repeat(full), "░".repeat(BAR - full));
    format!("*Running {done} of {all}* to {}, approved by {}.\n`{bar}`", to(shown), voters(pen, shown))
}

fn ended(pen: &Pen<'_>, card: &Card<'_>, shown: &Shown<'_>, holds: bool) -> String {
    let planned = shown.planned;
    let at = planned.ended_at.map_or_else(String::new, |at| format!(" on {}", date(at)));
    let by = if planned.votes.is_empty() { String::new() } else { format!(" Approved by {}.", voters(pen, shown)) };
    let steps = counted(planned.steps, "step");
    let is_contained = card.incident.status == Status::Contained;
    match (planned.way, planned.class, holds) {
        (Way::Undo, _, true) => format!("*Undone*{at}: {steps} taken back, and read back as they were.{by}"),
        (_, Class::R3, true) => format!("*Deleted for good*{at}: {steps} done and verified.{by}"),
        (_, _, true) if is_contained => format!("*Contained and verified*{at}: {steps} done, and they hold.{by}"),
        (_, _, true) => {
            format!("*Open.* {steps} done and verified{at}, but the incident goes on: not all of it is cut off.{by}")
        }
        (_, _, false) => {
            let remains = planned.remains.len();
            let place = if is_contained { "*Contained, done in part*" } else { "*Failed in part*" };
            let what = match remains {
                0 => "not all of it holds".to_owned(),
                1 => "one thing remains".to_owned(),
                many => format!("{many} things remain"),
            };
            format!("{place}{at}: the plan to {} ran, and {what}.{by}", to(shown))
        }
    }
}

fn closed(pen: &Pen<'_>, closed: Option<&Closed>) -> String {
    let Some(closed) = closed else { return "*Closed.*".to_owned() };
    let what = match closed.resolution {
        Resolution::FalsePositive => "it did not happen",
        Resolution::Benign => "it happened, and it is all right",
        Resolution::Contained => "it is cut off",
    };
    // Somebody at a command line may call themselves as a user of Slack is called.
    format!("*Closed* by {} on {}: {what}.", pen.code(&closed.by), date(closed.at))
}

fn voters(pen: &Pen<'_>, shown: &Shown<'_>) -> String {
    let votes = &shown.planned.votes;
    let mut named: Vec<_> = votes.iter().take(NAMED).map(|vote| person(pen, &vote.person)).collect();
    if votes.len() > NAMED {
        named.push(format!("{} more", votes.len() - NAMED));
    }
    if named.is_empty() { "nobody".to_owned() } else { named.join(", ") }
}

/// A person of Slack as a mention, which is sure; everybody else by the name that they gave.
fn person(pen: &Pen<'_>, person: &Person) -> String {
    match &person.slack {
        Some(user) => by_name(pen, &user.id),
        None => pen.code(&person.name),
    }
}

fn by_name(pen: &Pen<'_>, name: &str) -> String {
    let is_user = name.len() > 5
        && name.len() < 32
        && name.starts_with(['U', 'W'])
        && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
        && name.bytes().any(|byte| byte.is_ascii_digit());
    if is_user { format!("<@{name}>") } else { pen.code(name) }
}
