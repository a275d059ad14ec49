//! Virtual environments of the stand-ins that are written in Python, made once and kept for later runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::kept::{kept, or_skipped, run};

/// What a stand-in needs: a name, every package pinned, and the oldest Python 3 that it works with.
pub(super) struct Recipe {
    pub(super) name: &'static str,
    pub(super) requirements: &'static str,
    pub(super) minor: u8,
}

/// The interpreter with a stand-in's packages; none where the machine cannot have it. Where `CI` is `true` that is a
/// failure.
pub(super) fn interpreter(recipe: &Recipe) -> Option<PathBuf> {
    let made = kept(recipe.name, recipe.requirements, "bin/python", |draft| environment(recipe, draft));
    or_skipped(recipe.name, made).map(|folder| folder.join("bin/python"))
}

/// Makes a virtual environment in a folder.
fn environment(recipe: &Recipe, draft: &Path) -> Result<PathBuf, String> {
    let minor = recipe.minor;
    let python = python(minor)
        .ok_or_else(|| format!("no Python 3.{minor} or newer with venv; name one with STAKEOUT_PYTHON"))?;
    let (requirements, made) = (draft.join("requirements.txt"), draft.join("venv"));
    fs::write(&requirements, recipe.requirements).map_err(|error| error.to_string())?;
    // The interpreter of a virtual environment finds its packages from where it lies, so that a whole one can be moved.
    run(Command::new(&python).args(["-m", "venv"]).arg(&made))?;
    let mut install = Command::new(made.join("bin/python"));
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "-r"]);
    run(install.arg(&requirements))?;
    Ok(made)
}

/// A Python that is new enough and works: one that is named, on the path, or among those of pyenv.
fn python(minor: u8) -> Option<PathBuf> {
    let named = std::env::var_os("STAKEOUT_PYTHON").map(PathBuf::from);
    let usual = ["python3.14", "python3.13", "python3.12", "python3"].map(PathBuf::from);
    let home = std::env::var_os("PYENV_ROOT").map(PathBuf::from);
    let home = home.or_else(|| std::env::home_dir().map(|home| home.join(".pyenv")));
    let mut pyenv: Vec<_> = home
        .and_then(|home| fs::read_dir(home.join("versions")).ok())
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok().map(|entry| entry.path().join("bin/python3")))
        .collect();
    pyenv.sort();
    let all: Vec<_> = named.into_iter().chain(usual).chain(pyenv.into_iter().rev()).collect();
    let works = |python: &PathBuf, minor: u8| {
        let check = format!("import sys, venv, ensurepip; sys.exit(sys.version_info < (3, {minor}))");
        run(Command::new(python).args(["-c", &check])).is_ok()
    };
    let found = all
        .iter()
        .find(|python| works(python, minor.max(12)))
        .or_else(|| all.iter().find(|python| works(python, minor)));
    found.cloned()
}
