//! The table of a state: that it is there, how it is paid, and whether it can be brought back.

use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{PointInTimeRecoveryStatus, TableDescription};

use crate::aws::Refusal;
use crate::doctor::Check;

pub(super) async fn all(config: &SdkConfig, name: &str) -> Vec<Check> {
    let client = Client::new(config);
    let mut checks = vec![is_there(&client, name).await];
    if checks.iter().all(|check| !check.is_failure()) {
        checks.extend(recovery(&client, name).await);
    }
    checks
}

async fn is_there(client: &Client, name: &str) -> Check {
    const RIGHT: &str = "dynamodb:DescribeTable";
    let what = format!("table {name}");
    let answer = client.describe_table().table_name(name).send().await;
    let answer = answer.map_err(|error| Refusal::of(RIGHT, &error));
    match answer {
        Ok(answer) => {
            answer.table.map_or_else(|| Check::note(&what, "it says nothing of itself"), |table| of(&what, &table))
        }
        Err(Refusal::Gone(_)) => {
            let mend = format!(
                "aws dynamodb create-table --table-name {name} --billing-mode PAY_PER_REQUEST --attribute-definitions \
                 AttributeName=pk,AttributeType=S AttributeName=sk,AttributeType=S --key-schema \
                 AttributeName=pk,KeyType=HASH AttributeName=sk,KeyType=RANGE"
            );
            Check::fails(what, "there is no such table in this region").mend(mend)
        }
        Err(Refusal::Denied { .. }) => Check::note(what, format!("how it is set up is not known: {RIGHT} is denied")),
        Err(refusal) => Check::note(what, format!("not known: {refusal}")),
    }
}

fn of(what: &str, table: &TableDescription) -> Check {
    let has = |key: &str, kind: &str| {
        let mut keys = table.key_schema().iter();
        keys.any(|part| part.attribute_name() == key && part.key_type().as_str() == kind)
    };
    if !(has("pk", "HASH") && has("sk", "RANGE")) {
        return Check::fails(what, "its keys are not pk and sk")
            .mend("[state] dynamodb = the name of a table made for it");
    }
    let mode = table.billing_mode_summary().and_then(|summary| summary.billing_mode());
    let mode = mode.map_or("PROVISIONED", |mode| mode.as_str()).to_owned();
    let told = format!("it is there, paid by {mode}");
    if mode == "PROVISIONED" {
        let mend = "aws dynamodb update-table --billing-mode PAY_PER_REQUEST, unless its capacity is chosen with care";
        return Check::note(what, format!("{told}: a busy pass may be throttled")).mend(mend);
    }
    Check::works(what, told)
}

/// Whether the state can be brought back to a moment; whoever changes it wants that it cannot.
async fn recovery(client: &Client, name: &str) -> Option<Check> {
    let answer = client.describe_continuous_backups().table_name(name).send().await;
    let answer = answer.map_err(|error| Refusal::of("dynamodb:DescribeContinuousBackups", &error)).ok()?;
    let backups = answer.continuous_backups_description?;
    let status = backups.point_in_time_recovery_description?.point_in_time_recovery_status?;
    let what = format!("table {name}");
    if status == PointInTimeRecoveryStatus::Enabled {
        return Some(Check::works(what, "it can be brought back to any moment of the last weeks"));
    }
    let mend = format!(
        "aws dynamodb update-continuous-backups --table-name {name} --point-in-time-recovery-specification \
         PointInTimeRecoveryEnabled=true"
    );
    Some(Check::note(what, "point-in-time recovery is off: what is lost or damaged stays so").mend(mend))
}
