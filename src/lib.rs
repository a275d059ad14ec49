//! Stakeout watches an AWS account for abuse and tells it as one incident.
//!
//! ```text
//! source -> event -> detect -> incident -> report
//! ```
//!
//! - `cli`: one file per command
//! - `replay`: the flow over exported logs: a map over files, a reduce in order of time
//! - `source`: from paths to raw records
//! - `detect`: rules, what is new, correlations
//! - `incident`: lineage, grouping, words
//! - `report`: table, ndjson, json, markdown, csv
//! - `drill`: scenarios to rehearse with
//! - `model`: the nouns that stages hand on
//! - `event`: CloudTrail's JSON, normalised once
//! - `baseline`: what is usual
//!
//! Flows use stages and floor; a stage uses only the floor (`event`, `baseline`, `model`); the floor uses nothing above it.

pub(crate) mod baseline;
pub mod cli;
pub(crate) mod detect;
pub(crate) mod drill;
pub(crate) mod event;
#[cfg(fuzzing)]
pub mod fuzzing;
pub(crate) mod incident;
pub(crate) mod model;
pub(crate) mod replay;
pub(crate) mod report;
pub(crate) mod source;
