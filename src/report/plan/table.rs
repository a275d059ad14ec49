//! A plan for somebody who was asleep a minute ago: what breaks, what is done, and what to type next.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use console::Style;

use super::super::Look;
use super::super::page::{Page, stamp};
use super::{Result, Telling};
use crate::model::counted;
use crate::model::escape::terminal;
use crate::model::plan::{Blast, Plan, Step, Way, groups, kinds, short};

/// Targets of one action that are named one by one.
const NAMED: usize = 4;
/// Services, agents and networks of a principal that are named.
const SHOWN: usize = 5;
/// What is left alone, and what went wrong, that is shown one by one.
const LISTED: usize = 20;

pub(super) fn write(telling: &Telling<'_>, look: Look, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page::new(look, out);
    let plan = telling.plan;
    page.line(&Style::new().bold(), &format!("PLAN to {} {}", plan.way.as_str(), plan.incident))?;
    if plan.steps.is_empty() {
        page.field("steps", "nothing is to be done: as far as it can be read, it is as it should be")?;
        return page.left_alone(plan);
    }
    page.field("about", telling.title)?;
    page.field("plan", &head(telling))?;
    for remark in &plan.remarks {
        page.field("mind", remark)?;
    }
    page.blasts(&plan.blast_radius)?;
    page.steps(plan)?;
    page.left_alone(plan)?;
    page.people(plan)?;
    match telling.result {
        Some(result) => page.result(plan, result),
        None => page.next(telling),
    }
}

/// Digest, class, who must agree and until when.
fn head(telling: &Telling<'_>) -> String {
    let plan = telling.plan;
    let digest = short(&plan.digest);
    let stage = telling.planned.map_or("not stored", |planned| planned.stage.as_str());
    let people = match telling.people_needed {
        0 => "nobody has to agree".to_owned(),
        1 => "one person has to agree".to_owned(),
        many => format!("{many} people have to agree"),
    };
    format!("{digest}, class {}, {stage}, {people} until {}", plan.class().as_str(), stamp(plan.expires_at))
}

impl Page<'_> {
    fn blasts(&mut self, blasts: &[Blast]) -> io::Result<()> {
        if blasts.is_empty() {
            return Ok(());
        }
        writeln!(self.out)?;
        self.line(&Style::new().bold(), "What breaks")?;
        for blast in blasts {
            self.wrapped("  - ", "    ", &terminal(&blast.told()))?;
            if !blast.services.is_empty() {
                let text =
                    format!("{} from {} with {}", few(&blast.services), few(&blast.networks), few(&blast.user_agents));
                self.wrapped("      ", "      ", &terminal(&text))?;
            }
            if blast.would_have_refused > 0 {
                let text = format!(
                    "of the last day's calls {} would have been refused: {}",
                    blast.would_have_refused,
                    few(&blast.refused_callers)
                );
                self.wrapped("      ", "      ", &terminal(&text))?;
            }
            for other in &blast.alternatives {
                let text =
                    format!("narrower, --narrow {}: {}; leaves open: {}", other.way, other.does, other.leaves_open);
                self.wrapped("      ", "        ", &terminal(&text))?;
            }
        }
        Ok(())
    }

    fn steps(&mut self, plan: &Plan) -> io::Result<()> {
        writeln!(self.out)?;
        let changes = plan.steps.iter().filter(|step| step.is_change()).count();
        let title = format!(
            "Steps ({}, of which {changes} change something; about {} s)",
            plan.steps.len(),
            plan.estimate_seconds
        );
        self.line(&Style::new().bold(), &title)?;
        for group in groups(&plan.steps) {
            self.alike(&group)?;
        }
        Ok(())
    }

    /// Steps of one action: by name where they are few, else by number.
    fn alike(&mut self, group: &[&Step]) -> io::Result<()> {
        let [first, ..] = group else { return Ok(()) };
        let last = group.last().map_or(first.n, |step| step.n);
        let numbers = if first.n == last { first.n.to_string() } else { format!("{}-{last}", first.n) };
        let label = format!("  {numbers:>9}  {}  ", first.class.as_str());
        let indent = " ".repeat(label.len());
        if group.len() > NAMED {
            let regions: BTreeSet<_> = group.iter().map(|step| step.target.region.as_str()).collect();
            let text = format!(
                "{}: {} in {}, such as: {}",
                first.action,
                kinds(group.iter().copied()),
                counted(regions.len(), "region"),
                first.changes
            );
            return self.wrapped(&label, &indent, &terminal(&text));
        }
        let is_spread = group.iter().any(|step| step.target.region != first.target.region);
        for (place, step) in group.iter().enumerate() {
            let region = if is_spread { format!(", in {}", step.target.region) } else { String::new() };
            let text = format!("{}: {}{region}", step.action, step.changes);
            self.wrapped(if place == 0 { &label } else { &indent }, &indent, &terminal(&text))?;
        }
        Ok(())
    }

    fn left_alone(&mut self, plan: &Plan) -> io::Result<()> {
        if plan.refused.is_empty() {
            return Ok(());
        }
        writeln!(self.out)?;
        self.line(&Style::new().bold(), &format!("Left alone ({})", plan.refused.len()))?;
        for refused in plan.refused.iter().take(LISTED) {
            self.wrapped("  - ", "    ", &terminal(&format!("{}: {}", refused.target, refused.why)))?;
        }
        self.more(plan.refused.len())
    }

    fn more(&mut self, count: usize) -> io::Result<()> {
        match count.saturating_sub(LISTED) {
            0 => Ok(()),
            more => self.wrapped("  ", "  ", &format!("and {more} more; --format json lists all")),
        }
    }

    fn people(&mut self, plan: &Plan) -> io::Result<()> {
        if plan.people.is_empty() {
            return Ok(());
        }
        writeln!(self.out)?;
        self.line(&Style::new().bold(), "For people")?;
        for (n, line) in (1..).zip(&plan.people) {
            self.wrapped(&format!("  {n}. "), "     ", &terminal(line))?;
        }
        Ok(())
    }

    /// What to type.
    fn next(&mut self, telling: &Telling<'_>) -> io::Result<()> {
        let Plan { incident, digest, way, .. } = telling.plan;
        let digest = short(digest);
        writeln!(self.out)?;
        self.line(&Style::new().bold(), "Next")?;
        self.wrapped("  ", "  ", &format!("stakeout {} {incident}                see what it would do", way.as_str()))?;
        self.wrapped("  ", "  ", &format!("stakeout approve {incident} --plan {digest} --as YOUR-NAME"))?;
        self.wrapped("  ", "  ", &format!("stakeout {} {incident} --execute", way.as_str()))
    }

    fn result(&mut self, plan: &Plan, result: &Result) -> io::Result<()> {
        writeln!(self.out)?;
        let (word, style) = match (result.is_rehearsal, result.remains.is_empty()) {
            (true, _) => ("Dry run: nothing was changed", Style::new().bold()),
            (false, true) => ("Done, and it holds", Style::new().green().bold()),
            (false, false) => ("Done in part", Style::new().red().bold()),
        };
        self.line(&style, word)?;
        let mut ends: BTreeMap<&str, usize> = BTreeMap::new();
        for done in &result.steps {
            *ends.entry(done.end).or_default() += 1;
        }
        let ends: Vec<_> = ends.iter().map(|(end, count)| format!("{count} {end}")).collect();
        let again = match result.reasserted {
            0 => String::new(),
            times => format!("; set again {}, because somebody took it back", counted(times, "time")),
        };
        let would = if result.is_rehearsal { "would be: " } else { "" };
        self.field("steps", &format!("{would}{} in {} s{again}", ends.join(", "), result.seconds))?;
        for done in result.steps.iter().filter(|done| done.is_bad).take(LISTED) {
            let target = plan.steps.iter().find(|step| step.n == done.n).map_or("", |step| step.target.arn.as_str());
            self.field("", &format!("{} {target}: {}: {}", done.n, done.end, done.why))?;
        }
        for remains in result.remains.iter().take(LISTED) {
            self.field("remains", remains)?;
        }
        self.more(result.remains.len())?;
        if !result.is_rehearsal && plan.way == Way::Contain {
            self.field("back", &format!("stakeout plan {} --undo", plan.incident))?;
        }
        Ok(())
    }
}

fn few(items: &[String]) -> String {
    match items.len() {
        0 => "nothing on record".to_owned(),
        count if count > SHOWN => format!("{} and {} more", items[..SHOWN].join(", "), count - SHOWN),
        _ => items.join(", "),
    }
}
