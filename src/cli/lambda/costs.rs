//! What Cost Explorer said, in a folder that ends with the environment: it is put back from the state, and kept there.

use std::cell::{Cell, RefCell};
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use tokio::time::{Instant, timeout_at};

use crate::cli::Voice;
use crate::cli::watch::bills;
use crate::config::Config;
use crate::source::Bills;
use crate::source::explorer::{pack, unpack};
use crate::store::{AnyStore, State};
use crate::watch::COSTS;

/// What is known of costs in this environment.
#[derive(Debug, Default)]
pub(super) struct Costs {
    /// The blob that the folder is like.
    blob: RefCell<Option<String>>,
    /// There is more in the folder than in the state.
    is_ahead: Cell<bool>,
}

impl Costs {
    /// What is known of costs, and what is to be kept with the next pass. What fails is said: a pass does without.
    pub(super) async fn bills(&self, config: &Config, state: &State<AnyStore>) -> (Bills, Option<Vec<u8>>) {
        if !config.sources.cost_explorer {
            return (Bills::default(), None);
        }
        let folder = folder();
        let work = async {
            self.put_back(state).await?;
            let packed = if self.is_ahead.get() { Some(pack(&folder)?) } else { None };
            Ok((if folder.is_dir() { bills::known(&folder)? } else { Bills::default() }, packed))
        };
        match work.await {
            Ok(done) => done,
            Err(error) => (bills::told(Err(error)), None),
        }
    }

    /// Asks Cost Explorer for what is due, until a time, and gives what is to be kept where there is more than before.
    ///
    /// # Errors
    /// A folder that cannot be used.
    pub(super) async fn ask(&self, config: &Config, end: Instant, voice: Voice) -> Result<Option<Vec<u8>>> {
        if !config.sources.cost_explorer || Instant::now() >= end {
            return Ok(None);
        }
        let folder = folder();
        let asked = match timeout_at(end, bills::ask(config, &folder, voice)).await {
            Ok(asked) => asked?,
            // What was answered by then is there, and was paid for.
            Err(_) => {
                voice.remark("Cost Explorer did not answer everything in time; the next pass asks for the rest");
                true
            }
        };
        self.is_ahead.set(asked || self.is_ahead.get());
        if self.is_ahead.get() { Ok(Some(pack(&folder)?)) } else { Ok(None) }
    }

    /// Makes the folder what the state has, unless it has more.
    async fn put_back(&self, state: &State<AnyStore>) -> Result<()> {
        let Some(name) = state.head().watch.blobs.get(COSTS) else { return Ok(()) };
        if self.is_ahead.get() || self.blob.borrow().as_ref() == Some(name) {
            return Ok(());
        }
        let bytes = state.blob(name).await.context(COSTS)?;
        unpack(&folder(), &bytes)?;
        self.blob.replace(Some(name.clone()));
        Ok(())
    }

    /// A pass made what was to be kept true.
    pub(super) fn kept(&self, state: &State<AnyStore>) {
        self.is_ahead.set(false);
        self.blob.replace(state.head().watch.blobs.get(COSTS).cloned());
    }
}

/// The only place that a function may write to.
fn folder() -> PathBuf {
    std::env::temp_dir().join("stakeout-cost")
}
