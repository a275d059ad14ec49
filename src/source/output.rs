//! Where a file of the program's own is to go, looked at before the work that fills it.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use super::remote::is_remote;

/// A place for a file that is made beside it and replaces what is there when it is whole: the same name, or what a link leads
/// to, which then stays a link.
///
/// # Errors
/// As [`check`]; standard output, and what is there and no regular file, such as a pipe or a device.
pub(crate) fn replaceable(name: &str) -> Result<String> {
    if name == "-" {
        bail!("-: a part cannot go to standard output; name a file");
    }
    check(Path::new(name))?;
    if is_remote(name) {
        return Ok(name.to_owned());
    }
    let known = match fs::symlink_metadata(name) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(name.to_owned()),
        known => known.with_context(|| name.to_owned())?,
    };
    let place = if known.is_symlink() {
        let target = fs::canonicalize(name).with_context(|| format!("{name}: where this link leads"))?;
        target.to_str().with_context(|| format!("{name}: where this link leads is not UTF-8"))?.to_owned()
    } else {
        name.to_owned()
    };
    if !fs::metadata(&place).with_context(|| name.to_owned())?.is_file() {
        bail!("{name}: not a regular file, and it would be replaced by one");
    }
    Ok(place)
}

/// Whether a file can be at a place, here or in S3.
///
/// # Errors
/// A name that is empty or of a folder, and a folder that is not there.
pub(crate) fn check(place: &Path) -> Result<()> {
    match place.to_str() {
        Some(name) if is_remote(name) => {
            if name.ends_with('/') || name.matches('/').count() < 3 {
                bail!("{name}: no object is named, as in s3://bucket/key");
            }
            Ok(())
        }
        _ => check_here(place),
    }
}

/// The same of a place on this machine.
///
/// # Errors
/// As [`check`].
pub(crate) fn check_here(place: &Path) -> Result<()> {
    let shown = place.display();
    if place.as_os_str().is_empty() {
        bail!("a file has to be named where its name is empty");
    }
    if place.is_dir() || place.as_os_str().as_encoded_bytes().ends_with(b"/") {
        bail!("{shown}: a folder, where a file has to be named");
    }
    let folder = place.parent().filter(|folder| !folder.as_os_str().is_empty());
    if folder.is_some_and(|folder| !folder.is_dir()) {
        bail!("{shown}: the folder for it is not there");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn only_a_regular_file_is_replaced_and_a_link_stays() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        fs::write(at("real.part"), "old").unwrap();
        symlink(at("real.part"), at("link.part")).unwrap();
        symlink(at("gone.part"), at("dangling.part")).unwrap();
        symlink("/dev/null", at("null.part")).unwrap();
        let _socket = UnixListener::bind(at("socket")).unwrap();
        for name in [at("new.part"), at("real.part"), "s3://bucket/1.part".to_owned(), "beside.part".to_owned()] {
            assert_eq!(replaceable(&name).unwrap(), name);
        }
        let real = fs::canonicalize(at("real.part")).unwrap();
        assert_eq!(replaceable(&at("link.part")).unwrap(), real.to_str().unwrap());
        let unfit = ["dangling.part", "null.part", "socket", "", "none/1.part", "new/", "real.part/1.part"].map(at);
        for name in unfit.iter().map(String::as_str).chain(["", "-", "/dev/null", "s3://bucket/", "s3://bucket"]) {
            assert!(replaceable(name).is_err(), "{name}");
        }
        assert!(check(Path::new("/dev/null")).is_ok() && check_here(Path::new("s3://bucket/baseline")).is_err());
    }
}
