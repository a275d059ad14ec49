//! Whom something is opened to.

use std::collections::BTreeSet;

/// A kind of those who are let in, from the narrowest to the widest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    /// Identities of accounts of one's own.
    Own,
    /// An AWS service.
    Service,
    /// An identity provider that the account trusts, as far as a condition lets it.
    Provider,
    /// The accounts of an organisation.
    Organisation,
    /// Whoever calls from some network or endpoint.
    Network,
    /// Identities of another account.
    AnotherAccount,
    /// Pipelines of everybody at a public code host.
    AnyPipeline,
    Everybody,
}

impl Kind {
    /// As rules spell it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Service => "service",
            Self::Provider => "provider",
            Self::Organisation => "organisation",
            Self::Network => "network",
            Self::AnotherAccount => "another-account",
            Self::AnyPipeline => "any-pipeline",
            Self::Everybody => "everybody",
        }
    }
}

/// Whom something is opened to: kinds, and accounts by number. Nobody, where it is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Reach {
    /// Kinds of those who are let in. The kinds of accounts come from [`Reach::settle`].
    pub kinds: BTreeSet<Kind>,
    /// Accounts, and canonical ids of accounts, whose identities are let in.
    pub accounts: BTreeSet<String>,
    /// Those of an account must know an external id.
    pub by_external_id: bool,
}

impl From<Kind> for Reach {
    fn from(kind: Kind) -> Self {
        Self { kinds: BTreeSet::from([kind]), ..Self::default() }
    }
}

impl Reach {
    /// One account.
    pub(crate) fn account(id: &str) -> Self {
        Self { accounts: BTreeSet::from([id.to_owned()]), ..Self::default() }
    }

    /// Adds others.
    pub(crate) fn add(&mut self, other: Self) {
        self.kinds.extend(other.kinds);
        self.accounts.extend(other.accounts);
        self.by_external_id |= other.by_external_id;
    }

    /// Whether nobody is let in.
    pub(crate) fn is_empty(&self) -> bool {
        self.kinds.is_empty() && self.accounts.is_empty()
    }

    /// The widest kind, where accounts count as accounts of others.
    fn width(&self) -> Option<Kind> {
        self.kinds.last().copied().max((!self.accounts.is_empty()).then_some(Kind::Own))
    }

    /// Tells accounts of one's own, those of AWS and those of others apart. Only those of others stay in `accounts`.
    pub(crate) fn settle(mut self, is_own: &dyn Fn(&str) -> bool) -> Self {
        for id in std::mem::take(&mut self.accounts) {
            if is_own(&id) {
                self.kinds.insert(Kind::Own);
            } else if OF_LOAD_BALANCING.contains(&id.as_str()) {
                self.kinds.insert(Kind::Service);
            } else {
                self.kinds.insert(Kind::AnotherAccount);
                self.accounts.insert(id);
            }
        }
        self
    }
}

/// What conditions leave of those whom a statement names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Limit {
    /// All of them.
    Any,
    Only(Reach),
}

impl Limit {
    /// Those who meet one or the other.
    pub(super) fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Only(mut one), Self::Only(other)) => {
                one.add(other);
                Self::Only(one)
            }
            _ => Self::Any,
        }
    }

    /// Those who meet both. Of two of different kinds the narrower one is as near as a document tells.
    pub(super) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Any, limit) | (limit, Self::Any) => limit,
            (Self::Only(one), Self::Only(other)) if one.kinds.is_empty() && other.kinds.is_empty() => {
                let accounts = one.accounts.intersection(&other.accounts).cloned().collect();
                Self::Only(Reach { accounts, ..Reach::default() })
            }
            (Self::Only(one), Self::Only(other)) => Self::Only(if one.width() <= other.width() { one } else { other }),
        }
    }
}

/// Accounts from which load balancers of older regions write their logs; every bucket for such logs names one.
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html>
const OF_LOAD_BALANCING: [&str; 26] = [
    "127311923021",
    "033677994240",
    "027434742980",
    "797873946194",
    "098369216593",
    "985666609251",
    "054676820928",
    "156460612806",
    "652711504416",
    "635631232127",
    "009996457667",
    "897822967062",
    "754344448648",
    "582318560864",
    "600734575887",
    "383597477331",
    "114774131450",
    "783225319266",
    "589379963580",
    "718504428378",
    "076674570225",
    "507241528517",
    "048591011584",
    "190560391635",
    "638102146993",
    "037604701340",
];
