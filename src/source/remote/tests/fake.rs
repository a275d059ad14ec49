//! A small S3 on this machine: listings in pages, ranges, tags, pieces of uploads, and refusals.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::config::{Credentials, SharedCredentialsProvider};

use super::super::address::decoded;

/// Keys of one page.
const PAGE: usize = 10;

#[derive(Default)]
pub(super) struct State {
    /// By `bucket/key`.
    pub(super) objects: BTreeMap<String, Vec<u8>>,
    /// `GET bucket/key range`, `LIST bucket prefix`, and others as `METHOD path`.
    pub(super) requests: Vec<String>,
    /// What is refused, by its begin, with a status, a code and a message.
    pub(super) refused: Vec<(&'static str, u16, &'static str, &'static str)>,
    pieces: BTreeMap<usize, Vec<u8>>,
}

pub(super) struct Fake {
    port: u16,
    state: Arc<Mutex<State>>,
}

impl Fake {
    pub(super) fn start(objects: &[(&str, &[u8])]) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let state: Arc<Mutex<State>> = Arc::default();
        for (key, bytes) in objects {
            state.lock().unwrap().objects.insert((*key).to_owned(), bytes.to_vec());
        }
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                thread::spawn(move || serve(stream, &shared));
            }
        });
        Self { port, state }
    }

    pub(super) fn config(&self) -> SdkConfig {
        let credentials = Credentials::new("AKIAIOSFODNN7EXAMPLE", "secret", None, None, "test");
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("us-east-1"))
            .endpoint_url(format!("http://127.0.0.1:{}", self.port))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .build()
    }

    pub(super) fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap())
    }

    /// What was asked since the last time, in order.
    pub(super) fn asked(&self) -> Vec<String> {
        let mut asked = self.with(|state| std::mem::take(&mut state.requests));
        asked.sort();
        asked
    }
}

/// Status, headers and body.
type Answer = (u16, String, Vec<u8>);

fn serve(mut stream: TcpStream, state: &Mutex<State>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let (method, place) = line.trim_end_matches(" HTTP/1.1\r\n").split_once(' ').unwrap();
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap() == 0 || line.trim().is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').unwrap();
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let mut body = vec![0; headers.get("content-length").map_or(0, |length| length.parse().unwrap())];
    reader.read_exact(&mut body).unwrap();
    if headers.get("content-encoding").is_some_and(|encoding| encoding.contains("aws-chunked")) {
        body = unchunked(&body);
    }
    let (path, query) = place.split_once('?').unwrap_or((place, ""));
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let query: BTreeMap<String, String> = pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (name.to_owned(), decoded(value)))
        .collect();
    let path = decoded(&path[1..].replace('+', "%2B"));
    let answer = answer(&mut state.lock().unwrap(), method, &path, &query, &headers, body);
    let (status, more, body) = answer;
    let length = body.len();
    let head = format!("HTTP/1.1 {status} S\r\nConnection: close\r\n{more}Content-Length: {length}\r\n\r\n");
    drop(stream.write_all(&[head.as_bytes(), &body].concat()));
}

/// A body that is sent in chunks with a checksum behind it.
fn unchunked(mut body: &[u8]) -> Vec<u8> {
    let mut all = Vec::new();
    loop {
        let end = body.windows(2).position(|two| two == b"\r\n").unwrap();
        let head = std::str::from_utf8(&body[..end]).unwrap();
        let length = usize::from_str_radix(head.split(';').next().unwrap(), 16).unwrap();
        if length == 0 {
            return all;
        }
        all.extend_from_slice(&body[end + 2..end + 2 + length]);
        body = &body[end + 4 + length..];
    }
}

fn answer(
    state: &mut State,
    method: &str,
    path: &str,
    query: &BTreeMap<String, String>,
    headers: &BTreeMap<String, String>,
    body: Vec<u8>,
) -> Answer {
    let range = headers.get("range").map(String::as_str).unwrap_or_default();
    let prefix = query.get("prefix").map(String::as_str).unwrap_or_default();
    let said = match (method, query.contains_key("list-type")) {
        (_, true) => format!("LIST {} {prefix}", path.trim_end_matches('/')),
        (method, false) => format!("{method} {path} {range}").trim_end().to_owned(),
    };
    state.requests.push(said.clone());
    let refused = state.refused.iter().find(|(begin, ..)| said.starts_with(begin)).copied();
    if let Some((_, status, code, message)) = refused {
        return refusal(status, code, message);
    }
    let xml = |body: String| (200, "Content-Type: application/xml\r\n".to_owned(), body.into_bytes());
    let number = query.get("partNumber").and_then(|number| number.parse().ok());
    match method {
        "GET" if said.starts_with("LIST") => xml(listing(state, path.trim_end_matches('/'), prefix, query)),
        "GET" => object(state, path, range, headers.get("if-match")),
        "PUT" if number.is_some() => {
            state.pieces.insert(number.unwrap(), body);
            (200, "ETag: \"piece\"\r\n".to_owned(), Vec::new())
        }
        "PUT" => {
            state.objects.insert(path.to_owned(), body);
            (200, String::new(), Vec::new())
        }
        "POST" if query.contains_key("uploads") => {
            xml("<InitiateMultipartUploadResult><UploadId>U</UploadId></InitiateMultipartUploadResult>".to_owned())
        }
        "POST" => {
            let pieces = std::mem::take(&mut state.pieces);
            state.objects.insert(path.to_owned(), pieces.into_values().flatten().collect());
            xml("<CompleteMultipartUploadResult/>".to_owned())
        }
        _ => {
            state.pieces.clear();
            (204, String::new(), Vec::new())
        }
    }
}

fn refusal(status: u16, code: &str, message: &str) -> Answer {
    let body = format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>");
    (status, "Content-Type: application/xml\r\n".to_owned(), body.into_bytes())
}

fn object(state: &State, path: &str, range: &str, wanted: Option<&String>) -> Answer {
    let Some(bytes) = state.objects.get(path) else { return refusal(404, "NoSuchKey", "no such key") };
    let etag = format!("\"{}\"", bytes.iter().map(|byte| u64::from(*byte)).sum::<u64>());
    if wanted.is_some_and(|wanted| *wanted != etag) {
        return refusal(412, "PreconditionFailed", "it is another one");
    }
    let total = bytes.len();
    let Some(range) = range.strip_prefix("bytes=") else {
        return (200, format!("ETag: {etag}\r\n"), bytes.clone());
    };
    let (from, to) = range.split_once('-').unwrap();
    let start = match from {
        "" => total.saturating_sub(to.parse().unwrap()),
        from => from.parse().unwrap(),
    };
    let end = if from.is_empty() { total } else { total.min(to.parse::<usize>().unwrap() + 1) };
    if start >= total {
        return refusal(416, "InvalidRange", "the range cannot be satisfied");
    }
    let head = format!("ETag: {etag}\r\nContent-Range: bytes {start}-{}/{total}\r\n", end - 1);
    (206, head, bytes[start..end].to_vec())
}

fn listing(state: &State, bucket: &str, prefix: &str, query: &BTreeMap<String, String>) -> String {
    let escape = |text: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.".contains(&byte);
        text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect::<String>()
    };
    let after = query.get("continuation-token").or_else(|| query.get("start-after"));
    let (mut out, mut count, mut folders, mut next) = (String::new(), 0, Vec::new(), String::new());
    for (path, bytes) in &state.objects {
        let Some(key) = path.strip_prefix(bucket).and_then(|rest| rest.strip_prefix('/')) else { continue };
        if !key.starts_with(prefix) || after.is_some_and(|after| key <= after.as_str()) {
            continue;
        }
        let slash = key[prefix.len()..].find('/').filter(|_| query.contains_key("delimiter"));
        let folder = slash.map(|at| key[..=prefix.len() + at].to_owned());
        if folder.as_ref().is_some_and(|folder| folders.contains(folder)) {
            next.clone_from(&key.to_owned());
            continue;
        }
        if count == PAGE {
            let more = format!("<IsTruncated>true</IsTruncated><NextContinuationToken>{next}</NextContinuationToken>");
            return format!("<ListBucketResult><EncodingType>url</EncodingType>{out}{more}</ListBucketResult>");
        }
        count += 1;
        next = key.to_owned();
        match folder {
            Some(folder) => {
                out += &format!("<CommonPrefixes><Prefix>{}</Prefix></CommonPrefixes>", escape(&folder));
                folders.push(folder);
            }
            None => out += &format!("<Contents><Key>{}</Key><Size>{}</Size></Contents>", escape(key), bytes.len()),
        }
    }
    format!(
        "<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>{out}</ListBucketResult>"
    )
}
