//! The file: what was chosen, and beside it, as comments, what else there is.

use super::ask::quoted;

/// Where the state is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kept {
    File(String),
    Table(String),
}

/// What goes into the file; what is none has its default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Choices {
    pub is_lambda: bool,
    pub account: Option<String>,
    pub role: Option<String>,
    /// None: those that are enabled.
    pub regions: Vec<String>,
    pub bucket: Option<String>,
    pub queue: Option<String>,
    pub state: Option<Kept>,
    pub channel: Option<String>,
    pub approvers: Vec<String>,
    pub heartbeat: Option<String>,
}

/// The settings as TOML, with comments.
pub(super) fn write(choices: &Choices) -> String {
    let parts = [
        head(),
        state(choices),
        sources(choices),
        accounts(choices),
        slack(choices),
        deciding(choices),
        telling(choices),
    ];
    parts.join("\n")
}

fn head() -> String {
    "# Settings of Stakeout. `stakeout config show` shows all of them, `stakeout doctor` tries them.\n\
     # Any of them can be set as a variable too: STAKEOUT_WATCH__INTERVAL=10m.\n"
        .to_owned()
}

/// A key with a value, or as a comment with an example of one.
fn key(name: &str, value: Option<&str>, example: &str) -> String {
    match value {
        Some(value) => format!("{name} = {value}\n"),
        None => format!("# {name} = {example}\n"),
    }
}

fn list(texts: &[String]) -> Option<String> {
    let quoted: Vec<_> = texts.iter().map(|text| quoted(text)).collect();
    (!texts.is_empty()).then(|| format!("[{}]", quoted.join(", ")))
}

fn state(choices: &Choices) -> String {
    if choices.is_lambda {
        let text = "# The stack gives the function its table, its bucket for evidence and its metrics, over what is written here:\n\
                    # STAKEOUT_STATE__DYNAMODB, STAKEOUT_EVIDENCE__S3, STAKEOUT_METRICS__EMF.\n";
        return match &choices.state {
            Some(Kept::Table(table)) => format!("{text}[state]\ndynamodb = {}\n", quoted(table)),
            _ => format!("{text}# [state]\n# dynamodb = \"stakeout\"\n"),
        };
    }
    let (path, table) = match &choices.state {
        Some(Kept::File(path)) => (Some(quoted(path)), None),
        Some(Kept::Table(table)) => (None, Some(quoted(table))),
        None => (None, None),
    };
    let mut text = "# What is remembered from pass to pass: a file, or a DynamoDB table.\n[state]\n".to_owned();
    text += &key("path", path.as_deref(), "\"/var/lib/stakeout/stakeout.db\"");
    text += &key("dynamodb", table.as_deref(), "\"stakeout\"");
    text
}

fn sources(choices: &Choices) -> String {
    let mut text = "# Which regions are watched: \"enabled\", or a list.\n[aws]\n".to_owned();
    text += &key("regions", Some(list(&choices.regions).as_deref().unwrap_or("\"enabled\"")), "");
    text += "\n# Where events come from. Several at once double nothing.\n[sources]\n";
    text += "# LookupEvents needs no trail and is free; events come some minutes late.\nlookup_events = true\n";
    text += "# A trail's bucket is whole; its queue, or EventBridge, is early.\n";
    text += &key("trail_bucket", choices.bucket.as_deref().map(quoted).as_deref(), "\"s3://BUCKET\"");
    let example = "\"https://sqs.eu-west-1.amazonaws.com/111122223333/stakeout\"";
    text += &key("queue_url", choices.queue.as_deref().map(quoted).as_deref(), example);
    text += "# Cost Explorer costs $0.01 a request; this asks for cost_budget dollars a month at most.\n";
    text += "# cost_explorer = true\n# cost_budget = 3\n";
    text
}

fn accounts(choices: &Choices) -> String {
    let mut text = "# The accounts; without any, that of the credentials. More of them: more such blocks.\n".to_owned();
    let Some(account) = &choices.account else {
        text += "# [[accounts]]\n# id = \"111122223333\"\n# name = \"prod\"\n";
        text += "# role = \"arn:aws:iam::111122223333:role/stakeout-detector\"\n# external_id = \"env:STAKEOUT_EXTERNAL_ID\"\n";
        return text;
    };
    text += &format!("[[accounts]]\nid = {}\n# name = \"prod\"\n", quoted(account));
    let example = format!("\"arn:aws:iam::{account}:role/stakeout-detector\"");
    text += &key("role", choices.role.as_deref().map(quoted).as_deref(), &example);
    text += "# external_id = \"env:STAKEOUT_EXTERNAL_ID\"\n";
    text
}

/// Slack's secrets, each with the variable that holds it: token, and what receives clicks.
const SECRETS: [(&str, &str); 2] = [("token", "SLACK_BOT_TOKEN"), ("app_token", "SLACK_APP_TOKEN")];

fn slack(choices: &Choices) -> String {
    let mut text =
        "# Slack: incidents, and buttons to contain them. `stakeout slack manifest` makes the app.\n".to_owned();
    text += "# Secrets are named here and never written down: env:NAME, ssm:NAME or secretsmanager:NAME.\n";
    if choices.is_lambda {
        text += "# The stack gives the function the channel, and both secrets as keys of one: SlackChannel, SlackSecretArn.\n";
        return text + "# [slack]\n# notices = \"C0456EFGH\"          # another channel, which wakes nobody\n";
    }
    let is_set = choices.channel.is_some();
    text += if is_set { "[slack]\n" } else { "# [slack]\n" };
    for (name, variable) in SECRETS {
        let reference = quoted(&format!("env:{variable}"));
        text += &key(name, is_set.then_some(reference.as_str()), &reference);
    }
    text += &key("channel", choices.channel.as_deref().map(quoted).as_deref(), "\"C0123ABCD\"");
    text += "# notices = \"C0456EFGH\"          # another channel, which wakes nobody\n";
    text
}

fn deciding(choices: &Choices) -> String {
    let mut text =
        "# Who may approve containment: ids of Slack users or groups, or names for the command line.\n".to_owned();
    text += "[approval]\n";
    text += &key("approvers", list(&choices.approvers).as_deref(), "[\"U0123ABCD\"]");
    let of_stack = if choices.is_lambda { " The stack makes it and gives it to the function." } else { "" };
    text += &format!("\n# The role that plans run with.{of_stack}\n[contain]\n");
    let account = choices.account.as_deref().unwrap_or("111122223333");
    text += &key("responder_role", None, &format!("\"arn:aws:iam::{account}:role/stakeout-responder\""));
    text += "\n# What no plan touches.\n# [protect]\n# principals = [\"arn:aws:iam::*:role/break-glass\"]\n";
    text += "# tags = { \"stakeout:protected\" = \"true\" }\n";
    text
}

fn telling(choices: &Choices) -> String {
    let mut text = "# That a pass was made, for whoever misses it.\n[metrics]\n".to_owned();
    let example = "\"https://hc-ping.com/UUID\"";
    text += &key("heartbeat_url", choices.heartbeat.as_deref().map(quoted).as_deref(), example);
    text += &key("emf", None, "true");
    text +=
        "\n# Other channels.\n# [[notify.webhook]]\n# url = \"env:WEBHOOK_URL\"\n# secret = \"env:WEBHOOK_SECRET\"\n";
    text += "# [[notify.sns]]\n# topic = \"arn:aws:sns:eu-west-1:111122223333:alarms\"\n";
    text
}

/// How the secrets that the file names are set.
pub(super) fn secrets(choices: &Choices) -> Vec<String> {
    if choices.channel.is_none() || choices.is_lambda {
        return Vec::new();
    }
    SECRETS.iter().map(|(name, variable)| format!("slack.{name}: export {variable}=...")).collect()
}

/// How a secret with both of Slack's comes to Secrets Manager, and its ARN to the stack.
const SECRET: &str = r#"read -rs TOKEN; read -rs SIGNING    (from the app in Slack: stakeout slack manifest)
     SECRET=$(aws secretsmanager create-secret --name stakeout/slack --query ARN --output text \
       --secret-string "{\"token\": \"$TOKEN\", \"signing_secret\": \"$SIGNING\"}")"#;

/// How the settings and the function come to AWS: as deploy/README.md says it.
pub(super) fn deployment(choices: &Choices, file: &str) -> Vec<String> {
    let mut steps = Vec::new();
    let mut parameters = vec!["SettingsParameter=/stakeout/settings".to_owned()];
    if let Some(channel) = &choices.channel {
        steps.push(SECRET.to_owned());
        parameters.push(format!("SlackSecretArn=\"$SECRET\" SlackChannel={channel}"));
    }
    if !choices.approvers.is_empty() {
        parameters.push(format!("Approvers={}", choices.approvers.join(",")));
    }
    if let Some(bucket) = &choices.bucket {
        let path = bucket.trim_start_matches("s3://");
        parameters.push(format!("TrailBucket={}", path.split('/').next().unwrap_or(path)));
    }
    let value = format!("--type String --tier Intelligent-Tiering --value file://{file}");
    steps.push(format!("aws ssm put-parameter --name /stakeout/settings {value}"));
    steps.push(format!(
        "aws cloudformation deploy --stack-name stakeout --template-file deploy/cloudformation/stakeout.yaml \\\n       \
         --capabilities CAPABILITY_NAMED_IAM --parameter-overrides CodeBucket=BUCKET CodeKey=KEY \\\n       {}\n     \
         (deploy/README.md says how the package comes to the bucket)",
        parameters.join(" ")
    ));
    steps.push("stakeout doctor --function stakeout".to_owned());
    steps
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::{Config, Regions, StatePlace};

    fn read(text: &str) -> Config {
        Config::read(text, "stakeout.toml", std::iter::empty()).unwrap_or_else(|error| panic!("{error:#}\n{text}"))
    }

    #[test]
    fn nothing_chosen_is_every_default() {
        let config = read(&write(&Choices::default()));
        assert_eq!(Config { origins: Config::default().origins, ..config }, Config::default());
        let commented = write(&Choices::default());
        // Every example is taken too, but for those that exclude each other.
        let open: Vec<_> = commented
            .lines()
            .map(|line| line.strip_prefix("# ").filter(|rest| rest.starts_with('[') || is_key(rest)).unwrap_or(line))
            .filter(|line| !line.starts_with("path = "))
            .collect();
        let config = read(&open.join("\n"));
        assert!(config.slack.channel.is_some() && config.accounts.len() == 1 && config.notify.sns.len() == 1);
        assert!(config.contain.responder_role.is_some() && config.metrics.emf && config.sources.cost_explorer);
    }

    fn is_key(line: &str) -> bool {
        line.split_once(" = ").is_some_and(|(name, _)| name.chars().all(|c| c.is_ascii_lowercase() || c == '_'))
    }

    #[test]
    fn all_that_is_chosen_is_read_again() {
        let choices = Choices {
            is_lambda: false,
            account: Some("111122223333".to_owned()),
            role: Some("arn:aws:iam::111122223333:role/stakeout-detector".to_owned()),
            regions: vec!["eu-west-1".to_owned(), "us-east-1".to_owned()],
            bucket: Some("s3://trail/prefix".to_owned()),
            queue: Some("https://sqs.eu-west-1.amazonaws.com/111122223333/q".to_owned()),
            state: Some(Kept::Table("stakeout".to_owned())),
            channel: Some("C0123ABCD".to_owned()),
            approvers: vec!["U1".to_owned(), "S1".to_owned()],
            heartbeat: Some("https://hc.example.com/x".to_owned()),
        };
        let config = read(&write(&choices));
        assert_eq!(config.state_place().unwrap(), StatePlace::Table("stakeout".to_owned()));
        assert!(matches!(&config.aws.regions, Regions::Only(regions) if regions.len() == 2));
        assert_eq!(config.sources.trail_bucket.as_ref().map(ToString::to_string), choices.bucket);
        assert_eq!(config.sources.queue_url[0].as_str(), "https://sqs.eu-west-1.amazonaws.com/111122223333/q");
        assert_eq!(config.accounts[0].role.as_ref().map(ToString::to_string), choices.role);
        assert_eq!(config.slack.app_token.as_ref().map(ToString::to_string).as_deref(), Some("env:SLACK_APP_TOKEN"));
        assert_eq!(config.approval.approvers.len(), 2);
        assert!(!config.metrics.emf && config.metrics.heartbeat_url.is_some());
        assert_eq!(secrets(&choices)[0], "slack.token: export SLACK_BOT_TOKEN=...");
    }

    #[test]
    fn what_the_stack_gives_is_left_to_it() {
        let choices = Choices {
            is_lambda: true,
            account: Some("111122223333".to_owned()),
            bucket: Some("s3://trail/prefix".to_owned()),
            channel: Some("C0123ABCD".to_owned()),
            approvers: vec!["U1".to_owned()],
            ..Choices::default()
        };
        let text = write(&choices);
        let alone = read(&text);
        assert!(alone.state == Config::default().state && alone.slack == Config::default().slack, "{text}");
        assert!(alone.contain.responder_role.is_none() && alone.evidence.s3.is_none() && !alone.metrics.emf, "{text}");
        // The variables of the template, over the file.
        let template = include_str!("../../../deploy/cloudformation/stakeout.yaml");
        let stack = [
            ("STAKEOUT_STATE__DYNAMODB", "table"),
            ("STAKEOUT_CONTAIN__RESPONDER_ROLE", "arn:aws:iam::111122223333:role/stakeout-responder"),
            ("STAKEOUT_EVIDENCE__S3", "s3://evidence"),
            ("STAKEOUT_SLACK__TOKEN", "secretsmanager:stakeout/slack#token"),
            ("STAKEOUT_SLACK__SIGNING_SECRET", "secretsmanager:stakeout/slack#signing_secret"),
            ("STAKEOUT_SLACK__CHANNEL", "C0123ABCD"),
            ("STAKEOUT_METRICS__EMF", "true"),
        ];
        assert!(stack.iter().all(|(name, _)| template.contains(&format!("{name}:"))));
        let variables = stack.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let config = Config::read(&text, "stakeout.toml", variables).unwrap();
        assert_eq!(config.state_place().unwrap(), StatePlace::Table("table".to_owned()));
        assert!(config.slack.signing_secret.is_some() && config.approval.approvers.len() == 1);
        let steps = deployment(&choices, "stakeout.toml").join("\n");
        assert!(steps.contains("{\\\"token\\\": \\\"$TOKEN\\\", \\\"signing_secret\\\": \\\"$SIGNING\\\"}"), "{steps}");
        for parameter in ["SettingsParameter", "SlackSecretArn", "SlackChannel", "Approvers", "TrailBucket"] {
            assert!(steps.contains(&format!(" {parameter}=")), "{steps}");
            assert!(template.contains(&format!("\n  {parameter}:")), "{parameter}");
        }
        assert!(secrets(&choices).is_empty());
    }

    proptest! {
        /// Whatever stands in a path comes back as it was.
        #[test]
        fn a_path_is_quoted(path in "[^\u{0}]{1,40}") {
            let choices = Choices { state: Some(Kept::File(path.clone())), ..Choices::default() };
            prop_assert_eq!(read(&write(&choices)).state.path, Some(path.into()));
        }
    }
}
