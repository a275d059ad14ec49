//! What a replay of logs and of a bill costs, beside what `zcat` of the same files costs; and what it costs in two halves.
//!
//! `cargo bench --bench replay` on an idle machine; `-- --quick` for the smallest size only, `-- --history` for the two
//! halves alone, and `-- --organisations 64` for the memory of a reduce over so many. Logs are generated once,
//! under the target folder. CPU seconds are user and system, of a process and its children, to 10 ms.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark may panic, and prints its result")]

#[path = "replay/history.rs"]
mod history;
#[allow(dead_code, reason = "tests use the rest of it")]
#[path = "../tests/integration/scale/organisation.rs"]
mod organisation;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;

const STAKEOUT: &str = env!("CARGO_BIN_EXE_stakeout");
/// Rounds of which the median counts.
const ROUNDS: usize = 3;
/// Ticks of the kernel's CPU accounting in a second.
const TICKS: f64 = 100.0;

/// Logs to generate: how many GB of JSON, and the drill's volume and days that make about as much.
const SIZES: [(&str, &str, &str); 3] = [("0.1", "48", "1"), ("0.5", "85", "3"), ("2", "85", "12")];

/// Rows of the bill.
const BILL_ROWS: u32 = 1_000_000;

/// Logs on disk.
struct Logs {
    folder: PathBuf,
    files: usize,
    /// Unpacked bytes.
    bytes: f64,
    events: f64,
}

/// What one process used.
#[derive(Clone, Copy)]
struct Cost {
    cpu: f64,
    wall: f64,
    /// Greatest resident memory in MiB.
    peak: f64,
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    let quick = has("--quick");
    let cores = std::thread::available_parallelism().unwrap().get();
    println!("{ROUNDS} rounds, medians; {cores} cores\n");
    let organisations = arguments.iter().skip_while(|argument| *argument != "--organisations").nth(1);
    if let Some(count) = organisations {
        return history::measure_memory(count.parse().unwrap());
    }
    if has("--history") {
        return history::measure(quick);
    }
    println!(
        "{:>5} {:>6} {:>8} {:>10} | {:>8} | {:>8} {:>7} {:>7} {:>10} | {:>8} {:>7} {:>8} | {:>8}",
        "GB",
        "files",
        "JSON MB",
        "events",
        "zcat s",
        "1 thr. s",
        "to zcat",
        "MB/s",
        "events/s",
        "all s",
        "to zcat",
        "speed-up",
        "peak MiB"
    );
    for (name, noise, days) in SIZES.into_iter().take(if quick { 1 } else { SIZES.len() }) {
        measure(name, &logs(name, noise, days), cores);
    }
    measure_bill(&bill());
    history::measure(quick);
}

/// A bill of a million rows: packed beside `zcat`, read and judged.
fn measure_bill(folder: &Path) {
    let judge = || run(Command::new(STAKEOUT).args(["replay", "-q", "--format", "ndjson", "--cost"]).arg(folder));
    let rounds: Vec<[Cost; 2]> = (0..ROUNDS).map(|_| [zcat(folder), judge()]).collect();
    let [zcat, judged] = [0, 1].map(|which| median(rounds.iter().map(|round| round[which].cpu).collect()));
    let peak = rounds.iter().map(|[_, judged]| judged.peak).fold(0.0, f64::max);
    println!(
        "\n{BILL_ROWS} cost rows: zcat {zcat:.2} s, judged {judged:.2} s, {:.0} rows/s, {peak:.0} MiB",
        f64::from(BILL_ROWS) / judged
    );
}

/// Writes a bill unless an earlier run did: accounts with forty kinds of use over some months, each day seen three times.
fn bill() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-bill");
    let path = folder.join("bill.csv.gz");
    if path.exists() {
        return folder;
    }
    fs::create_dir_all(&folder).unwrap();
    let mut out = GzEncoder::new(fs::File::create(folder.join("unfinished")).unwrap(), Compression::fast());
    writeln!(out, "usage_date,seen_at,account,service,region,usage_type,record_type,amount").unwrap();
    let mut rng = fastrand::Rng::with_seed(1);
    let first = jiff::civil::date(2026, 1, 1);
    for row in 0..BILL_ROWS {
        let (sight, series, day) = (row % 3, row / 3 % 40, row / 120 % 200);
        let date = |days: u32| first.checked_add(jiff::Span::new().days(days)).unwrap();
        let (usage, seen, account) = (date(day), date(day + 1 + sight), 111_122_223_333 + u64::from(row / 24_000));
        let amount = f64::from(series + 1) * (0.9 + 0.2 * rng.f64());
        let service = ["AWSLambda", "EC2-Instances", "AmazonS3", "AmazonRDS"][series as usize % 4];
        writeln!(out, "{usage},{seen}T12:00:00Z,{account},{service},eu-west-1,use-{series},Usage,{amount:.4}").unwrap();
    }
    out.finish().unwrap();
    fs::rename(folder.join("unfinished"), path).unwrap();
    folder
}

/// Alternates the three commands, so that whatever else the machine does hits all of them, and prints a row.
fn measure(name: &str, logs: &Logs, cores: usize) {
    zcat(&logs.folder);
    let rounds: Vec<[Cost; 3]> =
        (0..ROUNDS).map(|_| [zcat(&logs.folder), replay(&logs.folder, 1), replay(&logs.folder, cores)]).collect();
    let of = |value: &dyn Fn(&[Cost; 3]) -> f64| median(rounds.iter().map(value).collect());
    let one = of(&|[_, one, _]| one.cpu);
    println!(
        "{name:>5} {:>6} {:>8.0} {:>10.0} | {:>8.2} | {one:>8.2} {:>7.2} {:>7.0} {:>10.0} | {:>8.2} {:>7.2} {:>8.2} | {:>8.0}",
        logs.files,
        logs.bytes / 1e6,
        logs.events,
        of(&|[zcat, ..]| zcat.cpu),
        of(&|[zcat, one, _]| one.cpu / zcat.cpu),
        logs.bytes / 1e6 / one,
        logs.events / one,
        of(&|[.., all]| all.cpu),
        of(&|[zcat, _, all]| all.cpu / zcat.cpu),
        of(&|[_, one, all]| one.wall / all.wall),
        rounds.iter().flatten().map(|cost| cost.peak).fold(0.0, f64::max),
    );
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn zcat(folder: &Path) -> Cost {
    let script = "find \"$0\" -name '*.gz' -print0 | xargs -0 zcat";
    run(Command::new("sh").args(["-c", script]).arg(folder))
}

fn replay(folder: &Path, threads: usize) -> Cost {
    run(Command::new(STAKEOUT)
        .args(["replay", "-q", "--format", "ndjson", "--threads", &threads.to_string()])
        .arg(folder))
}

/// Runs a command to its end, without its output.
fn run(command: &mut Command) -> Cost {
    let (start, before) = (Instant::now(), children_cpu());
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    let mut peak = 0.0;
    let status = loop {
        peak = resident(&child).unwrap_or(peak);
        match child.try_wait().unwrap() {
            Some(status) => break status,
            None => std::thread::sleep(Duration::from_millis(20)),
        }
    };
    assert!(matches!(status.code(), Some(0 | 1)), "{command:?}: {status}");
    Cost { cpu: children_cpu() - before, wall: start.elapsed().as_secs_f64(), peak }
}

/// CPU seconds of all children that ended, and of theirs.
fn children_cpu() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    // The name, in brackets, may hold anything; user and system time of children are 16th and 17th of all fields.
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let ticks: f64 = fields.split_whitespace().skip(13).take(2).map(|ticks| ticks.parse::<f64>().unwrap()).sum();
    ticks / TICKS
}

/// The greatest resident memory of a process so far, in MiB; nothing when it has ended.
fn resident(child: &Child) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<f64>().ok()? / 1024.0)
}

/// Generates logs, unless an earlier run did.
fn logs(name: &str, noise: &str, days: &str) -> Logs {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("bench-logs/{name}-{noise}-{days}"));
    // The drill writes this file last.
    if !folder.join("truth.json").exists() {
        drop(fs::remove_dir_all(&folder));
        let mut drill = Command::new(STAKEOUT);
        drill.args(["drill", "lambda-ddos-all-regions", "-q", "--noise", noise, "--days", days, "--out"]).arg(&folder);
        assert!(drill.status().unwrap().success());
    }
    let summary = Command::new(STAKEOUT).args(["replay", "-q", "--format", "ndjson"]).arg(&folder).output().unwrap();
    let summary = String::from_utf8(summary.stdout).unwrap();
    let summary: serde_json::Value = serde_json::from_str(summary.lines().last().unwrap()).unwrap();
    let (mut files, mut bytes) = (0, 0.0);
    add_files(&folder, &mut files, &mut bytes);
    Logs { folder, files, bytes, events: summary["read"].as_f64().unwrap() }
}

/// Counts packed files, and the unpacked bytes that their last four bytes tell.
fn add_files(folder: &Path, files: &mut usize, bytes: &mut f64) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            add_files(&path, files, bytes);
        } else if path.extension().is_some_and(|extension| extension == "gz") {
            let length = *fs::read(&path).unwrap().last_chunk::<4>().unwrap();
            *files += 1;
            *bytes += f64::from(u32::from_le_bytes(length));
        }
    }
}
