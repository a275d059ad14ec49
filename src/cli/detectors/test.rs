//! `stakeout detectors test`: rules against fixtures.

use std::io::{self, Write as _};
use std::path::Path;

use anyhow::{Result, bail};

use crate::baseline::Baseline;
use crate::cli::{Status, Voice, complain};
use crate::detect::check::{Came, Replay};
use crate::detect::{Rules, check, spend};
use crate::event::{Canaries, Networks, Seconds};
use crate::model::Summary;
use crate::replay::map::Range;
use crate::replay::{Settings, replay};
use crate::source::{Bills, Wanted, discover, networks, read_bills};

/// The table of networks of fixtures that ask for one.
const TABLE: &str = "networks.tsv";
/// No fixture is this large.
const MAX_OBJECT_BYTES: u64 = 1 << 30;
/// Where all of it is written down.
const DOCS: &str = "docs/detectors.md";

/// Runs the fixtures of the rules of a folder or a file.
///
/// # Errors
/// What cannot be read, and a folder without rules.
pub(super) fn test(folder: &Path, fixtures: Option<&Path>, voice: Voice) -> Result<Status> {
    if let Some(missing) = fixtures.filter(|fixtures| !fixtures.is_dir()) {
        bail!("--fixtures {}: no such folder", missing.display());
    }
    let usual = if folder.is_file() { folder.parent().unwrap_or(folder) } else { folder }.join("fixtures");
    let fixtures = fixtures.unwrap_or(&usual);
    let table = fixtures.join(TABLE);
    let tables: Vec<String> = table.is_file().then(|| table.display().to_string()).into_iter().collect();
    let [rules, with_table] = [Networks::default(), networks(&tables)?.0].map(|networks| {
        let mut rules = Rules::of_folder(folder, networks)?;
        // Fixtures have no settings, and these are the names of their canaries.
        rules.own.canaries = Canaries::of_fixtures();
        anyhow::Ok(rules)
    });
    let (rules, with_table) = (rules?, with_table?);
    let rules_of = |file: &Path| if check::has_table(file) { &with_table } else { &rules };
    let outcome = check::check(
        &rules,
        fixtures,
        &Replay {
            logs: &|file, bill| findings_of(file, bill, rules_of(file)),
            bill: &|file| findings_of_bill(file, &rules),
        },
    )?;
    let mut out = io::stdout().lock();
    for line in &outcome.lines {
        writeln!(out, "{}", crate::model::escape::terminal(line))?;
    }
    for problem in &rules.problems {
        complain(&problem.to_string());
    }
    voice.remark(&format!("{} passed, {} failed", outcome.passed, outcome.failed));
    if rules.detectors.is_empty() {
        let (folder, what) =
            (folder.display(), if rules.problems.is_empty() { "no rule" } else { "no rule that works" });
        bail!(
            "{folder}: {what}; a rule is a file NAME.yml in Sigma's format, with NAME.fires.jsonl and NAME.quiet.jsonl beside it ({DOCS})"
        );
    }
    Ok(if outcome.failed == 0 && rules.problems.is_empty() { Status::Quiet } else { Status::Found })
}

/// The findings of one file, from an empty baseline, with the bill of the account where there is one.
fn findings_of(file: &Path, bill: Option<&Path>, rules: &Rules) -> Result<Came> {
    let objects = discover(&[file.display().to_string()], &Wanted::default())?;
    let settings = Settings {
        range: Range { start: Seconds::MIN, end: Seconds::MAX },
        accounts: &[],
        threads: 1,
        max_object_bytes: MAX_OBJECT_BYTES,
    };
    let bills = bill.map_or_else(|| Ok(Bills::default()), bills_of)?;
    let (report, _) = replay(&objects, &bills, rules, Baseline::default(), settings, &|_| {})?;
    let Summary { kept, skipped, .. } = report.summary;
    let skipped = skipped.into_iter().map(|skipped| skipped.why).collect();
    Ok(Came { findings: report.findings, events: Some(kept), skipped })
}

/// The findings of one bill.
fn findings_of_bill(file: &Path, rules: &Rules) -> Result<Came> {
    let bills = bills_of(file)?;
    let findings = spend::judge(&bills.ledger, &bills.anomalies, rules, (Seconds::MIN, Seconds::MAX));
    Ok(Came { findings, events: None, skipped: Vec::new() })
}

fn bills_of(file: &Path) -> Result<Bills> {
    let bills = read_bills(&[file.display().to_string()], MAX_OBJECT_BYTES)?;
    if let Some(skipped) = bills.skipped.first() {
        bail!("{}: {}", skipped.path, skipped.why);
    }
    Ok(bills)
}
