//! Who minted, created or assumed whom: deterministic joins over what calls return.

use std::sync::Arc;

use ahash::AHashMap;

use crate::baseline::Baseline;
use crate::event::facts::trust::doors;
use crate::event::{CredentialKind, DAY, Event, Identity, PrincipalKind, Seconds};

/// Something that acts, or that something acting can be traced to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Node {
    /// An access key id, long-term or session.
    Credential(String),
    /// A session over all the keys that are drawn for it: principal id and start.
    Session(String),
    /// Sessions of a principal id with its session name, where no start is known.
    Sessions(String),
    /// A user, role or root, by stable id.
    Principal(String),
    /// The console password of a user, by account and user name: a path is not in every record.
    Password(String),
    /// A function or instance that credentials are issued to, or a group that starts instances: ARN, or account and
    /// instance id.
    Workload(String),
    /// A role that was opened to another account: both.
    Door(String),
}

impl Node {
    /// What identifies it among nodes of its kind.
    pub(crate) fn text(&self) -> &str {
        let (Self::Credential(text)
        | Self::Session(text)
        | Self::Sessions(text)
        | Self::Principal(text)
        | Self::Password(text)
        | Self::Workload(text)
        | Self::Door(text)) = self;
        text
    }
}

/// How a node came into being.
#[derive(Debug, Clone)]
pub(crate) struct Edge {
    pub by: Node,
    pub at: Seconds,
    /// Who made it.
    pub maker: Arc<Identity>,
    /// Made from a network from which the maker calls as usual.
    pub usual: bool,
}

/// Whom a node was last seen as.
struct Seen {
    at: Seconds,
    identity: Arc<Identity>,
    console: bool,
}

/// How far an ancestor may lie back and still be part of the story.
const RECENT: Seconds = DAY;
/// Session credentials live 36 hours at most (`GetFederationToken`).
const LONGEST_SESSION: Seconds = DAY + DAY / 2;
/// A console session begins this close to its sign-in.
const SIGN_IN: Seconds = 60;

/// The graph. Built in any order of insertion, asked for the past only.
#[derive(Default)]
pub(crate) struct Lineage {
    edges: AHashMap<Node, Edge>,
    seen: AHashMap<Node, Seen>,
    /// Sign-ins per principal, of the last days.
    logins: AHashMap<String, Vec<Seconds>>,
}

impl Lineage {
    /// The node that acts in an event.
    pub(crate) fn actor(&self, event: &Event) -> Node {
        let identity = &event.identity;
        if is_login(event) {
            return Node::Session(format!("{}@{}", caller(identity), event.time));
        }
        let Some(credential) = &identity.credential else {
            return self.caller_abroad(event).unwrap_or_else(|| principal(event));
        };
        let node = Node::Credential(credential.clone());
        if identity.credential_kind == CredentialKind::LongTerm || self.edges.contains_key(&node) {
            return node;
        }
        if let Some(workload) = &identity.issued_to {
            return self::workload(workload, identity);
        }
        let Some(started) = identity.session_started else {
            return node;
        };
        let logins = self.logins.get(&caller(identity));
        let login = logins.into_iter().flatten().find(|at| (**at - started).abs() <= SIGN_IN);
        Node::Session(format!("{}@{}", caller(identity), login.unwrap_or(&started)))
    }

    /// Who calls another account, where the record of the caller's own account is at hand: both records have the credential
    /// that the call made.
    fn caller_abroad(&self, event: &Event) -> Option<Node> {
        let minted = event.facts.as_ref()?.minted.as_ref()?;
        let edge = self.edges.get(&Node::Credential(minted.credential.clone()?))?;
        let is_copy = event.identity.kind == PrincipalKind::Account
            && edge.at == event.time
            && edge.maker.credential.is_some()
            && edge.maker.account == event.identity.account;
        is_copy.then(|| edge.by.clone())
    }

    /// The door through which a caller from another account came, where somebody opened it before the caller was first seen.
    fn door(&self, event: &Event, baseline: &Baseline) -> Option<(Node, &Edge)> {
        let minted = event.facts.as_ref()?.minted.as_ref()?;
        let known = baseline.known_since(&event.identity, &event.place.account).unwrap_or(event.time);
        let doors = doors(&event.identity, minted).into_iter().map(Node::Door);
        let mut found = doors.filter_map(|door| self.edges.get(&door).map(|edge| (door, edge)));
        found.find(|(_, edge)| edge.at <= known)
    }

    /// The nodes through which an event's caller can be a member of a case: itself, and what its credentials come from.
    pub(crate) fn claims(&self, actor: &Node, event: &Event, baseline: &Baseline) -> Vec<Node> {
        let mut claims = vec![actor.clone()];
        claims.extend(self.door(event, baseline).map(|(door, _)| door));
        if !self.edges.contains_key(actor) {
            claims.extend(origins(&event.identity, event.shape.console || is_login(event)));
        }
        claims.push(principal(event));
        claims
    }

    /// Learns from one event.
    pub(crate) fn observe(&mut self, actor: &Node, event: &Event, baseline: &Baseline) {
        let identity = &event.identity;
        let console = event.shape.console || is_login(event);
        match self.seen.get_mut(actor) {
            // A notice may know less of whom it is about than their calls told.
            Some(known) if event.shape.is_notice() => known.at = known.at.max(event.time),
            _ if !names_caller(actor, event) => {}
            _ => {
                let seen = Seen { at: event.time, identity: Arc::clone(identity), console };
                self.seen.insert(actor.clone(), seen);
            }
        }
        if identity.kind == PrincipalKind::Service {
            return;
        }
        if is_login(event) {
            self.logins.entry(caller(identity)).or_default().push(event.time);
        }
        let network = event.place.network.as_deref();
        let usual = network.is_some_and(|n| baseline.usual_network(&event.place.account, &identity.key, n, event.time));
        // What AWS made for a group comes from whoever made the group.
        let group = event.facts.as_ref().and_then(|facts| facts.made_for.clone()).map(Node::Workload);
        let group =
            group.filter(|group| self.edges.contains_key(group)).map(|group| (group, Arc::clone(identity), usual));
        let door = self.door(event, baseline).map(|(door, edge)| (door, Arc::clone(&edge.maker), edge.usual));
        let (by, maker, usual) = group.or(door).unwrap_or_else(|| (actor.clone(), Arc::clone(identity), usual));
        for child in children(event) {
            let edge = Edge { by: by.clone(), at: event.time, maker: Arc::clone(&maker), usual };
            self.insert(child, edge);
        }
    }

    /// Of two records of one call (each account's copy) the one that knows the caller's credential says more. A password
    /// is what it was last set to, and a session name is used again.
    fn insert(&mut self, child: Node, edge: Edge) {
        let latest = matches!(child, Node::Password(_) | Node::Sessions(_));
        let rank = |edge: &Edge| (u8::from(edge.maker.credential.is_none()), edge.at, edge.by.clone());
        match self.edges.get_mut(&child) {
            Some(known) if !latest && rank(known) <= rank(&edge) => {}
            Some(known) => *known = edge,
            None => {
                self.edges.insert(child, edge);
            }
        }
    }

    /// How a node came into being: its own edge, or that of the user, role, password or workload behind it.
    pub(crate) fn origin(&self, node: &Node) -> Option<(&Node, &Edge)> {
        if let Some((own, edge)) = self.edges.get_key_value(node) {
            return Some((own, edge));
        }
        let seen = self.seen.get(node)?;
        origins(&seen.identity, seen.console).into_iter().find_map(|origin| self.edges.get_key_value(&origin))
    }

    /// From a node to its root: ancestors as long as each was made within a day before the time, and not by an older
    /// identity about its usual business: of a build that makes four hundred sessions, the one session is the root.
    /// A maker that is `suspected` of something itself is not about its usual business.
    pub(crate) fn path(&self, node: &Node, at: Seconds, suspected: impl Fn(&Node) -> bool) -> Vec<Node> {
        let mut path = vec![node.clone()];
        while let Some((origin, edge)) = path.last().and_then(|last| self.origin(last)) {
            if edge.at < at - RECENT
                || path.contains(&edge.by)
                || is_outside(&edge.maker)
                || (edge.usual && !suspected(&edge.by))
            {
                break;
            }
            if !path.contains(origin) {
                path.push(origin.clone());
            }
            path.push(edge.by.clone());
        }
        path
    }

    /// Whom a node was last seen as.
    pub(crate) fn identity(&self, node: &Node) -> Option<&Arc<Identity>> {
        self.seen.get(node).map(|seen| &seen.identity)
    }

    /// Forgets sessions that have ended, unless somebody keeps them.
    pub(crate) fn forget(&mut self, now: Seconds, kept: impl Fn(&Node) -> bool) {
        let since = now - LONGEST_SESSION - RECENT;
        let session = |node: &Node| match node {
            Node::Session(_) | Node::Sessions(_) => true,
            Node::Credential(key) => key.starts_with("AS") || key.starts_with("LS"),
            _ => false,
        };
        self.edges.retain(|node, edge| !session(node) || edge.at >= since || kept(node));
        self.seen.retain(|node, seen| seen.at >= since || kept(node));
        self.logins.retain(|_, logins| {
            logins.retain(|at| *at >= since);
            !logins.is_empty()
        });
    }
}

/// A successful sign-in to the console: it has no credential yet.
fn is_login(event: &Event) -> bool {
    event.shape.name == "ConsoleLogin" && event.shape.service() == "signin" && !event.shape.failed
}

/// One caller over its sessions: the principal, and for a role who took it on.
fn caller(identity: &Identity) -> String {
    let account = if identity.is_common() { &format!("\u{1f}{}", identity.account) } else { "" };
    format!("{}/{}{account}", identity.key, identity.session_name.as_deref().unwrap_or_default())
}

/// A caller of which the log at hand knows no credential: what it made is the root here, and it is named.
fn is_outside(maker: &Identity) -> bool {
    maker.credential.is_none()
        && matches!(
            maker.kind,
            PrincipalKind::Account | PrincipalKind::Federated | PrincipalKind::IdentityCenter | PrincipalKind::Unknown
        )
}

/// What credentials of an identity may come from where nobody is known to have minted them: nearest first.
fn origins(identity: &Identity, console: bool) -> Vec<Node> {
    let mut origins = Vec::new();
    origins.extend(identity.issued_to.as_ref().map(|issued_to| workload(issued_to, identity)));
    let name = identity.session.as_ref().and_then(|session| session.split('@').next());
    origins.extend(name.filter(|name| name.contains(':')).map(|name| Node::Sessions(name.to_owned())));
    if identity.kind == PrincipalKind::User && console && identity.credential_kind != CredentialKind::LongTerm {
        origins.push(password(&identity.arn));
    }
    if !identity.is_common() {
        origins.push(Node::Principal(identity.key.clone()));
    }
    origins
}

/// The principal that calls. What many accounts have in common is somebody else in each.
fn principal(event: &Event) -> Node {
    let identity = &event.identity;
    let account = if identity.is_common() { &format!("\u{1f}{}", event.place.account) } else { "" };
    Node::Principal(format!("{}{account}", identity.key))
}

/// Whether a record names the caller as its own account knows it. The copy of another account has only its id.
pub(crate) fn names_caller(actor: &Node, event: &Event) -> bool {
    event.identity.kind != PrincipalKind::Account || matches!(actor, Node::Principal(_))
}

/// What credentials are issued to. Where that is no ARN, it is the name of a session, which anybody can choose: it means
/// an instance of the caller's own account.
fn workload(issued_to: &str, identity: &Identity) -> Node {
    let is_arn = issued_to.starts_with("arn:");
    Node::Workload(if is_arn { issued_to.to_owned() } else { instance(&identity.account, issued_to) })
}

fn instance(account: &str, id: &str) -> String {
    format!("{account}:{id}")
}

fn password(user_arn: &str) -> Node {
    let account = user_arn.split(':').nth(4).unwrap_or_default();
    Node::Password(format!("{account}:{}", user_arn.rsplit('/').next().unwrap_or(user_arn)))
}

/// What an event brought into being that can act.
pub(crate) fn children(event: &Event) -> Vec<Node> {
    let Some(facts) = &event.facts else {
        return Vec::new();
    };
    let mut children: Vec<Node> = facts.opened.iter().cloned().map(Node::Door).collect();
    if let Some(minted) = &facts.minted {
        children.push(match &minted.credential {
            Some(key) => Node::Credential(key.clone()),
            None => password(&minted.arn),
        });
        children.extend(minted.session.clone().map(Node::Sessions));
    }
    for resource in &facts.created {
        match (&resource.principal, resource.kind.as_str()) {
            (Some(principal), _) => children.push(Node::Principal(principal.clone())),
            (None, "lambda:function" | "autoscaling:autoScalingGroup") => {
                children.push(Node::Workload(resource.arn.clone()))
            }
            (None, "ec2:instance") => {
                let account = resource.arn.split(':').nth(4).unwrap_or_default();
                children.extend(resource.arn.rsplit('/').next().map(|id| Node::Workload(instance(account, id))));
            }
            _ => {}
        }
    }
    children
}
