//! From the paths a person names to the JSON text of every record in them.
//!
//! Knows files, archives and envelopes; what a CloudTrail record means is not its business.
//!
//! `discover` turns paths into objects; a `Reader` gives the records of one object:
//! bytes (`read`, `inflate`, `archive`) -> text (`recognise`, `lines`, `table`) -> values
//! (`fast`, else `walk` with `scan` and `resync`) -> records (`shape`).

mod archive;
mod athena;
mod cost;
mod discover;
pub(crate) mod explorer;
mod fast;
mod inflate;
mod lines;
mod object;
mod outcome;
mod read;
mod recognise;
mod resync;
mod scan;
mod shape;
mod table;
#[cfg(test)]
mod tests;
mod walk;

pub(crate) use cost::{Bills, is_bill, read_bills};
pub(crate) use discover::discover;
pub(crate) use object::Object;
pub(crate) use read::Reader;
