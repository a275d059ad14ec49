//! Which files of a report a newer delivery of the same billing period replaces.
//!
//! AWS delivers a report again and again while its month is open. Where it keeps what it delivered before, each delivery
//! has a directory below that of the billing period, named by its time or by an id, and reading more than one would count
//! the same money twice.

use std::collections::{BTreeMap, BTreeSet};

use super::super::object::Object;

/// What to read of several deliveries.
#[derive(Debug, Default)]
pub(super) struct Choice {
    /// Positions of objects that are replaced, with the directory that replaces them.
    pub(super) superseded: BTreeMap<usize, String>,
    /// The same where nothing tells which delivery is the newest.
    pub(super) doubtful: BTreeMap<usize, String>,
    /// Those of `superseded` that stay so whatever other objects and manifests there are besides.
    pub(super) gone: BTreeSet<usize>,
}

/// The deliveries of one report and billing period: the objects of each.
type Deliveries<'a> = BTreeMap<&'a str, Vec<usize>>;

/// Chooses one delivery of each report and billing period. `newest` are the ids that manifests of periods name.
pub(super) fn choose(objects: &[Object], newest: &BTreeSet<String>) -> Choice {
    let mut periods: BTreeMap<&str, Deliveries<'_>> = BTreeMap::new();
    for (position, object) in objects.iter().enumerate() {
        if let Some((period, delivery)) = delivery(object.name()).filter(|_| is_report(object.name())) {
            periods.entry(period).or_default().entry(delivery).or_default().push(position);
        }
    }
    let mut choice = Choice::default();
    for deliveries in periods.values().filter(|deliveries| deliveries.len() > 1) {
        let named = deliveries.keys().find(|delivery| newest.contains(**delivery));
        let timed = deliveries.keys().all(|delivery| time_of(delivery).is_some());
        let largest = || {
            let bytes = |positions: &Vec<usize>| -> u64 {
                positions.iter().filter_map(|p| objects.get(*p)).map(Object::bytes).sum()
            };
            deliveries
                .iter()
                .max_by_key(|(delivery, positions)| (bytes(positions), **delivery))
                .map(|(delivery, _)| delivery)
        };
        let latest = || deliveries.keys().max_by_key(|delivery| time_of(delivery));
        let (kept, sure) = match named {
            Some(named) => (Some(named), true),
            None if timed => (latest(), true),
            None => (largest(), false),
        };
        let Some(kept) = kept else { continue };
        let replaced = if sure { &mut choice.superseded } else { &mut choice.doubtful };
        let others = || deliveries.iter().filter(|(delivery, _)| *delivery != kept);
        // Of several that manifests name the first is kept, so that nothing after a named one ever is.
        let gone = others().filter(|(delivery, _)| named.is_some_and(|named| *delivery > named));
        choice.gone.extend(gone.flat_map(|(_, positions)| positions));
        replaced.extend(others().flat_map(|(_, positions)| positions).map(|position| (*position, (*kept).to_owned())));
    }
    choice
}

/// Whether a file is inside the directory of a delivery.
pub(super) fn is_delivered(name: &str) -> bool {
    delivery(name).is_some()
}

/// Answers and manifests are no reports.
fn is_report(name: &str) -> bool {
    !name.ends_with(".json") && !name.ends_with(".json.gz")
}

/// The directory of the billing period with everything before it, and that of the delivery.
fn delivery(name: &str) -> Option<(&str, &str)> {
    let mut end = name.rfind('/')?;
    loop {
        let above = name.get(..end)?;
        let start = above.rfind('/')?;
        let (parent, own) = (above.get(..start)?, above.get(start + 1..)?);
        let in_period = is_period(parent.rsplit('/').next().unwrap_or_default());
        if time_of(own).is_some() || (in_period && is_id(own)) {
            return Some((parent, own));
        }
        end = start;
    }
}

/// `20240901-20241001` or `BILLING_PERIOD=2024-09`.
fn is_period(name: &str) -> bool {
    let dates = name.split_once('-').is_some_and(|(from, to)| {
        [from, to].iter().all(|date| date.len() == 8 && date.bytes().all(|byte| byte.is_ascii_digit()))
    });
    dates || name.to_ascii_lowercase().starts_with("billing_period=")
}

/// A UUID, with hyphens or without.
fn is_id(name: &str) -> bool {
    let digits = name.bytes().filter(u8::is_ascii_hexdigit).count();
    digits == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

/// The time in `20240905T120000Z` and `20240905T120000Z-id`, as it is written.
fn time_of(name: &str) -> Option<&str> {
    let time = name.get(..16).filter(|_| name.len() == 16 || name.get(16..17) == Some("-"))?;
    let written = time.bytes().enumerate().all(|(place, byte)| match place {
        8 => byte == b'T',
        15 => byte == b'Z',
        _ => byte.is_ascii_digit(),
    });
    written.then_some(time)
}
