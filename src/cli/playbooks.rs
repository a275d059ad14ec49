//! `stakeout playbooks`: what can be done, and what does it.

use std::io::{self, Write as _};

use anyhow::{Context as _, Result};
use clap::{Args, Subcommand};

use super::{Status, Voice};
use crate::contain::action;
use crate::contain::playbook::{self, Playbook};
use crate::report::page::write_wrapped;

/// List and explain playbooks: what to do about which kind of thing.
#[derive(Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// All playbooks.
    List,
    /// One playbook with its steps.
    Explain {
        /// Its name.
        name: String,
    },
    /// All actions that playbooks can name.
    Actions,
}

pub(super) fn run(arguments: &Arguments, voice: Voice) -> Result<Status> {
    let all = playbook::all()?;
    let text = match &arguments.action {
        None | Some(Command::List) => all.iter().map(line).collect(),
        Some(Command::Actions) => action::all().map(about).collect(),
        Some(Command::Explain { name }) => {
            let found = all.iter().find(|playbook| playbook.name == *name);
            explain(found.with_context(|| format!("there is no playbook {name:?}; `stakeout playbooks` lists them"))?)
        }
    };
    let mut out = io::stdout().lock();
    let columns = voice.look().columns;
    text.iter().try_for_each(|line| write_wrapped(&mut out, columns, line, "      "))?;
    out.flush()?;
    Ok(Status::Quiet)
}

fn line(playbook: &Playbook) -> String {
    let Playbook { name, title, .. } = playbook;
    let when = match (playbook.on_request, playbook.after_containment) {
        (_, true) => " (on request, after containment)",
        (true, false) => " (on request)",
        (false, false) => "",
    };
    format!("{name}: {title}{when}")
}

fn about(action: &dyn action::Action) -> String {
    format!(
        "{} {}: {}. On {}.",
        action.class().as_str(),
        action.name(),
        action.card().about.trim_end_matches('.'),
        action.card().on.join(", ")
    )
}

fn explain(playbook: &Playbook) -> Vec<String> {
    let mut text = vec![line(playbook), String::new(), playbook.description.trim().to_owned(), String::new()];
    for line in &playbook.steps {
        if let Some(action) = action::by_name(&line.action) {
            text.push(format!(
                "  {} {}: {}. On {}.",
                action.class().as_str(),
                line.action,
                action.card().about.trim_end_matches('.'),
                line.on.join(", ")
            ));
        }
    }
    text.extend(playbook.people.iter().zip(1..).map(|(line, n)| format!("  {n}. {line}")));
    text
}
