//! Slack, the channel with the buttons: where to, with what, and when.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Serialize, Serializer};

use super::Config;
use super::secret::Secret;
use super::value::{ChannelId, ShieldedUrl};
use crate::event::{DAY, HOUR, Seconds};

/// `[slack]`: the channel with the buttons. It is set up where `token` and `channel` are.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Slack {
    /// The bot's token (`xoxb-...`), by reference.
    pub token: Option<Secret>,
    /// The token for Socket Mode (`xapp-...`), by reference. Default: clicks come by HTTP (`stakeout serve --listen`).
    pub app_token: Option<Secret>,
    /// What requests of Slack are signed with, by reference. HTTP needs it, Socket Mode does not.
    pub signing_secret: Option<Secret>,
    /// The id of the channel for incidents, such as `C0123ABCD`.
    pub channel: Option<ChannelId>,
    /// The id of another channel for notices, which inform and never page. Default: they are not sent to Slack.
    pub notices: Option<ChannelId>,
    /// When the day's digest is sent, to the channel for notices, else to that for incidents: a time of day in UTC, or
    /// `off`. Default: `08:00`.
    pub digest: Daily,
    /// Slack's API: https, or http to this machine. Default: `https://slack.com/api`.
    pub api_url: Option<ShieldedUrl>,
}

/// What happens once a day, or never.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Daily {
    Off,
    /// Seconds since midnight, UTC.
    At(Seconds),
}

impl Default for Daily {
    fn default() -> Self {
        Self::At(8 * HOUR)
    }
}

impl Daily {
    /// The last time at which it was due; none: it never is.
    pub(crate) fn last(self, now: Seconds) -> Option<Seconds> {
        let Self::At(of_day) = self else { return None };
        let today = now.div_euclid(DAY) * DAY + of_day;
        Some(if today <= now { today } else { today - DAY })
    }

    /// `off`, or hours and minutes of two digits each.
    fn parse(text: &str) -> Option<Self> {
        if text == "off" {
            return Some(Self::Off);
        }
        let (hours, minutes) = text.split_once(':')?;
        let number = |text: &str, end: Seconds| {
            let is_plain = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse::<Seconds>().ok().filter(|number| is_plain && *number < end)
        };
        Some(Self::At(number(hours, 24)? * HOUR + number(minutes, 60)? * 60))
    }
}

impl fmt::Display for Daily {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("off"),
            Self::At(of_day) => write!(f, "{:02}:{:02}", of_day / HOUR, of_day % HOUR / 60),
        }
    }
}

impl<'de> Deserialize<'de> for Daily {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wrong = || D::Error::custom(format!("{text:?} is no time of day such as \"08:00\" (UTC), nor \"off\""));
        Self::parse(&text).ok_or_else(wrong)
    }
}

impl Serialize for Daily {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Whether somebody who may approve is named as a Slack user: `U` or `W`, capitals and digits.
pub(crate) fn is_slack_user(approver: &str) -> bool {
    is_id(approver, &['U', 'W'])
}

/// Whether they are named as a user group of Slack, whose members may approve: `S`, capitals and digits.
pub(crate) fn is_user_group(approver: &str) -> bool {
    is_id(approver, &['S'])
}

/// Whether a text is an id of Slack that begins with one of some letters. One without a digit is a name in capitals.
pub(super) fn is_id(text: &str, kinds: &[char]) -> bool {
    let is_part = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    text.starts_with(kinds) && text.bytes().all(is_part) && text.bytes().any(|byte| byte.is_ascii_digit())
}

/// What is set for Slack and does nothing without something else: its key, and why.
pub(super) fn problem(config: &Config) -> Option<(String, String)> {
    let Slack { token, app_token, signing_secret, channel, notices, .. } = &config.slack;
    let needs = |key: &str, what: &str| {
        Some((format!("slack.{key}"), format!("it does nothing without slack.{what}: set that too")))
    };
    let dependent = [
        ("channel", channel.is_some()),
        ("notices", notices.is_some()),
        ("app_token", app_token.is_some()),
        ("signing_secret", signing_secret.is_some()),
    ];
    for (key, _) in dependent.into_iter().filter(|(_, is_set)| *is_set) {
        if token.is_none() {
            return needs(key, "token");
        }
        if channel.is_none() {
            return needs(key, "channel");
        }
    }
    if token.is_some() && channel.is_none() {
        return needs("token", "channel");
    }
    if notices.is_some() && notices == channel {
        let why = "it is slack.channel, where incidents go; notices want a channel that wakes nobody";
        return Some(("slack.notices".to_owned(), why.to_owned()));
    }
    let group = config.approval.approvers.iter().find(|approver| is_user_group(approver.as_str()));
    group.filter(|_| token.is_none()).map(|group| {
        let why = format!("{group} is a user group of Slack, and only slack.token can tell who is in it");
        ("approval.approvers".to_owned(), why)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_day_comes_every_day() {
        let daily = Daily::parse("08:30").unwrap();
        assert_eq!((daily.to_string().as_str(), Daily::parse("off")), ("08:30", Some(Daily::Off)));
        let at = 8 * HOUR + 1_800;
        for (now, due) in [(at, at), (at + 1, at), (at - 1, at - DAY), (at + 5 * DAY, at + 5 * DAY), (-1, at - DAY)] {
            assert_eq!(daily.last(now), Some(due), "{now}");
        }
        assert_eq!(Daily::Off.last(0), None);
        for text in ["8:00", "24:00", "08:60", "08:00:00", "+8:00", "", ":", "Off", "0８:00"] {
            assert_eq!(Daily::parse(text), None, "{text}");
        }
    }

    #[test]
    fn ids_of_slack_are_told_from_names() {
        assert!(is_slack_user("U012AB3CD") && is_slack_user("W9") && is_user_group("S0614TZR7"));
        for name in ["ULLA", "SAM", "u0123", "S", "U-1", "S1 ", "anna", ""] {
            assert!(!is_slack_user(name) && !is_user_group(name), "{name}");
        }
    }
}
