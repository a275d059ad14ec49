//! What a replay in two halves costs: CPU of `map` beside the first stage of `replay`, the size of parts beside their
//! input, and what `reduce` takes of CPU and memory, also over the parts of many organisations.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

use super::organisation::{Size, kept};
use super::{Cost, ROUNDS, STAKEOUT, add_files, median, run};

/// An organisation with as much life as the drill has, and a small one.
const FULL: Size = Size { accounts: 20, days: 30, noise: "1", missing: ["0", "0"], seed: 7 };
const SMALL: Size = Size { accounts: 20, days: 30, noise: "0.05", missing: ["0", "0"], seed: 7 };
/// Accounts without a story in an organisation: of a thousand organisations not all are under attack.
const QUIET: std::ops::Range<usize> = 10..20;

/// What each half took, and the whole with the CPU seconds until its first stage had ended.
struct Round {
    whole: Cost,
    first: f64,
    map: Cost,
    reduce: Cost,
}

/// One organisation, in rounds that alternate.
pub(crate) fn measure(is_quick: bool) {
    let (name, size) = if is_quick { ("bench-small", SMALL) } else { ("bench-full", FULL) };
    let logs = kept(name, &size).join("AWSLogs");
    let folder = logs.with_file_name("parts");
    fs::create_dir_all(&folder).unwrap();
    let part = folder.join("all.part");
    let (mut files, mut bytes) = (0, 0.0);
    add_files(&logs, &mut files, &mut bytes);
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let (whole, first) =
            staged(Command::new(STAKEOUT).args(["replay", "-q", "--format", "ndjson", "--threads", "1"]).arg(&logs));
        let map = run(Command::new(STAKEOUT).args(["map", "-q", "--threads", "1", "-o"]).arg(&part).arg(&logs));
        let reduce = run(Command::new(STAKEOUT).args(["reduce", "-q", "--format", "ndjson"]).arg(&part));
        rounds.push(Round { whole, first, map, reduce });
    }
    let of = |value: &dyn Fn(&Round) -> f64| median(rounds.iter().map(value).collect());
    let packed = fs::metadata(&part).unwrap().len() as f64;
    let (whole, first) = (of(&|round| round.whole.cpu), of(&|round| round.first));
    let (map, reduce) = (of(&|round| round.map.cpu), of(&|round| round.reduce.cpu));
    println!("\nhistory: {} accounts, {} days, {files} files, {:.0} MB of JSON", size.accounts, size.days, bytes / 1e6);
    println!("  parts       {:>8.2} MB   {:>6.2} % of the JSON", packed / 1e6, 100.0 * packed / bytes);
    println!("  replay      {whole:>8.2} s    {:>6.0} MB/s; its first stage {first:.2} s", bytes / 1e6 / whole);
    println!("  map         {map:>8.2} s    {:>6.2} of the first stage, {:.2} of replay", map / first, map / whole);
    println!(
        "  reduce      {reduce:>8.2} s    {:>6.2} of replay, {:.0} MB/s of parts",
        reduce / whole,
        packed / 1e6 / reduce
    );
    println!("  map+reduce  {:>8.2} s    {:>6.2} of replay", map + reduce, (map + reduce) / whole);
    let peak = |which: &dyn Fn(&Round) -> f64| rounds.iter().map(which).fold(0.0, f64::max);
    let peaks = [peak(&|round| round.whole.peak), peak(&|round| round.map.peak), peak(&|round| round.reduce.peak)];
    println!("  peak MiB: replay {:.0}, map {:.0}, reduce {:.0}", peaks[0], peaks[1], peaks[2]);
    fs::remove_file(part).unwrap();
}

/// Maps so many quiet organisations, one after the other, and reduces the parts of the first, of the first four and so on.
pub(crate) fn measure_memory(organisations: usize) {
    let size = Size { seed: 8, ..SMALL };
    let original = kept("bench-quiet", &size);
    let texts: Vec<(String, Vec<u8>)> = texts(&original);
    let json: usize = texts.iter().map(|(_, text)| text.len()).sum();
    let folder = std::env::temp_dir().join(format!("stakeout-bench-{}", std::process::id()));
    let parts = folder.join("parts");
    fs::create_dir_all(&parts).unwrap();
    println!("\nmemory of reduce over quiet organisations of {} accounts and {} days", QUIET.len(), size.days);
    println!(
        "{:>6} {:>9} {:>10} {:>9} {:>9} {:>9} {:>9}",
        "number", "accounts", "JSON GB", "parts MB", "CPU s", "wall s", "peak MiB"
    );
    let mut next = 1;
    for number in 0..organisations {
        let logs = folder.join("logs");
        texts.iter().for_each(|(key, text)| place(&logs, key, text, number));
        let part = parts.join(format!("{number:06}.part"));
        run(Command::new(STAKEOUT).args(["map", "-q", "-o"]).arg(&part).arg(&logs));
        fs::remove_dir_all(&logs).unwrap();
        if number + 1 == next || number + 1 == organisations {
            let cost = run(Command::new(STAKEOUT).args(["reduce", "-q", "--format", "ndjson"]).arg(&parts));
            let all: u64 = fs::read_dir(&parts).unwrap().map(|part| part.unwrap().metadata().unwrap().len()).sum();
            println!(
                "{:>6} {:>9} {:>10.2} {:>9.1} {:>9.2} {:>9.2} {:>9.0}",
                number + 1,
                (number + 1) * QUIET.len(),
                (number + 1) as f64 * json as f64 / 1e9,
                all as f64 / 1e6,
                cost.cpu,
                cost.wall,
                cost.peak
            );
            next *= 4;
        }
    }
    fs::remove_dir_all(folder).unwrap();
}

/// The logs of the quiet accounts of an organisation, unpacked.
fn texts(organisation: &Path) -> Vec<(String, Vec<u8>)> {
    let mut texts = Vec::new();
    for number in QUIET {
        let mut due = vec![super::organisation::logs(organisation, number)];
        while let Some(folder) = due.pop() {
            for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
                if path.is_dir() {
                    due.push(path);
                    continue;
                }
                let mut text = Vec::new();
                MultiGzDecoder::new(fs::File::open(&path).unwrap()).read_to_end(&mut text).unwrap();
                texts.push((path.strip_prefix(organisation).unwrap().to_str().unwrap().to_owned(), text));
            }
        }
    }
    texts
}

/// Writes a log as it would be in another organisation.
fn place(folder: &Path, key: &str, text: &[u8], number: usize) {
    let key = String::from_utf8(other(key.as_bytes(), number)).unwrap();
    let path: PathBuf = folder.join(key);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut out = GzEncoder::new(fs::File::create(path).unwrap(), Compression::new(1));
    out.write_all(&other(text, number)).unwrap();
    out.finish().unwrap();
}

/// The same bytes with other accounts and other ids of users, roles and keys: those of the organisation of a number below
/// a million.
fn other(bytes: &[u8], number: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let digits = format!("{number:06}");
    let mut at = 0;
    while at < bytes.len() {
        let run = bytes[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        // An account's id begins so; what tells accounts of one organisation apart is at its end.
        if run == 12 && matches!(bytes[at], b'2'..=b'4') {
            bytes[at + 1..at + 7].copy_from_slice(digits.as_bytes());
        } else if bytes[at..].starts_with(b"ORG0") {
            // Four digits that follow are the number of the account; the first three letters hold that of the organisation.
            let letters = [number / 676 % 26, number / 26 % 26, number % 26].map(|letter| b'A' + letter as u8);
            bytes[at..at + 3].copy_from_slice(&letters);
        }
        at += run.max(1);
    }
    bytes
}

/// Runs a replay, and gives what it took in all and the CPU seconds up to the end of its first stage: of the first thread as
/// long as it is alone, when it reads rules and lists objects as a map does, and of every other, as the first one judges.
fn staged(command: &mut Command) -> (Cost, f64) {
    let before = super::children_cpu();
    let begun = std::time::Instant::now();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    let first = child.id().to_string();
    let (mut threads, mut alone, mut peak) = (BTreeMap::new(), 0, 0.0);
    while child.try_wait().unwrap().is_none() {
        peak = super::resident(&child).unwrap_or(peak);
        for task in fs::read_dir(format!("/proc/{}/task", child.id())).into_iter().flatten().flatten() {
            let spent = fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
            if let Some(spent) = spent.split(' ').next().and_then(|spent| spent.parse::<u64>().ok()) {
                threads.insert(task.file_name(), spent);
            }
        }
        if threads.len() < 2 {
            alone = threads.values().sum();
        }
        thread::sleep(Duration::from_millis(5));
    }
    let others: u64 = threads.iter().filter(|(name, _)| **name != *first).map(|(_, spent)| spent).sum();
    let cost = Cost { cpu: super::children_cpu() - before, wall: begun.elapsed().as_secs_f64(), peak };
    (cost, (alone + others) as f64 / 1e9)
}
