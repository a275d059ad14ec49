//! From the paths a person names, and from what AWS delivers, to the JSON text of every record in them.
//!
//! Knows files, archives and envelopes; what a CloudTrail record means is not its business.
//! `live` polls AWS and gives objects in memory, which are read like files; `inventory` reads what is in the accounts. Both
//! have `problem`.
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
pub(crate) mod inventory;
mod lines;
pub(crate) mod live;
mod object;
pub(crate) mod observe;
mod outcome;
mod problem;
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
pub(crate) use problem::Problem;
pub(crate) use read::Reader;
