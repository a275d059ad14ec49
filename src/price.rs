//! What things cost by the hour at list prices: enough for an estimate minutes after something was started.
//!
//! EC2's prices are a table of us-east-1 and the partitions that differ; other regions are scaled by a factor.

mod file;
mod models;
mod runs;
mod table;
#[cfg(test)]
mod tests;

use ahash::AHashMap;
use anyhow::Result;
use sha2::{Digest as _, Sha256};

pub(crate) use models::Model;
pub(crate) use runs::{Runs, What};

/// The day of the embedded prices.
pub(crate) const DATED: &str = "2026-07-20";
/// How many runs at once the functions of an account may have in a region, unless AWS raised it.
pub(crate) const CONCURRENCY: u32 = 1_000;
/// US dollars for a GB of a function for a second; nearly the same in all regions.
const GB_SECOND: f64 = 0.000_016_666_7;
/// Usual price of spot capacity relative to on-demand.
const SPOT: f64 = 0.3;
/// What SageMaker and EMR ask relative to EC2.
const MANAGED: f64 = 1.25;
/// US dollars for a vCPU hour: of a type that no list has, and of a Windows licence.
const UNKNOWN_VCPU: f64 = 0.05;
const WINDOWS_VCPU: f64 = 0.046;

/// List prices, with those that the user gave before the embedded.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Prices {
    /// US dollars an hour by instance type and region; no region is every region.
    own: AHashMap<(String, String), f64>,
}

impl Prices {
    /// Prices of a file, and the embedded ones for what it leaves out. `name` is what errors call it.
    ///
    /// # Errors
    /// What is wrong, with the file and the line.
    pub(crate) fn read(text: &str, name: &str) -> Result<Self> {
        file::read(text, name)
    }

    /// Of when or whose the prices are.
    pub(crate) fn origin(&self) -> String {
        let own = if self.own.is_empty() { "" } else { "--prices, else " };
        format!("{own}prices of {DATED}")
    }

    /// The same for the same prices.
    pub(crate) fn fingerprint(&self) -> String {
        let mut own: Vec<_> =
            self.own.iter().map(|((class, region), price)| format!("{class}\n{region}\n{price}\n")).collect();
        own.sort_unstable();
        Sha256::digest(own.concat()).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }

    /// US dollars an hour, for a function as often at once as [`CONCURRENCY`] lets it run. `None` where nothing says
    /// how large the thing is.
    pub(crate) fn per_hour(&self, runs: &Runs, region: &str) -> Option<f64> {
        let one = match &runs.what {
            What::Instance { class, spot, windows } => {
                let licence = if *windows { WINDOWS_VCPU * vcpus(class) } else { 0.0 };
                let share = if *spot { SPOT } else { 1.0 };
                self.instance(class, region) * share + licence
            }
            What::Managed(class) => match self.given(class, region) {
                Some(price) => price,
                None => self.instance(class.strip_prefix("ml.").unwrap_or(class), region) * MANAGED,
            },
            What::Function { memory } => function(*memory, CONCURRENCY),
            What::Task { cpu, memory } => {
                let vcpu = table::rate("fargate-vcpu")? * f64::from(*cpu) / 1024.0;
                let gb = table::rate("fargate-gb")? * f64::from(*memory) / 1024.0;
                (vcpu + gb) * table::factor(region)
            }
            What::Rate(name) => table::rate(name)? * table::factor(region),
            What::As(_) => return None,
        };
        Some(one * f64::from(runs.count))
    }

    /// US dollars an hour of an EC2 type on demand.
    fn instance(&self, class: &str, region: &str) -> f64 {
        self.given(class, region)
            .or_else(|| table::listed(class, region))
            .unwrap_or_else(|| UNKNOWN_VCPU * vcpus(class) * table::factor(region))
    }

    /// A price that the user gave: for the region, for all, or for us-east-1 to be scaled.
    fn given(&self, class: &str, region: &str) -> Option<f64> {
        if self.own.is_empty() {
            return None;
        }
        let price = |region: &str| self.own.get(&(class.to_owned(), region.to_owned())).copied();
        price(region).or_else(|| price("")).or_else(|| price("us-east-1").map(|price| price * table::factor(region)))
    }
}

/// US dollars an hour of functions of so many MB that run so often at once.
pub(crate) fn function(memory: u32, concurrency: u32) -> f64 {
    f64::from(concurrency) * f64::from(memory) / 1024.0 * 3600.0 * GB_SECOND
}

/// vCPUs by the word for the size, as most families have it.
fn vcpus(class: &str) -> f64 {
    let size = class.rsplit('.').next().unwrap_or(class);
    let size = size.strip_prefix("metal-").unwrap_or(size);
    let multiple = size.split_once("xl").and_then(|(n, _)| n.parse::<u16>().ok());
    match (multiple, size) {
        (Some(n), _) => 4.0 * f64::from(n),
        (None, "xlarge") => 4.0,
        (None, "metal") => 96.0,
        (None, _) => 2.0,
    }
}

/// Of several EC2 types the one that costs most.
pub(crate) fn dearest(classes: impl IntoIterator<Item = String>) -> Option<String> {
    let prices = Prices::default();
    let price = |class: &String| prices.instance(class, "us-east-1");
    classes.into_iter().max_by(|a, b| price(a).total_cmp(&price(b)).then_with(|| a.cmp(b)))
}
