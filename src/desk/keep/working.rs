//! Plans are made and run: what the record wants, and what clicks asked for.

use std::cell::RefCell;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Result;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::time::sleep;

use super::answering::stopping;
use super::bench::{Again, Bench, Others};
use super::queue::Queue;
use super::rounds::Part;
use super::{LOOK, Lines, Office, Phase};
use crate::desk::clicks::{Answered, Job, Task};
use crate::desk::people::person;
use crate::desk::shown::{Runnable, runnable, unplanned};
use crate::desk::work;
use crate::event::Seconds;
use crate::model::approval::Person;
use crate::notify::slack::workspace::Workspace;
use crate::store::watched::Watched;
use crate::store::{State, Store};

/// Plans that are made side by side.
const PLANS: usize = 4;

/// Work that is under way, and what comes of it: its key, and why it failed.
type Under<'a> = Pin<Box<dyn Future<Output = (String, Result<()>)> + 'a>>;

/// Makes and runs plans. Whoever waits for one at the end is told to press again.
pub(super) async fn working<S, W, O>(
    office: &Office<'_, W, O>,
    lines: &Lines<'_>,
    mut to_do: UnboundedReceiver<Job>,
    answers: UnboundedSender<Answered>,
) -> Result<()>
where
    S: Store,
    W: Workspace,
    O: AsyncFn() -> Result<State<S>>,
{
    let abort = AtomicBool::new(false);
    let queue = RefCell::new(Queue::default());
    let mut state = (office.open)().await?;
    let (mut bench, mut others) = (Bench::default(), Others::default());
    let mut again = if lines.pauses { Again::of_shift() } else { Again::default() };
    let mut runs: FuturesUnordered<Under<'_>> = FuturesUnordered::new();
    let mut plans: FuturesUnordered<Under<'_>> = FuturesUnordered::new();
    loop {
        let (now, at) = (office.desk.now(), lines.rounds.at());
        look(office, &mut state).await;
        let watched = &state.head().watch;
        for plan in runnable(watched, now) {
            if bench.begins(&plan.digest, now) {
                runs.push(Box::pin(run(office, plan, (&abort, lines.pauses))));
            }
        }
        while plans.len() < PLANS {
            let begun = queue.borrow_mut().begin();
            let Some((task, first)) = begun else { break };
            let by = first.map_or_else(Person::stakeout, |user| person(&user));
            plans.push(Box::pin(job(office, (&queue, &answers), task, by)));
        }
        for (incident, revision) in unplanned(watched).into_iter().chain(again.due(watched, now)) {
            if plans.len() < PLANS && bench.begins(&incident, now) {
                plans.push(Box::pin(plan(office, incident, revision)));
            }
        }
        let is_idle = runs.is_empty() && plans.is_empty() && queue.borrow().is_empty();
        lines.rounds.looked(
            Part::Working,
            at,
            is_idle && !is_due(watched, &bench, now) && !others.may_be_dead(watched, now),
        );
        tokio::select! {
            biased;
            () = lines.until(Phase::Closing) => break,
            Some((key, ended)) = runs.next(), if !runs.is_empty() => over(office, lines, &mut bench, (&key, ended)),
            Some((key, ended)) = plans.next(), if !plans.is_empty() => over(office, lines, &mut bench, (&key, ended)),
            Some(wanted) = to_do.recv() => queue.borrow_mut().push(wanted),
            () = lines.work.notified() => {}
            () = sleep(LOOK) => {}
        }
    }
    drop(plans);
    leave(&mut queue.take(), &mut to_do, answers);
    abort.store(true, Ordering::Relaxed);
    finish(office, lines, &mut bench, runs).await;
    Ok(())
}

/// Lets runs come to the end of the steps that have begun.
async fn finish<W, O>(
    office: &Office<'_, W, O>,
    lines: &Lines<'_>,
    bench: &mut Bench,
    mut runs: FuturesUnordered<Under<'_>>,
) {
    if !runs.is_empty() {
        (office.say)("stopping after the steps that have begun");
    }
    while let Some((key, ended)) = runs.next().await {
        over(office, lines, bench, (&key, ended));
    }
}

/// Reads the record as it is, without what time has ended.
async fn look<S: Store, W, O>(office: &Office<'_, W, O>, state: &mut State<S>) {
    let seen = async {
        state.refresh().await?;
        work::tidy(state, office.desk).await
    };
    if let Err(error) = seen.await {
        (office.say)(&format!("the state: {error:#}"));
    }
}

/// Tells whoever waits to press again. Whoever sends the answers waits until there are no more.
fn leave(queue: &mut Queue, to_do: &mut UnboundedReceiver<Job>, answers: UnboundedSender<Answered>) {
    to_do.close();
    while let Ok(wanted) = to_do.try_recv() {
        queue.push(wanted);
    }
    queue.drain().iter().filter_map(stopping).for_each(|answered| _ = answers.send(answered));
    drop(answers);
}

/// Something ended: it is shown.
fn over<W, O>(office: &Office<'_, W, O>, lines: &Lines<'_>, bench: &mut Bench, (key, ended): (&str, Result<()>)) {
    bench.ended(key, ended.is_ok(), office.desk.now());
    if let Err(error) = ended {
        (office.say)(&format!("{error:#}"));
    }
    lines.changed();
}

/// Whether a plan that failed to run or to be made is tried again soon.
fn is_due(watched: &Watched, bench: &Bench, now: Seconds) -> bool {
    let plans = runnable(watched, now).into_iter().map(|plan| plan.digest);
    let incidents = unplanned(watched).into_iter().map(|(incident, _)| incident);
    plans.chain(incidents).any(|key| bench.is_soon(&key, now))
}

async fn run<S: Store, W, O: AsyncFn() -> Result<State<S>>>(
    office: &Office<'_, W, O>,
    plan: Runnable,
    stop: (&AtomicBool, bool),
) -> (String, Result<()>) {
    let ran = work::run(&office.open, office.desk, office.live, &plan, stop).await;
    (plan.digest, ran)
}

async fn plan<S: Store, W, O: AsyncFn() -> Result<State<S>>>(
    office: &Office<'_, W, O>,
    incident: String,
    revision: u32,
) -> (String, Result<()>) {
    let made = async { work::plan(&mut (office.open)().await?, office.desk, office.live, (&incident, revision)).await };
    let made = made.await;
    (incident, made)
}

/// Does what clicks asked for, for all who wait for it when it is done.
async fn job<S: Store, W: Workspace, O: AsyncFn() -> Result<State<S>>>(
    office: &Office<'_, W, O>,
    (queue, answers): (&RefCell<Queue>, &UnboundedSender<Answered>),
    task: Task,
    by: Person,
) -> (String, Result<()>) {
    let done = async {
        let mut state = (office.open)().await?;
        Ok((work::perform(&mut state, office.desk, office.live, &task, by).await, state))
    };
    let done: Result<_> = done.await;
    let clicks = queue.borrow_mut().take(&task);
    let answered = match done {
        Ok((outcome, mut state)) => work::tell(&mut state, office.desk, clicks, outcome).await,
        Err(error) => work::all(&clicks, &format!("This could not be done: {error:#}. Press again.")),
    };
    answered.into_iter().for_each(|answered| _ = answers.send(answered));
    queue.borrow_mut().ended(&task);
    (format!("{task:?}"), Ok(()))
}
