//! What spoke every day and stopped, while the account goes on.

use serde::Deserialize;

use crate::baseline::{Baseline, Days, Dimension, Voice};
use crate::event::{DAY, Seconds, time};

/// Days that are surely known.
const MOST: Seconds = 128 * DAY;

/// Asks, once for each day, for what fell silent.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Silence {
    /// The account and one of region, service and principal.
    pub of: Vec<Dimension>,
    /// Expected to speak is what spoke on each day of this time.
    #[serde(deserialize_with = "time::duration::deserialize")]
    pub spoke: Seconds,
    /// Silent is what did not speak on whole days (UTC) of this time.
    #[serde(rename = "for", deserialize_with = "time::duration::deserialize")]
    pub silent: Seconds,
}

/// What fell silent in one account.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fallen<'b> {
    pub account: &'b str,
    pub voice: Voice,
    /// In order: regions, services, or what principals are called.
    pub names: Vec<&'b str>,
}

impl Silence {
    /// What can fall silent here; `None` where `of` says nothing of that kind, or too much.
    pub(crate) fn voice(&self) -> Option<Voice> {
        let voice = |dimension: &Dimension| match dimension {
            Dimension::Region => Some(Voice::Region),
            Dimension::Service => Some(Voice::Service),
            Dimension::Principal => Some(Voice::Principal),
            _ => None,
        };
        match self.of.as_slice() {
            [Dimension::Account, one] | [one] => voice(one),
            _ => None,
        }
    }

    /// Why it cannot be used.
    pub(super) fn objection(&self, correlates: bool) -> Option<&'static str> {
        match self.voice() {
            _ if correlates => Some("silence does not go with a correlation"),
            None => Some("silence is of [account, region], [account, service] or [account, principal]"),
            Some(_) if self.spoke + self.silent > MOST => Some("silence looks back 128 days at most"),
            Some(_) => None,
        }
    }

    /// Days that are asked for, at least one each: before the silence, and of it.
    fn days(&self) -> (i64, i64) {
        ((self.spoke / DAY).max(1), (self.silent / DAY).max(1))
    }

    /// Whether it has been silent up to the end of a day, counted from 1970-01-01, for exactly as long as is asked.
    fn holds(&self, days: &Days, day: i64) -> bool {
        let (spoke, silent) = self.days();
        !days.on_any(day - silent + 1, day) && days.on_all(day - silent - spoke + 1, day - silent)
    }

    /// What fell silent by the end of a day. The account must go on speaking up to the day after, or nobody can say that
    /// the day was complete. Each silence is told once.
    pub(crate) fn fallen<'b>(&self, baseline: &'b Baseline, day: i64) -> Vec<Fallen<'b>> {
        let Some(voice) = self.voice() else {
            return Vec::new();
        };
        let (_, silent) = self.days();
        let going_on = baseline.voices().filter(|(_, voices)| voices.all.on_all(day - silent + 1, day + 1));
        let fallen = going_on.map(|(account, voices)| {
            let all = voices.of(voice);
            let names = all.values().filter(|(days, _)| self.holds(days, day)).map(|(_, called)| *called);
            let mut names: Vec<_> = names.collect();
            names.sort_unstable();
            Fallen { account, voice, names }
        });
        fallen.filter(|fallen| !fallen.names.is_empty()).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;
    use crate::baseline::Usage;
    use crate::event::{Identity, Place, Record, Shape};

    const WEEK: Silence = Silence { of: Vec::new(), spoke: 7 * DAY, silent: DAY };

    fn block(of: Dimension) -> Silence {
        Silence { of: vec![Dimension::Account, of], ..WEEK }
    }

    /// A user calls in a region on some days.
    fn call(baseline: &mut Baseline, account: &str, region: &str, user: &str, days: impl IntoIterator<Item = i64>) {
        let raw =
            format!(r#"{{"type":"IAMUser","principalId":"AIDA{user}","arn":"arn:aws:iam::{account}:user/{user}"}}"#);
        let identity = Identity::parse(&raw, account);
        let place = Place::new(account, region, "198.51.100.9");
        let record = Record { source: "sqs.amazonaws.com".into(), name: "SendMessage".into(), ..Record::default() };
        let shape = Shape::of(&record, &identity);
        for day in days {
            let at = day * DAY + 60;
            baseline.record(&[], &Usage { identity: &identity, place: &place, shape: &shape, first: at, last: at });
        }
    }

    fn told(baseline: &Baseline, block: &Silence, days: std::ops::Range<i64>) -> Vec<(i64, String)> {
        let of_day = |day| block.fallen(baseline, day).into_iter().map(move |fallen| (day, fallen.names.join(" ")));
        days.flat_map(of_day).collect()
    }

    #[test]
    fn a_region_that_spoke_for_a_week_and_stops_is_told_once() {
        let mut baseline = Baseline::default();
        call(&mut baseline, "1", "us-east-1", "A", 0..30);
        call(&mut baseline, "1", "eu-west-1", "A", 5..12);
        call(&mut baseline, "1", "eu-west-2", "A", (0..30).filter(|day| day % 7 < 6));
        assert_eq!(told(&baseline, &block(Dimension::Region), 0..40), [(12, "eu-west-1".to_owned())]);
        // A day in between, and it is not expected to speak.
        let mut quiet = Baseline::default();
        call(&mut quiet, "1", "us-east-1", "A", 0..30);
        call(&mut quiet, "1", "eu-west-1", "A", (5..13).filter(|day| *day != 9));
        assert!(told(&quiet, &block(Dimension::Region), 0..40).is_empty());
    }

    #[test]
    fn an_account_that_falls_silent_as_a_whole_says_nothing_of_its_parts() {
        let mut baseline = Baseline::default();
        call(&mut baseline, "1", "us-east-1", "A", 0..10);
        call(&mut baseline, "1", "eu-west-1", "B", 0..9);
        call(&mut baseline, "2", "eu-west-1", "C", 0..30);
        // The log of the account ends on day 9, which may not be complete.
        for of in [Dimension::Region, Dimension::Principal, Dimension::Service] {
            assert!(told(&baseline, &block(of), 0..40).is_empty());
        }
        call(&mut baseline, "1", "us-east-1", "A", 10..11);
        assert_eq!(told(&baseline, &block(Dimension::Region), 0..40), [(9, "eu-west-1".to_owned())]);
        let principal = [(9, "arn:aws:iam::1:user/B".to_owned())];
        assert_eq!(told(&baseline, &block(Dimension::Principal), 0..40), principal);
    }

    #[test]
    fn a_longer_silence_is_asked_for_in_days() {
        let mut baseline = Baseline::default();
        call(&mut baseline, "1", "us-east-1", "A", 0..30);
        call(&mut baseline, "1", "eu-west-1", "B", 0..9);
        let two = Silence { silent: 2 * DAY, ..block(Dimension::Region) };
        assert_eq!(told(&baseline, &two, 0..40), [(10, "eu-west-1".to_owned())]);
    }

    #[test]
    fn only_what_can_speak_can_fall_silent() {
        assert_eq!(block(Dimension::Region).voice(), Some(Voice::Region));
        assert_eq!(block(Dimension::Network).voice(), None);
        assert_eq!(Silence { of: vec![Dimension::Account], ..WEEK }.voice(), None);
        assert_eq!(Silence { of: Vec::new(), ..WEEK }.voice(), None);
    }
}
