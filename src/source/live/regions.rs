//! Which regions an account has enabled.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_account::types::RegionOptStatus;

use super::connect::{HOME, Watched};
use super::trail::ABREAST;
use super::{Batch, Live};
use crate::aws::Refusal;
use crate::aws::{Work, side_by_side};
use crate::event::DEFAULT_REGIONS;
use crate::source::Problem;

/// The regions of each account, by its id.
pub(crate) type Regions = BTreeMap<String, BTreeSet<String>>;

/// What came of listing the regions of all accounts.
#[derive(Debug, Default)]
pub(crate) struct Listed {
    /// To poll, of each account that is reached: what the settings name, else what AWS listed, else what every account has; and
    /// [`HOME`].
    pub all: Regions,
    /// Only what AWS itself listed, of the accounts where it did. Without an account here nothing is known of its regions.
    pub real: Regions,
    /// Accounts that cannot be reached and regions that cannot be listed, one batch each, without objects.
    pub batches: Vec<Batch>,
}

/// Regions on a page; AWS has fewer.
const PAGE: i32 = 50;
/// More pages than this are no answer.
const MOST_PAGES: usize = 10;

impl Live {
    /// Tries accounts that were not reached, and lists the regions of each account that is. To be called once in each pass.
    pub(crate) async fn regions(&self) -> Listed {
        let mut listed = Listed::default();
        for (account, problem) in self.reach().await {
            listed.batches.push(unread(&account, problem, false));
        }
        let Some(wanted) = &self.wanted.regions else {
            self.list(&mut listed).await;
            return listed;
        };
        for account in self.reached() {
            let names = wanted.iter().map(String::as_str).chain([HOME]).map(str::to_owned).collect();
            listed.all.insert(account.id.clone(), names);
        }
        listed
    }

    /// Asks AWS for the regions that are enabled.
    async fn list(&self, listed: &mut Listed) {
        let work = self
            .reached()
            .map(|account| -> Work<'_, _> { Box::pin(async { (account.id.as_str(), enabled(account).await) }) });
        for (account, answer) in side_by_side(ABREAST, work).await {
            let mut names = match answer {
                Ok(names) => {
                    listed.real.insert(account.to_owned(), names.clone());
                    names
                }
                Err(why) => {
                    let problem = unlisted(account, &why, self.wanted.lookup_events);
                    listed.batches.push(unread(account, problem, true));
                    DEFAULT_REGIONS.iter().map(ToString::to_string).collect()
                }
            };
            names.insert(HOME.to_owned());
            listed.all.insert(account.to_owned(), names);
        }
    }
}

/// A batch that says why there is nothing in it.
fn unread(account: &str, problem: Problem, is_listing: bool) -> Batch {
    Batch { is_listing, problems: vec![problem.clone()], ..Batch::of(problem.what, Some(account), None) }
}

/// Where regions are not polled, no event is missing for it.
fn unlisted(account: &str, why: &str, are_polled: bool) -> Problem {
    let what = format!("regions {account}");
    match are_polled {
        true => {
            let count = DEFAULT_REGIONS.len();
            let so =
                format!("they cannot be listed, so that only the {count} that every account has are polled: {why}");
            Problem::blind(what, so)
        }
        false => Problem::minor(what, format!("they cannot be listed, so that a new one is not seen: {why}")),
    }
}

/// The enabled regions of an account, by whichever service tells them; else why neither does.
async fn enabled(account: &Watched) -> Result<BTreeSet<String>, String> {
    let first = match from_account(account).await {
        Ok(names) if !names.is_empty() => return Ok(names),
        Ok(_) => "account:ListRegions names none".to_owned(),
        Err(refusal) => refusal.to_string(),
    };
    let second = match from_ec2(account).await {
        Ok(names) if !names.is_empty() => return Ok(names),
        Ok(_) => "ec2:DescribeRegions names none".to_owned(),
        Err(refusal) => refusal.to_string(),
    };
    Err(format!("{first}; {second}"))
}

async fn from_account(account: &Watched) -> Result<BTreeSet<String>, Refusal> {
    let client = aws_sdk_account::Client::new(&account.patient(HOME));
    let (mut names, mut token) = (BTreeSet::new(), None::<String>);
    for _ in 0..MOST_PAGES {
        let request = client
            .list_regions()
            .region_opt_status_contains(RegionOptStatus::Enabled)
            .region_opt_status_contains(RegionOptStatus::EnabledByDefault)
            .max_results(PAGE)
            .set_next_token(token.clone());
        let page = request.send().await.map_err(|error| Refusal::of("account:ListRegions", &error))?;
        names.extend(page.regions().iter().filter_map(|region| region.region_name().map(str::to_owned)));
        match page.next_token {
            None => return Ok(names),
            Some(next) if token.as_ref() == Some(&next) => break,
            next => token = next,
        }
    }
    // A part of the regions is no list of them.
    Err(Refusal::Other { action: "account:ListRegions", why: "the list of regions has no end".to_owned() })
}

#[cfg(feature = "ec2")]
async fn from_ec2(account: &Watched) -> Result<BTreeSet<String>, Refusal> {
    let client = aws_sdk_ec2::Client::new(&account.patient(HOME));
    let request = client.describe_regions().all_regions(false);
    let answer = request.send().await.map_err(|error| Refusal::of("ec2:DescribeRegions", &error))?;
    let enabled = answer.regions().iter().filter(|region| region.opt_in_status() != Some("not-opted-in"));
    Ok(enabled.filter_map(|region| region.region_name().map(str::to_owned)).collect())
}

#[cfg(not(feature = "ec2"))]
async fn from_ec2(_: &Watched) -> Result<BTreeSet<String>, Refusal> {
    Err(Refusal::Other { action: "ec2:DescribeRegions", why: "this program is built without it".to_owned() })
}
