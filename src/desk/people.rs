//! Who somebody in Slack is, and who of them decides.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::timeout;

use super::Desk;
use crate::aws::{Work, side_by_side};
use crate::config::{Approval, is_user_group};
use crate::event::Seconds;
use crate::model::approval::Person;
use crate::model::click::{Button, Click, SlackUser};
use crate::notify::slack::workspace::Workspace;

/// For how long it is kept who is in a group.
const KEPT: Seconds = 300;
/// After a failure a group is asked for again after so long.
const AGAIN: Seconds = 5;
/// How long Slack may take to say who is in a group: somebody waits for an answer.
const PATIENCE: Duration = Duration::from_secs(2);
/// Groups that are asked for side by side.
const ABREAST: usize = 8;

/// Members of a user group, when they were told and for how long they are believed; or why they could not be had.
type Members = (Seconds, Seconds, Result<Vec<String>, String>);

/// Members of user groups, by the id of the group.
#[derive(Debug, Default)]
pub(super) struct Groups(RefCell<BTreeMap<String, Members>>);

impl Groups {
    /// What is known of a group at a time.
    fn known(&self, group: &str, now: Seconds) -> Option<Result<Vec<String>, String>> {
        // A clock that was set back makes nothing good for longer.
        let is_good = |(since, kept, _): &&Members| (*since..since.saturating_add(*kept)).contains(&now);
        self.0.borrow().get(group).filter(is_good).map(|(.., members)| members.clone())
    }
}

/// The rules with the people who are in the groups that they name.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    pub approval: Approval,
    /// Why it is not known who is in some groups, in sentences without a stop.
    pub unread: Vec<String>,
    /// Plans that cannot be read, by digest, and why: nobody agrees to what nobody can see.
    pub plans: BTreeMap<String, String>,
}

/// Whoever pressed a button: Slack vouches for the id, and nothing else is known.
pub(super) fn person(user: &SlackUser) -> Person {
    Person { name: user.id.clone(), os_user: String::new(), caller: None, slack: Some(user.clone()) }
}

/// Whether it has to be asked who is in a group before it can be decided about a click. Anybody may look, and whoever is
/// named by id needs no group.
pub(super) fn is_unknown<W>(desk: &Desk<'_, W>, click: &Click) -> bool {
    let is_named = |id: &str| desk.config.approval.approvers.iter().any(|approver| approver.as_str() == id);
    !matches!(click.button, Button::Show { .. })
        && !is_named(&click.user.id)
        && groups(&desk.config.approval).any(|group| desk.groups.known(group, desk.now()).is_none())
}

/// The user groups among those who decide.
fn groups(rules: &Approval) -> impl Iterator<Item = &str> {
    rules.approvers.iter().map(|approver| approver.as_str()).filter(|approver| is_user_group(approver))
}

/// Asks who is in the groups of which that is not known.
pub(super) async fn ask<W: Workspace>(desk: &Desk<'_, W>) {
    let unknown = groups(&desk.config.approval).filter(|group| desk.groups.known(group, desk.now()).is_none());
    let work = unknown.map(|group| -> Work<'_, ()> {
        Box::pin(async move {
            let members = timeout(PATIENCE, desk.workspace.members(group)).await;
            let members = members.map_err(|_| "Slack did not answer in time".to_owned());
            let members = members.and_then(|members| members.map_err(|failure| failure.why));
            let kept = if members.is_ok() { KEPT } else { AGAIN };
            desk.groups.0.borrow_mut().insert(group.to_owned(), (desk.now(), kept, members));
        })
    });
    side_by_side(ABREAST, work).await;
}

/// The rules, with the members of user groups in the place of the groups, as far as they are known. A group whose members
/// could not be had lets nobody in.
pub(super) fn rules<W>(desk: &Desk<'_, W>) -> Rules {
    let rules = &desk.config.approval;
    let (mut approvers, mut unread) = (Vec::new(), Vec::new());
    for approver in &rules.approvers {
        let group = approver.as_str();
        if !is_user_group(group) {
            approvers.push(approver.clone());
            continue;
        }
        let members = desk.groups.known(group, desk.now());
        match members.unwrap_or_else(|| Err("Slack was not asked yet".to_owned())) {
            Ok(members) => approvers.extend(members.into_iter().filter_map(|id| id.try_into().ok())),
            Err(why) => {
                unread.push(format!("user group {group} could not be read: {why}"));
                // Rules that name nobody let the command line decide: the group stays, as a name that nobody has.
                approvers.push(approver.clone());
            }
        }
    }
    if approvers.is_empty() {
        approvers.clone_from(&rules.approvers);
    }
    Rules { approval: Approval { approvers, ..rules.clone() }, unread, plans: BTreeMap::new() }
}
