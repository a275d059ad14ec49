//! What was looked at, what was found, and what mends it.

use serde_json::{Value, json};

use crate::model::escape::terminal;

/// What was found of one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Found {
    Works,
    Fails,
    /// It is meant so, or nobody can say.
    Note,
}

impl Found {
    /// As lines and JSON have it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Works => "works",
            Self::Fails => "FAILS",
            Self::Note => "note",
        }
    }
}

/// What was tried, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Check {
    pub found: Found,
    pub what: String,
    pub told: String,
    /// A command, or a setting to change.
    pub mend: Option<String>,
}

impl Check {
    /// A thing that works.
    pub(crate) fn works(what: impl Into<String>, told: impl Into<String>) -> Self {
        Self { found: Found::Works, what: what.into(), told: told.into(), mend: None }
    }

    /// A thing that does not.
    pub(crate) fn fails(what: impl Into<String>, told: impl Into<String>) -> Self {
        Self { found: Found::Fails, ..Self::works(what, told) }
    }

    /// A thing that is meant so, or that nobody can tell.
    pub(crate) fn note(what: impl Into<String>, told: impl Into<String>) -> Self {
        Self { found: Found::Note, ..Self::works(what, told) }
    }

    /// By what came of it.
    pub(crate) fn of(what: impl Into<String>, result: Result<String, String>) -> Self {
        match result {
            Ok(told) => Self::works(what, told),
            Err(why) => Self::fails(what, why),
        }
    }

    /// The same with what mends it.
    pub(crate) fn mend(self, how: impl Into<String>) -> Self {
        Self { mend: Some(how.into()), ..self }
    }

    /// Whether it does not work.
    pub(crate) fn is_failure(&self) -> bool {
        self.found == Found::Fails
    }

    /// One line for a terminal, whatever the text that AWS or Slack gave holds.
    pub(crate) fn line(&self) -> String {
        let mend = self.mend.as_ref().map(|how| format!(". To mend: {how}")).unwrap_or_default();
        terminal(&format!("{:5}  {}: {}{mend}", self.found.as_str(), self.what, self.told))
    }

    /// The same for a machine.
    pub(crate) fn json(&self) -> Value {
        json!({
            "found": self.found.as_str().to_ascii_lowercase(),
            "what": self.what,
            "told": self.told,
            "mend": self.mend,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_line_of_harmless_text() {
        let check = Check::fails("sts:AssumeRole on \u{1b}[2Jrole", "AWS says\nno").mend("do this");
        let line = check.line();
        assert!(line.starts_with("FAILS  sts:AssumeRole on ") && line.ends_with(". To mend: do this"), "{line}");
        assert!(!line.contains('\u{1b}') && !line.contains('\n'), "{line}");
        assert_eq!(Check::note("a", "b").line(), "note   a: b");
        assert_eq!(check.json()["found"], "fails");
    }
}
