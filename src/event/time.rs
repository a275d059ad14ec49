//! CloudTrail's times: nearly always `2024-08-01T13:33:28Z`, sometimes what an export made of it.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::{DAY, HOUR, Seconds};

/// Reads a time as CloudTrail and common exports write it; a time without zone is UTC. `None` when it is none.
pub(crate) fn parse(text: &str) -> Option<Seconds> {
    fast(text.as_bytes()).or_else(|| slow(text))
}

/// RFC 3339 in UTC.
pub(crate) fn format(time: Seconds) -> String {
    Timestamp::from_second(time).map_or_else(|_| String::from("invalid time"), |t| t.to_string())
}

fn fast(text: &[u8]) -> Option<Seconds> {
    let &[y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T', h1, h2, b':', n1, n2, b':', s1, s2, b'Z'] = text else {
        return None;
    };
    let number = |digits: &[u8]| {
        digits.iter().try_fold(0_i64, |sum, d| d.is_ascii_digit().then(|| sum * 10 + i64::from(d - b'0')))
    };
    let (year, month, day) = (number(&[y1, y2, y3, y4])?, number(&[m1, m2])?, number(&[d1, d2])?);
    let (hour, minute, second) = (number(&[h1, h2])?, number(&[n1, n2])?, number(&[s1, s2])?);
    let last = match month {
        2 => 28 + i64::from(year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if day < 1 || day > last || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    Some(days_from_civil(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second)
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar: years counted from March put the leap day last.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

fn slow(text: &str) -> Option<Seconds> {
    let text = text.trim();
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time.as_second());
    }
    let civil: DateTime = text.trim_end_matches(" UTC").parse().ok()?;
    civil.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp().as_second())
}

/// Reads a length of time such as `90d`, `12h`, `15m` or `30s`. `None` when it is none.
pub(crate) fn parse_duration(text: &str) -> Option<Seconds> {
    let unit = text.chars().last()?;
    let number = text.strip_suffix(unit)?.parse::<Seconds>().ok()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => HOUR,
        'd' => DAY,
        _ => return None,
    };
    number.checked_mul(seconds).filter(|total| *total >= 0)
}

/// Writes a length of time in the largest unit that holds it exactly: a day of 24 hours is `1d`.
pub(crate) fn format_duration(seconds: Seconds) -> String {
    match seconds {
        0 => "0s".to_owned(),
        _ if seconds % DAY == 0 => format!("{}d", seconds / DAY),
        _ if seconds % HOUR == 0 => format!("{}h", seconds / HOUR),
        _ if seconds % 60 == 0 => format!("{}m", seconds / 60),
        _ => format!("{seconds}s"),
    }
}

/// Lengths of time in files that people write, for `#[serde(with)]`.
pub(crate) mod duration {
    use serde::de::{Deserialize as _, Deserializer, Error as _};
    use serde::ser::Serializer;

    use super::{Seconds, format_duration, parse_duration};

    /// # Errors
    /// Where the text is no length of time.
    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Seconds, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse_duration(&text)
            .ok_or_else(|| D::Error::custom(format!("{text:?} is no duration such as 90d, 12h or 15m")))
    }

    /// # Errors
    /// Whatever the serializer says.
    pub(crate) fn serialize<S: Serializer>(seconds: &Seconds, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format_duration(*seconds))
    }
}

#[cfg(test)]
mod tests {
    use super::{format_duration, parse, parse_duration};
    use proptest::prelude::*;

    #[test]
    fn reads_what_exports_write() {
        assert_eq!(parse("2024-08-01T13:33:28Z"), Some(1_722_519_208));
        assert_eq!(parse("2024-11-26 19:29:38.000000000"), Some(1_732_649_378));
        assert_eq!(parse("2024-08-01T15:33:28+02:00"), Some(1_722_519_208));
        for bad in ["...", "redacted", "foo", "", "2024-02-30T00:00:00Z", "2024-08-01T25:00:00Z"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn lengths_of_time() {
        assert_eq!(["24h", "90s", "2d", "0m"].map(parse_duration), [Some(86_400), Some(90), Some(172_800), Some(0)]);
        for bad in ["", "5", "m", "-5m", "5 m", "5w", "9223372036854775807d", "5\u{e9}", "1.5h"] {
            assert_eq!(parse_duration(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn a_length_of_time_is_read_as_it_is_written(seconds in 0_i64..100_000_000) {
            prop_assert_eq!(parse_duration(&format_duration(seconds)), Some(seconds));
        }

        #[test]
        fn the_fast_path_agrees_with_the_library(time in -2_000_000_000_i64..8_000_000_000) {
            prop_assert_eq!(parse(&super::format(time)), Some(time));
        }
    }
}
