//! Settings and secrets that AWS keeps, at moto and at MiniStack.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Run, command, finish};
use crate::stand_in::{MiniStack, Moto, request, status};

const SETTINGS: &str = r#"
[state]
path = "kept.db"
[aws]
regions = ["us-east-1"]
[slack]
token = "ssm:/stakeout/token"
signing_secret = "secretsmanager:stakeout/slack#signing_secret"
channel = "C0123"
[metrics]
heartbeat_url = "secretsmanager:stakeout/slack#heartbeat"
"#;

/// A stand-in by its address.
struct Place(String);

impl Place {
    fn port(&self) -> u16 {
        self.0.rsplit(':').next().unwrap().parse().unwrap()
    }

    fn ask(&self, method: &str, path: &str, target: Option<(&str, &str)>, body: &[u8]) {
        let service = target.map_or("s3", |(service, _)| service);
        let signature = format!(
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20261122/us-east-1/{service}/aws4_request, \
             SignedHeaders=host, Signature=00"
        );
        let mut headers = vec![("Authorization", signature.as_str()), ("X-Amz-Date", "20261122T000000Z")];
        if let Some((_, target)) = target {
            headers.extend([("Content-Type", "application/x-amz-json-1.1"), ("X-Amz-Target", target)]);
        }
        let answer = request(self.port(), method, path, &headers, body).unwrap_or_default();
        assert_eq!(status(&answer), 200, "{path} {target:?}: {answer}");
    }

    fn parameter(&self, name: &str, value: &str) {
        let body = json!({ "Name": name, "Value": value, "Type": "SecureString", "Overwrite": true });
        self.ask("POST", "/", Some(("ssm", "AmazonSSM.PutParameter")), body.to_string().as_bytes());
    }

    fn secret(&self, name: &str, value: &Value) {
        let body = json!({ "Name": name, "SecretString": value.to_string() });
        let target = ("secretsmanager", "secretsmanager.CreateSecret");
        self.ask("POST", "/", Some(target), body.to_string().as_bytes());
    }

    fn object(&self, bucket: &str, key: &str, bytes: &[u8]) {
        self.ask("PUT", &format!("/{bucket}/{key}"), None, bytes);
    }

    fn run(&self, folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Run {
        let mut command = command(arguments);
        command.current_dir(folder).env("XDG_STATE_HOME", folder).env("AWS_ENDPOINT_URL", &self.0);
        command.env("AWS_REGION", "us-east-1").env("AWS_EC2_METADATA_DISABLED", "true");
        command.env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE").env("AWS_SECRET_ACCESS_KEY", "x");
        command.envs(variables.iter().copied());
        finish(command, b"")
    }

    /// Everything that [`SETTINGS`] name.
    fn fill(&self, heartbeat: &str) {
        self.parameter("/stakeout/settings", SETTINGS);
        self.parameter("/stakeout/token", "xoxb-hunter2\n");
        let secret = json!({ "signing_secret": "hunter3", "heartbeat": heartbeat, "number": 5 });
        self.secret("stakeout/slack", &secret);
        self.ask("PUT", "/settings", None, b"");
        self.object("settings", "path/stakeout.toml", SETTINGS.as_bytes());
        self.object("settings", "large.toml", format!("# {}\n", "x".repeat(1 << 20)).as_bytes());
    }
}

fn tells_no_secret(run: &Run) {
    assert!(!run.stdout.contains("hunter") && !run.stderr.contains("hunter"), "{run:?}");
}

#[test]
fn settings_and_secrets_are_read_from_a_parameter_and_from_a_bucket() {
    let Some(moto) = Moto::start() else { return };
    kept(&Place(moto.url()));
    let Some(mini) = MiniStack::start() else { return };
    kept(&Place(mini.url()));
}

fn kept(place: &Place) {
    place.fill("http://127.0.0.1:9/hunter4");
    let folder = tempfile::tempdir().unwrap();
    for from in ["ssm:/stakeout/settings", "s3://settings/path/stakeout.toml"] {
        let run = place.run(folder.path(), &["config", "show", "--config", from], &[]);
        assert_eq!(run.status, 0, "{}", run.stderr);
        assert!(run.stdout.contains(&format!("token = \"ssm:/stakeout/token\"  # {from}:7:1")), "{}", run.stdout);
        assert!(run.stdout.contains("path = \"kept.db\""), "relative to the working directory: {}", run.stdout);
        let run = place.run(folder.path(), &["config", "validate"], &[("STAKEOUT_CONFIG", from)]);
        assert_eq!((run.status, run.stdout.as_str()), (0, format!("settings: {from}, no variables\nok\n").as_str()));
        assert!(run.stderr.contains("slack.token: ssm:/stakeout/token is read when it is used"), "{}", run.stderr);
        let run = place.run(folder.path(), &["config", "validate", "--secrets", "--config", from], &[]);
        assert_eq!((run.status, run.stdout.matches("works  ").count()), (0, 3), "{run:?}");
        tells_no_secret(&run);
        // This one opens a state inside of a runtime of its own.
        let run = place.run(folder.path(), &["show", "inc-1", "--config", from], &[]);
        assert!(run.status == 2 && run.stderr.contains("kept.db: there is no state yet"), "{}", run.stderr);
    }
    wrong(place, folder.path());
}

/// Each thing that is wrong is named with its place, and nothing else fails with it.
fn wrong(place: &Place, folder: &Path) {
    for (from, expected) in [
        ("ssm:/stakeout/none", "reading the settings ssm:/stakeout/none: it does not exist"),
        ("s3://settings/none.toml", "reading the settings s3://settings/none.toml: it does not exist"),
        ("s3://settings/large.toml", "reading the settings s3://settings/large.toml: AWS refuses s3:GetObject: it has"),
        ("s3://settings", "\"s3://settings\" names no object"),
        ("ssm:", "\"ssm:\" names no parameter"),
        ("ssm:/stakeout/token", "ssm:/stakeout/token:1:"),
    ] {
        let run = place.run(folder, &["config", "validate", "--config", from], &[]);
        assert!(run.status == 2 && run.stderr.contains(expected), "{from}: {}", run.stderr);
        tells_no_secret(&run);
    }
    let variables = [
        ("STAKEOUT_CONFIG", "ssm:/stakeout/settings"),
        ("STAKEOUT_SLACK__TOKEN", "ssm:/stakeout/none"),
        ("STAKEOUT_SLACK__SIGNING_SECRET", "secretsmanager:stakeout/slack#number"),
        ("STAKEOUT_METRICS__HEARTBEAT_FAIL_URL", "ssm:/stakeout/token"),
    ];
    let run = place.run(folder, &["config", "validate", "--secrets"], &variables);
    assert_eq!(run.status, 1, "{run:?}");
    for expected in [
        "FAILS  slack.token: ssm:/stakeout/none: it does not exist",
        "FAILS  slack.signing_secret: secretsmanager:stakeout/slack#number: it has no text under the key number",
        "works  metrics.heartbeat_url: secretsmanager:stakeout/slack#heartbeat",
        "FAILS  metrics.heartbeat_fail_url: ssm:/stakeout/token holds no http or https URL",
    ] {
        assert!(run.stdout.contains(expected), "{expected}\n{}", run.stdout);
    }
    tells_no_secret(&run);
}

/// A pass uses a secret out of a JSON secret: the address that it asks at its end.
#[test]
fn a_pass_uses_what_is_kept() {
    let Some(mini) = MiniStack::start() else { return };
    let place = Place(mini.url());
    let heartbeat = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    place.fill(&format!("http://{}/hunter4", heartbeat.local_addr().unwrap()));
    let here = heartbeat.local_addr().unwrap();
    let asked = thread::spawn(move || {
        let (mut stream, _) = heartbeat.accept().unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut head = [0; 512];
        let length = stream.read(&mut head).unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
        String::from_utf8_lossy(&head[..length]).into_owned()
    });
    let folder = tempfile::tempdir().unwrap();
    // Slack is not there.
    let variables =
        [("STAKEOUT_CONFIG", "ssm:/stakeout/settings"), ("STAKEOUT_SLACK__API_URL", "http://127.0.0.1:9/api")];
    let run = place.run(folder.path(), &["watch", "--once", "--format", "ndjson"], &variables);
    assert!(matches!(run.status, 0 | 1), "{run:?}");
    tells_no_secret(&run);
    if !asked.is_finished() {
        // Nobody asked: whoever waits is not to wait for ever.
        drop(TcpStream::connect(here));
    }
    assert!(asked.join().unwrap().contains(" /hunter4"), "{run:?}");
}
