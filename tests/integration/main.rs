//! What the program does, seen from outside: every test here runs the binary.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod allow;
mod bad_input;
mod baseline;
mod config;
mod contain;
mod corpus;
mod cost;
mod cost_live;
mod damage;
mod detectors;
mod drill;
mod formats;
mod harness;
mod networks;
mod order;
mod report;
mod rules;
mod scale;
mod ship;
mod slack;
mod stand_in;
mod store;
mod watch;
