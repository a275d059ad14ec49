//! Conventions over the list of detectors, and their fixtures.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use crate::harness::{files, root, stakeout};

const PLAYBOOKS: [&str; 6] = [
    "close-open-doors",
    "freeze-functions",
    "quarantine-principal",
    "restore-visibility",
    "rotate-everything",
    "stop-instances",
];
const LEVELS: [&str; 5] = ["informational", "low", "medium", "high", "critical"];

/// One file of `detectors/`: its name, and its documents, of which the one with a level is the detector.
struct File {
    stem: String,
    documents: Vec<Value>,
}

impl File {
    fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap();
        let document = |text| yaml_serde::from_str(text).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
        Self {
            stem: path.file_stem().unwrap().to_string_lossy().into_owned(),
            documents: text.split("\n---\n").map(document).collect(),
        }
    }

    fn detector(&self) -> &Value {
        let own: Vec<_> = self.documents.iter().filter(|document| !document["level"].is_null()).collect();
        assert_eq!(own.len(), 1, "{}: one document has a level", self.stem);
        own[0]
    }
}

fn all() -> Vec<File> {
    let all: Vec<_> = files(&root().join("detectors")).iter().map(|path| File::read(path)).collect();
    assert!(all.len() > 20);
    all
}

#[test]
fn every_fixture_comes_out_as_its_name_says() {
    let run = stakeout(["detectors", "test", "detectors", "--fixtures", "fixtures/detectors"]);
    let failed: Vec<_> = run.stdout.lines().filter(|line| !line.starts_with("ok ")).collect();
    assert_eq!((run.status, failed), (0, Vec::new()), "{}", run.stderr);
}

#[test]
fn names_and_ids_are_unique() {
    let mut seen = BTreeSet::new();
    for file in all() {
        for document in &file.documents {
            for key in ["id", "name"] {
                let value = document[key].as_str().unwrap_or_else(|| panic!("{}: no {key}", file.stem)).to_owned();
                assert!(seen.insert(value.clone()), "{}: {key} {value} is used twice", file.stem);
            }
            let id = document["id"].as_str().unwrap();
            let groups: Vec<_> = id.split('-').map(str::len).collect();
            assert_eq!(groups, [8, 4, 4, 4, 12], "{}: {id} is no UUID", file.stem);
        }
    }
}

#[test]
fn every_file_is_named_after_its_detector() {
    for file in all() {
        assert_eq!(file.detector()["name"], *file.stem);
        assert!(file.stem.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'), "{}", file.stem);
    }
}

#[test]
fn every_detector_documents_itself() {
    for file in all() {
        let detector = file.detector();
        let of = |key: &str| &detector[key];
        assert!(of("title").as_str().is_some_and(|title| !title.is_empty()), "{}: title", file.stem);
        assert!(of("description").as_str().is_some_and(|text| text.len() > 60), "{}: description", file.stem);
        for list in ["falsepositives", "blind_spots", "tags", "references"] {
            let entries = of(list).as_array().unwrap_or_else(|| panic!("{}: no {list}", file.stem));
            let told = entries.iter().all(|entry| entry.as_str().is_some_and(|entry| !entry.is_empty()));
            assert!(!entries.is_empty() && told, "{}: {list}", file.stem);
        }
        assert!(of("level").as_str().is_some_and(|level| LEVELS.contains(&level)), "{}: level", file.stem);
        assert!(of("playbook").as_str().is_some_and(|name| PLAYBOOKS.contains(&name)), "{}: playbook", file.stem);
        assert!(of("attack_version").is_string(), "{}: attack_version", file.stem);
    }
}

#[test]
fn techniques_are_well_formed() {
    for file in all() {
        for tag in file.detector()["tags"].as_array().unwrap() {
            let tag = tag.as_str().unwrap();
            let technique = tag.strip_prefix("attack.t").unwrap_or_else(|| panic!("{}: {tag}", file.stem));
            let (main, sub) = technique.split_once('.').map_or((technique, None), |(main, sub)| (main, Some(sub)));
            let digits = |text: &str, count| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
            assert!(digits(main, 4) && sub.is_none_or(|sub| digits(sub, 3)), "{}: {tag}", file.stem);
        }
    }
}

#[test]
fn every_detector_has_both_kinds_of_fixture_and_no_fixture_is_without_one() {
    let mut fixtures: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for path in files(&root().join("fixtures/detectors")) {
        let folder = path.parent().unwrap().file_name().unwrap().to_string_lossy().into_owned();
        if folder == "detectors" {
            // The table of networks.
            continue;
        }
        fixtures.entry(folder).or_default().push(path.file_name().unwrap().to_string_lossy().into_owned());
    }
    for file in all() {
        let own = fixtures.remove(&file.stem).unwrap_or_default();
        // A detector that only ever informs has no fixture that fires.
        for kinds in [&["fires", "notice"][..], &["quiet"]] {
            let has = |name: &String| kinds.iter().any(|kind| name.starts_with(kind));
            assert!(own.iter().any(has), "{}: no fixture of {kinds:?}", file.stem);
        }
    }
    assert!(fixtures.is_empty(), "fixtures of no detector: {:?}", fixtures.keys());
}

#[test]
fn the_list_and_the_explanations_know_every_detector() {
    let list = stakeout(["detectors", "list"]);
    assert_eq!(list.status, 0);
    for file in all() {
        assert!(list.stdout.contains(&format!("  {} ", file.stem)), "{} is not listed", file.stem);
    }
    assert_eq!(list.stdout.lines().count(), all().len());
    let told = stakeout(["detectors", "explain", "write-in-unused-region"]);
    for section in ["Level", "Benign causes", "Blind spots", "ATT&CK 19", "Playbook"] {
        assert!(told.stdout.contains(&format!("\n{section}\n")), "{section} is missing: {}", told.stdout);
    }
}

#[test]
fn the_document_lists_what_there_is() {
    let run = stakeout(["detectors", "coverage", "--format", "markdown"]);
    let document = std::fs::read_to_string(root().join("docs/detectors.md")).unwrap();
    let hint = "run `stakeout detectors coverage --into docs/detectors.md`";
    assert!(run.status == 0 && document.contains(&run.stdout), "{hint}");
}

#[test]
fn coverage_is_a_layer_of_the_navigator() {
    let run = stakeout(["detectors", "coverage", "--format", "navigator"]);
    let layer: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(
        (&layer["versions"]["layer"], &layer["versions"]["attack"], &layer["domain"]),
        (&"4.5".into(), &"19".into(), &"enterprise-attack".into())
    );
    let tags = |file: &File| -> Vec<String> {
        let tags = file.detector()["tags"].as_array().unwrap().clone();
        tags.iter().filter_map(|tag| Some(tag.as_str()?.strip_prefix("attack.")?.to_uppercase())).collect()
    };
    let wanted: BTreeSet<String> = all().iter().flat_map(tags).collect();
    let scored = layer["techniques"].as_array().unwrap().iter().filter(|technique| technique["score"].is_u64());
    let told: BTreeSet<String> =
        scored.map(|technique| technique["techniqueID"].as_str().unwrap().to_owned()).collect();
    assert_eq!(told, wanted);
}

#[test]
fn a_stranger_is_told_what_a_rule_lacks() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let test = || stakeout([Path::new("detectors"), Path::new("test"), folder.path()]);
    let empty = test();
    assert!(empty.status == 2 && empty.stderr.contains("a rule is a file NAME.yml"), "{}", empty.stderr);
    let rule = "title: Key deletion\nid: 0c8a3f5e-6d0f-4c39-9a0e-2f1f8b7f5d11\nlevel: high\nlogsource: {product: aws, service: cloudtrail}\n\
                detection:\n  sel: {eventSource: kms.amazonaws.com, eventName: ScheduleKeyDeletion}\n  condition: sel\n";
    write("mine.yml", rule);
    let bare = test();
    assert!(
        bare.status == 1 && bare.stdout.contains("mine.fires.jsonl with something that it finds"),
        "{}",
        bare.stdout
    );
    let record = r#"{"eventVersion":"1.08","eventTime":"2026-09-01T00:00:00Z","eventSource":"kms.amazonaws.com","eventName":"ScheduleKeyDeletion","awsRegion":"eu-west-1","eventID":"e1","recipientAccountId":"111122223333","userIdentity":{"type":"Root","accountId":"111122223333"}}"#;
    write("mine.fires.jsonl", record);
    write("mine.quiet.jsonl", "{\"no\": \"record\"}\n");
    let unread = test();
    assert!(
        unread.status == 1 && unread.stdout.contains("FAILED   mine/quiet: no CloudTrail record in it"),
        "{}",
        unread.stdout
    );
    write("mine.quiet.jsonl", &record.replace("Schedule", "Cancel"));
    let good = test();
    assert_eq!(
        (good.status, good.stdout.as_str()),
        (0, "ok       mine/fires\nok       mine/quiet\n"),
        "{}",
        good.stderr
    );
}

#[test]
fn a_key_that_says_nothing_fails_the_test_of_a_rule() {
    let folder = tempfile::tempdir().unwrap();
    let rule = "title: Key deletion\nid: 0c8a3f5e-6d0f-4c39-9a0e-2f1f8b7f5d11\nlevel: high\nlogsource: {product: aws, service: cloudtrail}\n\
                detection:\n  sel: {eventSource: kms.amazonaws.com, eventName: ScheduleKeyDeletion}\n  condition: sel\n";
    let file = folder.path().join("mine.yml");
    for (block, why) in [
        ("first_seen: {of: [principal], histroy: 30d}", "mine.yml:8: first_seen: unknown field `histroy`"),
        ("frist_seen: {of: [principal]}", "mine.yml:8: frist_seen is no key of a detector; first_seen is one"),
    ] {
        std::fs::write(&file, format!("{rule}{block}\n")).unwrap();
        let run = stakeout([Path::new("detectors"), Path::new("test"), folder.path()]);
        assert!(run.status != 0 && run.stderr.contains(why), "{}\n{}", run.status, run.stderr);
    }
}
