//! A history in two commands: `map` writes a part of any share of the input, `reduce` judges all parts and says what one
//! `replay` of all the input would say.

mod map;
mod open;
mod reduce;

pub(crate) use map::{Mapped, Task, map};
pub(crate) use open::{Given, open};
pub(crate) use reduce::{Whole, judge, merge, reduce};
