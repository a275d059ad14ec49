//! How a press of a button comes in: over HTTP, over a connection that Slack keeps open (Socket Mode), or through the URL
//! of a Lambda function.
//!
//! - `receive`: pure: a request becomes an answer, and a click where it is one
//! - `press`: pure: what Slack says about a press; `seen`: which came in lately
//! - `http`, `socket`, `url`: the ways
//!
//! Whoever presses is answered at once; what the press means is decided elsewhere, from the clicks that are handed on.

pub(crate) mod http;
mod press;
pub(crate) mod receive;
mod seen;
pub(crate) mod socket;
pub(crate) mod url;
