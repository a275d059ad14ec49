//! Answers of AWS, and manifests of reports, as JSON.

use std::collections::BTreeSet;
use std::io::Read as _;

use serde_json::{Deserializer, Value};
use sha2::{Digest as _, Sha256};

use super::super::object::Object;
use super::super::recognise::has_evidence;
use super::open::{Content, open};
use super::{Counts, Reading, anomalies, answers};

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
        if self.is_known(name, fingerprint, rows) {
            return;
        }
        let mut counts = Counts { notes, ..Counts::default() };
        for document in &documents {
            self.document(name, document, &mut counts);
        }
        self.count(name, counts);
    }

    fn document(&mut self, name: &str, document: &Value, counts: &mut Counts) {
        if document.get("ResultsByTime").is_some() {
            self.answers.take(name, document, counts);
        } else if document.get("Anomalies").is_some() {
            self.bills.anomalies.extend(anomalies::read(document, counts));
        } else if !MANIFEST.iter().any(|key| document.get(key).is_some()) {
            counts.notes.push("holds JSON of another kind too".to_owned());
        }
    }
}

/// What somebody who mixes up the two kinds of input is told.
pub(super) const CLOUDTRAIL: &str = "CloudTrail events, which are no bill";

/// Ids of the deliveries that manifests above them name as the newest.
pub(super) fn newest_assemblies(objects: &[Object], limit: u64) -> BTreeSet<String> {
    let manifests = objects.iter().filter(|object| object.name().to_ascii_lowercase().ends_with("manifest.json"));
    let above = manifests.filter(|object| !super::assembly::is_delivered(object.name()));
    above
        .filter_map(|object| {
            let Ok(Content::Text(source)) = open(object, limit) else { return None };
            let manifest: Value = serde_json::from_reader(source.take(limit)).ok()?;
            let id = manifest.get("assemblyId").or_else(|| manifest.get("executionId"))?;
            Some(id.as_str()?.to_owned())
        })
        .collect()
}
