//! Amounts, days and kinds of charges out of text.

use std::str::FromStr as _;

use rust_decimal::Decimal;

use crate::cost::{Day, RecordType, date, day_of};
use crate::event::{Seconds, time};

/// No bill has a larger amount, 10^12; sums of what is below never leave the range of [`Decimal`].
const LARGEST: Decimal = Decimal::from_parts(0xd4a5_1000, 0xe8, 0, false, 0);
const LARGEST_FLOAT: f64 = 1e12;
/// Decimal places that are kept. No bill has as many, and sums stay exact in any order.
const PLACES: u32 = 15;
/// 2000-01-01 and 2106-01-01. The ledger's times end in 2106.
pub(super) const TIMES: std::ops::Range<Seconds> = 946_684_800..4_291_747_200;
/// How much of a text that cannot be read is shown.
const SHOWN: usize = 40;

/// An amount of money, also in scientific notation; none when it is no number or no possible amount.
pub(super) fn amount(text: &str) -> Option<Decimal> {
    let plain = Decimal::from_str(text).ok().filter(|_| !text.contains('_'));
    let amount = plain.or_else(|| scientific(text))?;
    let amount = if amount.scale() > PLACES { amount.round_dp(PLACES) } else { amount };
    (amount.abs() <= LARGEST).then_some(amount)
}

/// An amount as JSON has numbers, within the same bounds.
pub(super) fn float(value: &serde_json::Value) -> Result<Option<f64>, String> {
    match value.as_f64() {
        Some(amount) if amount.is_finite() && amount.abs() <= LARGEST_FLOAT => Ok(Some(amount)),
        Some(amount) => Err(format!("{amount:e} is no possible amount")),
        None => Ok(None),
    }
}

fn scientific(text: &str) -> Option<Decimal> {
    let (base, exponent) = text.split_once(['e', 'E'])?;
    let base = Decimal::from_str(base).ok()?.normalize();
    let exponent: i64 = exponent.parse().ok()?;
    let scale = i64::from(base.scale()).checked_sub(exponent)?;
    if base.is_zero() || scale > i64::from(Decimal::MAX_SCALE) + i64::from(PLACES) {
        return Some(Decimal::ZERO);
    }
    let digits = base.mantissa();
    if scale < 0 {
        let zeros = u32::try_from(-scale).ok()?;
        return Decimal::try_from_i128_with_scale(digits.checked_mul(10_i128.checked_pow(zeros)?)?, 0).ok();
    }
    let scale = u32::try_from(scale).ok()?;
    let lost = scale.saturating_sub(Decimal::MAX_SCALE);
    Decimal::try_from_i128_with_scale(digits / 10_i128.checked_pow(lost)?, scale - lost).ok()
}

/// A time, or the start of a day; a time without zone is UTC.
pub(super) fn seconds(text: &str) -> Option<Seconds> {
    let at = match text.as_bytes() {
        date @ [_, _, _, _, b'-', _, _, b'-', _, _] => {
            let mut whole = *b"0000-00-00T00:00:00Z";
            whole[..10].copy_from_slice(date);
            time::parse(std::str::from_utf8(&whole).ok()?)
        }
        _ => time::parse(text),
    };
    at.filter(|at| TIMES.contains(at))
}

/// The day, in UTC, of a date or a time.
pub(super) fn day(text: &str) -> Option<Day> {
    seconds(text).map(day_of)
}

/// What is wrong with an amount that was seen before its day began; a day of grace is for zones and clocks.
pub(super) fn early(usage: Day, seen: Seconds) -> Option<String> {
    let is_early = usage > day_of(seen) + 1;
    is_early.then(|| format!("{} is later than its time of sight, {}", date(usage), time::format(seen)))
}

/// The kind of a charge as the input spells it, else as the service's name tells.
pub(super) fn kind(record_type: &str, service: &str) -> RecordType {
    match record_type {
        "Usage" => RecordType::Usage,
        "" => by_service(service),
        other => RecordType::parse(other),
    }
}

/// Bills without record types list what is no usage as if it were a service.
fn by_service(service: &str) -> RecordType {
    let starts = |start: &str| service.get(..start.len()).is_some_and(|own| own.eq_ignore_ascii_case(start));
    let support = |name: &str| name.starts_with("AWS") && name.split([' ', '(', ')']).any(|word| word == "Support");
    match service {
        _ if ["Tax", "VAT", "GST"].iter().any(|tax| service.eq_ignore_ascii_case(tax)) => RecordType::Tax,
        _ if ["Refund", "Credit", "Discount"].iter().any(|start| starts(start)) => RecordType::Credit,
        _ if starts("Savings Plan") => RecordType::Commitment,
        _ if support(service) || service == "Amazon Registrar" => RecordType::Fee,
        _ => RecordType::Usage,
    }
}

/// A region, or nothing where the bill says that there is none.
pub(super) fn region(text: &str) -> &str {
    if text.eq_ignore_ascii_case("noregion") || text.eq_ignore_ascii_case("no region") { "" } else { text }
}

/// The region of an availability zone (`us-east-1a`) or a local zone (`us-west-2-lax-1a`).
pub(super) fn region_of(zone: &str) -> &str {
    let mut end = 0;
    for part in zone.split_inclusive('-') {
        let bare = part.trim_end_matches('-');
        let digits = bare.bytes().take_while(u8::is_ascii_digit).count();
        if digits > 0 {
            return zone.get(..end + digits).unwrap_or_default();
        }
        end += part.len();
    }
    ""
}

/// A piece of input as an error message quotes it.
pub(super) fn quoted(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{:?}...", text.get(..end).unwrap_or_default()),
        None => format!("{text:?}"),
    }
}
