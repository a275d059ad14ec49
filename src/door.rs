//! How a press of a button comes in: over HTTP, or over a connection that Slack keeps open (Socket Mode).
//!
//! - `receive`: pure: a request becomes an answer, and a click where it is one
//! - `press`: pure: what Slack says about a press; `seen`: which came in lately
//! - `http`, `socket`: the two ways
//!
//! Whoever presses is answered at once; what the press means is decided elsewhere, from the clicks that are handed on.

pub(crate) mod http;
mod press;
pub(crate) mod receive;
mod seen;
pub(crate) mod socket;
