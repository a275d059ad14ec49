//! What polling costs in a month, at the interval of the settings and at list prices of us-east-1.
//!
//! Calls of LookupEvents, IAM and STS are free. Prices: <https://aws.amazon.com/dynamodb/pricing/on-demand/>,
//! <https://aws.amazon.com/sqs/pricing/>, <https://aws.amazon.com/s3/pricing/>,
//! <https://aws.amazon.com/lambda/pricing/>, <https://aws.amazon.com/cloudwatch/pricing/>,
//! <https://aws.amazon.com/aws-cost-management/aws-cost-explorer/pricing/>.

use super::{Check, Room};
use crate::config::Metrics;
use crate::event::{DAY, Seconds, time};
use crate::price;
use crate::source::explorer::Policy;
use crate::store::{AnyStore, Place, State};

/// Days of a month.
const MONTH: f64 = 30.4;
/// US dollars for a read of 4 KB that sees every write before it, and for a write of 1 KB.
const READ_UNIT: f64 = 0.125e-6;
const WRITE_UNIT: f64 = 0.625e-6;
/// Reads and writes of a pass, as counted on a stand-in: of the head, and of small items.
const HEAD_READS: f64 = 4.0;
const HEAD_WRITES: f64 = 4.0;
const ITEM_READS: f64 = 10.0;
const ITEM_WRITES: f64 = 12.0;
/// What a small item takes, in units.
const ITEM_UNITS: f64 = 4.0;
/// US dollars for a request of SQS; for a LIST and for a GET of S3.
const MESSAGE: f64 = 0.4e-6;
const LIST: f64 = 5.0e-6;
const GET: f64 = 0.4e-6;
/// Seconds between two files of a trail in a region where something happens.
const FILE_EVERY: Seconds = 300;
/// Regions of an account in which something happens, of those that are watched.
const BUSY_REGIONS: f64 = 3.0;

/// MB and seconds of a pass in Lambda, and US dollars for its invocation.
const MEMORY: u32 = 512;
const LASTS: f64 = 5.0;
const INVOCATION: f64 = 0.2e-6;
/// US dollars a month for a metric of CloudWatch; metrics of a pass, and of each region while all together are few.
const METRIC: f64 = 0.3;
const OF_PASS: f64 = 13.0;
const OF_REGION: f64 = 5.0;
const MOST_METRICS: f64 = 100.0;

/// What the costs follow from.
#[derive(Debug, Clone, Copy, Default)]
struct Load {
    /// Passes in a month.
    passes: f64,
    /// KB of the head, where the state is a table.
    head: Option<f64>,
    queues: f64,
    /// Accounts and regions whose folders of a bucket are listed; none: no bucket.
    folders: f64,
    accounts: f64,
    /// Accounts and regions whose numbers become metrics of CloudWatch beside those of the pass; none: no metrics.
    measured: Option<f64>,
}

pub(super) async fn all(room: &Room<'_>) -> Vec<Check> {
    let config = room.config;
    let accounts = config.accounts.len().max(1);
    let regions: usize = room.regions.values().map(std::collections::BTreeSet::len).sum();
    let load = Load {
        passes: MONTH * f64::from(u32::try_from(DAY).unwrap_or(86_400)) / of(config.watch.interval.max(1)),
        head: head(room).await,
        queues: of(config.sources.queue_url.len()),
        folders: if config.sources.trail_bucket.is_some() { of(regions.max(17 * accounts)) } else { 0.0 },
        accounts: of(accounts),
        measured: measured(&config.metrics, regions.max(17 * accounts)),
    };
    let parts = parts(load);
    let total = parts.iter().fold(0.0, |sum, (_, dollars)| sum + dollars);
    let parts: Vec<_> = parts.iter().map(|(name, dollars)| format!("{name} {}", money(*dollars))).collect();
    let every = time::format_duration(config.watch.interval);
    let of = if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) };
    let told =
        format!("a pass every {every} costs about {} a month{of}; LookupEvents, IAM and STS are free", money(total));
    let mut checks = vec![Check::note("cost", told)];
    if config.sources.cost_explorer {
        let most = config.sources.cost_budget.unwrap_or(Policy::DEFAULT_BUDGET);
        let told = format!("Cost Explorer costs $0.01 a request and is asked for ${most} a month at most");
        checks.push(Check::note("cost", told));
    }
    checks
}

/// Places whose numbers become metrics: feeds are told only where that is asked for.
fn measured(metrics: &Metrics, places: usize) -> Option<f64> {
    metrics.emf.then(|| if metrics.emf_feeds { of(places) } else { 0.0 })
}

/// A number to reckon with.
fn of(number: impl TryInto<u32>) -> f64 {
    f64::from(number.try_into().unwrap_or(u32::MAX))
}

/// KB of the head of a table; nothing for a file, which costs nothing.
async fn head(room: &Room<'_>) -> Option<f64> {
    let place = room.place.as_ref().ok().filter(|place| matches!(place, Place::Table { .. }))?;
    if room.is_offline || room.live.is_none() {
        return Some(1.0);
    }
    let store = AnyStore::open(place).await.ok()?;
    let bytes = match State::open(store).await {
        Ok(state) => serde_json::to_vec(state.head()).map_or(0, |bytes| bytes.len()),
        Err(_) => 0,
    };
    Some(of(bytes.div_ceil(1_000).max(1)))
}

/// US dollars a month, by service.
fn parts(load: Load) -> Vec<(&'static str, f64)> {
    let mut parts = Vec::new();
    if let Some(head) = load.head {
        let reads = HEAD_READS * (head / 4.0).ceil() + ITEM_READS * ITEM_UNITS / 4.0;
        let writes = HEAD_WRITES * head.ceil() + ITEM_WRITES * ITEM_UNITS;
        parts.push(("DynamoDB", load.passes * (reads * READ_UNIT + writes * WRITE_UNIT)));
        let pass = price::function(MEMORY, 1) * LASTS / 3_600.0 + INVOCATION;
        parts.push(("Lambda, where it runs there,", load.passes * pass));
    }
    if load.queues > 0.0 {
        // An empty receive ends a pass, and what was received is deleted.
        parts.push(("SQS", load.passes * load.queues * 3.0 * MESSAGE));
    }
    if load.folders > 0.0 {
        let files = MONTH * of(DAY / FILE_EVERY) * BUSY_REGIONS * load.accounts;
        parts.push(("S3", load.passes * load.folders * LIST + files * GET));
    }
    if let Some(places) = load.measured {
        let all = OF_PASS + places * OF_REGION;
        let metrics = if all <= MOST_METRICS { all } else { OF_PASS + BUSY_REGIONS * load.accounts * OF_REGION };
        parts.push(("CloudWatch's metrics", metrics * METRIC));
    }
    parts
}

fn money(dollars: f64) -> String {
    match dollars {
        ..=0.0 => "nothing".to_owned(),
        ..0.01 => "less than $0.01".to_owned(),
        _ => format!("${dollars:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_follow_what_is_asked() {
        let load = Load { passes: 8_755.0, accounts: 1.0, ..Load::default() };
        assert!(parts(load).is_empty());
        let dollars = |load: Load| parts(load).iter().map(|(_, dollars)| dollars).sum::<f64>();
        let table = dollars(Load { head: Some(8.0), ..load });
        assert!((0.3..1.0).contains(&table), "{table}");
        let half = dollars(Load { head: Some(8.0), passes: load.passes / 2.0, ..load });
        assert!((table / half - 2.0).abs() < 1e-9);
        let bucket = dollars(Load { folders: 17.0, ..load });
        assert!((0.5..1.0).contains(&bucket), "{bucket}");
        let metrics = |emf_feeds| {
            let metrics = Metrics { emf: true, emf_feeds, ..Metrics::default() };
            dollars(Load { measured: measured(&metrics, 17), ..load })
        };
        assert!((metrics(false) - 13.0 * METRIC).abs() < 1e-9, "{}", metrics(false));
        assert!((metrics(true) - 98.0 * METRIC).abs() < 1e-9, "{}", metrics(true));
        assert_eq!(measured(&Metrics::default(), 17), None);
        assert_eq!(
            (money(0.0).as_str(), money(0.001).as_str(), money(1.234).as_str()),
            ("nothing", "less than $0.01", "$1.23")
        );
    }
}
