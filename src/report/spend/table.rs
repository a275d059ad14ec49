//! A bill on a terminal: a line for each series, and what is unusual.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io::{self, Write};

use console::{Style, measure_text_width};

use super::chart::sparkline;
use super::view::{Bill, Row, Subject, View};
use super::{Accounting, SpendReport};
use crate::cost::{Day, date};
use crate::model::escape::terminal;
use crate::model::{Finding, Level, Spend, counted, money, money_exact, number};
use crate::report::Look;
use crate::report::page::write_wrapped;
use crate::report::table::level_style;

/// Groups of findings that are listed; the rest is counted.
const LISTED: usize = 10;
/// Places of a group that are named beside the first.
const PLACES: usize = 5;
/// The least columns of a chart.
const CHART: usize = 8;

pub(super) fn write(report: &SpendReport, look: Look, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page { out, width: look.columns.clamp(40, 160), color: look.color };
    for bill in &report.view.bills {
        page.bill(bill)?;
    }
    if let Some((service, view)) = &report.usage_types {
        page.usage_types(service, view)?;
    }
    page.findings(&report.findings, !report.view.bills.is_empty())?;
    page.accounting(&report.accounting)
}

struct Page<'a> {
    out: &'a mut dyn Write,
    width: usize,
    color: bool,
}

/// Widths of the columns, in characters.
struct Layout {
    service: usize,
    region: usize,
    chart: usize,
    amount: usize,
    usual: usize,
    mark: usize,
}

impl Page<'_> {
    fn bill(&mut self, bill: &Bill) -> io::Result<()> {
        let account = if bill.account.is_empty() { "not named" } else { &bill.account };
        let title = format!("Account {account}, {}", currency(bill));
        let bold = Style::new().bold().force_styling(self.color);
        writeln!(self.out, "{}", bold.apply_to(cut(&terminal(&title), self.width)))?;
        let days = counted(bill.last - bill.first + 1, "day");
        let mut parts = vec![format!("usage {}", money_exact(bill.usage, &bill.currency))];
        let others = bill.others.iter().filter(|(_, amount)| !amount.is_zero());
        parts
            .extend(others.map(|(kind, amount)| format!("{} {}", kind.as_str(), money_exact(*amount, &bill.currency))));
        let span = format!("{} to {}", date(bill.first), date(bill.last));
        self.wrapped("  ", &format!("{span}, {days}: {}", parts.join(", ")))?;
        writeln!(self.out)?;
        let layout = self.layout(bill);
        self.head(bill, &layout)?;
        self.row(bill, &bill.daily, &layout)?;
        for row in &bill.rows {
            self.row(bill, row, &layout)?;
        }
        let (series, spent) = bill.left;
        if series > 0 {
            let spent = money_exact(spent, &bill.currency);
            let what = if series == 1 { "one more series" } else { "more series" };
            let count = if series == 1 { String::new() } else { format!("{series} ") };
            self.wrapped("  ", &format!("and {count}{what}, {spent} in these days"))?;
        }
        writeln!(self.out)
    }

    fn usage_types(&mut self, service: &str, view: &View) -> io::Result<()> {
        let bold = Style::new().bold().force_styling(self.color);
        writeln!(self.out, "{}", bold.apply_to(cut(&terminal(&format!("{service} by usage type")), self.width)))?;
        if view.bills.is_empty() {
            self.wrapped("  ", "nothing; the service is to be named as on the bill")?;
            return writeln!(self.out);
        }
        for bill in &view.bills {
            self.bill(bill)?;
        }
        Ok(())
    }

    /// Numbers and marks take what they need; names and the chart share the rest.
    fn layout(&self, bill: &Bill) -> Layout {
        let rows = || bill.rows.iter().chain([&bill.daily]);
        let widest =
            |text: &dyn Fn(&Row) -> String| rows().map(|row| measure_text_width(&text(row))).max().unwrap_or(0);
        let amount = widest(&|row| number(row.on(bill.last))).max(5);
        let usual = widest(&|row| usual(bill, row)).max(5);
        let mark = widest(&mark);
        let names_region = |row: &Row| row.subject.region.as_deref().is_some_and(|region| !region.is_empty());
        let region = if rows().any(names_region) { widest(&|row| region(&row.subject)) } else { 0 };
        let service = widest(&|row| name(&row.subject));
        let days = usize::try_from(bill.last - bill.from + 1).unwrap_or(1);
        let gaps = 2 + 2 * 3 + if region > 0 { 2 } else { 0 } + if mark > 0 { 2 } else { 0 };
        let rest = self.width.saturating_sub(gaps + amount + usual + mark);
        let region = region.min(rest / 3);
        let rest = rest - region;
        let service = service.min(rest.saturating_sub(days).max(rest / 2 + 2));
        let chart = days.min(rest.saturating_sub(service).max(CHART));
        Layout { service, region, chart, amount, usual, mark }
    }

    fn head(&mut self, bill: &Bill, layout: &Layout) -> io::Result<()> {
        let last = date(bill.last).get(5..).unwrap_or_default().to_owned();
        let chart = counted(layout.chart, "day");
        let dim = Style::new().dim();
        self.cells(layout, ["", "", &chart, &last, "usual"], ("", dim.clone()), &dim)
    }

    fn row(&mut self, bill: &Bill, row: &Row, layout: &Layout) -> io::Result<()> {
        let days = Day::try_from(layout.chart).unwrap_or(1);
        let amounts: Vec<_> = (bill.last - days + 1..=bill.last).map(|day| row.on(day)).collect();
        let style = row.mark.map_or_else(Style::new, |mark| level_style(mark.level));
        let cells = [
            name(&row.subject),
            region(&row.subject),
            sparkline(&amounts),
            number(row.on(bill.last)),
            usual(bill, row),
        ];
        self.cells(layout, cells.each_ref().map(String::as_str), (&mark(row), style), &Style::new())
    }

    fn cells(&mut self, layout: &Layout, cells: [&str; 5], mark: (&str, Style), style: &Style) -> io::Result<()> {
        let [name, region, chart, amount, usual] = cells;
        let mut line = format!("  {}", left(name, layout.service));
        if layout.region > 0 {
            line.push_str(&format!("  {}", left(region, layout.region)));
        }
        let (amount, usual) = (right(amount, layout.amount), right(usual, layout.usual));
        line.push_str(&format!("  {}  {amount}  {usual}", left(chart, layout.chart)));
        let line = style.clone().force_styling(self.color).apply_to(line);
        if layout.mark == 0 || mark.0.is_empty() {
            return writeln!(self.out, "{line}");
        }
        writeln!(self.out, "{line}  {}", mark.1.force_styling(self.color).apply_to(mark.0))
    }

    fn findings(&mut self, findings: &[Finding], any: bool) -> io::Result<()> {
        let bold = Style::new().bold().force_styling(self.color);
        if findings.is_empty() {
            let text = if any { "Nothing unusual." } else { "No bill." };
            return writeln!(self.out, "{}", bold.apply_to(text));
        }
        let (notices, pages): (Vec<_>, Vec<_>) = findings.iter().partition(|finding| finding.notice);
        let title = format!("Unusual: {}, {}", counted(pages.len(), "finding"), counted(notices.len(), "notice"));
        writeln!(self.out, "{}", bold.apply_to(title))?;
        let mut order = findings.iter().collect::<Vec<_>>();
        order.sort_by_key(|finding| (finding.notice, Reverse(finding.level), Reverse(finding.time)));
        let groups = alike(order);
        for group in groups.iter().take(LISTED) {
            self.group(group)?;
        }
        let left: usize = groups.iter().skip(LISTED).map(Vec::len).sum();
        if left > 0 {
            self.wrapped("  ", &format!("and {left} more; --format ndjson lists all"))?;
        }
        writeln!(self.out)
    }

    /// What one detector says about one day: the first at length, of the others where they are.
    fn group(&mut self, group: &[&Finding]) -> io::Result<()> {
        let Some((finding, others)) = group.split_first() else { return Ok(()) };
        let level = if finding.notice { "notice" } else { finding.level.as_str() };
        let style = if finding.notice { Style::new().dim() } else { level_style(finding.level) };
        let day = finding.cost.as_ref().map_or_else(String::new, |spend| date(spend.usage_date));
        let times = if others.is_empty() { String::new() } else { format!(" ({} times)", group.len()) };
        let title = cut(&terminal(&finding.title), self.width.saturating_sub(27 + times.len()));
        let level = style.force_styling(self.color).apply_to(format!("{level:<13}"));
        writeln!(self.out, "  {day:<10}  {level}{title}{times}")?;
        if let Some(spend) = &finding.cost {
            self.wrapped("      ", &about(spend))?;
        }
        for reason in &finding.reasons {
            self.wrapped("      ", reason)?;
        }
        let others: Vec<_> = others.iter().filter_map(|finding| finding.cost.as_ref()).collect();
        if let [first, ..] = others.as_slice() {
            let sum = money(others.iter().map(|spend| spend.amount).sum(), &first.currency);
            let account = finding.cost.as_ref().and_then(|spend| spend.account.as_ref());
            let told = |spend: &&Spend| place(spend, spend.account.as_ref() != account);
            let mut places: Vec<_> = others.iter().map(told).collect();
            let left = places.len().saturating_sub(PLACES);
            places.truncate(PLACES);
            let more = if left > 0 { format!(" and {left} more") } else { String::new() };
            self.wrapped("      ", &format!("also {sum}: {}{more}", places.join("; ")))?;
        }
        Ok(())
    }

    fn accounting(&mut self, accounting: &Accounting) -> io::Result<()> {
        let Accounting { cost, skipped } = accounting;
        let (rows, few) = (counted(cost.rows, "row"), cost.too_few().map_or_else(String::new, |why| format!(" {why}")));
        let (duplicate, malformed) = (cost.duplicate, cost.malformed);
        self.wrapped("", &format!("Read {rows}: {duplicate} duplicate, {malformed} malformed.{few}"))?;
        for skipped in skipped {
            self.wrapped("  ", &format!("{}: {}", skipped.path, skipped.why))?;
        }
        Ok(())
    }

    /// Text with every line behind an indent; escapes it.
    fn wrapped(&mut self, indent: &str, text: &str) -> io::Result<()> {
        // Escaped before it is measured; escaping twice changes nothing.
        write_wrapped(self.out, self.width, &format!("{indent}{}", terminal(text)), indent)
    }
}

fn currency(bill: &Bill) -> &str {
    if bill.currency.is_empty() { "no currency named" } else { &bill.currency }
}

/// What a finding's amount is about.
fn about(spend: &Spend) -> String {
    let amount = |amount: f64| money(amount, &spend.currency);
    format!("{} where {} is usual: {}", amount(spend.amount), amount(spend.expected), place(spend, true))
}

/// Where a finding's amount was spent, with or without the account.
fn place(spend: &Spend, account: bool) -> String {
    let account = spend.account.as_ref().filter(|_| account);
    let place = [&spend.service, &spend.region, &spend.usage_type].into_iter().flatten();
    let place = account.into_iter().chain(place).filter(|text| !text.is_empty());
    place.map(String::as_str).collect::<Vec<_>>().join(", ")
}

/// Findings of one detector on one day together, in the order of the first of each.
fn alike(findings: Vec<&Finding>) -> Vec<Vec<&Finding>> {
    let key = |finding: &Finding| {
        let day = finding.cost.as_ref().map(|spend| (spend.usage_date, spend.currency.clone()));
        (finding.detector.to_string(), finding.notice, day)
    };
    let mut groups: Vec<Vec<&Finding>> = Vec::new();
    let mut places = BTreeMap::new();
    for finding in findings {
        let place = *places.entry(key(finding)).or_insert(groups.len());
        match groups.get_mut(place) {
            Some(group) => group.push(finding),
            None => groups.push(vec![finding]),
        }
    }
    groups
}

/// The first cell of a row: the leading Amazon and AWS of services say nothing and cost room.
fn name(subject: &Subject) -> String {
    let full = match (&subject.service, &subject.usage_type, &subject.region) {
        (Some(service), _, _) => service,
        (None, Some(usage_type), _) => usage_type,
        (None, None, Some(region)) => region,
        (None, None, None) => return "all usage".to_owned(),
    };
    let bare = full.strip_prefix("Amazon ").or_else(|| full.strip_prefix("AWS ")).unwrap_or(full);
    if bare.is_empty() { "not named".to_owned() } else { terminal(bare) }
}

/// The second cell of a row, where rows are about a service and a region.
fn region(subject: &Subject) -> String {
    let region = subject.region.as_deref().filter(|_| subject.service.is_some());
    region.map_or_else(String::new, |region| if region.is_empty() { "no region".to_owned() } else { terminal(region) })
}

fn usual(bill: &Bill, row: &Row) -> String {
    row.usual(bill.last, bill.first).map_or_else(|| "-".to_owned(), number)
}

fn mark(row: &Row) -> String {
    row.mark.map_or_else(String::new, |mark| {
        let level = match (mark.pages, mark.level) {
            (false, _) => "notice",
            (true, Level::Informational) => "info",
            (true, level) => level.as_str(),
        };
        format!("{level} {}", date(mark.day).get(5..).unwrap_or_default())
    })
}

/// At most so many columns, the last a mark where something is missing.
fn cut(text: &str, width: usize) -> String {
    if measure_text_width(text) <= width {
        return text.to_owned();
    }
    let mut out = String::new();
    for c in text.chars() {
        if measure_text_width(&out) + measure_text_width(c.encode_utf8(&mut [0; 4])) + 1 > width {
            break;
        }
        out.push(c);
    }
    out.push('…');
    out
}

fn left(text: &str, width: usize) -> String {
    let text = cut(text, width);
    let gap = width.saturating_sub(measure_text_width(&text));
    format!("{text}{}", " ".repeat(gap))
}

fn right(text: &str, width: usize) -> String {
    format!("{}{text}", " ".repeat(width.saturating_sub(measure_text_width(text))))
}
