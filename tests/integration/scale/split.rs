//! Parts in any order are a replay.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use fastrand::Rng;

use super::organisation::{MODERATE, Size, kept};
use crate::harness::{Drill, Run, command, files, finish, replay, root, stakeout};

/// Fewer days than the usual one: what is tested here is how it is cut.
const SMALL: Size = Size { accounts: 9, days: 16, ..MODERATE };

fn small() -> PathBuf {
    kept("organisation-small", &SMALL)
}

/// Maps files, given on standard input, to a part.
fn map(files: &[PathBuf], part: &Path, more: &[&str]) -> Run {
    let list: String = files.iter().map(|file| format!("{}\n", file.display())).collect();
    let mut map = command(["map", "--quiet", "--from", "-", "--output"]);
    map.arg(part).args(more);
    finish(map, list.as_bytes())
}

fn reduce<P: AsRef<Path>>(parts: impl IntoIterator<Item = P>, more: &[&str]) -> Run {
    let mut reduce = command(["reduce", "--quiet"]);
    // A share of the groups is not told.
    reduce.args(if more.contains(&"--share") { &[][..] } else { &["--format", "ndjson"] });
    parts.into_iter().for_each(|part| _ = reduce.arg(part.as_ref()));
    reduce.args(more);
    finish(reduce, b"")
}

/// The same bytes and status.
#[track_caller]
fn same(run: &Run, expected: &Run, why: &str) {
    let differs = run.stdout.lines().zip(expected.stdout.lines()).find(|(a, b)| a != b);
    let short = |line: &str| line.chars().take(600).collect::<String>();
    assert!(run.stdout == expected.stdout, "{why}: {:#?} {}", differs.map(|(a, b)| [short(a), short(b)]), run.stderr);
    assert_eq!(run.status, expected.status, "{why}: {}", run.stderr);
}

/// Cuts files into shares at random and maps each. Gives the parts in random order, one of them twice.
fn cut(all: &[PathBuf], count: usize, seed: u64, folder: &Path, more: &[&str]) -> Vec<PathBuf> {
    let mut rng = Rng::with_seed(seed);
    let mut shares = vec![Vec::new(); count];
    for file in all {
        shares[rng.usize(..count)].push(file.clone());
    }
    let threads = ["1", "2", "5"];
    let mut parts = Vec::new();
    for (number, mut share) in shares.into_iter().enumerate() {
        rng.shuffle(&mut share);
        let part = folder.join(format!("{count}-{number}.part"));
        let run = map(&share, &part, &[&["--threads", threads[number % 3]], more].concat());
        assert!(run.status < 2, "{}", run.stderr);
        parts.push(part);
    }
    let twice = folder.join(format!("{count}-again.part"));
    fs::copy(&parts[rng.usize(..count)], &twice).unwrap();
    parts.push(twice);
    rng.shuffle(&mut parts);
    parts
}

#[test]
fn any_split_of_an_organisation_is_its_replay() {
    let organisation = small();
    let all = files(&organisation);
    let expected = replay([&organisation]);
    assert_eq!(expected.status, 3, "the damaged files are told: {}", expected.stderr);
    assert!(expected.incidents().len() >= 4, "{:?}", expected.incidents());
    let folder = tempfile::tempdir().unwrap();
    for count in [1, 7, 100] {
        let parts = cut(&all, count, count as u64, folder.path(), &[]);
        same(&reduce(&parts, &[]), &expected, &format!("{count} parts"));
    }
    let parts: Vec<_> = (0..7).map(|number| folder.path().join(format!("7-{number}.part"))).collect();
    let judged = folder.path().join("judged");
    fs::create_dir(&judged).unwrap();
    for share in ["3/3", "1/3", "2/3"] {
        let output = judged.join(format!("{}.part", &share[..1]));
        let run = reduce(&parts, &["--share", share, "--output", output.to_str().unwrap()]);
        assert!([0, 3].contains(&run.status) && run.stdout.is_empty(), "{}", run.stderr);
    }
    same(&reduce([&judged], &[]), &expected, "judged in three shares");
    fs::remove_file(judged.join("2.part")).unwrap();
    let run = reduce([&judged], &[]);
    assert!(run.status == 3 && run.stdout.contains("no part holds this share of the groups"), "{}", run.stdout);
}

#[test]
fn shares_of_one_listing_are_its_replay_whatever_is_asked() {
    let organisation = small();
    let tree = organisation.join("AWSLogs");
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("rules");
    fs::create_dir(&rules).unwrap();
    fs::write(rules.join("mine.yml"), MINE).unwrap();
    let prices = folder.path().join("prices.csv");
    fs::write(&prices, "c5.large,1.5\n").unwrap();
    let options: Vec<String> = [
        ["--start", "2026-09-08T06:00:00Z"],
        ["--end", "2026-09-15T00:00:00Z"],
        ["--rules", rules.to_str().unwrap()],
        ["--prices", prices.to_str().unwrap()],
    ]
    .concat()
    .into_iter()
    .map(str::to_owned)
    .collect();
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let run = |command_line: &[&str]| stakeout(command_line);
    let tree = tree.to_str().unwrap();
    let baseline = |name: &str| folder.path().join(name).display().to_string();
    let (first, second) = (baseline("first"), baseline("second"));
    let expected =
        run(&[&["replay", "--quiet", "--format", "ndjson", tree, "--save-baseline", &first], &options[..]].concat());
    assert!(expected.stdout.contains("Anybody asks who it is"), "the rule fires");
    for number in 1..=3 {
        let (share, part) = (format!("{number}/3"), folder.path().join(format!("{number}.part")));
        let line = ["map", "--quiet", tree, "--share", &share, "-o", part.to_str().unwrap()];
        assert_eq!(run(&[&line, &options[..]].concat()).status, 0);
    }
    let parts = |numbers: &[u32]| -> Vec<PathBuf> {
        numbers.iter().map(|number| folder.path().join(format!("{number}.part"))).collect()
    };
    let with = &options[4..];
    same(&reduce(parts(&[3, 1, 2]), &[with, &["--save-baseline", &second]].concat()), &expected, "with a baseline");
    same(&reduce([folder.path()], with), &expected, "by their folder");
    assert!(fs::read(&first).unwrap() == fs::read(&second).unwrap(), "what was learned");
    let again = run(&[&["replay", "--quiet", "--format", "ndjson", tree, "--baseline", &first], &options[..]].concat());
    same(&reduce(parts(&[1, 2, 3]), &[with, &["--baseline", &second]].concat()), &again, "from a baseline");

    let missing = reduce(parts(&[1, 3]), with);
    assert!(missing.status == 3 && missing.skipped().iter().any(|(path, _)| path.starts_with("share 2/3")));
    for (more, why) in [(&options[4..6], "with other prices"), (&options[6..], "with other rules")] {
        let run = reduce(parts(&[1]), more);
        assert!(run.status == 2 && run.stderr.contains("1.part") && run.stderr.contains(why), "{}", run.stderr);
    }
    let other = folder.path().join("other.part");
    let line = ["map", "--quiet", tree, "-o", other.to_str().unwrap(), "--share", "1/50"];
    assert_eq!(run(&[&line, with].concat()).status, 0);
    let run = reduce([parts(&[1]), vec![other]].concat(), with);
    assert!(run.status == 2 && run.stderr.contains("for another time"), "{}", run.stderr);
    assert_eq!(reduce(parts(&[4]), with).status, 2, "a part that is not there");
}

/// A rule that fires often.
const MINE: &str = "title: Anybody asks who it is\nid: 7d1d6a52-6e3e-4d3c-9d38-0d6f6f0a1b01\nlevel: low\n\
                    logsource: {product: aws, service: cloudtrail}\n\
                    detection:\n  asks: {eventSource: sts.amazonaws.com, eventName: GetCallerIdentity}\n  condition: asks\n";

#[test]
fn equal_tasks_write_equal_parts_and_nothing_else() {
    let organisation = small();
    let all = files(&organisation);
    let folder = tempfile::tempdir().unwrap();
    let [one, other] = ["one.part", "other.part"].map(|name| folder.path().join(name));
    let list: String = all.iter().map(|file| format!("{}\0", file.display())).collect();
    let mut loud = command(["map", "--threads", "1", "--from", "-", "--output"]);
    loud.arg(&one);
    let loud = finish(loud, list.as_bytes());
    assert_eq!(loud.status, 1, "damaged files");
    let mut shuffled = all.clone();
    Rng::with_seed(5).shuffle(&mut shuffled);
    assert_eq!(map(&shuffled, &other, &["--threads", "6"]).status, 1);
    assert!(fs::read(&one).unwrap() == fs::read(&other).unwrap(), "threads and order change nothing");
    assert_eq!(files(folder.path()).len(), 2, "no draft is left");
    let size = fs::metadata(&one).unwrap().len();
    let told = loud.stderr.lines().find_map(|line| line.split_once(" bytes of JSON; the part has ")).unwrap();
    let json: u64 = told.0.rsplit(' ').next().unwrap().parse().unwrap();
    assert!(told.1.starts_with(&format!("{size} bytes")), "{told:?}");
    assert!(size * 100 < json * 3, "{size} of {json}");

    // A name of two lines, and one that would be a pattern.
    let odd = ["two\nlines.jsonl", "one[1].jsonl"].map(|name| folder.path().join(name));
    let record = root().join("fixtures/detectors/write-in-unused-region/fires.jsonl");
    odd.iter().for_each(|odd| _ = fs::copy(&record, odd).unwrap());
    let list: Vec<_> = odd.iter().map(|odd| odd.to_str().unwrap()).collect();
    let mut both = command(["map", "--quiet", "--from", "-", "--output"]);
    both.arg(&other);
    let both = finish(both, list.join("\0").as_bytes());
    assert_eq!((both.status, both.stderr.as_str()), (0, ""));
    assert!(reduce([&other], &[]).summary()["read"].as_u64().unwrap() > 0);

    // Gone since it was listed, named and no failure; an empty list; a folder that is not there.
    let gone = map(&[folder.path().join("gone.json.gz")], &other, &[]);
    assert_eq!(gone.status, 1, "{}", gone.stderr);
    assert!(reduce([&other], &[]).skipped().iter().any(|(path, _)| path.ends_with("gone.json.gz")));
    assert_eq!(map(&[], &other, &[]).status, 0);
    assert_eq!(reduce([&other], &[]).summary()["read"], 0);
    assert_eq!(map(&all, &folder.path().join("none/one.part"), &[]).status, 2);
    // Parts that overlap: the same is found.
    map(&all[..all.len() / 2], &other, &[]);
    let both = reduce([&one, &other], &[]);
    assert_eq!(both.results(), reduce([&one], &[]).results());
}

#[test]
fn bills_in_parts_are_judged_with_all_accounts() {
    let drill = Drill::small("lambda-ddos-all-regions", &["--seed", "5", "--days", "16"]);
    let (logs, costs) = (drill.path().join("AWSLogs"), drill.path().join("costs.csv"));
    let [logs, costs] = [&logs, &costs].map(|path| path.to_str().unwrap());
    let expected = replay([logs, "--cost", costs]);
    assert!(expected.findings().iter().any(|finding| !finding["cost"].is_null()), "{}", expected.stdout);
    let folder = tempfile::tempdir().unwrap();
    let parts: Vec<String> = (1..=3).map(|n| folder.path().join(format!("{n}.part")).display().to_string()).collect();
    for (share, part) in ["1/3", "2/3", "3/3"].into_iter().zip(&parts) {
        let run = stakeout(["map", "-q", logs, "--cost", costs, "--share", share, "-o", part]);
        assert_eq!(run.status, 0, "{}", run.stderr);
    }
    same(&reduce(&parts, &[]), &expected, "each share was given the bill");
    let shared = reduce(&parts, &["--share", "1/2", "-o", &parts[0]]);
    assert!(shared.status == 2 && shared.stderr.contains("bills"), "{}", shared.stderr);
    let [logs_part, bill_part] = ["logs.part", "bill.part"].map(|name| folder.path().join(name).display().to_string());
    assert_eq!(stakeout(["map", "-q", logs, "-o", &logs_part]).status, 0);
    assert_eq!(stakeout(["map", "-q", "--cost", costs, "-o", &bill_part]).status, 0);
    same(&reduce([bill_part, logs_part], &[]), &expected, "a part of its own for the bill");
}

#[test]
fn a_damaged_part_is_named_and_the_rest_is_reduced() {
    let organisation = small();
    let all = files(&organisation.join("AWSLogs"));
    let folder = tempfile::tempdir().unwrap();
    let (good, bad) = (folder.path().join("good.part"), folder.path().join("bad.part"));
    let (some, others) = all.split_at(all.len() / 2);
    assert_eq!(map(some, &good, &[]).status, 0);
    assert_eq!(map(others, &bad, &[]).status, 0);
    let whole = fs::read(&bad).unwrap();
    let expected = reduce([&good], &[]);
    assert_ne!(expected.status, 3);
    let mut rng = Rng::with_seed(11);
    let mut damaged = vec![whole[..whole.len() / 2].to_vec(), whole[..whole.len() - 1].to_vec(), Vec::new()];
    let mut places: BTreeSet<usize> = [0, 13, 20, whole.len() - 60, whole.len() - 50, whole.len() - 1].into();
    places.extend((0..6).map(|_| rng.usize(..whole.len())));
    for at in places {
        let mut flipped = whole.clone();
        flipped[at] ^= 1 << rng.u32(..8);
        damaged.push(flipped);
    }
    for (number, bytes) in damaged.iter().enumerate() {
        fs::write(&bad, bytes).unwrap();
        let run = reduce([&good, &bad], &[]);
        assert_eq!(run.status, 3, "{number}: {}", run.stderr);
        // A damaged list of what is covered loses nothing of it, and a damaged section only itself.
        let skipped = run.skipped();
        assert!(skipped.iter().any(|(path, _)| path.ends_with("bad.part")), "{number}: {skipped:?}");
        assert!(run.summary()["kept"].as_u64() >= expected.summary()["kept"].as_u64(), "{number}");
    }
    let alone = reduce([&bad], &[]);
    assert_eq!((alone.status, alone.summary()["read"].as_u64()), (3, Some(0)));
}

#[test]
fn any_split_of_real_records_is_their_replay() {
    let corpus = root().join("../shared/corpus");
    if !corpus.is_dir() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for (name, counts) in [("sans504", &[7][..]), ("formats", &[1, 7]), ("stratus", &[3]), ("panther", &[2])] {
        let all = files(&corpus.join(name));
        let expected = replay([corpus.join(name)]);
        for count in counts {
            let parts = cut(&all, *count, 3, folder.path(), &[]);
            same(&reduce(&parts, &[]), &expected, &format!("{name} in {count} parts"));
        }
    }
}

#[test]
fn an_intact_copy_stands_in_for_a_damaged_one() {
    let all = files(&small().join("AWSLogs"));
    let folder = tempfile::tempdir().unwrap();
    let [good, bad] = ["good.part", "bad.part"].map(|name| folder.path().join(name));
    assert_eq!(map(&all, &good, &[]).status, 0);
    let whole = fs::read(&good).unwrap();
    let expected = reduce([&good], &[]);
    for at in [20, whole.len() / 4, whole.len() / 2] {
        let mut flipped = whole.clone();
        flipped[at] ^= 1;
        fs::write(&bad, flipped).unwrap();
        assert_eq!(reduce([&bad], &[]).status, 3, "{at}");
        same(&reduce([&bad, &good], &[]), &expected, &format!("damaged at {at}"));
    }
    // A share of the groups names what cannot be read, and is not told.
    let judged = folder.path().join("judged");
    let line = ["reduce", bad.to_str().unwrap(), "--share", "1/1", "-o", judged.to_str().unwrap()];
    let run = stakeout(line);
    assert!(run.status == 3 && run.stderr.contains("bad.part: damaged"), "{}", run.stderr);
    for more in [["--format", "json"], ["--min-level", "high"], ["--exit-zero", "--quiet"]] {
        assert_eq!(stakeout([&line[..], &more].concat()).status, 2, "{more:?}");
    }
    let run = stakeout(["reduce", good.to_str().unwrap(), good.to_str().unwrap(), "--format", "ndjson"]);
    assert!(run.stdout == expected.stdout && !run.stderr.contains("the same part"), "{}", run.stderr);
}

#[test]
fn what_a_map_cannot_do_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let logs = at("logs");
    fs::create_dir(&logs).unwrap();
    let record = root().join("fixtures/detectors/write-in-unused-region/fires.jsonl");
    fs::copy(record, at("logs/one.jsonl")).unwrap();
    for output in ["", "-", "/dev/null", &logs, &at("none/1.part")] {
        let run = stakeout(["map", "-q", &logs, "-o", output]);
        assert_eq!((run.status, run.stdout.as_str()), (2, ""), "{output}: {}", run.stderr);
        let run = stakeout(["reduce", "-q", "nothing.part", "--save-baseline", output]);
        assert_eq!(run.status, 2, "{output}: {}", run.stderr);
    }
    let run = stakeout(["map", "-", "--share", "1/2", "-o", &at("1.part")]);
    assert!(run.status == 2 && run.stderr.contains("standard input"), "{}", run.stderr);
    fs::write(at("junk.csv"), "a,b\n1,2\n").unwrap();
    let run = stakeout(["map", &logs, "--cost", &at("junk.csv"), "-o", &at("1.part")]);
    assert!(run.status == 1 && run.stderr.contains("junk.csv: "), "{}", run.stderr);

    // A link stays one, accounts have no order, and parts in a folder of logs are no logs.
    std::os::unix::fs::symlink(at("logs/1.part"), at("link.part")).unwrap();
    fs::write(at("logs/1.part"), "").unwrap();
    for (accounts, share, part) in [("1,2", "1/2", "link.part"), ("2,1,2", "2/2", "logs/2.part")] {
        let run = stakeout(["map", &logs, "--accounts", accounts, "--share", share, "-o", &at(part)]);
        assert_eq!(run.status, 0, "{}", run.stderr);
    }
    assert!(fs::symlink_metadata(at("link.part")).unwrap().is_symlink());
    let run = reduce([&logs], &[]);
    assert!(run.status != 3 && run.skipped().is_empty(), "{:?}", run.skipped());
}
