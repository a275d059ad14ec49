//! What events and usage share, written once and named by position.

use std::hash::Hash;
use std::sync::Arc;

use ahash::AHashMap;
use anyhow::{Result, bail};

use crate::event::{Identity, Place, Shape};

/// Positions of an identity, a shape and a place.
pub(super) type Who = [usize; 3];

/// Values with their positions, each once.
#[derive(Debug)]
pub(super) struct Shared<T> {
    /// By address, which most values share with one before. What is at an address stays there: `values` and `others` hold it.
    addresses: AHashMap<usize, usize>,
    known: AHashMap<Arc<T>, usize>,
    pub values: Vec<Arc<T>>,
    others: Vec<Arc<T>>,
}

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self { addresses: AHashMap::new(), known: AHashMap::new(), values: Vec::new(), others: Vec::new() }
    }
}

impl<T: Eq + Hash + Ord> Shared<T> {
    /// The position of a value.
    pub(super) fn position(&mut self, value: &Arc<T>) -> usize {
        let address = Arc::as_ptr(value).addr();
        if let Some(position) = self.addresses.get(&address) {
            return *position;
        }
        let position = match self.known.get(value) {
            Some(position) => {
                self.others.push(Arc::clone(value));
                *position
            }
            None => {
                let position = self.values.len();
                self.known.insert(Arc::clone(value), position);
                self.values.push(Arc::clone(value));
                position
            }
        };
        self.addresses.insert(address, position);
        position
    }

    /// The values in their own order, and the place in it for each position.
    fn sorted(self) -> (Vec<Arc<T>>, Vec<u32>) {
        let mut order: Vec<(Arc<T>, usize)> = self.values.into_iter().zip(0..).collect();
        order.sort_unstable();
        let mut places = vec![0; order.len()];
        for (place, (_, position)) in (0..).zip(&order) {
            if let Some(known) = places.get_mut(*position) {
                *known = place;
            }
        }
        (order.into_iter().map(|(value, _)| value).collect(), places)
    }
}

/// What is shared, as it is found.
#[derive(Debug, Default)]
pub(super) struct Sharing {
    pub identities: Shared<Identity>,
    pub shapes: Shared<Shape>,
    pub places: Shared<Place>,
}

impl Sharing {
    /// The positions of all three.
    pub(super) fn who(&mut self, identity: &Arc<Identity>, shape: &Arc<Shape>, place: &Arc<Place>) -> Who {
        [self.identities.position(identity), self.shapes.position(shape), self.places.position(place)]
    }

    /// Everything in its own order, and where in it positions are now.
    pub(super) fn sorted(self) -> (Tables, Ranks) {
        let Self { identities, shapes, places } = self;
        let ((identities, a), (shapes, b), (places, c)) = (identities.sorted(), shapes.sorted(), places.sorted());
        (Tables { identities, shapes, places }, Ranks([a, b, c]))
    }
}

/// Places in the order of all identities, shapes and places.
pub(super) type Ranked = [u32; 3];

/// For each position its place in the order.
pub(super) struct Ranks([Vec<u32>; 3]);

impl Ranks {
    /// The places of positions.
    pub(super) fn of(&self, who: Who) -> Ranked {
        let [a, b, c] = &self.0;
        let [identity, shape, place] = who;
        [(a, identity), (b, shape), (c, place)]
            .map(|(ranks, position)| ranks.get(position).copied().unwrap_or_default())
    }
}

/// What positions stand for.
#[derive(Default)]
pub(super) struct Tables {
    pub identities: Vec<Arc<Identity>>,
    pub shapes: Vec<Arc<Shape>>,
    pub places: Vec<Arc<Place>>,
}

impl Tables {
    /// The values at positions.
    ///
    /// # Errors
    /// A position beyond its table.
    pub(super) fn who(&self, [identity, shape, place]: Who) -> Result<(Arc<Identity>, Arc<Shape>, Arc<Place>)> {
        let found = (self.identities.get(identity), self.shapes.get(shape), self.places.get(place));
        let (Some(identity), Some(shape), Some(place)) = found else { bail!("a position beyond its table") };
        Ok((Arc::clone(identity), Arc::clone(shape), Arc::clone(place)))
    }
}
