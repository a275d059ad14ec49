//! An IAM with one user that refuses what a test tells it to.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;

use super::*;

#[derive(Default)]
struct State {
    attached: BTreeSet<String>,
    inline: BTreeMap<String, String>,
    /// By action: the error that it gets.
    refused: BTreeMap<&'static str, (u16, &'static str)>,
    /// What simulation says.
    decision: Option<&'static str>,
    /// Whether `AWSDenyAll` has a document.
    has_document: bool,
    calls: Vec<String>,
}

/// The fake and its address.
struct Fake {
    state: Arc<Mutex<State>>,
    url: String,
}

impl Fake {
    fn start(state: State) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(state));
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { return };
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let (mut line, mut length) = (String::new(), 0);
                while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
                    let lower = line.to_ascii_lowercase();
                    length = lower.strip_prefix("content-length:").map_or(length, |rest| rest.trim().parse().unwrap());
                    line.clear();
                }
                let mut body = vec![0; length];
                reader.read_exact(&mut body).unwrap();
                let body = String::from_utf8(body).unwrap().replace('+', "%20");
                let form: BTreeMap<_, _> = body.split('&').filter_map(|pair| pair.split_once('=')).collect();
                let form = |name: &str| {
                    let value = form.get(name).copied().unwrap_or_default();
                    decoded(&format!("%20{value}")).trim_start().to_owned()
                };
                let (status, xml) = shared.lock().unwrap().answer(&form);
                let head = format!("HTTP/1.1 {status} X\r\nContent-Type: text/xml\r\nConnection: close\r\n");
                let mut stream = stream;
                drop(write!(stream, "{head}Content-Length: {}\r\n\r\n{xml}", xml.len()));
            }
        });
        Self { state, url }
    }

    /// Observes, goes to the goal, observes, goes back, and gives the states.
    fn there_and_back(&self) -> (Result<Value, Refusal>, [Value; 3]) {
        let folder = tempfile::tempdir().unwrap();
        let cloud = cloud(configuration(&self.url, "AKIAIOSFODNN7EXAMPLE", "secret", None), folder.path());
        let target = target(USER, &[]);
        let read = || run(AttachDeny.observe(&cloud, &target)).unwrap().state;
        let before = read();
        let goal = AttachDeny.goal(&target, &before).unwrap();
        let told = run(AttachDeny.set(&cloud, &target, &before, &goal, &knobs()));
        let then = read();
        if let Err(refusal) = run(AttachDeny.set(&cloud, &target, &then, &before, &knobs())) {
            panic!("{refusal}");
        }
        (told, [before, then, read()])
    }

    fn calls(&self, name: &str) -> usize {
        self.state.lock().unwrap().calls.iter().filter(|call| *call == name).count()
    }
}

impl State {
    fn answer(&mut self, form: &impl Fn(&str) -> String) -> (u16, String) {
        let action = form("Action");
        self.calls.push(action.clone());
        let gone = || (404, error("NoSuchEntity"));
        if let Some((status, code)) = self.refused.get(action.as_str()) {
            return (*status, error(code));
        }
        let content = match action.as_str() {
            "GetUser" => "<User><Path>/team/</Path><UserName>u</UserName><UserId>AIDAEXAMPLE</UserId><Arn>a</Arn>\
                          <CreateDate>2026-11-22T00:00:00Z</CreateDate></User>"
                .to_owned(),
            "ListAttachedUserPolicies" => {
                let one =
                    |arn: &String| format!("<member><PolicyArn>{arn}</PolicyArn><PolicyName>p</PolicyName></member>");
                let all: String = self.attached.iter().map(one).collect();
                format!("<AttachedPolicies>{all}</AttachedPolicies><IsTruncated>false</IsTruncated>")
            }
            "GetUserPolicy" => match self.inline.get(&form("PolicyName")) {
                Some(text) => {
                    let text = text.replace('"', "%22").replace('{', "%7B");
                    format!("<UserName>u</UserName><PolicyName>p</PolicyName><PolicyDocument>{text}</PolicyDocument>")
                }
                None => return gone(),
            },
            "AttachUserPolicy" => {
                self.attached.insert(form("PolicyArn"));
                String::new()
            }
            "DetachUserPolicy" => {
                self.attached.remove(&form("PolicyArn"));
                String::new()
            }
            "PutUserPolicy" => {
                self.inline.insert(form("PolicyName"), form("PolicyDocument"));
                String::new()
            }
            "DeleteUserPolicy" => {
                self.inline.remove(&form("PolicyName"));
                String::new()
            }
            "GetPolicy" if self.has_document => "<Policy><DefaultVersionId>v1</DefaultVersionId></Policy>".to_owned(),
            "GetPolicyVersion" if self.has_document => {
                let text = "%7B%22Statement%22:%5B%7B%22Effect%22:%22Deny%22,%22Action%22:%22*%22,%22Resource%22:%22*%22%7D%5D%7D";
                format!("<PolicyVersion><Document>{text}</Document></PolicyVersion>")
            }
            "SimulatePrincipalPolicy" => match self.decision {
                Some(decision) => {
                    let one = format!(
                        "<member><EvalActionName>a</EvalActionName><EvalDecision>{decision}</EvalDecision></member>"
                    );
                    format!("<EvaluationResults>{}</EvaluationResults>", one.repeat(3))
                }
                None => return (500, error("InternalFailure")),
            },
            _ => return gone(),
        };
        (200, format!("<{action}Response><{action}Result>{content}</{action}Result></{action}Response>"))
    }
}

fn error(code: &str) -> String {
    format!(
        "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>so it is</Message></Error></ErrorResponse>"
    )
}

const CLEAN: [bool; 3] = [false, false, false];

fn bools(state: &Value) -> [bool; 3] {
    ["attached", "inline", "denied"].map(|name| state[name] == true)
}

#[test]
fn attaching_is_enough_where_its_document_denies() {
    let fake = Fake::start(State { has_document: true, ..State::default() });
    let (told, states) = fake.there_and_back();
    assert_eq!(told.unwrap()["by"], "AWSDenyAll");
    assert_eq!(states.each_ref().map(bools), [CLEAN, [true, false, true], CLEAN]);
    assert_eq!((fake.calls("PutUserPolicy"), fake.calls("DeleteUserPolicy")), (0, 0));
    assert_eq!(fake.calls("SimulatePrincipalPolicy"), 1, "what is broken is asked once, not again and again");
}

#[test]
fn simulation_alone_proves_too() {
    let fake = Fake::start(State { decision: Some("explicitDeny"), ..State::default() });
    let (_, states) = fake.there_and_back();
    assert_eq!(states.each_ref().map(bools), [CLEAN, [true, false, true], CLEAN]);
}

#[test]
fn a_policy_without_a_document_is_followed_by_an_inline_one() {
    let fake = Fake::start(State { decision: Some("implicitDeny"), ..State::default() });
    let (told, states) = fake.there_and_back();
    assert_eq!(told.unwrap()["by"], "stakeout-deny-inc-1");
    assert_eq!(states.each_ref().map(bools), [CLEAN, [true, true, true], CLEAN]);
}

#[test]
fn full_and_forbidden_attachments_are_followed_by_an_inline_policy() {
    for refused in [(409, "LimitExceeded"), (403, "AccessDenied"), (404, "NoSuchEntity"), (400, "PolicyNotAttachable")]
    {
        let fake = Fake::start(State { has_document: true, ..State::default() });
        fake.state.lock().unwrap().refused.insert("AttachUserPolicy", refused);
        let (told, states) = fake.there_and_back();
        assert!(told.unwrap()["why_not_attached"].as_str().unwrap().contains(refused.1));
        assert_eq!(states.each_ref().map(bools), [CLEAN, [false, true, true], CLEAN]);
        assert_eq!((fake.calls("AttachUserPolicy"), fake.calls("DetachUserPolicy")), (1, 0));
    }
}

#[test]
fn where_both_ways_are_refused_both_reasons_are_told() {
    let fake = Fake::start(State::default());
    fake.state.lock().unwrap().refused.insert("AttachUserPolicy", (409, "LimitExceeded"));
    fake.state.lock().unwrap().refused.insert("PutUserPolicy", (400, "MalformedPolicyDocument"));
    let (told, states) = fake.there_and_back();
    let told = told.unwrap_err().to_string();
    assert!(told.contains("LimitExceeded") && told.contains("MalformedPolicyDocument"), "{told}");
    assert_eq!(states.each_ref().map(bools), [CLEAN; 3]);
}

#[test]
fn what_may_pass_is_no_reason_for_another_way() {
    let fake = Fake::start(State { has_document: true, ..State::default() });
    fake.state.lock().unwrap().refused.insert("AttachUserPolicy", (400, "Throttling"));
    let (told, _) = fake.there_and_back();
    assert!(told.unwrap_err().is_passing());
    assert_eq!(fake.calls("PutUserPolicy"), 0);
}

#[test]
fn a_denial_of_another_incident_and_an_earlier_attachment_stay() {
    let fake = Fake::start(State { decision: Some("allowed"), ..State::default() });
    {
        let mut state = fake.state.lock().unwrap();
        state.attached.insert("arn:aws:iam::aws:policy/AWSDenyAll".to_owned());
        state.inline.insert("stakeout-deny-inc-2".to_owned(), deny_all());
    }
    let (_, states) = fake.there_and_back();
    assert_eq!(bools(&states[1]), [true, true, false], "AWS says that calls are allowed: it is not proven");
    let state = fake.state.lock().unwrap();
    assert_eq!(state.attached.len(), 1);
    assert_eq!(state.inline.keys().collect::<Vec<_>>(), ["stakeout-deny-inc-2"]);
}
