//! Where results go.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::path::Path;

use anyhow::{Context as _, Result};

use super::Voice;
use crate::report::Look;
use crate::source::remote::is_remote;
use crate::source::stored;

/// Opens a file, an object of S3 or stdout and lets `write` fill it; it is told how results may look, and whether a person
/// sees them. An object appears when all of it is written.
///
/// # Errors
/// When the file cannot be made, S3 refuses the object, or whatever the writer says.
pub(super) fn to(
    path: Option<&Path>,
    voice: Voice,
    write: impl FnOnce(Look, bool, &mut dyn Write) -> io::Result<()>,
) -> Result<()> {
    let mut look = voice.look();
    look.color &= path.is_none();
    if let Some(name) = path.and_then(Path::to_str).filter(|name| is_remote(name)) {
        return stored::write(name, |out| Ok(write(look, false, out)?));
    }
    let is_terminal = path.is_none() && io::stdout().is_terminal();
    let write = |out: &mut dyn Write| write(look, is_terminal, out);
    match path {
        Some(path) => fill(File::create(path).with_context(|| path.display().to_string())?, write)?,
        None => fill(io::stdout().lock(), write)?,
    }
    Ok(())
}

fn fill(out: impl Write, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    write(&mut out)?;
    out.flush()
}
