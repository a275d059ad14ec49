//! Stands between the program and a stand-in: counts what would change something, and lets calls fail.

use std::io::{BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use super::fake::{Request, read};

/// What becomes of a call.
pub(crate) enum Fate {
    Pass,
    /// It is answered here, with a status, a code and a message, as its service does.
    Refused(u16, &'static str, &'static str),
    /// It is answered here, as the stand-in would if it could.
    Answered(String),
    /// The connection ends before the stand-in hears of it.
    Lost,
    /// The stand-in does it, and nobody hears of that.
    Unheard,
    /// The same, after something else happened.
    Then(Box<dyn FnOnce() + Send>),
}

/// Decides about a call that changes something: the how manieth it is, from 1; none for one that only reads.
type Rule = dyn FnMut(&Request, Option<usize>) -> Fate + Send;

struct Shared {
    /// Lists of IAM that the stand-in does not know: they are empty.
    unknown: Option<&'static [&'static str]>,
    rule: Option<Box<Rule>>,
    changes: Vec<Request>,
}

/// Serves until the test process ends, many connections side by side.
pub(crate) struct Proxy {
    port: u16,
    shared: Arc<Mutex<Shared>>,
}

impl Proxy {
    /// Before a server, by its URL.
    pub(crate) fn before(url: &str) -> Self {
        let behind = url.strip_prefix("http://").unwrap().to_owned();
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Mutex::new(Shared { unknown: None, rule: None, changes: Vec::new() }));
        let seen = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (seen, behind) = (Arc::clone(&seen), behind.clone());
                thread::spawn(move || drop(serve(stream, &behind, &seen)));
            }
        });
        Self { port, shared }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// From here on, calls are counted anew and end as `rule` says.
    pub(crate) fn rule(&self, rule: impl FnMut(&Request, Option<usize>) -> Fate + Send + 'static) {
        let mut shared = self.shared.lock().unwrap();
        shared.rule = Some(Box::new(rule));
        shared.changes.clear();
    }

    /// From here on, calls are counted anew and all pass.
    pub(crate) fn open(&self) {
        let mut shared = self.shared.lock().unwrap();
        (shared.rule, shared.changes) = (None, Vec::new());
    }

    /// From here on, these lists of IAM are empty, and so is that of provisioned concurrency, which no stand-in knows.
    pub(crate) fn fill_gaps(&self, lists: &'static [&'static str]) {
        self.shared.lock().unwrap().unknown = Some(lists);
    }

    /// Calls that would have changed something, as `service operation`, whatever became of them.
    pub(crate) fn changes(&self) -> Vec<String> {
        let shared = self.shared.lock().unwrap();
        shared.changes.iter().map(|request| format!("{} {}", request.service, request.operation)).collect()
    }
}

/// Whether a call changes what containment is about. Queues, objects and tables are the program's own business.
fn is_change(request: &Request) -> bool {
    let operation = request.operation.as_str();
    let asks = ["Get", "List", "Describe", "Lookup", "Simulate", "Generate"];
    match request.service.as_str() {
        "lambda" | "scheduler" | "guardduty" => !operation.starts_with("GET "),
        "s3" | "sqs" | "sts" | "account" | "dynamodb" => false,
        _ => !asks.iter().any(|begin| operation.starts_with(begin)),
    }
}

/// An empty list, where the stand-in would say that there is no such question.
fn gap(request: &Request, unknown: &[&str]) -> Option<String> {
    let name = request.operation.as_str();
    if unknown.contains(&name) {
        let empty = format!("<{name}Result><IsTruncated>false</IsTruncated></{name}Result>");
        return Some(format!("<{name}Response>{empty}</{name}Response>"));
    }
    let is_list = name.starts_with("GET ") && name.contains("/provisioned-concurrency?") && name.contains("List=ALL");
    is_list.then(|| r#"{"ProvisionedConcurrencyConfigs":[]}"#.to_owned())
}

fn serve(mut stream: TcpStream, behind: &str, shared: &Mutex<Shared>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let Some((request, raw)) = read(&mut reader)? else { return Ok(()) };
    let fate = {
        let mut shared = shared.lock().unwrap();
        let number = is_change(&request).then(|| {
            shared.changes.push(request.clone());
            shared.changes.len()
        });
        let fate = shared.rule.as_mut().map_or(Fate::Pass, |rule| rule(&request, number));
        let unknown = shared.unknown.filter(|_| matches!(fate, Fate::Pass));
        unknown.and_then(|unknown| gap(&request, unknown)).map_or(fate, Fate::Answered)
    };
    match fate {
        Fate::Pass => {
            let answer = forward(behind, &raw)?;
            stream.write_all(&closing(&answer))
        }
        Fate::Refused(status, code, message) => stream.write_all(refusal(&request, status, code, message).as_bytes()),
        Fate::Answered(body) => stream.write_all(answered("200 OK", "", &body).as_bytes()),
        Fate::Lost => Ok(()),
        Fate::Unheard => forward(behind, &raw).map(drop),
        Fate::Then(happens) => {
            forward(behind, &raw)?;
            happens();
            Ok(())
        }
    }
}

/// The whole answer of the server behind. The signature does not cover the header that ends the connection.
fn forward(behind: &str, raw: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut server = TcpStream::connect(behind)?;
    server.write_all(&closing(raw))?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer)?;
    Ok(answer)
}

/// A message with `Connection: close` behind its first line.
fn closing(message: &[u8]) -> Vec<u8> {
    let Some(end) = message.windows(2).position(|two| two == b"\r\n") else { return message.to_vec() };
    let (first, rest) = message.split_at(end);
    [first, b"\r\nConnection: close", rest].concat()
}

/// A refusal in the protocol of the service.
fn refusal(request: &Request, status: u16, code: &str, message: &str) -> String {
    let body = match request.service.as_str() {
        "iam" | "sts" | "autoscaling" => format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>\
             <RequestId>1</RequestId></ErrorResponse>"
        ),
        "s3" => format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>"),
        "ec2" => format!(
            "<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>\
             <RequestID>1</RequestID></Response>"
        ),
        _ => serde_json::json!({ "__type": code, "message": message, "Type": "User" }).to_string(),
    };
    answered(&format!("{status} Refused"), &format!("x-amzn-ErrorType: {code}\r\n"), &body)
}

fn answered(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\n{headers}Connection: close\r\nContent-Length: {length}\r\n\r\n{body}")
}
