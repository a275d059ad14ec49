//! Which of many numbered things a section names.

/// Numbers of things, and where those that are named lie among themselves.
pub(super) struct Marks {
    /// For each thing one more than its place; nothing for those that are not named.
    places: Vec<u32>,
    named: Vec<u32>,
}

impl Marks {
    /// Of so many things none is named.
    pub(super) fn new(count: usize) -> Self {
        Self { places: vec![0; count], named: Vec::new() }
    }

    /// Names a thing.
    pub(super) fn name(&mut self, number: u32) {
        if let Some(place) = self.places.get_mut(number as usize).filter(|place| **place == 0) {
            *place = 1;
            self.named.push(number);
        }
    }

    /// Gives places to those that are named, in order of their numbers.
    pub(super) fn settle(&mut self) -> &[u32] {
        self.named.sort_unstable();
        for (number, next) in self.named.iter().zip(1..) {
            self.places.get_mut(*number as usize).into_iter().for_each(|place| *place = next);
        }
        &self.named
    }

    /// The numbers that are named, in order once they are settled.
    pub(super) fn named(&self) -> &[u32] {
        &self.named
    }

    /// The place of a thing that is named.
    pub(super) fn place(&self, number: u32) -> u32 {
        self.places.get(number as usize).map_or(0, |place| place.saturating_sub(1))
    }

    /// Names nothing any more.
    pub(super) fn clear(&mut self) {
        for number in self.named.drain(..) {
            self.places.get_mut(number as usize).into_iter().for_each(|place| *place = 0);
        }
    }
}
