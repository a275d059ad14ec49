//! What somebody answers for: quieter, and never blind.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::harness::{Drill, Run, command, finish, set, stakeout};

fn with(config: &Path, arguments: &[&Path]) -> Run {
    let mut replay = command(["replay", "--format", "ndjson", "--config"]);
    replay.arg(config).args(arguments);
    finish(replay, b"")
}

fn ids(objects: &[Value]) -> BTreeSet<String> {
    objects.iter().map(|object| object["id"].as_str().unwrap().to_owned()).collect()
}

fn is_allowed(finding: &Value) -> bool {
    !finding["allowed"].is_null()
}

#[test]
fn what_tune_proposes_makes_a_replay_quieter_once_somebody_answers_for_it() {
    let drill = Drill::small("ordinary", &["--days", "12"]);
    let folder = tempfile::tempdir().unwrap();
    let (open, owned) = (folder.path().join("open.toml"), folder.path().join("owned.toml"));
    let logs = drill.path();
    let tuned = finish(
        {
            let mut tune = command(["tune"]);
            tune.arg(&logs).arg("-o").arg(&open);
            tune
        },
        b"",
    );
    assert_eq!(tuned.status, 0, "{}", tuned.stderr);
    let text = fs::read_to_string(&open).unwrap();
    assert!(text.contains("[[allow]]") && text.contains("owner = \"?\""), "{text}");
    let validate = |path: &Path| stakeout([Path::new("config"), Path::new("validate"), Path::new("--config"), path]);
    let refused = validate(&open);
    assert!(refused.status == 2 && refused.stderr.contains("allow.0.owner"), "{}", refused.stderr);
    fs::write(&owned, text.replace("\"?\"", "\"ann\"")).unwrap();
    assert_eq!(validate(&owned).status, 0);

    let (before, after) =
        (stakeout([Path::new("replay"), Path::new("--format"), Path::new("ndjson"), &logs]), with(&owned, &[&logs]));
    assert_eq!(ids(&before.findings()), ids(&after.findings()), "nothing is lost");
    let hidden: Vec<Value> = after.findings().into_iter().filter(is_allowed).collect();
    let claimed: usize = text.lines().filter_map(|line| line.strip_prefix("# Hides ")).map(counts).sum();
    let summary = after.summary();
    assert_eq!((hidden.len(), summary["allowed"].as_u64()), (claimed, Some(claimed as u64)), "{text}");
    assert!(
        claimed > 0
            && hidden.iter().all(|f| f["notice"] == false && f["level"] != "critical" && f["incident"].is_null())
    );
    assert_eq!(hidden[0]["allowed"]["owner"], "ann");
    assert_eq!((summary["allow_unused"].as_array().unwrap().len(), summary["incidents"].as_u64()), (0, Some(0)));

    in_two_halves(&logs, folder.path(), (&owned, &open), &after.stdout);
}

/// In two halves, and in shares of the second, the same comes out; but not where shares differ in what is allowed.
fn in_two_halves(logs: &Path, folder: &Path, (owned, open): (&Path, &Path), expected: &str) {
    let part = folder.join("all.part");
    let run = |arguments: &[&Path]| finish(command(arguments), b"");
    let arguments = ["map".as_ref(), logs, "-o".as_ref(), &part];
    assert_eq!(run(&arguments).status, 0);
    let reduced = run(&["reduce".as_ref(), &part, "--format".as_ref(), "ndjson".as_ref(), "--config".as_ref(), owned]);
    assert_eq!(reduced.stdout, expected);
    let judged = folder.join("judged.part");
    let share: [&Path; 8] = [
        "reduce".as_ref(),
        &part,
        "--share".as_ref(),
        "1/1".as_ref(),
        "-o".as_ref(),
        &judged,
        "--config".as_ref(),
        owned,
    ];
    assert_eq!(run(&share).status, 0);
    let merged = |config: &Path| {
        run(&["reduce".as_ref(), &judged, "--format".as_ref(), "ndjson".as_ref(), "--config".as_ref(), config])
    };
    assert_eq!(merged(owned).stdout, expected);
    let other = merged(open);
    assert!(other.status == 2 && other.stderr.contains("judged with other entries"), "{}", other.stderr);
}

/// The findings of `3 medium and 1 low findings from ...`.
fn counts(line: &str) -> usize {
    let words: Vec<&str> = line.split(' ').collect();
    let before = words.iter().position(|word| word.starts_with("finding")).unwrap();
    words[..before].iter().filter_map(|word| word.parse::<usize>().ok()).sum()
}

#[test]
fn an_allow_list_for_everything_hides_no_attack() {
    let drill = Drill::small("lambda-ddos-all-regions", &["--days", "20"]);
    let logs = drill.path();
    let bare = stakeout([Path::new("replay"), Path::new("--format"), Path::new("ndjson"), &logs]);
    let mut entries = BTreeSet::new();
    for finding in bare.findings() {
        let (principal, detector) = (finding["principal"].as_str().unwrap(), finding["detector"].as_str().unwrap());
        if principal.starts_with("arn:") {
            entries.insert(format!(
                "[[allow]]\nprincipal = \"{principal}\"\ndetector = \"{detector}\"\nchange = \"CHG-1\"\nowner = \"eve\"\n\
                 reason = \"fine\"\nexpires = \"2026-12-01\"\n"
            ));
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("stakeout.toml");
    fs::write(&config, entries.into_iter().collect::<String>()).unwrap();
    let run = with(&config, &[&logs]);
    let ([told], [hidden]) = (&*bare.incidents(), &*run.incidents()) else { panic!("{}", run.stdout) };
    for key in ["level", "root", "principals", "credentials", "regions", "resources"] {
        assert_eq!(told[key], hidden[key], "{key}");
    }
    assert_eq!(set(&told["findings"]), set(&hidden["findings"]), "what is allowed is evidence all the same");
    let inside = set(&hidden["principals"]);
    for finding in run.findings().iter().filter(|finding| is_allowed(finding)) {
        assert!(
            finding["incident"].is_null() && finding["level"] != "critical" && finding["notice"] == false,
            "{finding}"
        );
        let began = hidden["first_event"].as_str().unwrap();
        let is_beside =
            !inside.contains(finding["principal"].as_str().unwrap()) || finding["time"].as_str().unwrap() < began;
        assert!(is_beside, "{finding}");
    }
}

#[test]
fn entries_that_hide_nothing_are_over_or_last_too_long_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("stakeout.toml");
    let logs = Path::new("fixtures/detectors/iam-user-created/fires.jsonl");
    let entry = |detector: &str, expires: &str| {
        format!(
            "[[allow]]\nprincipal = \"arn:aws:iam::111122223333:role/ci\"\ndetector = \"{detector}\"\nregion = \"eu-west-1\"\n\
             owner = \"ann\"\nreason = \"fine\"\nexpires = \"{expires}\"\n"
        )
    };
    fs::write(&config, entry("iam-user-created", "2001-01-01") + &entry("iam-user-created", "2026-06-01")).unwrap();
    let run = with(&config, &[logs]);
    let summary = run.summary();
    assert_eq!(
        (&summary["allow_expired"][0]["expires"], &summary["allow_unused"][0]["expires"]),
        (&"2001-01-01".into(), &"2026-06-01".into())
    );
    assert!(
        run.stderr.contains("[[allow]] hid nothing: iam-user-created by arn:aws:iam::111122223333:role/ci (owner ann)"),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains("[[allow]] no longer holds since 2001-01-01"), "{}", run.stderr);
    fs::write(&config, entry("iam-user-created", "2999-01-01")).unwrap();
    for run in
        [with(&config, &[logs]), stakeout([Path::new("config"), Path::new("validate"), Path::new("--config"), &config])]
    {
        assert_eq!((run.status, run.stdout.as_str()), (2, ""));
        assert!(
            run.stderr.contains("stakeout.toml:7:1: allow.0.expires: an entry holds for 90 days at most"),
            "{}",
            run.stderr
        );
    }
    fs::write(&config, entry("iam-user-create", "2001-01-01")).unwrap();
    let run = stakeout([Path::new("config"), Path::new("validate"), Path::new("--config"), &config]);
    assert!(run.status == 0 && run.stderr.contains("perhaps iam-user-created"), "{}", run.stderr);
}
