//! Where the settings and the state are, when nobody says so.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

/// Where settings are read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    File(PathBuf),
    /// A parameter of the Parameter Store, by name or ARN.
    Parameter(String),
    /// An object of S3.
    Object {
        bucket: String,
        key: String,
    },
}

impl Place {
    /// `ssm:NAME` and `s3://BUCKET/KEY` are in AWS, everything else is a path. A file of such a name is reached by `./`.
    ///
    /// # Errors
    /// A place in AWS without a name, or a bucket without a key.
    pub(crate) fn parse(given: &Path) -> Result<Self> {
        let text = given.to_str().unwrap_or_default();
        if let Some(name) = text.strip_prefix("ssm:") {
            if name.is_empty() {
                bail!("{text:?} names no parameter; write ssm:NAME");
            }
            return Ok(Self::Parameter(name.to_owned()));
        }
        let Some(rest) = text.strip_prefix("s3://") else { return Ok(Self::File(given.to_owned())) };
        match rest.split_once('/') {
            Some((bucket, key)) if !bucket.is_empty() && !key.is_empty() && !key.ends_with('/') => {
                Ok(Self::Object { bucket: bucket.to_owned(), key: key.to_owned() })
            }
            _ => bail!("{text:?} names no object; write s3://BUCKET/KEY"),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Parameter(name) => write!(f, "ssm:{name}"),
            Self::Object { bucket, key } => write!(f, "s3://{bucket}/{key}"),
        }
    }
}

/// The settings: where they are named, or the first file that is there. None where there is none.
///
/// # Errors
/// As [`Place::parse`].
pub(super) fn find(named: Option<&Path>, variable: impl Fn(&str) -> Option<OsString>) -> Result<Option<Place>> {
    if let Some(named) = named {
        return Place::parse(named).map(Some);
    }
    if let Some(given) = variable("STAKEOUT_CONFIG").filter(|given| !given.is_empty()) {
        return Place::parse(Path::new(&given)).map(Some);
    }
    let absolute = |name: &str| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let folder = absolute("XDG_CONFIG_HOME").or_else(|| Some(std::env::home_dir()?.join(".config")));
    let usual = [Some(PathBuf::from("stakeout.toml")), folder.map(|folder| folder.join("stakeout/stakeout.toml"))];
    Ok(usual.into_iter().flatten().find(|path| path.exists()).map(Place::File))
}

/// `$XDG_STATE_HOME/stakeout`, else the same under `~/.local/state`. None where neither that nor a home is known.
pub(crate) fn state_folder() -> Option<PathBuf> {
    let given = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let state = given.or_else(|| Some(std::env::home_dir()?.join(".local/state")))?;
    Some(state.join("stakeout"))
}
