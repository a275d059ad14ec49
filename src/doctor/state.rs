//! The memory of a watch: where it is, whether it can be written, how full it is, and when it was written last.

mod table;

use std::fs;
use std::path::Path;

use super::{Check, Room};
use crate::event::{Seconds, time};
use crate::store::head::FILLED;
use crate::store::{AnyStore, Head, Place, State};

const WHAT: &str = "state";
/// Passes that may be missing before somebody should look.
const MISSED: Seconds = 3;
/// The part of the head from which on it is told that it is full, in percent.
const FULL: usize = 80;

pub(super) async fn all(room: &Room<'_>) -> Vec<Check> {
    let place = match &room.place {
        Ok(place) => place,
        Err(why) => return vec![Check::fails(WHAT, why.clone()).mend("[state] path = \"...\"")],
    };
    let mut checks = Vec::new();
    match place {
        Place::File(path) => {
            let check = file(path);
            let is_bad = check.is_failure();
            checks.push(check);
            if is_bad {
                return checks;
            }
        }
        Place::Table { name, .. } => match room.live {
            Some(live) if !room.is_offline => checks.extend(table::all(&live.home(), name).await),
            _ => return vec![Check::note(WHAT, format!("{place}: not known without AWS"))],
        },
    }
    if place.is_missing() {
        checks.push(first_pass());
        return checks;
    }
    checks.extend(inside(room, place).await);
    checks
}

fn first_pass() -> Check {
    Check::note("last pass", "there was none yet").mend("stakeout watch --learn 30d --once")
}

/// What the state says of itself.
async fn inside(room: &Room<'_>, place: &Place) -> Vec<Check> {
    let store = match AnyStore::open(place).await {
        Ok(store) => store,
        Err(error) => return vec![Check::fails(WHAT, crate::model::chain(&error))],
    };
    match State::open(store).await {
        Ok(state) => vec![fullness(state.head()), last_pass(room, state.head())],
        // The right to read it, or the table itself, is told where it belongs.
        Err(error) if matches!(place, Place::Table { .. }) => {
            vec![Check::note(WHAT, format!("what is in it is not known: {}", crate::model::chain(&error)))]
        }
        Err(error) => vec![Check::fails(WHAT, crate::model::chain(&error))],
    }
}

/// Whether a file can be the state, without making it.
fn file(path: &Path) -> Check {
    let shown = path.display();
    let mend = format!("[state] path = \"...\" of a place of yours, or chown and chmod 700 {}", folder(path).display());
    if let Err(why) = writable(path) {
        return Check::fails(WHAT, format!("{shown}: {why}")).mend(mend);
    }
    match open_to_others(path) {
        Some(of) => {
            let told = format!("{shown}: others may write {of}, and with it what is usual and who approved");
            Check::fails(WHAT, told).mend(format!("chmod go-w {of}"))
        }
        None if path.exists() => Check::works(WHAT, format!("{shown}, which only its owner can write")),
        None => Check::works(WHAT, format!("{shown}, which the first pass makes")),
    }
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Whether a path can be written, or made: by the rights of the nearest thing above it that is there.
///
/// # Errors
/// Why not.
pub(super) fn writable(path: &Path) -> Result<(), String> {
    let there = path.ancestors().find(|above| above.as_os_str().is_empty() || above.exists());
    let there = there.filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let found = fs::metadata(there).map_err(|error| error.to_string())?;
    if there != path && !found.is_dir() {
        return Err(format!("{} is no folder", there.display()));
    }
    if found.is_file() {
        let opened = fs::OpenOptions::new().append(true).open(there);
        return opened.map(drop).map_err(|error| error.to_string());
    }
    // Nothing is made to find out; the test of a folder is its permissions.
    if may_write(&found) { Ok(()) } else { Err(format!("{} cannot be written", there.display())) }
}

/// Whether this process may write a folder, as far as owner and mode tell. Who is in its group is not looked up.
#[cfg(unix)]
fn may_write(folder: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let owner = fs::metadata("/proc/self").map(|own| own.uid());
    match owner {
        Ok(0) | Err(_) => !folder.permissions().readonly(),
        Ok(own) if own == folder.uid() => folder.mode() & 0o200 != 0,
        Ok(_) => folder.mode() & 0o022 != 0,
    }
}

#[cfg(not(unix))]
fn may_write(folder: &fs::Metadata) -> bool {
    !folder.permissions().readonly()
}

/// The file or its folder, where somebody else may write it.
#[cfg(unix)]
fn open_to_others(path: &Path) -> Option<String> {
    use std::os::unix::fs::PermissionsExt as _;
    /// Of group and others.
    const WRITE: u32 = 0o022;
    /// In such a folder only owners remove things.
    const STICKY: u32 = 0o1000;
    let is_open = |path: &Path| {
        let mode = fs::metadata(path).map_or(0, |found| found.permissions().mode());
        mode & WRITE != 0 && mode & STICKY == 0
    };
    let of = [path, folder(path)].into_iter().find(|path| is_open(path))?;
    Some(of.display().to_string())
}

#[cfg(not(unix))]
fn open_to_others(_: &Path) -> Option<String> {
    None
}

/// How full the head is, which has to fit one item.
fn fullness(head: &Head) -> Check {
    let bytes = serde_json::to_vec(head).map_or(0, |bytes| bytes.len());
    let part = bytes * 100 / FILLED;
    let told = format!("the head has {} of {} KB", bytes.div_ceil(1_000), FILLED / 1_000);
    let open = head.watch.incidents.values().filter(|known| known.closed.is_none()).count();
    if part >= FULL {
        let mend = "close incidents that are over: stakeout incidents, stakeout close";
        return Check::note(WHAT, format!("{told}, which is nearly full; {open} incidents are open")).mend(mend);
    }
    Check::works(WHAT, told)
}

/// Whether somebody still watches.
fn last_pass(room: &Room<'_>, head: &Head) -> Check {
    let what = "last pass";
    let Some(last) = head.watch.last_pass else { return first_pass() };
    let interval = room.config.watch.interval;
    let age = ((room.clock)() - last).max(0);
    let blind = head.watch.blind.iter().cloned().collect::<Vec<_>>().join(", ");
    let told = format!("{} ago", time::format_duration(age));
    if matches!(room.place, Ok(Place::Table { .. })) && age > interval * MISSED {
        // Where the state is a table, a schedule that the settings do not know says how often.
        let told = format!("{told}; how often its schedule asks for one is not in the settings");
        return Check::note(what, told)
            .mend("where that is too long: look at the schedule; stakeout doctor --function NAME does");
    }
    if age > interval * MISSED {
        let told = format!("{told}, which is more than {MISSED} intervals of {}", time::format_duration(interval));
        return Check::fails(what, told)
            .mend("start what runs it: the timer, the crontab line, the schedule, or stakeout serve");
    }
    if blind.is_empty() {
        return Check::works(what, told);
    }
    Check::note(what, format!("{told}; it was blind in {blind}")).mend("stakeout watch --once says why")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_state_that_others_may_write_is_none_of_ours() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/state.db");
        assert!(file(&path).line().contains("which the first pass makes"));
        assert!(!folder.path().join("deep").exists(), "nothing is made");
        fs::create_dir(folder.path().join("deep")).unwrap();
        fs::write(&path, b"x").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(!file(&path).is_failure(), "{}", file(&path).line());
        fs::set_permissions(folder.path().join("deep"), fs::Permissions::from_mode(0o777)).unwrap();
        assert!(file(&path).is_failure() && file(&path).line().contains("chmod go-w"), "{}", file(&path).line());
        let below = path.join("below.db");
        assert!(file(&below).line().contains("is no folder"), "{}", file(&below).line());
    }
}
