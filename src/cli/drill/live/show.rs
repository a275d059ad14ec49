//! What came of a live drill, for people and for pipes.

use std::io::{self, Write};

use serde_json::{Value, json};

use crate::drill::live::{Part, Played};
use crate::event::time;
use crate::model::counted;
use crate::model::escape::terminal;
use crate::report::Look;

/// Writes it for a person.
pub(super) fn table(played: &Played, _: Look, out: &mut dyn Write) -> io::Result<()> {
    let mut line = |text: String| writeln!(out, "{}", terminal(&text));
    line(format!("Drill {} ({}) in account {}", played.scenario, played.id, played.account))?;
    line(String::new())?;
    if let Some(at) = played.first_call_at {
        line(format!("  first call  {}", time::format(at)))?;
    }
    for part in Part::ALL {
        let told = match (played.at(part), played.missed.iter().find(|missed| missed.part == part)) {
            (_, Some(missed)) => format!("no: {}", missed.why),
            (Some(seconds), None) => format!("after {seconds:>7.1} s{}", detail(played, part)),
            (None, None) => "not tried".to_owned(),
        };
        line(format!("  {:<10}  {told}", part.as_str()))?;
    }
    let removed = counted(played.removed, "thing");
    line(format!("  {:<10}  {removed} of the drill, {} left", "removed", played.remained.len()))?;
    for remark in &played.remarks {
        line(format!("  note        {remark}"))?;
    }
    for remained in &played.remained {
        line(format!("  left        {remained}"))?;
    }
    if !played.commands.is_empty() {
        line(String::new())?;
        line("Nobody was named to approve (--approve-as). Of a real incident, next:".to_owned())?;
        for command in &played.commands {
            line(format!("  {command}"))?;
        }
    }
    Ok(())
}

fn detail(played: &Played, part: Part) -> String {
    match part {
        Part::Played => {
            let (functions, regions) = (counted(played.functions.len(), "function"), played.regions.len());
            format!("  a user, a key, {functions} in {}", counted(regions, "region"))
        }
        Part::Detected => {
            let passes = if played.passes == 1 { "pass" } else { "passes" };
            format!("  {}, in {} {passes}", played.incident.as_deref().unwrap_or_default(), played.passes)
        }
        Part::Notified | Part::Approved | Part::Contained | Part::Refused => String::new(),
    }
}

/// Writes it as one JSON object.
pub(super) fn json(played: &Played, out: &mut dyn Write) -> io::Result<()> {
    let mut value = json!({ "schema": "stakeout/1", "kind": "drill" });
    if let (Some(all), Ok(Value::Object(more))) = (value.as_object_mut(), serde_json::to_value(played)) {
        all.extend(more);
    }
    writeln!(out, "{value:#}")
}
