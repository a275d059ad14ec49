//! One pass, with everything that is said about it.

use anyhow::Result;

use super::setup::Setup;
use super::told;
use crate::cli::{Voice, complain};
use crate::notify::{heartbeat, metrics};
use crate::report::Report;
use crate::store::{AnyStore, State};
use crate::watch::{Passed, Turn, Watch, pass};

/// How what is new is said.
pub(in crate::cli) struct Said<'s> {
    /// History was learned before.
    pub learned: bool,
    pub print: &'s mut dyn FnMut(&Report) -> Result<()>,
}

/// One pass, unless somebody else works on the state.
///
/// # Errors
/// The state, or what `print` says.
pub(in crate::cli) async fn turn(
    state: &mut State<AnyStore>,
    setup: &Setup,
    watch: &Watch<'_>,
    said: Said<'_>,
    voice: Voice,
) -> Result<Turn<Passed>> {
    let passed = match pass(state, watch, said.print).await? {
        Turn::Done(passed) => passed,
        held => return Ok(held),
    };
    voice.name(&passed.problems);
    passed.remarks.iter().for_each(|remark| voice.remark(remark));
    told::pass(&passed, said.learned).iter().for_each(|line| voice.remark(line));
    let (facts, settings) = (&passed.facts, &setup.config.metrics);
    if let Some(path) = &settings.prometheus {
        metrics::write_prometheus(facts, path).unwrap_or_else(|error| complain(&format!("stakeout: {error:#}")));
    }
    if settings.emf {
        metrics::emf(facts, settings.emf_feeds).lines().for_each(complain);
    }
    // What comes by itself says nothing about what is to be asked for.
    if !facts.is_handed {
        heartbeat::beat(settings, facts).await.iter().for_each(|remark| complain(remark));
    }
    Ok(Turn::Done(passed))
}
