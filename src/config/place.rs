//! Where the settings file and the state are, when nobody says so.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

/// The settings file: the one that is named, or the first that is there. None where there is none.
///
/// # Errors
/// Where `STAKEOUT_CONFIG` names something that only Lambda reads.
pub(super) fn find(named: Option<&Path>, variable: impl Fn(&str) -> Option<OsString>) -> Result<Option<PathBuf>> {
    if let Some(path) = named {
        return Ok(Some(path.to_owned()));
    }
    if let Some(given) = variable("STAKEOUT_CONFIG").filter(|given| !given.is_empty()) {
        let text = given.to_string_lossy();
        if text.starts_with("ssm:") || text.starts_with("s3://") {
            bail!("STAKEOUT_CONFIG is {text}, which is read in Lambda only; name a file here");
        }
        return Ok(Some(PathBuf::from(given)));
    }
    let absolute = |name: &str| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let folder = absolute("XDG_CONFIG_HOME").or_else(|| Some(std::env::home_dir()?.join(".config")));
    let usual = [Some(PathBuf::from("stakeout.toml")), folder.map(|folder| folder.join("stakeout/stakeout.toml"))];
    Ok(usual.into_iter().flatten().find(|path| path.exists()))
}

/// `$XDG_STATE_HOME/stakeout`, else the same under `~/.local/state`. None where neither that nor a home is known.
pub(crate) fn state_folder() -> Option<PathBuf> {
    let given = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let state = given.or_else(|| Some(std::env::home_dir()?.join(".local/state")))?;
    Some(state.join("stakeout"))
}
