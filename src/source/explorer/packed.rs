//! A cache as one value, for where no folder outlives the process.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use super::cache::{CacheError, DETAIL, PAID, fail, make_folder};

/// Files by their path in the folder, all of them text.
type Files = BTreeMap<String, String>;

/// Everything in the folder of a cache.
///
/// # Errors
/// A file that cannot be read.
pub(crate) fn pack(folder: &Path) -> Result<Vec<u8>, CacheError> {
    let mut files = Files::new();
    take(folder, "", &mut files)?;
    let detail = folder.join(DETAIL);
    if detail.is_dir() {
        take(&detail, &format!("{DETAIL}/"), &mut files)?;
    }
    serde_json::to_vec(&files).map_err(|error| fail(folder)(error.into()))
}

fn take(folder: &Path, before: &str, files: &mut Files) -> Result<(), CacheError> {
    for entry in fs::read_dir(folder).map_err(fail(folder))? {
        let path = entry.map_err(fail(folder))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if is_ours(name) && path.is_file() {
            files.insert(format!("{before}{name}"), fs::read_to_string(&path).map_err(fail(&path))?);
        }
    }
    Ok(())
}

/// The account of what was paid, or a page that was written to its end.
fn is_ours(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    name == PAID || name.strip_suffix(".json").is_some_and(|stem| !stem.is_empty() && stem.bytes().all(is_plain))
}

/// Puts everything back that was packed, in the place of what is there.
///
/// # Errors
/// What was not packed, or a folder that cannot be written.
pub(crate) fn unpack(folder: &Path, bytes: &[u8]) -> Result<(), CacheError> {
    let files: Files = serde_json::from_slice(bytes).map_err(|error| fail(folder)(error.into()))?;
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(fail(folder)(error)),
        _ => {}
    }
    make_folder(folder)?;
    make_folder(&folder.join(DETAIL))?;
    for (name, text) in files {
        let last = name.strip_prefix(DETAIL).and_then(|rest| rest.strip_prefix('/')).unwrap_or(&name);
        if is_ours(last) {
            let path = folder.join(&name);
            fs::write(&path, text).map_err(fail(&path))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cache_comes_back_whole_and_nothing_else_does() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let file = |name: &str, text: &str| {
            let path = from.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        file(PAID, "{}\n");
        file("20261122T044625Z-service-region-001.json", "{\"a\":1}\n");
        file(".detail/20261122T044625Z-account-001.json", "{}\n");
        file(".20261122T044625Z-service-region-002.json.7.tmp", "half");
        let packed = pack(from.path()).unwrap();
        let folder = to.path().join("cost");
        unpack(&folder, &packed).unwrap();
        assert_eq!(pack(&folder).unwrap(), packed);
        assert!(!folder.join(".20261122T044625Z-service-region-002.json.7.tmp").exists());
        fs::write(folder.join("old.json"), "{}").unwrap();
        unpack(&folder, &packed).unwrap();
        assert!(!folder.join("old.json").exists(), "what was there goes");
        let hostile =
            serde_json::json!({ "../x.json": "1", "/etc/x.json": "1", ".detail/../../x.json": "1", "x.sh": "1" });
        unpack(&folder, hostile.to_string().as_bytes()).unwrap();
        assert_eq!(pack(&folder).unwrap(), b"{}");
        assert!(!to.path().join("x.json").exists());
        assert!(unpack(&folder, b"not json").is_err());
    }
}
