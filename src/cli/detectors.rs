//! `stakeout detectors`: what is looked for.

mod coverage;
mod explain;
mod list;
mod test;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Subcommand};

use super::{Status, Voice};
use crate::report::Format;

/// List and explain detectors, say what of ATT&CK they cover, and test rules of your own.
///
/// Exit status: 0 done, 1 a fixture failed or is missing, or a rule has a problem (test), 2 could not run.
#[derive(Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// One line a detector.
    List {
        /// Add a folder of Sigma rules.
        #[arg(long, value_name = "DIR")]
        rules: Vec<PathBuf>,
        /// How to write the list [default: table on a terminal and elsewhere].
        #[arg(long, value_enum, default_value = "table", hide_default_value = true)]
        format: Format,
    },
    /// Everything about one detector.
    Explain {
        /// Its name, as `list` shows it.
        name: String,
        /// Add a folder of Sigma rules.
        #[arg(long, value_name = "DIR")]
        rules: Vec<PathBuf>,
    },
    /// What of ATT&CK the detectors speak to.
    ///
    /// `markdown` is the list of all detectors and a table of techniques by tactic, between two marks. `navigator` is a layer
    /// of ATT&CK Navigator: open it there with "Open Existing Layer".
    Coverage {
        /// How to write it.
        #[arg(long, value_enum, default_value = "markdown")]
        format: coverage::Form,
        /// Replace what stands between the marks in a Markdown file.
        #[arg(long, value_name = "FILE", conflicts_with = "format")]
        into: Option<PathBuf>,
        /// Add a folder of Sigma rules.
        #[arg(long, value_name = "DIR")]
        rules: Vec<PathBuf>,
    },
    /// Run every rule of a folder, or of one file, over its fixtures.
    ///
    /// The fixtures of NAME.yml are NAME.fires.jsonl and NAME.quiet.jsonl beside it, or fires.jsonl and quiet.jsonl in a folder
    /// NAME beside it or in fixtures/NAME. Their names say what must come out: `fires*` a finding, `notice*` a notice,
    /// `quiet*` nothing but notices; `fires-high-why` a finding of that level. A fixture is one CloudTrail record a line, or
    /// any other form that replay reads, judged from an empty past: what is earlier in it is its history. For detectors
    /// about bills it is whatever `--cost` reads. `fires.costs.csv` beside logs is the bill of their account.
    Test {
        /// The folder of rules, or one rule.
        folder: PathBuf,
        /// Where the fixtures are, a folder for each rule [default: beside the rule, or the folder `fixtures`].
        #[arg(long, value_name = "DIR")]
        fixtures: Option<PathBuf>,
    },
}

pub(super) fn run(arguments: &Arguments, voice: Voice) -> Result<Status> {
    match &arguments.action {
        Action::List { rules, format } => list::list(rules, *format),
        Action::Explain { name, rules } => explain::explain(name, rules, voice),
        Action::Coverage { format, into, rules } => coverage::coverage(rules, *format, into.as_deref()),
        Action::Test { folder, fixtures } => test::test(folder, fixtures.as_deref(), voice),
    }
}
