//! A workspace in memory, which fails as Slack does.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};

use crate::event::Seconds;
use crate::notify::slack::words::Words;
use crate::notify::slack::workspace::{Spot, Workspace};
use crate::notify::{Refused, Undelivered};

/// The mark of what has no blocks.
pub(super) const BARE: &str = "bare";

/// What happens to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::desk) enum Fault {
    /// 429 with `Retry-After`.
    Limited(Seconds),
    /// 500, or an answer that is no JSON: nothing was done.
    Failed,
    /// It was done, and the answer was lost.
    Unheard,
    /// It was not done, and no answer comes in time.
    Silent,
    /// It was done, and whoever asked dies before the answer comes.
    Deadly,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::desk) struct Message {
    pub channel: String,
    pub thread: Option<String>,
    pub mark: String,
    pub text: String,
    pub changes: usize,
}

#[derive(Default)]
pub(in crate::desk) struct Fake {
    /// By `ts`.
    pub messages: RefCell<BTreeMap<String, Message>>,
    /// What happens to the next calls; behind them all go well.
    pub faults: RefCell<VecDeque<Fault>>,
    /// Every call.
    pub calls: RefCell<Vec<String>>,
    pub answers: RefCell<Vec<(String, String)>>,
    pub groups: RefCell<BTreeMap<String, Vec<String>>>,
    /// The app may not read history.
    pub is_blind: bool,
    /// Messages that Slack has something against, by their mark.
    pub refused: RefCell<BTreeMap<String, Refused>>,
}

impl Fake {
    fn next(&self, what: String) -> Option<Fault> {
        self.calls.borrow_mut().push(what);
        self.faults.borrow_mut().pop_front()
    }

    /// Does something, as a fault lets it.
    async fn act<T>(&self, what: String, act: impl FnOnce() -> Result<T, Undelivered>) -> Result<T, Undelivered> {
        let fault = self.next(what);
        for _ in 0..3 {
            tokio::task::yield_now().await;
        }
        match fault {
            None => act(),
            Some(Fault::Limited(wait)) => {
                Err(Undelivered { retry_after: Some(wait), ..Undelivered::passing("ratelimited") })
            }
            Some(Fault::Failed) => Err(Undelivered::passing("status 500")),
            Some(Fault::Unheard) => act().and_then(|_| Err(Undelivered::passing("the connection broke"))),
            Some(Fault::Silent) => {
                super::pass(25);
                Err(Undelivered::passing("no answer in time"))
            }
            Some(Fault::Deadly) => {
                _ = act();
                std::future::pending().await
            }
        }
    }

    /// Marks of all messages, in the order in which they were posted.
    pub(super) fn marks(&self) -> Vec<String> {
        self.messages.borrow().values().map(|message| message.mark.clone()).collect()
    }

    pub(in crate::desk) fn count(&self, kind: &str) -> usize {
        self.calls.borrow().iter().filter(|call| call.starts_with(kind)).count()
    }

    pub(super) fn only(&self, mark: &str) -> (String, Message) {
        let messages = self.messages.borrow();
        let found: Vec<_> = messages.iter().filter(|(_, message)| message.mark == mark).collect();
        assert_eq!(found.len(), 1, "{mark}: {messages:?}");
        (found[0].0.clone(), found[0].1.clone())
    }
}

fn mark(words: &Words) -> String {
    let Some(first) = words.blocks.first() else { return BARE.to_owned() };
    let first = serde_json::to_value(first).unwrap();
    first["block_id"].as_str().unwrap().to_owned()
}

impl Workspace for Fake {
    async fn post(&self, spot: Spot<'_>, words: &Words) -> Result<String, Undelivered> {
        let mark = mark(words);
        self.act(format!("post {mark}"), || {
            if let Some(refused) = self.refused.borrow().get(&mark).copied() {
                let is_final = refused == Refused::Layout;
                return Err(Undelivered { refused: Some(refused), is_final, ..Undelivered::passing("refused") });
            }
            let mut messages = self.messages.borrow_mut();
            if let Some(thread) = spot.thread
                && !messages.contains_key(thread)
            {
                return Err(Undelivered::gone("thread_not_found"));
            }
            let ts = format!("1700000000.{:06}", self.calls.borrow().len());
            let (channel, thread) = (spot.channel.to_owned(), spot.thread.map(str::to_owned));
            messages.insert(ts.clone(), Message { channel, thread, mark, text: words.text.clone(), changes: 0 });
            Ok(ts)
        })
        .await
    }

    async fn update(&self, channel: &str, ts: &str, words: &Words) -> Result<(), Undelivered> {
        self.act(format!("update {}", mark(words)), || {
            let mut messages = self.messages.borrow_mut();
            let message = messages.get_mut(ts).filter(|message| message.channel == channel);
            let message = message.ok_or_else(|| Undelivered::gone("message_not_found"))?;
            message.text.clone_from(&words.text);
            message.changes += 1;
            Ok(())
        })
        .await
    }

    async fn find(&self, spot: Spot<'_>, mark: &str, _: Seconds) -> Result<Option<String>, Undelivered> {
        self.act(format!("find {mark}"), || {
            if self.is_blind {
                return Err(Undelivered::last("missing_scope"));
            }
            let messages = self.messages.borrow();
            let is_it = |message: &Message| message.mark == mark && message.thread.as_deref() == spot.thread;
            Ok(messages.iter().find(|(_, message)| is_it(message)).map(|(ts, _)| ts.clone()))
        })
        .await
    }

    async fn answer(&self, response_url: &str, words: &Words) -> Result<(), Undelivered> {
        self.act(format!("answer {response_url}"), || {
            self.answers.borrow_mut().push((response_url.to_owned(), words.text.clone()));
            Ok(())
        })
        .await
    }

    async fn members(&self, group: &str) -> Result<Vec<String>, Undelivered> {
        self.act(format!("members {group}"), || {
            let groups = self.groups.borrow();
            groups.get(group).cloned().ok_or_else(|| Undelivered::passing("no_such_subteam"))
        })
        .await
    }
}
