//! The door for the fuzzer: bytes as one log file through the whole replay.

use std::path::PathBuf;
use std::sync::OnceLock;

use crate::baseline::Baseline;
use crate::cost::Usual;
use crate::detect::Rules;
use crate::event::Seconds;
use crate::replay::map::{Mapper, Range};
use crate::replay::reduce::Reducer;
use crate::source::{Bills, Wanted, discover};

/// Unpacked size at which an object is given up, in bytes; small, so that bombs cost no time.
const LIMIT: u64 = 1 << 20;

/// Replays a file of these bytes.
///
/// # Panics
/// When the accounting does not close: that, and any other panic, is what the fuzzer looks for.
pub fn replay_bytes(bytes: &[u8]) {
    static RULES: OnceLock<Option<Rules>> = OnceLock::new();
    static FILE: OnceLock<PathBuf> = OnceLock::new();
    let file = FILE.get_or_init(|| std::env::temp_dir().join(format!("stakeout-fuzz-{}", std::process::id())));
    let Some(rules) = RULES.get_or_init(|| Rules::load(&[]).ok()) else { return };
    if std::fs::write(file, bytes).is_err() {
        return;
    }
    let Ok(objects) = discover(&[file.display().to_string()], &Wanted::default()) else { return };
    let Ok(mut reducer) = Reducer::new(rules, Baseline::default(), Usual::default()) else { return };
    let range = Range { start: Seconds::MIN, end: Seconds::MAX };
    Mapper::new(rules, range, LIMIT).map(&objects, &mut |part| reducer.add(part, false));
    let report = reducer.finish(&Bills::default(), range).report;
    let summary = report.summary;
    let accounted = summary.kept + summary.duplicate + summary.malformed + summary.not_a_log;
    assert_eq!(summary.read, accounted, "the accounting does not close");
}
