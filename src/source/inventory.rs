//! What is in the accounts, read from AWS itself: users, their access keys, and trails.
//!
//! The rights are four reads: `iam:ListUsers`, `iam:ListAccessKeys`, `cloudtrail:DescribeTrails` and
//! `cloudtrail:GetTrailStatus`. A credential report is cheaper and names no key, and the authorization details hold none,
//! so keys are listed user by user: those of new users first, then those that were listed longest ago.
//!
//! What could not be read is a problem, and is never taken for empty.

mod exists;
mod trails;
mod users;

use std::collections::BTreeMap;

use aws_config::SdkConfig;
use serde::{Deserialize, Serialize};

use super::Problem;
use crate::event::Seconds;

pub(crate) use exists::exists;

/// What was in all accounts at the last pass, and what became of the differences since the one before. It is saved
/// between passes: some 220 bytes of JSON for a user with one key, and 215 KB for 1,000 of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Inventory {
    /// By account id.
    pub accounts: BTreeMap<String, AccountInventory>,
    /// Observations of the last days by event id, and when they were made: none is made twice.
    #[serde(default)]
    pub told: BTreeMap<String, Seconds>,
}

/// What was in one account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AccountInventory {
    /// When its users were read. Where that failed it is when they last were.
    pub taken: Seconds,
    /// `users` are all users. Otherwise nothing is known of them.
    pub users_known: bool,
    /// By user id.
    pub users: BTreeMap<String, User>,
    /// `trails` are all trails that are to be seen from the global region. Otherwise nothing is known of them.
    pub trails_known: bool,
    pub trails: Vec<Trail>,
    /// What came or went, and no event has told about yet.
    #[serde(default)]
    pub unexplained: Vec<Unexplained>,
    /// What could not be read in this pass.
    #[serde(skip)]
    pub problems: Vec<Problem>,
}

/// A user and its access keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct User {
    pub name: String,
    pub arn: String,
    /// When its keys were listed; none: not yet.
    pub listed: Option<Seconds>,
    /// By access key id.
    pub keys: BTreeMap<String, Key>,
}

/// An access key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Key {
    pub active: bool,
    pub created: Seconds,
}

/// A trail, as its home region tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Trail {
    pub arn: String,
    pub name: String,
    pub home_region: String,
    pub multi_region: bool,
    pub bucket: String,
    /// None where its status could not be read.
    pub status: Option<TrailStatus>,
    /// It was logging at some time that was seen.
    #[serde(default)]
    pub has_logged: bool,
}

/// What a trail does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TrailStatus {
    pub logging: bool,
    /// When it last wrote to its bucket.
    pub latest_delivery: Option<Seconds>,
    /// Why it could not, where the last attempt failed.
    pub delivery_error: Option<String>,
}

/// A difference between two inventories that wants an explanation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Unexplained {
    pub what: Difference,
    pub user_id: String,
    pub user_name: String,
    pub user_arn: String,
    /// The access key id; for a user all that it had.
    pub keys: Vec<String>,
    /// When it was last as before.
    pub before: Seconds,
    /// When it was first seen.
    pub since: Seconds,
}

/// How two inventories differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Difference {
    KeyMissing,
    KeyAppeared,
    UserMissing,
}

/// Reads one account. `config` has the credentials of that account and its global region (us-east-1); what the last pass
/// knew, less what it read, is carried over, so that no pass asks for more than [`users::MOST_LISTED`] users' keys.
pub(crate) async fn take(
    account: &str,
    config: &SdkConfig,
    before: Option<&AccountInventory>,
    now: Seconds,
) -> AccountInventory {
    let (users, trails) = tokio::join!(users::read(account, config, before, now), trails::read(account, config));
    let (users_known, users, mut problems) = users;
    let (trails_known, trails, more) = trails;
    problems.extend(more);
    AccountInventory { taken: now, users_known, users, trails_known, trails, unexplained: Vec::new(), problems }
}

/// A part that could not be read: `iam:ListUsers in 111122223333`. Events are not missing for it.
fn problem(action: &str, account: &str, why: String) -> Problem {
    Problem::minor(format!("{action} in {account}"), why)
}
