//! Who minted, created or assumed whom: deterministic joins over what calls return.

use std::sync::Arc;

use ahash::AHashMap;

use crate::event::{CredentialKind, DAY, Event, Identity, PrincipalKind, Seconds};

/// Something that acts, or that something acting can be traced to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Node {
    /// An access key id, long-term or session.
    Credential(String),
    /// A session whose keys the console draws as it likes: principal id and start.
    Session(String),
    /// A user, role or root, by stable id.
    Principal(String),
    /// The console password of a user, by the user's ARN.
    Password(String),
    /// A function or instance that credentials are issued to: ARN or instance id.
    Workload(String),
}

/// How a node came into being.
#[derive(Debug, Clone)]
pub(crate) struct Edge {
    pub by: Node,
    pub at: Seconds,
    /// Who made it.
    pub maker: Arc<Identity>,
}

/// How far an ancestor may lie back and still be part of the story.
const RECENT: Seconds = DAY;
/// Session credentials live 36 hours at most (`GetFederationToken`).
const LONGEST_SESSION: Seconds = DAY + DAY / 2;

/// The graph. Built in any order of insertion, asked for the past only.
#[derive(Default)]
pub(crate) struct Lineage {
    edges: AHashMap<Node, Edge>,
    /// Whom each acting node was last seen as.
    identities: AHashMap<Node, (Seconds, Arc<Identity>)>,
}

impl Lineage {
    /// The node that acts in an event.
    pub(crate) fn actor(&self, event: &Event) -> Node {
        let identity = &event.identity;
        let Some(credential) = &identity.credential else {
            return Node::Principal(identity.key.clone());
        };
        let node = Node::Credential(credential.clone());
        match &identity.session {
            Some(session) if identity.credential_kind == CredentialKind::Session && !self.edges.contains_key(&node) => {
                Node::Session(session.clone())
            }
            _ => node,
        }
    }

    /// The nodes through which an event's caller can be a member of a case: itself, and what its credentials come from.
    pub(crate) fn claims(&self, actor: &Node, event: &Event) -> Vec<Node> {
        std::iter::once(actor.clone()).chain(origins(&event.identity)).collect()
    }

    /// Learns from one event.
    pub(crate) fn observe(&mut self, actor: &Node, event: &Event) {
        self.identities.insert(actor.clone(), (event.time, Arc::clone(&event.identity)));
        if event.identity.kind == PrincipalKind::Service {
            return;
        }
        for child in children(event) {
            let edge = Edge { by: actor.clone(), at: event.time, maker: Arc::clone(&event.identity) };
            self.insert(child, edge);
        }
    }

    /// Of two records of one call (each account's copy) the one that knows the caller's credential says more.
    fn insert(&mut self, child: Node, edge: Edge) {
        let rank = |edge: &Edge| (u8::from(edge.maker.credential.is_none()), edge.at, edge.by.clone());
        match self.edges.get_mut(&child) {
            Some(known) if rank(known) <= rank(&edge) => {}
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
        let (_, identity) = self.identities.get(node)?;
        origins(identity).into_iter().find_map(|origin| self.edges.get_key_value(&origin))
    }

    /// From a node to its root: ancestors as long as each was made within a day before the time.
    pub(crate) fn path(&self, node: &Node, at: Seconds) -> Vec<Node> {
        let mut path = vec![node.clone()];
        while let Some((origin, edge)) = path.last().and_then(|last| self.origin(last)) {
            if edge.at < at - RECENT || path.contains(&edge.by) || is_outside(&edge.maker) {
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
        self.identities.get(node).map(|(_, identity)| identity)
    }

    /// Forgets sessions that have ended, unless somebody keeps them.
    pub(crate) fn forget(&mut self, now: Seconds, kept: impl Fn(&Node) -> bool) {
        let over = |node: &Node, at: Seconds| {
            let session = matches!(node, Node::Session(_))
                || matches!(node, Node::Credential(key) if key.starts_with("AS") || key.starts_with("LS"));
            session && at < now - LONGEST_SESSION - RECENT
        };
        self.edges.retain(|node, edge| !over(node, edge.at) || kept(node));
        self.identities.retain(|node, (at, _)| *at >= now - LONGEST_SESSION - RECENT || kept(node));
    }
}

/// A caller of which the log at hand knows no credential: what it made is the root here, and it is named.
fn is_outside(maker: &Identity) -> bool {
    maker.credential.is_none()
        && matches!(
            maker.kind,
            PrincipalKind::Account | PrincipalKind::Federated | PrincipalKind::IdentityCenter | PrincipalKind::Unknown
        )
}

/// What credentials of an identity may come from, besides being minted: nearest first.
fn origins(identity: &Identity) -> Vec<Node> {
    let mut origins = Vec::new();
    origins.extend(identity.issued_to.clone().map(Node::Workload));
    let instance = identity.session_name.as_ref().filter(|name| name.starts_with("i-"));
    origins.extend(instance.cloned().map(Node::Workload));
    origins.push(Node::Principal(identity.key.clone()));
    if identity.kind == PrincipalKind::User && identity.credential_kind != CredentialKind::LongTerm {
        origins.push(Node::Password(identity.arn.clone()));
    }
    origins
}

/// What an event brought into being that can act.
pub(crate) fn children(event: &Event) -> Vec<Node> {
    let Some(facts) = &event.facts else {
        return Vec::new();
    };
    let mut children = Vec::new();
    if let Some(minted) = &facts.minted {
        children.push(match &minted.credential {
            Some(key) => Node::Credential(key.clone()),
            None => Node::Password(minted.arn.clone()),
        });
    }
    for resource in &facts.created {
        match (&resource.principal, resource.kind.as_str()) {
            (Some(principal), _) => children.push(Node::Principal(principal.clone())),
            (None, "lambda:function") => children.push(Node::Workload(resource.arn.clone())),
            (None, "ec2:instance") => {
                children.extend(resource.arn.rsplit('/').next().map(|id| Node::Workload(id.to_owned())))
            }
            _ => {}
        }
    }
    children
}
