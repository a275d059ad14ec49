//! `stakeout watch` against stand-ins of AWS.

mod channels;
mod crash;
mod desk;
mod first;
mod incidents;
mod lookup;
mod rivals;
mod three_ways;
