//! What a row of days would usually come to on a day: its level, its week, and how much it surprises by itself.

use crate::cost::Day;
use crate::cost::median::{median, median_of};

/// Days before the judged one: eight weeks and a day.
pub(super) const COMPARED: usize = 57;
/// Days of which a surprise can be told: the first fourteen give the level.
const SURPRISES: usize = COMPARED - LEVEL;
/// Days of which the median is the level.
const LEVEL: usize = 14;
/// The level follows a lasting change within this many days.
const QUICK_LEVEL: usize = 4;
/// A row with fewer days of use has no usual.
const LEAST_USED: usize = 10;
/// A weekday differs from the level at most by these factors.
const WEEKDAY: (f64, f64) = (0.3, 1.8);
/// How far a weekday's median is believed.
const BELIEF: f64 = 0.75;
/// Scales the median absolute deviation of a normal distribution to its standard deviation.
const NORMAL: f64 = 1.4826;

/// A row's past as a judged day sees it.
pub(super) struct Usual {
    /// Per weekday.
    factors: [f64; 7],
    /// The history without its week.
    flat: Vec<f64>,
    /// Amounts above what the fourteen days before let expect.
    surprises: Vec<f64>,
    /// The weekday of the judged day.
    weekday: usize,
    /// Median of the last 28 days.
    pub median: f64,
}

impl Usual {
    /// From the days before a judged one; `None` where they were hardly used.
    pub(super) fn new(history: &[f64], judged: Day) -> Option<Self> {
        if history.len() < COMPARED || history.iter().filter(|day| **day > 0.0).count() < LEAST_USED {
            return None;
        }
        let weekday =
            |back: usize| usize::try_from((i64::from(judged) - back as i64).rem_euclid(7)).unwrap_or_default();
        let month = median(&history[COMPARED - 28..]);
        let mut factors = [1.0; 7];
        if month > 0.0 {
            for (number, factor) in factors.iter_mut().enumerate() {
                let days = (1..=COMPARED).filter(|back| weekday(*back) == number).map(|back| history[COMPARED - back]);
                let share = median_of(&mut days.collect::<Vec<_>>()) / month;
                *factor = (1.0 - BELIEF + BELIEF * share).clamp(WEEKDAY.0, WEEKDAY.1);
            }
        }
        let flat = history.iter().enumerate().map(|(n, day)| day / factors[weekday(COMPARED - n)]).collect();
        Some(Self { factors, flat, surprises: Vec::new(), weekday: weekday(0), median: month })
    }

    /// The level on the day that lies so many days before the judged one.
    pub(super) fn level(&self, back: usize) -> f64 {
        let known = &self.flat[..COMPARED - back];
        median(&known[known.len() - LEVEL..]).max(median(&known[known.len() - QUICK_LEVEL..]))
    }

    /// What a level makes of the weekday that lies so many days before the judged one.
    pub(super) fn on(&self, level: f64, back: usize) -> f64 {
        level * self.factors[(self.weekday + 7 - back % 7) % 7]
    }

    /// How much each of the last six weeks' days surprised, in order of the days.
    pub(super) fn surprises(&mut self) -> &[f64] {
        if self.surprises.is_empty() {
            let surprise = |n: usize| {
                let expected = median(&self.flat[n..n + LEVEL]);
                self.on(self.flat[n + LEVEL] - expected, SURPRISES - n)
            };
            self.surprises = (0..SURPRISES).map(surprise).collect();
        }
        &self.surprises
    }

    /// The spread of the surprises, as a standard deviation that single large ones do not move.
    pub(super) fn deviation(&mut self) -> f64 {
        let surprises = self.surprises();
        let middle = median(surprises);
        NORMAL * median_of(&mut surprises.iter().map(|surprise| (surprise - middle).abs()).collect::<Vec<_>>())
    }
}

/// The largest and the second largest value.
pub(super) fn two_largest(values: &[f64]) -> (f64, f64) {
    values.iter().fold(
        (f64::MIN, f64::MIN),
        |(first, second), value| {
            if *value > first { (*value, first) } else { (first, second.max(*value)) }
        },
    )
}
