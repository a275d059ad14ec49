//! The command lines that do the same without Slack.

use slack_morphism::prelude::SlackBlock;

use super::pen::{Pen, context};
use super::state::State;
use crate::model::Status;
use crate::model::plan::{Class, Way, short};
use crate::notify::slack::card::{Card, Mark, Shown};

/// Small print at the end, which also says where something was left out.
pub(super) fn block(pen: &Pen<'_>, card: &Card<'_>, state: &State<'_>) -> Option<SlackBlock> {
    let id = &card.incident.id;
    if card.mark != Mark::Real {
        return None;
    }
    let show = format!("stakeout show {id}");
    let mut lines = vec![if pen.is_cut() {
        format!("Shortened; all of it: {}", pen.command(&show))
    } else {
        format!("Without Slack: {}", pen.command(&show))
    }];
    lines.extend(next(card, state).iter().map(|command| pen.command(command)));
    Some(context(&lines.join("\n")))
}

/// What fits the state.
fn next(card: &Card<'_>, state: &State<'_>) -> Vec<String> {
    let id = &card.incident.id;
    let close = format!("stakeout close {id} --as benign --why TEXT");
    let run = |shown: &Shown<'_>| format!("stakeout {} {id} --execute", shown.planned.way.as_str());
    match state {
        State::Merged(_) => Vec::new(),
        State::Closed(_) => back(card),
        State::Planless if card.incident.status == Status::Contained => back(card),
        State::Planless | State::Denied(_) => vec![format!("stakeout plan {id}"), close],
        State::Pending(shown) => {
            let digest = short(&shown.plan.digest);
            vec![format!("stakeout approve {id} --plan {digest} --as YOUR-NAME"), run(shown)]
        }
        State::Expired(shown) => vec![plan_again(id, shown)],
        State::Approved(shown) | State::Running(shown) => vec![run(shown)],
        State::Ended(shown, true) if shown.planned.way == Way::Undo => vec![format!("stakeout plan {id}"), close],
        State::Void(shown) | State::Ended(shown, false) => vec![plan_again(id, shown)],
        State::Ended(_, true) => back(card),
    }
}

fn back(card: &Card<'_>) -> Vec<String> {
    if card.can_undo { vec![format!("stakeout plan {} --undo", card.incident.id)] } else { Vec::new() }
}

fn plan_again(id: &str, shown: &Shown<'_>) -> String {
    match (shown.planned.way, shown.planned.class) {
        (Way::Undo, _) => format!("stakeout plan {id} --undo"),
        (_, Class::R3) => format!("stakeout plan {id} --playbook eradicate"),
        _ => format!("stakeout plan {id}"),
    }
}
