//! From the paths a person names, and from what AWS delivers, to the JSON text of every record in them.
//!
//! Knows files, archives and envelopes; what a CloudTrail record means is not its business.
//! `live` polls AWS and gives objects in memory, which are read like files; `inventory` reads what is in the accounts. Both
//! have `problem`.
//!
//! `discover` turns paths into objects, of which `remote` knows those of S3, `delivery` what their names tell and `wanted`
//! which are read; `stored` and `listed` are files of the program's own, `asn` reads tables of networks. A `Reader` gives the records of one object:
//! bytes (`read`, `inflate`, `archive`) -> text (`recognise`, `lines`, `table`) -> values
//! (`fast`, else `walk` with `scan` and `resync`) -> records (`shape`, and `notice` for what AWS tells that is no call).

mod archive;
mod asn;
mod athena;
mod cost;
mod delivery;
mod discover;
pub(crate) mod explorer;
mod fast;
mod inflate;
pub(crate) mod inventory;
mod lines;
mod listed;
pub(crate) mod live;
mod notice;
mod object;
pub(crate) mod observe;
mod outcome;
pub(crate) mod output;
mod problem;
mod read;
mod recognise;
pub(crate) mod remote;
mod resync;
mod scan;
mod shape;
pub(crate) mod stored;
mod table;
#[cfg(test)]
mod tests;
mod walk;
mod wanted;

pub(crate) use asn::{BadLine, networks};
pub(crate) use cost::{Bills, Folded, fold_bills, is_bill, join_bills, read_bills};
pub(crate) use delivery::{account_of, base_name};
pub(crate) use discover::{SourceError, discover};
pub(crate) use listed::listed;
pub(crate) use object::Object;
pub(crate) use problem::Problem;
pub(crate) use read::Reader;
pub(crate) use wanted::Wanted;
