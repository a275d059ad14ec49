//! What is kept from one invocation to the next: settings with their secrets, connections, and what came in lately.

use std::cell::{Cell, RefCell};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use tokio::sync::OnceCell;
use tokio::time::{Instant, timeout};

use super::costs::Costs;
use crate::aws::Again;
use crate::cli::input::Extra;
use crate::cli::watch::setup::{Manner, Setup};
use crate::cli::{Voice, complain, now, state};
use crate::config::{Config, Revealed};
use crate::door::receive::Seen;
use crate::event::Seconds;
use crate::notify::slack::Names;
use crate::notify::slack::client::Client;
use crate::store::{AnyStore, Place, Remembered, State};

/// Settings and secrets are read anew after so long: whoever may no longer approve is not to wait for a new environment.
const FRESH: Seconds = 300;
/// The same after a failure, for which what is known stays good, and where a press says that a secret is another one.
const AGAIN: Seconds = 60;
/// The same where a secret could not be had.
const SOON: Seconds = 5;
/// For presses, what is known is good for so long.
const GOOD: Seconds = 3_600;
/// How long a request to the URL waits for what is new: Slack waits three seconds for the answer.
const HASTE: Duration = Duration::from_secs(1);

/// What the process keeps.
pub(super) struct Shop {
    /// Where the settings are, where the command line says so.
    path: Option<PathBuf>,
    /// The name of this function.
    function: String,
    pub voice: Voice,
    kept: RefCell<Option<Rc<Kept>>>,
    pub seen: RefCell<Seen>,
    pub costs: Costs,
    /// When messages last asked another invocation to tell Slack.
    pub handed_on: Cell<Option<Seconds>>,
    /// When this process last ended its work on messages.
    pub ended: Cell<Option<Instant>>,
    /// When a press last said that a secret is another one.
    doubted: Cell<Option<Seconds>>,
    again: OnceCell<Again>,
}

impl Shop {
    pub(super) fn new(path: Option<&Path>, function: String, voice: Voice) -> Self {
        Self {
            path: path.map(Path::to_owned),
            function,
            voice,
            kept: RefCell::default(),
            seen: RefCell::default(),
            costs: Costs::default(),
            handed_on: Cell::default(),
            ended: Cell::default(),
            doubted: Cell::default(),
            again: OnceCell::new(),
        }
    }

    /// This function, to be invoked by itself.
    pub(super) async fn again(&self) -> &Again {
        self.again.get_or_init(|| Again::of(self.function.clone())).await
    }

    /// The settings alone, read anew: what needs no secret and no state asks for neither.
    ///
    /// # Errors
    /// Settings that cannot be read.
    pub(super) async fn settings(&self) -> Result<Config> {
        Config::fetch(self.path.as_deref()).await
    }

    /// Settings and connections, made anew where they are old. Where that fails, those that are known go on for a while.
    ///
    /// # Errors
    /// Settings that cannot be read, and none are known.
    pub(super) async fn kept(&self) -> Result<Rc<Kept>> {
        self.renewed(false).await
    }

    /// The same for presses. One that waits for an answer waits for what is new only for a moment.
    ///
    /// # Errors
    /// Settings that cannot be read, and what is known is old.
    pub(super) async fn kept_for_presses(&self, is_waiting: bool) -> Result<Rc<Kept>> {
        let known = self.kept.borrow().clone().filter(|known| known.is_good());
        let kept = match known {
            Some(known) if is_waiting => {
                let new = timeout(HASTE, self.renewed(false)).await;
                new.unwrap_or_else(|_| {
                    known.later();
                    Ok(known)
                })
            }
            _ => self.renewed(false).await,
        }?;
        if !kept.is_good() {
            bail!("the settings could not be read anew for an hour: nothing is decided by those from before");
        }
        Ok(kept)
    }

    /// What is new where a press is signed with a secret that is not the one which is known. None where that was looked
    /// for a moment ago: whoever signs wrongly does not decide how often settings are read.
    ///
    /// # Errors
    /// Settings that cannot be read anew.
    pub(super) async fn kept_in_doubt(&self) -> Result<Option<Rc<Kept>>> {
        let now = now();
        if self.doubted.get().is_some_and(|at| (at..at.saturating_add(AGAIN)).contains(&now)) {
            return Ok(None);
        }
        self.doubted.set(Some(now));
        let new = timeout(HASTE, self.renewed(true)).await;
        new.map_err(|_| anyhow!("the settings could not be read anew within a second"))?.map(Some)
    }

    /// What is known while it is fresh and nobody doubts it; else what is new.
    async fn renewed(&self, is_doubted: bool) -> Result<Rc<Kept>> {
        let known = self.kept.borrow().clone();
        if let Some(known) = known.as_ref().filter(|known| known.is_fresh() && !is_doubted) {
            return Ok(Rc::clone(known));
        }
        // Where a secret is missing already, another one that is takes nothing away.
        let is_whole = known.as_ref().is_some_and(|known| known.is_whole());
        match (Kept::load(self.path.as_deref(), is_whole).await, known) {
            (Ok(new), _) => {
                let new = Rc::new(new);
                self.kept.replace(Some(Rc::clone(&new)));
                Ok(new)
            }
            (Err(error), Some(known)) => {
                complain(&format!("stakeout: the settings cannot be read anew, those from before go on: {error:#}"));
                known.later();
                Ok(known)
            }
            (Err(error), None) => Err(error),
        }
    }
}

/// Settings, and what is connected with them.
pub(super) struct Kept {
    pub config: Rc<Config>,
    place: Place,
    /// When they were read, and when they are read anew.
    since: Seconds,
    until: Cell<Seconds>,
    store: OnceCell<AnyStore>,
    remembered: Rc<RefCell<Remembered>>,
    setup: OnceCell<Setup>,
    client: OnceCell<Client>,
}

impl Kept {
    /// Reads settings and secrets, `whole` or with secrets that could not be had. Connects to nothing else.
    async fn load(path: Option<&Path>, whole: bool) -> Result<Self> {
        let config = super::settings(path).await?;
        if whole {
            super::check_secrets(&config)?;
        }
        let place = state::place(&config)?;
        let (since, fresh) = (now(), if config.missing_secrets().is_empty() { FRESH } else { SOON });
        Ok(Self {
            config: Rc::new(config),
            place,
            since,
            until: Cell::new(since.saturating_add(fresh)),
            store: OnceCell::new(),
            remembered: Rc::default(),
            setup: OnceCell::new(),
            client: OnceCell::new(),
        })
    }

    fn is_fresh(&self) -> bool {
        let now = now();
        (now..=now.saturating_add(FRESH)).contains(&self.until.get())
    }

    fn is_whole(&self) -> bool {
        self.config.missing_secrets().is_empty()
    }

    /// Read lately enough to prove presses, and to decide about them.
    fn is_good(&self) -> bool {
        now().abs_diff(self.since) < GOOD.unsigned_abs()
    }

    /// They could not be read anew at this moment.
    fn later(&self) {
        self.until.set(now().saturating_add(if self.is_whole() { AGAIN } else { SOON }));
    }

    /// What proves that a request is Slack's.
    ///
    /// # Errors
    /// It is not set, or cannot be had.
    pub(super) fn signing_secret(&self) -> Result<Revealed> {
        let secret = self.config.slack.signing_secret.as_ref();
        let secret = secret.context("slack.signing_secret is not set: nothing proves that a request is Slack's")?;
        secret.reveal().context("slack.signing_secret")
    }

    /// Opens the state, over a connection that is kept.
    ///
    /// # Errors
    /// A store that cannot be opened, or fails.
    pub(super) async fn open(&self) -> Result<State<AnyStore>> {
        let store = self.store.get_or_try_init(|| AnyStore::open(&self.place)).await?;
        Ok(State::open(store.another()?).await?.with(&self.remembered))
    }

    /// Rules, accounts and channels. Signs in where it did not yet.
    ///
    /// # Errors
    /// As [`Setup::new`].
    pub(super) async fn setup(&self, state: &State<AnyStore>, voice: Voice) -> Result<&Setup> {
        let manner = Manner { is_table: false, is_fed: true };
        let created = state.head().watch.created;
        self.setup.get_or_try_init(|| Setup::new(&self.config, Extra::default(), created, manner, voice)).await
    }

    /// Slack, where it is set up.
    ///
    /// # Errors
    /// A token that cannot be had, or TLS that cannot be set up.
    pub(super) async fn client(&self) -> Result<Option<&Client>> {
        if Names::of(&self.config.slack) == Names::default() {
            return Ok(None);
        }
        let connect = async || Client::connect(&self.config.slack).map_err(anyhow::Error::msg).context("slack");
        self.client.get_or_try_init(connect).await.map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_anew_soon_where_a_secret_is_missing_and_are_not_used_for_presses_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stakeout.toml");
        let write = |secret: &str| {
            let state = folder.path().join("state.db");
            let text = format!(
                "[state]\npath = {state:?}\n[slack]\nchannel = \"C0INCIDENT\"\ntoken = \"env:PATH\"\nsigning_secret = \"{secret}\"\n"
            );
            std::fs::write(&path, text).unwrap();
        };
        write("env:STAKEOUT_TEST_THAT_NOBODY_SETS");
        let shop = Shop::new(Some(&path), "stakeout".to_owned(), Voice { color: false, quiet: true });
        crate::cli::state::block_on(async {
            let first = shop.kept().await?;
            assert!(!first.is_whole() && first.signing_secret().is_err());
            assert!(first.until.get() <= now() + SOON && Rc::ptr_eq(&first, &shop.kept().await?));
            write("env:PATH");
            first.until.set(0);
            let second = shop.kept_for_presses(true).await?;
            assert!(second.is_whole() && second.until.get() > now() + AGAIN);
            // One that is missing later takes nothing away from what is known, for an hour.
            write("env:STAKEOUT_TEST_THAT_NOBODY_SETS");
            second.until.set(0);
            assert!(Rc::ptr_eq(&second, &shop.kept_for_presses(false).await?));
            assert!((now() + SOON..=now() + AGAIN).contains(&second.until.get()));
            let old = Kept {
                since: now() - GOOD,
                ..Rc::try_unwrap({
                    drop(shop.kept.take());
                    second
                })
                .ok()
                .unwrap()
            };
            shop.kept.replace(Some(Rc::new(old)));
            assert!(shop.kept_for_presses(true).await.is_err() && shop.kept_for_presses(false).await.is_err());
            assert!(shop.kept().await.is_ok(), "a pass does without");
            // Whoever signs wrongly has them read once a minute.
            write("env:PATH");
            assert!(shop.kept_in_doubt().await?.is_some_and(|kept| kept.is_good()));
            assert!(shop.kept_in_doubt().await?.is_none());
            Ok(())
        })
        .unwrap();
    }
}
