//! Users and their access keys.

use std::cell::Cell;
use std::collections::BTreeMap;

use aws_config::SdkConfig;
use aws_sdk_iam::Client;

use super::{AccountInventory, Key, User, problem};
use crate::aws::Refusal;
use crate::aws::{Work, side_by_side};
use crate::event::Seconds;
use crate::source::Problem;

/// More users than these are not looked at.
const MOST_USERS: usize = 5_000;
/// Users on a page.
const PAGE: i32 = 1_000;
/// Users whose keys are listed in one pass. Each is a request.
pub(super) const MOST_LISTED: usize = 200;
/// Requests side by side.
const ABREAST: usize = 5;
/// A user has two keys, so more pages than these are a server that never ends.
const MOST_PAGES: usize = 5;

/// Whether the users are all users, the users by id, and what could not be read.
pub(super) type Read = (bool, BTreeMap<String, User>, Vec<Problem>);

/// Lists all users, and the keys of some.
pub(super) async fn read(account: &str, config: &SdkConfig, before: Option<&AccountInventory>, now: Seconds) -> Read {
    let client = Client::new(config);
    let mut users = match list(&client).await {
        Ok(users) => users,
        Err(why) => return (false, BTreeMap::new(), vec![problem("iam:ListUsers", account, why)]),
    };
    for (id, user) in &mut users {
        if let Some(known) = before.and_then(|before| before.users.get(id)) {
            user.listed = known.listed;
            user.keys = known.keys.clone();
        }
    }
    let why = list_keys(&client, &mut users, now).await;
    let problems = why.map(|why| problem("iam:ListAccessKeys", account, why));
    (true, users, problems.into_iter().collect())
}

/// All users without their keys.
async fn list(client: &Client) -> Result<BTreeMap<String, User>, String> {
    let mut users = BTreeMap::new();
    let mut marker: Option<String> = None;
    loop {
        let answer = client.list_users().max_items(PAGE).set_marker(marker.clone()).send().await;
        let answer = answer.map_err(|error| Refusal::of("iam:ListUsers", &error).to_string())?;
        for user in answer.users() {
            let (name, arn) = (user.user_name().to_owned(), user.arn().to_owned());
            users.insert(user.user_id().to_owned(), User { name, arn, listed: None, keys: BTreeMap::new() });
        }
        if users.len() > MOST_USERS {
            return Err(format!("more than {MOST_USERS} users; none of them is compared"));
        }
        match answer.marker() {
            Some(next) if answer.is_truncated() && Some(next) != marker.as_deref() => marker = Some(next.to_owned()),
            None if !answer.is_truncated() => return Ok(users),
            Some(_) if !answer.is_truncated() => return Ok(users),
            _ => return Err("the list of users has no end".to_owned()),
        }
    }
}

/// Lists the keys of those users whose turn it is. The first refusal ends it, and the rest waits for the next pass.
async fn list_keys(client: &Client, users: &mut BTreeMap<String, User>, now: Seconds) -> Option<String> {
    let mut turns: Vec<_> = users.iter().map(|(id, user)| (user.listed, id.clone(), user.name.clone())).collect();
    turns.sort_unstable();
    turns.truncate(MOST_LISTED);
    let is_refused = Cell::new(false);
    let is_refused = &is_refused;
    let work = turns.into_iter().map(|(_, id, name)| -> Work<'_, _> {
        Box::pin(async move {
            if is_refused.get() {
                return None;
            }
            let answer = keys_of(client, &name).await;
            // A user that is gone went between the two lists; the next pass will not find it either.
            is_refused.set(is_refused.get() || !matches!(answer, Ok(_) | Err(Refusal::Gone(_))));
            Some((id, answer))
        })
    });
    let mut why = None;
    for (id, answer) in side_by_side(ABREAST, work).await.into_iter().flatten() {
        match answer {
            Ok(keys) => {
                if let Some(user) = users.get_mut(&id) {
                    user.listed = Some(now);
                    user.keys = keys;
                }
            }
            Err(Refusal::Gone(_)) => {}
            Err(refusal) => why = why.or_else(|| Some(refusal.to_string())),
        }
    }
    why
}

/// All access keys of a user.
pub(super) async fn keys_of(client: &Client, user: &str) -> Result<BTreeMap<String, Key>, Refusal> {
    let mut keys = BTreeMap::new();
    let mut marker = None;
    for _ in 0..MOST_PAGES {
        let answer = client.list_access_keys().user_name(user).set_marker(marker).send().await;
        let answer = answer.map_err(|error| Refusal::of("iam:ListAccessKeys", &error))?;
        for key in answer.access_key_metadata() {
            if let Some(id) = key.access_key_id() {
                let active = key.status().is_none_or(|status| status.as_str() == "Active");
                let created = key.create_date().map_or(0, |date| date.secs());
                keys.insert(id.to_owned(), Key { active, created });
            }
        }
        if !answer.is_truncated() {
            return Ok(keys);
        }
        marker = answer.marker().map(str::to_owned);
    }
    let why = format!("the list of access keys of {user} has no end");
    Err(Refusal::Other { action: "iam:ListAccessKeys", why })
}
