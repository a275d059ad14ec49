//! What stand-ins are made of, installed once and kept for later runs.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What is there, or none where the machine cannot have it. Where `CI` is `true` that is a failure.
pub(super) fn or_skipped(name: &str, made: Result<PathBuf, String>) -> Option<PathBuf> {
    match made {
        Ok(folder) => Some(folder),
        Err(why) => {
            assert!(std::env::var("CI").ok().is_none_or(|ci| ci != "true"), "no {name}: {why}");
            // Also seen where the runner keeps the output of tests that pass.
            drop(writeln!(std::io::stderr(), "skipped: no {name}: {why}"));
            None
        }
    }
}

/// The folder of a stand-in, with a file in it that a whole one has. `make` makes it in an empty folder and says which
/// folder in that is to be kept; it is renamed when it is whole. Tests are processes of their own that begin together:
/// the first one makes it, the others wait.
pub(super) fn kept(
    name: &str,
    recipe: &str,
    whole: &str,
    make: impl FnOnce(&Path) -> Result<PathBuf, String>,
) -> Result<PathBuf, String> {
    let text = |error: std::io::Error| error.to_string();
    let kept = target().join("stand-ins");
    let digest = recipe
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let folder = kept.join(format!("{name}-{digest:016x}"));
    if folder.join(whole).exists() {
        return Ok(folder);
    }
    fs::create_dir_all(&kept).map_err(text)?;
    let lock = File::create(kept.join(format!("{name}.lock"))).map_err(text)?;
    lock.lock().map_err(text)?;
    if folder.join(whole).exists() {
        return Ok(folder);
    }
    let draft = kept.join(format!("{name}.draft"));
    drop(fs::remove_dir_all(&draft));
    fs::create_dir_all(&draft).map_err(text)?;
    let made = make(&draft)?;
    fs::rename(made, &folder).map_err(text)?;
    drop(fs::remove_dir_all(&draft));
    Ok(folder)
}

/// The build's folder: a test binary lies in `deps` of a profile's folder in it.
fn target() -> PathBuf {
    let binary = std::env::current_exe().unwrap();
    binary.ancestors().nth(3).unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR"))).to_owned()
}

pub(super) fn run(command: &mut Command) -> Result<(), String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("{command:?}: {error}"))?;
    let text = String::from_utf8_lossy(&output.stderr);
    if output.status.success() { Ok(()) } else { Err(format!("{command:?}: {}", text.trim())) }
}
