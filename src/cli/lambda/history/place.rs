//! Where logs and results of a run are: the settings say so, and nobody who invokes the function.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};

use super::payload::Item;
use crate::config::History;
use crate::source::stored::{self, Stored};

/// Bytes of a plan: a million items.
const MOST_BYTES: u64 = 256 << 20;
pub(super) const ENDING: &str = ".part";

/// The places of one run.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// `s3://BUCKET/` or `s3://BUCKET/PREFIX/`.
    logs: String,
    /// `s3://BUCKET/PREFIX/RUN/`.
    results: String,
    run: String,
}

impl Place {
    /// # Errors
    /// A function that nobody made one for histories.
    pub(super) fn of(history: &History, run: &str) -> Result<Self> {
        let (Some(logs), Some(out)) = (&history.logs, &history.out) else {
            bail!("this function maps and reduces nothing: [history] logs and out are not set");
        };
        let folder = |url: &str| format!("{}/", url.trim_end_matches('/'));
        Ok(Self {
            logs: folder(logs.as_str()),
            results: format!("{}{run}/", folder(out.as_str())),
            run: run.to_owned(),
        })
    }

    /// The name of the run.
    pub(super) fn run(&self) -> &str {
        &self.run
    }

    /// What is below a prefix of the logs.
    pub(super) fn logs(&self, prefix: &str) -> String {
        format!("{}{prefix}", self.logs)
    }

    /// The same, back: none where a name is not below the logs.
    pub(super) fn prefix<'n>(&self, name: &'n str) -> Option<&'n str> {
        name.strip_prefix(&self.logs)
    }

    /// A result by its name in the run.
    pub(super) fn result(&self, name: &str) -> String {
        format!("{}{name}", self.results)
    }

    /// The bucket of the results.
    pub(super) fn bucket(&self) -> &str {
        let rest = self.results.strip_prefix("s3://").unwrap_or(&self.results);
        rest.split('/').next().unwrap_or_default()
    }

    /// The key of a result.
    pub(super) fn key(&self, name: &str) -> String {
        let whole = self.result(name);
        let rest = whole.strip_prefix("s3://").unwrap_or(&whole);
        rest.split_once('/').map_or("", |(_, key)| key).to_owned()
    }

    /// Writes a result.
    ///
    /// # Errors
    /// A folder for drafts that is full, or what S3 refuses.
    pub(super) fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        stored::write(&self.result(name), |out| Ok(out.write_all(bytes)?))
    }

    /// The items of the plan.
    ///
    /// # Errors
    /// A plan that is not there, or is none.
    pub(super) fn items(&self) -> Result<Vec<Item>> {
        let name = self.result("plan.json");
        let read = || -> Result<Vec<Item>> {
            let stored = Stored::open(&name)?;
            if stored.length() > MOST_BYTES {
                bail!("it has more than {MOST_BYTES} bytes");
            }
            let bytes = stored.read(0, usize::try_from(stored.length())?)?;
            Ok(serde_json::from_slice(&bytes)?)
        };
        read().with_context(|| format!("reading {name}"))
    }
}

/// The name of the part of a piece of an item.
pub(super) fn part(item: u32, share: u32, of: u32) -> String {
    format!("parts/{}", numbered(&[item, share, of]))
}

/// The name of what is judged of a share of the groups.
pub(super) fn judged(share: u32, of: u32) -> String {
    format!("judged/{}", numbered(&[share, of]))
}

fn numbered(numbers: &[u32]) -> String {
    let numbers: Vec<_> = numbers.iter().map(|number| format!("{number:06}")).collect();
    format!("{}{ENDING}", numbers.join("-"))
}

/// The numbers in a name of a part; none where it is none of these.
fn numbers<const COUNT: usize>(name: &str) -> Option<[u32; COUNT]> {
    let stem = name.rsplit('/').next()?.strip_suffix(ENDING)?;
    let numbers: Option<Vec<u32>> = stem.split('-').map(|text| text.parse().ok()).collect();
    numbers?.try_into().ok()
}

/// The parts to reduce: of each item all pieces of one division, and what somebody else put beside them. Pieces of another
/// division of the same item would count everything again.
///
/// # Errors
/// How many items have no part, or not all pieces of any division.
pub(super) fn whole(items: &[Item], parts: Vec<String>) -> Result<Vec<String>, usize> {
    let mut own: BTreeMap<u32, BTreeMap<u32, Vec<String>>> = BTreeMap::new();
    let mut chosen = Vec::new();
    for name in parts {
        match numbers(&name) {
            Some([item, _, of]) => own.entry(item).or_default().entry(of).or_default().push(name),
            None => chosen.push(name),
        }
    }
    let mut lacking = 0;
    for item in items {
        let divisions = own.remove(&item.number).unwrap_or_default();
        let is_whole = |(of, pieces): &(u32, Vec<String>)| usize::try_from(*of).is_ok_and(|of| of == pieces.len());
        match divisions.into_iter().find(is_whole) {
            Some((_, pieces)) => chosen.extend(pieces),
            None => lacking += 1,
        }
    }
    if lacking == 0 { Ok(chosen) } else { Err(lacking) }
}

/// Shares of the groups that were not judged, where all are of one division; none where they are of several.
pub(super) fn unjudged<'n>(judged: impl IntoIterator<Item = &'n String>) -> Option<usize> {
    let judged: Vec<[u32; 2]> = judged.into_iter().filter_map(|name| numbers(name)).collect();
    let of = judged.first().map(|[_, of]| *of)?;
    let is_one = judged.iter().all(|[_, other]| *other == of);
    is_one.then(|| usize::try_from(of).unwrap_or(usize::MAX).saturating_sub(judged.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::lambda::history::day::Day;

    #[test]
    fn what_is_missing_is_seen_by_the_names_of_parts() {
        let item = |number| Item {
            number,
            prefix: String::new(),
            from: Day::of(0),
            until: Day::of(0),
            start: None,
            end: None,
        };
        let items = [item(1), item(2), item(70_000)];
        let name = |name: String| format!("s3://results/a/{name}");
        let mut parts =
            vec![name(part(1, 1, 1)), name(part(2, 1, 3)), name(part(2, 3, 3)), name("parts/own.part".to_owned())];
        assert_eq!(whole(&items, parts.clone()), Err(2));
        parts.push(name(part(70_000, 1, 1)));
        // A piece of another division completes none.
        parts.push(name(part(2, 2, 2)));
        assert_eq!(whole(&items, parts.clone()), Err(1));
        parts.push(name(part(2, 2, 3)));
        parts.push(name(part(9, 1, 1)));
        let chosen = whole(&items, parts.clone()).unwrap();
        let left: Vec<_> = parts.iter().filter(|part| !chosen.contains(part)).cloned().collect();
        assert_eq!(left, [name(part(2, 2, 2)), name(part(9, 1, 1))]);
        let mut judged_parts = vec![name(judged(2, 2))];
        assert_eq!(unjudged(&judged_parts), Some(1));
        judged_parts.push(name(judged(1, 2)));
        assert_eq!(unjudged(&judged_parts), Some(0));
        judged_parts.push(name(judged(1, 3)));
        assert_eq!((unjudged(&judged_parts), unjudged(&[])), (None, None));
    }

    #[test]
    fn results_of_a_run_are_below_its_name() {
        let text = "[history]\nlogs = \"s3://logs/trail/\"\nout = \"s3://results/a/b\"\n";
        let config = crate::config::Config::read(text, "", std::iter::empty()).unwrap();
        let place = Place::of(&config.history, "night").unwrap();
        assert_eq!(place.result("plan.json"), "s3://results/a/b/night/plan.json");
        assert_eq!((place.bucket(), place.key("plan.json").as_str()), ("results", "a/b/night/plan.json"));
        let logs = place.logs("AWSLogs/");
        assert_eq!((logs.as_str(), place.prefix(&logs)), ("s3://logs/trail/AWSLogs/", Some("AWSLogs/")));
        assert_eq!(place.prefix("s3://logs/trails/AWSLogs/"), None);
        assert!(Place::of(&History::default(), "night").is_err());
        for text in
            ["logs = \"s3://a\"", "out = \"s3://a\"", "logs = \"s3://a/AWSLogs\"\nout = \"s3://b\"", "shares = 0"]
        {
            assert!(
                crate::config::Config::read(&format!("[history]\n{text}\n"), "", std::iter::empty()).is_err(),
                "{text}"
            );
        }
    }
}
