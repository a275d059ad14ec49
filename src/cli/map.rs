//! `stakeout map`: a share of the logs in, one part out.

use std::path::Path;

use anyhow::{Result, bail};
use clap::Args;

use super::input::{self, Input};
use super::{Status, Voice};
use crate::config::Config;
use crate::model::counted;
use crate::replay::history::{Mapped, Task, map};
use crate::replay::parts::Share;
use crate::source::output;

/// Write what a share of the logs comes to, for `reduce`.
///
/// For histories that outgrow one machine: map shares of the input wherever they lie, as often and in whatever order you
/// like, then `stakeout reduce` all parts. That prints what one `replay` of all the input would print. A part holds what is
/// usual, the few events that matter and the accounting: two to three percent of the logs.
///
///   stakeout map logs --share 1/4 -o parts/1.part
///   stakeout map logs --share 2/4 -o parts/2.part
///   ...
///   stakeout reduce parts
///
/// Every option that changes the result (--start, --end, --history, --accounts, --rules, --prices, --asn), and what the settings
/// say of accounts, the trail and canaries, has to be the same for
/// all parts; `reduce` refuses parts that differ in rules, prices, networks, time or version.
///
/// Exit status: 0 done, 1 part of the input could not be read (the part says so, and reduce tells it), 2 could not run.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Arguments {
    #[command(flatten)]
    input: Input,
    /// Read only one of so many equal shares of the input, such as 3/100.
    #[arg(long, value_name = "I/N", default_value = "1/1")]
    share: Share,
    /// Where the part goes: a file or s3://bucket/key. Nobody sees it before it is complete.
    #[arg(long, short, value_name = "PART")]
    output: String,
}

pub(super) fn run(arguments: &Arguments, config: Option<&Path>, voice: Voice) -> Result<Status> {
    let config = Config::load(config)?;
    let input = &arguments.input;
    let settings = input.settings()?;
    let output = output::replaceable(&arguments.output)?;
    let rules = input::rules(input.extra(), &config)?;
    let (logs, costs) = input.sorted(voice)?;
    if arguments.share.of > 1 && logs.iter().chain(&costs).any(|path| path == "-") {
        bail!("standard input (-) cannot be shared out; map it without --share");
    }
    let mut objects = input.objects(&logs)?;
    // Parts of earlier maps may lie in a folder that is read. They are no logs, unless somebody says so.
    if input.from.is_none() {
        objects.retain(|object| !object.name().ends_with(".part") || logs.iter().any(|path| path == object.name()));
    }
    let (bills, unread) = super::bills::folded(&costs, settings.max_object_bytes, arguments.share)?;
    let bar = input::progress_bar(&objects, voice);
    let (share, output) = (arguments.share, output.as_str());
    let task = Task { objects, share, bills, options: costs, rules: &rules, settings, output };
    let mapped = map(task, &|bytes| bar.inc(bytes))?;
    bar.finish_and_clear();
    voice.name(mapped.skipped.iter().chain(&unread));
    voice.remark(&told(&mapped));
    let is_complete = mapped.skipped.is_empty() && unread.is_empty() && rules.problems.is_empty();
    Ok(if is_complete { Status::Quiet } else { Status::Found })
}

/// One line of accounting.
fn told(mapped: &Mapped) -> String {
    let Mapped { objects, records, bytes, part_bytes, .. } = mapped;
    let (objects, records) = (counted(*objects, "object"), counted(*records, "record"));
    // A thousandth of a percent is as exact as anybody needs it.
    let ratio = if *bytes == 0 { 0 } else { u128::from(*part_bytes) * 100_000 / u128::from(*bytes) };
    format!(
        "{objects}, {records}, {bytes} bytes of JSON; the part has {part_bytes} bytes, {}.{:03} % of it",
        ratio / 1_000,
        ratio % 1_000
    )
}
