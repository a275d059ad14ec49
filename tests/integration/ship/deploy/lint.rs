//! The templates by the rules of `CloudFormation`, and Terraform's files by its grammar.

use std::fs;
use std::process::Command;

use crate::harness::{finish, root};
use crate::stand_in::linter;

const LINT: &str = "import sys; from cfnlint.runner import main; sys.exit(main())";

/// Reads every file of Terraform and prints what they hold as JSON, by their paths.
const READ: &str = "\
import hcl2, json, pathlib, sys
files = sorted(pathlib.Path(sys.argv[1]).rglob('*.tf'))
print(json.dumps({str(file.relative_to(sys.argv[1])): hcl2.loads(file.read_text()) for file in files}))
";

#[test]
fn the_templates_have_nothing_to_find_fault_with() {
    let Some(python) = linter() else { return };
    let mut lint = Command::new(python);
    lint.args(["-c", LINT]).current_dir(root());
    lint.arg("--template")
        .args(["stakeout", "member", "eradicate"].map(|it| format!("deploy/cloudformation/{it}.yaml")));
    let run = finish(lint, b"");
    assert_eq!((run.status, run.stdout.as_str(), run.stderr.as_str()), (0, "", ""));
}

/// `create-stack` takes no larger one that is not in a bucket.
#[test]
fn the_templates_are_small_enough_to_be_sent() {
    for file in fs::read_dir(root().join("deploy/cloudformation")).unwrap() {
        let file = file.unwrap();
        assert!(file.metadata().unwrap().len() <= 51_200, "{:?}", file.path());
    }
}

/// Terraform's roles get what `policies` makes of the printed documents, and nothing else.
#[test]
fn terraform_has_no_policies_of_its_own() {
    let Some(python) = linter() else { return };
    let mut read = Command::new(python);
    read.args(["-c", READ]).arg(root().join("deploy/terraform"));
    let run = finish(read, b"");
    assert_eq!((run.status, run.stderr.as_str()), (0, ""));
    let files: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let mut policies = 0;
    for (path, file) in files.as_object().unwrap() {
        for block in file["resource"].as_array().into_iter().flatten() {
            for (kind, named) in block.as_object().unwrap() {
                let kind = kind.trim_matches('"');
                if !kind.starts_with("aws_iam_") {
                    continue;
                }
                let known = ["aws_iam_policy", "aws_iam_role", "aws_iam_role_policy_attachment"];
                assert!(known.contains(&kind), "{path}: {kind}");
                if kind == "aws_iam_policy" {
                    policies += 1;
                    let text = named.to_string();
                    assert!(text.contains(r#""policy":"${local.documents[each.key]}""#), "{path}: {text}");
                }
            }
        }
    }
    assert_eq!(policies, 2);
}
