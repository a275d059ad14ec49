//! What to do about which kind of thing: one file each in `playbooks/`.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use super::action::{self, Action};
use super::subject::{Hold, Subject};
use crate::model::plan::Class;

mod embedded {
    include!(concat!(env!("OUT_DIR"), "/playbooks.rs"));
}

/// What a playbook begins with where nobody names one: it takes part in every plan that it has something to do for.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Playbook {
    pub name: String,
    pub title: String,
    pub description: String,
    /// Only where somebody asks for it.
    #[serde(default)]
    pub on_request: bool,
    /// Only for an incident that is contained.
    #[serde(default)]
    pub after_containment: bool,
    pub steps: Vec<Line>,
    /// What people have to do, in order.
    #[serde(default)]
    pub people: Vec<String>,
}

/// One action, and on what.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Line {
    pub action: String,
    /// Kinds of subjects.
    pub on: Vec<String>,
    /// How much of a principal is cut off; empty: it does not matter.
    #[serde(default)]
    pub hold: Vec<Hold>,
}

impl Playbook {
    /// Reads one playbook.
    ///
    /// # Errors
    /// A file that is no playbook, or one that names an action, a kind or an order that there is not.
    pub(crate) fn read(file: &str, text: &str) -> Result<Self> {
        let mut playbook: Self = yaml_serde::from_str(text).with_context(|| file.to_owned())?;
        if playbook.steps.is_empty() {
            bail!("{file}: it has no steps");
        }
        // Built without EC2, there are no actions for instances.
        let is_possible = |line: &Line| cfg!(feature = "ec2") || !line.on.iter().all(|kind| is_of_ec2(kind));
        playbook.steps.retain(is_possible);
        playbook.check().with_context(|| file.to_owned())?;
        let stem = file.rsplit('/').next().and_then(|name| name.strip_suffix(".yml"));
        if stem != Some(playbook.name.as_str()) {
            bail!("{file}: the playbook calls itself {:?}", playbook.name);
        }
        Ok(playbook)
    }

    fn check(&self) -> Result<()> {
        let mut seen = BTreeSet::new();
        for line in &self.steps {
            let Some(action) = action::by_name(&line.action) else {
                bail!("there is no action {:?}; `stakeout playbooks actions` lists them", line.action);
            };
            if !seen.insert(&line.action) {
                bail!("{} is there twice", line.action);
            }
            if line.on.is_empty() {
                bail!("{} has no target: {:?} are possible", line.action, action.card().on);
            }
            if let Some(kind) = line.on.iter().find(|kind| !action.card().on.contains(&kind.as_str())) {
                bail!("{} does not act on {kind:?}, but on {:?}", line.action, action.card().on);
            }
            let (class, deletes) = (action.class(), self.after_containment);
            if (class == Class::R3) != deletes && class != Class::R0 {
                bail!("{} cannot be in one playbook with what can{} be taken back", line.action, not(!deletes));
            }
        }
        Ok(())
    }

    /// The lines that are about a subject.
    pub(crate) fn lines_for<'p>(&'p self, subject: &'p Subject) -> impl Iterator<Item = &'static dyn Action> + 'p {
        let is_meant = |line: &&Line| {
            line.on.contains(&subject.kind) && (line.hold.is_empty() || line.hold.contains(&subject.hold))
        };
        self.steps.iter().filter(is_meant).filter_map(|line| action::by_name(&line.action))
    }
}

fn is_of_ec2(kind: &str) -> bool {
    kind.starts_with("ec2:") || kind.starts_with("autoscaling:")
}

fn not(is_denied: bool) -> &'static str {
    if is_denied { "" } else { "not" }
}

/// Every playbook of the program.
///
/// # Errors
/// None that a released program has: a test loads them all.
pub(crate) fn all() -> Result<Vec<Playbook>> {
    embedded::FILES.iter().map(|(file, text)| Playbook::read(file, text)).collect()
}

/// The playbooks that somebody names, or all that are for every incident.
///
/// # Errors
/// A name that there is not, or names that do not go together.
pub(crate) fn chosen(names: &[String]) -> Result<Vec<Playbook>> {
    let all = all()?;
    if names.is_empty() {
        return Ok(all.into_iter().filter(|playbook| !playbook.on_request).collect());
    }
    let known: Vec<_> = all.iter().map(|playbook| playbook.name.clone()).collect();
    let find = |name: &String| {
        let found = all.iter().find(|playbook| playbook.name == *name).cloned();
        found.with_context(|| format!("there is no playbook {name:?}; there are {}", known.join(", ")))
    };
    let chosen = names.iter().map(find).collect::<Result<Vec<_>>>()?;
    if chosen.iter().any(|playbook| playbook.after_containment) && chosen.iter().any(|p| !p.after_containment) {
        bail!("what deletes is planned by itself, after the rest");
    }
    Ok(chosen)
}
