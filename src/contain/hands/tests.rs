//! Hands at an IAM whose users are renamed, deleted and replaced.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;

use aws_config::{BehaviorVersion, Region};
use aws_sdk_iam::config::Credentials;
use aws_sdk_iam::config::retry::RetryConfig;
use serde_json::json;

use super::*;
use crate::contain::cloud::{Cloud, Vault};
use crate::model::plan::{Class, Target, Way};

/// Users by name and id; each has one key, `AKIA` and the id.
type Users = Arc<Mutex<Vec<(&'static str, &'static str)>>>;

fn answer(users: &[(&str, &str)], form: &[&str]) -> (u16, String) {
    let field = |name: &str| form.iter().find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')).unwrap_or("");
    let (action, name) = (field("Action"), field("UserName"));
    let one = |(name, id): &(&str, &str)| {
        format!(
            "<Path>/</Path><UserName>{name}</UserName><UserId>{id}</UserId><Arn>a</Arn>\
             <CreateDate>2026-11-22T00:00:00Z</CreateDate>"
        )
    };
    let user = users.iter().find(|(known, _)| *known == name);
    let content = match (action, user) {
        ("ListUsers", _) => {
            let all: String = users.iter().map(|user| format!("<member>{}</member>", one(user))).collect();
            format!("<Users>{all}</Users><IsTruncated>false</IsTruncated>")
        }
        ("GetUser", Some(user)) => format!("<User>{}</User>", one(user)),
        ("ListAccessKeys", Some((name, id))) => format!(
            "<AccessKeyMetadata><member><UserName>{name}</UserName><AccessKeyId>AKIA{id}</AccessKeyId>\
             <Status>Active</Status></member></AccessKeyMetadata><IsTruncated>false</IsTruncated>"
        ),
        (_, None) => return (404, error("NoSuchEntity")),
        _ => return (403, error("AccessDenied")),
    };
    (200, format!("<{action}Response><{action}Result>{content}</{action}Result></{action}Response>"))
}

fn error(code: &str) -> String {
    format!("<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>m</Message></Error></ErrorResponse>")
}

fn serve(users: &Users) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let users = Arc::clone(users);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let (mut line, mut length) = (String::new(), 0);
            while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
                let lower = line.to_ascii_lowercase();
                length = lower.strip_prefix("content-length:").map_or(length, |rest| rest.trim().parse().unwrap());
                line.clear();
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let body = String::from_utf8(body).unwrap();
            let (status, xml) = answer(&users.lock().unwrap(), &body.split('&').collect::<Vec<_>>());
            let head = format!("HTTP/1.1 {status} X\r\nContent-Type: text/xml\r\nConnection: close\r\n");
            drop(write!(stream, "{head}Content-Length: {}\r\n\r\n{xml}", xml.len()));
        }
    });
    url
}

fn step(action: &str, arn: &str, id: &str) -> Step {
    Step {
        n: 1,
        action: action.to_owned(),
        target: Target {
            kind: "iam:user".to_owned(),
            arn: arn.to_owned(),
            account: "111122223333".to_owned(),
            region: "us-east-1".to_owned(),
            id: id.to_owned(),
            detail: Default::default(),
        },
        class: Class::R1,
        changes: String::new(),
        undo: None,
        permissions: Vec::new(),
        before: json!({}),
        after: json!({}),
        needs: Vec::new(),
        phase: 3,
    }
}

fn plan(steps: Vec<Step>) -> Plan {
    Plan {
        incident: "inc-1".to_owned(),
        way: Way::Contain,
        digest: String::new(),
        attempt: 0,
        made_at: 0,
        expires_at: 0,
        playbooks: Vec::new(),
        scope: String::new(),
        steps,
        blast_radius: Vec::new(),
        credentials: Vec::new(),
        refused: Vec::new(),
        people: Vec::new(),
        remarks: Vec::new(),
        estimate_seconds: 0,
        principals: Vec::new(),
    }
}

const EVE: &str = "arn:aws:iam::111122223333:user/eve";
const KEY: &str = "arn:aws:iam::111122223333:user/eve#AKIAIDEVE";
const NEVER: &dyn Fn() -> Seconds = &|| 0;

/// Calls hands at an IAM with these users; between the looks of one life others may come and go.
fn with_hands(work: impl AsyncFnOnce(&Cloud, &Live<'_>, &Users)) {
    let users = Users::default();
    let url = serve(&users);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let credentials = Credentials::new("AKIAIOSFODNN7EXAMPLE", "secret", None, None, "test");
        let loader = aws_config::defaults(BehaviorVersion::latest()).region(Region::from_static("us-east-1"));
        let loader = loader.endpoint_url(url).credentials_provider(credentials);
        let config = loader.retry_config(RetryConfig::standard().with_max_attempts(1)).load().await;
        let cloud = Cloud::new(Box::new(move |_, _| Some(config.clone())), Vault::Folder("unused".into()));
        let hands = Live::new(&cloud, "inc-1", NEVER, None);
        work(&cloud, &hands, &users).await;
    });
}

#[test]
fn a_user_is_followed_by_its_id() {
    with_hands(async |cloud, hands, users| {
        let (user, key) = (step("delete-user", EVE, "IDEVE"), step("delete-key", KEY, "IDEVE/AKIAIDEVE/0"));
        for names in [
            vec![("eve", "IDEVE")],
            vec![("bob", "IDBOB"), ("mallory", "IDEVE")],
            // Somebody else gets the former name.
            vec![("eve", "IDTRAP"), ("trent", "IDEVE")],
            vec![("eve", "IDEVE")],
        ] {
            *users.lock().unwrap() = names;
            for step in [&key, &user] {
                assert_eq!(hands.observe(step).await.unwrap().id, step.target.id);
            }
        }
        // A key of the renamed user is still called as the plan calls it.
        *users.lock().unwrap() = vec![("mallory", "IDEVE")];
        hands.observe(&user).await.unwrap();
        assert_eq!(access_keys(cloud, std::slice::from_ref(&user)).await.unwrap(), [] as [String; 0]);
        let loose = hands.loose(&plan(vec![user.clone()])).await.unwrap();
        assert_eq!(loose[ACCESS_KEYS].iter().collect::<Vec<_>>(), [KEY]);
        assert!(!loose.contains_key("deactivate-ssh-key"), "what is denied is not taken for none");
        let loose = hands.loose(&plan(vec![user.clone(), key.clone()])).await.unwrap();
        assert!(loose[ACCESS_KEYS].is_empty());
        // Gone is who is nowhere.
        users.lock().unwrap().clear();
        for step in [&user, &key] {
            assert!(matches!(hands.observe(step).await, Err(Refusal::Gone(_))));
        }
    });
}
