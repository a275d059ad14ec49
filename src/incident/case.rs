//! One incident while it is open: its members, and everything they did from the first bad event on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::burn::Burn;
use super::group::Opening;
use super::lineage::{Edge, Lineage, Node, children, names_caller};
use super::models::Counted;
use crate::baseline::Baseline;
use crate::event::facts::Resource;
use crate::event::{CredentialKind, DAY, Event, Identity, PrincipalKind, Seconds};
use crate::model::{Confidence, Created, Finding, Level, Member, Members};

/// The root's own calls stop counting this long after the last bad finding.
const ROOT_COOLS: Seconds = DAY;
/// Below this many days of history nobody can say that a network is new to a credential.
const LEARN_DAYS: i64 = 14;
/// How far back a case looks, when it opens, for what its members did before.
pub(super) const LOOK_BACK: Seconds = 6 * 3_600;

/// An incident and all it holds.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub id: String,
    pub opened_at: Seconds,
    /// The first bad event.
    pub first: Seconds,
    pub last: Seconds,
    pub root: Node,
    pub root_identity: Arc<Identity>,
    pub confidence: Confidence,
    /// The root was used from its usual networks too, and only its other use is part of this.
    pub split: bool,
    /// Who made the root, too long ago to be a member.
    pub maker: Option<(Seconds, Arc<Identity>)>,
    pub level: Level,
    pub principals: BTreeSet<String>,
    pub credentials: BTreeSet<String>,
    pub resources: BTreeMap<String, Created>,
    pub regions: BTreeSet<String>,
    pub source_ips: BTreeSet<String>,
    pub accounts: BTreeSet<String>,
    pub attack: BTreeSet<String>,
    pub findings: BTreeSet<usize>,
    /// Names of the roles that members assumed.
    pub assumed: BTreeSet<String>,
    /// Calls by members: how often each action was made and refused.
    pub actions: BTreeMap<String, (u64, u64)>,
    /// What no call tells and Stakeout saw itself, in words.
    pub observed: BTreeSet<String>,
    pub burn: Burn,
    pub members: Members,
    pub merged_into: Option<usize>,
    last_bad: Seconds,
}

impl Case {
    /// Opens a case on findings of one root.
    pub(crate) fn open(
        opening: &Opening,
        root: &Node,
        first: Seconds,
        event: &Event,
        findings: &[Finding],
        lineage: &Lineage,
        baseline: &Baseline,
    ) -> Self {
        let identity = Arc::clone(lineage.identity(root).unwrap_or(&event.identity));
        let tipped = &findings[opening.tipped];
        let first_id = tipped.event_ids.first().map(|(_, id)| id.to_string()).unwrap_or_default();
        let mut case = Self {
            id: crate::model::id("inc", &[&tipped.account, &first_id]),
            opened_at: event.time,
            first,
            last: event.time,
            root: root.clone(),
            confidence: Confidence::Unknown,
            split: false,
            maker: lineage.origin(root).map(|(_, Edge { at, maker, .. })| (*at, Arc::clone(maker))),
            level: Level::High,
            principals: BTreeSet::new(),
            credentials: BTreeSet::new(),
            resources: BTreeMap::new(),
            regions: BTreeSet::new(),
            source_ips: BTreeSet::new(),
            accounts: BTreeSet::new(),
            attack: BTreeSet::new(),
            findings: BTreeSet::new(),
            assumed: BTreeSet::new(),
            actions: BTreeMap::new(),
            observed: BTreeSet::new(),
            burn: Burn::default(),
            members: Members::default(),
            merged_into: None,
            last_bad: event.time,
            root_identity: identity,
        };
        case.tell_apart(opening, event, findings, baseline);
        case
    }

    /// Whether bad use of the root stands apart from its usual use.
    fn tell_apart(&mut self, opening: &Opening, event: &Event, findings: &[Finding], baseline: &Baseline) {
        let Some(credential) = self.root_identity.credential.clone() else {
            return;
        };
        let account = &event.place.account;
        let of_root: Vec<_> = opening
            .findings
            .iter()
            .map(|n| &findings[*n])
            .filter(|finding| finding.credential.as_ref() == Some(&credential))
            .collect();
        let worst = of_root.iter().map(|finding| finding.level).max();
        let telling = of_root.iter().filter(|finding| Some(finding.level) == worst);
        let mut addresses = telling.filter_map(|finding| finding.source_ip.as_deref()).peekable();
        let known_since = baseline.known_since(&self.root_identity, account);
        let has_past = known_since.is_some_and(|seen| seen < self.first - DAY);
        let long_term = self.root_identity.credential_kind == CredentialKind::LongTerm;
        // A notice that names no address is about somebody else's use of the root, wherever the owner calls from.
        let told_only = event.shape.is_notice();
        let on_machine = self.root_identity.issued_to.is_some();
        let any_usual = (addresses.peek().is_none() && !told_only)
            || addresses.any(|address| {
                let place = crate::event::Place::new(account, "", address);
                self.is_usual(account, &self.root_identity, place.network.as_deref(), baseline)
            });
        self.split = (long_term || on_machine) && (has_past || (told_only && self.is_root_nameless())) && !any_usual;
        let enough_history = baseline.history_days(account, self.first) >= LEARN_DAYS;
        let session_of_the_story =
            !long_term && self.root_identity.session_started.is_some_and(|at| at >= self.first - DAY);
        self.confidence = if enough_history && (self.split || session_of_the_story) {
            Confidence::Confirmed
        } else {
            Confidence::Probable
        };
    }

    fn is_usual(&self, account: &str, who: &Identity, network: Option<&str>, baseline: &Baseline) -> bool {
        network.is_none_or(|network| baseline.usual_network(account, &who.key, network, self.first))
    }

    /// A notice named the root's key, and no call has told yet whose it is.
    fn is_root_nameless(&self) -> bool {
        self.root_identity.kind == PrincipalKind::Unknown && self.root_identity.credential.is_some()
    }

    /// Whether an event of a member is part of the case. All that members minted in it do is; of the root's own calls
    /// only the bad ones, where they can be told apart.
    pub(crate) fn takes(&self, actor: &Node, event: &Event, baseline: &Baseline) -> bool {
        if event.time < self.first {
            return false;
        }
        if *actor != self.root || event.shape.is_notice() {
            return true;
        }
        !self.is_usual_use(actor, event, baseline) && event.time <= self.last_bad + ROOT_COOLS
    }

    /// Whether an event is the owner's own use of the root, where bad use can be told apart.
    pub(super) fn is_usual_use(&self, actor: &Node, event: &Event, baseline: &Baseline) -> bool {
        let place = &event.place;
        let who = if self.is_root_nameless() { &event.identity } else { &self.root_identity };
        let is_usual = || self.is_usual(&place.account, who, place.network.as_deref(), baseline);
        *actor == self.root && self.split && is_usual()
    }

    /// Makes a node on the way from the root to what tipped the case a member by name.
    pub(crate) fn admit(&mut self, node: &Node, lineage: &Lineage) {
        if let Node::Credential(key) = node {
            self.credentials.insert(key.clone());
        }
        if let Some(identity) = lineage.identity(node) {
            self.principals.insert(identity.arn.clone());
        }
    }

    /// No call is part of it: its members are whom it is about, and not who did it.
    pub(crate) fn is_observed_only(&self) -> bool {
        self.actions.is_empty() && !self.observed.is_empty()
    }

    /// Takes an event of a member in; returns the nodes that it made, which are members from now on.
    pub(crate) fn absorb<'f>(
        &mut self,
        actor: &Node,
        event: &Event,
        findings: impl Iterator<Item = (usize, &'f Finding)>,
    ) -> Vec<Node> {
        for (position, finding) in findings {
            self.join(position, finding);
            if finding.counts() {
                self.last_bad = self.last_bad.max(event.time);
            }
        }
        self.last = self.last.max(event.time);
        self.members.events.insert(Arc::clone(&event.id));
        self.accounts.insert(event.place.account.clone());
        self.credentials.extend(event.identity.credential.clone());
        let is_thing = event.shape.is_notice() && event.identity.kind == PrincipalKind::Unknown;
        if names_caller(actor, event) {
            self.members.principals.insert(event.identity.key.clone());
            self.members.callers.extend(caller(&event.identity));
            let is_named = event.identity.kind != PrincipalKind::Service && !is_thing;
            self.principals.extend(is_named.then(|| event.identity.arn.clone()));
        }
        if self.is_root_nameless() && !is_thing && event.identity.credential == self.root_identity.credential {
            self.principals.remove(&self.root_identity.arn);
            self.root_identity = Arc::clone(&event.identity);
        }
        self.source_ips.extend(event.place.address().map(str::to_owned));
        if !event.shape.global && event.shape.settles() {
            self.regions.insert(event.place.region.clone());
        }
        if !event.shape.is_observation() {
            let (made, refused) = self.actions.entry(event.shape.action()).or_default();
            *(if event.shape.failed { refused } else { made }) += 1;
        }
        self.take_facts(event);
        children(event)
    }

    /// Takes a finding in.
    pub(super) fn join(&mut self, position: usize, finding: &Finding) {
        self.first = self.first.min(finding.first_event().max(self.opened_at - LOOK_BACK));
        self.take_spend(position, finding);
    }

    fn take_facts(&mut self, event: &Event) {
        let Some(facts) = &event.facts else {
            return;
        };
        self.observed.extend(facts.told.clone());
        if let Some(minted) = &facts.minted {
            self.credentials.extend(minted.credential.clone());
            self.principals.insert(minted.arn.clone());
            self.members.callers.insert(Member {
                arn: minted.arn.clone(),
                key: None,
                credential: minted.credential.clone(),
                session: minted.session.clone(),
                minted: true,
            });
            if event.shape.name.starts_with("AssumeRole") {
                self.assumed.extend(minted.arn.rsplit('/').next().map(str::to_owned));
            }
        }
        for resource in &facts.created {
            if resource.principal.is_some() {
                self.principals.insert(resource.arn.clone());
            }
            self.regions.extend((!event.shape.global).then(|| event.place.region.clone()));
            let made = created(event, resource);
            self.resources.entry(resource.arn.clone()).and_modify(|known| known.exists = true).or_insert(made);
        }
        self.burn.begin(event);
    }

    /// Takes in what AWS made for a group of a member; returns the nodes among it.
    pub(super) fn adopt(&mut self, event: &Event) -> Vec<Node> {
        if event.time < self.first {
            return Vec::new();
        }
        self.last = self.last.max(event.time);
        self.members.events.insert(Arc::clone(&event.id));
        self.regions.insert(event.place.region.clone());
        for resource in event.facts.iter().flat_map(|facts| &facts.created) {
            let made = created(event, resource);
            self.resources.entry(resource.arn.clone()).or_insert(made);
        }
        children(event)
    }

    /// Takes in calls of models by members in one hour.
    pub(super) fn take_calls(&mut self, counted: &Counted) {
        self.regions.extend(counted.regions.iter().cloned());
        self.burn.call(counted.last, &counted.calls);
    }

    /// Takes in a finding about what members' work costs.
    pub(super) fn take_spend(&mut self, position: usize, finding: &Finding) {
        self.findings.insert(position);
        if !finding.notice {
            self.level = self.level.max(finding.level);
            self.attack.extend(finding.attack.iter().cloned());
        }
    }

    /// Marks what anybody deleted, and what became of things that run.
    pub(crate) fn note_changes(&mut self, event: &Event) {
        for arn in event.facts.iter().flat_map(|facts| &facts.deleted) {
            let gone = |resource: &&mut Created| resource.at <= event.time && is_same(&resource.arn, arn);
            self.resources.values_mut().filter(gone).for_each(|resource| resource.exists = false);
        }
        self.burn.note(event);
    }

    /// Closes this case because another one, at a position, takes it over; returns what it held.
    pub(crate) fn close_into(&mut self, kept: usize) -> Self {
        let held = self.clone();
        self.merged_into = Some(kept);
        held
    }

    /// Takes over what another case held.
    pub(crate) fn merge(&mut self, other: Self) {
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        self.last_bad = self.last_bad.max(other.last_bad);
        self.level = self.level.max(other.level);
        self.principals.extend(other.principals);
        self.credentials.extend(other.credentials);
        self.resources.extend(other.resources);
        self.regions.extend(other.regions);
        self.source_ips.extend(other.source_ips);
        self.accounts.extend(other.accounts);
        self.attack.extend(other.attack);
        self.findings.extend(other.findings);
        self.assumed.extend(other.assumed);
        self.observed.extend(other.observed);
        for (action, (made, refused)) in other.actions {
            let mine = self.actions.entry(action).or_default();
            mine.0 += made;
            mine.1 += refused;
        }
        self.burn.merge(other.burn);
        self.members.events.extend(other.members.events);
        self.members.principals.extend(other.members.principals);
        self.members.callers.extend(other.members.callers);
    }
}

/// Who acts, where it is somebody that can be cut off.
fn caller(identity: &Identity) -> Option<Member> {
    let is_somebody = !matches!(identity.kind, PrincipalKind::Service | PrincipalKind::Unknown);
    let key = Some(&identity.key).filter(|key| key.starts_with("AIDA") || key.starts_with("AROA"));
    let name = identity.session_name.as_ref().zip(key).map(|(name, key)| format!("{key}:{name}"));
    is_somebody.then(|| Member {
        arn: identity.arn.clone(),
        key: key.cloned(),
        credential: identity.credential.clone(),
        session: name,
        minted: false,
    })
}

/// A thing that a call made.
pub(super) fn created(event: &Event, thing: &Resource) -> Created {
    Created {
        arn: thing.arn.clone(),
        kind: thing.kind.clone(),
        region: event.place.region.clone(),
        action: event.shape.action(),
        exists: true,
        by: event.identity.name.clone(),
        at: event.time,
    }
}

/// Whether a deletion means a thing. The paths of users and roles are not in the call that deletes them.
fn is_same(made: &str, deleted: &str) -> bool {
    let plain = |arn: &str| {
        let (owner, name) = arn.split_once(":user/").or_else(|| arn.split_once(":role/"))?;
        Some((owner.to_owned(), arn.contains(":user/"), name.rsplit('/').next().unwrap_or(name).to_owned()))
    };
    made == deleted || plain(made).is_some_and(|made| plain(deleted) == Some(made))
}
