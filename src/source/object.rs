//! One thing to read, and the day AWS delivered it as its name tells.

use std::cmp::Ordering;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::archive::Member;

const MINUTES_PER_DAY: i64 = 24 * 60;

/// One thing to read: a file, a zip member, standard input or what AWS sent.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    name: String,
    place: Place,
    /// Minutes since 1970-01-01T00:00Z.
    delivered: Option<i64>,
    bytes: u64,
}

/// Where the bytes of an object are.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// The file whose path is the object's name.
    Named,
    /// A file whose path is not text, so the name is only an approximation.
    Path(PathBuf),
    /// A member of a zip archive.
    Member(Arc<Path>, Member),
    /// Standard input.
    Stdin,
    /// What came over the network and is held in memory.
    Memory(Arc<[u8]>),
    /// A zip archive without any file in it.
    EmptyArchive,
    /// Something that exists and cannot be opened, and why.
    Unreadable(String),
}

impl Object {
    pub(super) fn stdin() -> Self {
        Self::new("-".to_owned(), Place::Stdin, 0)
    }

    pub(super) fn file(path: PathBuf, bytes: u64) -> Self {
        match path.into_os_string().into_string() {
            Ok(name) => Self::new(name, Place::Named, bytes),
            Err(raw) => {
                let name = raw.to_string_lossy().into_owned();
                Self::new(name, Place::Path(PathBuf::from(raw)), bytes)
            }
        }
    }

    pub(super) fn member(archive: &Arc<Path>, member: Member) -> Self {
        let name = format!("{}!{}", archive.display(), member.name);
        let bytes = member.packed;
        Self::new(name, Place::Member(Arc::clone(archive), member), bytes)
    }

    /// What AWS sent, under a name by which a person finds it again.
    pub(crate) fn memory(name: String, bytes: impl Into<Arc<[u8]>>) -> Self {
        let bytes = bytes.into();
        let length = bytes.len() as u64;
        Self::new(name, Place::Memory(bytes), length)
    }

    pub(super) fn empty_archive(path: &Path, bytes: u64) -> Self {
        Self::new(path.display().to_string(), Place::EmptyArchive, bytes)
    }

    pub(super) fn unreadable(path: &Path, why: String) -> Self {
        Self::new(path.display().to_string(), Place::Unreadable(why), 0)
    }

    fn new(name: String, place: Place, bytes: u64) -> Self {
        let delivered = delivered_minute(base_name(&name));
        Self { name, place, delivered, bytes }
    }

    /// The object as shown to people: a path, `archive.zip!member` or `-`.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The day AWS delivered this file, in days since 1970-01-01, when its file name is one that
    /// AWS gives (`<account>_CloudTrail_<region>_YYYYMMDDTHHMMZ_<id>.json.gz`).
    pub(crate) fn delivered_day(&self) -> Option<i64> {
        self.delivered.map(|minute| minute.div_euclid(MINUTES_PER_DAY))
    }

    /// Size on disk in bytes; 0 where that is unknown.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// Order of delivery; what has no delivery time comes first.
    pub(super) fn order(&self, other: &Self) -> Ordering {
        self.delivered
            .cmp(&other.delivered)
            .then_with(|| base_name(&self.name).cmp(base_name(&other.name)))
            .then_with(|| self.name.cmp(&other.name))
    }
}

fn base_name(name: &str) -> &str {
    name.rsplit(['/', '\\', '!']).next().unwrap_or(name)
}

/// Minutes since 1970-01-01 in a delivery name. Unpacked copies (`.json`) keep their time.
fn delivered_minute(file_name: &str) -> Option<i64> {
    let stem = file_name.strip_suffix(".json.gz").or_else(|| file_name.strip_suffix(".json"))?;
    let mut parts = stem.split('_');
    let account = parts.next()?;
    if account.len() != 12 || !account.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    if parts.next()? != "CloudTrail" || parts.next()?.is_empty() {
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
    let (year, month, day) = (number(0, 4)?, number(4, 6)?, number(6, 8)?);
    let (hour, minute) = (number(9, 11)?, number(11, 13)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    if !(1..=12).contains(&month) || !(1..=last).contains(&day) || hour > 23 || minute > 59 {
        return None;
    }
    Some(days_since_1970(year, month, day) * MINUTES_PER_DAY + hour * 60 + minute)
}

/// Days since 1970-01-01 in the Gregorian calendar, with years counted from March so that the
/// leap day is a year's last.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::{Object, PathBuf};

    fn day(name: &str) -> Option<i64> {
        Object::file(PathBuf::from(name), 0).delivered_day()
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
}
