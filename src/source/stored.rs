//! Files of the program's own, on this machine or in S3: read in pieces, and written so that whoever reads the name sees all
//! of it or nothing.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::remote::{Pieces, is_remote, upload};

/// Names of drafts that are tried.
const TRIES: u32 = 10_000;

/// A stored file of which any piece can be read.
#[derive(Debug)]
pub(crate) enum Stored {
    Here(File, u64),
    Remote(Pieces),
}

impl Stored {
    /// Opens what a name stands for: a path, or `s3://bucket/key`.
    ///
    /// # Errors
    /// What the file system or S3 says; of the kind `NotFound` where there is no such thing.
    pub(crate) fn open(name: &str) -> io::Result<Self> {
        if is_remote(name) {
            return Pieces::open(name).map(Self::Remote);
        }
        let file = File::open(name)?;
        let length = file.metadata()?.len();
        Ok(Self::Here(file, length))
    }

    /// Size in bytes.
    pub(crate) fn length(&self) -> u64 {
        match self {
            Self::Here(_, length) => *length,
            Self::Remote(pieces) => pieces.length(),
        }
    }

    /// Reads exactly so many bytes from an offset on.
    ///
    /// # Errors
    /// What the file system or S3 says, also where the file is shorter or is another one by now.
    pub(crate) fn read(&self, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        match self {
            Self::Here(file, whole) => {
                // Nothing is held for what is not there.
                let end = offset.checked_add(length as u64).filter(|end| end <= whole);
                end.ok_or(io::ErrorKind::UnexpectedEof)?;
                let mut bytes = vec![0; length];
                file.read_exact_at(&mut bytes, offset)?;
                Ok(bytes)
            }
            Self::Remote(pieces) => pieces.read(offset, length),
        }
    }
}

/// A stored file that was open, and holds nothing now.
#[derive(Debug, Clone)]
pub(crate) struct Closed {
    name: String,
    /// Size and tag of an object of S3, which need not be asked for again.
    known: Option<(u64, Option<String>)>,
}

impl Stored {
    /// What is needed to open it again, by its name.
    pub(crate) fn closed(&self, name: &str) -> Closed {
        let known = match self {
            Self::Here(..) => None,
            Self::Remote(pieces) => Some(pieces.known()),
        };
        Closed { name: name.to_owned(), known }
    }
}

impl Closed {
    /// Opens it again. What is in S3 is not asked for before something of it is read, and must not have changed then.
    ///
    /// # Errors
    /// What the file system says.
    pub(crate) fn open(&self) -> io::Result<Stored> {
        match self.known.clone() {
            Some((length, etag)) => Ok(Stored::Remote(Pieces::again(&self.name, length, etag))),
            None => Stored::open(&self.name),
        }
    }
}

/// A file that nobody else knows yet: beside its place, or in the folder for temporary files where that is in S3. It is gone
/// where nothing becomes of it.
#[derive(Debug)]
pub(crate) struct Draft {
    name: String,
    path: PathBuf,
    has_name: bool,
}

impl Draft {
    /// Makes an empty one of what is to have a name, and opens it.
    ///
    /// # Errors
    /// A draft that cannot be made, with the name.
    pub(crate) fn new(name: &str) -> Result<(Self, File)> {
        let place = Path::new(name);
        let folder = if is_remote(name) { std::env::temp_dir() } else { place.parent().unwrap_or(place).to_owned() };
        let file = place.file_name().unwrap_or_default().to_string_lossy();
        let made = make(&folder, &file).with_context(|| format!("{name}: no draft in {}", folder.display()));
        made.map(|(path, file)| (Self { name: name.to_owned(), path, has_name: false }, file))
    }

    /// Where it is.
    #[cfg(test)]
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives it the name that it is known by, when it is finished. Whoever reads the name sees all of it or nothing.
    ///
    /// # Errors
    /// What the file system or S3 says, with the name. The draft is gone then too.
    pub(crate) fn publish(mut self) -> Result<()> {
        if is_remote(&self.name) {
            return upload(&self.path, &self.name);
        }
        fs::rename(&self.path, &self.name).with_context(|| self.name.clone())?;
        self.has_name = true;
        Ok(())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.has_name {
            _ = fs::remove_file(&self.path);
        }
    }
}

/// Makes an empty file that nobody else has open or may read, under a name that is not taken yet.
fn make(folder: &Path, name: &str) -> io::Result<(PathBuf, File)> {
    let process = std::process::id();
    for number in 0..TRIES {
        let path = folder.join(format!(".{name}.{process}-{number}.draft"));
        match OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path) {
            Ok(file) => return Ok((path, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::new(io::ErrorKind::AlreadyExists, "too many drafts"))
}

/// A file in a folder that has no name, so that nobody else finds it and nothing of it stays.
///
/// # Errors
/// What the file system says, with the folder.
pub(crate) fn nameless(folder: &Path) -> Result<File> {
    let (path, file) = make(folder, "stakeout").with_context(|| folder.display().to_string())?;
    // An open file outlives its name.
    fs::remove_file(&path).with_context(|| path.display().to_string())?;
    Ok(file)
}

/// Writes what is to have a name, of which nothing is seen before all of it is there.
///
/// # Errors
/// What the file system or S3 says, or the writer, with the name.
pub(crate) fn write(name: &str, write: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
    let (draft, file) = Draft::new(name)?;
    let mut out = BufWriter::new(file);
    let written = write(&mut out).and_then(|()| Ok(out.flush()?));
    written.with_context(|| format!("{name}: its draft {}", draft.path.display()))?;
    drop(out);
    draft.publish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nameless_file_is_its_owners_and_takes_another_number_where_one_is_taken() {
        use std::io::{Read as _, Seek as _};
        use std::os::unix::fs::MetadataExt as _;

        let folder = tempfile::tempdir().unwrap();
        let taken = folder.path().join(format!(".stakeout.{}-0.draft", std::process::id()));
        fs::write(&taken, "of somebody else").unwrap();
        let mut file = nameless(folder.path()).unwrap();
        assert_eq!(file.metadata().unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "it has no name");
        file.write_all(b"mine").unwrap();
        file.rewind().unwrap();
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        assert_eq!((text.as_str(), fs::read_to_string(taken).unwrap().as_str()), ("mine", "of somebody else"));
        assert!(nameless(&folder.path().join("none")).is_err());
    }

    #[test]
    fn a_draft_is_published_or_gone() {
        let folder = tempfile::tempdir().unwrap();
        let name = folder.path().join("one.part").display().to_string();
        let (other, mut file) = Draft::new(&name).unwrap();
        write(&name, |out| Ok(out.write_all(b"whole")?)).unwrap();
        file.write_all(b"other").unwrap();
        let stored = Stored::open(&name).unwrap();
        assert_eq!((stored.length(), stored.read(1, 3).unwrap()), (5, b"hol".to_vec()));
        assert!(stored.read(3, 3).is_err() && stored.read(u64::MAX, 1).is_err() && stored.read(0, usize::MAX).is_err());
        drop(other);
        let failed = write(&name, |out| {
            out.write_all(b"half")?;
            anyhow::bail!("no more")
        });
        assert!(format!("{:#}", failed.unwrap_err()).contains("no more"));
        assert_eq!(Stored::open(&name).unwrap().length(), 5);
        let place = folder.path().join("a folder");
        fs::create_dir(&place).unwrap();
        assert!(write(place.to_str().unwrap(), |_| Ok(())).is_err());
        assert!(write(place.join("none/one.part").to_str().unwrap(), |_| Ok(())).is_err());
        fs::remove_dir(&place).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
