//! The settings of a live drill, and a folder for what it keeps: nothing of the real watch is touched.

use std::fs::{self, DirBuilder};
use std::path::PathBuf;
use std::rc::Rc;

use anyhow::{Context as _, Result};

use crate::config::{Config, Metrics, Notify, Slack};
use crate::drill::live::Target;

/// Letters of a drill's id.
pub(super) const LETTERS: usize = 6;

/// A folder that ends with the drill, and settings that keep everything in it.
pub(super) struct Stage {
    pub config: Rc<Config>,
    pub folder: PathBuf,
    /// Tells this drill from others.
    pub id: String,
    /// What of the settings the drill leaves out.
    pub remarks: Vec<&'static str>,
}

impl Stage {
    /// Makes the folder, in the system's own for what is temporary. Only this user can look into it.
    ///
    /// # Errors
    /// A folder that cannot be made.
    pub(super) fn new(config: &Config, target: &Target) -> Result<Self> {
        let id: String = std::iter::repeat_with(|| fastrand::char('a'..='z')).take(LETTERS).collect();
        let folder = std::env::temp_dir().join(format!("stakeout-drill-{id}"));
        let mut make = DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut make, 0o700);
        make.create(&folder).with_context(|| format!("making the folder {}", folder.display()))?;
        let mut config = config.clone();
        let remarks = set(&mut config, target);
        config.state.path = Some(folder.join("drill.db"));
        config.evidence.dir = Some(folder.join("evidence"));
        Ok(Self { config: Rc::new(config), folder, id, remarks })
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // What cannot be removed is small, and lies where the system clears up.
        drop(fs::remove_dir_all(&self.folder));
    }
}

/// Leaves out of the settings what would touch the real watch, or asks for what a stand-in does not have. Gives what is
/// worth knowing of that.
fn set(config: &mut Config, target: &Target) -> Vec<&'static str> {
    let mut remarks = Vec::new();
    (config.state.dynamodb, config.evidence.s3) = (None, None);
    (config.notify, config.metrics, config.slack) = (Notify::default(), Metrics::default(), Slack::default());
    config.accounts.clear();
    let sources = &mut config.sources;
    sources.cost_explorer = false;
    if !sources.queue_url.is_empty() {
        sources.queue_url.clear();
        remarks.push("the queue of the settings is left out: what a drill took from it the watch would never see");
    }
    if sources.trail_bucket.is_none() && !sources.lookup_events {
        sources.lookup_events = true;
        remarks.push("the drill asks LookupEvents instead");
    }
    if target.is_here && config.contain.responder_role.take().is_some() {
        remarks.push("contain.responder_role is left out: a stand-in does not have the role");
    }
    remarks
}

#[cfg(test)]
mod tests {
    use super::*;

    const REAL: &str = r#"
        [state]
        dynamodb = "stakeout"
        [sources]
        lookup_events = false
        queue_url = "https://sqs.eu-west-1.amazonaws.com/111122223333/events"
        cost_explorer = true
        [[accounts]]
        id = "123456789012"
        role = "arn:aws:iam::123456789012:role/stakeout"
        [[notify.sns]]
        topic = "arn:aws:sns:eu-west-1:111122223333:alerts"
        [slack]
        token = "env:SLACK_BOT_TOKEN"
        channel = "C0123ABCD"
        [contain]
        responder_role = "arn:aws:iam::111122223333:role/stakeout-responder"
        [evidence]
        s3 = "s3://evidence"
        [approval]
        approvers = ["Ada"]
    "#;

    #[test]
    fn nothing_of_the_real_watch_is_touched() {
        let real = Config::read(REAL, "stakeout.toml", std::iter::empty()).unwrap();
        for endpoint in [Some("http://127.0.0.1:4566"), None] {
            let target = Target::parse(endpoint).unwrap();
            let stage = Stage::new(&real, &target).unwrap();
            let Config { state, sources, accounts, notify, slack, evidence, approval, contain, .. } = &*stage.config;
            assert!(state.dynamodb.is_none() && evidence.s3.is_none() && accounts.is_empty());
            assert!(state.path.as_ref().is_some_and(|path| path.starts_with(&stage.folder)));
            assert!(evidence.dir.as_ref().is_some_and(|path| path.starts_with(&stage.folder)));
            assert!(sources.lookup_events && sources.queue_url.is_empty() && !sources.cost_explorer);
            assert_eq!((notify, slack), (&Notify::default(), &Slack::default()));
            assert_eq!(approval, &real.approval, "who decides is rehearsed too");
            assert_eq!(contain.responder_role.is_none(), target.is_here);
            let folder = stage.folder.clone();
            assert!(folder.is_dir());
            drop(stage);
            assert!(!folder.exists());
        }
    }
}
