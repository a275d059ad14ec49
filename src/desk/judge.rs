//! What becomes of one click: pure.

use std::collections::{BTreeMap, BTreeSet};

use super::people::{Rules, person};
use super::shown::view;
use crate::approve::{self, Answer, Counted};
use crate::config::Approval;
use crate::event::Seconds;
use crate::journal::Entry;
use crate::model::Status;
use crate::model::approval::{Person, Planned, Stage};
use crate::model::click::{Aim, Button, Click};
use crate::model::plan::{Class, Way};
use crate::respond;
use crate::store::watched::{Closed, Known, Resolution, Watched};

/// What is said to whoever pressed, and what is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    /// That is all.
    Sentence(String),
    /// Every step of a plan.
    Steps { digest: String },
    /// A plan is to be made, and said so.
    Plan { aim: Aim, sentence: String },
    /// The plan expired: it is to be made anew, and the click counts if it is the same.
    Renew { sentence: String },
}

/// Decides about a click, and gives what the journal says of it. Every refusal is journalled.
pub(super) fn judge(watched: &mut Watched, click: &Click, rules: &Rules, now: Seconds) -> (Said, Vec<Entry>) {
    let by = person(&click.user);
    let Rules { approval: rules, unread, plans } = rules;
    if let Err(why) = is_in_place(watched, click) {
        let entry = approve::refused(why, click.button.action_id(), None, click.button.incident(), &by);
        return (Said::Sentence(why.to_owned()), vec![entry]);
    }
    let judged = match &click.button {
        Button::Approve { incident, digest } => approve(watched, (incident, digest), &by, (rules, plans), now),
        Button::Deny { incident, digest } => deny(watched, (incident, digest), &by, rules, now),
        Button::Plan { incident, aim } => plan(watched, incident, *aim, &by, rules),
        Button::Close { incident, revision } => close(watched, (incident, *revision), &by, rules, now),
        Button::Show { digest, .. } => Ok((Said::Steps { digest: digest.clone() }, Vec::new())),
        Button::Rehearse => rehearsed(&by, rules),
    };
    judged.unwrap_or_else(|(mut why, entries)| {
        // Whoever is not known to be in a group may be in it.
        if approve::may_decide(&by, rules, "").is_err() {
            why = unread.iter().fold(why, |why, unread| format!("{why} {}", sentence(unread)));
        }
        (Said::Sentence(why), entries)
    })
}

/// Whether a decision was pressed in the incident's own message: another one may say something else about its buttons.
fn is_in_place(watched: &Watched, click: &Click) -> Result<(), &'static str> {
    let is_known = watched.incidents.contains_key(click.button.incident());
    if !is_known || matches!(click.button, Button::Show { .. } | Button::Rehearse) {
        return Ok(());
    }
    let post = watched.slack.posts.get(click.button.incident());
    let is_it = post.is_some_and(|post| {
        post.ts.is_some() && post.ts == click.message && Some(&post.channel) == click.channel.as_ref()
    });
    if is_it { Ok(()) } else { Err("Press it in the incident's own message: this is another one.") }
}

/// What is said and journalled; or why not, and what the journal says of that.
type Judged = Result<(Said, Vec<Entry>), (String, Vec<Entry>)>;

fn no<T>(why: String, tried: &str, plan: Option<&str>, incident: &str, by: &Person) -> Result<T, (String, Vec<Entry>)> {
    let entry = approve::refused(&why, tried, plan, incident, by);
    Err((why, vec![entry]))
}

/// The incident, where something can be done about it.
fn known<'w>(watched: &'w Watched, incident: &str) -> Result<&'w Known, String> {
    let known = watched.incidents.get(incident).ok_or_else(|| format!("There is no incident {incident} any more."))?;
    match &known.merged_into {
        Some(into) => Err(format!("{incident} is part of {into}: decide there.")),
        None => Ok(known),
    }
}

fn approve(
    watched: &mut Watched,
    (incident, digest): (&str, &str),
    by: &Person,
    (rules, unread): (&Approval, &BTreeMap<String, String>),
    now: Seconds,
) -> Judged {
    let refuse = |why: String| no(why, "approve", Some(digest), incident, by);
    let is_closed = match known(watched, incident) {
        Ok(known) => known.status == Status::Closed,
        Err(why) => return refuse(why),
    };
    let Some(planned) = watched.plans.get(digest).filter(|planned| planned.incident == incident) else {
        return refuse("There is no such plan any more: look at the message again.".to_owned());
    };
    if is_closed && planned.way == Way::Contain {
        return refuse(format!("{incident} is closed."));
    }
    if approve::is_expired(planned, now) {
        if let Err(why) = approve::may_decide(by, rules, &format!("of {} plans", planned.class.as_str())) {
            return refuse(sentence(&why));
        }
        let sentence = "The plan expired. It is made anew, and if it is the same, your word counts.".to_owned();
        let aim = match (planned.way, planned.class) {
            (Way::Undo, _) => Aim::Undo,
            (Way::Contain, Class::R3) => Aim::Delete,
            (Way::Contain, _) => Aim::Contain,
        };
        return Ok((Said::Renew { sentence }, vec![approve::asked(aim, incident, by)]));
    }
    let is_shown = view(watched, incident).plan.is_some_and(|(shown, _)| shown == digest);
    if planned.stage == Stage::Pending && !is_shown {
        return refuse("A newer plan is shown: look at the message again.".to_owned());
    }
    if let Some(why) = unread.get(digest) {
        return refuse(format!("The plan cannot be read, so nobody can approve it: {why}."));
    }
    let Answer { said, entries } = approve::approve(&mut watched.plans, digest, by, None, rules, &BTreeSet::new(), now);
    match said {
        Ok(Counted::Approved) => Ok((Said::Sentence("You approved the plan. It runs now.".to_owned()), entries)),
        Ok(Counted::Missing(1)) => {
            Ok((Said::Sentence("Your word counts. One more person must agree.".to_owned()), entries))
        }
        Ok(Counted::Missing(missing)) => {
            Ok((Said::Sentence(format!("Your word counts. {missing} more people must agree.")), entries))
        }
        Err(why) => Err((sentence(&why), entries)),
    }
}

fn deny(
    watched: &mut Watched,
    (incident, digest): (&str, &str),
    by: &Person,
    rules: &Approval,
    now: Seconds,
) -> Judged {
    if watched.plans.get(digest).is_none_or(|planned| planned.incident != incident) {
        let why = "There is no such plan any more: look at the message again.".to_owned();
        return no(why, "deny", Some(digest), incident, by);
    }
    let Answer { said, entries } = approve::deny(&mut watched.plans, digest, by, None, rules, &BTreeSet::new(), now);
    match said {
        Ok(()) => Ok((Said::Sentence("You denied the plan. Nobody can approve it any more.".to_owned()), entries)),
        Err(why) => Err((sentence(&why), entries)),
    }
}

fn plan(watched: &Watched, incident: &str, aim: Aim, by: &Person, rules: &Approval) -> Judged {
    let refuse = |why: String| no(why, "plan", None, incident, by);
    if let Err(why) = approve::may_decide(by, rules, "") {
        return refuse(sentence(&why));
    }
    match known(watched, incident) {
        Err(why) => return refuse(why),
        Ok(known) if known.status == Status::Closed && aim != Aim::Undo => {
            return refuse(format!("{incident} is closed."));
        }
        Ok(_) => {}
    }
    let sentence = match aim {
        Aim::Contain => "The plan is made. It appears in the message.",
        Aim::Undo if !rules.self_approval => {
            "The plan to take it back is made. It appears in the message, and runs when somebody else approves it: \
             [approval] self_approval is off."
        }
        Aim::Undo => "The plan to take it back is made. It appears in the message, and runs when it is approved.",
        Aim::Delete => {
            "The plan to delete it for good is made. It appears in the message, and runs when it is approved."
        }
    };
    Ok((Said::Plan { aim, sentence: sentence.to_owned() }, vec![approve::asked(aim, incident, by)]))
}

fn close(
    watched: &mut Watched,
    (incident, revision): (&str, u32),
    by: &Person,
    rules: &Approval,
    now: Seconds,
) -> Judged {
    if let Err(why) = approve::may_decide(by, rules, "") {
        return no(sentence(&why), "close", None, incident, by);
    }
    let refuse = |why: String| no(why, "close", None, incident, by);
    match known(watched, incident) {
        Err(why) => return refuse(why),
        Ok(known) if known.status == Status::Contained => {
            return refuse(format!("{incident} is contained: undo that first, or close it at a command line."));
        }
        Ok(_) => {}
    }
    let is_busy = |plan: &Planned| plan.stage == Stage::Approved || plan.stage.is_running();
    if watched.plans.values().any(|plan| plan.incident == incident && is_busy(plan)) {
        return refuse(format!("A plan of {incident} is approved or runs: look at the message again."));
    }
    let why = "It was expected: closed in Slack.".to_owned();
    let closed = Closed { at: now, resolution: Resolution::Benign, by: by.name.clone(), why };
    let Answer { said, entries } = respond::close(watched, incident, &closed, by, Some(revision));
    match said {
        Ok(()) => Ok((Said::Sentence(format!("You closed {incident} as expected.")), entries)),
        Err(why) => Err((sentence(&why), entries)),
    }
}

fn rehearsed(by: &Person, rules: &Approval) -> Judged {
    let may = approve::may_decide(by, rules, "");
    let may = may.map_err(|why| (format!("This is a drill: nothing is done. You may not approve: {why}."), Vec::new()));
    may.map(|()| (Said::Sentence("This is a drill: nothing is done. You may approve.".to_owned()), Vec::new()))
}

/// A reason as a sentence.
fn sentence(why: &str) -> String {
    let mut letters = why.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    // What begins with an id or a command is left as it is spelt.
    let is_word = why.split(' ').next().is_some_and(|word| word.chars().all(char::is_alphabetic));
    let text = if is_word { format!("{first}{}", letters.as_str()) } else { why.to_owned() };
    if text.ends_with('.') { text } else { format!("{text}.") }
}
