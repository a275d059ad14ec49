//! What can be pressed. Whatever changes something asks once more, and says in numbers what will happen.

use slack_morphism::prelude::{
    SlackActionBlockElement, SlackActionId, SlackBlock, SlackBlockButtonElement, SlackBlockButtonStyle,
    SlackBlockConfirmItem, SlackBlockPlainText, SlackBlockText,
};

use super::actions::{aim, meaning, summary};
use super::escape::{self, begin};
use super::pen::{actions, only};
use super::state::{State, is_own};
use crate::model::approval::Stage;
use crate::model::click::{Aim, Button};
use crate::model::plan::{Class, Way, short};
use crate::model::{Status, counted};
use crate::notify::slack::card::{Card, Mark, Shown};

/// Characters of a button's text, and of a dialog's parts.
const MOST_LABEL: usize = 75;
const MOST_TITLE: usize = 100;
const MOST_QUESTION: usize = 300;
const MOST_ANSWER: usize = 30;

/// A question before a button counts.
struct Question {
    title: String,
    text: String,
    yes: &'static str,
}

/// All that can be done in a state; none where nobody decides any more.
pub(super) fn block(card: &Card<'_>, state: &State<'_>) -> Option<SlackBlock> {
    let mut elements = of(card, state);
    if !card.has_deciders {
        // A button that is refused whoever presses it is no help at night.
        elements.truncate(0);
        let shown = state.shown().filter(|_| !matches!(state, State::Merged(_) | State::Closed(_)));
        elements.extend(shown.map(|shown| show(card, shown)));
    }
    (!elements.is_empty()).then(|| actions(elements))
}

fn of(card: &Card<'_>, state: &State<'_>) -> Vec<SlackActionBlockElement> {
    let show = |shown: &Shown<'_>| show(card, shown);
    let mut buttons = Vec::new();
    match state {
        State::Merged(_) => return buttons,
        State::Running(shown) => return vec![show(shown)],
        State::Closed(_) => {}
        State::Planless => buttons.extend(card.unplanned.map(|_| plan(card, Aim::Contain, "Plan again"))),
        State::Pending(shown) | State::Expired(shown) => {
            buttons.extend((!shown.plan.steps.is_empty()).then(|| approve(card, shown)));
            buttons.push(show(shown));
        }
        State::Approved(shown) => buttons.push(show(shown)),
        State::Denied(shown) | State::Void(shown) => {
            buttons.extend([plan(card, again(shown), "Plan again"), show(shown)]);
        }
        State::Ended(shown, holds) => {
            buttons.extend(after(card, shown, *holds));
            buttons.push(show(shown));
        }
    }
    let waits = match state {
        State::Pending(shown) | State::Expired(shown) | State::Approved(shown) => Some(shown),
        _ => None,
    };
    if waits.is_none() {
        buttons.extend(further(card, state));
    }
    if card.incident.status == Status::Open && !state.is_over() && !matches!(state, State::Approved(_)) {
        buttons.push(close(card));
    }
    buttons.extend(waits.map(|shown| deny(card, shown)));
    buttons
}

fn show(card: &Card<'_>, shown: &Shown<'_>) -> SlackActionBlockElement {
    let button = Button::Show { incident: card.incident.id.clone(), digest: shown.plan.digest.clone() };
    press(card, button, "Show plan", None, None)
}

/// Where a plan came to its end and something is left to be done of the same kind.
fn after(card: &Card<'_>, shown: &Shown<'_>, holds: bool) -> Option<SlackActionBlockElement> {
    let is_undone = shown.planned.way == Way::Undo && card.incident.status == Status::Open;
    if is_undone && holds {
        return Some(plan(card, Aim::Contain, "Plan to contain"));
    }
    (!holds || card.incident.status == Status::Open).then(|| plan(card, again(shown), "Plan again"))
}

/// Taking back, and deleting what is contained.
fn further(card: &Card<'_>, state: &State<'_>) -> Vec<SlackActionBlockElement> {
    let mut buttons = Vec::new();
    let last = state.shown().map(|shown| (again(shown), matches!(state, State::Ended(_, true))));
    let is_offered = |aim: Aim| matches!(last, Some((known, false)) if known == aim);
    if card.can_undo && !is_offered(Aim::Undo) {
        buttons.push(plan(card, Aim::Undo, "Undo"));
    }
    let is_there = card.incident.resources.iter().any(|made| made.exists);
    let is_contained = card.incident.status == Status::Contained;
    let is_deleted = matches!(last, Some((Aim::Delete, true)));
    if is_contained && is_there && !is_deleted && !is_offered(Aim::Delete) {
        buttons.push(plan(card, Aim::Delete, "Delete for good"));
    }
    buttons
}

/// What a plan was for.
fn again(shown: &Shown<'_>) -> Aim {
    match (shown.planned.way, shown.planned.class) {
        (Way::Undo, _) => Aim::Undo,
        (Way::Contain, Class::R3) => Aim::Delete,
        (Way::Contain, _) => Aim::Contain,
    }
}

fn approve(card: &Card<'_>, shown: &Shown<'_>) -> SlackActionBlockElement {
    let (plan, planned) = (shown.plan, shown.planned);
    // Whoever agreed to a plan that expired has to agree again.
    let agreed = if planned.stage == Stage::Expired { 0 } else { shown.people_agreed };
    let (class, needed) = (plan.class(), shown.people_needed.max(1));
    let is_first = agreed == 0 && is_own(planned) && planned.way == Way::Contain && class < Class::R3;
    let label = match (planned.way, class) {
        _ if is_first => "Contain (reversible)".to_owned(),
        _ if needed > 1 => format!("Approve ({agreed} of {needed})"),
        (Way::Undo, _) => "Approve: undo".to_owned(),
        (_, Class::R3) => "Approve: delete for good".to_owned(),
        _ => "Approve".to_owned(),
    };
    let others = needed.saturating_sub(agreed).saturating_sub(1);
    let when = match others {
        0 => "It begins at once".to_owned(),
        1 => "It begins when one more person agrees".to_owned(),
        many => format!("It begins when {many} more people agree"),
    };
    let (steps, digest) = (counted(plan.steps.len(), "step"), short(&plan.digest));
    let meant = if planned.way == Way::Undo { "what was cut off can act again" } else { meaning(class) };
    let end = format!(". {}{}. Your word is for plan {digest}.", capital(meant), refusals(shown));
    let begin_of = format!("{when}: {steps}: ");
    let room = MOST_QUESTION.saturating_sub(escape::units(&begin_of) + escape::units(&end));
    let question = Question {
        title: format!("{}?", capital(aim(planned.way, class))),
        text: format!("{begin_of}{}{end}", begin(&summary(plan), room).text),
        yes: match (planned.way, class) {
            (Way::Undo, _) => "Undo",
            (_, Class::R3) => "Delete",
            _ => "Contain",
        },
    };
    let style = if planned.way == Way::Undo { SlackBlockButtonStyle::Primary } else { SlackBlockButtonStyle::Danger };
    let button = Button::Approve { incident: card.incident.id.clone(), digest: plan.digest.clone() };
    press(card, button, &label, Some(style), Some(question))
}

/// How many calls of others it would have refused.
fn refusals(shown: &Shown<'_>) -> String {
    match shown.plan.blast_radius.iter().map(|blast| blast.would_have_refused).fold(0, u64::saturating_add) {
        0 => String::new(),
        calls => format!(". It would have refused {calls} legitimate calls of the last day"),
    }
}

fn deny(card: &Card<'_>, shown: &Shown<'_>) -> SlackActionBlockElement {
    let button = Button::Deny { incident: card.incident.id.clone(), digest: shown.plan.digest.clone() };
    let text = format!("Nobody can run plan {} after that. A new one can be made.", short(&shown.plan.digest));
    let question = Question { title: "Deny the plan?".to_owned(), text, yes: "Deny" };
    press(card, button, "Deny", None, Some(question))
}

fn plan(card: &Card<'_>, aim: Aim, label: &str) -> SlackActionBlockElement {
    let button = Button::Plan { incident: card.incident.id.clone(), aim };
    let question = (aim == Aim::Delete).then(|| Question {
        title: "Plan to delete for good?".to_owned(),
        text: "This only makes a plan of what would be deleted and shows it. Nothing is deleted before it is approved."
            .to_owned(),
        yes: "Plan",
    });
    let style = (aim == Aim::Delete).then_some(SlackBlockButtonStyle::Danger);
    press(card, button, label, style, question)
}

fn close(card: &Card<'_>) -> SlackActionBlockElement {
    let button = Button::Close { incident: card.incident.id.clone(), revision: card.revision };
    let text = "It counts as all right, and what its principals did counts as usual from then on. Nothing is contained. \
                When it goes on in a new way within seven days, it opens again.";
    let question = Question { title: "Expected, and all right?".to_owned(), text: text.to_owned(), yes: "Close" };
    press(card, button, "Expected, close", None, Some(question))
}

/// A button; that of a drill asks nothing and does nothing.
fn press(
    card: &Card<'_>,
    button: Button,
    label: &str,
    style: Option<SlackBlockButtonStyle>,
    question: Option<Question>,
) -> SlackActionBlockElement {
    let (id, value) = match card.mark {
        Mark::Real => (button.action_id().to_owned(), button.value()),
        Mark::Drill | Mark::Test => {
            (format!("{}-{}", Button::Rehearse.action_id(), button.action_id()), Button::Rehearse.value())
        }
    };
    let mut element = SlackBlockButtonElement::new(only(begin(label, MOST_LABEL).text));
    element.action_id = Some(SlackActionId(id));
    element.value = Some(value);
    element.style = style;
    element.confirm = question.filter(|_| card.mark == Mark::Real).map(|question| {
        let text = SlackBlockPlainText::new(begin(&question.text, MOST_QUESTION).text).with_emoji(false);
        SlackBlockConfirmItem::new(
            only(begin(&question.title, MOST_TITLE).text),
            SlackBlockText::Plain(text),
            only(begin(question.yes, MOST_ANSWER).text),
            only("Cancel"),
        )
    });
    element.into()
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}
