//! Answers of AWS, and manifests of reports, as JSON.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::slice;

use serde_json::{Deserializer, Value};
use sha2::{Digest as _, Sha256};

use super::super::object::Object;
use super::super::recognise::has_evidence;
use super::super::remote;
use super::answers::Answers;
use super::folded::{Bill, Body, Counts};
use super::open::{Content, open};
use super::reading::Reading;
use super::{anomalies, answers};
use crate::cost::Anomaly;

/// What a manifest of a report or an export has at least one of.
const MANIFEST: [&str; 5] = ["assemblyId", "reportKeys", "dataFiles", "executionId", "exportArn"];

impl Reading {
    /// Reads one or more documents.
    pub(super) fn json(&mut self, name: &str, text: &[u8]) {
        let (mut documents, mut notes) = (Vec::new(), Vec::new());
        let mut stream = Deserializer::from_slice(text).into_iter::<Value>();
        loop {
            match stream.next() {
                None => break,
                Some(Ok(Value::Array(several))) => documents.extend(several),
                Some(Ok(document)) => documents.push(document),
                Some(Err(error)) => {
                    notes.push(format!("byte {}: not JSON: {error}", stream.byte_offset()));
                    break;
                }
            }
        }
        let known = ["ResultsByTime", "Anomalies"].into_iter().chain(MANIFEST);
        let is_any = documents.iter().any(|document| known.clone().any(|key| document.get(key).is_some()));
        if !is_any {
            let why = if has_evidence(text) {
                CLOUDTRAIL
            } else {
                notes.first().map_or("JSON of another kind", String::as_str)
            };
            return self.skip(name, format!("not a cost file: {why}"));
        }
        let fingerprint = Sha256::digest(text).into();
        let rows = documents.iter().map(answers::rows).sum();
        let mut counts = Counts { notes, ..Counts::default() };
        let (mut answers, mut anomalies) = (Answers::default(), Vec::new());
        for document in &documents {
            take(document, &mut answers, &mut anomalies, &mut counts);
        }
        self.bill(name, Bill { fingerprint, rows, counts, body: Body::Json { answers, anomalies } });
    }
}

fn take(document: &Value, answers: &mut Answers, anomalies: &mut Vec<Anomaly>, counts: &mut Counts) {
    if document.get("ResultsByTime").is_some() {
        answers.take(document, counts);
    } else if document.get("Anomalies").is_some() {
        anomalies.extend(anomalies::read(document, counts));
    } else if !MANIFEST.iter().any(|key| document.get(key).is_some()) {
        counts.notes.push("holds JSON of another kind too".to_owned());
    }
}

/// What somebody who mixes up the two kinds of input is told.
pub(super) const CLOUDTRAIL: &str = "CloudTrail events, which are no bill";

/// Ids of the deliveries that manifests above them name as the newest, by the manifest's position.
pub(super) fn newest_assemblies(objects: &[Object], limit: u64) -> BTreeMap<usize, String> {
    let is_manifest = |object: &Object| object.name().to_ascii_lowercase().ends_with("manifest.json");
    let manifests = objects.iter().enumerate().filter(|(_, object)| is_manifest(object));
    let above = manifests.filter(|(_, object)| !super::assembly::is_delivered(object.name()));
    above.filter_map(|(position, object)| Some((position, newest_assembly(object, limit)?))).collect()
}

fn newest_assembly(object: &Object, limit: u64) -> Option<String> {
    let object = remote::bring(slice::from_ref(object));
    let Ok(Content::Text(source)) = open(object.first()?, limit) else { return None };
    let manifest: Value = serde_json::from_reader(source.take(limit)).ok()?;
    let id = manifest.get("assemblyId").or_else(|| manifest.get("executionId"))?;
    Some(id.as_str()?.to_owned())
}
