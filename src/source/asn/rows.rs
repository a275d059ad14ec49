//! Tables of networks as text: which columns there are, and what a line says.

use std::net::IpAddr;

use crate::event::networks::Span;

/// How names are told apart in a first line: what they are for, and how publishers spell them.
const NAMES: [(Column, &[&str]); 8] = [
    (Column::Prefix, &["network", "prefix", "cidr"]),
    (Column::First, &["start_ip", "range_start", "ip_start", "start"]),
    (Column::Last, &["end_ip", "range_end", "ip_end", "end"]),
    (Column::Number, &["autonomous_system_number", "asn", "as_number"]),
    (Column::Operator, &["autonomous_system_organization", "as_name", "as_description", "asn_name"]),
    (Column::Country, &["country_iso_code", "country_code"]),
    (Column::Place, &["geoname_id"]),
    (Column::Registered, &["registered_country_geoname_id"]),
];

/// What a column is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Prefix,
    First,
    Last,
    Number,
    Operator,
    Country,
    Place,
    Registered,
}

/// The columns of a table.
#[derive(Debug, Clone)]
pub(super) struct Table {
    columns: Vec<Option<Column>>,
    separator: u8,
    has_header: bool,
}

/// What a line says.
pub(super) struct Row<'l> {
    pub span: Span,
    pub operator: Option<(u32, &'l str)>,
    pub country: Option<&'l str>,
    /// The number of a place, where the country is not in the line itself.
    pub place: Option<u32>,
}

impl Table {
    /// What a text is by its first line that is no comment; none where it is no table of networks.
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        let mut lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty() && !line.starts_with(b"#"));
        let line = std::str::from_utf8(lines.next()?).ok()?.trim_end().trim_start_matches('\u{feff}');
        let separator = if line.contains('\t') { b'\t' } else { b',' };
        let mut table = Self { columns: Vec::new(), separator, has_header: false };
        let mut fields = Vec::new();
        table.split(line, &mut fields).ok()?;
        if let Some(columns) = without_header(&fields) {
            table.columns = columns;
            return Some(table);
        }
        let column = |name: &String| {
            let name = name.trim().to_ascii_lowercase();
            NAMES.iter().find(|(_, names)| names.contains(&name.as_str())).map(|(column, _)| *column)
        };
        table.columns = fields.iter().map(column).collect();
        table.has_header = true;
        let has = |column| table.columns.contains(&Some(column));
        let has_range = has(Column::Prefix) || (has(Column::First) && has(Column::Last));
        let says = has(Column::Number) || has(Column::Country) || has(Column::Place);
        (table.names_places() || (has_range && says)).then_some(table)
    }

    /// Lines before the first with a value.
    pub(super) fn header_lines(&self) -> usize {
        usize::from(self.has_header)
    }

    /// It holds no networks, but the countries of places that another table names by number.
    pub(super) fn names_places(&self) -> bool {
        let has = |column| self.columns.contains(&Some(column));
        has(Column::Place) && has(Column::Country) && !has(Column::Prefix)
    }

    fn field<'l>(&self, fields: &'l [String], wanted: Column) -> Option<&'l str> {
        let position = self.columns.iter().position(|column| *column == Some(wanted))?;
        fields.get(position).map(|field| field.trim()).filter(|field| !field.is_empty())
    }

    /// The number of a place and its country, which may be empty.
    pub(super) fn place(&self, fields: &[String]) -> Result<(u32, String), &'static str> {
        let number = self.field(fields, Column::Place).and_then(|text| text.parse().ok());
        let country = self.field(fields, Column::Country).unwrap_or_default();
        number.map(|number| (number, country.to_owned())).ok_or("it has no number of a place")
    }

    /// What a line says about a range.
    pub(super) fn row<'l>(&self, fields: &'l [String]) -> Result<Row<'l>, &'static str> {
        let span = match self.field(fields, Column::Prefix) {
            Some(prefix) => Span::of_prefix(prefix).ok_or("its network is no prefix")?,
            None => {
                let address = |column| self.field(fields, column)?.parse::<IpAddr>().ok();
                let (first, last) = (address(Column::First), address(Column::Last));
                let (Some(first), Some(last)) = (first, last) else { return Err("it has no range of addresses") };
                Span::between(first, last).ok_or("its range ends before it begins")?
            }
        };
        let operator = match self.field(fields, Column::Number) {
            None => None,
            Some(text) => {
                let digits = text.strip_prefix("AS").unwrap_or(text);
                let number = digits.parse().map_err(|_| "its number of an autonomous system is none")?;
                Some((number, self.field(fields, Column::Operator).unwrap_or_default()))
            }
        };
        let place = self.field(fields, Column::Place).or_else(|| self.field(fields, Column::Registered));
        let place = place.and_then(|text| text.parse().ok());
        Ok(Row { span, operator, country: self.field(fields, Column::Country), place })
    }

    /// Cuts a line into fields. In a table with commas a field may be in quotes, and a quote in it is doubled.
    pub(super) fn split(&self, line: &str, fields: &mut Vec<String>) -> Result<(), &'static str> {
        fields.clear();
        if self.separator == b'\t' {
            fields.extend(line.split('\t').map(str::to_owned));
            return Ok(());
        }
        let mut rest = line;
        loop {
            let (field, behind) = match rest.strip_prefix('"') {
                Some(inside) => quoted(inside).ok_or("a quote in it does not end")?,
                None => rest.split_once(',').map_or((rest.to_owned(), None), |(a, b)| (a.to_owned(), Some(b))),
            };
            fields.push(field);
            match behind {
                Some(behind) => rest = behind,
                None => return Ok(()),
            }
        }
    }
}

/// The field that began with a quote, and what follows the comma behind it.
fn quoted(text: &str) -> Option<(String, Option<&str>)> {
    let mut field = String::new();
    let mut rest = text;
    loop {
        let (part, behind) = rest.split_once('"')?;
        field.push_str(part);
        if let Some(goes_on) = behind.strip_prefix('"') {
            field.push('"');
            rest = goes_on;
            continue;
        }
        return match behind.strip_prefix(',') {
            Some(behind) => Some((field, Some(behind))),
            None => behind.is_empty().then_some((field, None)),
        };
    }
}

/// The columns of iptoasn.com's tables, which have no names: range, number, country, description; or range and country.
fn without_header(fields: &[String]) -> Option<Vec<Option<Column>>> {
    let is_address = |at: usize| fields.get(at).is_some_and(|field| field.trim().parse::<IpAddr>().is_ok());
    if !is_address(0) || !is_address(1) {
        return None;
    }
    let range = [Some(Column::First), Some(Column::Last)];
    let third = fields.get(2)?.trim();
    let rest: &[Option<Column>] = match third.strip_prefix("AS").unwrap_or(third).parse::<u32>() {
        Ok(_) if fields.len() >= 5 => &[Some(Column::Number), Some(Column::Country), Some(Column::Operator)],
        Ok(_) => &[Some(Column::Number), Some(Column::Operator)],
        Err(_) if fields.len() >= 5 => &[Some(Column::Number), Some(Column::Country), Some(Column::Operator)],
        Err(_) => &[Some(Column::Country)],
    };
    Some(range.iter().chain(rest).copied().collect())
}
