//! A vault that is a folder: only its owner reads it.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use super::{lost, sha256};
use crate::aws::Refusal;

/// Writes a file in one piece: under another name, to the disk, and then its own. Whether the vault has this content under
/// this name then; not where another file has the name.
pub(super) fn put(root: &Path, path: &str, name: &str, digest: &str, bytes: &[u8]) -> Result<bool, Refusal> {
    let folder = root.join(path);
    let file = folder.join(name);
    let failed = |error: io::Error| lost(format!("writing {}: {error}", file.display()));
    match fs::read(&file) {
        Ok(known) => return Ok(sha256(&known) == digest),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(failed)?;
    // A clean name never begins with a dot.
    let draft = folder.join(format!(".{}.{}", std::process::id(), digest));
    let written = write(&draft, bytes).and_then(|()| fs::rename(&draft, &file));
    if let Err(error) = written {
        drop(fs::remove_file(&draft));
        return Err(failed(error));
    }
    File::open(&folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
    Ok(true)
}

/// The content of a file; nothing where there is none.
pub(super) fn read(root: &Path, path: &str, name: &str) -> Result<Option<Vec<u8>>, Refusal> {
    let file = root.join(path).join(name);
    match fs::read(&file) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(lost(format!("reading {}: {error}", file.display()))),
    }
}

/// Whether there is such a file.
pub(super) fn has(root: &Path, path: &str, name: &str) -> Result<bool, Refusal> {
    let file = root.join(path).join(name);
    file.try_exists().map_err(|error| lost(format!("looking for {}: {error}", file.display())))
}

fn write(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(file)?;
    file.write_all(bytes)?;
    file.sync_all()
}
