//! Reading one bill, which may hold several files.

use std::io::Cursor;
use std::slice;
use std::sync::Arc;

use super::super::object::Object;
use super::super::remote;
use super::folded::{Bill, Outcome, Piece};
use super::open::{self, Content};

/// What is read of a bill so far.
pub(super) struct Reading {
    /// Largest size of what has to be held as a whole, in bytes.
    pub(super) limit: u64,
    pieces: Vec<Piece>,
}

/// Folds every file in a bill.
pub(super) fn pieces(object: &Object, limit: u64) -> Vec<Piece> {
    let mut reading = Reading { limit, pieces: Vec::new() };
    for object in remote::bring(slice::from_ref(object)).iter() {
        match open::open(object, limit) {
            Ok(content) => reading.content(object.name(), content),
            Err(why) => reading.skip(object.name(), why),
        }
    }
    reading.pieces
}

impl Reading {
    fn content(&mut self, name: &str, content: Content) {
        match content {
            Content::Text(source) => self.text(name, source),
            Content::Parquet(file) => self.parquet(name, file),
            Content::Archive(bytes, members) => {
                for member in members {
                    let name = format!("{name}!{}", member.name);
                    let mut data = Cursor::new(Arc::clone(&bytes));
                    data.set_position(member.start);
                    match open::member(&member, Box::new(data), self.limit) {
                        Ok(Content::Archive(..)) => self.skip(&name, "an archive inside an archive".to_owned()),
                        Ok(content) => self.content(&name, content),
                        Err(why) => self.skip(&name, why),
                    }
                }
            }
        }
    }

    pub(super) fn skip(&mut self, name: &str, why: String) {
        self.pieces.push(Piece { name: name.to_owned(), outcome: Outcome::Skipped(why) });
    }

    pub(super) fn bill(&mut self, name: &str, bill: Bill) {
        self.pieces.push(Piece { name: name.to_owned(), outcome: Outcome::Bill(Box::new(bill)) });
    }
}
