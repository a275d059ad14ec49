//! S3 as one thread asks it. Each thread has a runtime and clients of its own, made when they are first needed: a
//! connection is served only while the runtime that made it runs.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::error::Error;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{Region, SdkConfig};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::EncodingType;
use tokio::runtime::{Builder, Handle, Runtime};

use super::address::decoded;
use crate::aws::{self, Refusal, whereabouts};
use crate::model::chain;

/// A connection, and one attempt at a request.
const CONNECT: Duration = Duration::from_secs(10);
const ATTEMPT: Duration = Duration::from_secs(60);
/// All attempts at a request.
const REQUEST: Duration = Duration::from_secs(300);
/// Attempts at an answer that ends before its end: the SDK repeats only what fails before it begins.
const BODIES: usize = 3;

/// Connections of the whole process: it may have 1,024 open files, unless somebody allows more.
const CONNECTIONS: usize = 768;
/// Threads that ask S3.
static THREADS: AtomicUsize = AtomicUsize::new(0);

pub(super) const LIST: &str = "s3:ListBucket";
pub(super) const GET: &str = "s3:GetObject";

/// Clients for buckets wherever they are.
pub(super) struct Store {
    config: SdkConfig,
    /// By region; none is that of the configuration.
    clients: RefCell<BTreeMap<Option<String>, Client>>,
    /// Of buckets that are elsewhere.
    regions: RefCell<BTreeMap<String, Region>>,
}

/// One page of a listing.
#[derive(Debug, Default)]
pub(super) struct Page {
    /// With their sizes in bytes.
    pub keys: Vec<(String, u64)>,
    /// Prefixes up to the next slash, where they were asked for.
    pub folders: Vec<String>,
    pub next: Option<String>,
}

/// What is asked of a listing.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Query<'q> {
    pub prefix: &'q str,
    /// Only up to the next slash.
    pub folders: bool,
    /// Only keys behind this one.
    pub after: Option<&'q str>,
    pub token: Option<&'q str>,
}

/// Some of an object.
#[derive(Debug)]
pub(super) struct Piece {
    pub bytes: Vec<u8>,
    /// The offset of the first byte.
    pub start: u64,
    /// The size of the whole object.
    pub total: u64,
    pub etag: Option<String>,
}

/// Which bytes of an object are asked for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Bytes {
    All,
    /// From an offset on, at most so many.
    From(u64, u64),
    /// At most so many at the end.
    Last(u64),
}

thread_local! {
    static HERE: RefCell<Option<(Runtime, Store)>> = const { RefCell::new(None) };
}

/// Does work with S3 to its end. Inside of a runtime, which nothing may block, the work gets a thread.
///
/// # Errors
/// A runtime or a thread that cannot be made.
pub(super) fn wait<T: Send>(work: impl AsyncFnOnce(&Store) -> T + Send) -> Result<T, Refusal> {
    if Handle::try_current().is_err() {
        return here(work);
    }
    let elsewhere = thread::scope(|scope| scope.spawn(|| here(work)).join());
    elsewhere.unwrap_or_else(|_| Err(Refusal::Other { action: GET, why: "the thread that asks panicked".to_owned() }))
}

fn here<T>(work: impl AsyncFnOnce(&Store) -> T) -> Result<T, Refusal> {
    HERE.with_borrow_mut(|here| {
        let (runtime, store) = match here {
            Some(here) => here,
            None => {
                let runtime = Builder::new_current_thread().enable_all().build();
                let runtime = runtime.map_err(|error| Refusal::Other { action: GET, why: chain(&error) })?;
                let config = runtime.block_on(aws::patient(None));
                here.insert((runtime, Store::new(config)))
            }
        };
        Ok(runtime.block_on(work(store)))
    })
}

/// From here on this thread asks who a configuration names.
#[cfg(test)]
pub(super) fn at(config: SdkConfig) {
    let runtime = Builder::new_current_thread().enable_all().build();
    HERE.set(runtime.ok().map(|runtime| (runtime, Store::new(config))));
}

impl Store {
    /// With a configuration of the caller's choice.
    pub(super) fn new(config: SdkConfig) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT)
            .operation_attempt_timeout(ATTEMPT)
            .operation_timeout(REQUEST)
            .build();
        let config = config.into_builder().timeout_config(timeouts).build();
        THREADS.fetch_add(1, Ordering::Relaxed);
        Self { config, clients: RefCell::default(), regions: RefCell::default() }
    }

    /// How many requests this thread may have under way, `most` where there are few threads.
    pub(super) fn abreast(&self, most: usize) -> usize {
        (CONNECTIONS / THREADS.load(Ordering::Relaxed).max(1)).min(most).max(1)
    }

    fn client(&self, region: Option<&Region>) -> Client {
        let name = region.map(ToString::to_string);
        let mut clients = self.clients.borrow_mut();
        clients.entry(name).or_insert_with(|| whereabouts::buckets(&self.config, region.cloned())).clone()
    }

    /// Asks about a bucket, in its own region: S3 names that to whoever asks in another one.
    pub(super) async fn ask<T, E>(
        &self,
        bucket: &str,
        right: &'static str,
        request: impl AsyncFn(Client) -> Result<T, SdkError<E, HttpResponse>>,
    ) -> Result<T, Refusal>
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let region = self.regions.borrow().get(bucket).cloned();
        let error = match request(self.client(region.as_ref())).await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        let asked = region.as_ref().or_else(|| self.config.region());
        let Some(named) = whereabouts::named(&error).filter(|region| Some(region) != asked) else {
            return Err(refusal(right, &error));
        };
        self.regions.borrow_mut().insert(bucket.to_owned(), named.clone());
        request(self.client(Some(&named))).await.map_err(|error| refusal(right, &error))
    }

    /// One page of what a bucket holds.
    pub(super) async fn page(&self, bucket: &str, query: Query<'_>) -> Result<Page, Refusal> {
        let answer = self.ask(bucket, LIST, async |client: Client| {
            let request = client.list_objects_v2().bucket(bucket).prefix(query.prefix).encoding_type(EncodingType::Url);
            let request = request.set_delimiter(query.folders.then(|| "/".to_owned()));
            let request = request.set_continuation_token(query.token.map(str::to_owned));
            // The token goes on where the listing began.
            let after = query.after.filter(|_| query.token.is_none());
            request.set_start_after(after.map(str::to_owned)).send().await
        });
        let answer = answer.await?;
        let is_encoded = answer.encoding_type() == Some(&EncodingType::Url);
        let plain = |key: &str| if is_encoded { decoded(key) } else { key.to_owned() };
        let size = |object: &aws_sdk_s3::types::Object| object.size().and_then(|size| u64::try_from(size).ok());
        let keys = answer.contents().iter();
        let next = answer.next_continuation_token().filter(|_| answer.is_truncated() == Some(true));
        if next.is_some() && next == query.token {
            return Err(Refusal::Token("S3 gives the same page of a listing again".to_owned()));
        }
        Ok(Page {
            keys: keys.filter_map(|object| Some((plain(object.key()?), size(object).unwrap_or(0)))).collect(),
            folders: answer.common_prefixes().iter().filter_map(|folder| folder.prefix().map(plain)).collect(),
            next: next.map(str::to_owned),
        })
    }

    /// Bytes of an object; nothing where they are more than `most`, whatever was said before. With a tag the object must
    /// be the one that has it.
    pub(super) async fn bytes(
        &self,
        (bucket, key): (&str, &str),
        wanted: Bytes,
        etag: Option<&str>,
        most: u64,
    ) -> Result<Option<Piece>, Refusal> {
        let range = match wanted {
            Bytes::All => None,
            Bytes::From(start, length) => Some(format!("bytes={start}-{}", start + length.max(1) - 1)),
            Bytes::Last(length) => Some(format!("bytes=-{length}")),
        };
        let mut attempt = 1;
        loop {
            let answer = self.ask(bucket, GET, async |client: Client| {
                let request = client.get_object().bucket(bucket).key(key).set_range(range.clone());
                request.set_if_match(etag.map(str::to_owned)).send().await
            });
            let answer = answer.await?;
            let length = answer.content_length().and_then(|length| u64::try_from(length).ok()).unwrap_or(0);
            if length > most {
                return Ok(None);
            }
            let (start, total) = answer.content_range().and_then(place).unwrap_or((0, length));
            let etag = answer.e_tag().map(str::to_owned);
            match read(answer.body, length, most).await {
                Ok(bytes) => return Ok(bytes.map(|bytes| Piece { bytes, start, total, etag })),
                Err(refusal) if attempt >= BODIES => return Err(refusal),
                Err(_) => attempt += 1,
            }
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        THREADS.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A body to its end; nothing where it is larger than it may be.
async fn read(mut body: ByteStream, expected: u64, most: u64) -> Result<Option<Vec<u8>>, Refusal> {
    let mut bytes = Vec::with_capacity(usize::try_from(expected.min(most)).unwrap_or_default());
    while let Some(chunk) = body.try_next().await.map_err(|error| Refusal::Passing(chain(&error)))? {
        if (bytes.len() + chunk.len()) as u64 > most {
            return Ok(None);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(Some(bytes))
}

/// The first byte and the total size in `bytes 0-99/1000`.
fn place(range: &str) -> Option<(u64, u64)> {
    let (range, total) = range.strip_prefix("bytes ")?.split_once('/')?;
    Some((range.split('-').next()?.parse().ok()?, total.parse().ok()?))
}

/// What a refusal of S3 means. A key of KMS is refused by S3 in its name, and the right that is missing stands in the text.
fn refusal<E>(right: &'static str, error: &SdkError<E, HttpResponse>) -> Refusal
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let says = |word| error.message().is_some_and(|message| message.contains(word));
    let right = ["kms:Decrypt", "kms:GenerateDataKey"].into_iter().find(|right| says(*right)).unwrap_or(right);
    match error.code() {
        Some("InvalidObjectState") => {
            Refusal::Other { action: right, why: "it is archived; restore it first (InvalidObjectState)".to_owned() }
        }
        Some("PreconditionFailed") => Refusal::Other { action: right, why: "it changed while it was read".to_owned() },
        _ => Refusal::of(right, error),
    }
}

/// Whether what was asked for lies behind the end of an object.
pub(super) fn is_behind_end(refusal: &Refusal) -> bool {
    matches!(refusal, Refusal::Other { why, .. } if why.starts_with("InvalidRange"))
}
