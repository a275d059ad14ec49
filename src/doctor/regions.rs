//! Which regions are watched, whether each answers, and how late events come there.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{ACCOUNTS, Check, Room, in_time};
use crate::aws::{Refusal, Work, side_by_side};
use crate::config::Regions as Chosen;
use crate::event::{Seconds, time};
use crate::model::counted;
use crate::source::live::{Identity, Live};

const RIGHT: &str = "cloudtrail:LookupEvents";
/// What one region may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Regions that are named.
const NAMED: usize = 6;

/// The time of a region's newest event, or why there is none.
type Newest = Result<Option<Seconds>, Refusal>;

pub(super) async fn all(room: &Room<'_>) -> Vec<Check> {
    let Some(live) = room.live else { return Vec::new() };
    let identities: Vec<_> = live.identity().into_iter().filter(|identity| identity.arn.is_some()).collect();
    let work = identities.iter().map(|identity| -> Work<'_, Vec<Check>> {
        let what = format!("regions of {}", identity.account);
        Box::pin(in_time(what, of_account(room, live, identity)))
    });
    let mut checks = side_by_side(ACCOUNTS, work).await.concat();
    if !room.config.sources.lookup_events {
        checks.push(Check::note("LookupEvents", "it is off: what the bucket and the queue miss is not seen"));
    }
    checks
}

async fn of_account(room: &Room<'_>, live: &Live, identity: &Identity) -> Vec<Check> {
    let mut checks: Vec<_> = coverage(room, identity).into_iter().collect();
    if room.config.sources.lookup_events {
        let answers = newest(live, &identity.account, &room.watched(&identity.account)).await;
        checks.extend(told(&identity.account, &answers));
        checks.extend(lag(&identity.account, &answers, (room.clock)(), room.config.watch.patience));
    }
    checks
}

/// Regions that are enabled and not watched.
fn coverage(room: &Room<'_>, identity: &Identity) -> Option<Check> {
    let account = &identity.account;
    let what = format!("regions of {account}");
    if let Some(problem) = room.problems.iter().find(|problem| problem.what == format!("regions {account}")) {
        return Some(Check::note(what, problem.why.clone()));
    }
    let Chosen::Only(_) = room.config.aws.regions else { return None };
    let watched = room.watched(account);
    let enabled = room.listed.get(account)?;
    let open: Vec<_> = enabled.iter().filter(|region| !watched.contains(region)).cloned().collect();
    if open.is_empty() {
        return None;
    }
    let more = open.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let names = open.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    let told = format!("{} enabled and not watched, where nobody sees an intruder: {names}{more}", open.len());
    Some(Check::note(what, told).mend("[aws] regions = \"enabled\", or disable them in the account's settings"))
}

/// Asks every region for its newest event.
async fn newest(live: &Live, account: &str, regions: &[String]) -> BTreeMap<String, Newest> {
    let work = regions.iter().map(|region| -> Work<'_, (String, Newest)> {
        Box::pin(async move {
            let late = || Err(Refusal::Passing(format!("no answer within {} s", PATIENCE.as_secs())));
            let answer = tokio::time::timeout(PATIENCE, ask(live, account, region)).await.unwrap_or_else(|_| late());
            (region.clone(), answer)
        })
    });
    side_by_side(usize::MAX, work).await.into_iter().collect()
}

async fn ask(live: &Live, account: &str, region: &str) -> Newest {
    let missing = || Refusal::Passing("the account is not reached".to_owned());
    let config = live.config(account, region).ok_or_else(missing)?;
    let request = aws_sdk_cloudtrail::Client::new(&config).lookup_events().max_results(1);
    let answer = request.send().await.map_err(|error| Refusal::of(RIGHT, &error))?;
    Ok(answer.events().first().and_then(|event| event.event_time()).map(|time| time.secs()))
}

/// Whether the regions answer. A right that is missing in all of them is no matter of a region.
fn told(account: &str, answers: &BTreeMap<String, Newest>) -> Vec<Check> {
    let what = format!("regions of {account}");
    let is_denied = |answer: &Newest| matches!(answer, Err(Refusal::Denied { .. }));
    if !answers.is_empty() && answers.values().all(is_denied) {
        return vec![Check::note(what, format!("not known: {RIGHT} is denied in all of them"))];
    }
    let works = answers.values().filter(|answer| answer.is_ok()).count();
    let mut checks = Vec::new();
    if works > 0 {
        checks.push(Check::works(&what, format!("{works} of {} answer", counted(answers.len(), "watched region"))));
    }
    let mut reasons: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (region, answer) in answers {
        if let Err(refusal) = answer {
            // What AWS says names the region or a number, which keeps equal reasons apart.
            let why = refusal.to_string().replace(region.as_str(), "REGION");
            reasons.entry(why).or_default().push(region);
        }
    }
    let mend = "give the right there, or name the regions that are yours: [aws] regions = [...]; an organization's policy may \
                close regions to everybody";
    let fails = |(why, regions): (String, Vec<&str>)| {
        Check::fails(format!("{what}: {}", regions.join(", ")), format!("LookupEvents: {why}")).mend(mend)
    };
    checks.extend(reasons.into_iter().map(fails));
    checks
}

/// How old the newest event of all regions is. Our own calls are events too, so that a long silence is odd.
fn lag(account: &str, answers: &BTreeMap<String, Newest>, now: Seconds, patience: Seconds) -> Option<Check> {
    let times = answers.iter().filter_map(|(region, answer)| Some((answer.as_ref().ok().copied()??, region)));
    let what = format!("delivery in {account}");
    let Some((newest, region)) = times.max() else {
        let is_known = answers.values().any(Result::is_ok);
        return is_known
            .then(|| Check::note(what, "no region has an event, so that nothing can be said of its lateness"));
    };
    let age = (now - newest).max(0);
    let told = format!("the newest event is {} old ({region})", time::format_duration(age));
    Some(if age > patience {
        Check::note(what, format!("{told}: nothing happened since, or events are late"))
    } else {
        Check::works(what, told)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_fails_where_others_answer() {
        let denied = |region: &str| Err(Refusal::Denied { action: RIGHT, why: format!("no in {region}") });
        let answers = |all: Vec<(&str, Newest)>| all.into_iter().map(|(name, it)| (name.to_owned(), it)).collect();
        let some: BTreeMap<_, _> = answers(vec![
            ("eu-west-1", Ok(Some(1_000))),
            ("eu-west-2", denied("eu-west-2")),
            ("eu-west-3", denied("eu-west-3")),
            ("us-east-1", Ok(None)),
        ]);
        let checks = told("1", &some);
        assert_eq!(checks.len(), 2, "{checks:#?}");
        assert!(checks[0].told.starts_with("2 of 4 watched regions answer"), "{}", checks[0].line());
        assert_eq!(checks[1].what, "regions of 1: eu-west-2, eu-west-3");
        let none = answers(vec![("eu-west-1", denied("")), ("us-east-1", denied(""))]);
        let checks = told("1", &none);
        assert!(checks.len() == 1 && !checks[0].is_failure(), "{checks:#?}");
        assert!(lag("1", &some, 1_060, 1_800).is_some_and(|check| check.told.contains("1m old (eu-west-1)")));
        assert!(lag("1", &some, 9_000, 1_800).is_some_and(|check| check.told.contains("late")));
        assert!(lag("1", &none, 9_000, 1_800).is_none());
    }
}
