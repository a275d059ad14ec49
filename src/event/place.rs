//! Where a call came from and where it went.

use std::net::IpAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::networks::{Networks, Owner};

use super::Identity;
use super::about::About;
use super::identity::is_account;

/// Regions that every account has, unless it disabled them: those from before 2019-03-20.
/// <https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-regions.html>
pub(crate) const DEFAULT_REGIONS: [&str; 17] = [
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
    "ca-central-1",
    "sa-east-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "eu-central-1",
    "eu-north-1",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
];

/// Account and region of a call, the address it came from and what it is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Place {
    /// The account whose trail recorded it.
    pub account: String,
    /// `awsRegion`, as recorded.
    pub region: String,
    /// `sourceIPAddress`, as recorded: an address, a service name, or free text.
    pub source_ip: String,
    /// The IPv4 /24 or IPv6 /48 of a real address.
    pub network: Option<String>,
    /// The thing that the call is about, see [`super::about`]; members of a list are joined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// The role that it assumes or hands on, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Whose network it is, where a table was given that says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Arc<Owner>>,
}

impl Place {
    /// Puts the parts together and derives the network.
    pub(crate) fn new(account: &str, region: &str, source_ip: &str) -> Self {
        Self {
            account: account.to_owned(),
            region: region.to_owned(),
            source_ip: source_ip.to_owned(),
            network: network(source_ip),
            object: None,
            role: None,
            owner: None,
        }
    }

    /// The same place, for calls about a thing and a role.
    pub(crate) fn about(self, about: About) -> Self {
        Self { object: about.object, role: about.role, ..self }
    }

    /// The account of a caller from outside of the account that recorded the call.
    pub(crate) fn foreign<'i>(&self, caller: &'i Identity) -> Option<&'i str> {
        (is_account(&caller.account) && caller.account != self.account).then_some(&*caller.account)
    }

    /// The same with what a table says about the address.
    pub(crate) fn owned(mut self, networks: &Networks) -> Self {
        self.owner = self.address().and_then(|address| networks.owner(address));
        self
    }

    /// The autonomous system, as `AS64500`.
    pub(crate) fn asn(&self) -> Option<String> {
        self.owner.as_ref()?.asn.map(|asn| format!("AS{asn}"))
    }

    /// Who runs the network, where its autonomous system is known.
    pub(crate) fn operator(&self) -> Option<&Owner> {
        self.owner.as_deref().filter(|owner| owner.asn.is_some())
    }

    /// Two letters of a country.
    pub(crate) fn country(&self) -> Option<&str> {
        self.owner.as_ref()?.country.as_deref()
    }

    /// What the address belongs to: the autonomous system where a table says which, else the network.
    pub(crate) fn origin(&self) -> Option<String> {
        self.asn().or_else(|| self.network.clone())
    }

    /// The address, where a real one was recorded.
    pub(crate) fn address(&self) -> Option<&str> {
        self.network.as_ref().map(|_| first_address(&self.source_ip))
    }
}

/// Proxies leave several addresses in one string; the first is the caller's.
fn first_address(text: &str) -> &str {
    text.split(',').next().unwrap_or(text).trim()
}

fn network(source_ip: &str) -> Option<String> {
    match first_address(source_ip).parse().ok()? {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            Some(format!("{a}.{b}.{c}.0/24"))
        }
        IpAddr::V6(address) => {
            let [a, b, c, ..] = address.segments();
            Some(format!("{a:x}:{b:x}:{c:x}::/48"))
        }
    }
}
