//! Messages say what the record says, in every state, within all limits, whatever the logs hold.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod extreme;
mod limits;
mod markup;
mod night;
mod states;
