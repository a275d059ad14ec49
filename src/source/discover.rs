//! From what a person typed to the objects to read.

use std::collections::BTreeSet;
use std::fs::{self, File, Metadata};
use std::io::{self, BufReader, ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use glob::MatchOptions;
use thiserror::Error;

use super::archive;
use super::object::Object;
use super::outcome::io_reason;
use super::remote;
use super::wanted::Wanted;

/// Names that promise a format which is recognised while reading, so that a tree of many small
/// files is opened once and not twice.
const NO_ARCHIVE: [&str; 7] = ["gz", "json", "jsonl", "ndjson", "csv", "txt", "log"];

/// Why there is nothing to read at a path.
#[derive(Debug, Error)]
pub(crate) enum SourceError {
    /// Nothing has this name.
    #[error("{0}: no such file or directory")]
    NoSuchPath(String),
    /// The pattern is sound and matches nothing.
    #[error("{0}: the pattern matches nothing")]
    NoMatch(String),
    /// The pattern is not a pattern.
    #[error("{pattern}: not a valid pattern: {why}")]
    BadPattern {
        /// As it was typed.
        pattern: String,
        /// What is wrong with it.
        why: String,
    },
    /// `-` was given more than once.
    #[error("standard input (-) can be read only once")]
    StdinTwice,
    /// An address of S3 without a bucket.
    #[error("{0}: no bucket is named, as in s3://bucket/prefix")]
    NoBucket(String),
    /// A place in which no file has the right ending.
    #[error("{0}: nothing there ends in {1}")]
    NoneEnds(String, String),
    /// S3 refuses all that was to be read.
    #[error("{path}: {why}")]
    Refused {
        /// What was asked for first.
        path: String,
        /// With the right that is missing, where one is.
        why: String,
    },
}

/// Expands files, directories, globs, addresses of S3 and `-` to the objects that are wanted, in the order of their delivery.
///
/// What exists and cannot be opened or listed becomes an object whose reading says so.
///
/// # Errors
/// When a path does not exist, a pattern is invalid or matches nothing, `-` comes twice, or S3 refuses all there is.
pub(crate) fn discover(paths: &[String], wanted: &Wanted) -> Result<Vec<Object>, SourceError> {
    let (distant, near): (Vec<_>, Vec<_>) = paths.iter().partition(|path| remote::is_remote(path));
    let mut found = Vec::new();
    let mut stdin = false;
    for path in near {
        if path == "-" {
            if stdin {
                return Err(SourceError::StdinTwice);
            }
            stdin = true;
            found.push(Object::stdin());
            continue;
        }
        match fs::metadata(path) {
            Ok(metadata) => add(PathBuf::from(path), &metadata, wanted, &mut found),
            Err(error) if is_missing(&error) => add_matches(path, wanted, &mut found)?,
            Err(error) => found.push(Object::unreadable(Path::new(path), io_reason(&error))),
        }
    }
    if !distant.is_empty() {
        add_distant(&distant, wanted, &mut found)?;
    }
    found.retain(|object| wanted.takes(object));
    found.sort_by(Object::order);
    Ok(found)
}

fn add_distant(addresses: &[&String], wanted: &Wanted, found: &mut Vec<Object>) -> Result<(), SourceError> {
    let addresses: Vec<_> = addresses.iter().map(|address| address.as_str()).collect();
    let mut refused = remote::list(&addresses, wanted, found)?;
    refused.sort_by(|one, other| one.address.cmp(&other.address));
    match refused.first() {
        Some(first) if found.is_empty() => {
            Err(SourceError::Refused { path: first.address.clone(), why: first.why.clone() })
        }
        _ => {
            found.extend(refused.into_iter().map(|refused| Object::refused(refused.address, refused.why)));
            Ok(())
        }
    }
}

fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::InvalidFilename | ErrorKind::NotADirectory)
}

fn add_matches(pattern: &str, wanted: &Wanted, found: &mut Vec<Object>) -> Result<(), SourceError> {
    if wanted.keeps_gone {
        found.push(Object::gone(pattern.to_owned()));
        return Ok(());
    }
    if !pattern.contains(['*', '?', '[']) {
        return Err(SourceError::NoSuchPath(pattern.to_owned()));
    }
    let options =
        MatchOptions { case_sensitive: true, require_literal_separator: true, require_literal_leading_dot: true };
    let matches = glob::glob_with(pattern, options)
        .map_err(|error| SourceError::BadPattern { pattern: pattern.to_owned(), why: error.msg.to_owned() })?;
    let mut paths = BTreeSet::new();
    let mut any = false;
    for entry in matches {
        any = true;
        match entry {
            Ok(path) => drop(paths.insert(path)),
            Err(error) => {
                found.push(Object::unreadable(error.path(), io_reason(error.error())));
            }
        }
    }
    if !any {
        return Err(SourceError::NoMatch(pattern.to_owned()));
    }
    // `**` gives a directory and everything below it, each of which would be read twice.
    let mut directories: Vec<PathBuf> = Vec::new();
    for path in paths {
        if directories.iter().any(|above| path.starts_with(above)) {
            continue;
        }
        match fs::metadata(&path) {
            Ok(metadata) => {
                if metadata.is_dir() {
                    directories.push(path.clone());
                }
                add(path, &metadata, wanted, found);
            }
            Err(error) => found.push(Object::unreadable(&path, io_reason(&error))),
        }
    }
    Ok(())
}

fn add(path: PathBuf, metadata: &Metadata, wanted: &Wanted, found: &mut Vec<Object>) {
    if metadata.is_dir() {
        add_directory(path, wanted, found);
    } else {
        add_file(path, metadata, found);
    }
}

/// Adds every file below a directory in which something can be wanted. Each directory is entered once, by whichever way comes
/// first, so that links which lead back up or across end the walk and not the process.
fn add_directory(top: PathBuf, wanted: &Wanted, found: &mut Vec<Object>) {
    let mut entered = BTreeSet::new();
    let mut due = vec![top];
    let mut links = Vec::new();
    while let Some(directory) = due.pop().or_else(|| links.pop()) {
        if !wanted.enters(&directory.to_string_lossy()) {
            continue;
        }
        let listed = fs::canonicalize(&directory)
            .and_then(|canonical| if entered.insert(canonical) { entries(&directory) } else { Ok(Vec::new()) });
        let listed = match listed {
            Ok(listed) => listed,
            Err(error) => {
                found.push(Object::unreadable(&directory, io_reason(&error)));
                continue;
            }
        };
        for (path, is_link) in listed.into_iter().rev() {
            match fs::metadata(&path) {
                Ok(metadata) if metadata.is_dir() && is_link => links.push(path),
                Ok(metadata) if metadata.is_dir() => due.push(path),
                Ok(metadata) if metadata.is_file() => add_file(path, &metadata, found),
                // A socket or a device in a folder of logs has no end.
                Ok(_) => {}
                Err(error) => found.push(Object::unreadable(&path, io_reason(&error))),
            }
        }
    }
}

/// What is in a directory and not hidden, sorted by name, and whether it is a link.
fn entries(directory: &Path) -> io::Result<Vec<(PathBuf, bool)>> {
    let mut listed = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        listed.push((entry.path(), entry.file_type()?.is_symlink()));
    }
    listed.sort();
    Ok(listed)
}

fn add_file(path: PathBuf, metadata: &Metadata, found: &mut Vec<Object>) {
    let promises = |extension: &&str| path.extension().is_some_and(|own| own.eq_ignore_ascii_case(extension));
    let bytes = metadata.len();
    if !metadata.is_file() || NO_ARCHIVE.iter().any(promises) {
        found.push(Object::file(path, bytes));
        return;
    }
    match archive_members(&path) {
        Ok(None) => found.push(Object::file(path, bytes)),
        Ok(Some(members)) if members.is_empty() => {
            found.push(Object::empty_archive(&path, bytes));
        }
        Ok(Some(members)) => {
            let archive: Arc<Path> = Arc::from(path);
            let objects = members.into_iter().map(|member| Object::member(&archive, member));
            found.extend(objects);
        }
        Err(why) => found.push(Object::unreadable(&path, why)),
    }
}

/// The members of a zip archive; none when the file is something else.
fn archive_members(path: &Path) -> Result<Option<Vec<archive::Member>>, String> {
    let mut file = File::open(path).map_err(|error| io_reason(&error))?;
    let mut head = [0; 4];
    match file.read_exact(&mut head) {
        Ok(()) if archive::is_zip(&head) => archive::members(BufReader::new(file)).map(Some),
        Ok(()) => Ok(None),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(io_reason(&error)),
    }
}
