//! The questions: what is asked, what it means, and what an answer may be.

use std::io::{BufRead, Write};

use anyhow::{Context as _, Result, bail};

use crate::config::Config;
use crate::model::escape::terminal;

/// Answers that are not taken before it is given up: a person reads what is wrong with one, a pipe does not.
const TRIES: u32 = 20;

/// One question.
pub(super) struct Question {
    /// What is asked.
    text: &'static str,
    /// What it means, and where to find it.
    about: &'static str,
    /// What no answer stands for, in a word or two.
    usual: &'static str,
    /// The flag that answers it.
    flag: &'static str,
    /// The key of the settings, by which what is wrong is found in an error.
    key: &'static str,
    /// Settings with the answer, from which it is read whether they take it.
    sample: fn(&str) -> String,
}

pub(super) const ACCOUNT: Question = Question {
    text: "AWS account to watch",
    about: "12 digits",
    usual: "that of the credentials",
    flag: "--account",
    key: "accounts.id",
    sample: |text| format!("[[accounts]]\nid = {}", quoted(text)),
};
pub(super) const ROLE: Question = Question {
    text: "Role to assume in it",
    about: "the ARN of its stakeout-detector; none: the credentials as they are",
    usual: "none",
    flag: "--role",
    key: "accounts.role",
    sample: |text| format!("[[accounts]]\nid = \"111122223333\"\nrole = {}", quoted(text)),
};
pub(super) const REGIONS: Question = Question {
    text: "Regions to watch",
    about: "`enabled` is all that the account has enabled, and the safe choice; or a list: eu-west-1,us-east-1",
    usual: "enabled",
    flag: "--regions",
    key: "aws.regions",
    sample: |text| match text {
        "enabled" => String::new(),
        text => format!("[aws]\nregions = [{}]", list(text)),
    },
};
pub(super) const BUCKET: Question = Question {
    text: "Bucket of a CloudTrail trail",
    about: "s3://name or s3://name/prefix; with it nothing is missed, and history is read faster",
    usual: "none",
    flag: "--trail-bucket",
    key: "sources.trail_bucket",
    sample: |text| format!("[sources]\ntrail_bucket = {}", quoted(text)),
};
pub(super) const QUEUE: Question = Question {
    text: "URL of an SQS queue with its notifications, or with events of EventBridge",
    about: "it brings events earlier",
    usual: "none",
    flag: "--queue",
    key: "sources.queue_url",
    sample: |text| format!("[sources]\nqueue_url = {}", quoted(text)),
};
pub(super) const STATE: Question = Question {
    text: "Where to keep the state",
    about: "a file, or dynamodb:TABLE; usually ~/.local/state/stakeout/stakeout.db",
    usual: "the usual file",
    flag: "--state",
    key: "state",
    sample: |text| match text.strip_prefix("dynamodb:") {
        Some(table) => format!("[state]\ndynamodb = {}", quoted(table)),
        None => format!("[state]\npath = {}", quoted(text)),
    },
};
pub(super) const CHANNEL: Question = Question {
    text: "Slack channel for incidents",
    about: "its id, such as C0123ABCD, at the foot of its details in Slack",
    usual: "none",
    flag: "--slack-channel",
    key: "slack.channel",
    sample: |text| format!("[slack]\ntoken = \"env:T\"\nchannel = {}", quoted(text)),
};
pub(super) const APPROVERS: Question = Question {
    text: "Who may approve containment",
    about: "ids of Slack users (U0123ABCD) or groups (S0123ABCD), apart by commas; else the operator",
    usual: "the operator",
    flag: "--approver",
    key: "approval.approvers",
    sample: |text| {
        // A group needs Slack to tell who is in it; whether that is set up shows in the whole file.
        format!("[slack]\ntoken = \"env:T\"\nchannel = \"C0\"\n[approval]\napprovers = [{}]", list(text))
    },
};
pub(super) const HEARTBEAT: Question = Question {
    text: "URL to ask after each pass",
    about: "of a service that misses it, such as healthchecks.io or your own",
    usual: "none",
    flag: "--heartbeat-url",
    key: "metrics.heartbeat_url",
    sample: |text| format!("[metrics]\nheartbeat_url = {}", quoted(text)),
};

/// A text as TOML writes it.
pub(super) fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn list(text: &str) -> String {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts.map(quoted).collect::<Vec<_>>().join(", ")
}

/// Somebody at a terminal.
pub(super) struct Person<'a> {
    input: &'a mut dyn BufRead,
    output: &'a mut dyn Write,
}

impl<'a> Person<'a> {
    pub(super) fn new(input: &'a mut dyn BufRead, output: &'a mut dyn Write) -> Self {
        Self { input, output }
    }

    /// Says how it is done.
    ///
    /// # Errors
    /// Nobody reads it.
    pub(super) fn greet(&mut self) -> Result<()> {
        let how = "Enter takes what stands in brackets, `none` nothing. Secrets are not asked for.";
        writeln!(self.output, "{how}\n").context("asking")
    }

    /// Asks until there is an answer that the settings take.
    fn ask(&mut self, question: &Question, proposed: Option<&str>) -> Result<Option<String>> {
        let usual = terminal(proposed.unwrap_or(question.usual));
        writeln!(self.output, "{}\n  ({})", question.text, question.about)?;
        for _ in 0..TRIES {
            write!(self.output, "  [{usual}] ")?;
            self.output.flush()?;
            let mut line = String::new();
            if self.input.read_line(&mut line).context("reading an answer")? == 0 {
                bail!("no answer; nothing is written ({} says it without a question)", question.flag);
            }
            let answer = match line.trim() {
                "" => proposed,
                // The way out of a default.
                "none" | "-" => None,
                answer => Some(answer),
            };
            match answer.map(|answer| question.check(answer)) {
                Some(Err(why)) => writeln!(self.output, "  {}", terminal(&why))?,
                _ => return Ok(answer.map(str::to_owned)),
            }
        }
        bail!("{} wrong answers; nothing is written ({} says it without a question)", TRIES, question.flag)
    }
}

impl Question {
    /// Whether the settings take an answer.
    fn check(&self, answer: &str) -> Result<(), String> {
        let text = (self.sample)(answer);
        let read = Config::read(&text, "", std::iter::empty());
        read.map(drop).map_err(|error| {
            let error = format!("{error:#}");
            let told = error.split_once(&format!("{}: ", self.key)).map_or(error.as_str(), |(_, told)| told);
            // What holds for the file holds not for an answer.
            told.trim_end_matches(", in quotes").to_owned()
        })
    }
}

/// What a flag says, else what a person answers, else what is proposed.
///
/// # Errors
/// A flag that the settings do not take, or a person who left.
pub(super) fn answer(
    person: Option<&mut Person<'_>>,
    question: &Question,
    given: Option<String>,
    proposed: Option<String>,
) -> Result<Option<String>> {
    if let Some(given) = given {
        return match question.check(&given) {
            Ok(()) => Ok(Some(given)),
            Err(why) => bail!("{} {given}: {why}", question.flag),
        };
    }
    // What AWS says is no better than what a person says.
    let proposed = proposed.filter(|proposed| question.check(proposed).is_ok());
    match person {
        Some(person) => person.ask(question, proposed.as_deref()),
        None => Ok(proposed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dialogue(question: &Question, proposed: Option<&str>, typed: &str) -> (Result<Option<String>>, String) {
        let (mut input, mut output) = (typed.as_bytes(), Vec::new());
        let mut person = Person::new(&mut input, &mut output);
        let answer = answer(Some(&mut person), question, None, proposed.map(str::to_owned));
        (answer, String::from_utf8(output).unwrap())
    }

    #[test]
    fn a_wrong_answer_is_asked_for_again() {
        let (answer, said) = dialogue(&CHANNEL, None, "#incidents\nC0123\n");
        assert_eq!(answer.unwrap().as_deref(), Some("C0123"));
        assert!(said.contains("\"#incidents\" is not the id of a channel"), "{said}");
        assert_eq!(said.matches("[none]").count(), 2, "{said}");
        let (answer, said) = dialogue(&ACCOUNT, Some("111122223333"), "12\n\n");
        assert_eq!(answer.unwrap().as_deref(), Some("111122223333"));
        assert!(said.contains("is not an account id of 12 digits"), "{said}");
        let (answer, _) = dialogue(&BUCKET, Some("s3://trail"), "none\n");
        assert_eq!(answer.unwrap(), None);
        let (answer, said) = dialogue(&REGIONS, Some("enabled"), "Ireland\neu-west-1, us-east-1\n");
        assert_eq!(answer.unwrap().as_deref(), Some("eu-west-1, us-east-1"));
        assert!(said.contains("\"Ireland\" is not a region"), "{said}");
    }

    #[test]
    fn who_leaves_or_talks_nonsense_gets_no_file() {
        let left = dialogue(&QUEUE, None, "").0.unwrap_err().to_string();
        assert!(left.contains("nothing is written") && left.contains("--queue"), "{left}");
        let (answer, said) = dialogue(&HEARTBEAT, None, &"\u{1b}[2Jx\n".repeat(100));
        assert!(answer.is_err() && !said.contains('\u{1b}'), "{said}");
        let refused = answer_of_flag(&STATE, "").unwrap_err().to_string();
        assert!(refused.contains("--state"), "{refused}");
        assert!(answer_of_flag(&APPROVERS, "U1,anna").is_ok());
        // What a hostile account calls its bucket is no proposal.
        assert_eq!(super::answer(None, &BUCKET, None, Some("s3://".to_owned())).unwrap(), None);
    }

    fn answer_of_flag(question: &Question, given: &str) -> Result<Option<String>> {
        answer(None, question, Some(given.to_owned()), None)
    }
}
