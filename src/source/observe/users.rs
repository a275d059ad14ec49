//! Users and keys that came or went, and no event says so: events are missing, or somebody keeps them from arriving.

use serde_json::json;

use super::record::{Observation, Records, Subject, UserIdentity};
use super::telemetry::{self, Sight};
use super::{Change, GLOBAL, MOST_PATIENCE, Seen};
use crate::event::{HOUR, Seconds, time};
use crate::source::inventory::{AccountInventory, Difference, Unexplained, User};
use crate::source::live::HOME;

/// As many at once are told apart.
const MOST_APART: usize = 3;
/// Of more at once, so many are named.
const MOST_OTHERS: usize = 100;

/// Notes what differs between two inventories of one account.
pub(super) fn compare(known: &AccountInventory, current: &mut AccountInventory, seen: &Seen<'_>, records: &Records) {
    if !known.users_known || !current.users_known {
        return;
    }
    let now = records.now;
    let mut found = Vec::new();
    for (id, user) in &known.users {
        match current.users.get(id) {
            None => found.push(difference(Difference::UserMissing, (id, user), None, known.taken, now)),
            Some(same) if same.listed > user.listed => {
                let before = user.listed.unwrap_or(known.taken);
                let gone = user.keys.keys().filter(|key| !same.keys.contains_key(*key));
                found.extend(gone.map(|key| difference(Difference::KeyMissing, (id, user), Some(key), before, now)));
            }
            Some(_) => {}
        }
    }
    for (id, user) in &current.users {
        let same = known.users.get(id);
        let before = match same {
            None => Some(known.taken),
            Some(same) => same.listed.filter(|_| user.listed > same.listed),
        };
        let Some(before) = before else {
            continue;
        };
        let is_new = |key: &str| same.is_none_or(|same| !same.keys.contains_key(key));
        let new = user.keys.iter().filter(|(key, made)| is_new(key) && made.created > before - HOUR);
        found.extend(new.map(|(key, _)| difference(Difference::KeyAppeared, (id, user), Some(key), before, now)));
    }
    for difference in found.into_iter().filter(|difference| difference.before >= seen.known_since) {
        let is_same = |other: &Unexplained| {
            (other.what, &other.user_id, &other.keys) == (difference.what, &difference.user_id, &difference.keys)
        };
        if !current.unexplained.iter().any(is_same) {
            current.unexplained.push(difference);
        }
    }
}

fn difference(
    what: Difference,
    (id, user): (&str, &User),
    key: Option<&String>,
    before: Seconds,
    since: Seconds,
) -> Unexplained {
    Unexplained {
        what,
        user_id: id.to_owned(),
        user_name: user.name.clone(),
        user_arn: user.arn.clone(),
        keys: key.map_or_else(|| user.keys.keys().cloned().collect(), |key| vec![key.clone()]),
        before,
        since,
    }
}

/// Tells what no event has explained in time, and keeps what may still be explained.
pub(super) fn explain(account: &str, current: &mut AccountInventory, seen: &Seen<'_>, records: &mut Records) {
    let now = records.now;
    let sight = telemetry::sight_of_users(account, seen);
    let mut waiting = std::mem::take(&mut current.unexplained);
    waiting.retain(|difference| sight != Sight::None && !is_explained(account, current, difference, seen));
    let (mut due, waiting): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|difference| {
        let waited = now - difference.since;
        waited >= MOST_PATIENCE || (waited >= seen.patience && sight == Sight::Clear)
    });
    current.unexplained = waiting;
    due.sort_by(|a, b| (a.what, &a.user_id, &a.keys).cmp(&(b.what, &b.user_id, &b.keys)));
    for same in due.chunk_by(|a, b| a.what == b.what) {
        // Many at once are one story, and not a page for each.
        let apart = if same.len() > MOST_APART { same.len() } else { 1 };
        for several in same.chunks(apart) {
            tell(account, several, same.len(), seen, records);
        }
    }
}

fn is_explained(account: &str, current: &AccountInventory, difference: &Unexplained, seen: &Seen<'_>) -> bool {
    let user = current.users.get(&difference.user_id);
    let told = |change: Change<'_>| (seen.told)(&change);
    let user_removed = || told(Change::UserRemoved { account, name: &difference.user_name });
    let keys = || difference.keys.iter();
    match difference.what {
        Difference::UserMissing => user.is_some() || user_removed(),
        // IAM may give an old answer once, so a key that is back was never gone.
        Difference::KeyMissing => keys().all(|key| {
            user.is_some_and(|user| user.keys.contains_key(key)) || told(Change::KeyRemoved { key }) || user_removed()
        }),
        Difference::KeyAppeared => keys().all(|key| told(Change::KeyMade { key })),
    }
}

/// Tells of differences of one kind: about the first, and of the others that they are.
fn tell(account: &str, several: &[Unexplained], together: usize, seen: &Seen<'_>, records: &mut Records) {
    let Some((first, others)) = several.split_first() else {
        return;
    };
    let Unexplained { user_name: name, before, since, .. } = first;
    let key = first.keys.first().map(String::as_str);
    let shown = key.unwrap_or_default();
    let (kind, call, mut told) = match first.what {
        Difference::KeyMissing => {
            ("AccessKeyMissing", "DeleteAccessKey", format!("access key {shown} of user {name} is gone"))
        }
        Difference::KeyAppeared => {
            ("AccessKeyAppeared", "CreateAccessKey", format!("access key {shown} of user {name} is new"))
        }
        Difference::UserMissing => ("UserMissing", "DeleteUser", format!("user {name} is gone")),
    };
    told.push_str(&format!(", and no {call} event has arrived"));
    if together > 1 {
        told.push_str(&format!("; {together} such at once"));
    }
    let other = |other: &Unexplained| json!({ "userName": other.user_name, "accessKeyIds": other.keys });
    records.add(&Observation {
        kind,
        account,
        region: Some(global_region(&first.user_arn)),
        subject: name,
        mark: format!("{} {} {}", first.user_id, first.keys.join(" "), since.div_euclid(HOUR)),
        told,
        facts: json!({
            "userName": name,
            "accessKeyIds": first.keys,
            "together": together,
            "others": others.iter().take(MOST_OTHERS).map(other).collect::<Vec<_>>(),
            "lastAsBefore": time::format(*before),
            "firstSeen": time::format(*since),
        }),
        about: Subject::User(UserIdentity { id: &first.user_id, name, arn: &first.user_arn, key }),
        // The same in a pass that is repeated, unless feeds were blind in between.
        time: (since + seen.patience).max(records.now - HOUR).min(records.now),
    });
}

/// Where events of IAM are recorded.
fn global_region(arn: &str) -> &'static str {
    let partition = arn.split(':').nth(1);
    GLOBAL.iter().find(|(known, _)| Some(*known) == partition).map_or(HOME, |(_, region)| region)
}
