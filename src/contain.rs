//! Containment: from an incident to a plan, and from an approved plan to a proven state of AWS.
//!
//! ```text
//! incident -> subject -> survey -> compile -> (approve) -> execute
//! ```
//!
//! - `arn`: what an ARN says, and what an attacker cannot make it say
//! - `subject`: what an incident holds; `playbook`: what to do about which kind of it; `guard`: what is left alone
//! - `survey`: reads how things are; `compile`: pure, makes the plan, and the plan that takes one back
//! - `blast_radius`: what breaks
//! - `evidence`: what was there before
//! - `action`: what can be done, one file each; `cloud`: where they find AWS
//! - `execute`: carries out a plan, through `hands` that touch AWS or only look, and a `scribe` that keeps the journal
//! - `rights`: the IAM policies that all of this needs

pub(crate) mod action;
pub(crate) mod arn;
pub(crate) mod blast_radius;
pub(crate) mod cloud;
pub(crate) mod compile;
pub(crate) mod evidence;
pub(crate) mod execute;
pub(crate) mod guard;
pub(crate) mod hands;
pub(crate) mod playbook;
pub(crate) mod rights;
pub(crate) mod scope;
pub(crate) mod scribe;
pub(crate) mod subject;
pub(crate) mod survey;
#[cfg(test)]
mod tests;
