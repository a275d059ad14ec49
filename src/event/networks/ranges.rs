//! Ranges of numbers with a value each, found by any number inside.

/// No range holds the numbers from here on.
const NOBODY: u32 = u32::MAX;

/// A number that has a next one.
pub(super) trait Number: Copy + Ord {
    fn next(self) -> Option<Self>;
}

impl Number for u32 {
    fn next(self) -> Option<Self> {
        self.checked_add(1)
    }
}

impl Number for u128 {
    fn next(self) -> Option<Self> {
        self.checked_add(1)
    }
}

/// Where values begin, sorted; each goes on up to the next.
#[derive(Debug, Clone)]
pub(super) struct Ranges<N> {
    starts: Vec<N>,
    values: Vec<u32>,
}

impl<N> Default for Ranges<N> {
    fn default() -> Self {
        Self { starts: Vec::new(), values: Vec::new() }
    }
}

impl<N: Number> Ranges<N> {
    /// Of rows with a first and a last number, in any order. Where rows overlap, that which begins later counts; of those
    /// that begin together the narrower, and of equal ones the later row.
    pub(super) fn of(mut rows: Vec<(N, N, u32)>) -> Self {
        rows.sort_by(|a, b| (a.0, b.1).cmp(&(b.0, a.1)));
        let mut ranges = Self::default();
        let mut open: Vec<(N, u32)> = Vec::new();
        for (first, last, value) in rows {
            ranges.close(&mut open, Some(first));
            ranges.begin(first, value);
            open.push((last, value));
        }
        ranges.close(&mut open, None);
        ranges.starts.shrink_to_fit();
        ranges.values.shrink_to_fit();
        ranges
    }

    /// Ends what is over before a number, the innermost first; behind each goes on what is open around it.
    fn close(&mut self, open: &mut Vec<(N, u32)>, before: Option<N>) {
        while let Some(&(last, _)) = open.last() {
            if before.is_some_and(|before| last >= before) {
                break;
            }
            open.retain(|(end, _)| *end > last);
            let Some(next) = last.next() else {
                continue;
            };
            self.begin(next, open.last().map_or(NOBODY, |(_, value)| *value));
        }
    }

    /// From a number on there is another value.
    fn begin(&mut self, start: N, value: u32) {
        if self.starts.last() == Some(&start) {
            self.starts.pop();
            self.values.pop();
        }
        if self.values.last().copied().unwrap_or(NOBODY) != value {
            self.starts.push(start);
            self.values.push(value);
        }
    }

    /// The value of the range that holds a number.
    pub(super) fn find(&self, number: N) -> Option<u32> {
        let behind = self.starts.partition_point(|start| *start <= number);
        let value = *self.values.get(behind.checked_sub(1)?)?;
        (value != NOBODY).then_some(value)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.starts.len()
    }

    /// Gives each start with its value.
    pub(super) fn each(&self, mut give: impl FnMut(N, u32)) {
        self.starts.iter().zip(&self.values).for_each(|(start, value)| give(*start, *value));
    }
}
