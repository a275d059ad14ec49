//! `stakeout approve` and `deny`: a person's word about one exact plan.

use std::path::Path;

use anyhow::Result;
use clap::Args;

use super::{Status, Voice, incidents, now, person, state};
use crate::config::Config;
use crate::model::plan::short;
use crate::respond::{Verdict, Word, vote};

/// Approve one exact plan of an incident, by its digest.
///
/// With approvers in the settings, the name must be one of theirs, and not that of whoever asked for the plan. Without,
/// whoever is at the command line approves what can be taken back. What cannot needs two people: two users of the
/// operating system, or two callers of AWS. The journal keeps both beside the name, also of an attempt that is refused.
///
/// Exit status: 0 the vote counts, 2 it was refused.
#[derive(Args)]
pub(super) struct Approve {
    /// The incident's id, or how it begins.
    id: String,
    /// The plan's digest, or at least the first 8 characters of it.
    #[arg(long, value_name = "DIGEST")]
    plan: String,
    /// Who approves [default: the user of the operating system].
    #[arg(long = "as", value_name = "NAME")]
    name: Option<String>,
    /// Why, for the journal.
    #[arg(long, value_name = "TEXT")]
    why: Option<String>,
}

/// Deny a plan of an incident: nobody can approve it any more.
///
/// Exit status: 0 done, 2 it was refused.
#[derive(Args)]
pub(super) struct Deny {
    /// The incident's id, or how it begins.
    id: String,
    /// The plan's digest, or at least the first 8 characters of it [default: the one that is open].
    #[arg(long, value_name = "DIGEST")]
    plan: Option<String>,
    /// Who denies [default: the user of the operating system].
    #[arg(long = "as", value_name = "NAME")]
    name: Option<String>,
    /// Why, for the journal.
    #[arg(long, value_name = "TEXT")]
    why: Option<String>,
}

pub(super) fn approve(arguments: &Approve, config: Option<&Path>, voice: Voice) -> Result<Status> {
    let Approve { id, plan, name, why } = arguments;
    decide((id, Some(plan)), (name.as_deref(), why.as_deref()), Word::For, config, voice)
}

pub(super) fn deny(arguments: &Deny, config: Option<&Path>, voice: Voice) -> Result<Status> {
    let Deny { id, plan, name, why } = arguments;
    decide((id, plan.as_deref()), (name.as_deref(), why.as_deref()), Word::Against, config, voice)
}

fn decide(
    (id, plan): (&str, Option<&str>),
    (name, why): (Option<&str>, Option<&str>),
    word: Word,
    config: Option<&Path>,
    voice: Voice,
) -> Result<Status> {
    let config = Config::load(config)?;
    let (id, digest, verdict, person) = state::block_on(async {
        let mut state = incidents::open(&config).await?;
        let (id, _) = incidents::find(&state, id)?;
        let person = person::here(name).await?;
        let (digest, verdict) = vote(&mut state, &config, (&person, why), (&id, plan), &word, now()).await?;
        Ok((id, digest, verdict, person))
    })?;
    let short = short(&digest);
    voice.remark(&match verdict {
        Verdict::Approved => {
            format!("plan {short} of {id} is approved by {}; next: contain or undo with --execute", person.name)
        }
        Verdict::Missing(1) => {
            format!("the word of {} counts; plan {short} of {id} needs one more person", person.name)
        }
        Verdict::Missing(missing) => {
            format!("the word of {} counts; plan {short} of {id} needs {missing} more people", person.name)
        }
        Verdict::Denied => format!("plan {short} of {id} is denied by {}", person.name),
    });
    Ok(Status::Quiet)
}
