//! `deploy/build` and `deploy/make-policies`.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::harness::{Run, finish, root};

fn build(out: &Path, binary: &Path) -> Run {
    let mut build = Command::new(root().join("deploy/build"));
    build.arg("--binary").arg(binary).arg("--out").arg(out).arg("--no-sbom");
    finish(build, b"")
}

#[test]
fn the_same_binary_gives_the_same_package() {
    // A small program: the real one takes half a minute to pack.
    let folder = tempfile::tempdir().unwrap();
    let binary = folder.path().join("stakeout");
    let program = "#!/bin/sh\n[ \"$1\" != man ] || { mkdir -p \"$3\" && : >\"$3/stakeout.1\"; }\n";
    fs::write(&binary, program).unwrap();
    let permit = Command::new("chmod").arg("0700").arg(&binary).status().unwrap();
    assert!(permit.success());
    let mut packages = Vec::new();
    for (name, age) in [("first", "2001-02-03"), ("second", "2026-11-22")] {
        assert!(Command::new("touch").args(["-d", age]).arg(&binary).status().unwrap().success());
        let out = folder.path().join(name);
        let run = build(&out, &binary);
        assert_eq!((run.status, run.stderr.as_str()), (0, ""));
        let digest = fs::read_to_string(out.join("bootstrap.zip.sha256")).unwrap();
        let check =
            Command::new("sha256sum").args(["--check", "--quiet", "bootstrap.zip.sha256"]).current_dir(&out).status();
        assert!(check.unwrap().success(), "{digest}");
        assert!(out.join("man/stakeout.1").is_file() && out.join("completions/_stakeout").is_file());
        packages.push(fs::read(out.join("bootstrap.zip")).unwrap());
    }
    assert!(packages[0] == packages[1]);
    let archive = zip::ZipArchive::new(std::io::Cursor::new(&packages[0]));
    let mut archive = archive.unwrap();
    assert_eq!(archive.len(), 1);
    let entry = archive.by_index(0).unwrap();
    assert_eq!((entry.name().unwrap().as_ref(), entry.unix_mode()), ("bootstrap", Some(0o100_755)));
}

#[test]
fn a_binary_for_another_system_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let binary = folder.path().join("stakeout");
    fs::write(&binary, "GLIBC_2.17 GLIBC_2.41").unwrap();
    let run = build(&folder.path().join("out"), &binary);
    assert_eq!(run.status, 2, "{run:?}");
    assert!(run.stderr.contains("needs GLIBC_2.41") && run.stderr.contains("cargo lambda"), "{run:?}");
    assert_eq!(build(&folder.path().join("out"), Path::new("/nowhere")).status, 2);
}

/// What is in `deploy/` is what the program prints.
#[test]
fn the_policies_are_up_to_date() {
    let mut make = Command::new("python3");
    make.arg(root().join("deploy/make-policies")).args(["--check", "--binary", env!("CARGO_BIN_EXE_stakeout")]);
    let run = finish(make, b"");
    assert_eq!((run.status, run.stdout.as_str(), run.stderr.as_str()), (0, "", ""), "run deploy/make-policies");
}
