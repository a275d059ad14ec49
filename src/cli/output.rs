//! Where results go.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::path::Path;

use anyhow::{Context as _, Result};

use super::Voice;
use crate::report::Look;

/// Opens a file or stdout and lets `write` fill it; it is told how results may look, and whether a person sees them.
///
/// # Errors
/// When the file cannot be made, or whatever the writer says.
pub(super) fn to(
    path: Option<&Path>,
    voice: Voice,
    write: impl FnOnce(Look, bool, &mut dyn Write) -> io::Result<()>,
) -> Result<()> {
    let mut look = voice.look();
    look.color &= path.is_none();
    let is_terminal = path.is_none() && io::stdout().is_terminal();
    let out: Box<dyn Write> = match path {
        Some(path) => Box::new(File::create(path).with_context(|| path.display().to_string())?),
        None => Box::new(io::stdout().lock()),
    };
    let mut out = BufWriter::new(out);
    write(look, is_terminal, &mut out)?;
    Ok(out.flush()?)
}
