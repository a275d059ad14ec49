//! What was there before anything was changed: files with their hashes, in a folder or a bucket, and a manifest over them.
//!
//! Names come from an attacker. They are cleaned so that nothing leads out of the vault, and what is in the vault is never
//! written over.

mod bucket;
mod folder;
mod name;
#[cfg(test)]
mod tests;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::action::Knobs;
use super::cloud::{Cloud, Vault};
use crate::aws::Refusal;
use crate::event::time;
use crate::model::hex;
use crate::model::plan::Target;

pub(crate) use name::part;

/// Written last: where it is, everything that it lists is there too.
const MANIFEST: &str = "manifest.json";

/// What was read of a target.
#[derive(Debug, Default)]
pub(crate) struct Found {
    objects: Vec<(String, Vec<u8>)>,
    missing: Vec<(String, String)>,
    about: Value,
}

impl Found {
    /// Nothing yet, of a target.
    pub(crate) fn of(target: &Target, knobs: &Knobs) -> Self {
        let about = json!({
            "incident": knobs.incident,
            "target": { "kind": target.kind, "arn": target.arn, "account": target.account, "region": target.region,
                        "id": target.id },
            "time": time::format(knobs.now),
        });
        Self { about, ..Self::default() }
    }

    /// A file.
    pub(crate) fn object(&mut self, name: impl Into<String>, bytes: Vec<u8>) {
        self.objects.push((name.into(), bytes));
    }

    /// What could not be read, and why.
    pub(crate) fn missing(&mut self, what: impl Into<String>, why: impl Into<String>) {
        self.missing.push((what.into(), why.into()));
    }
}

impl From<Vec<(String, Vec<u8>)>> for Found {
    fn from(objects: Vec<(String, Vec<u8>)>) -> Self {
        Self { objects, ..Self::default() }
    }
}

/// The folder of a target's evidence within the vault, below the incident that the cloud is for. Another thing of the same
/// name has another id, and so a folder of its own.
pub(crate) fn path(cloud: &Cloud, target: &Target) -> String {
    let kind = target.kind.replace(':', "-");
    let resource = target.arn.splitn(6, ':').nth(5).unwrap_or(&target.arn);
    // The first word repeats the kind: `function:NAME`, `user/PATH/NAME`.
    let name = resource.split_once(['/', ':']).map_or(resource, |(_, name)| name);
    let parts = [&cloud.incident, &target.account, &target.region, &kind, name, &target.id];
    let parts = parts.into_iter().take(if target.id.is_empty() { 5 } else { 6 });
    parts.map(part).collect::<Vec<_>>().join("/")
}

/// Writes files and then the manifest into a folder of the vault, and gives what the journal keeps of it: names in the
/// vault with hashes and sizes in bytes, and what is missing.
///
/// # Errors
/// Where nothing was found, and where the vault does not take a file: then there is no manifest.
pub(crate) async fn save(cloud: &Cloud, path: &str, found: impl Into<Found>) -> Result<Value, Refusal> {
    let Found { objects, missing, about } = found.into();
    let missing: Vec<_> = missing.into_iter().map(|(what, why)| json!({ "what": what, "why": why })).collect();
    if objects.is_empty() {
        let why = missing.first().and_then(|first| first["why"].as_str()).unwrap_or("there is nothing to save");
        return Err(lost(format!("nothing of {path} can be read: {why}")));
    }
    let path = name::path(path);
    let mut listed = Vec::new();
    for (name, bytes) in objects {
        let digest = sha256(&bytes);
        let size = bytes.len();
        let name = put(cloud, &path, &part(&name), &digest, bytes).await?;
        listed.push(json!({ "name": format!("{path}/{name}"), "sha256": digest, "bytes": size }));
    }
    let manifest = json!({ "about": about, "objects": listed, "missing": missing });
    let text = serde_json::to_vec_pretty(&manifest).map_err(|error| lost(format!("writing JSON: {error}")))?;
    put(cloud, &path, MANIFEST, &sha256(&text), text).await?;
    Ok(json!({ "objects": listed, "missing": missing }))
}

/// Whether a folder of the vault has a manifest.
///
/// # Errors
/// Where the vault cannot be read.
pub(crate) async fn is_saved(cloud: &Cloud, path: &str) -> Result<bool, Refusal> {
    has(cloud, path, MANIFEST).await
}

/// Whether a folder of the vault has a file of a content, by its SHA-256 in hex: the manifest lists it, and the file is
/// there with it.
///
/// # Errors
/// Where the vault cannot be read.
pub(crate) async fn holds(cloud: &Cloud, path: &str, digest: &str) -> Result<bool, Refusal> {
    let path = name::path(path);
    let (manifest, home) = match &cloud.vault {
        Vault::Folder(root) => (folder::read(root, &path, MANIFEST)?, None),
        Vault::Bucket(bucket, prefix) => {
            let home = cloud.home()?;
            (bucket::read(&home, bucket, &bucket::key(prefix, &path, MANIFEST)).await?, Some(home))
        }
    };
    let Some(manifest) = manifest else { return Ok(false) };
    let unreadable = |error| lost(format!("{path}/{MANIFEST} cannot be read: {error}"));
    let manifest: Value = serde_json::from_slice(&manifest).map_err(unreadable)?;
    let objects = manifest["objects"].as_array().into_iter().flatten();
    let listed = objects.filter(|object| object["sha256"] == digest).filter_map(|object| object["name"].as_str());
    // The folder is that of the manifest, whatever it says.
    for name in listed.filter_map(|name| name.rsplit('/').next()) {
        let name = name::path(name);
        let found = match (&cloud.vault, &home) {
            (Vault::Folder(root), _) => folder::read(root, &path, &name)?.map(|bytes| sha256(&bytes)),
            (Vault::Bucket(bucket, prefix), Some(home)) => {
                bucket::hash(home, bucket, &bucket::key(prefix, &path, &name)).await?
            }
            (Vault::Bucket(..), None) => None,
        };
        if found.as_deref() == Some(digest) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether a folder of the vault has a file.
///
/// # Errors
/// Where the vault cannot be read.
async fn has(cloud: &Cloud, path: &str, name: &str) -> Result<bool, Refusal> {
    let path = name::path(path);
    match &cloud.vault {
        Vault::Folder(root) => folder::has(root, &path, name),
        Vault::Bucket(bucket, prefix) => {
            let key = bucket::key(prefix, &path, name);
            Ok(bucket::hash(&cloud.home()?, bucket, &key).await?.is_some())
        }
    }
}

/// Writes a file unless it is there, and gives the name that it has: where another one is there, its hash is added.
async fn put(cloud: &Cloud, path: &str, name: &str, digest: &str, bytes: Vec<u8>) -> Result<String, Refusal> {
    let other = name::with_hash(name, digest);
    match &cloud.vault {
        Vault::Folder(root) => {
            for name in [name, &other] {
                if folder::put(root, path, name, digest, &bytes)? {
                    return Ok(name.to_owned());
                }
            }
        }
        Vault::Bucket(bucket, prefix) => {
            let home = cloud.home()?;
            for name in [name, &other] {
                if bucket::put(&home, bucket, &bucket::key(prefix, path, name), digest, bytes.clone()).await? {
                    return Ok(name.to_owned());
                }
            }
        }
    }
    Err(lost(format!("{path}/{other} is in the vault with another content")))
}

fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// A failure of the vault.
fn lost(why: String) -> Refusal {
    Refusal::Other { action: "evidence", why }
}
