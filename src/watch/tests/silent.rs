//! What fell silent is told once, whatever the passes after it bring.

use super::*;
use crate::event::time;

/// 2026-03-01.
const START: Seconds = 20_513 * DAY;

fn call(user: &str, day: i64) -> String {
    format!(
        r#"{{"userIdentity":{{"type":"IAMUser","principalId":"AIDA{user}","arn":"arn:aws:iam::111122223333:user/{user}","accountId":"111122223333"}},"eventTime":"{}","eventSource":"sqs.amazonaws.com","eventName":"DeleteQueue","awsRegion":"eu-west-1","sourceIPAddress":"198.51.100.7","eventID":"{user}-{day}","readOnly":false,"recipientAccountId":"111122223333"}}"#,
        time::format(START + day * DAY + 9 * HOUR)
    )
}

fn object(records: &[String]) -> Object {
    Object::memory("records.jsonl".to_owned(), records.join("\n").into_bytes())
}

/// Passes as the state keeps them.
struct Nights {
    baseline: Baseline,
    kept: Kept,
}

impl Nights {
    /// Two callers call on every day before the sixteenth, and then one of them does not.
    fn new() -> Self {
        let mut lesson = Lesson::new(rules(), Baseline::default(), START + 16 * DAY);
        let history: Vec<_> = (0..16).flat_map(|day| [call("app", day), call("nightly", day)]).collect();
        lesson.take(&[object(&history)], START + 16 * DAY);
        Self { baseline: lesson.baseline, kept: lesson.kept }
    }

    /// The silences that a pass tells, and how many are new to what is kept.
    fn pass(&mut self, records: &[String], day: i64, is_whole: bool) -> (Vec<(String, Vec<String>)>, usize) {
        let (since, now) = (START + 16 * DAY, START + day * DAY + 10 * HOUR);
        let mut news = Arrivals::begin(Door::at(now));
        if !records.is_empty() {
            news.read(&[object(records)], rules(), since);
        }
        let (parts, scope) = (std::mem::take(&mut news.parts), Scope { since, is_whole, now });
        let past = self.baseline.clone();
        let judged = judge(rules(), past, &self.kept, parts, &Bills::default(), Owners::default(), scope).unwrap();
        let fresh = judged.fresh.events().filter(|event| event.shape.name == "PrincipalSilent").count();
        let findings = judged.outcome.report.findings;
        self.baseline.merge(judged.learned);
        self.kept.merge(judged.fresh);
        self.kept.forget(now, &[], &findings, &judged.outcome.judged);
        self.kept = kept::decode(&kept::encode(&self.kept, rules()).unwrap(), rules()).unwrap();
        let silent = findings.into_iter().filter(|finding| &*finding.detector == "principal-silent");
        (silent.map(|finding| (finding.id, finding.reasons)).collect(), fresh)
    }
}

#[test]
fn a_silence_is_told_once_and_stays_for_as_long_as_what_happened() {
    let mut nights = Nights::new();
    assert_eq!(nights.pass(&[call("app", 16)], 16, true), (Vec::new(), 0));
    let (told, fresh) = nights.pass(&[call("app", 17)], 17, true);
    assert_eq!((told.len(), fresh), (1, 1), "{told:?}");
    assert_eq!(nights.pass(&[], 17, true), (told.clone(), 0), "nothing is new");
    assert_eq!(nights.pass(&[], 17, false), (told.clone(), 0), "not everything could be read");
    assert_eq!(nights.pass(&[call("bob", 17)], 17, false), (told.clone(), 0));
    assert_eq!(nights.pass(&[call("app", 18)], 18, true), (told, 0), "the day after it is no news");
    // The pass that lets go of it judged it once more.
    nights.pass(&[], 21, true);
    assert_eq!(nights.pass(&[], 21, true), (Vec::new(), 0), "what is forgotten is not heard again");
}

#[test]
fn a_pass_without_news_hears_what_was_handed_in() {
    let mut nights = Nights::new();
    assert_eq!(nights.pass(&[call("app", 16)], 16, false), (Vec::new(), 0));
    assert_eq!(nights.pass(&[call("app", 17)], 17, false), (Vec::new(), 0));
    let (told, fresh) = nights.pass(&[], 17, true);
    assert_eq!((told.len(), fresh), (1, 1), "{told:?}");
}
