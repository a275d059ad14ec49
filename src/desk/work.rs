//! Plans that are made and run, while others are answered. `hindrance` is why one that was approved did not begin.

mod hindrance;

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use anyhow::{Result, anyhow, bail};

use super::Desk;
use super::clicks::{Answered, MOST, Task, decide};
use super::hold::grown;
use super::shown::{Runnable, view};
use crate::approve;
use crate::contain::compile::Wanted;
use crate::event::Seconds;
use crate::model::approval::{Person, Planned};
use crate::model::click::{Aim, Button, Click};
use crate::model::plan::{Blast, Plan, Way, short};
use crate::notify::slack::words;
use crate::notify::slack::workspace::Workspace;
use crate::respond::{self, Ask, Responder, Run};
use crate::source::live::Live;
use crate::store::{Head, State, Store};

pub(super) use hindrance::{hinder, tidy};

/// How long making a plan may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Characters of a reason that the record keeps.
const LONGEST: usize = 500;
/// The playbook that deletes what is contained.
const DELETES: &str = "eradicate";

fn responder<'r, W>(desk: &Desk<'r, W>, live: &'r Live, person: Person) -> Responder<'r> {
    Responder { live, config: desk.config, person, holder: desk.holder.clone(), clock: desk.clock }
}

/// Makes a plan that somebody asked for; one without steps is none.
async fn make<S: Store, W>(
    state: &mut State<S>,
    desk: &Desk<'_, W>,
    live: &Live,
    person: Person,
    incident: &str,
    ask: &Ask,
) -> Result<Plan> {
    let responder = responder(desk, live, person);
    let planning = respond::plan(state, &responder, incident, ask);
    let plan =
        tokio::time::timeout(PATIENCE, planning).await.map_err(|_| anyhow!("it took longer than 30 seconds"))??;
    if plan.steps.is_empty() {
        let refused = plan.refused.first().map(|refused| format!("; {}: {}", refused.target, refused.why));
        bail!("there is nothing to do{}", refused.unwrap_or_default());
    }
    Ok(plan)
}

/// Makes the plan that the message of an incident shows for what is known of it at a revision.
///
/// # Errors
/// The state. Why there is no plan is in the record.
pub(super) async fn plan<S: Store, W>(
    state: &mut State<S>,
    desk: &Desk<'_, W>,
    live: &Live,
    (incident, revision): (&str, u32),
) -> Result<()> {
    let made = make(state, desk, live, Person::stakeout(), incident, &Ask::default()).await;
    note(state, desk, incident, Some(revision), made.err()).await
}

/// Notes for which revision a plan was made, or why it could not be.
async fn note<S: Store, W>(
    state: &mut State<S>,
    desk: &Desk<'_, W>,
    incident: &str,
    revision: Option<u32>,
    why: Option<anyhow::Error>,
) -> Result<()> {
    let why: Option<String> = why.map(|error| format!("{error:#}").chars().take(LONGEST).collect());
    let change = |head: &mut Head| {
        if let Some(post) = head.watch.slack.posts.get_mut(incident) {
            post.planned = revision.or(post.planned);
            post.unplanned.clone_from(&why);
        }
        Vec::new()
    };
    Ok(state.append(desk.now(), change).await?)
}

/// What came of a task.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The message shows it.
    Shown,
    /// What everybody is told who waits for it.
    Said(String),
    /// The expired plan is the same as this one, by digest: the clicks count for it.
    Counts(String),
}

/// Does what clicks asked for. `by` is who did first.
pub(super) async fn perform<S: Store, W>(
    state: &mut State<S>,
    desk: &Desk<'_, W>,
    live: &Live,
    task: &Task,
    by: Person,
) -> Outcome {
    match task {
        Task::Plan { incident, aim } => match asked(state, desk, live, (incident, *aim), by).await {
            Ok(()) => Outcome::Shown,
            Err(error) => Outcome::Said(format!("No plan could be made: {error:#}.")),
        },
        Task::Renew { incident, digest } => match renew(state, desk, live, incident, digest).await {
            Ok(Some(digest)) => Outcome::Counts(digest),
            Ok(None) => Outcome::Said(
                "Things changed since the plan was made: look at the new one, and press again.".to_owned(),
            ),
            Err(error) => Outcome::Said(format!("The plan expired, and could not be made anew: {error:#}.")),
        },
    }
}

/// What is to be said to those who waited; clicks that count are counted in their order.
pub(super) async fn tell<S: Store, W: Workspace>(
    state: &mut State<S>,
    desk: &Desk<'_, W>,
    mut clicks: Vec<Click>,
    outcome: Outcome,
) -> Vec<Answered> {
    let new = match outcome {
        Outcome::Shown => return Vec::new(),
        Outcome::Said(sentence) => return all(&clicks, &sentence),
        Outcome::Counts(digest) => digest,
    };
    for click in &mut clicks {
        if let Button::Approve { digest, .. } = &mut click.button {
            digest.clone_from(&new);
        }
    }
    let mut answers = Vec::new();
    for batch in clicks.chunks(MOST) {
        answers.extend(decide(state, desk, batch).await.answers);
    }
    answers
}

/// The same to everybody.
pub(super) fn all(clicks: &[Click], sentence: &str) -> Vec<Answered> {
    let words = words::answer(sentence);
    let urls = clicks.iter().filter_map(|click| click.response_url.clone());
    urls.map(|response_url| Answered { response_url, words: words.clone() }).collect()
}

/// Makes one of the usual plans. What contains and what deletes is Stakeout's own: whoever asks for it has chosen nothing
/// in it, and may approve it as one of as many people as it needs. What takes back a containment is asked for by whoever
/// wants it.
async fn asked<S: Store, W>(
    state: &mut State<S>,
    desk: &Desk<'_, W>,
    live: &Live,
    (incident, aim): (&str, Aim),
    by: Person,
) -> Result<()> {
    let (ask, person) = match aim {
        Aim::Contain => (Ask::default(), Person::stakeout()),
        Aim::Undo => (Ask { undo: Some(Wanted::default()), ..Ask::default() }, by),
        Aim::Delete => (Ask { playbooks: vec![DELETES.to_owned()], ..Ask::default() }, Person::stakeout()),
    };
    let made = make(state, desk, live, person, incident, &ask).await;
    if aim == Aim::Contain {
        note(state, desk, incident, None, made.as_ref().err().map(|error| anyhow!("{error:#}"))).await?;
    }
    made.map(drop)
}

/// Makes an expired plan anew, where nobody did. Whoever asked for it still does. Returns the digest of the one that
/// does the same; none: it does something else, and the message shows it.
async fn renew<S: Store, W>(
    state: &mut State<S>,
    desk: &Desk<'_, W>,
    live: &Live,
    incident: &str,
    digest: &str,
) -> Result<Option<String>> {
    let old = respond::stored(state, digest).await?;
    if let Some((next, is_same)) = successor(state, &old, desk.now()).await {
        return Ok(is_same.then_some(next));
    }
    if view(&state.head().watch, incident).plan.is_none_or(|(shown, _)| shown != digest) {
        bail!("a newer plan is shown");
    }
    let by = state.head().watch.plans.get(digest).map(|planned| planned.requested_by.clone());
    let ask = match old.way {
        Way::Undo if old.scope.is_empty() => Ask { undo: Some(Wanted::default()), ..Ask::default() },
        Way::Undo => bail!("it takes back {} only; `stakeout plan {incident} --undo` makes it again", old.scope),
        // How narrow it was to be is not known any more.
        Way::Contain if by.as_ref().is_some_and(|by| !by.is_stakeout()) => {
            bail!("it was asked for at a command line; `stakeout plan {incident}` makes it again");
        }
        Way::Contain => Ask { playbooks: old.playbooks.clone(), ..Ask::default() },
    };
    let new = make(state, desk, live, by.unwrap_or_else(Person::stakeout), incident, &ask).await?;
    Ok(is_same(&old, &new).then_some(new.digest))
}

/// The plan that took the place of an expired one, and whether it does the same: what people said about that one holds.
/// One that is over and does something else took nobody's place.
pub(super) async fn successor<S: Store>(state: &State<S>, old: &Plan, now: Seconds) -> Option<(String, bool)> {
    let plans = &state.head().watch.plans;
    let made_at = plans.get(&old.digest)?.made_at;
    let is_later = |(digest, planned): &(&String, &Planned)| {
        **digest != old.digest
            && (planned.incident.as_str(), planned.way) == (old.incident.as_str(), old.way)
            && planned.made_at >= made_at
            && !approve::is_expired(planned, now)
    };
    let later = plans.iter().filter(is_later);
    let (digest, planned) = later.max_by_key(|(digest, planned)| (planned.made_at, *digest))?;
    let is_same = is_same(old, &respond::stored(state, digest).await.ok()?);
    (is_same || !planned.stage.is_over()).then(|| (digest.clone(), is_same))
}

/// Whether two plans do the same, whenever they were made.
fn is_same(old: &Plan, new: &Plan) -> bool {
    let again = Plan { attempt: old.attempt, ..new.clone() };
    again.digest_now() == old.digest_now() && new.refused == old.refused && !is_worse(old, new)
}

/// Whether what would break is told in another way, or as more than a tenth more.
fn is_worse(old: &Plan, new: &Plan) -> bool {
    let tells = |blast: &Blast| {
        let ways: Vec<String> = blast.alternatives.iter().map(|way| way.way.clone()).collect();
        (blast.principal.clone(), blast.credential.clone(), blast.verdict, ways)
    };
    let more = |(old, new): (&Blast, &Blast)| {
        new.would_have_refused > old.would_have_refused.saturating_add(old.would_have_refused / 10)
    };
    let (was, is) = (&old.blast_radius, &new.blast_radius);
    !was.iter().map(tells).eq(is.iter().map(tells)) || was.iter().zip(is).any(more)
}

/// Runs a plan that was approved, to its end, or to where it is stopped and left to a later run. Why it did not begin is in the record, for as long as it may begin.
///
/// # Errors
/// Why it did not run, or not to its end.
pub(super) async fn run<S: Store, W>(
    open: &impl AsyncFn() -> Result<State<S>>,
    desk: &Desk<'_, W>,
    live: &Live,
    plan: &Runnable,
    (abort, pauses): (&AtomicBool, bool),
) -> Result<()> {
    let way = if plan.is_undo { Way::Undo } else { Way::Contain };
    let wanted = Run { incident: &plan.incident, way, digest: Some(&plan.digest), wanted: None, pauses };
    let ran = respond::run(open().await?, &responder(desk, live, Person::stakeout()), &wanted, abort).await;
    let Err(error) = ran else { return Ok(()) };
    if error.is::<respond::Paused>() {
        return Ok(());
    }
    hinder(&mut open().await?, desk, plan, &format!("{error:#}")).await?;
    Err(error.context(format!("plan {} of {}", short(&plan.digest), plan.incident)))
}

/// How long to wait after a run failed so often: it may be that AWS does not answer for a while.
pub(super) fn wait(failures: u32) -> Seconds {
    grown(5, failures.saturating_sub(1), 300)
}
