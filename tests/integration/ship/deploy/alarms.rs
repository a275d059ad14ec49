//! The alarms look at metrics that the program writes, in both ways to deploy.

use std::fs;

use super::template::Template;
use crate::harness::root;

/// Metrics that only passes write: an alarm on others would see what comes by the queue too.
const OF_PASSES: [(&str, &str, &str); 3] = [
    ("HeartbeatAlarm", "PassSeconds", "SampleCount"),
    ("BlindAlarm", "Blind", "Average"),
    ("LagAlarm", "LagSeconds", "Average"),
];

#[test]
fn alarms_look_at_metrics_that_are_written() {
    let read = |path: &str| fs::read_to_string(root().join(path)).unwrap();
    let (written, terraform) = (read("src/notify/metrics.rs"), read("deploy/terraform/alarms.tf"));
    let resources =
        Template::read("stakeout.yaml", &[("CodeBucket", "code"), ("HeartbeatSeconds", "3600")]).resources();
    let mut seen = Vec::new();
    for (name, resource) in resources.iter().filter(|(_, resource)| resource["Type"] == "AWS::CloudWatch::Alarm") {
        let of = |key: &str| resource["Properties"][key].as_str().unwrap_or_default();
        let (namespace, metric, statistic) = (of("Namespace"), of("MetricName"), of("Statistic"));
        let same = format!("namespace   = \"{namespace}\", metric = \"{metric}\", statistic = \"{statistic}\"");
        assert!(terraform.contains(&same), "{name}: {same}");
        if namespace == "Stakeout" {
            assert!(written.contains(&format!("(\"{}\",", snake(metric))), "{name}: nobody writes {metric}");
            // Passes come by the schedule, and only this period is long enough for three of any.
            assert_eq!(of("Period"), "3600", "{name}");
            seen.push((name.as_str(), metric.to_owned(), statistic.to_owned()));
        }
    }
    let expected = OF_PASSES.map(|(name, metric, statistic)| (name, metric.to_owned(), statistic.to_owned()));
    seen.sort();
    let mut expected = expected.to_vec();
    expected.sort();
    assert_eq!(seen, expected);
    assert!(written.contains("const NAMESPACE: &str = \"Stakeout\";"));
    assert_eq!(terraform.matches("period = var.heartbeat_seconds").count(), 3);
}

/// `LagSeconds` as the program calls it: `lag_seconds`.
fn snake(metric: &str) -> String {
    let part = |letter: char| {
        if letter.is_ascii_uppercase() { format!("_{}", letter.to_ascii_lowercase()) } else { letter.to_string() }
    };
    metric.chars().map(part).collect::<String>().trim_start_matches('_').to_owned()
}

/// Without approvers of its own the function would take those of whoever writes the settings.
#[test]
fn with_slack_the_stack_names_who_approves() {
    let template = fs::read_to_string(root().join("deploy/cloudformation/stakeout.yaml")).unwrap();
    assert!(template.contains(r#"- Assert: !Not [!Equals [!Ref Approvers, ""]]"#));
    let terraform = fs::read_to_string(root().join("deploy/terraform/main.tf")).unwrap();
    assert!(terraform.contains("condition     = var.slack_secret_arn == null || length(var.approvers) > 0"));
    for settings in [&template, &terraform] {
        assert!(settings.contains("STAKEOUT_SLACK__API_URL") && settings.contains("https://slack.com/api"));
    }
}
