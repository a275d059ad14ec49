//! What many records share, kept once: values found by hash, and by position.

use hashbrown::HashTable;

/// Values with their positions.
pub(super) struct Table<T> {
    index: HashTable<(u64, u32)>,
    values: Vec<T>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { index: HashTable::new(), values: Vec::new() }
    }
}

impl<T> Table<T> {
    /// The position of a value that is the same, or of a new one.
    pub(super) fn find_or(&mut self, hash: u64, same: impl Fn(&T) -> bool, make: impl FnOnce() -> T) -> u32 {
        let values = &mut self.values;
        if let Some((_, known)) = self.index.find(hash, |(of, n)| *of == hash && same(&values[*n as usize])) {
            return *known;
        }
        let position = u32::try_from(values.len()).unwrap_or(u32::MAX);
        values.push(make());
        self.index.insert_unique(hash, (hash, position), |(hash, _)| *hash);
        position
    }

    /// The value at a position.
    pub(super) fn get(&self, position: u32) -> &T {
        &self.values[position as usize]
    }

    /// The same, to change what does not count for being the same.
    pub(super) fn get_mut(&mut self, position: u32) -> &mut T {
        &mut self.values[position as usize]
    }

    /// Takes all values out.
    pub(super) fn drain(&mut self) -> std::vec::Drain<'_, T> {
        self.index.clear();
        self.values.drain(..)
    }

    /// How many values there are.
    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// Forgets everything when it has become much, so that memory stays bounded.
    pub(super) fn bound(&mut self, most: usize) {
        if self.values.len() >= most {
            *self = Self::default();
        }
    }
}
