//! Metrics, read back by strict readers of our own.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

fn facts() -> PassFacts {
    let feed = |region: &str, events, lag_seconds, blind| FeedFacts {
        account: "111122223333".to_owned(),
        region: region.to_owned(),
        feed: "lookup".to_owned(),
        requests: 2,
        events,
        lag_seconds,
        errors: 0,
        blind,
    };
    let feeds = vec![
        feed("eu-west-1", 40, Some(90), false),
        feed("eu-west-2", 0, None, false),
        feed("eu-west-3", 0, None, true),
    ];
    PassFacts {
        at: 1_795_327_200,
        seconds: 1.25,
        is_blind: true,
        feeds,
        opened: 1,
        open_incidents: 2,
        ..PassFacts::default()
    }
}

/// Name and labels, and the value.
type Samples = BTreeMap<(String, BTreeMap<String, String>), f64>;

/// Reads the text format, and panics at whatever a collector might refuse.
fn parse(text: &str) -> Samples {
    assert!(text.ends_with('\n'));
    let mut samples = Samples::new();
    let (mut helped, mut typed, mut finished) = (String::new(), String::new(), BTreeSet::new());
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap();
            assert!(!help.is_empty() && finished.insert(name.to_owned()), "{name} twice");
            helped = name.to_owned();
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            typed = rest.strip_suffix(" gauge").unwrap().to_owned();
            assert_eq!(typed, helped);
        } else {
            let end = line.find(|c: char| !(c.is_ascii_lowercase() || c == '_')).unwrap();
            let (name, mut rest) = line.split_at(end);
            assert_eq!(name, typed, "a sample without its type");
            let mut labels = BTreeMap::new();
            if let Some(inner) = rest.strip_prefix('{') {
                rest = inner;
                loop {
                    let (label, behind) = rest.split_once("=\"").unwrap();
                    let (value, behind) = string(behind);
                    assert!(labels.insert(label.to_owned(), value).is_none());
                    match behind.strip_prefix(',') {
                        Some(more) => rest = more,
                        None => break rest = behind.strip_prefix('}').unwrap(),
                    }
                }
            }
            let value: f64 = rest.strip_prefix(' ').unwrap().parse().unwrap();
            assert!(samples.insert((name.to_owned(), labels), value).is_none(), "twice: {line}");
        }
    }
    samples
}

/// A quoted string from behind its first quote, and what follows it.
fn string(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (value, &text[at + 1..]),
            '\\' => value.push(match chars.next().unwrap().1 {
                'n' => '\n',
                same @ ('\\' | '"') => same,
                other => panic!("escaped {other}"),
            }),
            c => value.push(c),
        }
    }
    panic!("no end of {text}");
}

#[test]
fn prometheus_reads_what_a_pass_saw() {
    let samples = parse(&prometheus(&facts()));
    let of = |name: &str, region: Option<&str>| {
        let found =
            samples.iter().find(|((of, labels), _)| of == name && labels.get("region").map(String::as_str) == region);
        found.map(|(_, value)| *value)
    };
    assert_eq!(of("stakeout_pass_timestamp_seconds", None), Some(1_795_327_200.0));
    assert_eq!((of("stakeout_pass_seconds", None), of("stakeout_blind_feeds", None)), (Some(1.25), Some(1.0)));
    assert_eq!(of("stakeout_blind", None), Some(1.0));
    assert_eq!(of("stakeout_feed_events", Some("eu-west-1")), Some(40.0));
    assert_eq!(of("stakeout_feed_lag_seconds", Some("eu-west-1")), Some(90.0));
    assert_eq!(of("stakeout_feed_lag_seconds", Some("eu-west-2")), None, "no event, no lag");
    assert_eq!(of("stakeout_feed_blind", Some("eu-west-3")), Some(1.0));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stakeout.prom");
    write_prometheus(&facts(), &path).unwrap();
    write_prometheus(&facts(), &path).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), prometheus(&facts()));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left over");
    let error = write_prometheus(&facts(), &folder.path().join("none/x.prom")).unwrap_err();
    assert!(format!("{error:#}").contains("none/x.prom"));
}

#[test]
fn cloudwatch_reads_what_a_pass_saw() {
    assert_eq!(emf(&facts(), false).lines().count(), 1, "each metric is billed: feeds are asked for");
    let text = emf(&facts(), true);
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 4, "the pass, what read, what was quiet and what was blind");
    for line in &lines {
        assert_eq!(line["_aws"]["Timestamp"], 1_795_327_200_000_i64);
        let directive = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(directive["Namespace"], "Stakeout");
        let metrics = directive["Metrics"].as_array().unwrap();
        assert!(!metrics.is_empty() && metrics.len() <= 100);
        for metric in metrics {
            assert!(line[metric["Name"].as_str().unwrap()].is_number(), "{metric}");
            assert!(["Count", "Seconds"].contains(&metric["Unit"].as_str().unwrap()));
        }
        for dimension in directive["Dimensions"][0].as_array().unwrap() {
            assert!(!line[dimension.as_str().unwrap()].as_str().unwrap().is_empty());
        }
    }
    assert_eq!(
        (&lines[0]["PassSeconds"], &lines[0]["BlindFeeds"], &lines[0]["LagSeconds"]),
        (&json!(1.25), &json!(1.0), &json!(90.0))
    );
    assert_eq!((&lines[1]["Region"], &lines[1]["Events"]), (&json!("eu-west-1"), &json!(40.0)));
    assert_eq!((&lines[2]["Region"], &lines[2]["Requests"]), (&json!("eu-west-2"), &json!(2.0)));
    assert_eq!((&lines[3]["Region"], &lines[3]["Blind"]), (&json!("eu-west-3"), &json!(1.0)));
}

#[test]
fn what_was_handed_in_tells_what_it_found_and_nothing_of_feeds() {
    let text = emf(&PassFacts { is_handed: true, ..facts() }, true);
    let line: Value = serde_json::from_str(&text).unwrap();
    let names: BTreeSet<&str> = line.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, BTreeSet::from(["_aws", "Events", "Findings", "IncidentsChanged", "IncidentsOpened"]));
    assert_eq!((&line["Events"], &line["IncidentsOpened"]), (&json!(40.0), &json!(1.0)));
}

#[test]
fn silence_is_told_while_that_is_cheap() {
    let quiet = |number: usize| FeedFacts {
        account: "111122223333".to_owned(),
        region: format!("xx-west-{number}"),
        requests: 2,
        ..FeedFacts::default()
    };
    let lines = |regions: usize| {
        let mut facts = facts();
        facts.feeds.push(FeedFacts { requests: 0, ..quiet(1_000) });
        facts.feeds.extend((4..=regions).flat_map(|number| [quiet(number), quiet(number)]));
        let text = emf(&facts, true);
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let metrics: BTreeSet<_> = lines
            .iter()
            .flat_map(|line| {
                let metrics = line["_aws"]["CloudWatchMetrics"][0]["Metrics"].as_array().unwrap();
                metrics.iter().map(|metric| (line["Region"].to_string(), metric["Name"].to_string()))
            })
            .collect();
        assert!(metrics.len() <= MOST, "{}", metrics.len());
        lines.len()
    };
    assert_eq!(lines(17), 1 + 3 + 2 * 14, "two feeds of a region share its metrics");
    assert_eq!(lines(40), 1 + 2, "the pass, what read and what was blind");
}

proptest! {
    #[test]
    fn any_name_of_a_feed_is_kept(names in proptest::collection::vec(any::<String>(), 0..4), seconds in any::<f64>()) {
        let feed = |name: &String| FeedFacts { feed: name.clone(), blind: true, ..FeedFacts::default() };
        let facts = PassFacts { feeds: names.iter().map(feed).collect(), seconds, ..PassFacts::default() };
        // A collector ends a line at a line feed only.
        let text = prometheus(&facts).replace('\r', "\u{2400}");
        let told: BTreeSet<_> = parse(&text).into_keys().filter_map(|(_, mut labels)| labels.remove("feed")).collect();
        prop_assert_eq!(told, names.iter().map(|name| name.replace('\r', "\u{2400}")).collect());
        prop_assert_eq!(emf(&facts, true).lines().count(), names.len() + 1);
    }
}
