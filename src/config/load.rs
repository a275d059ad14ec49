//! The settings of this process: a file, or what AWS keeps, and the environment over it.

use std::fs::File;
use std::future::Future;
use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, Result, anyhow, bail};

use super::place::{self, Place};
use super::{Config, layers};
use crate::aws::kept::Kept;

/// Bytes that settings may have.
const MOST_BYTES: usize = 1 << 20;

impl Config {
    /// The settings of this process: of the place that `--config` names, or else of the first that is there. A place is a
    /// path, `ssm:NAME` or `s3://BUCKET/KEY`; for one in AWS this waits on a thread of its own.
    ///
    /// Relative paths in a file are relative to its folder, so that a cron job and a shell mean the same state; those in
    /// settings that AWS keeps are relative to the working directory.
    ///
    /// # Errors
    /// Where the settings cannot be read, or are larger than 1 MiB, or as [`Config::read`].
    pub(crate) fn load(path: Option<&Path>) -> Result<Self> {
        match place::find(path, |name| std::env::var_os(name))? {
            Some(Place::File(path)) => Self::of_file(&path),
            Some(remote) => apart(Self::of_remote(remote)),
            None => Self::read("", "", environment()?.into_iter()),
        }
    }

    /// The same inside of a runtime.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub(crate) async fn fetch(path: Option<&Path>) -> Result<Self> {
        match place::find(path, |name| std::env::var_os(name))? {
            Some(Place::File(path)) => Self::of_file(&path),
            Some(remote) => Self::of_remote(remote).await,
            None => Self::read("", "", environment()?.into_iter()),
        }
    }

    fn of_file(path: &Path) -> Result<Self> {
        let name = path.display().to_string();
        let read = || -> Result<String> {
            let mut bytes = Vec::new();
            File::open(path)?.take(MOST_BYTES as u64 + 1).read_to_end(&mut bytes)?;
            text(bytes)
        };
        let text = read().with_context(|| format!("reading the settings {name}"))?;
        let mut config = Self::read(&text, &name, environment()?.into_iter())?;
        config.resolve(path.parent().unwrap_or(Path::new("")));
        Ok(config)
    }

    async fn of_remote(place: Place) -> Result<Self> {
        let name = place.to_string();
        let kept = Kept::connect().await;
        let read = async {
            match &place {
                Place::Parameter(name) => Ok(kept.parameter(name).await?),
                Place::Object { bucket, key } => text(kept.object(bucket, key, MOST_BYTES).await?),
                Place::File(_) => bail!("it is a file"),
            }
        };
        let text = read.await.with_context(|| format!("reading the settings {name}"))?;
        Self::read(&text, &name, environment()?.into_iter())
    }
}

fn text(bytes: Vec<u8>) -> Result<String> {
    if bytes.len() > MOST_BYTES {
        bail!("they have more than {MOST_BYTES} bytes");
    }
    String::from_utf8(bytes).context("they are no UTF-8")
}

/// The variables that are settings.
fn environment() -> Result<Vec<(String, String)>> {
    let all = std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
    all.filter(|(name, _)| layers::is_setting(name))
        .map(|(name, value)| value.into_string().map(|value| (name.clone(), value)).map_err(|_| name))
        .collect::<Result<_, _>>()
        .map_err(|name| anyhow!("the variable {name} is no UTF-8"))
}

/// Waits on a thread of its own: the caller may be inside of a runtime, which cannot wait for another.
fn apart<T: Send>(work: impl Future<Output = Result<T>> + Send) -> Result<T> {
    let wait = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.context("cannot start to read the settings")?.block_on(work)
    };
    let waited = std::thread::scope(|scope| scope.spawn(wait).join());
    waited.unwrap_or_else(|_| Err(anyhow!("reading the settings failed")))
}
