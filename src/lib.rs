//! Stakeout watches an AWS account for abuse and tells it as one incident.
//!
//! ```text
//! source -> event -> detect -> incident -> report         replay
//!                                      -> notify, report   watch
//! incident -> contain (plan) -> approve -> contain (execute) -> notify, report   respond
//! ```
//!
//! - `cli`: one file per command
//! - `replay`: the flow over exported logs: a map over files, a reduce in order of time
//! - `watch`: the flow over what AWS delivers now: passes that judge what is kept and what is new as a replay does
//! - `respond`: the flow of a decision: from an incident to a plan, from an approved plan to what it came to
//! - `desk`: the flow of a conversation: what Slack shows of an incident, and what a click does
//! - `doctor`: what works of a setup, and what mends the rest; rights are tried by calls that change nothing, else simulated
//! - `source`: from paths to raw records; bills; what AWS delivers now
//! - `detect`: rules, what is new, correlations
//! - `incident`: lineage, grouping, words
//! - `contain`: plans, what they break, and carrying them out; each action one file
//! - `approve`: who may approve what
//! - `door`: how a press of a button comes in: HTTP, Socket Mode, the URL of a function
//! - `notify`: terminal, file, webhook, SNS, Slack; metrics and heartbeat
//! - `report`: table, ndjson, json, markdown, csv
//! - `drill`: scenarios to rehearse with, as logs or as real calls against a stand-in or a sandbox
//! - `model`: the nouns that stages hand on
//! - `event`: CloudTrail's JSON, normalised once
//! - `baseline`: what is usual
//! - `bytes`: numbers and texts as bytes
//! - `habit`: how often it happens
//! - `cost`: what was spent, as it was known at a time
//! - `price`: what things cost by the hour at list prices
//! - `config`: the settings
//! - `aws`: how the SDK is configured
//! - `slack`: how Slack's API is asked
//! - `store`: what outlives the process: SQLite or DynamoDB behind one trait
//! - `journal`: the hash-chained record of what happened
//!
//! Flows use stages and floor, and `watch` uses the map and the reduce of `replay`; a stage uses only the floor (`event`,
//! `baseline`, `bytes`, `habit`, `cost`, `price`, `model`, `config`, `aws`, `slack`, `store`, `journal`); the floor uses
//! nothing above it.

pub(crate) mod approve;
pub(crate) mod aws;
pub(crate) mod baseline;
pub(crate) mod bytes;
pub mod cli;
pub(crate) mod config;
pub(crate) mod contain;
pub(crate) mod cost;
pub(crate) mod desk;
pub(crate) mod detect;
pub(crate) mod doctor;
pub(crate) mod door;
pub(crate) mod drill;
pub(crate) mod event;
#[cfg(fuzzing)]
pub mod fuzzing;
pub(crate) mod habit;
pub(crate) mod incident;
pub(crate) mod journal;
pub(crate) mod model;
pub(crate) mod notify;
pub(crate) mod price;
pub(crate) mod replay;
pub(crate) mod report;
pub(crate) mod respond;
pub(crate) mod slack;
pub(crate) mod source;
pub(crate) mod store;
pub(crate) mod watch;
