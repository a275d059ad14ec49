//! Packed files, archives, and finding them.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::super::discover::SourceError;
use super::super::{Reader, Wanted, discover};
use super::{LIMIT, gzip, objects, read, read_path, record, three};

fn archive(path: &Path, members: &[(&str, &[u8])]) {
    let mut writer = ZipWriter::new(fs::File::create(path).unwrap());
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, bytes) in members {
        writer.start_file(*name, options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap();
}

fn names(paths: &[&Path]) -> Vec<String> {
    let paths: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    let objects = discover(&paths, &Wanted::default()).unwrap();
    objects.iter().map(|object| object.name().to_owned()).collect()
}

#[test]
fn members_of_a_packed_file_follow_each_other() {
    let all = three();
    let parts: Vec<Vec<u8>> = all.iter().map(|record| gzip(record.as_bytes())).collect();
    assert_eq!(read(&parts.concat()).0, all);
    let same = [&parts[0][..], &parts[0], &parts[0]].concat();
    assert_eq!(read(&same).0.len(), 3);

    let mut garbage = parts.concat();
    garbage.extend_from_slice(b"\0\0garbage\x1f\x8b\x08");
    let (records, outcome) = read(&garbage);
    assert_eq!((records, outcome.skipped), (all.clone(), None));

    let cut = [&parts[0][..], &parts[1], &parts[2][..30]].concat();
    let (records, outcome) = read(&cut);
    assert_eq!(records, all[..2]);
    assert_eq!(outcome.skipped.unwrap(), "gzip: truncated after 2 records");

    let twice = gzip(&gzip(all[0].as_bytes()));
    assert_eq!(read(&twice).0, all[..1]);
}

#[test]
fn a_corrupt_checksum_is_named() {
    let mut packed = gzip(record("A").as_bytes());
    let at = packed.len() - 6;
    packed[at] ^= 1;
    let (records, outcome) = read(&packed);
    assert_eq!(records.len(), 1);
    assert_eq!(outcome.skipped.unwrap(), "gzip: corrupt after 1 record");
}

#[test]
fn a_bomb_ends_at_the_limit() {
    let mut text = record("A");
    text.push('\n');
    text.push_str(&" ".repeat(3 << 20));
    let (records, outcome) = read(&gzip(text.as_bytes()));
    assert_eq!(records.len(), 1);
    assert_eq!(outcome.bytes, LIMIT);
    assert_eq!(outcome.skipped.unwrap(), "larger than 1 MiB unpacked after 1 record");

    let many = gzip(" ".repeat(1 << 19).as_bytes()).repeat(3);
    assert!(read(&many).1.skipped.is_some());
}

#[test]
fn archives_are_read_member_by_member() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.zip");
    let bomb = gzip(" ".repeat(3 << 20).as_bytes());
    archive(
        &path,
        &[
            ("b/two.json.gz", &gzip(record("Two").as_bytes())),
            ("a/one.json", record("One").as_bytes()),
            ("__MACOSX/a/._one.json", b"x"),
            (".hidden", b"x"),
            ("bomb.gz", &bomb),
        ],
    );
    let found = names(&[&path]);
    let prefix = path.display().to_string();
    let expected = ["bomb.gz", "a/one.json", "b/two.json.gz"];
    assert_eq!(found, expected.map(|name| format!("{prefix}!{name}")));
    let (records, outcome) = read_path(&path);
    assert_eq!(records, [record("One"), record("Two")]);
    assert!(outcome.skipped.unwrap().starts_with("larger than 1 MiB"));

    let renamed = directory.path().join("a.json");
    fs::rename(&path, &renamed).unwrap();
    let (records, outcome) = read_path(&renamed);
    assert_eq!(records, [record("Two"), record("One")]);
    assert!(outcome.skipped.unwrap().starts_with("bomb.gz: larger"));

    archive(&path, &[]);
    assert_eq!(read_path(&path).1.not_a_log, 1);
    fs::write(&path, b"PK\x03\x04 nothing of the kind").unwrap();
    assert!(read_path(&path).1.skipped.unwrap().starts_with("zip: "));
}

#[test]
fn directories_are_walked_in_the_order_of_delivery() {
    let directory = tempfile::tempdir().unwrap();
    let top = directory.path();
    fs::create_dir_all(top.join("z/.git")).unwrap();
    fs::create_dir_all(top.join("a")).unwrap();
    let late = "a/123456789012_CloudTrail_us-east-1_20240102T0000Z_a.json.gz";
    let early = "z/123456789012_CloudTrail_us-east-1_20240101T2355Z_b.json.gz";
    let other = "z/events.json";
    for file in [late, early, other, "z/.git/x", "z/.DS_Store"] {
        fs::write(top.join(file), record("A")).unwrap();
    }
    let expected = [other, early, late].map(|file| top.join(file).display().to_string());
    assert_eq!(names(&[top]), expected);
    assert_eq!(names(&[&top.join("**/*.json*")]), expected);
    assert_eq!(names(&[&top.join("*")]), expected);
    assert_eq!(names(&[&top.join(late), &top.join(late)]).len(), 2);
    let days: Vec<_> = objects(top).iter().map(super::Object::delivered_day).collect();
    assert_eq!(days, [None, Some(19_723), Some(19_724)]);
    assert_eq!(objects(&top.join(other))[0].bytes(), record("A").len() as u64);
}

#[cfg(unix)]
#[test]
fn links_that_lead_in_circles_end() {
    let directory = tempfile::tempdir().unwrap();
    let top = directory.path();
    fs::create_dir(top.join("a")).unwrap();
    fs::write(top.join("a/x.json"), record("A")).unwrap();
    std::os::unix::fs::symlink(top, top.join("a/up")).unwrap();
    std::os::unix::fs::symlink(top.join("a"), top.join("b")).unwrap();
    std::os::unix::fs::symlink(top.join("nowhere"), top.join("c.json")).unwrap();
    let found = names(&[top]);
    assert_eq!(found.len(), 2, "{found:?}");
    let outcome = read_path(&top.join("c.json*")).1;
    assert_eq!(outcome.skipped.unwrap(), "no such file");
}

#[test]
fn what_is_not_there_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let of = |name: &str| discover(&[directory.path().join(name).display().to_string()], &Wanted::default());
    assert!(matches!(of("missing.json"), Err(SourceError::NoSuchPath(_))));
    assert!(matches!(of("*.json"), Err(SourceError::NoMatch(_))));
    assert!(matches!(of("a**b/[.json"), Err(SourceError::BadPattern { .. })));
    let twice = ["-".to_owned(), "-".to_owned()];
    assert!(matches!(discover(&twice, &Wanted::default()), Err(SourceError::StdinTwice)));
    fs::write(directory.path().join("[x].json"), record("A")).unwrap();
    assert_eq!(of("[x].json").unwrap().len(), 1);
}

#[test]
fn a_file_that_goes_away_is_skipped() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.json");
    fs::write(&path, record("A")).unwrap();
    let object = objects(&path).remove(0);
    fs::remove_file(&path).unwrap();
    let outcome = Reader::new(LIMIT).read(&object, |_| {});
    assert_eq!(outcome.skipped.unwrap(), "no such file");
}
