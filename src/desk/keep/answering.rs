//! Clicks become decisions as they come, and answers are sent.

use std::time::Duration;

use anyhow::Result;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::sync::mpsc::{Receiver, UnboundedReceiver};
use tokio::time::{Instant, sleep_until, timeout};

use super::mail::Mail;
use super::{Lines, Phase};
use crate::desk::Desk;
use crate::desk::clicks::{Answered, MOST, decide};
use crate::desk::people;
use crate::model::click::Click;
use crate::notify::slack::words;
use crate::notify::slack::workspace::Workspace;
use crate::store::{State, Store};

/// How long a shift waits for answers that do not arrive, when nothing else is left to do: whoever pressed sees the
/// message.
const WAITED: Duration = Duration::from_secs(3);
/// Clicks that wait until it is known who is in a group. More wait at the door.
const MOST_HELD: usize = 1_000;

/// Decides about clicks as they come, and sends the answers. Whoever is named by id does not wait until it is known who
/// is in a group.
pub(super) async fn answering<S, W, O>(
    desk: &Desk<'_, W>,
    open: &O,
    lines: &Lines<'_>,
    mut clicks: Receiver<Click>,
    mut to_say: UnboundedReceiver<Answered>,
) -> Result<()>
where
    S: Store,
    W: Workspace,
    O: AsyncFn() -> Result<State<S>>,
{
    let mut state = open().await?;
    let mut mail = Mail::new(desk, lines.say);
    let mut held: Vec<Click> = Vec::new();
    let mut asking = FuturesUnordered::new();
    let mut is_open = true;
    // Until when answers alone are waited for.
    let mut most: Option<Instant> = None;
    loop {
        let is_decided = !is_open && held.is_empty() && asking.is_empty();
        let is_waited = most.is_some_and(|most| Instant::now() >= most);
        lines.rounds.answered(is_decided && (mail.is_quiet() || is_waited));
        if is_decided && lines.pauses {
            most.get_or_insert_with(|| Instant::now() + WAITED);
        }
        let mut pressed = Vec::new();
        tokio::select! {
            biased;
            () = lines.until(Phase::Closing) => break,
            count = clicks.recv_many(&mut pressed, MOST), if is_open && held.len() < MOST_HELD => is_open = count > 0,
            Some(answered) = to_say.recv() => {
                mail.push(answered);
                most = None;
            }
            Some(()) = asking.next(), if !asking.is_empty() => {}
            () = mail.go_on() => {}
            () = sleep_until(most.unwrap_or_else(Instant::now)), if most.is_some() && !is_waited => {}
        }
        held.append(&mut pressed);
        // While it is asked who is in a group, that is not known.
        let (later, sure): (Vec<_>, Vec<_>) = held.into_iter().partition(|it| people::is_unknown(desk, it));
        held = later;
        if !held.is_empty() && asking.is_empty() {
            asking.push(people::ask(desk));
        }
        for batch in sure.chunks(MOST) {
            let decided = decide(&mut state, desk, batch).await;
            decided.answers.into_iter().for_each(|answered| mail.push(answered));
            for job in decided.jobs {
                // Who does them may have ended meanwhile.
                let late = lines.jobs.send(job).err().map(|unsent| unsent.0.clicks);
                late.iter().flatten().filter_map(stopping).for_each(|answered| mail.push(answered));
            }
            lines.changed();
        }
    }
    clicks.close();
    while let Ok(click) = clicks.try_recv() {
        held.push(click);
    }
    held.iter().filter_map(stopping).for_each(|answered| mail.push(answered));
    finish(mail, to_say, lines).await;
    Ok(())
}

/// What whoever pressed hears where nothing is done any more.
pub(super) fn stopping(click: &Click) -> Option<Answered> {
    let words = words::answer("Stakeout is stopping, and this was not done: press again when it is back.");
    Some(Answered { response_url: click.response_url.clone()?, words })
}

/// Sends what is left, for a short time.
async fn finish<W: Workspace>(mut mail: Mail<'_, W>, mut to_say: UnboundedReceiver<Answered>, lines: &Lines<'_>) {
    let rest = async {
        let mut is_open = true;
        while is_open || mail.len() > 0 {
            tokio::select! {
                answered = to_say.recv(), if is_open => match answered {
                    Some(answered) => mail.push(answered),
                    None => is_open = false,
                },
                () = mail.go_on(), if mail.len() > 0 => {}
            }
        }
    };
    if timeout(lines.last, rest).await.is_err() && mail.len() > 0 {
        (lines.say)(&format!("answers in Slack that could not be sent before the end: {}", mail.len()));
    }
}
