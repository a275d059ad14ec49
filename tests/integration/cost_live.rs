//! Asking Cost Explorer: what is asked, kept and paid.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::harness::{Run, command, finish};
use super::stand_in::{Fake, Moto};

/// A cache folder and the place to ask.
struct Desk {
    folder: TempDir,
    url: String,
}

impl Desk {
    fn at(url: String) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), url }
    }

    fn cache(&self) -> std::path::PathBuf {
        self.folder.path().join("cache")
    }

    fn run(&self, more: &[&str]) -> Run {
        let mut run: Command = command(["cost", "--live", "--format", "ndjson", "--cache"]);
        run.arg(self.cache()).args(more);
        // Nobody's own credentials or settings, and no way to any address but that of the stand-in.
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("AWS_") || name.ends_with("_proxy")) {
            run.env_remove(name);
        }
        run.env("HOME", self.folder.path()).env("AWS_EC2_METADATA_DISABLED", "true").env("NO_PROXY", "127.0.0.1");
        run.env("AWS_ENDPOINT_URL", &self.url).env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE");
        run.env("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
        finish(run, b"")
    }

    /// The pages of spend that are kept, in order.
    fn pages(&self) -> Vec<Value> {
        let mut names: Vec<_> =
            std::fs::read_dir(self.cache()).unwrap().map(|entry| entry.unwrap().path()).filter(is_spend).collect();
        names.sort();
        names.iter().map(|path| serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()).collect()
    }

    /// Pages paid for, by query.
    fn paid(&self, query: &str) -> i64 {
        let text = std::fs::read_to_string(self.cache().join(".paid.jsonl")).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter(|line| line["query"] == query).map(|line| line["pages"].as_i64().unwrap()).sum()
    }
}

fn is_spend(path: &std::path::PathBuf) -> bool {
    Path::new(path).file_name().is_some_and(|name| name.to_string_lossy().contains("-service-region-"))
}

fn page(service: &str, amount: &str, next: Option<&str>) -> Value {
    json!({
        "GroupDefinitions": [{"Type": "DIMENSION", "Key": "SERVICE"}, {"Type": "DIMENSION", "Key": "REGION"}],
        "ResultsByTime": [{
            "TimePeriod": {"Start": "2026-11-20", "End": "2026-11-21"},
            "Total": {},
            "Groups": [{"Keys": [service, "us-east-1"], "Metrics": {"UnblendedCost": {"Amount": amount, "Unit": "USD"}}}],
            "Estimated": true,
        }],
        "DimensionValueAttributes": [],
        "NextPageToken": next,
    })
}

#[test]
fn two_pages_are_read_kept_and_paid_once_in_eight_hours() {
    let Some(moto) = Moto::start() else { return };
    moto.cost_and_usage(&[page("AWS Lambda", "0.0000300172", Some("more")), page("Amazon SES", "12.50", None)]);
    let desk = Desk::at(moto.url());
    let first = desk.run(&[]);
    // moto has no GetAnomalies: that is told, and the rest is done.
    assert_eq!(first.status, 1, "{first:?}");
    assert!(first.stderr.contains("Cost Explorer refuses GetAnomalies"), "{first:?}");
    assert!(first.stderr.contains("probably 3 pages, $0.03; paid this month $0.00 of $3.00"), "{first:?}");
    assert!(first.stderr.contains("paid this month $0.03 of $3.00; asking every 8 hours costs about"), "{first:?}");
    let pages = desk.pages();
    assert_eq!(pages.len(), 2, "{first:?}");
    let amount = |page: &Value| page["ResultsByTime"][0]["Groups"][0]["Metrics"]["UnblendedCost"]["Amount"].clone();
    assert_eq!((amount(&pages[0]), amount(&pages[1])), (json!("0.0000300172"), json!("12.50")));
    assert_eq!(pages[0]["NextPageToken"], "more");
    assert_eq!(pages[0]["SeenAt"], pages[1]["SeenAt"]);
    assert_eq!((desk.paid("service-region"), desk.paid("anomalies"), desk.paid("account-service")), (2, 0, 1));
    let second = desk.run(&[]);
    assert!(!second.stderr.contains("asking Cost Explorer for service-region"), "{second:?}");
    assert_eq!((desk.pages().len(), desk.paid("service-region")), (2, 2));
}

/// Answers everything with one page, after what `before` says about each request.
fn bench(before: impl Fn(&str, usize) -> Option<(u16, Value)> + Send + Sync + 'static) -> Fake {
    Fake::start(move |request, number| {
        let (status, body) = before(&request.operation, number).unwrap_or_else(|| match request.operation.as_str() {
            "GetAnomalies" => (200, json!({ "Anomalies": [] })),
            _ => (200, page("AWS Lambda", "1.00", None)),
        });
        (status, body.to_string())
    })
}

fn error(code: &str) -> Option<(u16, Value)> {
    Some((400, json!({ "__type": code, "message": "as a test wants it" })))
}

#[test]
fn throttling_is_waited_out_and_the_request_stays_the_same() {
    let fake = bench(|_, number| if number < 1 { error("LimitExceededException") } else { None });
    let desk = Desk::at(fake.url());
    let run = desk.run(&["--account", "111122223333"]);
    assert_eq!(run.status, 0, "{run:?}");
    assert_eq!((desk.paid("service-region"), desk.paid("anomalies"), desk.paid("account-service")), (1, 1, 0));
    assert_eq!(desk.pages()[0]["Account"], "111122223333");
    let requests = fake.requests();
    assert_eq!(requests.len(), 3);
    assert_eq!(requests[0].body, requests[1].body);
    let body = &requests[0].body;
    assert_eq!((&body["Granularity"], &body["Metrics"]), (&json!("DAILY"), &json!(["UnblendedCost"])));
    let keys: Vec<_> = body["GroupBy"].as_array().unwrap().iter().map(|group| group["Key"].clone()).collect();
    assert_eq!(keys, ["SERVICE", "REGION"]);
    let types = json!(["Usage", "DiscountedUsage", "SavingsPlanCoveredUsage"]);
    assert_eq!(body["Filter"]["And"][0]["Dimensions"], json!({ "Key": "RECORD_TYPE", "Values": types }));
    assert_eq!(body["Filter"]["And"][1]["Dimensions"]["Key"], "LINKED_ACCOUNT");
    let again = desk.run(&["--account", "111122223333"]);
    assert_eq!((again.status, fake.requests().len()), (0, 3), "nothing is due: {again:?}");
    let other = desk.run(&[]);
    assert_eq!((other.status, fake.requests().len()), (2, 3), "the same money must not be kept twice: {other:?}");
}

#[test]
fn the_budget_refuses_before_anything_is_sent() {
    let fake = bench(|_, _| None);
    let desk = Desk::at(fake.url());
    let run = desk.run(&["--budget", "0"]);
    assert_eq!((run.status, fake.requests().len()), (2, 0), "{run:?}");
    assert!(run.stderr.contains("the budget of $0 for"), "{run:?}");
    let partly = desk.run(&["--budget", "0.01"]);
    assert_eq!((partly.status, fake.requests().len()), (1, 1), "{partly:?}");
}

#[test]
fn refusals_say_what_to_do() {
    for (code, advice) in [
        ("AccessDeniedException", "allow the IAM action ce:GetCostAndUsage"),
        ("ExpiredTokenException", "sign in again"),
        ("DataUnavailableException", "has no data for this account yet"),
        ("RequestChangedException", "ask again in an hour"),
        ("BillExpirationException", "no longer keeps the bill"),
    ] {
        let fake = bench(move |_, _| error(code));
        let desk = Desk::at(fake.url());
        let run = desk.run(&[]);
        assert_eq!(run.status, 2, "{run:?}");
        assert!(run.stderr.contains(advice), "{code}: {run:?}");
        assert_eq!(desk.paid("service-region"), 0, "what is refused is not billed");
    }
}

#[test]
fn tokens_of_anomalies_and_usage_types_are_followed() {
    let anomaly = |id: &str, next: Option<&str>| {
        json!({ "Anomalies": [{
            "AnomalyId": id,
            "AnomalyStartDate": "2026-11-19",
            "AnomalyScore": { "MaxScore": 0.9, "CurrentScore": 0.5 },
            "Impact": { "MaxImpact": 12.5, "TotalImpact": 12.5, "TotalActualSpend": 13.0, "TotalExpectedSpend": 0.5 },
            "MonitorArn": "arn:aws:ce::111122223333:anomalymonitor/EXAMPLE",
            "RootCauses": [{ "Service": "AWS Lambda", "Region": "eu-north-1" }],
        }], "NextPageToken": next })
    };
    let fake = Fake::start(move |request, _| {
        let last = request.body.get("NextPageToken").is_some();
        let body = match request.operation.as_str() {
            "GetAnomalies" if last => anomaly("two", None),
            "GetAnomalies" => anomaly("one", Some("more")),
            _ => page("AWS Lambda", "1.00", None),
        };
        (200, body.to_string())
    });
    let desk = Desk::at(fake.url());
    let run = desk.run(&["--usage-type-of", "AWS Lambda"]);
    assert_eq!(run.status, 0, "{run:?}");
    assert_eq!((desk.paid("anomalies"), desk.paid("usage-type of AWS Lambda")), (2, 1));
    let kept: Vec<_> = std::fs::read_dir(desk.cache()).unwrap().map(|entry| entry.unwrap().path()).collect();
    let second = kept.iter().find(|path| path.to_string_lossy().ends_with("-anomalies-002.json")).unwrap();
    let second: Value = serde_json::from_str(&std::fs::read_to_string(second).unwrap()).unwrap();
    assert_eq!(second["Anomalies"][0]["AnomalyId"], "two");
    assert_eq!(second["Anomalies"][0]["Impact"]["TotalActualSpend"], 13.0);
    assert_eq!(second["Anomalies"][0]["RootCauses"][0]["Region"], "eu-north-1");
}

#[test]
fn a_place_that_cannot_be_reached_costs_nothing() {
    // Nothing listens on the discard port.
    let desk = Desk::at("http://127.0.0.1:9".to_owned());
    let run = desk.run(&[]);
    assert_eq!(run.status, 2, "{run:?}");
    assert!(run.stderr.contains("cannot reach Cost Explorer"), "{run:?}");
    assert_eq!(desk.paid("service-region"), 0);
}
