//! From what a person typed to the names of files of the program's own, such as parts.

use std::path::Path;

use super::discover::{SourceError, discover};
use super::remote::is_remote;
use super::wanted::Wanted;

/// The names that a file, a folder, a glob, or an address of S3 stands for, in order: what is named itself, else all below
/// that ends so. What cannot be opened or listed is among them, for whoever reads it.
///
/// # Errors
/// As of [`discover`], and where nothing ends so.
pub(crate) fn listed(name: &str, ending: &str) -> Result<Vec<String>, SourceError> {
    if !is_remote(name) && Path::new(name).is_file() {
        return Ok(vec![name.to_owned()]);
    }
    let found = discover(&[name.to_owned()], &Wanted::default())?;
    let is_wanted = |one: &str| one == name || one.ends_with(ending);
    let found = found.iter().filter(|object| is_wanted(object.name()) || object.is_unreadable());
    let mut names: Vec<_> = found.map(|object| object.name().to_owned()).collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() { Err(SourceError::NoneEnds(name.to_owned(), ending.to_owned())) } else { Ok(names) }
}
