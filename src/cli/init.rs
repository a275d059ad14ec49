//! `stakeout init`: a settings file to begin with.

mod ask;
mod page;

use std::fs::{self, OpenOptions};
use std::io::{self, IsTerminal as _, Write as _};
#[cfg(unix)]
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::Args;

use super::{Status, Voice, state};
use crate::config::Config;
use crate::doctor::{Proposal, propose};
use ask::Person;
use page::{Choices, Kept};

/// Write a commented stakeout.toml: a few questions, each with a default.
///
/// What a flag says is not asked. Without a terminal, or with --yes, every default is taken. Where credentials of AWS are
/// there, the account and the bucket of its trail are proposed. Secrets are not asked for: the file names where they are.
///
/// Exit status: 0 written, 2 refused, or an answer is missing.
#[derive(Args)]
pub(super) struct Arguments {
    /// The file to write.
    #[arg(long, short, value_name = "FILE", default_value = "stakeout.toml")]
    out: PathBuf,
    /// Ask nothing: flags, and defaults for the rest.
    #[arg(long, short)]
    yes: bool,
    /// Replace a file that is there.
    #[arg(long)]
    force: bool,
    /// Do not look at AWS for what to propose.
    #[arg(long)]
    offline: bool,
    /// Settings for a function of Lambda: the stack gives it its table, secrets, role, evidence and metrics.
    #[arg(long)]
    lambda: bool,
    #[command(flatten)]
    given: Given,
}

/// What is asked where it is not given.
#[derive(Args, Default)]
struct Given {
    /// The account to watch, by its 12 digits.
    #[arg(long, value_name = "ID")]
    account: Option<String>,
    /// The role to assume in it [default: none, the credentials as they are].
    #[arg(long, value_name = "ARN")]
    role: Option<String>,
    /// Regions to watch, apart by commas, or `enabled` [default: enabled].
    #[arg(long, value_name = "REGION,...")]
    regions: Option<String>,
    /// The bucket of a trail: `s3://name` or `s3://name/prefix`.
    #[arg(long, value_name = "BUCKET")]
    trail_bucket: Option<String>,
    /// The URL of an SQS queue with notifications of a trail's bucket or events of EventBridge.
    #[arg(long, value_name = "URL")]
    queue: Option<String>,
    /// Where the state is kept: a file, or `dynamodb:TABLE`.
    #[arg(long, value_name = "FILE|dynamodb:NAME")]
    state: Option<String>,
    /// The id of the Slack channel for incidents, such as C0123ABCD.
    #[arg(long, value_name = "ID")]
    slack_channel: Option<String>,
    /// Who may approve: the id of a Slack user or group, or a name; may be given several times.
    #[arg(long, value_name = "ID")]
    approver: Vec<String>,
    /// A URL that is asked after each pass, of a service that misses it.
    #[arg(long, value_name = "URL")]
    heartbeat_url: Option<String>,
}

pub(super) fn run(arguments: &Arguments, _: Voice) -> Result<Status> {
    let out = &arguments.out;
    if !arguments.force && out.symlink_metadata().is_ok() {
        bail!("{} is there already; --force replaces it, --out names another file", out.display());
    }
    let proposal =
        if arguments.offline { Proposal::default() } else { state::block_on(async { Ok(propose().await) })? };
    let is_asked = !arguments.yes && io::stdin().is_terminal();
    let choices = choices(arguments, proposal, is_asked)?;
    let text = page::write(&choices);
    let name = out.display().to_string();
    // What is written is what is read: a value that the settings do not take is found here.
    Config::read(&text, &name, std::iter::empty()).context("these settings would not be taken")?;
    save(out, &text, arguments.force).with_context(|| format!("writing {name}"))?;
    say(&choices, out)?;
    Ok(Status::Quiet)
}

/// The settings, from flags, answers and defaults.
fn choices(arguments: &Arguments, proposal: Proposal, is_asked: bool) -> Result<Choices> {
    let given = &arguments.given;
    let is_lambda = arguments.lambda;
    let (mut input, mut output) = (io::stdin().lock(), io::stderr().lock());
    let mut person = is_asked.then(|| Person::new(&mut input, &mut output));
    person.as_mut().map_or(Ok(()), Person::greet)?;
    let mut answer = |question: &ask::Question, given: &Option<String>, proposed: Option<String>| {
        ask::answer(person.as_mut(), question, given.clone(), proposed)
    };
    let account =
        answer(&ask::ACCOUNT, &given.account.clone().or(account_of(given.role.as_deref())), proposal.account)?;
    let role = answer(&ask::ROLE, &given.role, None)?;
    // A role is in an account, whatever was said of that.
    let account = account.or_else(|| account_of(role.as_deref()));
    let regions = answer(&ask::REGIONS, &given.regions, Some("enabled".to_owned()))?;
    let bucket = answer(&ask::BUCKET, &given.trail_bucket.as_deref().map(with_scheme), proposal.bucket)?;
    // The stack makes the queue that feeds the function, and its table.
    let queue = if is_lambda { given.queue.clone() } else { answer(&ask::QUEUE, &given.queue, None)? };
    let place = if is_lambda { given.state.clone() } else { answer(&ask::STATE, &given.state, None)? };
    if is_lambda && place.as_ref().is_some_and(|place| !place.starts_with("dynamodb:")) {
        bail!("--state: a function keeps no file; write dynamodb:NAME, or leave the table to the stack");
    }
    let channel = answer(&ask::CHANNEL, &given.slack_channel, None)?;
    let approvers = (!given.approver.is_empty()).then(|| given.approver.join(","));
    let approvers = answer(&ask::APPROVERS, &approvers, None)?;
    let heartbeat = answer(&ask::HEARTBEAT, &given.heartbeat_url, None)?;
    let list = |text: Option<String>| -> Vec<String> {
        text.iter()
            .flat_map(|text| text.split(','))
            .map(|it| it.trim().to_owned())
            .filter(|it| !it.is_empty())
            .collect()
    };
    Ok(Choices {
        is_lambda,
        account,
        role,
        regions: list(regions.filter(|text| text != "enabled")),
        bucket,
        queue,
        state: place.map(|text| match text.strip_prefix("dynamodb:") {
            Some(table) => Kept::Table(table.to_owned()),
            None => Kept::File(text),
        }),
        channel,
        approvers: list(approvers),
        heartbeat,
    })
}

fn account_of(role: Option<&str>) -> Option<String> {
    role?.split(':').nth(4).filter(|account| !account.is_empty()).map(str::to_owned)
}

fn with_scheme(bucket: &str) -> String {
    if bucket.starts_with("s3://") { bucket.to_owned() } else { format!("s3://{bucket}") }
}

/// Writes the whole file or nothing, readable by its owner only.
fn save(path: &Path, text: &str, is_replaced: bool) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    options.mode(0o600);
    if !is_replaced {
        return options.open(path)?.write_all(text.as_bytes());
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let draft = path.with_file_name(name);
    let written = options.open(&draft).and_then(|mut file| file.write_all(text.as_bytes()));
    let done = written.and_then(|()| fs::rename(&draft, path));
    if done.is_err() {
        // The draft is ours alone; what stands in its way was said already.
        let _ = fs::remove_file(&draft);
    }
    done
}

/// How the secrets are set, and what to run next.
fn say(choices: &Choices, out: &Path) -> Result<()> {
    let mut page = io::stdout().lock();
    writeln!(page, "{} is written.", out.display())?;
    let secrets = page::secrets(choices);
    if !secrets.is_empty() {
        writeln!(page, "The secrets that it names, from the app in Slack (stakeout slack manifest):")?;
        secrets.iter().try_for_each(|line| writeln!(page, "     {line}"))?;
    }
    writeln!(page, "Next:")?;
    for (number, step) in steps(choices, out).iter().enumerate() {
        writeln!(page, "  {}. {step}", number + 1)?;
    }
    Ok(())
}

fn steps(choices: &Choices, out: &Path) -> Vec<String> {
    let shown = out.display();
    if choices.is_lambda {
        return page::deployment(choices, &shown.to_string());
    }
    let config = if out == Path::new("stakeout.toml") { String::new() } else { format!(" --config {shown}") };
    let mut steps = vec![format!("stakeout doctor{config}")];
    if choices.channel.is_some() {
        steps.push(format!("stakeout slack test{config}"));
    } else {
        steps.push("stakeout slack manifest    to have incidents and buttons in Slack".to_owned());
    }
    steps.push(format!("stakeout watch{config} --learn 30d --once"));
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_file_is_its_owners_and_is_not_lost() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("stakeout.toml");
        save(&path, "a", false).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(save(&path, "b", false).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "a");
        save(&path, "c", true).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "c");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no draft is left");
        assert!(save(&folder.path().join("none/x.toml"), "d", true).is_err());
    }
}
