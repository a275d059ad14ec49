//! A file of JSON lines. A message is in it once, also where a crash came between writing and remembering it.

use std::fs::{self, OpenOptions, TryLockError};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use super::{Message, Undelivered, body};

/// Lines at the end of the file among which a message is looked for. A message is tried again within hours.
const REMEMBERED: usize = 1_000;
/// Read at once from the end.
const BLOCK: u64 = 64 * 1024;
/// How often, and how far apart, a file is asked for that another process writes to.
const TRIES: u32 = 50;
const PAUSE: Duration = Duration::from_millis(100);

/// A file of JSON lines.
pub(crate) struct File {
    path: PathBuf,
}

/// What of a line is looked at.
#[derive(Deserialize)]
struct Known {
    key: String,
}

impl File {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    pub(super) fn name(&self) -> String {
        format!("file {}", self.path.display())
    }

    /// Appends the message unless its key is there, and waits for the disk.
    pub(super) async fn deliver(&self, message: &Message) -> Result<(), Undelivered> {
        let lost = |error: io::Error| Undelivered::passing(format!("writing {}: {error}", self.path.display()));
        // Opening a pipe would wait for a reader.
        if fs::metadata(&self.path).is_ok_and(|known| !known.is_file()) {
            return Err(Undelivered::passing(format!("{} is no regular file", self.path.display())));
        }
        let line = body::json(message).map_err(|error| Undelivered::last(format!("writing JSON: {error}")))?;
        let open = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(&self.path);
        let mut file = open.map_err(lost)?;
        self.lock(&file).await?;
        let tail = Tail::of(&mut file, &message.key).map_err(lost)?;
        if tail.is_known && !tail.is_torn {
            return Ok(());
        }
        // In one call, after the rest of a line that a crash tore.
        let torn = if tail.is_torn { "\n" } else { "" };
        let text = if tail.is_known { torn.to_owned() } else { format!("{torn}{line}\n") };
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(lost)
    }

    /// Keeps other processes from writing until the file is closed.
    async fn lock(&self, file: &fs::File) -> Result<(), Undelivered> {
        for _ in 0..TRIES {
            match file.try_lock() {
                Ok(()) => return Ok(()),
                // Some network file systems know no locks; what is written is one call all the same.
                Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => return Ok(()),
                Err(TryLockError::Error(error)) => {
                    return Err(Undelivered::passing(format!("locking {}: {error}", self.path.display())));
                }
                Err(TryLockError::WouldBlock) => tokio::time::sleep(PAUSE).await,
            }
        }
        Err(Undelivered::passing(format!("another process keeps {} locked", self.path.display())))
    }
}

/// How a file ends.
struct Tail {
    /// Among the last lines is one with the key.
    is_known: bool,
    /// The last line has no end.
    is_torn: bool,
}

impl Tail {
    fn of(file: &mut fs::File, key: &str) -> io::Result<Self> {
        let (start, is_torn) = start_of_last_lines(file)?;
        file.seek(SeekFrom::Start(start))?;
        let mut is_known = false;
        let mut line = Vec::new();
        let mut lines = BufReader::new(file);
        while !is_known && lines.read_until(b'\n', &mut line)? > 0 {
            is_known = serde_json::from_slice::<Known>(&line).is_ok_and(|known| known.key == key);
            line.clear();
        }
        Ok(Self { is_known, is_torn })
    }
}

/// Where the last lines begin, and whether the very last has no end.
fn start_of_last_lines(file: &mut fs::File) -> io::Result<(u64, bool)> {
    let mut end = file.seek(SeekFrom::End(0))?;
    let (mut ends, mut is_torn, mut is_last) = (0, false, true);
    while end > 0 {
        let start = end.saturating_sub(BLOCK);
        let mut block = Vec::new();
        file.seek(SeekFrom::Start(start))?;
        io::Read::by_ref(file).take(end - start).read_to_end(&mut block)?;
        if is_last {
            is_torn = block.last().is_some_and(|byte| *byte != b'\n');
            is_last = false;
        }
        for (at, _) in block.iter().enumerate().rev().filter(|(_, byte)| **byte == b'\n') {
            ends += 1;
            if ends > REMEMBERED {
                return Ok((start + at as u64 + 1, is_torn));
            }
        }
        end = start;
    }
    Ok((0, is_torn))
}
