//! What is sent to Slack, and what its answers mean.

use slack_morphism::prelude::{SlackBlock, SlackDividerBlock};

use super::*;
use crate::notify::Refused;
use crate::slack::tests::{Answer, TOKEN, fake, revealed, run, said};

const SPOT: Spot<'_> = Spot { channel: "C1", thread: None };

fn client(api: &str) -> Client {
    Client::with(revealed(TOKEN), api).unwrap()
}

fn words() -> Words {
    let divider = SlackDividerBlock::new().with_block_id("inc-1".into());
    Words { text: "Functions in 17 regions".to_owned(), blocks: vec![SlackBlock::Divider(divider)] }
}

fn me() -> Answer {
    let (status, _, body) =
        said(r#"{"ok":true,"team":"Acme","team_id":"T1","user":"stakeout","user_id":"U9","bot_id":"B9"}"#);
    (status, "content-type: application/json\r\nx-oauth-scopes: chat:write, channels:history\r\n", body)
}

#[test]
fn slack_gets_a_message_and_its_change() {
    let (api, asked) = fake(vec![
        said(r#"{"ok":true,"channel":"C1","ts":"1795327200.000100","message":{"blocks":[{"type":"of-tomorrow"}]}}"#),
        said(r#"{"ok":true,"channel":"C1","ts":"1795327200.000100","text":"t"}"#),
    ]);
    let client = client(&api);
    let spot = Spot { thread: Some("1795327100.000001"), ..SPOT };
    assert_eq!(run(client.post(spot, &words())).as_deref(), Ok("1795327200.000100"));
    assert_eq!(run(client.update("C1", "1795327200.000100", &words())), Ok(()));
    let (posted, updated) = (asked.recv().unwrap(), asked.recv().unwrap());
    assert_eq!(posted.line, "POST /api/chat.postMessage HTTP/1.1");
    assert_eq!(posted.headers["authorization"], "Bearer xoxb-hunter2");
    let body = |body: &str| serde_json::from_str::<Value>(body).unwrap();
    let blocks = json!([{ "type": "divider", "block_id": "inc-1" }]);
    let text = "Functions in 17 regions";
    let expected = json!({ "channel": "C1", "thread_ts": "1795327100.000001", "text": text, "blocks": blocks,
        "unfurl_links": false, "unfurl_media": false });
    assert_eq!(body(&posted.body), expected);
    assert_eq!(updated.line, "POST /api/chat.update HTTP/1.1");
    let expected = json!({ "channel": "C1", "ts": "1795327200.000100", "text": text, "blocks": blocks });
    assert_eq!(body(&updated.body), expected);
    let (api, asked) = fake(vec![said(r#"{"ok":true,"ts":"1.2"}"#)]);
    let bare = Words { blocks: Vec::new(), ..words() };
    assert_eq!(run(self::client(&api).update("C1", "1.2", &bare)), Ok(()));
    assert_eq!(body(&asked.recv().unwrap().body)["blocks"], json!([]), "blocks that were there go");
}

#[test]
fn slack_answers_that_are_no_success_say_whether_to_try_again() {
    const JSON: &str = "content-type: application/json\r\n";
    let no = |word: &str| said(&format!(r#"{{"ok":false,"error":"{word}","secret":"of the body"}}"#));
    // The answer, seconds to wait, whether it is final, whether the message is gone, and what is told.
    let cases: Vec<(Answer, Option<Seconds>, bool, bool, &str)> = vec![
        (
            ("429 X", "content-type: text/plain\r\nretry-after: 7\r\n", String::new()),
            Some(7),
            false,
            false,
            "7 seconds",
        ),
        (
            ("429 X", "content-type: application/json\r\nretry-after: 9999999\r\n", "{\"ok\":false}".into()),
            Some(3_600),
            false,
            false,
            "",
        ),
        (("429 X", JSON, "<".into()), None, false, false, "none that Slack gives"),
        (no("ratelimited"), None, false, false, "left alone"),
        (("500 X", JSON, "secret".into()), None, false, false, "the answer is 500"),
        (("302 X", "location: http://127.0.0.1:1/\r\n", String::new()), None, false, false, "redirects"),
        (("200 OK", "content-type: text/html\r\n", "<html>secret".into()), None, false, false, "none that Slack gives"),
        (("200 OK", JSON, "{\"ok\":true,\"ts\":".into()), None, false, false, "none that Slack gives"),
        (said("{\"ok\":true}"), None, false, false, "none that Slack gives"),
        (said("{\"ok\":true,\"ts\":\"secret\"}"), None, false, false, "none that Slack gives"),
        (said("{\"ok\":false}"), None, false, false, "none that Slack gives"),
        (said("null"), None, false, false, "none that Slack gives"),
        (("", "", String::new()), None, false, false, "connection"),
        (no("internal_error"), None, false, false, "internal_error"),
        (no("not_in_channel"), None, false, false, "not_in_channel: invite the app: /invite @Stakeout"),
        (no("token_revoked"), None, false, false, "install the app again"),
        (
            said(r#"{"ok":false,"error":"missing_scope","needed":"chat:write","provided":"x"}"#),
            None,
            false,
            false,
            "missing_scope (chat:write): add",
        ),
        (no("msg_blocks_too_long"), None, true, false, "msg_blocks_too_long"),
        (no("invalid_blocks"), None, true, false, "invalid_blocks"),
        (no("message_not_found"), None, true, true, "message_not_found"),
        (no("cant_update_message"), None, true, true, "cant_update_message"),
        (no("thread_not_found"), None, true, true, "thread_not_found"),
        (no(&format!("a\\u001b[31m\\u202e{}", "b".repeat(100_000))), None, false, false, "a31mbbb"),
    ];
    for (answer, retry_after, is_final, is_gone, told) in cases {
        let shown = format!("{} {:.80}", answer.0, answer.2);
        let (api, _asked) = fake(vec![answer]);
        let lost = run(client(&api).post(SPOT, &words())).unwrap_err();
        assert!(lost.why.starts_with("Slack: posting to C1: ") && lost.why.contains(told), "{shown}: {}", lost.why);
        assert!(!lost.why.contains("secret") && !lost.why.contains("hunter2") && lost.why.len() < 400, "{}", lost.why);
        assert_eq!((lost.retry_after, lost.is_final, lost.is_gone), (retry_after, is_final, is_gone), "{shown}");
    }
    let refused = |word: &str| {
        let (api, _asked) = fake(vec![no(word)]);
        run(client(&api).post(SPOT, &words())).unwrap_err().refused
    };
    let kinds = ["invalid_blocks", "word_of_tomorrow", "no_text", "not_in_channel", "token_revoked", "internal_error"];
    let (layout, message) = (Some(Refused::Layout), Some(Refused::Message));
    assert_eq!(kinds.map(refused), [layout, message, message, None, None, None], "what concerns this message alone");
    let nobody = client("http://127.0.0.1:9/api");
    let lost = run(nobody.update("C1", "1.2", &words())).unwrap_err();
    assert!(lost.why.starts_with("Slack: updating a message in C1: ") && !lost.is_final, "{}", lost.why);
}

#[test]
fn slack_messages_are_found_by_their_mark_and_only_where_they_are_ours() {
    let others = r#"{"ok":true,"has_more":true,"response_metadata":{"next_cursor":"next=="},"messages":[
        {"ts":"9.1","bot_id":"B1","user":"U9","blocks":[{"type":"section","block_id":"inc-1"}]},
        {"ts":"9.2","user":"U5","blocks":[{"type":"of-tomorrow","block_id":"inc-1"}]},
        {"ts":"9.3","bot_id":"B9","blocks":[{"block_id":"inc-12"},{"block_id":"inc-1"}]}, 7, {"ts":null}]}"#;
    let ours = r#"{"ok":true,"messages":[{"ts":"8.1","text":"hi"},{"ts":"8.2","bot_id":"B9","blocks":[{"block_id":"inc-1"}]}]}"#;
    let (api, asked) = fake(vec![me(), said(others), said(ours), said(r#"{"ok":true,"messages":[]}"#)]);
    let client = client(&api);
    assert_eq!(run(client.find(SPOT, "inc-1", 10_000)), Ok(Some("8.2".to_owned())));
    let spot = Spot { thread: Some("8.2"), ..SPOT };
    assert_eq!(run(client.find(spot, "inc-1:2", 10_000)), Ok(None));
    let lines: Vec<_> = asked.try_iter().map(|asked| asked.line).collect();
    let history = "GET /api/conversations.history?channel=C1&oldest=10000.000000&inclusive=true&limit=200";
    let replies = "GET /api/conversations.replies?channel=C1&ts=8.2&oldest=10000.000000&inclusive=true&limit=200";
    let expected = ["POST /api/auth.test", history, &format!("{history}&cursor=next%3D%3D"), replies]
        .map(|line| format!("{line} HTTP/1.1"));
    assert_eq!(lines, expected, "who the app is, is asked once");
}

#[test]
fn slack_messages_that_cannot_be_looked_for_are_posted_again() {
    let find = |answer: &str, thread| {
        let (api, _asked) = fake(vec![me(), said(answer)]);
        run(client(&api).find(Spot { thread, ..SPOT }, "inc-1", 0))
    };
    let lost = find(r#"{"ok":false,"error":"missing_scope","needed":"groups:history"}"#, None).unwrap_err();
    assert!(lost.is_final && lost.why.contains("missing_scope (groups:history)"), "{}", lost.why);
    assert!(!find(r#"{"ok":false,"error":"internal_error"}"#, None).unwrap_err().is_final);
    assert_eq!(find(r#"{"ok":false,"error":"thread_not_found"}"#, Some("1.2")), Ok(None));
    let same = r#"{"ok":true,"messages":[],"response_metadata":{"next_cursor":""}}"#;
    assert_eq!(find(same, None), Ok(None));
}

#[test]
fn slack_answers_go_to_slack_and_to_nobody_else() {
    let api = Url::parse("http://127.0.0.1:4700/api").unwrap();
    let goes = |url: &str| Url::parse(url).is_ok_and(|url| is_slack(&url, &api));
    for url in
        ["https://hooks.slack.com/actions/T1/1/x", "https://hooks.slack-gov.com/x", "http://127.0.0.1:4700/respond/1"]
    {
        assert!(goes(url), "{url}");
    }
    let elsewhere = [
        "http://hooks.slack.com/x",
        "https://hooks.slack.com.example.com/x",
        "https://evilslack.com/x",
        "https://hooks.slack.com:8443/x",
        "https://hooks.slack.com@example.com/x",
        "https://a@hooks.slack.com/x",
        "http://127.0.0.1:4701/respond/1",
        "https://127.0.0.1:4700/x",
        "http://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
    ];
    for url in elsewhere {
        assert!(!goes(url), "{url}");
        let lost = run(client("http://127.0.0.1:4700/api").answer(url, &words())).unwrap_err();
        assert!(lost.is_final && lost.why == "answering a press: the address is not Slack's", "{}", lost.why);
    }
    let (api, asked) =
        fake(vec![said("ok"), ("404 X", "", "used_url".into()), ("302 X", "location: /x\r\n", String::new())]);
    let (client, url) = (client(&api), api.replace("/api", "/respond/1"));
    assert_eq!(run(client.answer(&url, &words())), Ok(()));
    let first = asked.recv().unwrap();
    assert!(!first.headers.contains_key("authorization"), "the address is what proves a press");
    let body: Value = serde_json::from_str(&first.body).unwrap();
    assert_eq!((&body["response_type"], &body["replace_original"]), (&json!("ephemeral"), &json!(false)));
    assert_eq!((&body["text"], &body["blocks"][0]["type"]), (&json!("Functions in 17 regions"), &json!("divider")));
    for _ in 0..2 {
        let lost = run(client.answer(&url, &words())).unwrap_err();
        assert!(lost.is_final && !lost.why.contains("respond"), "{}", lost.why);
    }
}

#[test]
fn slack_says_who_the_app_is_and_who_is_in_a_group() {
    let (api, asked) = fake(vec![
        ("503 X", "", String::new()),
        me(),
        said(r#"{"ok":true,"users":["U1","W2"]}"#),
        said(r#"{"ok":false,"error":"no_such_subteam"}"#),
    ]);
    let client = client(&api);
    assert!(run(client.who()).unwrap_err().why.ends_with("the answer is 503"));
    let who = run(client.who()).unwrap();
    assert_eq!(run(client.who()).as_ref(), Ok(&who), "a success is remembered");
    assert_eq!((who.team.as_str(), who.user.as_str(), who.bot.as_deref()), ("T1", "U9", Some("B9")));
    assert_eq!(who.scopes, Some(vec!["chat:write".to_owned(), "channels:history".to_owned()]));
    assert_eq!(run(client.members("S1")), Ok(vec!["U1".to_owned(), "W2".to_owned()]));
    assert!(run(client.members("S2")).unwrap_err().why.contains("approval.approvers"));
    assert_eq!(asked.try_iter().nth(2).unwrap().line, "GET /api/usergroups.users.list?usergroup=S1 HTTP/1.1");
}

#[test]
fn slack_without_a_token_is_told() {
    let settings = |text: &str| crate::config::Config::read(text, "x", std::iter::empty()).unwrap().slack;
    assert_eq!(Client::connect(&settings("")).err().unwrap(), "slack.token is not set");
    let unset = Client::connect(&settings("[slack]\ntoken = \"env:STAKEOUT_TEST_UNSET\"\nchannel = \"C0123456789\""))
        .err()
        .unwrap();
    assert_eq!(unset, "slack.token: the variable STAKEOUT_TEST_UNSET is not set, or empty, or no UTF-8");
    let (api, _asked) = fake(vec![said(r#"{"ok":false,"error":"not_allowed_token_type"}"#)]);
    assert!(run(can_connect(&revealed(TOKEN), &api)).unwrap_err().why.contains("xapp-"));
}
