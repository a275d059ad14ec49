//! An organisation with stories in it, as CloudTrail delivers it to one bucket.
//!
//! Below its folder are `AWSLogs/o-scale/ACCOUNT/...`, late and repeated as deliveries are; `exports/`, what people carried
//! out of it, without a time of delivery and in other forms; and `damaged/`, which cannot be read whole.
//!
//! The account with the number 0 has the founding story, and its intruder goes on by roles to the accounts 5 and 6. Number 1
//! has the founding story again, 2 and 3 a missing key, 4 and 9 the benign twins. The first seven know one management
//! account; every other has one of its own.

#[path = "organisation/chain.rs"]
mod chain;
#[path = "organisation/spoil.rs"]
mod spoil;

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use fastrand::Rng;
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use jiff::Span;
use jiff::civil::DateTime;

/// Raised with every change of what is made: what an earlier version left is not used.
const VERSION: u32 = 1;
/// Drills that are played at the same time.
const ABREAST: usize = 2;
/// The accounts of every drill: its own, its management account, and a vendor.
const OWN: &str = "111122223333";
const OTHERS: [&str; 2] = ["999988887777", "777788889999"];
/// The accounts with smaller numbers know one management account and one vendor.
const JOINED: usize = 7;
const FOUNDING: &str = "lambda-ddos-all-regions";

/// How much of an organisation.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    pub accounts: usize,
    pub days: u32,
    /// Volume of bursts and routines in the life of an account.
    pub noise: &'static str,
    /// Share of the records of ordinary life that is left out, in accounts with a story and without one.
    pub missing: [&'static str; 2],
    /// Other seeds make others of the same kind.
    pub seed: u64,
}

/// About 90 MB of JSON.
pub(crate) const MODERATE: Size = Size { accounts: 20, days: 30, noise: "0.05", missing: ["0.5", "0.75"], seed: 1 };

/// The organisation of the tests. It is made once, and kept in the target folder.
pub(crate) fn organisation() -> &'static Path {
    static MADE: OnceLock<PathBuf> = OnceLock::new();
    MADE.get_or_init(|| kept("organisation", &MODERATE))
}

/// An organisation below the target folder, made where it is not there yet.
pub(crate) fn kept(name: &str, size: &Size) -> PathBuf {
    let Size { accounts, days, noise, missing: [told, quiet], seed } = size;
    let all = format!("{name}-{VERSION}-{accounts}-{days}-{noise}-{told}-{quiet}-{seed}");
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join(all);
    if !place.is_dir() {
        // Whoever is first puts it in its place; another process that makes the same throws it away.
        let draft = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        make(draft.path(), size);
        if fs::rename(draft.path(), &place).is_ok() {
            _ = draft.keep();
        }
    }
    assert!(place.is_dir(), "{} is there", place.display());
    place
}

/// Makes one in an empty folder. Equal sizes give equal bytes.
pub(crate) fn make(folder: &Path, size: &Size) {
    let next = AtomicUsize::new(0);
    let truths = std::thread::scope(|scope| {
        let work = || {
            let mut truths = Vec::new();
            while let Some(number) = Some(next.fetch_add(1, Ordering::Relaxed)).filter(|n| *n < size.accounts) {
                truths.push((number, play(folder, size, number)));
            }
            truths
        };
        let workers: Vec<_> = (0..ABREAST).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect::<Vec<_>>()
    });
    if let Some((_, truth)) = truths.iter().find(|(number, _)| *number == 0).filter(|_| size.accounts >= JOINED) {
        chain::tell(folder, truth);
    }
    spoil::exports(folder);
    spoil::damaged(folder);
}

/// The id of an account by its number.
pub(crate) fn account(number: usize) -> String {
    format!("2{:011}", 10_203_040_506 + 7_919 * number)
}

/// A text of a drill, as it would be of another account.
pub(crate) fn renamed(text: &str, number: usize) -> String {
    Names::of(number, 0).apply(text.as_bytes().to_vec())
}

/// The folder of an account's logs.
pub(crate) fn logs(folder: &Path, number: usize) -> PathBuf {
    folder.join("AWSLogs/o-scale").join(account(number)).join("CloudTrail")
}

/// Scenario of an account, and whether it is the benign twin.
fn story(number: usize) -> (&'static str, bool) {
    match number {
        0 | 1 => (FOUNDING, false),
        2 | 3 => ("missing-key", false),
        4 => (FOUNDING, true),
        9 => ("missing-key", true),
        _ => ("ordinary", false),
    }
}

/// Plays the drill of one account into the organisation. Gives the truth about it.
fn play(folder: &Path, size: &Size, number: usize) -> serde_json::Value {
    let (name, is_twin) = story(number);
    let drill = tempfile::tempdir_in(folder).unwrap();
    let seed = (size.seed * 1_000 + number as u64).to_string();
    let mut command = Command::new(env!("CARGO_BIN_EXE_stakeout"));
    command.args(["drill", name, "--quiet", "--batch", "24h", "--seed", &seed, "--days", &size.days.to_string()]);
    command.args(["--noise", size.noise, "--missing", size.missing[usize::from(name == "ordinary")]]);
    command.args(is_twin.then_some("--twin")).arg("--out").arg(drill.path()).stdin(Stdio::null());
    assert!(command.env_remove("STAKEOUT_CONFIG").status().unwrap().success());
    let names = Names::of(number, size.seed);
    let mut rng = Rng::with_seed(size.seed ^ (number as u64) << 32);
    for path in files(&drill.path().join("AWSLogs")) {
        let key = names.apply(path.strip_prefix(drill.path()).unwrap().to_str().unwrap().into());
        let key = key.replacen("AWSLogs/", "AWSLogs/o-scale/", 1);
        let packed = gzip(names.apply(gunzip(&fs::read(&path).unwrap())).as_bytes());
        for key in deliveries(&key, &mut rng) {
            write(&folder.join(key), &packed);
        }
    }
    serde_json::from_str(&names.apply(fs::read(drill.path().join("truth.json")).unwrap())).unwrap()
}

/// What stands for what in an account: both are of one length.
struct Names(Vec<(&'static str, String)>);

impl Names {
    fn of(number: usize, seed: u64) -> Self {
        let others = if number < JOINED { 1 } else { 10 + number };
        let mut names = vec![(OWN, account(number))];
        for (place, other) in (3..).zip(OTHERS) {
            names.push((other, format!("{place}{:011}", 10_203_040_506 + 104_729 * others)));
        }
        // Ids of users, roles and keys all hold this word. The same name in two accounts has two ids.
        names.push(("EXAMPLE", format!("ORG{:04}", (seed * 100 + number as u64) % 10_000)));
        Self(names)
    }

    fn apply(&self, bytes: Vec<u8>) -> String {
        let text = String::from_utf8(bytes).unwrap();
        self.0.iter().fold(text, |text, (old, new)| text.replace(old, new))
    }
}

/// Under which keys a file is delivered: most once and in time, some late, and some once more, a day later or so late that
/// nobody remembers the first.
fn deliveries(key: &str, rng: &mut Rng) -> Vec<String> {
    if !key.contains("_CloudTrail_") {
        return vec![key.to_owned()];
    }
    match rng.u8(0..100) {
        0..2 => vec![later(key, rng.i64(20..100), 'l')],
        2..5 => vec![key.to_owned(), later(key, 24, 'd')],
        5..6 => vec![key.to_owned(), later(key, 24 * 6, 'w')],
        _ => vec![key.to_owned()],
    }
}

/// The key of a file that is delivered some hours later.
fn later(key: &str, hours: i64, mark: char) -> String {
    let (folders, name) = key.rsplit_once('/').unwrap();
    let parts: Vec<_> = name.split('_').collect();
    let at = DateTime::strptime("%Y%m%dT%H%MZ", parts[3]).unwrap().checked_add(Span::new().hours(hours)).unwrap();
    let folders: Vec<_> = folders.split('/').collect();
    let folders = folders[..folders.len() - 3].join("/");
    let (time, day) = (at.strftime("%Y%m%dT%H%MZ"), at.strftime("%Y/%m/%d"));
    format!("{folders}/{day}/{}_{}_{}_{time}_{mark}{}", parts[0], parts[1], parts[2], parts[4])
}

/// The key of a log file of an account.
fn log_key(account: &str, region: &str, at: DateTime, mark: &str) -> String {
    let (time, day) = (at.strftime("%Y%m%dT%H%MZ"), at.strftime("%Y/%m/%d"));
    let folders = format!("AWSLogs/o-scale/{account}/CloudTrail/{region}/{day}");
    format!("{folders}/{account}_CloudTrail_{region}_{time}_{mark}.json.gz")
}

fn write(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn gunzip(bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    MultiGzDecoder::new(bytes).read_to_end(&mut text).unwrap();
    text
}

/// Every file below a folder, sorted.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let (mut files, mut due) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = due.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { due.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    files
}
