//! A sign of life after each pass: what is silent is missed by somebody else.
//!
//! A pass that was blind somewhere gives no sign of life. It asks `heartbeat_fail_url`, where one is set: services differ
//! in how a failure is told (healthchecks.io: the URL and `/fail`), so that nothing is added to a URL.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::http;
use crate::config::{Endpoint, Metrics};
use crate::event::time;
use crate::model::PassFacts;

/// How long the other side may take to answer.
const ANSWER: Duration = Duration::from_secs(5);

/// Gives the sign of life that the settings ask for.
///
/// Returns what failed, as remarks: a pass is no worse for it.
pub(crate) async fn beat(settings: &Metrics, facts: &PassFacts) -> Vec<String> {
    let mut remarks = Vec::new();
    let url = if facts.is_blind { &settings.heartbeat_fail_url } else { &settings.heartbeat_url };
    if let Some(url) = url {
        remarks.extend(ask(url).await.err().map(|why| format!("the heartbeat URL {url}: {why}")));
    }
    if let Some(path) = settings.heartbeat_file.as_deref().filter(|_| !facts.is_blind) {
        remarks.extend(touch(path, facts).err().map(|why| format!("the heartbeat file {}: {why}", path.display())));
    }
    remarks
}

async fn ask(url: &Endpoint) -> Result<(), String> {
    let url = url.url().map_err(|error| error.to_string())?;
    let response = http::client()?.get(url.as_str()).timeout(ANSWER).send().await.map_err(http::told)?;
    if response.status().is_success() { Ok(()) } else { Err(format!("the answer is {}", response.status())) }
}

/// Writes the time of the pass, which is also the file's time.
fn touch(path: &Path, facts: &PassFacts) -> std::io::Result<()> {
    let mut file = File::create(path)?;
    writeln!(file, "{}", time::format(facts.at))?;
    let at = u64::try_from(facts.at).ok().and_then(|at| SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(at)));
    at.map_or(Ok(()), |at| file.set_modified(at))
}
