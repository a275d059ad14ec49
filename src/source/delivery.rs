//! What names and paths of AWS's delivery tree tell:
//! `[prefix/]AWSLogs/[o-id/]ACCOUNT/CloudTrail/REGION/YYYY/MM/DD/ACCOUNT_CloudTrail_REGION_YYYYMMDDTHHMMZ_ID.json.gz`.

use crate::event::identity::is_account;

/// What lies beside `CloudTrail/` below an account and holds no events of it. What is not known here is read.
const OTHERS: [&str; 14] = [
    "CloudTrail-Aggregated",
    "CloudTrail-Digest",
    "CloudTrail-Insight",
    "Config",
    "GuardDuty",
    "WAFLogs",
    "elasticloadbalancing",
    "network-firewall",
    "redshift",
    "transitgateway",
    "verified-access",
    "vpc-lattice",
    "vpcdnsquerylogs",
    "vpcflowlogs",
];
const LOGS: &str = "CloudTrail";
const ROOT: &str = "AWSLogs";
const MINUTES_PER_DAY: i64 = 24 * 60;

/// How deep in the delivery tree a folder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    /// `AWSLogs/`, or that of an organisation below it: accounts lie here.
    Root,
    Account,
    /// `CloudTrail/`.
    Logs,
    /// The logs of something else that are not events.
    Other,
    Region,
    Year,
    Month,
    /// Of a day, or deeper.
    Day,
    /// Nothing of the tree, or nothing that is known of it.
    Elsewhere,
}

/// Where a path is in the delivery tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Delivery<'p> {
    pub(super) level: Level,
    pub(super) account: Option<&'p str>,
    /// First and last day of the folders in the path, in days since 1970, where they name a time.
    pub(super) days: Option<(i64, i64)>,
}

impl<'p> Delivery<'p> {
    /// Of the folder that a path is.
    pub(super) fn of_folder(path: &'p str) -> Self {
        let parts: Vec<_> = path.split(['/', '\\', '!']).filter(|part| !part.is_empty()).collect();
        Self::of(&parts)
    }

    /// Of the folder that a file is in.
    pub(super) fn of_file(path: &'p str) -> Self {
        let mut parts: Vec<_> = path.split(['/', '\\', '!']).filter(|part| !part.is_empty()).collect();
        parts.pop();
        Self::of(&parts)
    }

    fn of(parts: &[&'p str]) -> Self {
        let is_root = |at: usize| match parts.get(at) {
            Some(&ROOT) => true,
            Some(part) => part.starts_with("o-") && at > 0 && parts.get(at - 1) == Some(&ROOT),
            None => false,
        };
        let is_place = |at: &usize| {
            let is_beside = parts.get(at + 1).is_some_and(|part| part.starts_with(LOGS));
            parts.get(*at).is_some_and(|part| is_account(part)) && (is_beside || *at > 0 && is_root(at - 1))
        };
        let Some(at) = (0..parts.len()).find(is_place) else {
            let ends = !parts.is_empty() && is_root(parts.len() - 1);
            let level = if ends { Level::Root } else { Level::Elsewhere };
            return Self { level, account: None, days: None };
        };
        let account = parts.get(at).copied();
        let days = match parts.get(at + 1) {
            Some(&LOGS) => parts.get(at + 3..).and_then(span),
            _ => None,
        };
        let level = match (parts.get(at + 1), parts.len() - at) {
            (None, _) => Level::Account,
            (Some(part), _) if OTHERS.contains(part) => Level::Other,
            (Some(&LOGS), 2) => Level::Logs,
            (Some(&LOGS), 3) => Level::Region,
            (Some(&LOGS), deep) if days.is_some() => match deep {
                4 => Level::Year,
                5 => Level::Month,
                _ => Level::Day,
            },
            _ => Level::Elsewhere,
        };
        Self { level, account, days }
    }
}

/// First and last day of `YYYY`, `YYYY/MM` or `YYYY/MM/DD`.
fn span(parts: &[&str]) -> Option<(i64, i64)> {
    let number = |at: usize, digits: usize| {
        let part: &str = parts.get(at)?;
        (part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit())).then(|| part.parse::<i64>().ok())?
    };
    let year = number(0, 4)?;
    if parts.len() == 1 {
        return Some((day_of(year, 1, 1)?, day_of(year, 12, 31)?));
    }
    let month = number(1, 2)?;
    if parts.len() == 2 {
        return Some((day_of(year, month, 1)?, day_of(year, month, last_of(year, month))?));
    }
    let day = day_of(year, month, number(2, 2)?)?;
    Some((day, day))
}

/// The last part of a name.
pub(crate) fn base_name(name: &str) -> &str {
    name.rsplit(['/', '\\', '!']).next().unwrap_or(name)
}

/// The account that a file's own name begins with.
pub(crate) fn account_of(file_name: &str) -> Option<&str> {
    let (account, rest) = file_name.split_once('_')?;
    (is_account(account) && rest.starts_with(LOGS)).then_some(account)
}

/// Whether a file's own name says that it holds no events: a digest, an insight.
pub(super) fn is_aside(file_name: &str) -> bool {
    let kind = file_name.split('_').nth(1);
    account_of(file_name).is_some() && kind.is_some_and(|kind| OTHERS.contains(&kind))
}

/// Minutes since 1970-01-01 in a delivery name. Unpacked copies (`.json`) keep their time.
pub(super) fn delivered_minute(file_name: &str) -> Option<i64> {
    let stem = file_name.strip_suffix(".json.gz").or_else(|| file_name.strip_suffix(".json"))?;
    let mut parts = stem.split('_');
    if !is_account(parts.next()?) || parts.next()? != LOGS || parts.next()?.is_empty() {
        return None;
    }
    let time = parts.next()?;
    if parts.next()?.is_empty() || parts.next().is_some() {
        return None;
    }
    minute_of(time)
}

/// Minutes since 1970-01-01 of `YYYYMMDDTHHMMZ`.
fn minute_of(time: &str) -> Option<i64> {
    if time.len() != 14 || !time.is_ascii() || &time[8..9] != "T" || !time.ends_with('Z') {
        return None;
    }
    let number = |from: usize, to: usize| -> Option<i64> {
        let digits = &time[from..to];
        let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| digits.parse().ok()).flatten()
    };
    let day = day_of(number(0, 4)?, number(4, 6)?, number(6, 8)?)?;
    let (hour, minute) = (number(9, 11)?, number(11, 13)?);
    (hour <= 23 && minute <= 59).then_some(day * MINUTES_PER_DAY + hour * 60 + minute)
}

/// The last day of a month.
fn last_of(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 in the Gregorian calendar, with years counted from March so that the
/// leap day is a year's last.
fn day_of(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1..=12).contains(&month) || !(1..=last_of(year, month)).contains(&day) {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some(365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + day_of_year - 719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(name: &str) -> Option<i64> {
        delivered_minute(base_name(name)).map(|minute| minute.div_euclid(MINUTES_PER_DAY))
    }

    #[test]
    fn delivery_names_tell_the_day() {
        let name = "123456789012_CloudTrail_us-east-1_19700102T2359Z_abc.json.gz";
        assert_eq!(day(name), Some(1));
        assert_eq!(day(&format!("/tree/AWSLogs/{name}")), Some(1));
        assert_eq!(day("123456789012_CloudTrail_us-east-1_20240229T0005Z_a.json"), Some(19_782));
    }

    #[test]
    fn other_names_do_not() {
        for name in [
            "events.json.gz",
            "123456789012_CloudTrail-Digest_us-east-1_t_us-east-1_20240101T000000Z.json.gz",
            "123456789012_CloudTrail_us-east-1_20240230T0005Z_a.json.gz",
            "123456789012_CloudTrail_us-east-1_20241301T0005Z_a.json.gz",
            "123456789012_CloudTrail_us-east-1_+0240101T0005Z_a.json.gz",
            "123456789012_CloudTrail_us-east-1_20240101T0005Z.json.gz",
        ] {
            assert_eq!(day(name), None, "{name}");
        }
    }

    #[test]
    fn folders_tell_account_and_days() {
        fn of(path: &str) -> (Level, &str, Option<(i64, i64)>) {
            let delivery = Delivery::of_folder(path);
            (delivery.level, delivery.account.unwrap_or_default(), delivery.days)
        }
        let account = "111122223333";
        assert_eq!(of("s3://b/p/AWSLogs/"), (Level::Root, "", None));
        assert_eq!(of("s3://b/AWSLogs/o-abc/"), (Level::Root, "", None));
        assert_eq!(of("s3://b/o-abc/"), (Level::Elsewhere, "", None));
        assert_eq!(of("AWSLogs/o-abc/111122223333/"), (Level::Account, account, None));
        assert_eq!(of("111122223333/"), (Level::Elsewhere, "", None));
        assert_eq!(of("logs/111122223333/CloudTrail/"), (Level::Logs, account, None));
        assert_eq!(of("AWSLogs/111122223333/vpcflowlogs/eu-west-1/"), (Level::Other, account, None));
        assert_eq!(of("AWSLogs/111122223333/CloudTrail-Lake/Query/"), (Level::Elsewhere, account, None));
        let region = "AWSLogs/111122223333/CloudTrail/eu-west-1";
        assert_eq!(of(region), (Level::Region, account, None));
        assert_eq!(of(&format!("{region}/1970")), (Level::Year, account, Some((0, 364))));
        assert_eq!(of(&format!("{region}/1972/02/")), (Level::Month, account, Some((761, 789))));
        assert_eq!(of(&format!("{region}/1970/01/02/")), (Level::Day, account, Some((1, 1))));
        assert_eq!(of(&format!("{region}/1970/13/")), (Level::Elsewhere, account, None));
        assert_eq!(of(&format!("{region}/notes/")), (Level::Elsewhere, account, None));
    }

    #[test]
    fn files_that_hold_no_events_say_so() {
        assert!(is_aside("123456789012_CloudTrail-Digest_us-east-1_t_us-east-1_20240101T000000Z.json.gz"));
        for name in ["123456789012_CloudTrail_us-east-1_20240101T0005Z_a.json.gz", "CloudTrail-Digest.json", ""] {
            assert!(!is_aside(name), "{name}");
        }
    }
}
