//! A process that serves on a port of 127.0.0.1, and the few requests that tests make themselves.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// Patience with a server that starts on a busy machine.
const START: Duration = Duration::from_secs(120);

/// A server, its own folder and its port. It ends with the test, also with one that fails.
pub(super) struct Server {
    process: Child,
    folder: TempDir,
    pub(super) port: u16,
}

impl Server {
    /// Starts a server that `prepare` describes for a port and a folder, and waits until `path` gives any answer.
    pub(super) fn start(path: &str, prepare: impl FnOnce(u16, &std::path::Path) -> Command) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let mut command = prepare(port, folder.path());
        let log = File::create(folder.path().join("log")).unwrap();
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        // A group of its own, so that a server's children end with it.
        let process = command.process_group(0).spawn().unwrap();
        let mut server = Self { process, folder, port };
        let begun = Instant::now();
        while request(port, "GET", path, &[], b"").is_none() {
            if let Some(status) = server.process.try_wait().unwrap() {
                panic!("the stand-in ended, {status}: {}", server.told());
            }
            assert!(begun.elapsed() < START, "the stand-in does not answer: {}", server.told());
            thread::sleep(Duration::from_millis(100));
        }
        server
    }

    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The end of what the server wrote.
    fn told(&self) -> String {
        let log = fs::read(self.folder.path().join("log")).unwrap_or_default();
        String::from_utf8_lossy(&log[log.len().saturating_sub(4_000)..]).into_owned()
    }

    /// Calls an operation of a JSON protocol, such as `AmazonSQS.CreateQueue`. Gives the status and the answer.
    pub(super) fn call(&self, target: &str, body: &Value) -> (u16, Value) {
        let service = match target.split('.').next() {
            Some("AmazonSQS") => "sqs",
            Some(name) if name.starts_with("DynamoDB") => "dynamodb",
            _ => panic!("no service for {target}"),
        };
        let credential = format!("AKIAIOSFODNN7EXAMPLE/20261122/us-east-1/{service}/aws4_request");
        let signature = format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=00");
        let headers = [
            ("Content-Type", "application/x-amz-json-1.0"),
            ("X-Amz-Target", target),
            ("X-Amz-Date", "20261122T000000Z"),
            ("Authorization", &signature),
        ];
        let answer = request(self.port, "POST", "/", &headers, body.to_string().as_bytes()).unwrap_or_default();
        (status(&answer), serde_json::from_str(content(&answer)).unwrap_or_default())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let group = format!("-{}", self.process.id());
        drop(Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status());
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Makes a request of a server on this machine and gives its whole answer.
pub(crate) fn request(port: u16, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Option<String> {
    tried(port, method, path, headers, body).ok().filter(|answer| !answer.is_empty())
}

/// The same, with the reason where there is no answer.
pub(crate) fn tried(
    port: u16,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> std::io::Result<String> {
    Ok(String::from_utf8_lossy(&answered(port, method, path, headers, body)?).into_owned())
}

/// The same, byte for byte.
pub(super) fn answered(
    port: u16,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> std::io::Result<Vec<u8>> {
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let mut stream = TcpStream::connect_timeout(&address, Duration::from_secs(2))?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    let more: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = body.len();
    let head = format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n{more}");
    stream.write_all(format!("{head}Content-Length: {length}\r\n\r\n").as_bytes())?;
    stream.write_all(body)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(answer)
}

/// The status of an answer; 0 where there was none.
pub(crate) fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
}

/// What stands behind the head of an answer.
pub(crate) fn content(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").map_or("", |(_, content)| content)
}

fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}
