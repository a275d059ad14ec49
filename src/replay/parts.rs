//! Parts: files that hold what a share of the input comes to, and of which any number, in any order, reduce to what one
//! replay of all the input says.
//!
//! A part is a header, frames, a directory and a trailer. A frame holds a `section`: what was recorded of one account and
//! delivered on one day, alike calls folded into one row (`fold`). The directory says what is where, and everything that
//! must agree between parts. Each byte is covered by a checksum or checked against what it must be.

pub(super) mod directory;
pub(super) mod fold;
mod frame;
pub(super) mod read;
pub(super) mod section;
pub(crate) mod share;
#[cfg(test)]
mod tests;
pub(super) mod write;

pub(crate) use share::Share;
