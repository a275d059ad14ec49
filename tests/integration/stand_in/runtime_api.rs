//! Lambda's Runtime API, and the program as a function that asks it for invocations.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use super::fake::read;

/// Patience with a program that starts on a busy machine.
const START: Duration = Duration::from_secs(60);
/// How long after its deadline an invocation may still be on its way here.
const GRACE: Duration = Duration::from_millis(500);
const NAME: &str = "stakeout";
/// The ARN that an invocation is told.
const FUNCTION_ARN: &str = "arn:aws:lambda:us-east-1:111122223333:function:stakeout";

struct Invocation {
    id: String,
    payload: String,
    deadline: SystemTime,
}

/// What came of an invocation.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The answer, or the error.
    pub(crate) result: Result<Value, Value>,
    pub(crate) took: Duration,
}

impl Answer {
    /// The answer of an invocation that must not fail.
    pub(crate) fn well(self) -> Value {
        self.result.unwrap_or_else(|error| panic!("the invocation failed: {error:#}"))
    }

    /// The text of the error of an invocation that must fail.
    pub(crate) fn error(self) -> String {
        match self.result {
            Ok(answer) => panic!("the invocation did not fail: {answer:#}"),
            Err(error) => error["errorMessage"].as_str().unwrap_or_else(|| panic!("{error:#}")).to_owned(),
        }
    }
}

#[derive(Default)]
struct Shared {
    waiting: VecDeque<Invocation>,
    /// How often the function asked for its next invocation.
    asked: usize,
    /// By invocation.
    answers: Vec<(String, Result<Value, Value>)>,
    /// What it could not start with.
    init: Option<Value>,
    given: usize,
    over: bool,
}

type Desk = Arc<(Mutex<Shared>, Condvar)>;

/// A process that works as a function; it ends with the test.
pub(crate) struct Function {
    process: Child,
    said: Arc<Mutex<String>>,
    desk: Desk,
    begun: Instant,
}

impl Function {
    /// Starts the program, which finds a Runtime API and no words.
    pub(crate) fn start(mut command: Command) -> Self {
        let desk = Desk::default();
        let port = listen(&desk);
        command.env("AWS_LAMBDA_RUNTIME_API", format!("127.0.0.1:{port}"));
        command.env("AWS_LAMBDA_FUNCTION_NAME", NAME).env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST");
        command.env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512").env("_HANDLER", "bootstrap");
        command.env("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{NAME}")).env("AWS_LAMBDA_LOG_STREAM_NAME", "1");
        command.env("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let begun = Instant::now();
        let mut process = command.spawn().unwrap();
        let said: Arc<Mutex<String>> = Arc::default();
        keep(process.stdout.take().unwrap(), &said);
        keep(process.stderr.take().unwrap(), &said);
        Self { process, said, desk, begun }
    }

    /// Waits until it asks for its first invocation. Gives how long after the start that was.
    pub(crate) fn is_up(&mut self) -> Duration {
        self.wait(START, "it does not ask for an invocation", |shared| (shared.asked > 0).then_some(()));
        self.begun.elapsed()
    }

    /// Has it work on a payload, which it has to end before its deadline.
    pub(crate) fn invoke(&mut self, payload: &Value, within: Duration) -> Answer {
        let id = self.begin(payload, within);
        let begun = Instant::now();
        let result = self.wait(within + GRACE, "no answer before the deadline", |shared| {
            let place = shared.answers.iter().position(|(of, _)| *of == id)?;
            Some(shared.answers.swap_remove(place).1)
        });
        Answer { result, took: begun.elapsed() }
    }

    /// Has it begin, and waits for nothing. Gives the invocation's id.
    pub(crate) fn begin(&mut self, payload: &Value, within: Duration) -> String {
        self.is_up();
        let mut shared = self.desk.0.lock().unwrap();
        shared.given += 1;
        let id = format!("8476a536-e9f4-11e8-9739-{:012}", shared.given);
        let deadline = now() + within;
        shared.waiting.push_back(Invocation { id: id.clone(), payload: payload.to_string(), deadline });
        drop(shared);
        self.desk.1.notify_all();
        id
    }

    /// Everything that it wrote so far, as CloudWatch Logs would have it.
    pub(crate) fn said(&self) -> String {
        text(&self.said)
    }

    /// The lines that it wrote which are JSON.
    pub(crate) fn told(&self) -> Vec<Value> {
        self.said().lines().filter_map(|line| serde_json::from_str(line).ok()).filter(Value::is_object).collect()
    }

    /// Whether its environment still lives.
    pub(crate) fn lives(&mut self) -> bool {
        self.process.try_wait().unwrap().is_none()
    }

    fn wait<T>(&mut self, most: Duration, what: &str, mut ask: impl FnMut(&mut Shared) -> Option<T>) -> T {
        let begun = Instant::now();
        let mut shared = self.desk.0.lock().unwrap();
        loop {
            if let Some(answer) = ask(&mut shared) {
                return answer;
            }
            assert!(shared.init.is_none(), "it could not start: {:?}: {}", shared.init, text(&self.said));
            let ended = self.process.try_wait().unwrap();
            assert!(ended.is_none(), "it ended, {ended:?}: {}", text(&self.said));
            assert!(begun.elapsed() < most, "{what}, after {most:?}: {}", text(&self.said));
            shared = self.desk.1.wait_timeout(shared, Duration::from_millis(20)).unwrap().0;
        }
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        self.desk.0.lock().unwrap_or_else(PoisonError::into_inner).over = true;
        self.desk.1.notify_all();
        drop(self.process.kill());
        drop(self.process.wait());
        if thread::panicking() {
            drop(writeln!(std::io::stderr(), "the function said: {}", self.said()));
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "Lambda tells a function its deadline as a time of day")]
fn now() -> SystemTime {
    SystemTime::now()
}

/// Listens until the test process ends, many connections side by side.
fn listen(desk: &Desk) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let desk = Arc::clone(desk);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let desk = Arc::clone(&desk);
            thread::spawn(move || drop(serve(stream, &desk)));
        }
    });
    port
}

/// The requests of one connection, which stays.
fn serve(mut stream: TcpStream, desk: &Desk) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    while let Some((request, _)) = read(&mut reader)? {
        let path = request.operation.split_once("/runtime/").map_or("", |(_, path)| path);
        let answer = match path.split('/').collect::<Vec<_>>()[..] {
            ["invocation", "next"] => match next(desk) {
                Some(invocation) => given(&invocation),
                None => return Ok(()),
            },
            ["invocation", id, kind @ ("response" | "error")] => {
                let body = if request.body.is_null() { Value::String(request.text) } else { request.body };
                let result = if kind == "error" { Err(body) } else { Ok(body) };
                desk.0.lock().unwrap().answers.push((id.to_owned(), result));
                taken()
            }
            ["init", "error"] => {
                desk.0.lock().unwrap().init = Some(request.body);
                taken()
            }
            _ => String::from("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
        };
        desk.1.notify_all();
        stream.write_all(answer.as_bytes())?;
    }
    Ok(())
}

/// Waits for an invocation; none once the test is over.
fn next(desk: &Desk) -> Option<Invocation> {
    let mut shared = desk.0.lock().unwrap();
    shared.asked += 1;
    desk.1.notify_all();
    loop {
        if shared.over {
            return None;
        }
        if let Some(invocation) = shared.waiting.pop_front() {
            return Some(invocation);
        }
        shared = desk.1.wait(shared).unwrap();
    }
}

fn given(invocation: &Invocation) -> String {
    let Invocation { id, payload, deadline } = invocation;
    let deadline = deadline.duration_since(UNIX_EPOCH).unwrap().as_millis();
    let length = payload.len();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nLambda-Runtime-Aws-Request-Id: {id}\r\n\
         Lambda-Runtime-Deadline-Ms: {deadline}\r\nLambda-Runtime-Invoked-Function-Arn: {FUNCTION_ARN}\r\n\
         Lambda-Runtime-Trace-Id: Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0\r\n"
    );
    format!("{head}Content-Length: {length}\r\n\r\n{payload}")
}

fn taken() -> String {
    String::from(
        "HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n{\"status\":\"OK\"}",
    )
}

/// Also after a test that failed while it looked.
fn text(said: &Mutex<String>) -> String {
    said.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

fn keep(pipe: impl Read + Send + 'static, said: &Arc<Mutex<String>>) {
    let said = Arc::clone(said);
    thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            said.lock().unwrap().push_str(&(line + "\n"));
        }
    });
}
