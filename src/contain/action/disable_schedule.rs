//! Stops a schedule of EventBridge Scheduler.

use aws_sdk_scheduler::Client;
use aws_sdk_scheduler::error::ProvideErrorMetadata as _;
use aws_sdk_scheduler::operation::get_schedule::GetScheduleOutput;
use aws_sdk_scheduler::operation::update_schedule::builders::UpdateScheduleFluentBuilder;
use aws_sdk_scheduler::types::ScheduleState;
use serde_json::{Value, json};

use super::function::unless_gone;
use super::{Action, Asking, Card, Knobs, Observed, Right, phase};
use crate::aws::Refusal;
use crate::contain::cloud::Cloud;
use crate::contain::subject::Subject;
use crate::model::plan::{Class, Target};

/// Schedules that the incident made.
pub(crate) struct DisableSchedule;

const SCHEDULE: &str = "scheduler:schedule";
const SCHEDULES: &str = "arn:aws:scheduler:*:{account}:schedule/*";

/// An update gives the schedule its role again.
const PASS_ROLE: Right = Right {
    action: "iam:PassRole",
    resource: "arn:aws:iam::{account}:role/*",
    only_if: Some(("StringEquals", "iam:PassedToService", "scheduler.amazonaws.com")),
};

const fn on_schedules(action: &'static str) -> Right {
    Right { action, resource: SCHEDULES, only_if: None }
}

const WRITES: &[Right] = &[on_schedules("scheduler:UpdateSchedule"), PASS_ROLE];

impl Action for DisableSchedule {
    fn card(&self) -> &'static Card {
        const {
            &Card {
                name: "disable-schedule",
                about: "Disables a schedule of EventBridge Scheduler; the rest of it stays",
                on: &[SCHEDULE],
                class: Class::R1,
                phase: phase::DOORS,
                reads: &[on_schedules("scheduler:GetSchedule")],
                writes: WRITES,
                undoes: WRITES,
            }
        }
    }

    fn find<'a>(&'a self, cloud: &'a Cloud, subject: &'a Subject) -> Asking<'a, Vec<Target>> {
        Box::pin(async move {
            if !subject.made {
                return Ok(Vec::new());
            }
            let mut target = Target {
                kind: SCHEDULE.to_owned(),
                arn: subject.arn.clone(),
                account: subject.account.clone(),
                region: subject.region.clone(),
                id: String::new(),
                detail: std::collections::BTreeMap::new(),
            };
            let Some(schedule) = unless_gone(read(&client(cloud, &target)?, &target).await)? else {
                return Ok(Vec::new());
            };
            target.id = id(&schedule);
            Ok(vec![target])
        })
    }

    fn observe<'a>(&'a self, cloud: &'a Cloud, target: &'a Target) -> Asking<'a, Observed> {
        Box::pin(async move {
            let schedule = read(&client(cloud, target)?, target).await?;
            let state = schedule.state().map_or("ENABLED", ScheduleState::as_str);
            Ok(Observed { id: id(&schedule), state: json!({ "state": state }) })
        })
    }

    fn goal(&self, _: &Target, state: &Value) -> Option<Value> {
        (state["state"] != "DISABLED").then(|| json!({ "state": "DISABLED" }))
    }

    fn words(&self, target: &Target, _: &Value, _: &Value) -> (String, Option<String>) {
        let (_, name) = place(&target.arn);
        (format!("disables the schedule {name}"), Some(format!("enables the schedule {name} again")))
    }

    fn set<'a>(
        &'a self,
        cloud: &'a Cloud,
        target: &'a Target,
        _: &'a Value,
        to: &'a Value,
        _: &'a Knobs,
    ) -> Asking<'a, Value> {
        Box::pin(async move {
            let client = client(cloud, target)?;
            let schedule = read(&client, target).await?;
            let update = whole(&client, target, &schedule).set_state(to["state"].as_str().map(ScheduleState::from));
            let Err(error) = update.clone().send().await else { return Ok(Value::Null) };
            // A start that has passed changes nothing any more, and AWS does not take it again.
            let is_start = error.code() == Some("ValidationException")
                && error.message().is_some_and(|message| message.contains("StartDate"));
            let refused = |error| Refusal::of("scheduler:UpdateSchedule", &error);
            match schedule.start_date() {
                Some(start) if is_start => {
                    update.set_start_date(None).send().await.map_err(refused)?;
                    Ok(json!({ "start_date_dropped": start.secs() }))
                }
                _ => Err(refused(error)),
            }
        })
    }
}

/// An update that changes nothing: what it is not told, it sets to the defaults.
fn whole(client: &Client, target: &Target, schedule: &GetScheduleOutput) -> UpdateScheduleFluentBuilder {
    let (group, name) = place(&target.arn);
    let schedule = schedule.clone();
    let update = client.update_schedule().name(name).set_group_name(group);
    let update = update.set_schedule_expression(schedule.schedule_expression);
    let update = update.set_schedule_expression_timezone(schedule.schedule_expression_timezone);
    let update = update.set_start_date(schedule.start_date).set_end_date(schedule.end_date);
    let update = update.set_description(schedule.description).set_kms_key_arn(schedule.kms_key_arn);
    let update = update.set_target(schedule.target).set_flexible_time_window(schedule.flexible_time_window);
    update.set_state(schedule.state).set_action_after_completion(schedule.action_after_completion)
}

fn client(cloud: &Cloud, target: &Target) -> Result<Client, Refusal> {
    Ok(Client::new(&cloud.config(&target.account, &target.region)?))
}

async fn read(client: &Client, target: &Target) -> Result<GetScheduleOutput, Refusal> {
    let (group, name) = place(&target.arn);
    let answer = client.get_schedule().name(name).set_group_name(group).send().await;
    answer.map_err(|error| Refusal::of("scheduler:GetSchedule", &error))
}

/// The group and the name in a schedule's ARN: `schedule/GROUP/NAME`.
fn place(arn: &str) -> (Option<String>, String) {
    let path = arn.split_once(":schedule/").map_or(arn, |(_, path)| path);
    match path.split_once('/') {
        Some((group, name)) => (Some(group.to_owned()), name.to_owned()),
        None => (None, path.to_owned()),
    }
}

/// When it was made, in seconds: a schedule that is made anew under its name has another time.
fn id(schedule: &GetScheduleOutput) -> String {
    schedule.creation_date().map(|date| date.secs().to_string()).unwrap_or_default()
}
