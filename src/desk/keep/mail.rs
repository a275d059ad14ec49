//! Answers that wait, and those that are on their way.

use std::pin::Pin;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::time::{sleep, timeout};

use super::outbox::{Letter, Outbox};
use super::rounds::is_soon;
use crate::desk::Desk;
use crate::desk::clicks::Answered;
use crate::notify::Undelivered;
use crate::notify::slack::workspace::Workspace;

/// Answers that are sent side by side, and how long one may take.
const ABREAST: usize = 8;
const ANSWER: Duration = Duration::from_secs(5);

/// One on its way, and what came of it.
type Sending<'m> = Pin<Box<dyn Future<Output = (Letter, Result<(), Undelivered>)> + 'm>>;

pub(super) struct Mail<'m, W> {
    desk: &'m Desk<'m, W>,
    say: fn(&str),
    outbox: Outbox,
    sending: FuturesUnordered<Sending<'m>>,
}

impl<'m, W: Workspace> Mail<'m, W> {
    pub(super) fn new(desk: &'m Desk<'m, W>, say: fn(&str)) -> Self {
        Self { desk, say, outbox: Outbox::default(), sending: FuturesUnordered::new() }
    }

    pub(super) fn push(&mut self, answered: Answered) {
        let said = self.outbox.push(answered, self.desk.now());
        said.iter().for_each(|said| (self.say)(said));
    }

    /// How many did not arrive yet.
    pub(super) fn len(&self) -> usize {
        self.outbox.len() + self.sending.len()
    }

    /// Whether nothing is on its way, and nothing goes out soon.
    pub(super) fn is_quiet(&self) -> bool {
        let now = self.desk.now();
        let is_due = |wait: u64| is_soon(now.saturating_add_unsigned(wait), now);
        self.sending.is_empty() && !self.outbox.wait(now).is_some_and(is_due)
    }

    /// Sends what may be sent, until one came to its end or another may begin. Nothing is lost where nobody waits for
    /// this to its end.
    pub(super) async fn go_on(&mut self) {
        while self.sending.len() < ABREAST
            && let Some(letter) = self.outbox.next(self.desk.now())
        {
            self.sending.push(Box::pin(send(self.desk.workspace, letter)));
        }
        let room = self.sending.len() < ABREAST;
        let wait = self.outbox.wait(self.desk.now()).filter(|_| room).map(|wait| Duration::from_secs(wait.max(1)));
        tokio::select! {
            Some((letter, sent)) = self.sending.next(), if !self.sending.is_empty() => self.ended(letter, sent),
            () = sleep(wait.unwrap_or_default()), if wait.is_some() => {}
            else => std::future::pending().await,
        }
    }

    fn ended(&mut self, letter: Letter, sent: Result<(), Undelivered>) {
        let said = match sent {
            Ok(()) => {
                self.outbox.arrived();
                None
            }
            Err(failure) => self.outbox.failed(letter, &failure, self.desk.now()),
        };
        said.iter().for_each(|said| (self.say)(said));
    }
}

async fn send<W: Workspace>(workspace: &W, letter: Letter) -> (Letter, Result<(), Undelivered>) {
    let Answered { response_url, words } = &letter.answered;
    let sent = timeout(ANSWER, workspace.answer(response_url, words)).await;
    let sent = sent.unwrap_or_else(|_| Err(Undelivered::passing("Slack did not answer in time")));
    (letter, sent)
}
