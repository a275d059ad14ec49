//! The command line.
//!
//! Results go to stdout, everything about the run to stderr.

mod approve;
mod bills;
mod completions;
mod config;
mod contain;
mod cost;
mod detectors;
mod doctor;
mod drill;
mod findings;
mod incidents;
mod init;
mod input;
mod journal;
mod lambda;
mod man;
mod map;
mod output;
mod permissions;
mod person;
mod plan;
mod playbooks;
mod reduce;
mod replay;
mod sample;
mod serve;
mod slack;
mod state;
mod tune;
mod watch;

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::event::Seconds;
use crate::model::Skipped;
use crate::report::Look;

/// What a command has to say beside its output; the number is the exit status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Status {
    /// Nothing found, or done.
    Quiet = 0,
    /// Incidents found, or done in part.
    Found = 1,
    /// Ran, but part of the input could not be read.
    Partial = 3,
}

impl Status {
    /// Of a report: whether all of the input could be read, and whether there are incidents.
    fn of(is_complete: bool, has_incidents: bool) -> Self {
        match (is_complete, has_incidents) {
            (false, _) => Self::Partial,
            (true, true) => Self::Found,
            (true, false) => Self::Quiet,
        }
    }
}

/// Could not run.
const REFUSED: u8 = 2;

/// Finds abuse of an AWS account in its CloudTrail logs and tells it as one incident.
///
/// Start with a drill, which needs no AWS account:
///
///   stakeout drill lambda-ddos-all-regions --out night
///   stakeout replay night
#[derive(Parser)]
#[command(name = "stakeout", version, verbatim_doc_comment, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// The settings [default: STAKEOUT_CONFIG, ./stakeout.toml or $XDG_CONFIG_HOME/stakeout/stakeout.toml].
    #[arg(long, global = true, value_name = "FILE", display_order = 899)]
    config: Option<PathBuf>,
    /// No colour. `NO_COLOR` in the environment does the same.
    #[arg(long, global = true, display_order = 900)]
    no_color: bool,
    /// No progress bar and no remarks on stderr; errors are still told.
    #[arg(long, short, global = true, display_order = 901)]
    quiet: bool,
}

#[derive(Subcommand)]
enum Command {
    Replay(replay::Arguments),
    Map(map::Arguments),
    Reduce(reduce::Arguments),
    Watch(watch::Arguments),
    Serve(serve::Arguments),
    Lambda(lambda::Arguments),
    Incidents(incidents::List),
    Show(incidents::Show),
    Close(incidents::Close),
    Plan(plan::Arguments),
    Approve(approve::Approve),
    Deny(approve::Deny),
    Contain(contain::Contain),
    Undo(contain::Undo),
    Playbooks(playbooks::Arguments),
    Cost(cost::Arguments),
    Drill(drill::Arguments),
    Detectors(detectors::Arguments),
    Tune(tune::Arguments),
    Journal(journal::Arguments),
    Slack(slack::Arguments),
    State(state::Arguments),
    Init(init::Arguments),
    Doctor(doctor::Arguments),
    Permissions(permissions::Arguments),
    Config(config::Arguments),
    Completions(completions::Arguments),
    Man(man::Arguments),
}

/// How a command may talk.
#[derive(Debug, Clone, Copy)]
struct Voice {
    color: bool,
    quiet: bool,
}

impl Voice {
    /// A remark about the run.
    fn remark(self, text: &str) {
        if !self.quiet {
            complain(text);
        }
    }

    /// Names what was not read, or not to its end.
    fn name<'s>(self, skipped: impl IntoIterator<Item = &'s Skipped>) {
        skipped.into_iter().for_each(|skipped| self.remark(&format!("{}: {}", skipped.path, skipped.why)));
    }

    /// How tables look on this terminal.
    fn look(self) -> Look {
        let terminal = console::Term::stdout();
        let width = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
        let columns = width.unwrap_or_else(|| if terminal.is_term() { usize::from(terminal.size().1) } else { 100 });
        Look { columns, color: self.color && terminal.is_term() }
    }
}

/// Runs the command line and returns its exit status.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse_from(words()) {
        Ok(cli) => cli,
        Err(error) if !error.use_stderr() => {
            return if error.print().is_ok() { ExitCode::SUCCESS } else { ExitCode::from(REFUSED) };
        }
        Err(error) => {
            let text = error.to_string();
            let first = text.lines().take_while(|line| !line.is_empty()).map(str::trim).collect::<Vec<_>>().join(" ");
            let first = first.strip_prefix("error: ").unwrap_or(&first);
            complain(&format!("stakeout: {first}; --help shows what there is"));
            return ExitCode::from(REFUSED);
        }
    };
    let color = !cli.no_color && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let voice = Voice { color, quiet: cli.quiet };
    let config = cli.config.as_deref();
    let result = match &cli.command {
        Command::Replay(arguments) => replay::run(arguments, config, voice),
        Command::Map(arguments) => map::run(arguments, config, voice),
        Command::Reduce(arguments) => reduce::run(arguments, config, voice),
        Command::Watch(arguments) => watch::run(arguments, config, voice),
        Command::Serve(arguments) => serve::run(arguments, config, voice),
        Command::Lambda(arguments) => lambda::run(arguments, config, voice),
        Command::Incidents(arguments) => incidents::list(arguments, config),
        Command::Show(arguments) => incidents::show(arguments, config, voice),
        Command::Close(arguments) => incidents::close(arguments, config, voice),
        Command::Plan(arguments) => plan::run(arguments, config, voice),
        Command::Approve(arguments) => approve::approve(arguments, config, voice),
        Command::Deny(arguments) => approve::deny(arguments, config, voice),
        Command::Contain(arguments) => contain::contain(arguments, config, voice),
        Command::Undo(arguments) => contain::undo(arguments, config, voice),
        Command::Playbooks(arguments) => playbooks::run(arguments, voice),
        Command::Cost(arguments) => cost::run(arguments, voice),
        Command::Drill(arguments) => drill::run(arguments, config, voice),
        Command::Detectors(arguments) => detectors::run(arguments, voice),
        Command::Tune(arguments) => tune::run(arguments, config, voice),
        Command::Journal(arguments) => journal::run(arguments, config, voice),
        Command::Slack(arguments) => slack::run(arguments, config, voice),
        Command::State(arguments) => state::run(arguments, config, voice),
        Command::Init(arguments) => init::run(arguments, voice),
        Command::Doctor(arguments) => doctor::run(arguments, config, voice),
        Command::Permissions(arguments) => permissions::run(arguments, config, voice),
        Command::Config(arguments) => config::run(arguments, config, voice),
        Command::Completions(arguments) => completions::run(arguments),
        Command::Man(arguments) => man::run(arguments),
    };
    match result {
        Ok(status) => ExitCode::from(status as u8),
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("stakeout: {error:#}"));
            ExitCode::from(REFUSED)
        }
    }
}

/// The words of the command line. Lambda starts a program without any.
fn words() -> Vec<OsString> {
    let mut words: Vec<_> = std::env::args_os().collect();
    if words.len() <= 1 && std::env::var_os("AWS_LAMBDA_RUNTIME_API").is_some() {
        words.resize(1, OsString::from("stakeout"));
        words.push(OsString::from("lambda"));
    }
    words
}

/// A line on stderr, with whatever a log may have put into it made harmless.
fn complain(text: &str) {
    // Nobody is left to tell when stderr is closed.
    let _ = writeln!(io::stderr(), "{}", crate::model::escape::terminal(text));
}

/// Ends when the process is asked to.
async fn stopped() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminated) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminated.recv() => {}
            }
            return;
        }
    }
    _ = tokio::signal::ctrl_c().await;
}

/// The time of day.
#[expect(clippy::disallowed_methods, reason = "commands run at a time of day; everything below gets it as a value")]
fn now() -> Seconds {
    jiff::Timestamp::now().as_second()
}

/// The reader of our output left, as `head` does.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .any(|cause| cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
