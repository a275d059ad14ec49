//! AWS stand-ins on this machine: moto, and a server that answers what a test tells it to.
//!
//! Nothing here listens or calls anywhere but on 127.0.0.1.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use super::harness::root;

/// Everything that the servers need, each pinned. moto's own extras bring many times as much.
const REQUIREMENTS: &str = include_str!("stand_in/requirements.txt");
/// Patience with a server that starts on a busy machine.
const START: Duration = Duration::from_secs(90);

/// A moto server of its own for a test. It ends with the test, also with one that fails.
pub(crate) struct Moto {
    server: Child,
    port: u16,
}

impl Moto {
    /// Starts a server; none where the machine has no Python for it. Where `CI` is `true` that is a failure.
    pub(crate) fn start() -> Option<Self> {
        let environment = match environment() {
            Ok(environment) => environment,
            Err(why) => {
                assert!(std::env::var("CI").ok().is_none_or(|ci| ci != "true"), "no stand-in: {why}");
                // Also seen where the runner keeps the output of tests that pass.
                drop(writeln!(std::io::stderr(), "skipped: no stand-in: {why}"));
                return None;
            }
        };
        let port = free_port();
        let mut server = Command::new(environment.join("bin/python"));
        server.args(["-m", "moto.server", "-H", "127.0.0.1", "-p", &port.to_string()]);
        server.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut moto = Self { server: server.spawn().unwrap(), port };
        let begun = Instant::now();
        while post(moto.port, "/moto-api/reset", "").is_none() {
            if let Some(status) = moto.server.try_wait().unwrap() {
                let mut told = String::new();
                drop(moto.server.stderr.take().unwrap().read_to_string(&mut told));
                panic!("moto ended, {status}: {told}");
            }
            assert!(begun.elapsed() < START, "moto does not answer");
            thread::sleep(Duration::from_millis(100));
        }
        Some(moto)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Queues answers of GetCostAndUsage; each request body takes the next.
    pub(crate) fn cost_and_usage(&self, pages: &[serde_json::Value]) {
        let body = serde_json::json!({ "results": pages }).to_string();
        let answer = post(self.port, "/moto-api/static/ce/cost-and-usage-results", &body);
        assert!(answer.unwrap().starts_with("HTTP/1.1 201"));
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        drop(self.server.kill());
        drop(self.server.wait());
    }
}

/// Posts to a server on this machine and gives its whole answer.
fn post(port: u16, path: &str, body: &str) -> Option<String> {
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(2)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
    let length = body.len();
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    (!answer.is_empty()).then_some(answer)
}

fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

/// The virtual environment of the servers, made once and kept for later runs.
fn environment() -> Result<PathBuf, String> {
    static MADE: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    MADE.get_or_init(make).clone()
}

/// Makes the environment under another name and renames it when it is whole: whoever else makes one at the same time
/// loses nothing but time.
fn make() -> Result<PathBuf, String> {
    // Tests run with the target folder as the working place of cargo; the binary lies in its second level.
    let target = Path::new(env!("CARGO_BIN_EXE_stakeout")).ancestors().nth(2).unwrap_or_else(|| root());
    let digest = REQUIREMENTS
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let folder = target.join("stand-ins").join(format!("python-{digest:016x}"));
    if folder.join("bin/python").exists() {
        return Ok(folder);
    }
    let python = python().ok_or("no Python 3.11 or newer with venv; name one with STAKEOUT_PYTHON")?;
    let draft = target.join("stand-ins").join(format!("draft-{}", std::process::id()));
    drop(fs::remove_dir_all(&draft));
    fs::create_dir_all(&draft).map_err(|error| error.to_string())?;
    let requirements = draft.join("requirements.txt");
    fs::write(&requirements, REQUIREMENTS).map_err(|error| error.to_string())?;
    // The interpreter of a virtual environment finds its packages from where it lies, so that a whole one can be moved.
    run(Command::new(&python).args(["-m", "venv"]).arg(draft.join("venv")))?;
    let mut install = Command::new(draft.join("venv/bin/python"));
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "-r"]);
    run(install.arg(&requirements))?;
    if let Err(error) = fs::rename(draft.join("venv"), &folder)
        && !folder.join("bin/python").exists()
    {
        return Err(error.to_string());
    }
    drop(fs::remove_dir_all(&draft));
    Ok(folder)
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("{command:?}: {error}"))?;
    let text = String::from_utf8_lossy(&output.stderr);
    if output.status.success() { Ok(()) } else { Err(format!("{command:?}: {}", text.trim())) }
}

/// A Python that is new enough and works: one that is named, on the path, or among those of pyenv.
fn python() -> Option<PathBuf> {
    let named = std::env::var_os("STAKEOUT_PYTHON").map(PathBuf::from);
    let usual = ["python3.14", "python3.13", "python3.12", "python3"].map(PathBuf::from);
    let home = std::env::var_os("PYENV_ROOT").map(PathBuf::from);
    let home = home.or_else(|| std::env::home_dir().map(|home| home.join(".pyenv")));
    let mut pyenv: Vec<_> = home
        .and_then(|home| fs::read_dir(home.join("versions")).ok())
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok().map(|entry| entry.path().join("bin/python3")))
        .collect();
    pyenv.sort();
    let all: Vec<_> = named.into_iter().chain(usual).chain(pyenv.into_iter().rev()).collect();
    let works = |python: &PathBuf, minor: u8| {
        let check = format!("import sys, venv, ensurepip; sys.exit(sys.version_info < (3, {minor}))");
        run(Command::new(python).args(["-c", &check])).is_ok()
    };
    // 3.11 is that of Debian 12, and enough for moto.
    let found = all.iter().find(|python| works(python, 12)).or_else(|| all.iter().find(|python| works(python, 11)));
    found.cloned()
}

/// What came in at a [`Fake`].
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// The part of `X-Amz-Target` behind the service.
    pub(crate) operation: String,
    pub(crate) body: serde_json::Value,
}

/// A server that answers as a test tells it to; for what moto lacks.
pub(crate) struct Fake {
    port: u16,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Fake {
    /// Serves until the test process ends. The answer to a request and its number is a status and a body.
    pub(crate) fn start(answer: impl Fn(&Request, usize) -> (u16, String) + Send + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests: Arc<Mutex<Vec<Request>>> = Arc::default();
        let seen = Arc::clone(&requests);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                drop(serve(stream, &seen, &answer));
            }
        });
        Self { port, requests }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

/// Answers one request and closes the connection.
fn serve(
    mut stream: TcpStream,
    seen: &Mutex<Vec<Request>>,
    answer: &impl Fn(&Request, usize) -> (u16, String),
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut operation, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').unwrap_or((&line, ""));
        match name.to_ascii_lowercase().as_str() {
            "x-amz-target" => operation = value.trim().rsplit('.').next().unwrap_or_default().to_owned(),
            "content-length" => length = value.trim().parse().unwrap_or(0),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let request = Request { operation, body: serde_json::from_slice(&body).unwrap_or_default() };
    let number = {
        let mut seen = seen.lock().unwrap();
        seen.push(request.clone());
        seen.len() - 1
    };
    let (status, text) = answer(&request, number);
    write!(
        stream,
        "HTTP/1.1 {status} Status\r\nContent-Type: application/x-amz-json-1.1\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{text}",
        text.len()
    )
}
