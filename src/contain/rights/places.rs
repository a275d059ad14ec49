//! Where things are that rights are for, as the settings say.

use std::collections::BTreeMap;

use super::Places;
use crate::config::{Config, Place, Remote};

/// What the settings do not say about where the program runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Site {
    /// Twelve digits. Default: the only account of the settings, else any.
    pub account: Option<String>,
    /// Default: any.
    pub region: Option<String>,
    /// The name of the Lambda function and of its role. Default: `stakeout`.
    pub function: Option<String>,
    /// Where the program reads its settings. Default: where these came from.
    pub settings: Option<Place>,
    /// ARNs of the queues that feed the function. Default: those of the settings, else `FUNCTION-events`.
    pub feeds: Vec<String>,
    /// The ARN of the queue for invocations that failed. Default: `FUNCTION-dead-letters`.
    pub dead_letters: Option<String>,
}

/// The role that responds, where the settings name none.
const RESPONDER: &str = "stakeout-responder";

impl Places {
    /// Where the settings say that things are.
    pub(crate) fn of(config: &Config, account: Option<&str>) -> Self {
        Self::at(config, &Site { account: account.map(str::to_owned), ..Site::default() })
    }

    /// The same for a site.
    pub(crate) fn at(config: &Config, site: &Site) -> Self {
        let account = match (&site.account, config.accounts.as_slice()) {
            (Some(account), _) => account.clone(),
            (None, [one]) => one.id.to_string(),
            _ => "*".to_owned(),
        };
        let mut known = of_settings(config, &account, site);
        let of_function = of_function(&account, site, &known);
        known.extend(of_function);
        let protected = config.protect.principals.iter().map(ToString::to_string).collect();
        Self { account, known, protected }
    }
}

/// Places that the settings name.
fn of_settings(config: &Config, account: &str, site: &Site) -> BTreeMap<&'static str, Vec<String>> {
    let mut known: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
    let mut add = |key, arn: String| known.entry(key).or_default().push(arn);
    let region = site.region.as_deref().unwrap_or("*");
    // Where things are in a bucket: the place for the bucket, and those for what lies below its prefix.
    let below: [(_, _, &[_]); 4] = [
        (&config.sources.trail_bucket, "{bucket}", &[("{objects}", "*")]),
        (&config.evidence.s3, "{vault}", &[("{evidence}", "*"), ("{manifests}", "*/manifest.json")]),
        (&config.history.logs, "{history-bucket}", &[("{history}", "AWSLogs/*")]),
        (&config.history.out, "{results-bucket}", &[("{results}", "*")]),
    ];
    for (url, whole, parts) in below {
        let Some((bucket, prefix)) = url.as_ref().map(|url| bucket(url.as_str())) else { continue };
        add(whole, format!("arn:aws:s3:::{bucket}"));
        parts.iter().for_each(|(key, rest)| add(key, format!("arn:aws:s3:::{bucket}/{prefix}{rest}")));
    }
    for object in config.networks.asn.iter().filter_map(|table| table.as_str().strip_prefix("s3://")) {
        add("{networks}", format!("arn:aws:s3:::{object}"));
    }
    config.sources.queue_url.iter().for_each(|url| add("{queue}", queue(url.as_str())));
    config.notify.sns.iter().chain(&config.notify.notices.sns).for_each(|sns| add("{topic}", sns.topic.to_string()));
    config.accounts.iter().filter_map(|one| one.role.as_ref()).for_each(|role| add("{role}", role.to_string()));
    config.contain.responder_role.iter().for_each(|role| add("{responder}", in_account(role.as_str(), account)));
    if let Some(table) = &config.state.dynamodb {
        add("{table}", format!("arn:aws:dynamodb:{region}:{account}:table/{table}"));
    }
    for (_, secret) in config.references() {
        match secret.remote() {
            Some(Remote::Parameter(name)) => add("{parameter}", parameter(name, region, account)),
            Some(Remote::Secret(name)) => add("{secret}", secret_arn(name, region, account)),
            None => {}
        }
    }
    let came_from = || Place::parse(config.origins.file.as_deref()?.as_ref()).ok();
    match site.settings.clone().or_else(came_from) {
        Some(Place::Parameter(name)) => add("{parameter}", parameter(&name, region, account)),
        Some(Place::Object { bucket, key }) => add("{settings}", format!("arn:aws:s3:::{bucket}/{key}")),
        Some(Place::File(_)) | None => {}
    }
    known
}

/// Places of the Lambda function, which have their usual names where nothing else is said.
fn of_function(
    account: &str,
    site: &Site,
    known: &BTreeMap<&'static str, Vec<String>>,
) -> BTreeMap<&'static str, Vec<String>> {
    let name = site.function.as_deref().unwrap_or("stakeout");
    let region = site.region.as_deref().unwrap_or("*");
    let arn = |service: &str, rest: String| vec![format!("arn:aws:{service}:{region}:{account}:{rest}")];
    let own = format!("arn:aws:iam::{account}:role/{name}");
    let named = |key| known.get(key).and_then(|arns| arns.first());
    let responder = named("{responder}").cloned().unwrap_or_else(|| format!("arn:aws:iam::{account}:role/{RESPONDER}"));
    let feeds = match (site.feeds.as_slice(), known.get("{queue}")) {
        ([], Some(queues)) => queues.clone(),
        ([], None) => arn("sqs", format!("{name}-events")),
        (feeds, _) => feeds.to_vec(),
    };
    let dead_letters = site.dead_letters.clone().map(|arn| vec![arn]);
    BTreeMap::from([
        ("{function}", arn("lambda", format!("function:{name}"))),
        ("{logs}", arn("logs", format!("log-group:/aws/lambda/{name}:*"))),
        ("{history-log}", arn("logs", format!("log-group:/aws/lambda/{name}-history:*"))),
        ("{feed}", feeds),
        ("{dead-letters}", dead_letters.unwrap_or_else(|| arn("sqs", format!("{name}-dead-letters")))),
        ("{simulated}", vec![own.clone(), responder]),
        ("{own}", vec![own]),
    ])
}

/// The role of the same name in an account.
fn in_account(role: &str, account: &str) -> String {
    let mut parts: Vec<&str> = role.splitn(6, ':').collect();
    if let Some(part) = parts.get_mut(4) {
        *part = account;
    }
    parts.join(":")
}

/// The ARN of a parameter, without the version or label that may stand behind its name.
fn parameter(name: &str, region: &str, account: &str) -> String {
    if name.starts_with("arn:") {
        return name.splitn(7, ':').take(6).collect::<Vec<_>>().join(":");
    }
    let name = name.split(':').next().unwrap_or(name).trim_start_matches('/');
    format!("arn:aws:ssm:{region}:{account}:parameter/{name}")
}

/// Characters that Secrets Manager puts behind a secret's name in its ARN, with a hyphen before them.
const MARK: usize = 6;

/// The ARN of a secret. One without the mark at its end matches whatever mark it has.
fn secret_arn(name: &str, region: &str, account: &str) -> String {
    if !name.starts_with("arn:") {
        return format!("arn:aws:secretsmanager:{region}:{account}:secret:{name}-??????");
    }
    let mark = name.rsplit_once('-').map_or("", |(_, mark)| mark);
    let is_whole = mark.len() == MARK && mark.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if is_whole { name.to_owned() } else { format!("{name}-??????") }
}

/// The bucket, and a prefix that is empty or ends in a slash.
fn bucket(url: &str) -> (&str, String) {
    let path = url.strip_prefix("s3://").unwrap_or(url);
    let (bucket, prefix) = path.split_once('/').unwrap_or((path, ""));
    let prefix = prefix.trim_end_matches('/');
    (bucket, if prefix.is_empty() { String::new() } else { format!("{prefix}/") })
}

/// The ARN of a queue. Its region is only known where the host is one of AWS.
fn queue(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let mut parts = rest.trim_end_matches('/').rsplit('/');
    let (name, account) = (parts.next().unwrap_or("*"), parts.next().unwrap_or("*"));
    let host = rest.split('/').next().unwrap_or_default();
    let region = host.strip_prefix("sqs.").and_then(|host| host.split_once(".amazonaws.com")).map_or("*", |(it, _)| it);
    format!("arn:aws:sqs:{region}:{account}:{name}")
}

#[cfg(test)]
mod tests {
    use super::{Places, Site, parameter, queue, secret_arn};
    use crate::config::{Config, Place};

    #[test]
    fn settings_become_arns() {
        let text = r#"
            [sources]
            trail_bucket = "s3://trails/org/"
            queue_url = "https://sqs.eu-west-1.amazonaws.com/111122223333/events"
            [evidence]
            s3 = "s3://vault"
            [[accounts]]
            id = "111122223333"
            role = "arn:aws:iam::111122223333:role/stakeout-detector"
        "#;
        let places = Places::of(&Config::read(text, "", std::iter::empty()).unwrap(), None);
        assert_eq!(places.account, "111122223333");
        let known = |key| places.known[key].join(" ");
        assert_eq!(known("{objects}"), "arn:aws:s3:::trails/org/*");
        assert_eq!(known("{manifests}"), "arn:aws:s3:::vault/*/manifest.json");
        assert_eq!(known("{queue}"), "arn:aws:sqs:eu-west-1:111122223333:events");
        assert_eq!(known("{role}"), "arn:aws:iam::111122223333:role/stakeout-detector");
        assert!(!places.known.contains_key("{topic}") && !places.known.contains_key("{parameter}"));
        assert_eq!(queue("http://127.0.0.1:4566/000000000000/q"), "arn:aws:sqs:*:000000000000:q");
    }

    #[test]
    fn references_and_the_function_become_arns() {
        let text = r#"
            [slack]
            token = "ssm:/stakeout/token"
            signing_secret = "secretsmanager:stakeout/slack#signing_secret"
            channel = "C1"
            [contain]
            responder_role = "arn:aws:iam::444455556666:role/security/responder"
        "#;
        let config = Config::read(text, "s3://settings/stakeout.toml", std::iter::empty()).unwrap();
        let account = Some("111122223333".to_owned());
        let site = Site { account, region: Some("eu-west-1".to_owned()), ..Site::default() };
        let places = Places::at(&config, &site);
        let known = |key| places.known[key].join(" ");
        assert_eq!(known("{parameter}"), "arn:aws:ssm:eu-west-1:111122223333:parameter/stakeout/token");
        assert_eq!(known("{secret}"), "arn:aws:secretsmanager:eu-west-1:111122223333:secret:stakeout/slack-??????");
        assert_eq!(known("{settings}"), "arn:aws:s3:::settings/stakeout.toml");
        assert_eq!(known("{responder}"), "arn:aws:iam::111122223333:role/security/responder");
        assert_eq!(known("{function}"), "arn:aws:lambda:eu-west-1:111122223333:function:stakeout");
        assert_eq!(known("{feed}"), "arn:aws:sqs:eu-west-1:111122223333:stakeout-events");
        let settings = Some(Place::Parameter("/stakeout/settings".to_owned()));
        let places = Places::at(&config, &Site { settings, function: Some("watch".to_owned()), ..site });
        assert_eq!(places.known["{parameter}"].len(), 2);
        assert!(!places.known.contains_key("{settings}"));
        assert_eq!(places.known["{own}"], ["arn:aws:iam::111122223333:role/watch"]);
        let arn = "arn:aws:ssm:eu-west-3:1:parameter/a/b";
        assert_eq!(
            (parameter(&format!("{arn}:7"), "*", "*"), parameter("a:prod", "*", "1")),
            (arn.to_owned(), "arn:aws:ssm:*:1:parameter/a".to_owned())
        );
        let whole = "arn:aws:secretsmanager:eu-west-3:1:secret:bot-a1B2c3";
        assert_eq!(
            (secret_arn(whole, "*", "*"), secret_arn("arn:x:bot", "*", "*")),
            (whole.to_owned(), "arn:x:bot-??????".to_owned())
        );
    }
}
