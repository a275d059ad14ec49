//! Rights on tables, buckets and queues: writes whose condition cannot hold, and a receipt that cannot exist.

use aws_sdk_dynamodb::types::{AttributeValue, ConditionCheck, TransactWriteItem};
use aws_sdk_s3::config::Region;

use super::{Bench, NOBODY, Tried, tried};
use crate::aws::whereabouts;

/// No item is there and not there.
const NEVER: &str = "attribute_exists(pk) AND attribute_not_exists(pk)";

pub(super) async fn attempt(action: &str, resource: &str, bench: &Bench<'_>) -> Option<Tried> {
    match action {
        "s3:ListBucket" => {
            let bucket = resource.strip_prefix("arn:aws:s3:::")?;
            let client = client(bench, bucket).await;
            Some(tried("s3:ListBucket", client.list_objects_v2().bucket(bucket).max_keys(1).send().await))
        }
        "s3:GetObject" => {
            let (bucket, pattern) = resource.strip_prefix("arn:aws:s3:::")?.split_once('/')?;
            Some(get_object(bench, bucket, pattern).await)
        }
        "sqs:DeleteMessage" | "sqs:GetQueueAttributes" => {
            let name = resource.rsplit(':').next()?;
            let url = bench.queues.iter().find(|url| url.trim_end_matches('/').ends_with(&format!("/{name}")))?;
            let client = super::super::queue::client(&bench.config, url);
            if action == "sqs:GetQueueAttributes" {
                return Some(tried(
                    "sqs:GetQueueAttributes",
                    client.get_queue_attributes().queue_url(url).send().await,
                ));
            }
            let request = client.delete_message().queue_url(url).receipt_handle(NOBODY);
            Some(tried("sqs:DeleteMessage", request.send().await))
        }
        _ if action.starts_with("dynamodb:") => of_table(action, resource.rsplit('/').next()?, bench).await,
        _ => None,
    }
}

/// A client in the bucket's region.
async fn client(bench: &Bench<'_>, bucket: &str) -> aws_sdk_s3::Client {
    let here = whereabouts::buckets(&bench.config, None);
    let region = match here.head_bucket().bucket(bucket).send().await {
        Ok(answer) => answer.bucket_region().map(|name| Region::new(name.to_owned())),
        Err(error) => whereabouts::named(&error),
    };
    match region {
        Some(region) if region.as_ref() != bench.region() => whereabouts::buckets(&bench.config, Some(region)),
        _ => here,
    }
}

/// Reads one byte of an object of a pattern such as `prefix/*` or `prefix/*/manifest.json`, or else of one that is not there.
async fn get_object(bench: &Bench<'_>, bucket: &str, pattern: &str) -> Tried {
    const RIGHT: &str = "s3:GetObject";
    let client = client(bench, bucket).await;
    let (prefix, rest) = pattern.split_once('*').unwrap_or((pattern, ""));
    let listed = client.list_objects_v2().bucket(bucket).prefix(prefix).max_keys(50).send().await;
    let found = listed.as_ref().ok().and_then(|listed| {
        let mut keys = listed.contents().iter().filter_map(|object| object.key());
        keys.find(|key| key.ends_with(rest)).map(str::to_owned)
    });
    let is_there = found.is_some();
    let key = found.unwrap_or_else(|| format!("{prefix}{NOBODY}{rest}"));
    let answer = client.get_object().bucket(bucket).key(key).range("bytes=0-0").send().await;
    match tried(RIGHT, answer) {
        // Who may not list is denied an object that is not there as if it were.
        Tried::Denied(why) if !is_there && listed.is_err() && super::named(&why).is_none() => Tried::Unknown(why),
        Tried::Unknown(why) if super::named(&why) == Some("s3:ListBucket") => Tried::Allowed,
        Tried::Missing(why) if !why.contains("NoSuchBucket") => Tried::Allowed,
        other => other,
    }
}

async fn of_table(action: &str, table: &str, bench: &Bench<'_>) -> Option<Tried> {
    let client = aws_sdk_dynamodb::Client::new(&bench.config);
    let text = |text: &str| AttributeValue::S(text.to_owned());
    Some(match action {
        "dynamodb:GetItem" => {
            let request = client.get_item().table_name(table).key("pk", text(NOBODY)).key("sk", text("-"));
            tried("dynamodb:GetItem", request.send().await)
        }
        "dynamodb:Query" => {
            let request = client.query().table_name(table).key_condition_expression("pk = :pk").limit(1);
            let request = request.expression_attribute_values(":pk", text(NOBODY));
            tried("dynamodb:Query", request.send().await)
        }
        "dynamodb:DescribeTable" => {
            tried("dynamodb:DescribeTable", client.describe_table().table_name(table).send().await)
        }
        "dynamodb:DescribeContinuousBackups" => {
            let request = client.describe_continuous_backups().table_name(table);
            tried("dynamodb:DescribeContinuousBackups", request.send().await)
        }
        "dynamodb:Scan" => tried("dynamodb:Scan", client.scan().table_name(table).limit(1).send().await),
        "dynamodb:PutItem" => {
            let request = client.put_item().table_name(table).item("pk", text(NOBODY)).item("sk", text("-"));
            tried("dynamodb:PutItem", request.condition_expression(NEVER).send().await)
        }
        "dynamodb:UpdateItem" => {
            let request = client.update_item().table_name(table).key("pk", text(NOBODY)).key("sk", text("-"));
            tried("dynamodb:UpdateItem", request.condition_expression(NEVER).send().await)
        }
        "dynamodb:DeleteItem" => {
            let request = client.delete_item().table_name(table).key("pk", text(NOBODY)).key("sk", text("-"));
            tried("dynamodb:DeleteItem", request.condition_expression(NEVER).send().await)
        }
        "dynamodb:ConditionCheckItem" => {
            let check = ConditionCheck::builder().table_name(table).key("pk", text(NOBODY)).key("sk", text("-"));
            let check = check.condition_expression(NEVER).build().ok()?;
            let item = TransactWriteItem::builder().condition_check(check).build();
            tried("dynamodb:ConditionCheckItem", client.transact_write_items().transact_items(item).send().await)
        }
        _ => return None,
    })
}
