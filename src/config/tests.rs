//! Settings: what is read, what is refused and how, and that no secret is shown.

mod allow;

use std::ffi::OsString;

use proptest::prelude::*;

use super::deciding::Quorum;
use super::*;

const FULL: &str = r#"
[state]
path = "state/stakeout.db"
lease = "3m"
[aws]
regions = ["eu-west-1", "us-gov-west-1"]
[sources]
lookup_events = false
trail_bucket = "s3://trail/org"
queue_url = "https://sqs.eu-west-1.amazonaws.com/111122223333/events"
cost_explorer = true
cost_budget = 2.50
[[accounts]]
id = "111122223333"
name = "prod"
role = "arn:aws:iam::111122223333:role/stakeout"
external_id = "env:EXTERNAL_ID"
[watch]
first_lookback = "24h"
budget = "90s"
patience = "45m"
[notify]
terminal = false
min_level = "critical"
[notify.file]
path = "/var/log/stakeout.ndjson"
[[notify.webhook]]
url = "https://hooks.example.com/token-in-path?key=1"
secret = "env:HOOK_SECRET"
[[notify.webhook]]
url = "env:HOOK_URL"
name = "pager"
timeout = "3s"
[[notify.sns]]
topic = "arn:aws:sns:eu-west-1:111122223333:alarms.fifo"
[metrics]
prometheus = "stakeout.prom"
heartbeat_url = "https://hc.example.com/uuid"
[slack]
token = "env:SLACK_BOT_TOKEN"
channel = "C0123"
notices = "G0456"
digest = "06:30"
api_url = "http://127.0.0.1:4700/api"
[approval]
approvers = ["U0123"]
quorum = { R1 = 1, R3 = 3 }
[contain]
responder_role = "arn:aws:iam::111122223333:role/responder"
[protect]
principals = ["arn:aws:iam::*:role/break-glass"]
tags = { "stakeout:protected" = "true" }
[evidence]
dir = "evidence"
[[allow]]
principal = "arn:aws:iam::111122223333:role/deploy"
detector = "many-functions-created"
network = ["203.0.113.0/24", "198.51.100.7"]
region = "eu-west-1"
target = "ci-*"
change = "CHG-1"
owner = "ann"
reason = "deploys"
expires = "2027-01-31"
[own]
names = ["stakeout-queue"]
"#;

fn read(text: &str, environment: &[(&str, &str)]) -> Result<Config> {
    let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Config::read(text, "stakeout.toml", environment)
}

fn refusal(text: &str, environment: &[(&str, &str)]) -> String {
    format!("{:#}", read(text, environment).expect_err(text))
}

#[test]
fn nothing_said_is_every_default() {
    let config = read("", &[("STAKEOUT_CONFIG", "x"), ("STAKEOUT_PYTHON", "y"), ("PATH", "/bin")]).unwrap();
    assert_eq!(Config { origins: Origins::default(), ..config.clone() }, Config::default());
    let watch = &config.watch;
    assert_eq!((watch.interval, watch.budget, watch.first_lookback, watch.patience), (300, 240, 86_400, 1_800));
    assert!(config.sources.lookup_events && config.notify.terminal && !config.sources.cost_explorer);
    assert_eq!(config.aws.regions, Regions::Enabled);
}

#[test]
fn all_of_it_is_read_and_shown_again() {
    let config = read(FULL, &[]).unwrap();
    assert_eq!((config.state.lease, config.watch.patience), (180, 2_700));
    assert_eq!(config.sources.queue_url.len(), 1);
    assert_eq!(config.approval.quorum, Quorum { r1: 1, r2: 1, r3: 3 });
    assert_eq!(config.notify.webhook[1].timeout, 3);
    let shown = config.show().unwrap();
    let again = read(&shown, &[]).unwrap_or_else(|error| panic!("{error:#}\n{shown}"));
    // A webhook's path is hidden; all else survives.
    let same = |mut config: Config| {
        config.origins = Origins::default();
        config.notify.webhook.truncate(0);
        config.metrics.heartbeat_url = None;
        config
    };
    assert_eq!(same(again), same(config));
    assert!(shown.contains("url = \"https://hooks.example.com/...\"  # stakeout.toml:"), "{shown}");
    assert!(shown.contains("interval = \"5m\"\n"), "{shown}");
    assert!(!shown.contains("token-in-path") && !shown.contains("uuid") && !shown.contains("key=1"), "{shown}");
}

#[test]
fn an_error_names_its_place_and_key() {
    for (text, expected) in [
        (
            "[watch]\nintervall = \"5m\"",
            "stakeout.toml:2:1: watch.intervall: unknown field `intervall`, expected one of `first_lookback`, `interval`",
        ),
        ("[wacht]\n", "stakeout.toml:1:2: wacht: unknown field `wacht`, expected one of `state`"),
        ("[watch]\n\n  interval = 5", "stakeout.toml:3:14: watch.interval: invalid type: integer `5`"),
        ("[watch]\ninterval = \"5 min\"", "stakeout.toml:2:12: watch.interval: \"5 min\" is no duration"),
        ("[[accounts]]\nid = 111122223333", "stakeout.toml:2:6: accounts.id: invalid type"),
        ("[[accounts]]\nid = \"1111\"", "stakeout.toml:2:6: accounts.id: \"1111\" is not an account id of 12 digits"),
        ("[[accounts]]\nname = \"prod\"", "missing field `id`"),
        (
            "[aws]\nregions = \"eu-west-1\"",
            "stakeout.toml:2:11: aws.regions: \"eu-west-1\" is not \"enabled\", nor a list",
        ),
        ("[aws]\nregions = [\"eu-west-1\", \"Ireland\"]", "aws.regions: \"Ireland\" is not a region"),
        ("[aws]\nregions = []", "no region is left"),
        (
            "[[notify.sns]]\ntopic = \"alarms\"",
            "stakeout.toml:2:9: notify.sns.topic: \"alarms\" is not the ARN of a topic",
        ),
        ("[notify]\nmin_level = \"urgent\"", "stakeout.toml:2:13: notify.min_level: unknown variant `urgent`"),
        ("[sources]\nqueue_url = [\"ftp://x\"]", "sources.queue_url: \"ftp://x\" is not an http or https URL"),
        ("[sources]\ncost_budget = \"much\"", "sources.cost_budget: much is no amount"),
        ("[state]\npath = \"a\"\npath = \"b\"", "stakeout.toml:3:1: duplicate key"),
        ("[state\n", "stakeout.toml:1:7: "),
        (
            "[state]\npath = \"a\"\ndynamodb = \"t\"",
            "stakeout.toml:3:1: state.dynamodb: the state is in a file or in a table, and state.path is set too (stakeout.toml:2:1)",
        ),
        (
            "[slack]\nchannel = \"#incidents\"",
            "stakeout.toml:2:11: slack.channel: \"#incidents\" is not the id of a channel, such as C0123ABCD: it is at the foot",
        ),
        ("[slack]\nnotices = \"C1\"", "stakeout.toml:2:1: slack.notices: it does nothing without slack.token"),
        (
            "[slack]\ntoken = \"env:T\"\napp_token = \"env:A\"",
            "stakeout.toml:3:1: slack.app_token: it does nothing without slack.channel",
        ),
        ("[slack]\ntoken = \"env:T\"", "stakeout.toml:2:1: slack.token: it does nothing without slack.channel"),
        (
            "[slack]\ntoken = \"env:T\"\nchannel = \"C1\"\nnotices = \"C1\"",
            "stakeout.toml:4:1: slack.notices: it is slack.channel",
        ),
        ("[slack]\napi_url = \"http://10.0.0.1/api\"", "slack.api_url: \"http://10.0.0.1/api\" is not an https URL"),
        (
            "[slack]\napi_url = \"http://127.0.0.1.evil.example/\"",
            "is not an https URL, nor an http URL of this machine",
        ),
        ("[slack]\ndigest = \"8 am\"", "slack.digest: \"8 am\" is no time of day such as"),
        ("[approval]\napprovers = [\"S0614TZR7\"]", "approval.approvers: S0614TZR7 is a user group of Slack, and only"),
        ("[approval.quorum]\nR1 = 0", "stakeout.toml:2:1: approval.quorum.R1: nothing is done without an approval"),
        ("[[allow]]\nreason = \"x\"", "stakeout.toml:1:1: allow: missing field `principal`"),
        ("[[allow]]\ndetector = \"x\"\nreason = \"y\"\nexpires = \"soon\"", "allow.expires: \"soon\" is no day"),
        ("[watch]\nbudget = \"0s\"", "watch.budget: 0s is not between 1s and 1d"),
        ("[state]\npath = \"\"", "state.path: is empty"),
        (
            "[[notify.webhook]]\nurl = \"env:A\"\n[[notify.webhook]]\nurl = \"env:A\"",
            "stakeout.toml:4:1: notify.webhook.1.url: another webhook has this URL; give one of them a name",
        ),
    ] {
        let said = refusal(text, &[]);
        assert!(said.contains(expected), "{text:?}\nsaid     {said}\nexpected {expected}");
        assert!(!said.contains('\n'), "{said}");
    }
}

#[test]
fn a_variable_goes_before_the_file() {
    let environment = [
        ("STAKEOUT_STATE__PATH", "/tmp/x.db"),
        ("STAKEOUT_WATCH__INTERVAL", "\"10m\""),
        ("STAKEOUT_AWS__REGIONS", "[\"eu-west-3\"]"),
        ("STAKEOUT_SOURCES__LOOKUP_EVENTS", "true"),
        ("STAKEOUT_SLACK__CHANNEL", "C9"),
        ("STAKEOUT_SLACK__DIGEST", "off"),
        ("STAKEOUT_APPROVAL__QUORUM__R3", "4"),
        ("STAKEOUT_NOTIFY__WEBHOOK", "[{ url = \"https://other.example.com/\" }]"),
        ("STAKEOUT_NOTIFY__FILE__PATH", ""),
    ];
    let config = read(FULL, &environment).unwrap();
    assert_eq!(config.state.path.as_deref(), Some(Path::new("/tmp/x.db")));
    assert_eq!((config.watch.interval, config.sources.lookup_events), (600, true));
    assert_eq!((config.slack.channel.as_ref().map(ChannelId::as_str), config.slack.digest), (Some("C9"), Daily::Off));
    assert_eq!(config.approval.quorum.r3, 4);
    assert_eq!(config.notify.webhook.len(), 1);
    assert!(config.notify.file.is_some(), "an empty variable sets nothing");
    let shown = config.show().unwrap();
    assert!(shown.contains("path = \"/tmp/x.db\"  # the variable STAKEOUT_STATE__PATH\n"), "{shown}");
    assert!(
        shown.contains("url = \"https://other.example.com\"  # the variable STAKEOUT_NOTIFY__WEBHOOK\n"),
        "{shown}"
    );
    for (name, value, expected) in [
        (
            "STAKEOUT_STATE__PFAD",
            "x",
            "the variable STAKEOUT_STATE__PFAD: state.pfad: unknown field `pfad`, expected one of `path`",
        ),
        ("STAKEOUT_STAET__PATH", "x", "unknown field `staet`"),
        (
            "STAKEOUT_WATCH__INTERVAL",
            "soon",
            "the variable STAKEOUT_WATCH__INTERVAL: watch.interval: \"soon\" is no duration",
        ),
        ("STAKEOUT_STATE__", "x", "names no setting"),
        ("STAKEOUT_STATE__PATH__X", "x", "path has no keys of its own"),
        (
            "STAKEOUT_APPROVAL__QUORUM__R1",
            "0",
            "the variable STAKEOUT_APPROVAL__QUORUM__R1: approval.quorum.R1: nothing",
        ),
        ("STAKEOUT_STATE__PATH", "1\nlease = \"1s\"", "TOML"),
    ] {
        let result = read(FULL, &[(name, value)]);
        if expected == "TOML" {
            assert_eq!(result.unwrap().state.lease, 180, "a value sets one key only");
            continue;
        }
        let said = format!("{:#}", result.unwrap_err());
        assert!(said.contains(expected), "said     {said}\nexpected {expected}");
    }
}

#[test]
fn a_secret_is_named_and_never_shown() {
    let value = "xoxb-a-real-token";
    for text in [format!("[slack]\ntoken = \"{value}\""), format!("[slack]\ntoken = \"env:{value}\"")] {
        let said = refusal(&text, &[]);
        assert!(said.contains("slack.token: a secret is named, not written down") && !said.contains("real"), "{said}");
    }
    for (name, text) in [("STAKEOUT_SLACK__TOKEN", value), ("STAKEOUT_SLACK__TOKEN", "4242424242")] {
        let said = refusal("", &[(name, text)]);
        assert!(said.contains("a secret is named") && !said.contains(text), "{said}");
    }
    let said = refusal("[[notify.webhook]]\nurl = \"https://user:hunter2@example.com/\"", &[]);
    assert!(said.contains("without a password") && !said.contains("hunter2"), "{said}");
    let secret = Secret::parse("env:NAME").unwrap();
    let revealed = secret.reveal_from(|name| (name == "NAME").then(|| "hunter2\n".to_owned())).ok().unwrap();
    assert_eq!(revealed.as_str(), "hunter2");
    assert_eq!((secret.to_string(), format!("{secret:?}").contains("hunter2")), ("env:NAME".to_owned(), false));
    assert_eq!(secret.reveal_from(|_| None).err(), Some(SecretError::Missing("NAME".to_owned())));
    assert_eq!(Secret::parse("ssm:/stakeout/token").unwrap().to_string(), "ssm:/stakeout/token");
    for text in
        ["ssm:", "secretsmanager:a#", "secretsmanager:#a", "secretsmanager:a#b#c", "ssm:a#b", "env:A#b", "ssm:a b"]
    {
        assert!(Secret::parse(text).is_none(), "{text}");
    }
    let config = read(FULL, &[]).unwrap();
    let missing: Vec<_> = config.missing_secrets().into_iter().map(|(key, _)| key).collect();
    assert_eq!(missing, ["slack.token", "accounts.0.external_id", "notify.webhook.0.secret", "notify.webhook.1.url"]);
}

/// What AWS answers, whole or in part, is held and never shown; why it is not there is.
#[test]
fn what_aws_keeps_is_there_when_it_is_unlocked() {
    let parse = |text: &str| Secret::parse(text).unwrap();
    let mut whole = parse("ssm:/stakeout/token");
    assert_eq!(whole.reveal().err(), Some(SecretError::Locked(whole.clone())));
    whole.hold(Ok("hunter2\n"));
    assert_eq!(whole.reveal().ok().unwrap().as_str(), "hunter2");
    assert_eq!(
        (format!("{whole:?}"), whole == parse("ssm:/stakeout/token")),
        ("Secret(ssm:/stakeout/token)".to_owned(), true)
    );
    let json = r#"{"a": "hunter2", "n": 7, "empty": ""}"#;
    for (text, kept, expected) in [
        ("secretsmanager:s#a", Ok(json), Ok("hunter2")),
        ("secretsmanager:s", Ok(json), Ok(json)),
        ("secretsmanager:s#n", Ok(json), Err("secretsmanager:s#n: it has no text under the key n")),
        ("secretsmanager:s#empty", Ok(json), Err("secretsmanager:s#empty: it has no text under the key empty")),
        ("secretsmanager:s#b", Ok(json), Err("secretsmanager:s#b: it has no text under the key b")),
        ("secretsmanager:s#a", Ok("hunter2"), Err("secretsmanager:s#a: it is no JSON object")),
        ("secretsmanager:s", Ok("\r\n"), Err("secretsmanager:s: it is empty")),
        (
            "ssm:s",
            Err(&crate::aws::Refusal::Gone("ParameterNotFound".to_owned())),
            Err("ssm:s: it does not exist (ParameterNotFound)"),
        ),
    ] {
        let mut secret = parse(text);
        secret.hold(kept);
        let got = secret.reveal();
        match (&got, expected) {
            (Ok(got), Ok(expected)) => assert_eq!(got.as_str(), expected),
            (Err(why), Err(expected)) => {
                assert_eq!((why.to_string().as_str(), format!("{why:?}").contains("hunter")), (expected, false))
            }
            _ => panic!("{text}"),
        }
    }
}

#[test]
fn every_reference_of_the_settings_is_known() {
    let text = FULL.replace("env:", "ssm:").replace("https://hc.example.com/uuid", "ssm:HEARTBEAT");
    let config = read(&text, &[]).unwrap();
    let known = config.references();
    assert_eq!(text.matches("\"ssm:").count(), known.len(), "{known:?}");
    assert!(config.missing_secrets().iter().all(|(_, why)| matches!(why, SecretError::Locked(_))));
    let settings = config.show().unwrap();
    assert!(known.iter().all(|(_, secret)| settings.contains(&format!("\"{secret}\""))), "{settings}");
}

#[test]
fn the_file_is_found_and_its_paths_are_its_own() {
    let variable = |value: &'static str| move |name: &str| (name == "STAKEOUT_CONFIG").then(|| OsString::from(value));
    let file = |path: &str| Some(Place::File(PathBuf::from(path)));
    assert_eq!(place::find(Some(Path::new("a")), variable("b")).unwrap(), file("a"));
    assert_eq!(place::find(None, variable("b")).unwrap(), file("b"));
    let parameter = Some(Place::Parameter("/stakeout/config".to_owned()));
    assert_eq!(place::find(None, variable("ssm:/stakeout/config")).unwrap(), parameter);
    assert_eq!(place::find(Some(Path::new("./ssm:x")), variable("b")).unwrap(), file("./ssm:x"));
    let object = Some(Place::Object { bucket: "bucket".to_owned(), key: "a/b".to_owned() });
    assert_eq!(place::find(None, variable("s3://bucket/a/b")).unwrap(), object);
    for nowhere in ["ssm:", "s3://bucket", "s3://bucket/", "s3:///key", "s3://bucket/a/"] {
        assert!(place::find(None, variable(nowhere)).unwrap_err().to_string().contains("names no"), "{nowhere}");
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("stakeout")).unwrap();
    let path = folder.path().join("stakeout/stakeout.toml");
    std::fs::write(&path, "[state]\npath = \"x.db\"\n[metrics]\nprometheus = \"/var/x.prom\"\n").unwrap();
    let home = folder.path().as_os_str().to_owned();
    let in_home = |name: &str| (name == "XDG_CONFIG_HOME").then(|| home.clone());
    assert_eq!(place::find(None, in_home).unwrap(), Some(Place::File(path.clone())));
    let config = Config::load(Some(&path)).unwrap();
    assert_eq!(config.state_place().unwrap(), StatePlace::File(folder.path().join("stakeout/x.db")));
    assert_eq!(config.metrics.prometheus.as_deref(), Some(Path::new("/var/x.prom")));
    let missing = format!("{:#}", Config::load(Some(&folder.path().join("none.toml"))).unwrap_err());
    assert!(missing.contains("none.toml") && missing.contains("No such file"), "{missing}");
}

proptest! {
    /// Whatever stands in a file or in a variable: settings or an error, in one line.
    #[test]
    fn no_text_breaks_it(text in "[a-z\\[\\]\"=.\n _0-9{},é]{0,80}", value in any::<String>()) {
        if let Err(error) = read(&text, &[("STAKEOUT_STATE__PATH", &value), ("STAKEOUT_NOTIFY__TERMINAL", "true")]) {
            prop_assert!(!error.to_string().contains('\n'));
        }
    }
}
