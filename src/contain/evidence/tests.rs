use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use proptest::prelude::*;

use super::*;

fn vault(root: &Path) -> Cloud {
    Cloud::new(Box::new(|_, _| None), Vault::Folder(root.to_owned())).for_incident("inc-1", None)
}

fn target(arn: &str) -> Target {
    Target {
        kind: "lambda:function".to_owned(),
        arn: arn.to_owned(),
        account: "111122223333".to_owned(),
        region: "eu-west-1".to_owned(),
        id: String::new(),
        detail: std::collections::BTreeMap::new(),
    }
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work)
}

fn mode(path: impl AsRef<Path>) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn files_are_private_whole_and_listed_with_their_hashes() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("evidence");
    let cloud = vault(&root);
    let target = target("arn:aws:lambda:eu-west-1:111122223333:function:f-1");
    let path = path(&cloud, &target);
    assert_eq!(path, "inc-1/111122223333/eu-west-1/lambda-function/f-1");
    assert!(!run(is_saved(&cloud, &path)).unwrap());
    let mut found = Found::of(&target, &Knobs { incident: "inc-1".to_owned(), now: 0 });
    found.object("code.zip", b"PK".to_vec());
    found.missing("tags", "denied");
    let told = run(save(&cloud, &path, found)).unwrap();
    assert_eq!(told["objects"][0]["name"], format!("{path}/code.zip"));
    assert_eq!(told["objects"][0]["bytes"], 2);
    assert_eq!(told["objects"][0]["sha256"], sha256(b"PK"));
    assert_eq!(told["missing"][0]["what"], "tags");
    assert!(run(is_saved(&cloud, &path)).unwrap());
    assert_eq!((mode(&root), mode(root.join(&path)), mode(root.join(&path).join(MANIFEST))), (0o700, 0o700, 0o600));
    let manifest: Value = serde_json::from_slice(&fs::read(root.join(&path).join(MANIFEST)).unwrap()).unwrap();
    assert_eq!(manifest["about"]["time"], "1970-01-01T00:00:00Z");
    assert_eq!(fs::read_dir(root.join(&path)).unwrap().count(), 2);
}

#[test]
fn what_is_in_the_vault_is_never_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let cloud = vault(folder.path());
    let save =
        |text: &str| run(save(&cloud, "inc/f", vec![("code.zip".to_owned(), text.as_bytes().to_vec())])).unwrap();
    assert_eq!(save("one"), save("one"));
    let second = save("two")["objects"][0]["name"].as_str().unwrap().to_owned();
    assert!(second.starts_with("inc/f/code-") && second.ends_with(".zip"), "{second}");
    assert_eq!(fs::read(folder.path().join("inc/f/code.zip")).unwrap(), b"one");
    assert_eq!(fs::read(folder.path().join(second)).unwrap(), b"two");
}

#[test]
fn another_thing_of_the_same_name_is_saved_again() {
    let folder = tempfile::tempdir().unwrap();
    let cloud = vault(folder.path());
    let mut target = target("arn:aws:lambda:eu-west-1:111122223333:function:f-1");
    target.id = "a/b+c=".to_owned();
    let first = path(&cloud, &target);
    assert_eq!(first, "inc-1/111122223333/eu-west-1/lambda-function/f-1/a%2Fb%2Bc%3D");
    run(save(&cloud, &first, vec![("code.zip".to_owned(), b"one".to_vec())])).unwrap();
    target.id = "d".to_owned();
    assert!(run(is_saved(&cloud, &first)).unwrap() && !run(is_saved(&cloud, &path(&cloud, &target))).unwrap());
}

#[test]
fn a_content_is_held_only_as_long_as_the_file_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let cloud = vault(folder.path());
    let held = |text: &[u8]| run(holds(&cloud, "inc/f", &sha256(text))).unwrap();
    assert!(!held(b"one"));
    run(save(&cloud, "inc/f", vec![("code.zip".to_owned(), b"one".to_vec())])).unwrap();
    assert!(held(b"one") && !held(b"two"));
    fs::write(folder.path().join("inc/f/code.zip"), b"two").unwrap();
    assert!(!held(b"one") && !held(b"two"), "a file that was changed later counts for nothing");
    fs::remove_file(folder.path().join("inc/f/code.zip")).unwrap();
    assert!(!held(b"one"));
}

#[test]
fn nothing_at_all_is_an_error_that_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let mut found = Found::default();
    found.missing("function", "denied");
    let error = run(save(&vault(folder.path()), "inc/f", found)).unwrap_err();
    assert!(error.to_string().contains("denied"), "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

proptest! {
    #[test]
    fn names_stay_in_the_vault_and_stay_different(one in ".{0,300}", other in ".{0,300}") {
        let (a, b) = (part(&one), part(&other));
        prop_assert!(!a.is_empty() && a.len() <= 160 && !a.starts_with('.'));
        prop_assert!(a.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-%".contains(&byte)));
        prop_assert_eq!(a == b, one == other);
        let whole = name::path(&format!("{one}/../{other}"));
        prop_assert!(whole.split('/').all(|part| !part.is_empty() && !part.starts_with('.')));
        prop_assert_eq!(name::path(&a), a);
    }
}

#[test]
fn odd_names() {
    assert_eq!(part(".."), "%2E.");
    assert_eq!(part(""), "%");
    assert_eq!(part("a/b\0\n"), "a%2Fb%00%0A");
    assert_eq!(part("é"), "%C3%A9");
}
