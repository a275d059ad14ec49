//! The users behind access keys, for records whose caller has no other name than its key.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Event, Identity};

/// ARNs of users by the ids of their access keys.
#[derive(Debug, Clone, Default)]
pub(crate) struct Owners(HashMap<String, String>);

impl Owners {
    /// Learns whose a key is.
    pub(crate) fn learn(&mut self, key: &str, user_arn: &str) {
        self.0.insert(key.to_owned(), user_arn.to_owned());
    }

    /// Learns from an event that makes a key.
    pub(crate) fn note(&mut self, event: &Event) {
        let minted = event.facts.as_ref().and_then(|facts| facts.minted.as_ref());
        if let Some((key, arn)) = minted.and_then(|minted| Some((minted.credential.as_ref()?, &minted.arn)))
            && (key.starts_with("AK") || key.starts_with("LK"))
        {
            self.learn(key, arn);
        }
    }

    /// Names the caller of an event, where it is named by its key and the key's user is known.
    pub(crate) fn name(&self, event: &mut Event) {
        let identity = &event.identity;
        let Some(key) = identity.credential.as_deref() else { return };
        let named_by_key = identity.arn.rsplit('/').next() == Some(key);
        if let Some(arn) = self.0.get(key).filter(|_| named_by_key) {
            let name = arn.rsplit('/').next().unwrap_or(arn).to_owned();
            event.identity = Arc::new(Identity { arn: arn.clone(), name, ..Identity::clone(identity) });
        }
    }
}
