//! From addresses that a person names to the objects behind them.

use std::collections::{BTreeMap, BTreeSet};

use super::address::{folder, join, split};
use super::store::{Query, Store, wait};
use super::walk::{Found, Parts, Step, Walk};
use crate::aws::{Refusal, Work, side_by_side};
use crate::source::delivery::{Delivery, Level};
use crate::source::discover::SourceError;
use crate::source::object::Object;
use crate::source::wanted::Wanted;

/// Addresses that are listed at the same time, each with many requests.
const ABREAST: usize = 4;
/// So many keys of one folder are found in one listing of it, and fewer one by one.
const MANY: usize = 8;

/// What could not be listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::source) struct Refused {
    pub(in crate::source) address: String,
    pub(in crate::source) why: String,
}

/// Adds the wanted objects of addresses: an object by its key, else everything in a folder, else what matches a pattern or
/// begins so. Where what is gone is kept, somebody listed the addresses, and none of them is a pattern. Gives what could not
/// be listed.
///
/// # Errors
/// An address of nothing, or without a bucket; an invalid pattern.
pub(in crate::source) fn list(
    addresses: &[&str],
    wanted: &Wanted,
    found: &mut Vec<Object>,
) -> Result<Vec<Refused>, SourceError> {
    if let Some(address) = addresses.iter().find(|address| split(address).is_none()) {
        return Err(SourceError::NoBucket((*address).to_owned()));
    }
    let listed = wait(async |store| all(store, addresses, wanted).await);
    let (objects, refused) = match listed {
        Ok(listed) => listed?,
        Err(refusal) => {
            let refused = |address: &&str| Refused { address: (*address).to_owned(), why: refusal.to_string() };
            (Vec::new(), addresses.iter().map(refused).collect())
        }
    };
    found.extend(objects);
    Ok(refused)
}

type Listed = (Vec<Object>, Vec<Refused>);

async fn all(store: &Store, addresses: &[&str], wanted: &Wanted) -> Result<Listed, SourceError> {
    let (mut objects, mut refused) = (Vec::new(), Vec::new());
    let singles = folders(store, addresses, wanted, &mut objects).await;
    let work = singles.into_iter().map(|address| -> Work<'_, _> { Box::pin(one(store, address, wanted)) });
    for listed in side_by_side(ABREAST, work).await {
        let (address, found) = match listed {
            Err(SourceError::NoSuchPath(address)) if wanted.keeps_gone => {
                objects.push(Object::gone(address));
                continue;
            }
            listed => listed?,
        };
        let bucket = split(address).unwrap_or_default().0;
        let keys = found.keys.into_iter().map(|(key, bytes)| Object::remote(join(bucket, &key), bytes));
        objects.extend(keys.filter(|object| wanted.takes(object)));
        let why = |(address, refusal): (String, Refusal)| Refused { address, why: refusal.to_string() };
        refused.extend(found.refused.into_iter().map(why));
    }
    Ok((objects, refused))
}

/// Finds addresses that are many keys of one folder, in one listing of that. Gives the other addresses.
async fn folders<'a>(store: &Store, addresses: &[&'a str], wanted: &Wanted, objects: &mut Vec<Object>) -> Vec<&'a str> {
    let mut by_folder: BTreeMap<(&str, &str), Vec<&'a str>> = BTreeMap::new();
    for address in addresses {
        let (bucket, key) = split(address).unwrap_or_default();
        by_folder.entry((bucket, folder(key))).or_default().push(address);
    }
    let mut singles = Vec::new();
    let mut work: Vec<Work<'_, _>> = Vec::new();
    for ((bucket, _), mut same) in by_folder {
        same.sort_unstable();
        let is_key = |address: &&str| !address.ends_with('/') && (wanted.keeps_gone || !is_pattern(address));
        if same.len() < MANY || !same.iter().all(is_key) {
            singles.extend(same);
        } else {
            work.push(Box::pin(async move { (range(store, bucket, &same).await, bucket, same) }));
        }
    }
    for (known, bucket, same) in side_by_side(ABREAST, work).await {
        for address in same {
            let key = split(address).unwrap_or_default().1;
            match known.get(key) {
                Some(bytes) => objects.push(Object::remote(join(bucket, key), *bytes)),
                None => singles.push(address),
            }
        }
    }
    singles
}

/// The keys from the first to the last of some, which are in order, with their sizes; fewer where that is refused.
async fn range(store: &Store, bucket: &str, same: &[&str]) -> BTreeMap<String, u64> {
    let key = |address: Option<&&str>| address.and_then(|address| split(address)).unwrap_or_default().1.to_owned();
    let (first, last) = (key(same.first()), key(same.last()));
    let shared = first.char_indices().zip(last.chars()).find(|((_, one), other)| one != other);
    let prefix = shared.and_then(|((at, _), _)| first.get(..at)).unwrap_or(&first);
    let (mut known, mut token) = (BTreeMap::new(), None::<String>);
    // A key before the first one, so that the listing begins with that.
    let mut before = first.clone();
    before.pop();
    let after = Some(before.as_str()).filter(|before| before.len() > prefix.len());
    loop {
        let query = Query { prefix, after, token: token.as_deref(), folders: false };
        let Ok(page) = store.page(bucket, query).await else { return known };
        let is_over = page.keys.last().is_some_and(|(key, _)| *key >= last);
        known.extend(page.keys);
        token = page.next.filter(|_| !is_over);
        if token.is_none() {
            return known;
        }
    }
}

async fn one<'a>(store: &Store, address: &'a str, wanted: &Wanted) -> Result<(&'a str, Found), SourceError> {
    let (bucket, key) = split(address).unwrap_or_default();
    let walk = Walk { store, bucket, wanted, parts: &Parts::default() };
    if is_pattern(address) && !wanted.keeps_gone && !is_name(&walk, key).await {
        return matching(walk, address, key).await;
    }
    let found = if key.is_empty() || key.ends_with('/') {
        match walk.enter(key, 0) {
            // It is named, and nothing in it is wanted.
            None => return Ok((address, Found::default())),
            Some(step) => walk.run(vec![step]).await,
        }
    } else {
        named(&walk, key).await
    };
    if found.any || !found.refused.is_empty() || is_any(&walk, key).await {
        return Ok((address, found));
    }
    Err(SourceError::NoSuchPath(address.to_owned()))
}

/// What matches a pattern.
async fn matching<'a>(walk: Walk<'_>, address: &'a str, key: &str) -> Result<(&'a str, Found), SourceError> {
    let parts = Parts::new(key.strip_prefix(literal(key)).unwrap_or(key))
        .map_err(|why| SourceError::BadPattern { pattern: address.to_owned(), why })?;
    let found =
        Walk { parts: &parts, ..walk }.run(vec![Step::Match { prefix: literal(key).to_owned(), part: 0 }]).await;
    match found.any || !found.refused.is_empty() {
        true => Ok((address, found)),
        false => Err(SourceError::NoMatch(address.to_owned())),
    }
}

/// Whether a key or a folder has exactly this name, which also is a pattern.
async fn is_name(walk: &Walk<'_>, key: &str) -> bool {
    let name = key.strip_suffix('/').unwrap_or(key);
    let is_folder = |folder: &String| folder.strip_suffix('/') == Some(name);
    let level = walk.level(name).await;
    level.is_ok_and(|page| page.keys.iter().any(|(known, _)| known == key) || page.folders.iter().any(is_folder))
}

/// A key, else the folder of this name, else all that begins so.
async fn named(walk: &Walk<'_>, key: &str) -> Found {
    let mut page = match walk.level(key).await {
        Ok(page) => page,
        Err(refusal) => return walk.refused(key, refusal),
    };
    let any = !page.keys.is_empty() || !page.folders.is_empty();
    if page.keys.iter().any(|(known, _)| known == key) {
        page.keys.retain(|(known, _)| known == key);
        return Found { keys: page.keys, any, ..Found::default() };
    }
    let is_folder = |folder: &String| folder.strip_suffix('/') == Some(key);
    if page.folders.iter().any(is_folder) {
        page.folders.retain(is_folder);
        page.keys.clear();
    }
    let steps = page.folders.iter().filter_map(|folder| walk.enter(folder, 0)).collect();
    let mut found = walk.run(steps).await;
    found.keys.extend(page.keys.into_iter().filter(|(key, _)| !key.ends_with('/')));
    found.any |= any;
    found
}

/// Whether there is anything below a prefix, wanted or not.
async fn is_any(walk: &Walk<'_>, prefix: &str) -> bool {
    let query = Query { prefix, folders: true, ..Query::default() };
    walk.store.page(walk.bucket, query).await.is_ok_and(|page| !page.keys.is_empty() || !page.folders.is_empty())
}

fn is_pattern(address: &str) -> bool {
    address.contains(['*', '?', '['])
}

/// The folder before the first part of a pattern that is one.
fn literal(pattern: &str) -> &str {
    let end = pattern.find(['*', '?', '[']).unwrap_or(pattern.len());
    folder(pattern.get(..end).unwrap_or(pattern))
}

/// The accounts whose logs lie below an address, with the addresses of their logs: `s3://bucket/[prefix/]AWSLogs/...`. Only
/// folders are listed. It may also name the logs of one account.
///
/// # Errors
/// What S3 refuses, or that there is no account.
pub(crate) fn accounts(address: &str) -> Result<Vec<(String, String)>, SourceError> {
    let (bucket, key) = split(address).ok_or_else(|| SourceError::NoBucket(address.to_owned()))?;
    let refused = |refusal: Refusal| SourceError::Refused { path: address.to_owned(), why: refusal.to_string() };
    let folders = wait(async |store| account_folders(store, bucket, key).await);
    let folders = folders.and_then(|folders| folders).map_err(refused)?;
    let all = folders.iter().filter_map(|folder| {
        let account = Delivery::of_folder(folder).account?;
        let end = folder.rfind(account)? + account.len();
        Some((account.to_owned(), join(bucket, &format!("{}/CloudTrail/", folder.get(..end)?))))
    });
    let all: BTreeSet<_> = all.collect();
    if all.is_empty() { Err(SourceError::NoSuchPath(address.to_owned())) } else { Ok(all.into_iter().collect()) }
}

async fn account_folders(store: &Store, bucket: &str, key: &str) -> Result<BTreeSet<String>, Refusal> {
    let top = if key.is_empty() || key.ends_with('/') { key.to_owned() } else { format!("{key}/") };
    let delivery = Delivery::of_folder(&top);
    if delivery.account.is_some() {
        return Ok(BTreeSet::from([top]));
    }
    let root = if delivery.level == Level::Root { top } else { format!("{top}AWSLogs/") };
    let walk = Walk { store, bucket, wanted: &Wanted::default(), parts: &Parts::default() };
    let is_root = |folder: &&String| Delivery::of_folder(folder).level == Level::Root;
    let mut folders = walk.level(&root).await?.folders;
    let organisations: Vec<_> = folders.iter().filter(is_root).cloned().collect();
    for organisation in organisations {
        folders.extend(walk.level(&organisation).await?.folders);
    }
    Ok(folders.into_iter().filter(|folder| Delivery::of_folder(folder).level == Level::Account).collect())
}
