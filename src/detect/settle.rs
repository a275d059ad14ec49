//! What a match says only in the light of what else the logs told until then: whether a thing is part of a trail, and
//! whether another account is one of those that are looked at.

use super::catalog::Rules;
use crate::baseline::Baseline;
use crate::event::Event;
use crate::event::view::LIST;

/// What a call is about, if that can be part of a trail.
pub(super) const TRAIL_PART: &str = "stakeout.trail_part";
/// Accounts of others to which a call opens something.
pub(super) const OPENED_TO: &str = "stakeout.opened_to";
/// The canary that was touched.
pub(super) const CANARY: &str = "stakeout.canary";

/// Takes from an event the rules that do not hold after all. Only what was known before the event counts, so that the
/// order of files and the number of parts change nothing.
pub(crate) fn settle(rules: &Rules, past: &Baseline, event: &mut Event) {
    let asks = |number: &u16, field: &'static str| {
        rules.rules.get(usize::from(*number)).is_some_and(|rule| rule.settles.contains(&field))
    };
    if let Some(part) = event.fields.get(TRAIL_PART) {
        let account = &event.place.account;
        if !rules.own.trail_parts.contains(part) && !past.trails.has(account, part, event.time) {
            event.rules.retain(|number| !asks(number, TRAIL_PART));
            event.fields.remove(TRAIL_PART);
        }
    }
    if let Some(accounts) = event.fields.get(OPENED_TO) {
        let others = accounts.split(LIST).filter(|account| !past.has_account(account, event.time));
        let others: Vec<_> = others.collect();
        if others.is_empty() {
            event.rules.retain(|number| !asks(number, OPENED_TO));
            event.fields.remove(OPENED_TO);
        } else {
            let others = others.join(LIST);
            event.fields.insert(OPENED_TO.to_owned(), others);
        }
    }
}
