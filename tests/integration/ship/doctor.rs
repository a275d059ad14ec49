//! `stakeout doctor` on stand-ins that enforce permissions: what is missing is named, and nothing is changed.

mod clinic;
mod parts;
mod rights;
