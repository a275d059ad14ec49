//! What Terraform makes of the documents with placeholders: what the templates of `CloudFormation` make too.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use super::policy::beyond;
use super::template::{ACCOUNT, REGION, Template};
use crate::harness::{finish, root};

const SECRET: &str = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:slack-a1b2c3";
const MEMBER: &str = "arn:aws:iam::444455556666:role/stakeout-detector";

/// A template with its parameters, and what Terraform's module `policies` is given where it is to make the same.
struct Case {
    name: &'static str,
    parameters: Vec<(&'static str, &'static str)>,
    places: Value,
    members: Vec<&'static str>,
}

fn cases() -> [Case; 4] {
    let least = json!({ "account": ACCOUNT, "region": REGION, "table": "stakeout-1a2b3c4d", "vault": "org-evidence" });
    let mut most = least.clone();
    most["trail"] = json!("org-trail");
    most["secret"] = json!(SECRET);
    most["parameter"] = json!("parameter/stakeout/settings");
    let home = vec![("CodeBucket", "code"), ("EvidenceBucket", "org-evidence")];
    let more = [("TrailBucket", "org-trail"), ("SlackSecretArn", SECRET), ("SettingsParameter", "/stakeout/settings")];
    let all = home.iter().chain(&more).copied().chain([("MemberRoleArns", MEMBER)]).collect();
    let role = ("HomeRoleArn", "arn:aws:iam::999988887777:role/stakeout");
    let member = vec![role, ("ExternalId", "a-long-external-id")];
    let only = json!({ "account": ACCOUNT, "region": REGION });
    [
        Case { name: "stakeout", parameters: home, places: least, members: vec![] },
        Case { name: "stakeout", parameters: all, places: most, members: vec![MEMBER] },
        Case { name: "member", parameters: member, places: only.clone(), members: vec![] },
        Case { name: "eradicate", parameters: vec![], places: only, members: vec![] },
    ]
}

/// The documents of a folder with places filled in, as `deploy/terraform/policies/main.tf` does it.
fn filled(folder: &str, places: &Value, members: &[&str]) -> BTreeMap<String, Value> {
    let mut documents = BTreeMap::new();
    for file in fs::read_dir(root().join("deploy/terraform/policies").join(folder)).unwrap() {
        let path = file.unwrap().path();
        let mut text = fs::read_to_string(&path).unwrap();
        for name in ["account", "region", "table", "vault", "trail", "topic", "secret", "parameter"] {
            text = text.replace(&format!("${{{name}}}"), places[name].as_str().unwrap_or("(absent)"));
        }
        let text = text.replace("${members}", "(members)");
        let text = text.replace("${alone}", if members.is_empty() { "" } else { "(absent)" });
        let mut document: Value = serde_json::from_str(&text).unwrap();
        let statements = document["Statement"].as_array().unwrap().clone();
        document["Statement"] = statements.into_iter().filter_map(|statement| with(statement, members)).collect();
        documents.insert(path.file_stem().unwrap().to_string_lossy().into_owned(), document);
    }
    documents
}

/// A statement on what is there; none where that is nothing.
fn with(mut statement: Value, members: &[&str]) -> Option<Value> {
    let key = if statement.get("Resource").is_some() { "Resource" } else { "NotResource" };
    let all = match statement[key].take() {
        Value::Array(all) => all,
        one => vec![one],
    };
    let mut there = Vec::new();
    for resource in all {
        match resource.as_str().unwrap() {
            "(members)" => there.extend(members.iter().map(|member| json!(member))),
            text if text.contains("(absent)") => {}
            _ => there.push(resource),
        }
    }
    let fields = statement.as_object_mut().unwrap();
    fields.remove(key);
    let (key, value) = match (key, there.as_slice()) {
        ("Resource", []) => return None,
        (_, []) => ("Resource", json!("*")),
        (key, [one]) => (key, one.clone()),
        (key, _) => (key, json!(there)),
    };
    fields.insert(key.to_owned(), value);
    Some(statement)
}

#[test]
fn terraform_allows_what_cloudformation_allows() {
    for Case { name, parameters, places, members } in cases() {
        let ours = filled(name, &places, &members);
        let template = Template::read(&format!("{name}.yaml"), &parameters).policies();
        let theirs: BTreeMap<_, _> = template.into_values().flatten().collect();
        assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>(), "{name}");
        for (policy, document) in &ours {
            assert_eq!(beyond([document], [&theirs[policy]]), [""; 0], "{policy}");
            assert_eq!(beyond([&theirs[policy]], [document]), [""; 0], "{policy}");
            assert!(document.to_string().len() <= 6_144, "{policy} is too large");
        }
    }
}

/// Terraform itself, where it is installed. The module needs no provider, and so no network.
#[test]
fn terraform_fills_in_places_in_that_way() {
    if Command::new("terraform").arg("version").output().is_err() {
        return;
    }
    for Case { name, places, members, .. } in cases() {
        let folder = tempfile::tempdir().unwrap();
        let module = folder.path().join("policies");
        let copy = Command::new("cp").arg("-r").arg(root().join("deploy/terraform/policies")).arg(&module).status();
        assert!(copy.unwrap().success());
        let main = format!(
            "module \"policies\" {{\n  source = \"./policies\"\n  folder = \"{name}\"\n  places = {places}\n  \
             members = {}\n}}\n\noutput \"documents\" {{\n  value = module.policies.documents\n}}\n",
            json!(members)
        );
        fs::write(folder.path().join("main.tf"), main).unwrap();
        let terraform = |arguments: &[&str]| {
            let mut terraform = Command::new("terraform");
            terraform.args(arguments).current_dir(folder.path()).env_remove("TF_CLI_CONFIG_FILE");
            terraform.env("CHECKPOINT_DISABLE", "1").env("HOME", folder.path());
            let run = finish(terraform, b"");
            assert_eq!(run.status, 0, "{}", run.stderr);
            run.stdout
        };
        terraform(&["init", "-no-color"]);
        terraform(&["apply", "-no-color", "-auto-approve"]);
        let answer: BTreeMap<String, String> =
            serde_json::from_str(&terraform(&["output", "-json", "documents"])).unwrap();
        let theirs = answer.into_iter().map(|(name, text)| (name, serde_json::from_str::<Value>(&text).unwrap()));
        assert_eq!(theirs.collect::<BTreeMap<_, _>>(), filled(name, &places, &members), "{name}");
    }
}
