//! What is to be done or was done, a line for each group of steps, and what is left to people.

use slack_morphism::prelude::SlackBlock;

use super::actions::{self, Group, meaning};
use super::pen::{Pen, date, section, whole_section};
use super::state::State;
use super::story::is_of_aws;
use crate::model::counted;
use crate::model::plan::{Class, Plan, short};
use crate::notify::slack::card::Shown;

/// The plan, what remains of it, and what only people can do.
pub(super) fn blocks(pen: &Pen<'_>, state: &State<'_>) -> Vec<SlackBlock> {
    let Some(shown) = state.shown() else { return Vec::new() };
    let plan = shown.plan;
    let mut blocks = vec![whole_section(&lines(pen, shown, state))];
    let remains = shown.planned.remains.iter().map(String::as_str);
    let title = match state {
        State::Ended(_, false) => Some("*What remains*"),
        State::Void(_) => Some("*Why nothing was done*"),
        _ => None,
    };
    if let Some((title, told)) = title.zip(pen.sentences(remains, pen.room.sentences)) {
        blocks.extend([section(title), told]);
    }
    let remarks: Vec<_> = plan.remarks.iter().filter(|remark| !is_of_aws(remark)).map(String::as_str).collect();
    if let Some(told) = pen.sentences(remarks.into_iter(), pen.room.remarks).filter(|_| is_ahead(state)) {
        blocks.extend([section("*Mind*"), told]);
    }
    if let Some(told) = pen.sentences(plan.people.iter().map(String::as_str), pen.room.remarks) {
        blocks.extend([section("*For people to do*"), told]);
    }
    blocks
}

fn is_ahead(state: &State<'_>) -> bool {
    matches!(state, State::Pending(_) | State::Expired(_) | State::Approved(_) | State::Running(_))
}

fn lines(pen: &Pen<'_>, shown: &Shown<'_>, state: &State<'_>) -> String {
    let plan = shown.plan;
    let digest = pen.code(short(&plan.digest));
    if plan.steps.is_empty() {
        return format!("*Plan* {digest}: nothing is to be done; as far as it can be read, it is as it should be.");
    }
    let label = match state {
        State::Ended(_, true) => "What was done",
        State::Ended(_, false) | State::Void(_) => "What was to be done",
        State::Denied(_) => "Denied plan",
        _ => "Plan",
    };
    let head = format!("*{label}* {digest}: {}, {}", counted(plan.steps.len(), "step"), meaning(plan.class()));
    let groups: Vec<_> = actions::of(plan).iter().map(line).collect();
    let groups = pen.lines(groups, pen.room.groups);
    format!("{head}\n{groups}{}{}", left_alone(plan), until(shown, state))
}

/// `• *Stop 85 functions* in 17 regions (R1)`
fn line(group: &Group<'_>) -> String {
    format!("• *{}*{} ({})", group.what, group.place(), group.first.class.max(group.class).as_str())
}

fn left_alone(plan: &Plan) -> String {
    match plan.refused.len() {
        0 => String::new(),
        count => format!("\n• {} left alone; Show plan tells why", counted(count, "target")),
    }
}

/// Until when it may begin: the message is not written anew when that time has come.
fn until(shown: &Shown<'_>, state: &State<'_>) -> String {
    let about = match shown.plan.estimate_seconds {
        0 => String::new(),
        seconds => format!("It takes about {}. ", spoken(seconds)),
    };
    let lasting = if shown.plan.class() == Class::R3 { " Nothing brings it back." } else { "" };
    match state {
        State::Pending(_) => format!(
            "\n{about}Good until {}. Approved later, it is made anew first and must be the same.{lasting}",
            date(shown.planned.expires_at)
        ),
        _ => String::new(),
    }
}

fn spoken(seconds: u64) -> String {
    match seconds {
        0..=90 => format!("{seconds} s"),
        _ => counted(seconds.div_ceil(60), "minute"),
    }
}
