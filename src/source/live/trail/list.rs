//! What is in a bucket: the folders of a trail, and the keys of a day.

use std::collections::BTreeSet;

use super::layout::{Location, day_path};
use super::{ABREAST, Bucket, Key, Listing};
use crate::aws::Refusal;
use crate::aws::{Work, side_by_side};
use crate::event::identity::is_account;
use crate::source::Problem;
use crate::source::live::pace::{Effort, Pace};

/// Pages of one listing; a day of one account and region has far fewer.
const MOST_PAGES: usize = 1_000;

/// Where one account's and region's files lie.
#[derive(Debug, Clone)]
pub(in crate::source::live) struct Folder {
    pub account: String,
    pub region: String,
    /// With a slash at its end.
    pub prefix: String,
}

impl Folder {
    /// The prefix of a day's keys.
    pub(in crate::source::live) fn day(&self, day: i64) -> String {
        format!("{}{}", self.prefix, day_path(day))
    }
}

/// Finds the folders of all accounts and regions, those of an organisation's trail too.
pub(in crate::source::live) async fn folders<B: Bucket, P: Pace>(
    bucket: &B,
    location: &Location,
    effort: &Effort<'_, P>,
    problems: &mut Vec<Problem>,
) -> Vec<Folder> {
    let mut below = |prefix: &str, answer: Result<Listing, Refusal>| match answer {
        Ok(listing) => listing.folders,
        Err(refusal) => {
            problems.push(Problem::blind(format!("s3 {}/{prefix}", location.bucket), refusal.to_string()));
            Vec::new()
        }
    };
    let name = location.bucket.as_str();
    let root = location.root();
    let mut accounts = below(&root, whole(bucket, name, &root, true, effort).await);
    let organisations: Vec<_> = accounts.iter().filter(|folder| last(folder).starts_with("o-")).cloned().collect();
    for organisation in organisations {
        accounts.extend(below(&organisation, whole(bucket, name, &organisation, true, effort).await));
    }
    accounts.retain(|folder| is_account(last(folder)));
    let work = accounts.iter().map(|folder| -> Work<'_, _> {
        Box::pin(async move {
            let prefix = format!("{folder}CloudTrail/");
            let answer = whole(bucket, name, &prefix, true, effort).await;
            (last(folder), prefix, answer)
        })
    });
    let mut found = Vec::new();
    for (account, prefix, answer) in side_by_side(ABREAST, work).await {
        found.extend(below(&prefix, answer).into_iter().map(|prefix| Folder {
            account: account.to_owned(),
            region: last(&prefix).to_owned(),
            prefix,
        }));
    }
    found
}

/// The last part of a folder's path.
fn last(folder: &str) -> &str {
    folder.trim_end_matches('/').rsplit('/').next().unwrap_or_default()
}

/// All keys below a prefix.
pub(in crate::source::live) async fn keys<B: Bucket, P: Pace>(
    bucket: &B,
    name: &str,
    prefix: &str,
    effort: &Effort<'_, P>,
) -> Result<Vec<Key>, Refusal> {
    Ok(whole(bucket, name, prefix, false, effort).await?.keys)
}

async fn whole<B: Bucket, P: Pace>(
    bucket: &B,
    name: &str,
    prefix: &str,
    folders: bool,
    effort: &Effort<'_, P>,
) -> Result<Listing, Refusal> {
    let (mut all, mut tokens) = (Listing::default(), BTreeSet::new());
    let mut token: Option<String> = None;
    for _ in 0..MOST_PAGES {
        let page = effort.ask(async || bucket.list(name, prefix, folders, token.as_deref()).await).await?;
        all.keys.extend(page.keys);
        all.folders.extend(page.folders);
        match page.next {
            None => return Ok(all),
            Some(next) if !tokens.insert(next.clone()) => {
                return Err(Refusal::Token("S3 gives the same page of a listing again".to_owned()));
            }
            next => token = next,
        }
    }
    Err(Refusal::Other { action: "s3:ListBucket", why: format!("more than {MOST_PAGES} pages below {prefix}") })
}
