//! Slack: what arrives there, and what a press of a button does.

mod blocks;
mod clicks;
mod commands;
mod crash;
mod outage;
pub(crate) mod press;
pub(crate) mod room;
mod serve;
mod signature;
mod story;
