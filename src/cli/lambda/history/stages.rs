//! What an invocation does: plan, map, reduce or merge.

use anyhow::{Result, anyhow, bail};
use serde_json::{Value, json};

use super::day::Day;
use super::payload::{Item, Wish};
use super::place::{ENDING, Place, judged, part, unjudged, whole};
use super::plan;
use crate::cli::{Status, Voice, input};
use crate::config::{Config, MOST_SHARES};
use crate::detect::Rules;
use crate::event::Seconds;
use crate::model::Summary;
use crate::replay::Settings;
use crate::replay::history::{self, Given, Task};
use crate::replay::map::Range;
use crate::replay::parts::Share;
use crate::report::Format;
use crate::source::{Object, SourceError, Wanted, discover, listed, remote, stored};

/// Unpacked bytes of one object.
const MOST_OF_OBJECT: u64 = 1 << 30;
const RESULTS: &str = "incidents.ndjson";

/// Writes the items of a run. The answer says where they are, and into which shares groups are divided.
///
/// # Errors
/// Logs that cannot be listed, and a wish that comes to nothing.
pub(super) fn plan(place: &Place, wish: &Wish, shares: u32, now: Seconds) -> Result<Value> {
    let span = plan::days(wish, Day::of(now)).map_err(anyhow::Error::msg)?;
    let accounts = remote::accounts(&place.logs(""))?;
    let accounts: Vec<(String, String)> =
        accounts.into_iter().filter_map(|(account, name)| Some((account, place.prefix(&name)?.to_owned()))).collect();
    let items = plan::items(wish, span, &accounts).map_err(anyhow::Error::msg)?;
    if items.is_empty() {
        bail!("no account has logs below the prefix of the settings");
    }
    place.write("plan.json", &serde_json::to_vec(&items)?)?;
    let all: Vec<_> = (1..=shares).map(|share| format!("{share}/{shares}")).collect();
    Ok(json!({
        "run": place.run(), "items": items.len(), "bucket": place.bucket(), "plan": place.key("plan.json"),
        "mapped": place.key("mapped"), "reduced": place.key("reduced"), "shares": all,
    }))
}

/// Maps a piece of an item, of which there are so many that one has at most so many packed bytes. The answer is the payload
/// of the next piece, where `more` is true.
///
/// # Errors
/// Logs that cannot be listed, and a part that cannot be written.
pub(super) fn map(
    place: &Place,
    item: &Item,
    (share, of): (u32, Option<u32>),
    most: u64,
    voice: Voice,
) -> Result<Value> {
    let objects = objects(place, item)?;
    // Into how many the first one cut it holds, also where something was delivered since.
    let of = of.unwrap_or_else(|| pieces(&objects, most));
    let rules = rules()?;
    let settings = Settings {
        range: Range { start: item.start.unwrap_or(Seconds::MIN), end: item.end.unwrap_or(Seconds::MAX) },
        accounts: &[],
        threads: std::thread::available_parallelism().map_or(1, usize::from),
        max_object_bytes: MOST_OF_OBJECT,
    };
    let output = place.result(&part(item.number, share, of));
    let task = Task {
        objects,
        share: self::share(share, of)?,
        bills: Vec::new(),
        options: Vec::new(),
        rules: &rules,
        settings,
        output: &output,
    };
    let mapped = history::map(task, &|_| {})?;
    voice.name(&mapped.skipped);
    Ok(json!({
        "stakeout": "map", "run": place.run(), "item": item, "share": share.saturating_add(1), "of": of, "more": share < of,
    }))
}

/// What was delivered below the prefix of an item on its days.
fn objects(place: &Place, item: &Item) -> Result<Vec<Object>> {
    let (from, until) = (Some(item.from.number()), Some(item.until.number()));
    match discover(&[place.logs(&item.prefix)], &Wanted { from, until, ..Wanted::default() }) {
        Ok(objects) => Ok(objects),
        // An account to which only digests were delivered.
        Err(SourceError::NoSuchPath(_)) => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

/// Into how many pieces objects are cut. Each has more bytes where that would be too many pieces.
fn pieces(objects: &[Object], most: u64) -> u32 {
    let weight = objects.iter().map(Share::weight).fold(0, u64::saturating_add);
    u32::try_from(weight.div_ceil(most.max(1))).unwrap_or(u32::MAX).clamp(1, MOST_SHARES)
}

/// Judges a share of the groups, where every item has its parts.
///
/// # Errors
/// Parts that are not there, and what is judged that cannot be written.
pub(super) fn reduce(place: &Place, (share, of): (u32, u32), voice: Voice) -> Result<Value> {
    let names = listed(&place.result("parts/"), ENDING)?;
    let items = place.items()?;
    let lacks = |lacking| anyhow!("{lacking} of {} items have not all of their parts", items.len());
    let names = whole(&items, names).map_err(lacks)?;
    let rules = rules()?;
    let given = opened(&names, &rules, voice)?;
    if given.is_judged() {
        bail!("the parts are judged already");
    }
    let skipped = history::judge(&given, &rules, self::share(share, of)?, &place.result(&judged(share, of)))?;
    voice.name(&skipped);
    Ok(json!({ "whole": skipped.is_empty() }))
}

/// Puts together what was judged. The answer is its accounting.
///
/// # Errors
/// Shares that were not judged, and results that cannot be written.
pub(super) fn merge(place: &Place, voice: Voice) -> Result<Value> {
    let names = listed(&place.result("judged/"), ENDING)?;
    match unjudged(&names) {
        Some(0) => {}
        Some(missing) => bail!("{missing} shares of the groups were not judged"),
        None => bail!("the groups were judged in shares of several divisions"),
    }
    let rules = rules()?;
    let given = opened(&names, &rules, voice)?;
    if !given.is_judged() {
        bail!("these parts are not judged");
    }
    let report = history::merge(&given, &rules)?;
    voice.name(&report.summary.skipped);
    let name = place.result(RESULTS);
    stored::write(&name, |mut out| Ok(report.write(Format::Ndjson, voice.look(), &mut out)?))?;
    let status = Status::of(report.summary.skipped.is_empty(), !report.incidents.is_empty());
    Ok(
        json!({ "results": name, "status": status as u8, "incidents": report.incidents.len(), "summary": told(&report.summary) }),
    )
}

/// The rules of the program. There are no others here.
fn rules() -> Result<Rules> {
    input::rules(input::Extra::default(), &Config::default())
}

fn opened(names: &[String], rules: &Rules, voice: Voice) -> Result<Given> {
    let given = history::open(names, rules)?;
    given.remarks.iter().for_each(|remark| voice.remark(remark));
    Ok(given)
}

fn share(number: u32, of: u32) -> Result<Share> {
    let share = (usize::try_from(number)?, usize::try_from(of)?);
    Share::try_from(share).map_err(anyhow::Error::msg)
}

/// The accounting without its lists, which may be longer than a state may hand on.
fn told(summary: &Summary) -> Value {
    let mut told = json!(summary);
    for field in told.as_object_mut().into_iter().flat_map(|fields| fields.values_mut()) {
        if let Value::Array(list) = field {
            *field = Value::from(list.len());
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_no_more_pieces_than_a_state_machine_hands_on() {
        let objects = [Object::memory("a.json".to_owned(), vec![b' '; 40_000])];
        assert_eq!((pieces(&[], 1), pieces(&objects, 1 << 20), pieces(&objects, 0)), (1, 1, MOST_SHARES));
        let weight = Share::weight(&objects[0]);
        assert_eq!((pieces(&objects, weight), pieces(&objects, weight - 1)), (1, 2));
        assert!(share(MOST_SHARES, MOST_SHARES).is_ok());
    }
}
