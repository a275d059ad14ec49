//! Every action on identities, there and back, against a stand-in that `STAKEOUT_TEST_ENDPOINT` names, with the owner's
//! key and secret in `STAKEOUT_TEST_KEY` and `STAKEOUT_TEST_SECRET`. Each line that is printed is one result.

use std::io::Write as _;

use aws_sdk_iam::Client;

use super::*;

const ALLOW: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

fn tell(line: &str) {
    drop(writeln!(std::io::stderr(), "{line}"));
}

type Key = (String, String, Option<String>);

/// An account with a user of two keys, and a role that the user assumes.
struct Ground {
    endpoint: String,
    iam: Client,
    cloud: Cloud,
    vault: tempfile::TempDir,
    user: String,
    role: String,
    arns: [String; 2],
    keys: Vec<Key>,
}

impl Ground {
    fn new(name: &str) -> Option<Self> {
        let env = |name: &str| std::env::var(name).ok();
        let endpoint = env("STAKEOUT_TEST_ENDPOINT")?;
        assert!(endpoint.starts_with("http://127.0.0.1:"), "{endpoint}");
        let owner = [env("STAKEOUT_TEST_KEY")?, env("STAKEOUT_TEST_SECRET")?];
        let config = configuration(&endpoint, &owner[0], &owner[1], None);
        let vault = tempfile::tempdir().unwrap();
        let (iam, cloud) = (Client::new(&config), cloud(config, vault.path()));
        let (user, role) = (format!("{name}.x+tmp=1"), format!("{name}-role"));
        let (arns, keys) = run(prepare(&iam, &user, &role));
        Some(Self { endpoint, iam, cloud, vault, user, role, arns, keys })
    }

    fn subject(&self, on_role: bool, hold: Hold) -> Subject {
        let kind = if on_role { "iam:role" } else { "iam:user" };
        subject(kind, &self.arns[usize::from(on_role)], hold)
    }

    /// `ok`, or the code of the refusal.
    fn call(&self, key: &Key) -> String {
        let config = configuration(&self.endpoint, &key.0, &key.1, key.2.as_deref());
        match run(Client::new(&config).list_users().max_items(1).send()) {
            Ok(_) => "ok".to_owned(),
            Err(error) => error.into_service_error().meta().code().unwrap_or("no code").to_owned(),
        }
    }

    /// A session of the role, minted by the user.
    fn session(&self, name: &str) -> Result<Key, String> {
        let config = configuration(&self.endpoint, &self.keys[0].0, &self.keys[0].1, None);
        let call = aws_sdk_sts::Client::new(&config).assume_role().role_arn(&self.arns[1]).role_session_name(name);
        let answer =
            run(call.send()).map_err(|error| error.into_service_error().meta().code().unwrap_or("-").to_owned())?;
        let key = answer.credentials().unwrap();
        Ok((key.access_key_id().into(), key.secret_access_key().into(), Some(key.session_token().into())))
    }

    /// To the goal, once more, and back. `effect` is asked before, then and after.
    fn drive(&self, action: &dyn Action, subject: &Subject, effect: &dyn Fn() -> String) {
        let label = format!("{:<32}{:<9}", action.name(), subject.kind);
        let targets = match run(action.find(&self.cloud, subject)) {
            Ok(targets) => targets,
            Err(refusal) => return tell(&format!("{label} find: {refusal}")),
        };
        if targets.is_empty() {
            tell(&format!("{label} finds nothing"));
        }
        for target in &targets {
            let read = || run(action.observe(&self.cloud, target));
            let before = read().unwrap();
            assert_eq!(before.id, target.id, "{label}");
            let goal =
                action.goal(target, &before.state).unwrap_or_else(|| panic!("{label} nothing to do: {before:?}"));
            let first = effect();
            let set = |from: &Value, to: &Value| run(action.set(&self.cloud, target, from, to, &knobs()));
            if let Err(refusal) = set(&before.state, &goal) {
                tell(&format!("{label} set: {refusal}"));
                continue;
            }
            let then = match read() {
                Ok(then) => then,
                Err(Refusal::Gone(_)) if action.class() == Class::R3 => {
                    set(&before.state, &goal).unwrap();
                    tell(&format!("{label} gone; {first} -> {}", effect()));
                    continue;
                }
                Err(refusal) => panic!("{label} {refusal}"),
            };
            let holds = action.holds(&then.state, &goal);
            assert_eq!((&then.id, holds), (&before.id, true), "{label} {}", then.state);
            assert!(action.is_between(&then.state, &before.state, &goal) || holds);
            let second = effect();
            set(&then.state, &goal).unwrap();
            assert!(action.holds(&read().unwrap().state, &goal), "{label} twice");
            if !action.is_undoable() {
                tell(&format!("{label} holds"));
                continue;
            }
            set(&then.state, &before.state).unwrap();
            assert_eq!(read().unwrap(), before, "{label} back");
            tell(&format!("{label} holds and is back; {first} -> {second} -> {}", effect()));
        }
    }
}

async fn prepare(iam: &Client, user: &str, role: &str) -> ([String; 2], Vec<Key>) {
    let made = iam.create_user().user_name(user).path("/team/").send().await.unwrap();
    let user_arn = made.user().unwrap().arn().to_owned();
    iam.put_user_policy().user_name(user).policy_name("all").policy_document(ALLOW).send().await.unwrap();
    let mut keys = Vec::new();
    for _ in 0..2 {
        let made = iam.create_access_key().user_name(user).send().await.unwrap();
        let key = made.access_key().unwrap();
        keys.push((key.access_key_id().to_owned(), key.secret_access_key().to_owned(), None));
    }
    let account = user_arn.split(':').nth(4).unwrap();
    // Odd spaces, letters and signs that come back byte for byte.
    let trust = format!(
        "{{ \"Version\":\"2012-10-17\",\n\t\"Statement\" : [ {{\"Sid\":\"A1\",\"Effect\":\"Allow\",\
         \"Principal\":{{\"AWS\":\"arn:aws:iam::{account}:root\"}},\"Action\":\"sts:AssumeRole\",\
         \"Condition\":{{\"StringNotLike\":{{\"sts:RoleSessionName\":\"100%25+ no \"}}}} }} ]  }}"
    );
    let made =
        iam.create_role().role_name(role).path("/team/").assume_role_policy_document(&trust).send().await.unwrap();
    iam.put_role_policy().role_name(role).policy_name("all").policy_document(ALLOW).send().await.unwrap();
    let back = iam.get_role().role_name(role).send().await.unwrap();
    let back = decoded(back.role().unwrap().assume_role_policy_document().unwrap());
    tell(&format!("trust policy comes back byte for byte: {}", back == trust));
    ([user_arn, made.role().unwrap().arn().to_owned()], keys)
}

#[test]
#[ignore = "needs a stand-in that STAKEOUT_TEST_ENDPOINT names"]
fn there_and_back() {
    let Some(ground) = Ground::new("there") else { return };
    let (evil, good) = (ground.session("evil").unwrap(), ground.session("good").unwrap());
    let on_user = ground.subject(false, Hold::Whole);
    let on_role = ground.subject(true, Hold::Whole);
    let [key, second] = [0, 1].map(|place| ground.keys[place].clone());
    let calls = || format!("key {}, session {}", ground.call(&key), ground.call(&evil));
    ground.drive(&SaveIdentity, &on_user, &String::new);
    ground.drive(&SaveIdentity, &on_role, &String::new);
    let manifest = walk(ground.vault.path()).into_iter().filter(|path| path.ends_with("manifest.json"));
    for manifest in manifest {
        let text = std::fs::read_to_string(&manifest).unwrap();
        let manifest: Value = serde_json::from_str(&text).unwrap();
        tell(&format!("  {} objects, missing {}", manifest["objects"].as_array().unwrap().len(), manifest["missing"]));
        for (_, secret, _) in &ground.keys {
            assert!(!text.contains(secret));
        }
    }
    ground.drive(&AttachDeny, &on_user, &calls);
    ground.drive(&AttachDeny, &on_role, &calls);
    ground.drive(&SetDenyBoundary, &on_user, &calls);
    ground.drive(&SetDenyBoundary, &on_role, &calls);
    let later = || match ground.session("later") {
        Ok(_) => "assumed".to_owned(),
        Err(code) => code,
    };
    ground.drive(&CloseTrust, &on_role, &later);
    let sessions = || format!("evil {}, good {}, key {}", ground.call(&evil), ground.call(&good), ground.call(&key));
    let id = run(ground.iam.get_role().role_name(&ground.role).send()).unwrap().role().unwrap().role_id().to_owned();
    let some = Subject { sessions: set_of(&[&format!("{id}:evil")]), ..ground.subject(true, Hold::Sessions) };
    ground.drive(&DenySessions, &some, &sessions);
    ground.drive(&DenySessions, &ground.subject(true, Hold::OldSessions), &sessions);
    ground.drive(&DenySessions, &ground.subject(false, Hold::OldSessions), &sessions);
    let networks = Subject { usual_networks: set_of(&["198.51.100.0/24"]), ..ground.subject(false, Hold::Networks) };
    ground.drive(&DenyOtherNetworks, &networks, &calls);
    let keys = || format!("first {}, second {}", ground.call(&key), ground.call(&second));
    let one = Subject { credentials: set_of(&[&key.0]), ..ground.subject(false, Hold::Credentials) };
    ground.drive(&Deactivate(AccessKeys), &one, &keys);
}

#[test]
#[ignore = "needs a stand-in that STAKEOUT_TEST_ENDPOINT names"]
fn all_credentials_of_a_made_user_and_its_end() {
    let Some(ground) = Ground::new("made") else { return };
    let (iam, user) = (&ground.iam, &ground.user);
    let made = Subject { made: true, ..ground.subject(false, Hold::Whole) };
    let note = |what: &str, failed: bool| {
        if failed {
            tell(&format!("the stand-in has no {what}"))
        }
    };
    note(
        "SSH keys",
        run(iam.upload_ssh_public_key().user_name(user).ssh_public_key_body("ssh-rsa AAAA x").send()).is_err(),
    );
    let service = "codecommit.amazonaws.com";
    note(
        "service credentials",
        run(iam.create_service_specific_credential().user_name(user).service_name(service).send()).is_err(),
    );
    let body = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----";
    note("certificates", run(iam.upload_signing_certificate().user_name(user).certificate_body(body).send()).is_err());
    note("passwords", run(iam.create_login_profile().user_name(user).password("Abc123!xyz0ABC").send()).is_err());
    note("groups", run(iam.create_group().group_name("made-group").send()).is_err());
    note("members", run(iam.add_user_to_group().user_name(user).group_name("made-group").send()).is_err());
    let device = run(iam.create_virtual_mfa_device().virtual_mfa_device_name("made-device").send()).ok();
    let serial = device.and_then(|made| Some(made.virtual_mfa_device()?.serial_number().to_owned()));
    if let Some(serial) = serial {
        let call = iam.enable_mfa_device().user_name(user).serial_number(serial);
        note("MFA", run(call.authentication_code1("123456").authentication_code2("234567").send()).is_err());
    }
    let keys = || ground.keys.iter().map(|key| ground.call(key)).collect::<Vec<_>>().join(", ");
    ground.drive(&Deactivate(AccessKeys), &made, &keys);
    ground.drive(&Deactivate(SshKeys), &made, &String::new);
    ground.drive(&Deactivate(ServiceCredentials), &made, &String::new);
    ground.drive(&Deactivate(SigningCertificates), &made, &String::new);
    ground.drive(&DeleteLoginProfile, &made, &String::new);
    ground.drive(&DeleteKey, &made, &keys);
    assert!(run(DeleteUser.find(&ground.cloud, &on_other(&made))).unwrap().is_empty(), "only what the incident made");
    ground.drive(&DeleteUser, &made, &keys);
    assert!(run(AttachDeny.find(&ground.cloud, &made)).unwrap().is_empty(), "it is gone");
}

fn on_other(subject: &Subject) -> Subject {
    Subject { made: false, ..subject.clone() }
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}
