//! Every envelope and container, sound and slightly broken.

use super::{gzip, read, record, three};

/// (records, malformed, not a log) of a text.
fn counts(text: &str) -> (u64, u64, u64) {
    let (_, outcome) = read(text.as_bytes());
    assert_eq!(outcome.skipped, None, "{text}");
    (outcome.records, outcome.malformed, outcome.not_a_log)
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

#[test]
fn containers_give_the_records_as_they_are() {
    let all = three();
    let joined = all.join(",");
    let pretty = all.join(" ,\r\n    ");
    for text in [
        format!("{{\"Records\":[{joined}]}}"),
        format!("\u{feff}{{\r\n  \"Records\" : [\r\n    {pretty}\r\n  ]\r\n}}\r\n"),
        format!("{{\"a\":[1,{{}}],\"Records\":[{joined}],\"b\":{{\"Records\":1}}}}"),
        format!("{{\"Records\":[{joined}],\"a\":[1,{{}}],\"b\":\"x\"}}"),
        format!("[{joined}]"),
        format!(" [\n{pretty}\n]\n"),
        all.join("\n"),
        format!("\n\r\n{}\r\n\r\n", all.join("\r\n\r\n")),
        all.concat(),
        format!("{{\"Records\":[{}]}}{{\"Records\":[{},{}]}}", all[0], all[1], all[2]),
        format!("[{}][{},{}]", all[0], all[1], all[2]),
    ] {
        let (records, outcome) = read(text.as_bytes());
        assert_eq!(records, all, "{text}");
        assert_eq!((outcome.malformed, outcome.not_a_log), (0, 0), "{text}");
        assert_eq!(outcome.skipped, None, "{text}");
        assert_eq!(outcome.bytes, text.len() as u64);
        let (packed, _) = read(&gzip(text.as_bytes()));
        assert_eq!(packed, all, "{text}");
    }
}

#[test]
fn envelopes_are_taken_off() {
    let inner = record("Inside");
    let text = quoted(&inner);
    let bridge = format!(r#"{{"detail-type":"AWS API Call via CloudTrail","detail":{inner}}}"#);
    let notice = format!(r#"{{"Type":"Notification","Message":{}}}"#, quoted(&bridge));
    for envelope in [
        inner.clone(),
        bridge.clone(),
        bridge.replacen('{', r#"{"source":"aws.iam","#, 1),
        notice.clone(),
        format!(r#"{{"NextToken":"x","Events":[{{"EventId":"y","CloudTrailEvent":{text}}}]}}"#),
        format!(r#"[{{"EventId":"y","CloudTrailEvent":{text}}}]"#),
        format!(r#"{{"messageType":"DATA_MESSAGE","logEvents":[{{"id":"1","message":{text}}}]}}"#),
        format!(r#"{{"events":[{{"timestamp":1,"message":{text}}}],"searchedLogStreams":[]}}"#),
        format!(r#"{{"Messages":[{{"Body":{}}}]}}"#, quoted(&notice)),
        format!(r#"{{"Records":[{{"body":{text},"eventSource":"aws:sqs"}}]}}"#),
        format!(r#"{{"Records":[{{"EventSource":"aws:sns","Sns":{notice}}}]}}"#),
        format!(r#"{{"@timestamp":"x","message":{text}}}"#),
        format!(r#"{{"_index":"i","_source":{inner}}}"#),
        format!(r#"{{"hits":{{"total":1,"hits":[{{"_source":{{"message":{text}}}}}]}}}}"#),
        format!(r#"{{"message":"CreateUser","event":{{"original":{text}}}}}"#),
        format!("2021-07-10T20:27:23.000Z {inner}\n2021-07-10T20:27:24.000Z other \"text {{\n"),
    ] {
        let (records, outcome) = read(envelope.as_bytes());
        assert_eq!(records, [inner.as_str()], "{envelope}");
        assert_eq!((outcome.malformed, outcome.not_a_log), (0, 0), "{envelope}");
        assert_eq!(outcome.skipped, None, "{envelope}");
    }
}

#[test]
fn what_is_no_log_counts_as_such() {
    for (text, expected) in [
        ("", 1),
        (" \n\n", 1),
        (r#"{"Records":[]}"#, 1),
        ("[]", 1),
        ("[1,2]", 1),
        (r#"{"Records":null}"#, 1),
        ("<html><body>{}</body></html>", 1),
        ("plain text, with a comma", 1),
        ("{{ template }} [", 1),
        (r#"{"awsAccountId":"1","digestStartTime":null,"logFiles":[]}"#, 1),
        (r#"{"Service":"Amazon S3","Event":"s3:TestEvent"}"#, 1),
        (r#"{"Records":[{"eventVersion":"2.1","eventSource":"aws:s3","eventName":"a"}]}"#, 1),
        (r#"{"detail-type":"Object Created","detail":{"bucket":{}}}"#, 1),
        (r#"{"source":"org.app","detail-type":"AWS API Call via CloudTrail","detail":{"eventVersion":"1.08"}}"#, 1),
        (r#"{"Records":[{"eventSource":"aws:sqs","body":"{ no"},{"eventSource":"aws:sqs","body":"no"}]}"#, 1),
    ] {
        let (records, outcome) = read(text.as_bytes());
        assert!(records.is_empty());
        assert_eq!(outcome.not_a_log, expected, "{text}");
        assert_eq!(outcome.skipped, None, "{text}");
    }
    let (_, outcome) = read(&[0xff, 0x00, 0x7b, 0x13, 0x22]);
    assert_eq!(outcome.not_a_log, 1);
}

#[test]
fn scalars_between_records_are_no_logs() {
    let [a, b] = ["A", "B"].map(record);
    let lost = a.replacen("\"IAMUser\"", "\"IAMUser", 1);
    for (text, expected) in [
        (format!("{a}\n3\n\"x\"\nnull\n{b}\n"), (2, 0, 3)),
        (format!("{a}3 \"x\"null{b}-1.5e3"), (2, 0, 4)),
        (format!("3\n\"x\"\r\nnull\n{a}\n{b}\ntrue\n"), (2, 0, 4)),
        (format!("null{a} 3 \"x\" {b}"), (2, 0, 3)),
        (format!("{a},3,{b},\"x\"\n"), (2, 0, 2)),
        (format!("{{\"Records\":[{a}],\"n\":1,\"s\":\"x\"}}\n3\n[{b}]\nfalse"), (2, 0, 2)),
        (format!("{a}\n{}\n3", quoted(&b)), (2, 0, 1)),
        (format!("{{\"Records\":[{a}],\"n\":1}}3[{b}]4"), (2, 0, 2)),
        ("3\n\"x\"\nnull".to_owned(), (0, 0, 3)),
        (format!("{lost}\n{a}\n3\n{b}"), (2, 1, 1)),
        (format!("12:30 7 {a} 200 OK\n12 a \"b\" {b}"), (2, 0, 0)),
    ] {
        let (_, outcome) = read(text.as_bytes());
        assert_eq!((outcome.records, outcome.malformed, outcome.not_a_log), expected, "{text}");
    }
}

#[test]
fn odd_objects_are_given_on() {
    let odd = r#"{"event":{"eventName":"a"},"expected":true}"#;
    assert_eq!(read(odd.as_bytes()).0, [odd]);
}

#[test]
fn reading_goes_on_behind_what_is_broken() {
    let [a, b, c] = ["A", "B", "C"].map(record);
    let lost_quote = b.replacen("\"IAMUser\"", "\"IAMUser", 1);
    let open = &b[..b.len() - 9];
    assert_eq!(counts(&format!("{{\"Records\":[{a} {b}{c}]}}")), (3, 0, 0));
    assert_eq!(counts(&format!("[{a}, // text\n{b} /* \" */,{c}]")), (3, 0, 0));
    assert_eq!(counts(&format!("[{a}, ... {b}, ..., {c}]")), (3, 2, 0));
    for broken in [
        format!("{{\"Records\":[{a},{{\"eventVersion\": ... }},{c}]}}"),
        format!("{{\"Records\":[{a},{{\"x\":1 // text \"\n}},{c}]}}"),
        format!("{{\"Records\":[{a},{lost_quote},{c}]}}"),
        format!("{{\"Records\":[{a},{open},{c}]}}"),
        format!("{{\"n\":1,\"Records\":[{a},{open},{c}]}}"),
        format!("{a}\n{lost_quote}\n{c}"),
        format!("{a}\n{open}\n{c}"),
        format!("{a}\n{{\"x\": {{\"y\n{c}"),
        format!("[{a},{{\"x\":\"\\q\",\"y\":{b}}},{c}]").replace("\\q", "\u{1}"),
    ] {
        let (records, outcome) = read(broken.as_bytes());
        assert_eq!(records.first(), Some(&a), "{broken}");
        assert_eq!(records.last(), Some(&c), "{broken}");
        assert_eq!(outcome.malformed, 1, "{broken}");
    }
}

#[test]
fn a_byte_that_is_no_character_costs_nothing() {
    let [a, b, c] = ["A", "B", "C"].map(record);
    let text = format!("{{\"Records\":[{a},{b},{c}]}}");
    let mut bytes = text.into_bytes();
    let middle = 13 + a.len() + b.find('é').unwrap();
    bytes[middle] = 0xff;
    let (records, outcome) = read(&bytes);
    assert_eq!(outcome.malformed, 0);
    assert_eq!((&records[0], &records[2]), (&a, &c));
    assert!(records[1].contains('\u{fffd}'));
}

#[test]
fn utf16_from_a_shell_is_read() {
    let text = format!("\u{feff}[{}]", record("A"));
    let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(read(&bytes).0, [record("A")]);
}

#[test]
fn tables_become_records() {
    let whole = format!("eventJson,x\n\"{}\",1\n", record("A").replace('"', "\"\""));
    assert_eq!(read(whole.as_bytes()).0, [record("A")]);

    let lake = "eventversion,useridentity,eventtime,eventname,readonly,requestparameters,errorcode\n\
        1.08,\"{type=AssumedRole, sessioncontext={attributes={mfaauthenticated=false}, webidfederationdata=null}, arn=a, b}\",2024-01-01 00:00:00.000,RunInstances,true,\"{\"\"a\"\":1}\",null\n";
    let (records, outcome) = read(lake.as_bytes());
    assert_eq!((outcome.records, outcome.malformed), (1, 0));
    let parsed: serde_json::Value = serde_json::from_str(&records[0]).unwrap();
    let expected = serde_json::json!({
        "eventVersion": "1.08",
        "userIdentity": {"type": "AssumedRole", "arn": "a, b", "sessionContext":
            {"attributes": {"mfaAuthenticated": "false"}, "webIdFederationData": null}},
        "eventTime": "2024-01-01 00:00:00.000",
        "eventName": "RunInstances",
        "readOnly": true,
        "requestParameters": {"a": 1},
    });
    assert_eq!(parsed, expected);

    let console = "\"Event ID\",\"Event time\",\"User name\",\"Event name\",\"AWS access key\",\"Event source\"\r\n1,t,root,ConsoleLogin,AKIA,signin.amazonaws.com\r\nshort\r\n";
    let (records, outcome) = read(console.as_bytes());
    assert_eq!((outcome.records, outcome.malformed), (1, 1));
    let parsed: serde_json::Value = serde_json::from_str(&records[0]).unwrap();
    assert_eq!(parsed["userIdentity"]["userName"], "root");
    assert_eq!(parsed["eventID"], "1");
}
