//! What kind of use it is. Where it is in doubt, use counts as automation: an outage costs more than a question.

use std::collections::BTreeSet;

use super::legitimate::Legitimate;
use crate::habit::{REST, is_console, is_of_people};
use crate::model::plan::Verdict;

/// With less history nobody can say what is usual: two weeks hold two of every weekday.
pub(super) const ENOUGH_DAYS: i64 = 14;
/// Calls on a day of use from which on it is a machine at work that somebody waits for: four an hour, around the clock.
pub(super) const HIGH: f64 = 100.0;
/// So many services around the clock are an application or a pipeline, however few its calls.
pub(super) const SERVICES: usize = 3;
/// Hours of the day in which there are calls, for use to be around the clock: two may be quiet by chance in each half.
const CLOCK: usize = 20;
/// Below this many calls in all, hours of the day say nothing.
const ENOUGH_CALLS: u64 = 48;
/// People sleep: in eight hours in a row there is less than this share of their calls.
const AT_NIGHT: f64 = 0.05;
const NIGHT: usize = 8;
/// And rest: on Saturdays and Sundays (UTC) there is at most this share, where machines have 29 %.
const AT_WEEKENDS: f64 = 0.10;

/// What the calls come to.
pub(super) struct Profile {
    pub calls: u64,
    pub days: BTreeSet<i64>,
    pub services: usize,
    pub by_hour: [u64; 24],
    pub at_weekends: u64,
    /// By agents that people hold in their hands, and of these by the console.
    pub by_hand: u64,
    pub by_console: u64,
}

/// The verdict on what is counted.
pub(super) fn of(legitimate: &Legitimate<'_>, history_days: i64) -> Verdict {
    if legitimate.is_made {
        return Verdict::Unused;
    }
    let profile = Profile::of(legitimate);
    if history_days < ENOUGH_DAYS || (profile.calls == 0 && legitimate.is_crowded) {
        return Verdict::Unknown;
    }
    profile.verdict()
}

impl Profile {
    fn of(legitimate: &Legitimate<'_>) -> Self {
        let (mut days, mut services) = (BTreeSet::new(), BTreeSet::new());
        let (mut by_hour, mut calls, mut at_weekends, mut by_hand, mut by_console) = ([0; 24], 0, 0, 0, 0);
        for (day, who, cell) in legitimate.cells.iter().filter(|(_, _, cell)| cell.calls() > 0) {
            let own = cell.calls();
            calls += own;
            days.insert(*day);
            by_hour.iter_mut().zip(&cell.hours).for_each(|(sum, calls)| *sum += calls);
            // 1970-01-01 was a Thursday.
            at_weekends += if (day + 3).rem_euclid(7) >= 5 { own } else { 0 };
            by_hand += if is_of_people(&who.agent) { own } else { 0 };
            by_console += if is_console(&who.agent) { own } else { 0 };
            services.extend(cell.actions.keys().filter_map(|action| action.split(':').next()).filter(|s| *s != REST));
        }
        Self { calls, days, services: services.len(), by_hour, at_weekends, by_hand, by_console }
    }

    pub(super) fn verdict(&self) -> Verdict {
        let on_a_day = |calls: u64| calls as f64 / self.days.len().max(1) as f64;
        let is_most = |part: u64| part * 2 >= self.calls;
        if self.calls == 0 {
            Verdict::Unused
        } else if on_a_day(self.calls - self.by_hand.min(self.calls)) >= HIGH {
            // Whatever people do beside it.
            Verdict::AutomationHigh
        } else if is_most(self.by_console) || (is_most(self.by_hand) && self.is_at_peoples_hours(on_a_day(self.calls)))
        {
            Verdict::Interactive
        } else if on_a_day(self.calls) >= HIGH || (self.services >= SERVICES && self.is_around_the_clock()) {
            Verdict::AutomationHigh
        } else {
            Verdict::AutomationLow
        }
    }

    /// A few calls a day, none at night and few at weekends.
    fn is_at_peoples_hours(&self, on_a_day: f64) -> bool {
        let hours = || self.by_hour.iter().cycle();
        let quietest = (0..24).map(|hour| hours().skip(hour).take(NIGHT).sum::<u64>()).min().unwrap_or(0);
        let share = |part: u64| part as f64 / self.calls.max(1) as f64;
        on_a_day < HIGH && share(quietest) < AT_NIGHT && share(self.at_weekends) <= AT_WEEKENDS
    }

    fn is_around_the_clock(&self) -> bool {
        self.calls >= ENOUGH_CALLS && self.by_hour.iter().filter(|calls| **calls > 0).count() >= CLOCK
    }
}
