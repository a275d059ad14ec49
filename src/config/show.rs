//! The settings in effect, as a file would say them.

use std::fmt::Write as _;

use anyhow::{Context as _, Result};
use toml::{Table, Value};

use super::Config;

impl Config {
    /// TOML, with a comment behind every value that is not a default. Secrets are references, and of an address that may
    /// be one only the host is told.
    ///
    /// # Errors
    /// Where a path is no UTF-8.
    pub(crate) fn show(&self) -> Result<String> {
        let table = Table::try_from(self).context("writing the settings")?;
        let mut page = Page { config: self, text: String::new() };
        page.section("", "", &table)?;
        Ok(page.text)
    }
}

struct Page<'a> {
    config: &'a Config,
    text: String,
}

impl Page<'_> {
    /// A section: its values, then its sections. The heading leaves the numbers of list entries out that a key has.
    fn section(&mut self, heading: &str, key: &str, table: &Table) -> Result<()> {
        for (name, value) in table.iter().filter(|(_, value)| sections(value).is_none()) {
            let line =
                toml::to_string(&Table::from_iter([(name.clone(), value.clone())])).context("writing a value")?;
            let origin = self.config.origins.of(&join(key, name));
            let origin = origin.map_or_else(String::new, |origin| format!("  # {origin}"));
            writeln!(self.text, "{}{origin}", line.trim_end())?;
        }
        for (name, value) in table {
            let (heading, key) = (join(heading, name), join(key, name));
            match (sections(value), value) {
                (Some(Entries::One(inner)), _) => {
                    writeln!(self.text, "\n[{heading}]")?;
                    self.section(&heading, &key, inner)?;
                }
                (Some(Entries::Many), Value::Array(list)) => {
                    for (number, inner) in list.iter().enumerate() {
                        writeln!(self.text, "\n[[{heading}]]")?;
                        let Value::Table(inner) = inner else { continue };
                        self.section(&heading, &format!("{key}.{number}"), inner)?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// What stands under a heading of its own.
enum Entries<'a> {
    One(&'a Table),
    Many,
}

fn sections(value: &Value) -> Option<Entries<'_>> {
    match value {
        Value::Table(table) => Some(Entries::One(table)),
        Value::Array(list) if !list.is_empty() && list.iter().all(Value::is_table) => Some(Entries::Many),
        _ => None,
    }
}

fn join(above: &str, name: &str) -> String {
    if above.is_empty() { name.to_owned() } else { format!("{above}.{name}") }
}
