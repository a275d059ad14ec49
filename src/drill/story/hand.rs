//! Somebody's hand at work in a story: every call is on record, and what it made is in the truth.

use serde_json::json;

use crate::drill::actor::{Actor, Role, user_arn};
use crate::drill::cast::{DEPLOYED, PROD};
use crate::drill::clock::iam_date;
use crate::drill::deploy::{Function, code_hash, function_arn};
use crate::drill::log::Scene;
use crate::drill::people::{create_key, create_user};
use crate::drill::record::Call;
use crate::drill::truth::Truth;

/// An intruder with one credential.
pub(super) struct Hand<'a, 'b> {
    /// Where it happens.
    pub(super) scene: &'a mut Scene<'b>,
    /// What is true about it.
    pub(super) truth: &'a mut Truth,
    /// Who calls.
    pub(super) actor: Actor,
}

impl<'b> Hand<'_, 'b> {
    /// A call that changes nothing, or fails.
    pub(super) fn ask(&mut self, at: i64, call: &Call<'_>) {
        self.truth.act(self.scene, &self.actor, at, call);
    }

    /// A call that changes something in its region.
    pub(super) fn change(&mut self, at: i64, call: &Call<'_>) {
        if call.is_regional() {
            self.truth.regions.insert(call.region().to_owned());
        }
        self.ask(at, call);
    }

    /// A call that makes the thing `arn`.
    pub(super) fn make(&mut self, at: i64, call: &Call<'_>, arn: &str) {
        self.change(at, call);
        self.truth.resources.insert(arn.to_owned());
    }

    /// The same hand with another credential, from another address.
    pub(super) fn with(&mut self, actor: Actor) -> Hand<'_, 'b> {
        Hand { scene: self.scene, truth: self.truth, actor }
    }

    /// A user.
    pub(super) fn make_user(&mut self, at: i64, name: &str) {
        let arn = user_arn(name);
        self.make(at, &create_user(name, at), &arn);
        self.truth.principals.insert(arn);
    }

    /// An access key for the user `name`.
    pub(super) fn make_key(&mut self, at: i64, name: &str, key: &str) {
        let arn = user_arn(name);
        self.make(at, &create_key(name, key, at), &format!("{arn}#{key}"));
        self.truth.involve(&arn, key);
    }

    /// A role that `service` may assume, with a managed policy.
    pub(super) fn make_role(&mut self, at: i64, role: &Role, service: &str, policy: &str) {
        let arn = role.arn();
        self.make(at, &create_role(role, &trust_of(service), at), &arn);
        self.truth.principals.insert(arn);
        let attach = json!({"roleName": role.name, "policyArn": policy});
        self.change(at + 1, &Call::iam("AttachRolePolicy").request(attach));
    }

    /// A function that runs as `role`, with so much memory in MB and so many seconds of time; returns its ARN.
    pub(super) fn make_function(&mut self, at: i64, region: &str, name: &str, role: &Role, size: [u32; 2]) -> String {
        let arn = function_arn(region, name);
        let hash = code_hash(self.scene);
        let function = Function { name, role: &role.name, hash: &hash, size };
        let state = function.state(self.scene, region, at);
        self.make(at, &function.create(region).response(state), &arn);
        arn
    }
}

/// The document by which a role trusts a service, e.g. `lambda`.
pub(super) fn trust_of(service: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"Service":"{service}.amazonaws.com"}},"Action":"sts:AssumeRole"}}]}}"#
    )
}

/// Creates a role with a trust document.
pub(super) fn create_role(role: &Role, trust: &str, at: i64) -> Call<'static> {
    // The request carries the document as text, the response carries it URL-encoded.
    let encoded: String = trust
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect();
    Call::iam("CreateRole").request(json!({"roleName": role.name, "assumeRolePolicyDocument": trust})).response(
        json!({"role": {
            "path": "/",
            "roleName": role.name,
            "roleId": role.id(),
            "arn": role.arn(),
            "createDate": iam_date(at),
            "assumeRolePolicyDocument": encoded,
        }}),
    )
}

/// Up to `count` of `regions` in which the company runs nothing; any others where there are no such.
pub(super) fn unused(scene: &mut Scene<'_>, regions: &[String], count: usize) -> Vec<String> {
    let mut unused: Vec<String> =
        regions.iter().filter(|region| !DEPLOYED.contains(&region.as_str())).cloned().collect();
    if unused.is_empty() {
        unused = regions.to_vec();
    }
    scene.rng.shuffle(&mut unused);
    unused.truncate(count);
    unused
}

/// An ARN of the production account.
pub(super) fn arn(service: &str, region: &str, rest: &str) -> String {
    format!("arn:aws:{service}:{region}:{PROD}:{rest}")
}
