//! The secrets of the settings: where they are named, what AWS keeps of them, and which of them are not there.

use std::collections::BTreeMap;

use super::secret::Remote;
use super::value::is_http;
use super::{Config, Endpoint, ExternalId, Secret, SecretError};
use crate::aws::kept::Kept;
use crate::aws::{Refusal, Work, side_by_side};

/// Requests at a time.
const ABREAST: usize = 8;

/// A reference in the settings.
struct Named<'c> {
    /// The key of the setting, such as `slack.token`.
    key: String,
    secret: &'c mut Secret,
    is_url: bool,
}

impl Config {
    /// Reads the secrets that AWS keeps, each once and side by side. One that cannot be had stays locked, with the reason:
    /// whoever needs it is told. Where it is called again, AWS is asked again.
    pub(crate) async fn unlock(&mut self) {
        let references = self.references();
        let places: Vec<Remote<'_>> = references.iter().filter_map(|(_, secret)| secret.remote()).collect();
        if places.is_empty() {
            return;
        }
        let kept = Kept::connect().await;
        let answers = read(&kept, places).await;
        for named in self.named() {
            let reference = named.secret.clone();
            if let Some(answer) = reference.remote().and_then(|place| answers.get(&place)) {
                named.secret.hold(answer.as_ref().map(String::as_str));
            }
        }
    }

    /// Every reference to a secret, with the key of its setting.
    pub(crate) fn references(&self) -> Vec<(String, Secret)> {
        let mut copy = self.clone();
        copy.named().into_iter().map(|named| (named.key, named.secret.clone())).collect()
    }

    /// Secrets that are not there, by the keys of their references. Those in AWS are not there until they are unlocked.
    pub(crate) fn missing_secrets(&self) -> Vec<(String, SecretError)> {
        let mut copy = self.clone();
        let why = |named: Named<'_>| match named.secret.reveal() {
            Ok(value) if named.is_url && !is_http(value.as_str()) => {
                Some((named.key, SecretError::NoUrl(named.secret.clone())))
            }
            Ok(_) => None,
            Err(error) => Some((named.key, error)),
        };
        copy.named().into_iter().filter_map(why).collect()
    }

    fn named(&mut self) -> Vec<Named<'_>> {
        let Self { slack, accounts, notify, metrics, .. } = self;
        let mut all: Vec<(String, Option<&mut Secret>, bool)> = vec![
            ("slack.token".to_owned(), slack.token.as_mut(), false),
            ("slack.app_token".to_owned(), slack.app_token.as_mut(), false),
            ("slack.signing_secret".to_owned(), slack.signing_secret.as_mut(), false),
        ];
        for (number, account) in accounts.iter_mut().enumerate() {
            let id = account.external_id.as_mut().and_then(ExternalId::reference);
            all.push((format!("accounts.{number}.external_id"), id, false));
        }
        for (section, webhooks) in [("notify", &mut notify.webhook), ("notify.notices", &mut notify.notices.webhook)] {
            for (number, webhook) in webhooks.iter_mut().enumerate() {
                all.push((format!("{section}.webhook.{number}.url"), webhook.url.reference(), true));
                all.push((format!("{section}.webhook.{number}.secret"), webhook.secret.as_mut(), false));
            }
        }
        for (key, url) in [
            ("metrics.heartbeat_url", metrics.heartbeat_url.as_mut()),
            ("metrics.heartbeat_fail_url", metrics.heartbeat_fail_url.as_mut()),
        ] {
            all.push((key.to_owned(), url.and_then(Endpoint::reference), true));
        }
        let named = |(key, secret, is_url)| Option::map(secret, |secret| Named { key, secret, is_url });
        all.into_iter().filter_map(named).collect()
    }
}

/// What is kept in some places.
async fn read<'p>(kept: &Kept, mut places: Vec<Remote<'p>>) -> BTreeMap<Remote<'p>, Result<String, Refusal>> {
    places.sort_unstable();
    places.dedup();
    let ask = |place: &Remote<'p>| -> Work<'_, _> {
        let place = *place;
        Box::pin(async move {
            match place {
                Remote::Parameter(name) => kept.parameter(name).await,
                Remote::Secret(name) => kept.secret(name).await,
            }
        })
    };
    let answers = side_by_side(ABREAST, places.iter().map(ask)).await;
    places.into_iter().zip(answers).collect()
}
