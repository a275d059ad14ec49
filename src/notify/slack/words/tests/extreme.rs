//! Records as no account ever had them.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;

use super::night::{self, NOW};
use crate::model::approval::{Planned, Stage, Vote};
use crate::model::plan::{Blast, Class, Plan, Refused, Step, Target, Verdict, Way};
use crate::model::{Basis, Confidence, Created, Incident, Level, Root, Status};
use crate::notify::slack::card::{Card, Mark};
use crate::store::watched::{Closed, Resolution};

/// Stands in every text of others, and in none of ours.
pub(super) const SIGN: char = '¤';

const HOSTILE: [&str; 14] = [
    "<!channel>",
    "<!here> <@U0ANN00001> <#C0123ABCD>",
    "<http://evil.example|click>",
    "http://evil.example mailto:a@evil.example evil.example",
    "&lt;!channel&gt; &amp;",
    "`` ` ``` code\n```",
    "*bold* _it_ ~gone~ > quote",
    ":rotating_light: :aws:",
    "a\nb\r\n\u{1b}[31m\u{0}\u{7f}",
    "\u{202e}txt.exe\u{2066}\u{200b}\u{feff}",
    "<!date^1^{date}|x>",
    "\"\\\"\\",
    "   ",
    "日本語の名前 🚨",
];

/// What an attacker can write into a log, of a few bytes to 100 kB.
pub(super) fn text() -> impl Strategy<Value = String> {
    let hostile = prop::sample::select(HOSTILE.to_vec()).prop_map(str::to_owned);
    let long = (prop::sample::select(vec!["a", "<", "日", "🚨", "\"", "`", "*x* "]), 1_usize..25_000)
        .prop_map(|(piece, count)| piece.repeat(count));
    prop_oneof![3 => hostile, 1 => long, 2 => any::<String>(), 2 => "[a-z0-9-]{1,40}"]
        .prop_map(|text| format!("{SIGN}{text}"))
}

/// Everything that a card borrows.
#[derive(Debug, Clone)]
pub(super) struct Record {
    pub incident: Incident,
    plan: Plan,
    planned: Planned,
    names: BTreeMap<String, String>,
    closed: Option<Closed>,
    unplanned: Option<String>,
    people: u32,
    /// In which place the plan is; none: nowhere.
    place: Option<bool>,
    can_undo: bool,
    mark: Mark,
}

impl Record {
    pub(super) fn card(&self) -> Card<'_> {
        let shown = night::shown(&self.plan, &self.planned, self.people);
        Card {
            plan: (self.place == Some(true)).then_some(shown),
            last: (self.place == Some(false)).then_some(shown),
            closed: self.closed.as_ref(),
            unplanned: self.unplanned.as_deref(),
            stuck: self.unplanned.as_deref(),
            can_undo: self.can_undo,
            self_approval: self.can_undo,
            has_deciders: !self.can_undo,
            mark: self.mark,
            ..night::card(&self.incident, &self.names)
        }
    }

    pub(super) fn plan(&self) -> (&Plan, &Planned) {
        (&self.plan, &self.planned)
    }
}

fn resource() -> impl Strategy<Value = Created> {
    let kinds = vec!["lambda:function", "iam:user", "ec2:instance", "¤kind<!here>", ""];
    (text(), prop::sample::select(kinds), text(), any::<bool>()).prop_map(|(arn, kind, region, exists)| Created {
        arn,
        kind: kind.to_owned(),
        region,
        action: String::new(),
        exists,
        by: String::new(),
        at: NOW,
    })
}

fn incident() -> impl Strategy<Value = Incident> {
    let root = (prop::option::of(text()), prop::option::of(text()), 0_usize..3);
    let many = (vec(text(), 0..500), vec(resource(), 0..60), vec(text(), 0..9), vec(text(), 0..40), vec(text(), 0..9));
    let rest = (text(), 0_usize..3, prop::option::of(any::<f64>()), prop::option::of(text()), any::<i64>(), 0_usize..3);
    (root, many, rest).prop_map(|(root, many, rest)| {
        let (principal, credential, sure) = root;
        let (regions, resources, narrative, source_ips, accounts) = many;
        let (title, status, burn, merged_into, first_event, basis) = rest;
        let confidence = [Confidence::Confirmed, Confidence::Probable, Confidence::Unknown][sure];
        Incident {
            title,
            level: Level::Informational,
            status: [Status::Open, Status::Contained, Status::Closed][status],
            root: Root { principal, credential, confidence },
            basis: [Basis::Calls, Basis::Bill, Basis::Observation][basis],
            accounts,
            regions,
            resources,
            narrative,
            source_ips,
            merged_into: merged_into.filter(|_| status == 2),
            burn_usd_per_hour: burn,
            first_event,
            ..night::incident()
        }
    })
}

fn step() -> impl Strategy<Value = Step> {
    let actions =
        vec!["stop-function", "attach-deny", "delete-user", "save-identity", "¤a*b<c>", "", "isolate-instance"];
    (prop::sample::select(actions), text(), text(), 0_usize..4, any::<u32>()).prop_map(
        |(action, arn, region, class, n)| {
            let class = [Class::R0, Class::R1, Class::R2, Class::R3][class];
            Step {
                n,
                action: action.to_owned(),
                target: Target {
                    kind: arn.chars().take(30).collect(),
                    arn: arn.clone(),
                    account: String::new(),
                    region,
                    id: String::new(),
                    detail: BTreeMap::new(),
                },
                class,
                changes: arn,
                undo: None,
                permissions: Vec::new(),
                before: serde_json::Value::Null,
                after: serde_json::Value::Null,
                needs: Vec::new(),
                phase: 0,
            }
        },
    )
}

fn blast() -> impl Strategy<Value = Blast> {
    let verdicts = vec![Verdict::Unused, Verdict::Interactive, Verdict::AutomationHigh, Verdict::Unknown];
    let numbers = (any::<f64>(), any::<u64>(), any::<i64>());
    (text(), prop::sample::select(verdicts), numbers, vec(text(), 0..5)).prop_map(
        |(principal, verdict, (calls_per_day, would_have_refused, history_days), services)| {
            let known = night::containment().blast_radius.swap_remove(1);
            Blast { principal, verdict, calls_per_day, would_have_refused, history_days, services, ..known }
        },
    )
}

fn plan() -> impl Strategy<Value = Plan> {
    let steps = prop_oneof![
        vec(step(), 0..20),
        (vec(step(), 3), 1_usize..350).prop_map(|(some, count)| some.iter().cycle().take(count * 3).cloned().collect()),
    ];
    let told = (vec(text(), 0..9), vec(text(), 0..9), vec((text(), text()), 0..30));
    (steps, vec(blast(), 0..100), told, any::<bool>(), any::<u64>(), any::<i64>()).prop_map(
        |(steps, blast_radius, (remarks, people, refused), is_undo, estimate_seconds, expires_at)| Plan {
            steps,
            blast_radius,
            remarks,
            people,
            refused: refused.into_iter().map(|(target, why)| Refused { target, why }).collect(),
            way: if is_undo { Way::Undo } else { Way::Contain },
            estimate_seconds,
            expires_at,
            ..night::containment()
        },
    )
}

fn planned(plan: &Plan) -> impl Strategy<Value = Planned> + use<> {
    let run = Stage::Running { holder: "x".to_owned(), until: NOW };
    let stages = vec![
        Stage::Pending,
        Stage::Approved,
        Stage::Denied,
        Stage::Expired,
        run,
        Stage::Ended { holds: true },
        Stage::Ended { holds: false },
    ];
    let whole = night::planned(plan, Stage::Pending, Vec::new());
    let voter = (text(), any::<bool>()).prop_map(|(name, is_of_slack)| {
        let person = night::person(&name, is_of_slack.then_some(name.as_str()));
        Vote { person, at: NOW, why: Some(name) }
    });
    let done = prop_oneof![Just(0), any::<u32>()];
    (prop::sample::select(stages), vec(voter, 0..17), vec(text(), 0..12), done).prop_map(
        move |(stage, votes, remains, done)| {
            let asked = votes.first().map(|vote| vote.person.clone());
            let requested_by = asked.unwrap_or_else(|| whole.requested_by.clone());
            Planned { stage, votes, remains, done, requested_by, ..whole.clone() }
        },
    )
}

pub(super) fn record() -> impl Strategy<Value = Record> {
    let planned = plan().prop_flat_map(|plan| (planned(&plan), Just(plan)));
    let closed = (prop::option::of((text(), text())), prop::option::of(text()));
    let flags = (any::<u32>(), prop::option::of(any::<bool>()), any::<bool>(), any::<bool>());
    (incident(), planned, closed, flags, text()).prop_map(|(incident, (planned, plan), closed, flags, name)| {
        let (people, place, can_undo, is_drill) = flags;
        let (closed, unplanned) = closed;
        let names = incident.accounts.iter().map(|account| (account.clone(), name.clone())).collect();
        let closed = closed.map(|(by, why)| Closed { at: NOW, resolution: Resolution::Benign, by, why });
        let mark = if is_drill { Mark::Drill } else { Mark::Real };
        let closed = closed.filter(|_| incident.status == Status::Closed);
        Record { incident, plan, planned, names, closed, unplanned, people, place, can_undo, mark }
    })
}

impl Record {
    /// Puts one text wherever others have a say, as often as it can be.
    pub(super) fn fill(&mut self, text: &str) {
        let many = |count: usize| vec![format!("{SIGN}{text}"); count];
        let incident = &mut self.incident;
        incident.title = many(1).remove(0);
        incident.narrative = many(8);
        incident.source_ips = many(30);
        incident.accounts = many(30);
        incident.regions = many(1);
        self.planned.remains = many(20);
        self.plan.remarks =
            (0..9).map(|n| if n < 3 { format!("AWS attached {text}") } else { text.to_owned() }).collect();
        self.plan.people = many(20);
        self.unplanned = many(1).pop();
        self.plan.blast_radius.iter_mut().for_each(|blast| blast.services = many(3));
        self.names = incident.accounts.iter().map(|account| (account.clone(), text.to_owned())).collect();
    }
}
