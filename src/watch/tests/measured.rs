//! What a principal does at most is known from pass to pass, however short the passes are.

use super::*;
use crate::event::time;
use crate::model::Finding;

/// 2026-03-01.
const START: Seconds = 20_513 * DAY;

fn deletions(day: i64, count: i64) -> Vec<(Seconds, String)> {
    let one = |n: i64| {
        let at = START + day * DAY + 9 * HOUR + n * 25;
        let text = format!(
            r#"{{"userIdentity":{{"type":"IAMUser","principalId":"AIDABOB","arn":"arn:aws:iam::111122223333:user/bob","accountId":"111122223333"}},"eventTime":"{}","eventSource":"sqs.amazonaws.com","eventName":"DeleteQueue","awsRegion":"eu-west-1","sourceIPAddress":"198.51.100.7","eventID":"{day}-{n}","readOnly":false,"recipientAccountId":"111122223333"}}"#,
            time::format(at)
        );
        (at, text)
    };
    (0..count).map(one).collect()
}

fn object(records: &[(Seconds, String)]) -> Object {
    let lines: Vec<_> = records.iter().map(|(_, text)| text.as_str()).collect();
    Object::memory("records.jsonl".to_owned(), lines.join("\n").into_bytes())
}

fn bursts(findings: &[Finding]) -> Vec<(String, Vec<String>)> {
    let bursts = findings.iter().filter(|finding| &*finding.detector == "destructive-burst" && !finding.notice);
    bursts.map(|finding| (finding.level.to_string(), finding.reasons.clone())).collect()
}

#[test]
fn passes_know_the_past_that_a_replay_knows() {
    let history: Vec<_> = (0..9).flat_map(|day| deletions(day, 3)).collect();
    let live: Vec<_> = [(9, 3), (10, 21), (11, 2), (12, 24), (13, 2), (14, 4)]
        .into_iter()
        .flat_map(|(day, n)| deletions(day, n))
        .collect();
    let since = START + 9 * DAY;
    let range = Range { start: since, end: Seconds::MAX };
    let settings = Settings { range, accounts: &[], threads: 1, max_object_bytes: 1 << 30 };
    let all = [object(&history), object(&live)];
    let (report, expected) = replay(&all, &Bills::default(), rules(), Baseline::default(), settings, &|_| {}).unwrap();
    let replayed = bursts(&report.findings);
    assert_eq!(replayed.len(), 1, "the second burst is no more than usual: {replayed:?}");
    for every in [1, 4, 50] {
        let mut lesson = Lesson::new(rules(), Baseline::default(), since);
        history.chunks(5).rev().for_each(|chunk| lesson.take(&[object(chunk)], since));
        let (mut baseline, mut kept, mut told) = (lesson.baseline, lesson.kept, Vec::new());
        for chunk in live.chunks(every) {
            let now = chunk.iter().map(|(at, _)| *at).max().unwrap() + 60;
            let mut news = Arrivals::begin(Door::at(now));
            news.read(&[object(chunk)], rules(), since);
            let scope = Scope { since, is_whole: true, now };
            let parts = std::mem::take(&mut news.parts);
            let past = baseline.clone();
            let judged = judge(rules(), past, &kept, parts, &Bills::default(), Owners::default(), scope).unwrap();
            // As the state keeps it: what is learned is put to what is known.
            baseline.merge(judged.learned);
            assert_eq!(baseline.peaks, judged.outcome.baseline.peaks);
            kept.merge(judged.fresh);
            kept.forget(now, &[], &judged.outcome.report.findings, &judged.outcome.judged);
            told.extend(bursts(&judged.outcome.report.findings));
        }
        assert_eq!(baseline.peaks, expected.peaks, "every {every}");
        told.dedup();
        assert_eq!(told.last(), replayed.last(), "every {every}");
    }
}
