//! Containment against stand-ins that enforce permissions: what it stops, what it leaves alone, and that it can be taken back.

mod afterwards;
mod decisions;
mod faults;
mod founding;
mod machines;
pub(crate) mod scene;
mod story;
mod variants;
