//! Logs in buckets: read like their copy on a disk, and no more of them than is wanted.

use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use crate::harness::{Drill, Run, command, files, finish, log_files};
use crate::stand_in::{Fate, MiniStack, Proxy, content, request};

const ACCOUNT: &str = "111122223333";
const OTHER: &str = "444455556666";

/// A bucket with a drill in it, and its copy.
struct Place {
    drill: Drill,
    server: MiniStack,
    proxy: Proxy,
}

impl Place {
    /// The logs of an account, some of another one, a few digests and the bill; none where the machine has no stand-in.
    fn new() -> Option<Self> {
        let server = MiniStack::start()?;
        let drill = Drill::small("missing-key", &[]);
        let top = drill.path();
        let logs = log_files(&top);
        let some = &logs[..6];
        for log in some {
            let copy = log.to_str().unwrap().replace(ACCOUNT, OTHER);
            std::fs::create_dir_all(Path::new(&copy).parent().unwrap()).unwrap();
            std::fs::copy(log, copy).unwrap();
        }
        server.bucket("logs");
        let digests =
            files(&top).into_iter().filter(|path| path.to_string_lossy().contains("CloudTrail-Digest")).take(3);
        for path in log_files(&top).into_iter().chain(digests).chain([top.join("costs.csv")]) {
            let key = path.strip_prefix(&top).unwrap().to_str().unwrap();
            server.object("logs", key, &std::fs::read(&path).unwrap());
        }
        let proxy = Proxy::before(&server.url());
        Some(Self { drill, server, proxy })
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut run = command(["replay", "--quiet", "--format", "ndjson"]);
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("AWS_") || name.ends_with("_proxy")) {
            run.env_remove(name);
        }
        run.args(arguments).env("HOME", self.drill.path()).env("TMPDIR", self.drill.path());
        run.env("AWS_ENDPOINT_URL", self.proxy.url()).env("AWS_REGION", "us-east-1").env("NO_PROXY", "127.0.0.1");
        run.env("AWS_EC2_METADATA_DISABLED", "true").env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE");
        run.env("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
        run
    }

    fn replay(&self, arguments: &[&str]) -> Run {
        finish(self.command(arguments), b"")
    }

    /// The same of the copy.
    fn local(&self, arguments: &[&str]) -> Run {
        let top = self.drill.path();
        let logs = top.join("AWSLogs");
        self.replay(&[&[logs.to_str().unwrap()], arguments].concat())
    }

    /// From here on, notes what is asked of S3 and refuses what begins with one of some words.
    fn listen(&self, refused: &'static [(&'static str, &'static str)]) -> Arc<Mutex<Vec<String>>> {
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let noted = Arc::clone(&asked);
        self.proxy.rule(move |request, _| {
            noted.lock().unwrap().push(request.operation.replace("%2F", "/"));
            match refused.iter().find(|(begin, _)| request.operation.starts_with(begin)) {
                Some((_, message)) => Fate::Refused(403, "AccessDenied", message),
                None => Fate::Pass,
            }
        });
        asked
    }
}

/// What was asked since it was last looked at.
fn taken(asked: &Mutex<Vec<String>>) -> Vec<String> {
    let mut asked: Vec<String> = std::mem::take(asked.lock().unwrap().as_mut());
    asked.sort();
    asked
}

#[test]
fn a_bucket_is_read_like_its_copy() {
    let Some(place) = Place::new() else { return };
    let asked = place.listen(&[]);
    let (local, remote) = (place.local(&[]), place.replay(&["s3://logs/AWSLogs"]));
    assert_eq!((local.status, &local.stdout), (remote.status, &remote.stdout), "{remote:?}");
    assert!(!local.incidents().is_empty());
    let asked_of = taken(&asked);
    assert!(!asked_of.iter().any(|asked| asked.contains("CloudTrail-Digest")), "{asked_of:#?}");
    let gets = asked_of.iter().filter(|asked| asked.starts_with("GET /logs/AWSLogs/")).count();
    assert_eq!(gets, log_files(&place.drill.path()).len(), "{asked_of:#?}");

    let bill = place.drill.path().join("costs.csv");
    let local = place.local(&["--cost", bill.to_str().unwrap()]);
    let remote =
        place.replay(&["s3://logs/AWSLogs/", "--cost", "s3://logs/costs.csv", "-o", "s3://logs/results/one.ndjson"]);
    assert_eq!((remote.status, remote.stdout.as_str()), (local.status, ""), "{remote:?}");
    let port = place.server.url().rsplit(':').next().unwrap().parse().unwrap();
    let written = request(port, "GET", "/logs/results/one.ndjson", &[], b"").unwrap();
    assert_eq!(content(&written), local.stdout);
    let drafts = files(&place.drill.path()).iter().filter(|path| path.to_string_lossy().contains("draft")).count();
    assert_eq!(drafts, 0);
}

#[test]
fn accounts_and_days_that_are_not_wanted_are_not_asked_for() {
    let Some(place) = Place::new() else { return };
    let first = place.local(&[]).summary()["first_event"].as_str().unwrap().get(..10).unwrap().to_owned();
    let month = first.get(..8).unwrap();
    let (start, end) = (format!("{month}10T00:00:00Z"), format!("{month}12T00:00:00Z"));
    let options = ["--start", &start, "--end", &end, "--history", "2d", "--accounts", ACCOUNT];
    let asked = place.listen(&[]);
    let (local, remote) = (place.local(&options), place.replay(&[&["s3://logs/AWSLogs"], &options[..]].concat()));
    assert_eq!((local.status, &local.stdout), (remote.status, &remote.stdout), "{remote:?}");
    assert!(remote.summary()["read"].as_u64().unwrap() > 0, "{remote:?}");
    let asked = taken(&asked);
    assert!(!asked.iter().any(|asked| asked.contains(OTHER) || asked.contains("Digest")), "{asked:#?}");
    let days: Vec<_> = ["08", "09", "10", "11", "12", "13"].iter().map(|day| format!("{month}{day}")).collect();
    let days: Vec<_> = days.iter().map(|day| day.replace('-', "/")).collect();
    for get in asked.iter().filter(|asked| asked.starts_with("GET /logs/AWSLogs/")) {
        assert!(days.iter().any(|day| get.contains(day.as_str())), "{get}");
    }
    // Above the regions one listing each, below them one of the year and one of the month.
    let lists = asked.iter().filter(|asked| asked.contains("list-type=2")).count();
    let regions = std::fs::read_dir(place.drill.path().join(format!("AWSLogs/{ACCOUNT}/CloudTrail"))).unwrap().count();
    assert!(lists <= 4 + 3 * regions, "{lists} listings for {regions} regions: {asked:#?}");
}

#[test]
fn what_s3_refuses_is_named_and_the_rest_is_read() {
    let Some(place) = Place::new() else { return };
    let logs = log_files(&place.drill.path().join(format!("AWSLogs/{ACCOUNT}")));
    let key = logs.first().unwrap().strip_prefix(place.drill.path()).unwrap().to_str().unwrap().to_owned();
    let begin: &'static str = Box::leak(format!("GET /logs/{key}").into_boxed_str());
    place.listen(Box::leak(Box::new([(begin, "not authorized to perform: kms:Decrypt on this resource")])));
    let run = place.replay(&["s3://logs/AWSLogs"]);
    assert_eq!(run.status, 3, "{run:?}");
    let skipped = run.skipped();
    assert!(skipped.len() == 1 && skipped[0].0 == format!("s3://logs/{key}"), "{skipped:?}");
    assert!(skipped[0].1.contains("kms:Decrypt"), "{skipped:?}");

    place.listen(&[("GET /logs?", "no"), ("GET /logs/?", "no"), ("PUT /logs/", "no")]);
    let run = place.replay(&["s3://logs/AWSLogs"]);
    assert!(run.status == 2 && run.stderr.contains("s3:ListBucket") && run.stdout.is_empty(), "{run:?}");
    let run = place.local(&["s3://logs/AWSLogs"]);
    assert_eq!((run.status, run.skipped().len()), (3, 1), "{run:?}");
    let run = place.local(&["-o", "s3://logs/results/refused.ndjson"]);
    assert!(run.status == 2 && run.stderr.contains("s3:PutObject"), "{run:?}");

    place.proxy.open();
    for (path, word) in [("s3://no-such-bucket/x", "NoSuchBucket"), ("s3://logs/none/", "no such"), ("s3://", "bucket")]
    {
        let run = place.replay(&[path]);
        assert!(run.status == 2 && run.stderr.contains(word) && run.stderr.contains("s3://"), "{path}: {run:?}");
    }
}
