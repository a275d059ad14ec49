//! The wide table that the Cost Explorer page of the console saves: dates one way, services the other.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::fold::{Fold, Key};
use super::folded::Counts;
use super::layout::bare;
use super::value::{amount, day, kind, quoted, region};
use crate::cost::ledger::Entry;
use crate::cost::{Day, RecordType, usually_seen};

/// What a name of the other axis is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Axis {
    Service,
    Region,
    Account,
    UsageType,
    RecordType,
    /// Something that no series has.
    Other,
}

/// What the first cell of the header is about.
const AXES: [(&str, Axis); 12] = [
    ("service", Axis::Service),
    ("region", Axis::Region),
    ("linkedaccount", Axis::Account),
    ("linkedaccountname", Axis::Account),
    ("account", Axis::Account),
    ("usagetype", Axis::UsageType),
    ("chargetype", Axis::RecordType),
    ("recordtype", Axis::RecordType),
    ("instancetype", Axis::Other),
    ("usagetypegroup", Axis::Other),
    ("apioperation", Axis::Other),
    ("availabilityzone", Axis::Other),
];

/// Whether a header is one of this table.
pub(super) fn is_console(header: &[String]) -> bool {
    let [first, rest @ ..] = header else { return false };
    let totals = rest.iter().any(|name| is_total(name));
    let dates = rest.iter().filter(|name| day(title(name).0).is_some()).count();
    let known = AXES.iter().any(|(name, _)| *name == bare(first));
    known && (totals || (dates > 0 && dates == rest.iter().filter(|name| !is_total(name)).count()))
        || totals && rest.iter().filter_map(|name| title(name).1).count() > 0
}

/// What a table came to.
#[derive(Debug, Default)]
pub(super) struct Console {
    pub(super) fold: Fold,
    pub(super) counts: Counts,
}

/// Amounts by name on the other axis and day, with the currency of each.
type Amounts = BTreeMap<(String, &'static str, Day), Decimal>;

/// Reads a whole table.
pub(super) fn read(text: &[u8], separator: u8) -> Console {
    let mut console = Console::default();
    let mut rows = csv::ReaderBuilder::new().delimiter(separator).flexible(true).has_headers(false).from_reader(text);
    let mut records = Vec::new();
    for row in rows.byte_records() {
        match row {
            Ok(row) => {
                let line = row.position().map_or(0, csv::Position::line);
                let cells: Vec<String> = row
                    .iter()
                    .map(|cell| String::from_utf8_lossy(cell).trim().trim_start_matches('\u{feff}').to_owned())
                    .collect();
                records.push((line, cells));
            }
            Err(error) => console.counts.bad(error.to_string()),
        }
    }
    let mut records = records.into_iter();
    let Some((_, header)) = records.next() else { return console };
    let axis = header.first().and_then(|first| AXES.iter().find(|(name, _)| *name == bare(first)));
    let axis = axis.map_or(Axis::Other, |(_, axis)| *axis);
    let columns = columns(&header);
    let mut amounts = Amounts::new();
    for (line, cells) in records {
        console.record(line, &cells, &columns, &mut amounts);
    }
    let days: Vec<Day> = amounts.keys().map(|(_, _, day)| *day).collect();
    if are_months(&days) {
        let notes = vec!["holds months: only daily amounts can be judged".to_owned()];
        console.counts = Counts { notes, ..Counts::default() };
        return console;
    }
    for ((name, currency, usage), money) in amounts {
        console.fold.enter(&key(axis, &name, currency), usage, usually_seen(usage), money, Entry::LineItem);
    }
    console
}

/// A column with amounts: its number, its name and its currency where it says one.
struct Column {
    number: usize,
    title: String,
    day: Option<Day>,
    currency: &'static str,
}

/// The columns with amounts. Where some say a currency, the others are quantities.
fn columns(header: &[String]) -> Vec<Column> {
    let said = header.iter().find_map(|name| title(name).1);
    let parts = header.iter().enumerate().skip(1).filter(|(_, name)| !is_total(name));
    let some_say = parts.clone().any(|(_, name)| title(name).1.is_some());
    parts
        .filter_map(|(number, name)| {
            let (title, currency) = title(name);
            let day = day(title);
            let currency = match currency {
                None if some_say && day.is_none() => return None,
                None => said.unwrap_or("USD"),
                Some(currency) => currency,
            };
            Some(Column { number, title: title.to_owned(), day, currency })
        })
        .collect()
}

impl Console {
    fn record(&mut self, line: u64, cells: &[String], columns: &[Column], amounts: &mut Amounts) {
        let first = cells.first().map_or("", String::as_str);
        let own_day = day(first);
        let by_columns = columns.iter().any(|column| column.day.is_some());
        if is_total(first) || bare(first).ends_with("total") || cells.iter().all(String::is_empty) {
            return;
        }
        if own_day.is_none() && !by_columns {
            self.counts.bad(format!("line {line}: date {} is none", quoted(first)));
            return;
        }
        for column in columns {
            let Some(cell) = cells.get(column.number).filter(|cell| !cell.is_empty()) else { continue };
            let (name, usage) = match (column.day, own_day) {
                (Some(day), _) => (title(first).0, day),
                (None, Some(day)) => (column.title.as_str(), day),
                (None, None) => continue,
            };
            match amount(cell.trim_start_matches('$')) {
                Some(money) => {
                    self.counts.rows += 1;
                    *amounts.entry((name.to_owned(), column.currency, usage)).or_default() += money;
                }
                None => self.counts.bad(format!("line {line}: amount {} is no number", quoted(cell))),
            }
        }
    }
}

fn key<'a>(axis: Axis, name: &'a str, currency: &'a str) -> Key<'a> {
    let of = |wanted: Axis, value: &'a str| if axis == wanted { value } else { "" };
    let service = of(Axis::Service, name);
    Key {
        account: of(Axis::Account, account(name)),
        currency,
        service,
        region: of(Axis::Region, region(name)),
        usage_type: of(Axis::UsageType, name),
        record_type: match axis {
            Axis::RecordType => RecordType::parse(name),
            _ => kind("", service),
        },
        principal: "",
    }
}

/// The id in `Production (123456789012)`, else the whole name.
fn account(name: &str) -> &str {
    let mut digits = name.split(|letter: char| !letter.is_ascii_digit());
    digits.find(|digits| digits.len() == 12).unwrap_or(name)
}

/// Whether a row or column only adds others up.
fn is_total(name: &str) -> bool {
    let name = bare(title(name).0);
    name.starts_with("totalcost") || name == "total" || name.starts_with("totalusage")
}

/// A name without its currency, and the currency: `EC2-Instances($)`.
fn title(name: &str) -> (&str, Option<&'static str>) {
    let name = name.trim();
    for (sign, currency) in [
        ("$", "USD"),
        ("USD", "USD"),
        ("€", "EUR"),
        ("EUR", "EUR"),
        ("£", "GBP"),
        ("GBP", "GBP"),
        ("¥", "CNY"),
        ("CNY", "CNY"),
    ] {
        let bare = name.strip_suffix(')').and_then(|name| name.strip_suffix(sign)?.strip_suffix('('));
        if let Some(bare) = bare {
            return (bare.trim_end(), Some(currency));
        }
    }
    (name, None)
}

/// Whether days are the first of months, one month after the other.
fn are_months(days: &[Day]) -> bool {
    let mut days = days.to_vec();
    days.sort_unstable();
    days.dedup();
    days.len() > 1
        && days.iter().all(|day| crate::cost::date(*day).ends_with("-01"))
        && days.windows(2).all(|pair| matches!(pair, [first, second] if second - first >= 28))
}
