//! Events and a baseline in, findings out. Pure: the same events give the same findings.
//!
//! [`Rules`] holds what is looked for. [`plan`] decides broad rules once per kind of call, so that most records are
//! never looked into. [`engine`] takes the events that matched, in order of time, through what needs memory.

pub(crate) mod across;
pub(crate) mod allow;
mod beyond;
pub(crate) mod block;
pub(crate) mod catalog;
pub(crate) mod check;
mod context;
pub(crate) mod correlate;
pub(crate) mod engine;
pub(crate) mod judge;
pub(crate) mod needs;
pub(crate) mod own_past;
pub(crate) mod partial;
pub(crate) mod plan;
pub(crate) mod rule;
pub(crate) mod settle;
pub(crate) mod silence;
pub(crate) mod spend;

pub(crate) use allow::AllowList;
pub(crate) use catalog::Rules;
pub(crate) use rule::Detector;
