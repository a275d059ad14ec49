//! What a live drill made, and how it goes away again: the newest first, whatever was done to it meanwhile.

use std::cell::RefCell;
use std::fmt;
use std::time::Duration;

use aws_config::{Region, SdkConfig};

use super::ground::Names;
use super::unmake;
use crate::aws::Refusal;

/// How often something is tried that cannot be removed at once, and how long is waited in between. Together ten seconds: for
/// so long AWS may not find what it has just made.
const TRIES: u32 = 6;
const PAUSE: Duration = Duration::from_secs(2);

/// Something that a drill made, by the name that it gave it. What hangs on it goes with it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Thing {
    Role(String),
    /// With its keys and policies.
    User(String),
    /// Region and name; with its URL and permissions.
    Function(String, String),
}

impl fmt::Display for Thing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Role(name) => write!(f, "role {name}"),
            Self::User(name) => write!(f, "user {name}"),
            Self::Function(region, name) => write!(f, "function {name} in {region}"),
        }
    }
}

/// Everything that was made, in order. It is written down before it is made: a call without an answer may have made it.
#[derive(Debug, Default)]
pub(super) struct Made(RefCell<Vec<Noted>>);

#[derive(Debug, Clone)]
struct Noted {
    thing: Thing,
    /// AWS said that it made it.
    is_made: bool,
}

/// What came of removing everything.
#[derive(Debug, Default)]
pub(crate) struct Removed {
    /// How many things were there.
    pub count: usize,
    /// What is still there, and why.
    pub remained: Vec<String>,
}

impl Made {
    /// Whatever a drill of a scenario can have made in some regions.
    pub(super) fn anything(names: &Names, regions: &[String]) -> Self {
        let made = Self::default();
        names.things(regions).into_iter().for_each(|thing| made.note(thing));
        made
    }

    /// Writes something down that is about to be made.
    pub(super) fn note(&self, thing: Thing) {
        self.0.borrow_mut().push(Noted { thing, is_made: false });
    }

    /// What was written down last is there.
    pub(super) fn confirm(&self) {
        if let Some(last) = self.0.borrow_mut().last_mut() {
            last.is_made = true;
        }
    }

    /// Removes everything with the credentials of whoever prepared it. Nothing stops it but its own bounds.
    pub(super) async fn remove(&self, config: &SdkConfig) -> Removed {
        let mut removed = Removed::default();
        let mut things = self.0.borrow().clone();
        things.reverse();
        let mut gone_by_now = Vec::new();
        for noted in things {
            match gone(config, &noted).await {
                Ok(was_there) => {
                    removed.count += usize::from(was_there);
                    gone_by_now.push(noted.thing);
                }
                Err(refusal) => removed.remained.push(format!("{}: {refusal}", noted.thing)),
            }
        }
        // What was on its way while the others were removed.
        for thing in gone_by_now {
            if let Err(refusal) = once(config, &thing).await {
                removed.remained.push(format!("{thing}, when it was looked for again: {refusal}"));
            }
        }
        removed
    }
}

/// Removes one thing, and tries again what may go away later: a change that has begun may still come in between. What AWS
/// made counts as gone only where it is not found to the end. False where it was never found.
async fn gone(config: &SdkConfig, noted: &Noted) -> Result<bool, Refusal> {
    let mut left = TRIES;
    loop {
        let answer = once(config, &noted.thing).await;
        left -= 1;
        match answer {
            Ok(false) if noted.is_made && left > 0 => tokio::time::sleep(PAUSE).await,
            Err(_) if left > 0 => tokio::time::sleep(PAUSE).await,
            answer => return answer,
        }
    }
}

/// Removes one thing where it is there.
async fn once(config: &SdkConfig, thing: &Thing) -> Result<bool, Refusal> {
    match thing {
        Thing::Role(name) => unmake::role(config, name).await,
        Thing::User(name) => unmake::user(config, name).await,
        Thing::Function(region, name) => {
            let there = config.to_builder().region(Region::new(region.clone())).build();
            unmake::function(&there, name).await
        }
    }
}
