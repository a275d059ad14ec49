//! How things are called in sentences.

use std::fmt::Display;

use rust_decimal::Decimal;

/// `functions` for two of `lambda:function`.
pub(crate) fn noun(kind: &str, count: usize) -> String {
    let name = kind.rsplit(':').next().unwrap_or(kind).replace('-', " ");
    match count {
        1 => name,
        _ if name.ends_with('y') && !["ay", "ey", "oy", "uy"].iter().any(|end| name.ends_with(end)) => {
            format!("{}ies", &name[..name.len() - 1])
        }
        _ => format!("{name}s"),
    }
}

/// `$10,200`, or with cents where it is little.
pub(crate) fn dollars(amount: f64) -> String {
    if amount < 10.0 { format!("${amount:.2}") } else { format!("${}", grouped(amount.round() as u64)) }
}

/// What something costs by the hour, in US dollars.
pub(crate) fn burn(usd_per_hour: f64) -> String {
    match usd_per_hour {
        0.0 => "nothing any more, as far as the log says".to_owned(),
        burn => format!("up to {} an hour at list prices, an estimate", dollars(burn)),
    }
}

/// `1 day`, `2 days`.
pub(crate) fn counted(count: impl TryInto<usize> + Display + Copy, name: &str) -> String {
    format!("{count} {}", noun(name, count.try_into().unwrap_or(usize::MAX)))
}

/// `10,200`.
pub(crate) fn grouped(number: u64) -> String {
    separated(&number.to_string())
}

fn separated(digits: &str) -> String {
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `$1,234.50`, `$45,678` or `12.30 EUR`, for a currency by its ISO 4217 code; cents where they matter.
pub(crate) fn money(amount: f64, currency: &str) -> String {
    let cents = (amount.abs() * 100.0).round();
    let sign = if amount < 0.0 && cents > 0.0 { "-" } else { "" };
    let digits = if cents < 1_000_000.0 {
        format!("{}.{:02}", grouped((cents / 100.0).trunc() as u64), cents % 100.0)
    } else {
        grouped((cents / 100.0).round() as u64)
    };
    signed(sign, &digits, currency)
}

/// The same with all cents of an exact amount: `$45,678.90`, `<$0.01`.
pub(crate) fn money_exact(amount: Decimal, currency: &str) -> String {
    let number = number(amount);
    let digits = number.trim_start_matches(['-', '<']);
    signed(number.get(..number.len() - digits.len()).unwrap_or_default(), digits, currency)
}

fn signed(sign: &str, digits: &str, currency: &str) -> String {
    match currency {
        "USD" => format!("{sign}${digits}"),
        "" => format!("{sign}{digits}"),
        other => format!("{sign}{digits} {other}"),
    }
}

/// An amount without its currency: `1,234.56`. What is less than half a cent and not nothing is `<0.01`.
pub(crate) fn number(amount: Decimal) -> String {
    let rounded = amount.round_dp(2);
    if rounded.is_zero() && amount > Decimal::ZERO {
        return "<0.01".to_owned();
    }
    let text = format!("{:.2}", rounded.abs());
    let (whole, cents) = text.split_once('.').unwrap_or((&text, "00"));
    let sign = if rounded < Decimal::ZERO { "-" } else { "" };
    format!("{sign}{}.{cents}", separated(whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_read_as_people_write_them() {
        for (cents, expected) in [(0, "0.00"), (5, "0.05"), (123_456_789, "1,234,567.89"), (-1_200, "-12.00")] {
            assert_eq!(number(Decimal::new(cents, 2)), expected);
        }
        assert_eq!((number(Decimal::new(1, 4)), number(Decimal::new(-1, 4))), ("<0.01".into(), "0.00".into()));
        for (amount, both) in [(1234.5, "$1,234.50"), (-5.0, "-$5.00"), (0.0, "$0.00"), (-0.001, "$0.00")] {
            assert_eq!(money(amount, "USD"), both);
            assert_eq!(money_exact(Decimal::try_from(amount).unwrap(), "USD"), both);
        }
        assert_eq!((money(45_678.9, "USD"), money(12.3, "EUR")), ("$45,679".into(), "12.30 EUR".into()));
        assert_eq!(money_exact(Decimal::new(4_567_890, 2), "USD"), "$45,678.90");
        assert_eq!(money_exact(Decimal::new(1, 4), "EUR"), "<0.01 EUR");
    }

    #[test]
    fn things_are_counted() {
        assert_eq!(
            (counted(1_u64, "cost row"), counted(0_usize, "anomaly")),
            ("1 cost row".into(), "0 anomalies".into())
        );
        assert_eq!((counted(2_i64, "day"), counted(-1_i64, "day")), ("2 days".into(), "-1 days".into()));
    }
}
