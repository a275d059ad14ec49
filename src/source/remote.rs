//! Objects of S3: found (`list`, which `walk`s the delivery tree), brought here (`bring`), read in pieces (`pieces`), and
//! written (`upload`). `store` is S3 as one thread asks it, `address` is `s3://bucket/key`.

mod address;
mod bring;
mod list;
mod pieces;
mod store;
#[cfg(test)]
mod tests;
mod upload;
mod walk;

use std::io;

use crate::aws::Refusal;

pub(crate) use address::is_remote;
pub(crate) use bring::{bring, workers};
pub(crate) use list::accounts;
pub(super) use list::list;
pub(super) use pieces::{Pieces, Stream};
pub(super) use upload::upload;

/// What a refusal means for whoever reads a file. The right that is missing is in its text.
fn io_error(refusal: Refusal) -> io::Error {
    match &refusal {
        Refusal::Gone(_) => io::Error::new(io::ErrorKind::NotFound, refusal.to_string()),
        _ => io::Error::other(refusal.to_string()),
    }
}
