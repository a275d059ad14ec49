//! Payloads as the state machine sends them, and as somebody else might.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn read(payload: &Value) -> Result<Task, String> {
    let what = payload["stakeout"].as_str().unwrap().to_owned();
    task(&what, payload).unwrap_or_else(|| Err("no kind of a history".to_owned()))
}

fn item() -> Value {
    json!({
        "number": 7, "prefix": "AWSLogs/o-a1b2c3d4e5/111122223333/CloudTrail/", "from": "2026-08-01", "until": "2026-08-30",
        "start": null, "end": 1_788_220_800,
    })
}

#[test]
fn each_stage_is_understood() {
    let input = json!({ "from": "2026-08-01", "until": "2026-10-31", "start": "2026-09-01T00:00:00Z", "accounts": ["111122223333"] });
    let Ok(Task { run, stage: Stage::Plan(wish) }) = read(&json!({ "stakeout": "plan", "run": "a-1", "input": input }))
    else {
        panic!("no plan")
    };
    assert_eq!((run.as_str(), wish.days, wish.start, wish.end), ("a-1", 30, Some(1_788_220_800), None));
    assert_eq!(String::from(wish.until.unwrap()), "2026-10-31");
    for nothing in [json!({}), Value::Null] {
        let payload = json!({ "stakeout": "plan", "run": "a", "input": nothing });
        let plain = matches!(read(&payload), Ok(Task { stage: Stage::Plan(wish), .. }) if wish.accounts.is_empty());
        assert_eq!(plain, payload["input"].is_object(), "{payload}");
    }
    let map = |more: Value| {
        let mut payload = json!({ "stakeout": "map", "run": "a", "item": item() });
        payload.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        read(&payload).map(|task| task.stage)
    };
    assert!(matches!(map(json!({})), Ok(Stage::Map { share: 1, of: None, .. })));
    assert!(matches!(map(json!({ "share": 2, "of": 3, "more": true })), Ok(Stage::Map { share: 2, of: Some(3), .. })));
    for wrong in
        [json!({ "share": 2 }), json!({ "share": 4, "of": 3 }), json!({ "share": 0, "of": 3 }), json!({ "of": -1 })]
    {
        assert!(map(wrong.clone()).is_err(), "{wrong}");
    }
    let reduce =
        |share: &str| read(&json!({ "stakeout": "reduce", "run": "a", "share": share })).map(|task| task.stage);
    assert_eq!(reduce("3/16"), Ok(Stage::Reduce { share: 3, of: 16 }));
    for wrong in ["", "3", "0/16", "17/16", "+3/16", "3/16/2", "1/99999"] {
        assert!(reduce(wrong).is_err(), "{wrong}");
    }
    assert_eq!(read(&json!({ "stakeout": "merge", "run": "a" })).map(|task| task.stage), Ok(Stage::Merge));
    assert!(task("click", &json!({})).is_none());
}

#[test]
fn nothing_leads_out_of_the_places_of_the_settings() {
    for run in ["", "..", "a/b", "a b", "s3://x", "ä", &"a".repeat(81)] {
        assert!(read(&json!({ "stakeout": "merge", "run": run })).is_err(), "{run}");
    }
    assert!(read(&json!({ "stakeout": "merge", "run": 7 })).is_err());
    for prefix in [
        "",
        "/AWSLogs/111122223333/CloudTrail/",
        "AWSLogs/../111122223333/CloudTrail/",
        "AWSLogs/o-A/111122223333/CloudTrail/",
        "AWSLogs/111122223333/CloudTrail",
        "AWSLogs/111122223333/CloudTrail/eu-west-1/",
        "AWSLogs/o-a/o-b/111122223333/CloudTrail/",
        "AWSLogs/11112222333/CloudTrail/",
    ] {
        let mut item = item();
        item["prefix"] = json!(prefix);
        assert!(read(&json!({ "stakeout": "map", "run": "a", "item": item })).is_err(), "{prefix}");
    }
    for (key, value) in
        [("from", json!("2026-08-31")), ("until", json!("9999-12-31")), ("more", json!(1)), ("number", json!(0))]
    {
        let mut item = item();
        item[key] = value;
        assert!(read(&json!({ "stakeout": "map", "run": "a", "item": item })).is_err(), "{key}");
    }
}

proptest! {
    /// Whatever is sent, an error repeats nothing of it.
    #[test]
    fn an_error_tells_no_value(key in "[a-z]{3,8}", text in "[a-z0-9/:.-]{12,40}") {
        for what in ["plan", "map", "reduce", "merge"] {
            let secret = format!("hunter2{text}");
            for payload in [
                json!({ "run": secret }),
                json!({ "run": "a", "input": { &key: &secret }, "item": { &key: &secret }, "share": &secret }),
                json!({ "run": "a", "input": { "start": &secret }, "item": &secret, "share": [&secret] }),
                json!({ "run": "a", "input": { "accounts": [&secret] } }),
            ] {
                if let Some(Err(why)) = task(what, &payload) {
                    prop_assert!(!why.contains("hunter2"), "{}", why);
                }
            }
        }
    }
}
