//! The flow of a check-up: everything that a setup rests on is tried, and nothing is changed.
//!
//! - `settings`: the file, its secrets, who is told and who approves
//! - `function`: a function of Lambda and what is around it, in the place of the caller's own rights
//! - `account`, `clock`: who we are, and what time it is there
//! - `rights`, `probe`, `simulate`, `responder`: every right that the policies give, by a call or by a simulation
//! - `regions`, `trail`, `queue`: what is read, and how late it comes
//! - `state`, `evidence`: what is kept
//! - `slack`: the channel with the buttons
//! - `cost`: what polling costs in a month
//!
//! A right that is missing fails in `rights` alone: the others then say that they do not know.

mod account;
mod check;
mod clock;
mod cost;
mod evidence;
mod function;
mod probe;
mod propose;
mod queue;
mod regions;
mod responder;
mod rights;
mod settings;
mod simulate;
pub(crate) mod slack;
mod state;
mod trail;

use std::future::Future;
use std::time::Duration;

use crate::aws::{Work, side_by_side};
use crate::config::{Config, Regions as Chosen};
use crate::event::Seconds;
use crate::source::Problem;
use crate::source::live::{Live, Regions};
use crate::store::Place;

pub(crate) use account::caller;
pub(crate) use check::{Check, Found};
pub(crate) use function::Function;
pub(crate) use propose::{Proposal, propose};
pub(crate) use slack::Scope;

use crate::source::live::HOME;

/// What one thing may take with all its requests, each of which has less.
const PATIENCE: Duration = Duration::from_secs(15);
/// Accounts that are examined side by side.
const ACCOUNTS: usize = 8;

/// A part of the check-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(crate) enum Part {
    Settings,
    Clock,
    Identity,
    Rights,
    Responder,
    Function,
    Regions,
    Trail,
    Queue,
    State,
    Evidence,
    Slack,
    Cost,
}

impl Part {
    /// In the order in which they are told.
    pub(crate) const ALL: [Self; 13] = [
        Self::Settings,
        Self::Clock,
        Self::Identity,
        Self::Rights,
        Self::Responder,
        Self::Function,
        Self::Regions,
        Self::Trail,
        Self::Queue,
        Self::State,
        Self::Evidence,
        Self::Slack,
        Self::Cost,
    ];

    /// As `--only` spells it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Settings => "settings",
            Self::Clock => "clock",
            Self::Identity => "identity",
            Self::Rights => "rights",
            Self::Responder => "responder",
            Self::Function => "function",
            Self::Regions => "regions",
            Self::Trail => "trail",
            Self::Queue => "queue",
            Self::State => "state",
            Self::Evidence => "evidence",
            Self::Slack => "slack",
            Self::Cost => "cost",
        }
    }

    /// Whether nothing of it can be told without a network.
    fn is_remote(self) -> bool {
        !matches!(self, Self::Settings | Self::State | Self::Evidence | Self::Cost)
    }

    /// Whether accounts are asked, or their regions counted.
    pub(crate) fn needs_accounts(self) -> bool {
        !matches!(self, Self::Settings | Self::Slack | Self::Evidence)
    }

    /// Whether it is one thing, with one time for all its requests. The others have a time for each account, so that what
    /// one of them is late with loses nothing.
    fn is_one(self) -> bool {
        !matches!(self, Self::Rights | Self::Responder | Self::Function | Self::Regions | Self::Trail)
    }

    /// Whether it is about the program where it runs, which is not where a function is examined from.
    fn is_of_here(self) -> bool {
        matches!(self, Self::Identity | Self::Rights | Self::Responder | Self::Evidence)
    }
}

/// What is examined, and with what.
pub(crate) struct Room<'a> {
    pub config: &'a Config,
    /// None without a network, and where no account can be reached.
    pub live: Option<&'a Live>,
    /// The ARN as which AWS knows the credentials, before any role is assumed.
    pub caller: Option<String>,
    /// The function that is examined in the place of this process.
    pub function: Option<&'a Function>,
    /// Why there is none.
    pub unreached: Option<String>,
    /// Without a network.
    pub is_offline: bool,
    /// The regions that are enabled, by account.
    pub regions: Regions,
    /// Those of the accounts in which AWS itself listed them.
    pub listed: Regions,
    /// Accounts that are not reached, and regions that cannot be listed.
    pub problems: Vec<Problem>,
    /// Where the state is kept.
    pub place: Result<Place, String>,
    /// The scopes that the app's manifest asks for.
    pub scopes: &'a [Scope],
    pub clock: fn() -> Seconds,
}

impl Room<'_> {
    /// The region in which rights are tried that are the same in all.
    fn region(&self) -> String {
        match &self.config.aws.regions {
            Chosen::Only(regions) => regions.first().map_or(HOME, |region| region.as_str()).to_owned(),
            Chosen::Enabled => HOME.to_owned(),
        }
    }

    /// The account of the credentials.
    fn home(&self) -> Option<&str> {
        self.caller.as_deref()?.split(':').nth(4)
    }

    /// The regions of an account that are watched.
    fn watched(&self, account: &str) -> Vec<String> {
        let mut names: Vec<String> = match &self.config.aws.regions {
            Chosen::Only(regions) => regions.iter().map(ToString::to_string).collect(),
            Chosen::Enabled => self.regions.get(account).into_iter().flatten().cloned().collect(),
        };
        if !names.iter().any(|name| name == HOME) {
            names.push(HOME.to_owned());
        }
        names
    }
}

/// Examines parts side by side, and gives what was found in their order.
pub(crate) async fn examine(room: &Room<'_>, parts: &[Part]) -> Vec<(Part, Check)> {
    let work = parts.iter().map(|part| -> Work<'_, Vec<(Part, Check)>> {
        Box::pin(async move {
            let checks =
                if part.is_one() { in_time(part.as_str(), of(room, *part)).await } else { of(room, *part).await };
            checks.into_iter().map(|check| (*part, check)).collect()
        })
    });
    side_by_side(usize::MAX, work).await.into_iter().flatten().collect()
}

/// What is found in time; else that nothing is known of it.
async fn in_time(what: impl Into<String>, work: impl Future<Output = Vec<Check>>) -> Vec<Check> {
    let late = |_| vec![Check::note(what, format!("not known: no answer within {} s", PATIENCE.as_secs()))];
    tokio::time::timeout(PATIENCE, work).await.unwrap_or_else(late)
}

async fn of(room: &Room<'_>, part: Part) -> Vec<Check> {
    if room.is_offline && part.is_remote() || room.function.is_some() && part.is_of_here() {
        return Vec::new();
    }
    match part {
        Part::Settings => settings::all(room),
        Part::Clock => clock::all(room).await,
        Part::Identity => account::all(room).await,
        Part::Rights => rights::all(room).await,
        Part::Responder => responder::all(room).await,
        Part::Function => function::all(room).await,
        Part::Regions => regions::all(room).await,
        Part::Trail => trail::all(room).await,
        Part::Queue => queue::all(room).await,
        Part::State => state::all(room).await,
        Part::Evidence => evidence::all(room),
        Part::Slack => slack::all(room.config, room.scopes, (room.clock)()).await,
        Part::Cost => cost::all(room).await,
    }
}
