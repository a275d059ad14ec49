//! Delivery as CloudTrail does it: late, out of order, sometimes twice, in gzip files per
//! region and batch.

use std::collections::BTreeMap;

use anyhow::Context as _;
use fastrand::Rng;
use libdeflater::{CompressionLvl, Compressor};

use super::cast::{HOME, PROD};
use super::clock::{DAY, formatted, rfc3339};
use super::ident::{alphanumeric, hex};
use super::{DeliveredFile, Options, Sink};

/// More records than this make a batch span several files.
const RECORDS_PER_FILE: usize = 400;
/// No record is later than this, in seconds.
const LONGEST_DELAY: f64 = 900.0;
/// The 95th percentile of the standard normal distribution.
const NORMAL_P95: f64 = 1.644_853_6;

/// Account and region of records, which share files.
type Whence = (String, String);

/// A record waiting for its file.
#[derive(Clone)]
struct Waiting {
    at: i64,
    json: Box<str>,
}

/// A file of a home region, as the day's digest lists it.
struct Listed {
    path: String,
    oldest: i64,
    newest: i64,
}

/// Takes records in any order and turns them into files once their batch is complete.
pub(crate) struct Delivery {
    rng: Rng,
    batch: i64,
    median: f64,
    spread: f64,
    duplicates: f64,
    /// Share of the files whose records are in no order; a third where nobody says.
    disorder: Option<f64>,
    waiting: BTreeMap<i64, BTreeMap<Whence, Vec<Waiting>>>,
    compressor: Compressor,
    text: String,
    /// Day of delivery and home region to the files delivered.
    listed: BTreeMap<(i64, usize), Vec<Listed>>,
    digest_day: Option<i64>,
}

impl Delivery {
    /// An empty post office that works by `options`.
    pub(crate) fn new(rng: Rng, options: &Options) -> anyhow::Result<Self> {
        let median = options.delay.0.as_secs_f64().max(1.0);
        let late = options.delay.1.as_secs_f64().max(median);
        let batch = i64::try_from(options.batch.as_secs()).context("batch is too long")?;
        Ok(Self {
            rng,
            batch: batch.max(60),
            median,
            // A log-normal delay is fixed by its median and one more percentile.
            spread: (late / median).ln() / NORMAL_P95,
            duplicates: options.duplicates,
            disorder: options.disorder,
            waiting: BTreeMap::new(),
            compressor: Compressor::new(CompressionLvl::new(6).unwrap_or_default()),
            text: String::new(),
            listed: BTreeMap::new(),
            digest_day: (options.noise > 0.0).then(|| options.start.as_second().div_euclid(DAY)),
        })
    }

    /// Accepts a record of the second `at`.
    pub(crate) fn post(&mut self, at: i64, account: &str, region: &str, json: &str) {
        let whence = (account.to_owned(), region.to_owned());
        let arrival = at + self.delay();
        let waiting = Waiting { at, json: json.into() };
        if self.rng.f64() < self.duplicates {
            let again = arrival + self.batch * self.rng.i64(1..=2);
            self.put(again, &whence, waiting.clone());
        }
        self.put(arrival, &whence, waiting);
    }

    fn put(&mut self, arrival: i64, whence: &Whence, waiting: Waiting) {
        let files = self.waiting.entry(arrival.div_euclid(self.batch)).or_default();
        match files.get_mut(whence) {
            Some(file) => file.push(waiting),
            None => {
                files.insert(whence.clone(), vec![waiting]);
            }
        }
    }

    /// Seconds between event and delivery.
    fn delay(&mut self) -> i64 {
        let (u, v) = (1.0 - self.rng.f64(), self.rng.f64());
        let normal = (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos();
        let delay = self.median * (self.spread * normal).exp();
        delay.clamp(1.0, LONGEST_DELAY) as i64
    }

    /// Delivers every batch that ends by `now`: all records before `now` have been posted.
    pub(crate) fn advance(&mut self, now: i64, sink: &mut Sink<'_>) -> anyhow::Result<()> {
        while let Some(entry) = self.waiting.first_entry() {
            let end = (entry.key() + 1) * self.batch;
            if end > now {
                break;
            }
            for (whence, records) in entry.remove() {
                self.deliver(&whence, end, records, sink)?;
            }
        }
        self.digests(now, sink)
    }

    /// Delivers what is left.
    pub(crate) fn finish(&mut self, now: i64, sink: &mut Sink<'_>) -> anyhow::Result<()> {
        let end = self.waiting.last_key_value().map_or(now, |(batch, _)| (batch + 1) * self.batch);
        self.advance(end.max(now), sink)
    }

    fn deliver(
        &mut self,
        (account, region): &Whence,
        end: i64,
        mut records: Vec<Waiting>,
        sink: &mut Sink<'_>,
    ) -> anyhow::Result<()> {
        let files = records.len().div_ceil(RECORDS_PER_FILE);
        let size = records.len().div_ceil(files.max(1)).max(1);
        records.sort_by_key(|record| record.at);
        for chunk in records.chunks_mut(size) {
            let (oldest, newest) = match chunk {
                [first, .., last] => (first.at, last.at),
                [only] => (only.at, only.at),
                [] => continue,
            };
            let shuffled = match self.disorder {
                None => self.rng.u8(0..3) == 0,
                Some(share) => self.rng.f64() < share,
            };
            if shuffled {
                self.rng.shuffle(chunk);
            }
            let path = format!(
                "AWSLogs/{account}/CloudTrail/{region}/{}/{account}_CloudTrail_{region}_{}_{}.json.gz",
                formatted(end, "%Y/%m/%d"),
                formatted(end, "%Y%m%dT%H%MZ"),
                alphanumeric(&mut self.rng, 16)
            );
            self.text.clear();
            self.text.push_str("{\"Records\":[");
            for (index, record) in chunk.iter().enumerate() {
                if index > 0 {
                    self.text.push(',');
                }
                self.text.push_str(&record.json);
            }
            self.text.push_str("]}");
            if let Some(home) = HOME.iter().position(|home| home == region).filter(|_| account == PROD) {
                let listed = Listed { path: path.clone(), oldest, newest };
                self.listed.entry((end.div_euclid(DAY), home)).or_default().push(listed);
            }
            let gzip = self.compressed()?;
            sink(DeliveredFile { path, gzip })?;
        }
        Ok(())
    }

    /// `self.text` as gzip. The header holds no time, so equal text gives equal bytes.
    fn compressed(&mut self) -> anyhow::Result<Vec<u8>> {
        let mut gzip = vec![0; self.compressor.gzip_compress_bound(self.text.len())];
        let length = self.compressor.gzip_compress(self.text.as_bytes(), &mut gzip).context("compress a log file")?;
        gzip.truncate(length);
        Ok(gzip)
    }

    /// Writes the digests of every day that is over.
    fn digests(&mut self, now: i64, sink: &mut Sink<'_>) -> anyhow::Result<()> {
        while let Some(day) = self.digest_day.filter(|day| (day + 1) * DAY <= now) {
            for (home, region) in HOME.iter().enumerate() {
                let files = self.listed.remove(&(day, home)).unwrap_or_default();
                self.digest(day, region, &files)?;
                let gzip = self.compressed()?;
                let path = digest_path(region, (day + 1) * DAY);
                sink(DeliveredFile { path, gzip })?;
            }
            self.digest_day = Some(day + 1);
        }
        Ok(())
    }

    /// Puts the digest of a day and region into `self.text`. Hashes and signatures are made
    /// up: nothing signs these files.
    fn digest(&mut self, day: i64, region: &str, files: &[Listed]) -> anyhow::Result<()> {
        const BUCKET: &str = "example-org-trail";
        let rng = &mut self.rng;
        let listed: Vec<_> = files
            .iter()
            .map(|file| {
                serde_json::json!({
                    "s3Bucket": BUCKET,
                    "s3Object": file.path,
                    "hashValue": hex(rng, 64),
                    "hashAlgorithm": "SHA-256",
                    "newestEventTime": rfc3339(file.newest),
                    "oldestEventTime": rfc3339(file.oldest),
                })
            })
            .collect();
        let digest = serde_json::json!({
            "awsAccountId": PROD,
            "digestStartTime": rfc3339(day * DAY),
            "digestEndTime": rfc3339((day + 1) * DAY),
            "digestS3Bucket": BUCKET,
            "digestS3Object": digest_path(region, (day + 1) * DAY),
            "digestPublicKeyFingerprint": hex(rng, 32),
            "digestSignatureAlgorithm": "SHA256withRSA",
            "newestEventTime": files.iter().map(|file| file.newest).max().map(rfc3339),
            "oldestEventTime": files.iter().map(|file| file.oldest).min().map(rfc3339),
            "previousDigestS3Bucket": BUCKET,
            "previousDigestS3Object": digest_path(region, day * DAY),
            "previousDigestHashValue": hex(rng, 64),
            "previousDigestHashAlgorithm": "SHA-256",
            "previousDigestSignature": hex(rng, 512),
            "logFiles": listed,
        });
        self.text = serde_json::to_string(&digest).context("write a digest")?;
        Ok(())
    }
}

fn digest_path(region: &str, end: i64) -> String {
    format!(
        "AWSLogs/{PROD}/CloudTrail-Digest/{region}/{}/{PROD}_CloudTrail-Digest_{region}_management-events_{}_{}.json.gz",
        formatted(end, "%Y/%m/%d"),
        HOME[0],
        formatted(end, "%Y%m%dT%H%M%SZ")
    )
}
