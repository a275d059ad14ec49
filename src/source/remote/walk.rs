//! What a bucket holds below a prefix, listed side by side along AWS's delivery tree, so that accounts and days that are not
//! wanted are not even listed.

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use glob::{MatchOptions, Pattern};

use super::address::{folder, join};
use super::store::{Page, Query, Store};
use crate::aws::Refusal;
use crate::source::delivery::{Delivery, Level};
use crate::source::wanted::Wanted;

/// Requests at the same time.
const ABREAST: usize = 32;
/// Levels outside of the delivery tree that are listed folder by folder; `AWSLogs/` is not far from the top.
const LEVELS: usize = 3;
/// A level with more folders than this has names that tell nothing, and is listed by its keys.
const MOST_FOLDERS: usize = 200;
/// As for paths of files.
const LIKE_PATHS: MatchOptions =
    MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };

/// One thing to list.
#[derive(Debug)]
pub(super) enum Step {
    /// A folder, which is so many levels below the first one: its keys, and a step for each folder in it.
    Folder { prefix: String, depth: usize },
    /// All keys below a prefix, one page of them, from a key on and before another one.
    Keys { prefix: String, after: Option<String>, before: Option<String>, token: Option<String> },
    /// What matches the parts of a pattern from this one on, in a folder.
    Match { prefix: String, part: usize },
    /// The same at any depth.
    MatchKeys { prefix: String, part: usize, token: Option<String> },
}

/// The parts of a pattern.
#[derive(Debug, Default)]
pub(super) struct Parts {
    /// Each by itself, as text and as a pattern.
    each: Vec<(String, Pattern)>,
    /// Each with all behind it.
    rest: Vec<Pattern>,
}

/// What a listing came to.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Keys with their sizes in bytes.
    pub keys: Vec<(String, u64)>,
    /// Addresses that could not be listed.
    pub refused: Vec<(String, Refusal)>,
    /// Whether there is anything, wanted or not.
    pub any: bool,
    /// What is still to list.
    pub steps: Vec<Step>,
}

/// A listing of one bucket.
pub(super) struct Walk<'a> {
    pub store: &'a Store,
    pub bucket: &'a str,
    pub wanted: &'a Wanted,
    pub parts: &'a Parts,
}

impl Parts {
    /// The parts between slashes.
    ///
    /// # Errors
    /// What is wrong with the pattern.
    pub(super) fn new(pattern: &str) -> Result<Self, String> {
        let parts: Vec<_> = pattern.split('/').collect();
        let compile = |text: &str| Pattern::new(text).map_err(|error| error.msg.to_owned());
        let each = parts.iter().map(|part| Ok(((*part).to_owned(), compile(part)?))).collect::<Result<_, String>>()?;
        let rest = (0..parts.len()).map(|from| compile(&parts.get(from..).unwrap_or_default().join("/")));
        Ok(Self { each, rest: rest.collect::<Result<_, _>>()? })
    }

    fn is_last(&self, part: usize) -> bool {
        part + 1 >= self.each.len()
    }

    /// Whether a name, without a slash, matches one part.
    fn matches(&self, part: usize, name: &str) -> bool {
        self.each.get(part).is_some_and(|(_, pattern)| pattern.matches_with(name, LIKE_PATHS))
    }

    /// Whether a path, or a folder that it is in, matches from a part on.
    fn matches_path(&self, part: usize, path: &str) -> bool {
        let Some(pattern) = self.rest.get(part) else { return false };
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        ends.filter_map(|end| path.get(..end)).any(|path| pattern.matches_with(path, LIKE_PATHS))
    }
}

impl Walk<'_> {
    /// Lists all that steps lead to. Keys come in no order; what is hidden or no object is left out.
    pub(super) async fn run(&self, steps: Vec<Step>) -> Found {
        let mut all = Found { steps, ..Found::default() };
        let mut running = FuturesUnordered::new();
        loop {
            while running.len() < ABREAST
                && let Some(step) = all.steps.pop()
            {
                running.push(self.step(step));
            }
            let Some(found) = running.next().await else { return all };
            all.any |= found.any;
            all.keys.extend(found.keys);
            all.refused.extend(found.refused);
            all.steps.extend(found.steps);
        }
    }

    /// The step that lists a folder as it is best listed; none where nothing in it can be wanted.
    pub(super) fn enter(&self, prefix: &str, depth: usize) -> Option<Step> {
        if !self.wanted.enters(prefix) {
            return None;
        }
        let prefix = prefix.to_owned();
        let delivery = Delivery::of_folder(&prefix);
        let (mut after, mut before) = (None, None);
        match delivery.level {
            Level::Root | Level::Account | Level::Logs | Level::Region | Level::Year => {
                return Some(Step::Folder { prefix, depth });
            }
            Level::Elsewhere if delivery.account.is_none() && depth < LEVELS => {
                return Some(Step::Folder { prefix, depth });
            }
            Level::Month => {
                let (first, last) = delivery.days.unwrap_or_default();
                let day = |day: i64| format!("{prefix}{:02}", day - first + 1);
                after = self.wanted.from.filter(|from| *from > first).map(day);
                before = self.wanted.until.filter(|until| *until < last).map(|until| day(until + 1));
            }
            Level::Day | Level::Elsewhere | Level::Other => {}
        }
        Some(Step::Keys { prefix, after, before, token: None })
    }

    async fn step(&self, step: Step) -> Found {
        match step {
            Step::Folder { prefix, depth } => self.folder(prefix, depth).await,
            Step::Keys { prefix, after, before, token } => self.keys(prefix, after, before, token).await,
            Step::Match { prefix, part } => self.matching(prefix, part).await,
            Step::MatchKeys { prefix, part, token } => self.matching_keys(prefix, part, token).await,
        }
    }

    async fn folder(&self, prefix: String, depth: usize) -> Found {
        let page = match self.level(&prefix).await {
            Ok(page) => page,
            Err(refusal) => return self.refused(&prefix, refusal),
        };
        let any = !page.keys.is_empty() || !page.folders.is_empty();
        let is_tree = |folder: &String| Delivery::of_folder(folder).level != Level::Elsewhere;
        if page.folders.len() > MOST_FOLDERS && !page.folders.iter().any(is_tree) {
            let keys = Step::Keys { prefix, after: None, before: None, token: None };
            return Found { any, steps: vec![keys], ..Found::default() };
        }
        let folders = page.folders.iter().filter(|folder| !is_hidden(&prefix, folder));
        let steps = folders.filter_map(|folder| self.enter(folder, depth + 1)).collect();
        let keys = page.keys.into_iter().filter(|(key, _)| is_file(&prefix, key)).collect();
        Found { keys, any, steps, ..Found::default() }
    }

    async fn keys(
        &self,
        prefix: String,
        after: Option<String>,
        before: Option<String>,
        token: Option<String>,
    ) -> Found {
        let (after_key, token) = (after.as_deref(), token.as_deref());
        let query = Query { prefix: &prefix, after: after_key, token, folders: false };
        let page = match self.store.page(self.bucket, query).await {
            Ok(page) => page,
            Err(refusal) => return self.refused(&prefix, refusal),
        };
        let any = !page.keys.is_empty();
        let is_before = |key: &str| before.as_deref().is_none_or(|before| key < before);
        let goes_on = page.keys.last().is_none_or(|(key, _)| is_before(key));
        let keys = page.keys.into_iter().filter(|(key, _)| is_before(key) && is_file(&prefix, key)).collect();
        let next = page.next.filter(|_| goes_on).map(Some);
        let steps = next.into_iter().map(|token| Step::Keys {
            prefix: prefix.clone(),
            after: after.clone(),
            before: before.clone(),
            token,
        });
        Found { keys, any, steps: steps.collect(), ..Found::default() }
    }

    async fn matching(&self, prefix: String, part: usize) -> Found {
        if self.parts.each.get(part).is_some_and(|(text, _)| text == "**") {
            return self.matching_keys(prefix, part, None).await;
        }
        let page = match self.level(&prefix).await {
            Ok(page) => page,
            Err(refusal) => return self.refused(&prefix, refusal),
        };
        let name = |path: &str| path.strip_prefix(&prefix).unwrap_or(path).trim_end_matches('/').to_owned();
        let mut found = Found::default();
        for folder in page.folders.iter().filter(|folder| self.parts.matches(part, &name(folder))) {
            if self.parts.is_last(part) {
                found.any = true;
                found.steps.extend(self.enter(folder, LEVELS));
            } else if self.wanted.enters(folder) {
                found.steps.push(Step::Match { prefix: folder.clone(), part: part + 1 });
            } else {
                found.any = true;
            }
        }
        let is_last = self.parts.is_last(part);
        let matches = |key: &str| is_last && !key.ends_with('/') && self.parts.matches(part, &name(key));
        found.keys = page.keys.into_iter().filter(|(key, _)| matches(key)).collect();
        found.any |= !found.keys.is_empty();
        found
    }

    async fn matching_keys(&self, prefix: String, part: usize, token: Option<String>) -> Found {
        let query = Query { prefix: &prefix, token: token.as_deref(), ..Query::default() };
        let page = match self.store.page(self.bucket, query).await {
            Ok(page) => page,
            Err(refusal) => return self.refused(&prefix, refusal),
        };
        let path = |key: &str| key.strip_prefix(&prefix).unwrap_or(key).to_owned();
        let matches = |key: &str| is_file(&prefix, key) && self.parts.matches_path(part, &path(key));
        let keys: Vec<_> = page.keys.into_iter().filter(|(key, _)| matches(key)).collect();
        let next = page.next.map(|token| Step::MatchKeys { prefix: prefix.clone(), part, token: Some(token) });
        Found { any: !keys.is_empty(), keys, steps: next.into_iter().collect(), ..Found::default() }
    }

    /// All that is in a folder, up to the next slash.
    pub(super) async fn level(&self, prefix: &str) -> Result<Page, Refusal> {
        let mut all = Page::default();
        loop {
            let query = Query { prefix, folders: true, token: all.next.as_deref(), ..Query::default() };
            let page = self.store.page(self.bucket, query).await?;
            all.keys.extend(page.keys);
            all.folders.extend(page.folders);
            all.next = page.next;
            if all.next.is_none() {
                return Ok(all);
            }
        }
    }

    pub(super) fn refused(&self, prefix: &str, refusal: Refusal) -> Found {
        Found { refused: vec![(join(self.bucket, prefix), refusal)], ..Found::default() }
    }
}

/// Whether a key is that of an object that is wanted below a prefix: not hidden, and no mark of a folder.
fn is_file(prefix: &str, key: &str) -> bool {
    !key.ends_with('/') && !is_hidden(prefix, key)
}

/// Whether a path is hidden below a prefix, as files are.
fn is_hidden(prefix: &str, path: &str) -> bool {
    let below = path.strip_prefix(folder(prefix)).unwrap_or(path);
    below.split('/').any(|part| part.starts_with('.'))
}
