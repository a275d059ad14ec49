//! `[[allow]]`: what somebody answers for, checked so that it stays small, owned and short.

use std::fmt;
use std::net::IpAddr;

use anyhow::{Result, anyhow};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde::{Deserialize, Serialize};

use super::Config;
use super::value::{Arn, Region, Words, day, one_or_many};
use crate::event::Seconds;

/// An entry ends at most so many days ahead.
pub(crate) const MOST_DAYS: i64 = 90;
/// What stands where a person has to say something.
pub(crate) const PLACEHOLDER: &str = "?";
/// Shorter prefixes tell no network from another.
const SHORTEST: [u8; 2] = [8, 16];

/// `[[allow]]`: a finding that somebody answers for. All that is given must hold for all that the finding rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Allow {
    /// The one principal: its exact ARN, for sessions of a role that of the role.
    pub principal: Arn,
    /// The one detector, by its name.
    pub detector: Words,
    /// From where: an address or a network such as `203.0.113.0/24`, or a list of them.
    #[serde(default, deserialize_with = "one_or_many", skip_serializing_if = "Vec::is_empty")]
    pub network: Vec<Network>,
    /// One region or a list.
    #[serde(default, deserialize_with = "one_or_many", skip_serializing_if = "Vec::is_empty")]
    pub region: Vec<Region>,
    /// What the call is about: a name or an ARN in which `*` stands for anything, or a list of them.
    #[serde(default, deserialize_with = "one_or_many", skip_serializing_if = "Vec::is_empty")]
    pub target: Vec<Words>,
    /// The change record that it belongs to, such as a ticket.
    pub change: Option<Words>,
    /// Who answers for it.
    pub owner: Words,
    /// Why it is fine.
    pub reason: Words,
    /// The day from which on it no longer holds, at most 90 days ahead: `"2027-01-31"`.
    #[serde(with = "day")]
    pub expires: Date,
}

impl Allow {
    /// From this second on it no longer holds.
    pub(crate) fn ends(&self) -> Seconds {
        self.expires.to_zoned(TimeZone::UTC).map_or(Seconds::MIN, |start| start.timestamp().as_second())
    }
}

/// Addresses with the same first bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Network {
    base: IpAddr,
    bits: u8,
}

impl Network {
    /// Whether an address is in it.
    pub(crate) fn holds(&self, address: IpAddr) -> bool {
        masked(address.to_canonical(), self.bits) == Some(self.base)
    }
}

impl TryFrom<String> for Network {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no address, nor a network such as 203.0.113.0/24");
        let (address, bits) = text.split_once('/').map_or((text.as_str(), None), |(base, bits)| (base, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let (all, least) = if address.is_ipv4() { (32, SHORTEST[0]) } else { (128, SHORTEST[1]) };
        let bits = bits.map_or(Ok(all), |bits| bits.parse::<u8>().map_err(|_| wrong()))?;
        let base = masked(address, bits).ok_or_else(wrong)?;
        if bits < least {
            return Err(format!("{text:?} is half of the internet; a network has a prefix of {least} bits or more"));
        }
        if base != address {
            return Err(format!("{text:?} begins at {base}; write {base}/{bits}, or {address} for one address"));
        }
        Ok(Self { base, bits })
    }
}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        network.to_string()
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.base, self.bits)
    }
}

/// An address with all but its first bits zero; none where it has not so many.
fn masked(address: IpAddr, bits: u8) -> Option<IpAddr> {
    let bits = u32::from(bits);
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32_u32.checked_sub(bits)?).unwrap_or(0);
            Some(IpAddr::V4((u32::from(address) & mask).into()))
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128_u32.checked_sub(bits)?).unwrap_or(0);
            Some(IpAddr::V6((u128::from(address) & mask).into()))
        }
    }
}

/// The first entry that allows more than it may: its key, and why.
pub(super) fn problem(config: &Config) -> Option<(String, String)> {
    let wrong = |(number, entry): (usize, &Allow)| {
        let (key, why) = too_much(entry)?;
        Some((format!("allow.{number}.{key}"), why))
    };
    config.allow.iter().enumerate().find_map(wrong)
}

fn too_much(entry: &Allow) -> Option<(&'static str, String)> {
    let principal = entry.principal.as_str();
    if principal.contains(['*', '?']) {
        let why = format!("{principal} is a pattern; name one principal exactly, and write an entry for each");
        return Some(("principal", why));
    }
    if principal.contains(":assumed-role/") {
        let role = crate::event::identity::role_arn(principal);
        return Some(("principal", format!("{principal} is a session; name its role, such as {role}")));
    }
    if entry.detector.as_str().contains('*') {
        return Some(("detector", "name one detector exactly; `stakeout detectors list` has them".to_owned()));
    }
    if let Some(all) = entry.target.iter().find(|target| target.as_str().chars().all(|c| c == '*')) {
        return Some(("target", format!("{:?} is everything; say what it is", all.as_str())));
    }
    let is_narrow =
        !entry.network.is_empty() || !entry.region.is_empty() || !entry.target.is_empty() || entry.change.is_some();
    (!is_narrow).then(|| {
        let why = "this allows whatever it does; add at least one of network, region, target and change";
        ("principal", why.to_owned())
    })
}

impl Config {
    /// Whether no entry of `[[allow]]` lasts too long, as of a time.
    ///
    /// # Errors
    /// The first that ends more than 90 days later, with its line.
    pub(crate) fn check_allow(&self, now: Seconds) -> Result<()> {
        let today = Timestamp::from_second(now).unwrap_or(Timestamp::MAX).to_zoned(TimeZone::UTC).date();
        let last = today.saturating_add(MOST_DAYS.days());
        match self.allow.iter().position(|entry| entry.expires > last) {
            None => Ok(()),
            Some(number) => Err(self.refused(
                &format!("allow.{number}.expires"),
                &format!("an entry holds for {MOST_DAYS} days at most; {last} is the last day that can stand here, and it can be renewed"),
            )),
        }
    }

    /// Whether every entry of `[[allow]]` says who answers for it and why.
    ///
    /// # Errors
    /// The first that still has what `stakeout tune` put there, with its line.
    pub(crate) fn check_owners(&self) -> Result<()> {
        let is_open = |text: &Words| text.as_str().trim_start().starts_with(PLACEHOLDER);
        let open = self.allow.iter().enumerate().find_map(|(number, entry)| {
            let key =
                [("owner", &entry.owner), ("reason", &entry.reason)].into_iter().find(|(_, text)| is_open(text))?;
            Some((format!("allow.{number}.{}", key.0), key.1.as_str().to_owned()))
        });
        match open {
            None => Ok(()),
            Some((key, text)) => {
                let why =
                    format!("{text:?} is what `stakeout tune` leaves open; say who answers for it, and why it is fine");
                Err(self.refused(&key, &why))
            }
        }
    }

    /// An error with its place in the file, or the name of its variable.
    fn refused(&self, key: &str, why: &str) -> anyhow::Error {
        match self.origins.of(key) {
            Some(origin) => anyhow!("{origin}: {key}: {why}"),
            None => anyhow!("{key}: {why}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(text: &str) -> Result<Network, String> {
        Network::try_from(text.to_owned())
    }

    #[test]
    fn a_network_holds_what_begins_like_it() {
        let holds = |text: &str, address: &str| network(text).unwrap().holds(address.parse().unwrap());
        assert!(holds("203.0.113.0/24", "203.0.113.255") && !holds("203.0.113.0/24", "203.0.114.0"));
        assert!(holds("203.0.113.7", "203.0.113.7") && !holds("203.0.113.7", "203.0.113.8"));
        assert!(holds("203.0.113.0/24", "::ffff:203.0.113.9"));
        assert!(holds("2001:db8::/32", "2001:db8:ffff::1") && !holds("2001:db8::/32", "2001:db9::"));
        assert!(!holds("2001:db8::/32", "203.0.113.9"));
        assert_eq!(network("203.0.113.7").unwrap().to_string(), "203.0.113.7/32");
    }

    #[test]
    fn what_is_no_network_is_refused_with_a_reason() {
        for (text, why) in [
            ("0.0.0.0/0", "half of the internet"),
            ("::/0", "half of the internet"),
            ("203.0.113.7/24", "write 203.0.113.0/24, or 203.0.113.7 for one address"),
            ("203.0.113.0/33", "is no address"),
            ("2001:db8::/129", "is no address"),
            ("203.0.113.0/", "is no address"),
            ("ec2.amazonaws.com", "is no address"),
            ("", "is no address"),
        ] {
            let refused = network(text).unwrap_err();
            assert!(refused.contains(why), "{text}: {refused}");
        }
    }
}
