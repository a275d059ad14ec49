//! Slack: what arrives there, and what a press of a button does.

mod blocks;
mod clicks;
mod commands;
mod crash;
mod outage;
mod press;
mod room;
mod serve;
mod signature;
mod story;
