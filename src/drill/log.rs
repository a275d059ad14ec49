//! The trail of a drill: every part of the story writes its records here.

use std::ops::Range;

use fastrand::Rng;
use serde_json::{Value, json};

use super::actor::{Actor, Role};
use super::cast::GLOBAL;
use super::clock::{Hour, sts_date};
use super::delivery::Delivery;
use super::ident::{access_key, session_token, uuid};
use super::record::Call;
use super::{Options, Sink};

/// How long temporary credentials last, in seconds.
pub(crate) const SESSION_SECONDS: i64 = 8 * 3_600;

/// Renders records and hands them to delivery.
pub(crate) struct Log {
    ids: Rng,
    delivery: Delivery,
    missing: f64,
    blind: Range<i64>,
    buffer: String,
    /// Whether the library of noise is part of ordinary life.
    pub(crate) library: bool,
}

impl Log {
    /// An empty log that loses and delivers records by `options`.
    pub(crate) fn new(rng: &mut Rng, options: &Options) -> anyhow::Result<Self> {
        Ok(Self {
            ids: rng.fork(),
            delivery: Delivery::new(rng.fork(), options)?,
            missing: options.missing,
            blind: 0..0,
            buffer: String::new(),
            library: options.library,
        })
    }

    /// Loses every management event of these seconds, as a blinded trail does.
    pub(crate) fn blind(&mut self, seconds: Range<i64>) {
        self.blind = seconds;
    }

    /// Writes a record of ordinary life, which may get lost.
    pub(crate) fn write(&mut self, actor: &Actor, at: i64, call: &Call<'_>) {
        let ids = [self.ids.u128(..), self.ids.u128(..)];
        let lost = self.ids.f64() < self.missing;
        let unseen = self.blind.contains(&at) && call.is_management();
        if !lost && !unseen {
            self.post(actor, at, call, ids);
        }
    }

    /// Writes a record that is never lost, and returns its event id.
    pub(crate) fn write_kept(&mut self, actor: &Actor, at: i64, call: &Call<'_>) -> String {
        let ids = [self.ids.u128(..), self.ids.u128(..)];
        self.post(actor, at, call, ids);
        uuid(ids[1])
    }

    fn post(&mut self, actor: &Actor, at: i64, call: &Call<'_>, ids: [u128; 2]) {
        self.buffer.clear();
        call.render(&mut self.buffer, actor, at, ids);
        self.delivery.post(at, &actor.trail, call.region(), &self.buffer);
    }

    /// Delivers what is complete: nothing before `now` will be written any more.
    pub(crate) fn advance(&mut self, now: i64, sink: &mut Sink<'_>) -> anyhow::Result<()> {
        self.delivery.advance(now, sink)
    }

    /// Delivers the rest.
    pub(crate) fn finish(&mut self, now: i64, sink: &mut Sink<'_>) -> anyhow::Result<()> {
        self.delivery.finish(now, sink)
    }
}

/// What a part of ordinary life gets for one hour.
pub(crate) struct Scene<'a> {
    /// The hour to fill. Records may lie later, never earlier.
    pub(crate) hour: Hour,
    /// Where the records go.
    pub(crate) log: &'a mut Log,
    /// Chance.
    pub(crate) rng: &'a mut Rng,
    /// Share of the usual volume of bursts and routines, at most 1.
    pub(crate) volume: f64,
}

impl Scene<'_> {
    /// `usual` scaled by the volume, rounded by chance.
    pub(crate) fn count(&mut self, usual: usize) -> usize {
        (usual as f64 * self.volume + self.rng.f64()) as usize
    }

    /// Writes a record.
    pub(crate) fn write(&mut self, actor: &Actor, at: i64, call: &Call<'_>) {
        self.log.write(actor, at, call);
    }

    /// One of `choices`, which must not be empty.
    pub(crate) fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.rng.usize(..choices.len())]
    }

    /// `actor` assumes `role`; returns the session's key.
    pub(crate) fn assume(&mut self, actor: &Actor, at: i64, region: &str, role: &Role, session: &str) -> String {
        let key = access_key(self.rng, "ASIA");
        let token = session_token(self.rng);
        let call = assume_role(region, role, session, &key, &token, at);
        self.write(actor, at, &call);
        key
    }

    /// `actor` assumes `role` of another account, whose trail has a copy; returns the session's key.
    pub(crate) fn assume_abroad(&mut self, actor: &Actor, at: i64, role: &Role, session: &str) -> String {
        let key = access_key(self.rng, "ASIA");
        let token = session_token(self.rng);
        let call = assume_role(GLOBAL, role, session, &key, &token, at);
        let call = call.with("sharedEventID", uuid(self.rng.u128(..)).into());
        self.write(actor, at, &call);
        self.write(&actor.abroad(&role.account), at, &call);
        key
    }
}

/// The `credentials` and `assumedRoleUser` of a successful assumption, valid for [`SESSION_SECONDS`].
pub(crate) fn minted(role: &Role, session: &str, key: &str, token: &str, at: i64) -> Value {
    json!({
        "credentials": {
            "accessKeyId": key,
            "sessionToken": token,
            "expiration": sts_date(at + SESSION_SECONDS),
        },
        "assumedRoleUser": {
            "assumedRoleId": format!("{}:{session}", role.id()),
            "arn": role.session_arn(session),
        },
    })
}

/// A successful `AssumeRole`.
pub(crate) fn assume_role<'a>(
    region: &'a str,
    role: &Role,
    session: &str,
    key: &str,
    token: &str,
    at: i64,
) -> Call<'a> {
    let request = json!({
        "roleArn": role.arn(),
        "roleSessionName": session,
        "durationSeconds": SESSION_SECONDS,
    });
    let resources = json!([{"accountId": role.account, "type": "AWS::IAM::Role", "ARN": role.arn()}]);
    Call::new("sts", "AssumeRole", region)
        .request(request)
        .response(minted(role, session, key, token, at))
        .with("resources", resources)
}
