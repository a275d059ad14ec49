//! CloudTrail's times: nearly always `2024-08-01T13:33:28Z`, sometimes what an export made of it.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::Seconds;

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

#[cfg(test)]
mod tests {
    use super::parse;
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

    proptest! {
        #[test]
        fn the_fast_path_agrees_with_the_library(time in -2_000_000_000_i64..8_000_000_000) {
            prop_assert_eq!(parse(&super::format(time)), Some(time));
        }
    }
}
