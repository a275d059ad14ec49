//! The embedded price tables.

use std::sync::LazyLock;

use ahash::AHashMap;

const EC2: &str = include_str!("ec2.csv");
const REGIONS: &str = include_str!("regions.csv");
const RATES: &str = include_str!("rates.csv");

/// The partitions that have prices of their own, in the order of the columns, and what their money is in US dollars.
const COLUMNS: [(&str, f64); 4] = [("us-east-1", 1.0), ("us-gov-east-1", 1.0), ("us-gov-west-1", 1.0), ("cn-", 0.14)];
/// What a region costs that nobody knows, relative to us-east-1.
const UNKNOWN_REGION: f64 = 1.25;

static TYPES: LazyLock<AHashMap<&str, [Option<f64>; COLUMNS.len()]>> = LazyLock::new(|| {
    let prices = |line: &'static str| {
        let mut fields = line.split(',');
        let name = fields.next()?;
        let price = |text: Option<&str>| text.and_then(|text| text.parse::<f64>().ok());
        let mut row = COLUMNS.map(|_| price(fields.next()));
        for (price, (_, dollars)) in row.iter_mut().zip(COLUMNS) {
            *price = price.map(|price| price * dollars);
        }
        Some((name, row))
    };
    rows(EC2).filter_map(prices).collect()
});
static FACTORS: LazyLock<AHashMap<&str, f64>> = LazyLock::new(|| pairs(REGIONS));
static BY_UNIT: LazyLock<AHashMap<&str, f64>> = LazyLock::new(|| pairs(RATES));

fn rows(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.lines().filter(|line| !line.starts_with('#'))
}

fn pairs(text: &'static str) -> AHashMap<&'static str, f64> {
    rows(text).filter_map(|line| line.split_once(',')).filter_map(|(name, n)| Some((name, n.parse().ok()?))).collect()
}

/// The listed price of an EC2 type in US dollars an hour; regions without prices of their own are scaled.
pub(super) fn listed(class: &str, region: &str) -> Option<f64> {
    let row = TYPES.get(class)?;
    let own = COLUMNS.iter().zip(row).find(|((of, _), _)| region.starts_with(of)).and_then(|(_, price)| *price);
    let [first, others @ ..] = row;
    // A type that only one partition has is priced as there.
    own.or_else(|| first.map(|price| price * factor(region))).or_else(|| others.iter().flatten().next().copied())
}

/// How dear a region is relative to us-east-1.
pub(super) fn factor(region: &str) -> f64 {
    FACTORS.get(region).copied().unwrap_or(UNKNOWN_REGION)
}

/// US dollars for one unit and hour in us-east-1.
pub(super) fn rate(name: &str) -> Option<f64> {
    BY_UNIT.get(name).copied()
}
