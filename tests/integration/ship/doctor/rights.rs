//! Each permission that `stakeout permissions detector` prints, taken away in turn.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::clinic::{Clinic, allowed, of, without};

/// What a stand-in does with rights otherwise than AWS.
pub(super) struct Gaps {
    /// It decides these on another resource than the one that is asked for, so that they are given on all.
    on_all: &'static [&'static str],
    /// It decides nothing about these, and why.
    undecided: &'static [(&'static str, &'static str)],
    /// Those that are taken away; none named: all.
    tried: &'static [&'static str],
}

/// MiniStack reads no resource out of these requests. What it takes for another right, or does not know, its simulation
/// of IAM decides.
pub(super) const MINISTACK: Gaps = Gaps {
    on_all: &["events:ListTargetsByRule", "iam:GetAccessKeyLastUsed", "iam:SimulatePrincipalPolicy"],
    undecided: &[("account:ListRegions", "it refuses that to nobody")],
    tried: &[],
};
/// LocalEmu makes other ARNs of these requests, and has no simulation. It takes seconds for a check-up, so that what is
/// taken away is one right of each service.
const LOCALEMU: Gaps = Gaps {
    on_all: &[
        "cloudtrail:GetTrailStatus",
        "dynamodb:ConditionCheckItem",
        "events:ListTargetsByRule",
        "guardduty:GetDetector",
        "iam:GetAccessKeyLastUsed",
        "iam:SimulatePrincipalPolicy",
        "lambda:GetEventSourceMapping",
        "scheduler:GetSchedule",
    ],
    undecided: &[
        ("account:ListRegions", "it does not have the call"),
        ("sns:Publish", "only a simulation tells"),
        ("sqs:ReceiveMessage", "only a simulation tells"),
    ],
    tried: &[
        "autoscaling:DescribeAutoScalingGroups",
        "cloudtrail:LookupEvents",
        "dynamodb:PutItem",
        "ec2:DescribeInstances",
        "events:DescribeRule",
        "guardduty:ListDetectors",
        "iam:ListSSHPublicKeys",
        "lambda:GetFunctionConcurrency",
        "s3:GetObject",
        "scheduler:GetSchedule",
        "sns:Publish",
        "sqs:DeleteMessage",
    ],
};

/// What is printed, and what the stand-in needs beside it.
pub(super) fn given(clinic: &Clinic, gaps: &Gaps) -> Vec<Value> {
    let mut statements = clinic.statements(&clinic.settings(""));
    statements.push(json!({ "Effect": "Allow", "Action": gaps.on_all, "Resource": "*" }));
    statements
}

/// Takes each right away in turn, and gives what was not named, with what was said.
fn taken_away(clinic: &Clinic, gaps: &Gaps) -> Vec<String> {
    let settings = clinic.settings("");
    let statements = given(clinic, gaps);
    clinic.give(&statements);
    let only = ["--only", "rights"];
    // A stand-in is slow where it is asked for something for the first time.
    clinic.examine(&settings, &only);
    let (status, whole) = clinic.examine(&settings, &only);
    let mut wrong: Vec<_> = of(&whole, "fails").into_iter().map(|line| format!("nothing is missing: {line}")).collect();
    assert!(status == 0 || !wrong.is_empty(), "{whole:#}");
    let tried: BTreeSet<_> = allowed(&statements).into_iter().filter(|it| !it.starts_with("ce:")).collect();
    assert!(tried.len() > 50, "{tried:?}");
    for action in tried.iter().filter(|action| gaps.tried.is_empty() || gaps.tried.contains(&action.as_str())) {
        clinic.give(&without(&statements, action));
        let mut told = clinic.examine(&settings, &only).1;
        if told.to_string().contains("no answer within") {
            told = clinic.examine(&settings, &only).1;
        }
        let fails = of(&told, "fails");
        let is_named = |line: &String| line.starts_with(&format!("right {action} on "));
        let is_exact = fails.len() == 1 && fails.iter().all(is_named);
        match gaps.undecided.iter().find(|(name, _)| name == action) {
            // Whoever is named here and is found all the same does not belong here.
            Some((_, why)) if is_exact => wrong.push(format!("{action} is found, although {why}")),
            Some(_) if fails.is_empty() => {}
            _ if is_exact => {}
            _ => wrong.push(format!("{action}: {fails:?} {:?}", of(&told, "note"))),
        }
    }
    clinic.give(&statements);
    wrong
}

#[test]
fn each_right_that_is_missing_is_named_at_ministack() {
    let Some(clinic) = Clinic::mini() else { return };
    let wrong = taken_away(&clinic, &MINISTACK);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));

    // The same by a denial over everything.
    let settings = clinic.settings("");
    let statements = given(&clinic, &MINISTACK);
    for action in ["cloudtrail:LookupEvents", "dynamodb:UpdateItem", "iam:GetUser", "lambda:GetPolicy", "s3:GetObject"]
    {
        let denial = json!({ "Effect": "Deny", "Action": action, "Resource": "*" });
        clinic.give(&[statements.as_slice(), &[denial]].concat());
        let (status, told) = clinic.examine(&settings, &["--only", "rights"]);
        let fails = of(&told, "fails");
        assert_eq!((status, fails.len()), (1, 1), "{action}: {fails:?}");
        let mend = told["checks"].as_array().unwrap().iter().find_map(|check: &Value| check["mend"].as_str());
        assert!(fails[0].starts_with(&format!("right {action} on ")), "{fails:?}");
        assert!(mend.is_some_and(|mend| mend.contains("denies it explicitly")), "{told:#}");
    }
}

#[test]
fn each_right_that_is_missing_is_named_at_localemu() {
    let Some(clinic) = Clinic::local() else { return };
    let wrong = taken_away(&clinic, &LOCALEMU);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
