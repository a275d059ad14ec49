//! Which calls are counted by the hour, for whoever asks how often and not only whether.

use hashbrown::HashSet;

/// Fingerprints in one generation of [`Recent`].
const GENERATION: usize = 1_000_000;

/// Which calls are counted.
#[derive(Default)]
pub(super) enum Counting {
    /// None: a replay asks on which days, and not how often.
    #[default]
    Nothing,
    /// Those of the time that is judged, which come through a door, so that none comes twice.
    Judged,
    /// Those of the time before, which is read once.
    Past(Recent),
}

impl Counting {
    /// Whether a call counts. Each of both sorts leaves to the other what is on its side of the same time.
    pub(super) fn counts(&mut self, fingerprint: u64, judged: bool) -> bool {
        match self {
            Self::Nothing => false,
            Self::Judged => judged,
            Self::Past(recent) => !judged && recent.is_new(fingerprint),
        }
    }
}

/// The last million fingerprints or two: the copies of an event lie close to each other.
#[derive(Default)]
pub(super) struct Recent {
    young: HashSet<u64, ahash::RandomState>,
    old: HashSet<u64, ahash::RandomState>,
}

impl Recent {
    fn is_new(&mut self, fingerprint: u64) -> bool {
        if self.old.contains(&fingerprint) || !self.young.insert(fingerprint) {
            return false;
        }
        if self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        true
    }
}
