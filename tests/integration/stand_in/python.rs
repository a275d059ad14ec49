//! Virtual environments of the stand-ins that are written in Python, made once and kept for later runs.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What a stand-in needs: a name, every package pinned, and the oldest Python 3 that it works with.
pub(super) struct Recipe {
    pub(super) name: &'static str,
    pub(super) requirements: &'static str,
    pub(super) minor: u8,
}

/// The interpreter with a stand-in's packages; none where the machine cannot have it. Where `CI` is `true` that is a
/// failure.
pub(super) fn interpreter(recipe: &Recipe) -> Option<PathBuf> {
    match environment(recipe) {
        Ok(folder) => Some(folder.join("bin/python")),
        Err(why) => {
            assert!(std::env::var("CI").ok().is_none_or(|ci| ci != "true"), "no {}: {why}", recipe.name);
            // Also seen where the runner keeps the output of tests that pass.
            drop(writeln!(std::io::stderr(), "skipped: no {}: {why}", recipe.name));
            None
        }
    }
}

/// Makes the environment under another name and renames it when it is whole. Tests are processes of their own that
/// begin together: the first one makes it, the others wait.
fn environment(recipe: &Recipe) -> Result<PathBuf, String> {
    let text = |error: std::io::Error| error.to_string();
    let kept = target().join("stand-ins");
    let digest = recipe
        .requirements
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let folder = kept.join(format!("{}-{digest:016x}", recipe.name));
    if folder.join("bin/python").exists() {
        return Ok(folder);
    }
    let minor = recipe.minor;
    let python = python(minor)
        .ok_or_else(|| format!("no Python 3.{minor} or newer with venv; name one with STAKEOUT_PYTHON"))?;
    fs::create_dir_all(&kept).map_err(text)?;
    let lock = File::create(kept.join(format!("{}.lock", recipe.name))).map_err(text)?;
    lock.lock().map_err(text)?;
    if folder.join("bin/python").exists() {
        return Ok(folder);
    }
    let draft = kept.join(format!("{}.draft", recipe.name));
    drop(fs::remove_dir_all(&draft));
    fs::create_dir_all(&draft).map_err(text)?;
    let requirements = draft.join("requirements.txt");
    fs::write(&requirements, recipe.requirements).map_err(text)?;
    // The interpreter of a virtual environment finds its packages from where it lies, so that a whole one can be moved.
    run(Command::new(&python).args(["-m", "venv"]).arg(draft.join("venv")))?;
    let mut install = Command::new(draft.join("venv/bin/python"));
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "-r"]);
    run(install.arg(&requirements))?;
    fs::rename(draft.join("venv"), &folder).map_err(text)?;
    drop(fs::remove_dir_all(&draft));
    Ok(folder)
}

/// The build's folder: a test binary lies in `deps` of a profile's folder in it.
fn target() -> PathBuf {
    let binary = std::env::current_exe().unwrap();
    binary.ancestors().nth(3).unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR"))).to_owned()
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("{command:?}: {error}"))?;
    let text = String::from_utf8_lossy(&output.stderr);
    if output.status.success() { Ok(()) } else { Err(format!("{command:?}: {}", text.trim())) }
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
