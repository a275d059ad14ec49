//! `stakeout watch` against stand-ins of AWS.

mod channels;
mod crash;
pub(crate) mod desk;
mod first;
mod incidents;
pub(crate) mod lookup;
mod rivals;
mod three_ways;
