//! What is cut off, and calls all the same; and what is cut off and seems to be missed: pure.
//!
//! A success is an observation, which a detector judges like any event. A refusal of somebody who is not the attacker is
//! told with the incident: once, and again when there are ten times as many.

use std::collections::BTreeMap;

use super::change::Told;
use super::life::{Became, Update};
use crate::event::{DAY, HOUR, Identity, Seconds, identity};
use crate::habit;
use crate::model::{Incident, Status};
use crate::replay::part::{Part, Usage};
use crate::source::observe::StillActs;
use crate::store::watched::{Contained, Known, Refusals};

/// IAM needs seconds to know of a denial everywhere.
const GRACE: Seconds = 60;
/// It is told again when there are so many times as many.
const TIMES: u64 = 10;
/// Callers that are told apart for one thing that is cut off.
const MOST_CALLERS: usize = 20;
/// Sentences about one incident in a pass.
const MOST_SENTENCES: usize = 5;

/// What is cut off, by the ARN of a principal or the id of an access key.
pub(super) type All = BTreeMap<String, Contained>;

/// Successful calls by what is cut off, one for each that is: the latest.
pub(super) fn still_act(parts: &[Part], all: &All, told: &BTreeMap<String, Told>) -> Vec<StillActs> {
    let mut found: BTreeMap<&str, (StillActs, u64)> = BTreeMap::new();
    for (name, contained, usage) in of_contained(parts, all) {
        let shape = &usage.plan.shape;
        let calls = count_after(usage, contained.since + GRACE);
        // Nobody can be kept from asking who they are.
        if shape.failed || shape.name == "GetCallerIdentity" || calls == 0 {
            continue;
        }
        let acts = || StillActs {
            what: name.to_owned(),
            since: contained.since,
            calls: 0,
            last: usage.last,
            action: shape.action(),
            by: usage.identity.credential.clone(),
            identity: known_as(&usage.identity, told.get(&contained.incident).map(|told| &told.incident)),
            account: usage.place.account.clone(),
            region: usage.place.region.clone(),
            source_ip: usage.place.source_ip.clone(),
        };
        let (known, count) = found.entry(name).or_insert_with(|| (acts(), 0));
        *count += calls;
        if (known.last, &known.action) < (usage.last, &shape.action()) {
            *known = acts();
        }
    }
    found.into_values().map(|(acts, calls)| StillActs { calls, ..acts }).collect()
}

/// Refused calls since, of callers that are not the attacker, with what was counted before. Only what changed.
pub(super) fn refused(parts: &[Part], all: &All) -> All {
    let mut changed = All::new();
    for (name, contained, usage) in of_contained(parts, all) {
        let is_of_attacker = usage.place.network.as_ref().is_some_and(|network| contained.networks.contains(network));
        let calls = count_after(usage, contained.since);
        if !usage.plan.shape.denied || is_of_attacker || calls == 0 {
            continue;
        }
        let contained = changed.entry(name.to_owned()).or_insert_with(|| contained.clone());
        let caller = caller(usage);
        let has_room = contained.refused.len() < MOST_CALLERS || contained.refused.contains_key(&caller);
        let caller = if has_room { caller } else { format!("{} from elsewhere", usage.identity.name) };
        contained.refused.entry(caller).or_default().calls += calls;
    }
    changed
}

/// Adds what is worth telling of refused calls to the news of their incidents, and notes that it was told.
pub(super) fn tell(
    changed: &mut All,
    updates: &mut Vec<Update>,
    known: &BTreeMap<String, Known>,
    told: &BTreeMap<String, Told>,
    now: Seconds,
) {
    let mut sentences: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for contained in changed.values_mut() {
        let id = &contained.incident;
        let part_of = survivor(known, id);
        let is_known =
            known.get(part_of).is_some_and(|known| known.status != Status::Closed) && told.contains_key(part_of);
        let sentences = sentences.entry(part_of.to_owned()).or_default();
        let has_news = |refusals: &Refusals| refusals.told == 0 || refusals.calls >= refusals.told * TIMES;
        for (caller, refusals) in contained.refused.iter_mut().filter(|(_, refusals)| is_known && has_news(refusals)) {
            if sentences.len() >= MOST_SENTENCES {
                break;
            }
            let calls = refusals.calls;
            let plural = if calls == 1 { "call of" } else { "calls of" };
            let were = if calls == 1 { "was" } else { "were" };
            sentences.push(format!(
                "Since containment {calls} {plural} {caller} {were} refused: production may be broken; `stakeout undo {id}` shows how to take it back."
            ));
            refusals.told = calls;
        }
    }
    for (id, sentences) in sentences.into_iter().filter(|(_, sentences)| !sentences.is_empty()) {
        if let Some(update) = updates.iter_mut().find(|update| update.told.incident.id == id) {
            if update.became == Became::Continued {
                update.became = Became::Changed;
                update.known.revision += 1;
            }
            update.changes.extend(sentences);
        } else if let Some((known, told)) = known.get(&id).zip(told.get(&id)) {
            let known = Known { revision: known.revision + 1, changed_at: now, ..known.clone() };
            let mut told = told.clone();
            told.incident.status = known.status;
            updates.push(Update { became: Became::Changed, told, known, changes: sentences });
        }
    }
}

/// The incident that an incident became part of, or itself.
fn survivor<'k>(known: &'k BTreeMap<String, Known>, id: &'k str) -> &'k str {
    let mut part_of = id;
    // No chain is longer than there are incidents.
    for _ in 0..known.len() {
        match known.get(part_of).and_then(|known| known.merged_into.as_deref()) {
            Some(into) => part_of = into,
            None => break,
        }
    }
    part_of
}

/// Takes over what was counted, where the same is still cut off.
pub(super) fn adopt(all: &mut All, changed: &All) {
    for (name, new) in changed {
        if let Some(contained) = all.get_mut(name).filter(|contained| contained.since == new.since) {
            contained.refused.clone_from(&new.refused);
        }
    }
}

/// Calls of what is cut off, each for one of the things that it is cut off by.
fn of_contained<'p>(parts: &'p [Part], all: &'p All) -> impl Iterator<Item = (&'p str, &'p Contained, &'p Usage)> {
    let principals = all.iter().filter_map(|(name, contained)| Some((principal(name)?, (name.as_str(), contained))));
    let mut by_principal: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (principal, found) in principals {
        by_principal.entry(principal).or_default().push(found);
    }
    let usages = parts.iter().flat_map(|part| &part.usage).filter(|usage| !usage.plan.shape.is_observation());
    usages.filter_map(move |usage| {
        let identity = &usage.identity;
        let by_arn = principal(&identity.arn).and_then(|principal| by_principal.get(&principal));
        let by_key = identity.credential.as_ref().and_then(|key| all.get_key_value(key));
        let mut found = by_arn.into_iter().flatten().copied().chain(by_key.map(|(name, held)| (name.as_str(), held)));
        let (name, contained) = found.find(|(_, contained)| holds(contained, usage))?;
        Some((name, contained, &**usage))
    })
}

/// Account, kind and name of a user or role. A path is not in every record, and names are unique without it.
fn principal(arn: &str) -> Option<(&str, &str, &str)> {
    let mut parts = arn.splitn(6, ':');
    let (account, thing) = (parts.nth(4)?, parts.next()?);
    let (kind, name) = thing.split_once('/').unwrap_or((thing, ""));
    matches!(kind, "user" | "role" | "root").then(|| (account, kind, name.rsplit('/').next().unwrap_or(name)))
}

/// Whether a call is cut off by what was done.
fn holds(contained: &Contained, usage: &Usage) -> bool {
    let (identity, network) = (&usage.identity, usage.place.network.as_ref());
    let session = || identity.session_name.as_ref().map(|name| format!("{}:{name}", identity.key));
    let of_sessions = contained.sessions.is_empty() || session().is_some_and(|name| contained.sessions.contains(&name));
    let of_old = contained.sessions_before.is_none_or(|end| identity.session_started.is_some_and(|begun| begun < end));
    // What AWS does for somebody has no network, and is not held back by networks.
    let of_networks =
        contained.network_ok.is_empty() || network.is_some_and(|from| !contained.network_ok.contains(from));
    of_sessions && of_old && of_networks
}

/// Calls after a time: all where the first of them is, else those of the hours after it, and one at least where the last
/// of them is.
fn count_after(usage: &Usage, at: Seconds) -> u64 {
    if usage.last <= at {
        return 0;
    }
    let day = usage.last.div_euclid(DAY) * DAY;
    let starts = (0..24).map(|hour| day + hour * HOUR);
    let counts = usage.hours.iter().flat_map(|hours| hours.iter());
    let after = starts.zip(counts).filter(|(start, _)| usage.first > at || *start > at);
    after.map(|(_, count)| u64::from(*count)).sum::<u64>().max(1)
}

/// `ci-deployer from 198.51.100.0/24 (Boto3)`.
fn caller(usage: &Usage) -> String {
    let network = usage.place.network.as_deref().unwrap_or("an AWS service");
    format!("{} from {network} ({})", usage.identity.name, habit::family(&usage.plan.shape))
}

/// The caller by a credential that the incident knows, so that what is seen of it becomes part of the incident.
fn known_as(identity: &Identity, incident: Option<&Incident>) -> Identity {
    let mut known = identity.clone();
    let Some(incident) = incident else { return known };
    if identity.credential.as_ref().is_some_and(|key| incident.credentials.contains(key)) {
        return known;
    }
    let same = |member: &&crate::model::Member| principal(&member.arn) == principal(&identity.arn);
    if let Some(member) = incident.members.callers.iter().filter(same).find(|member| member.credential.is_some()) {
        known.credential.clone_from(&member.credential);
        known.credential_kind = identity::credential_kind(member.credential.as_deref());
        (known.session_started, known.issued_to) = (None, None);
        if let Some((_, name)) = member.session.as_deref().and_then(|session| session.split_once(':')) {
            known.session_name = Some(name.to_owned());
        }
    }
    known
}
