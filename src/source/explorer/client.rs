//! Cost Explorer itself, and its answers in the shape that the AWS command line prints.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_costexplorer::Client;
use aws_sdk_costexplorer::error::BuildError;
use aws_sdk_costexplorer::operation::get_anomalies::GetAnomaliesOutput;
use aws_sdk_costexplorer::operation::get_cost_and_usage::GetCostAndUsageOutput;
use aws_sdk_costexplorer::types::{
    Anomaly, AnomalyDateInterval, DateInterval, Dimension, DimensionValues, Expression, Granularity, Group,
    GroupDefinition, GroupDefinitionType, MetricValue, ResultByTime, RootCause,
};
use serde_json::{Map, Value, json};

use super::{Answers, Page, Query, Refusal, What};
use crate::aws;
use crate::cost::date;

/// Where Cost Explorer lives, for every region of the commercial partition.
const REGION: &str = "us-east-1";
/// What was used, also where a commitment pays for it. Taxes, credits and fees are not abuse.
const USAGE: [&str; 3] = ["Usage", "DiscountedUsage", "SavingsPlanCoveredUsage"];
/// Anomalies on a page.
const ANOMALIES: i32 = 100;

/// Live Cost Explorer.
pub(crate) struct Explorer {
    client: Client,
}

impl Explorer {
    /// Reads the configuration of AWS from the environment; sends nothing.
    pub(crate) async fn connect() -> Self {
        Self { client: Client::new(&aws::configuration(REGION).await) }
    }

    async fn spend(&self, query: &Query, token: Option<&str>) -> Result<Page, Refusal> {
        let (period, groups) = parts(query).map_err(|why| malformed(query, &why))?;
        let request = self
            .client
            .get_cost_and_usage()
            .time_period(period)
            .granularity(Granularity::Daily)
            .metrics("UnblendedCost")
            .filter(filter(query))
            .set_group_by(Some(groups))
            .set_next_page_token(token.map(str::to_owned));
        let output = request.send().await.map_err(|error| Refusal::of(query.what.operation(), &error))?;
        Ok(Page { next: output.next_page_token.clone(), accounts: accounts(query, &output), body: spend(&output) })
    }

    async fn anomalies(&self, query: &Query, token: Option<&str>) -> Result<Page, Refusal> {
        let interval = AnomalyDateInterval::builder().start_date(date(query.start)).end_date(date(query.end)).build();
        let request = self
            .client
            .get_anomalies()
            .date_interval(interval.map_err(|why| malformed(query, &why))?)
            .max_results(ANOMALIES)
            .set_next_page_token(token.map(str::to_owned));
        let output = request.send().await.map_err(|error| Refusal::of(query.what.operation(), &error))?;
        Ok(Page { next: output.next_page_token.clone(), accounts: BTreeSet::new(), body: anomalies(&output) })
    }
}

impl Answers for Explorer {
    async fn page(&self, query: &Query, token: Option<&str>) -> Result<Page, Refusal> {
        match query.what {
            What::Anomalies => self.anomalies(query, token).await,
            _ => self.spend(query, token).await,
        }
    }
}

fn malformed(query: &Query, why: &BuildError) -> Refusal {
    Refusal::Other { operation: query.what.operation(), why: why.to_string() }
}

fn parts(query: &Query) -> Result<(DateInterval, Vec<GroupDefinition>), BuildError> {
    let period = DateInterval::builder().start(date(query.start)).end(date(query.end)).build()?;
    let group = |key: &&str| GroupDefinition::builder().r#type(GroupDefinitionType::Dimension).key(*key).build();
    Ok((period, query.what.group_by().iter().map(group).collect()))
}

/// Usage only, of one service or one linked account where the query says so.
fn filter(query: &Query) -> Expression {
    let of = |key: Dimension, values: Vec<String>| {
        let values = DimensionValues::builder().key(key).set_values(Some(values)).build();
        Expression::builder().dimensions(values).build()
    };
    let mut parts = vec![of(Dimension::RecordType, USAGE.iter().map(ToString::to_string).collect())];
    if let Some(account) = &query.account {
        parts.push(of(Dimension::LinkedAccount, vec![account.clone()]));
    }
    if let What::UsageTypes(service) = &query.what {
        parts.push(of(Dimension::Service, vec![service.clone()]));
    }
    match <[Expression; 1]>::try_from(parts) {
        Ok([one]) => one,
        // An And of one is refused.
        Err(parts) => Expression::builder().set_and(Some(parts)).build(),
    }
}

/// The linked accounts of an answer by account.
fn accounts(query: &Query, output: &GetCostAndUsageOutput) -> BTreeSet<String> {
    if query.what != What::Accounts {
        return BTreeSet::new();
    }
    let groups = output.results_by_time().iter().flat_map(ResultByTime::groups);
    groups.filter_map(|group| group.keys().first().cloned()).collect()
}

fn spend(output: &GetCostAndUsageOutput) -> Value {
    let definition = |group: &GroupDefinition| json!({ "Type": group.r#type().map(GroupDefinitionType::as_str), "Key": group.key() });
    let attributes = output.dimension_value_attributes().iter();
    let attributes = attributes.map(|value| json!({ "Value": value.value(), "Attributes": value.attributes() }));
    json!({
        "GroupDefinitions": output.group_definitions().iter().map(definition).collect::<Vec<_>>(),
        "ResultsByTime": output.results_by_time().iter().map(day).collect::<Vec<_>>(),
        "DimensionValueAttributes": attributes.collect::<Vec<_>>(),
        "NextPageToken": output.next_page_token(),
    })
}

fn day(result: &ResultByTime) -> Value {
    let group = |group: &Group| json!({ "Keys": group.keys(), "Metrics": metrics(group.metrics()) });
    json!({
        "TimePeriod": result.time_period().map(|period| json!({ "Start": period.start(), "End": period.end() })),
        "Total": metrics(result.total()),
        "Groups": result.groups().iter().map(group).collect::<Vec<_>>(),
        "Estimated": result.estimated(),
    })
}

/// Amounts stay the decimal texts that AWS sent.
fn metrics(metrics: Option<&HashMap<String, MetricValue>>) -> Value {
    let metric = |(name, value): (&String, &MetricValue)| {
        (name.clone(), json!({ "Amount": value.amount(), "Unit": value.unit() }))
    };
    Value::Object(metrics.into_iter().flatten().map(metric).collect())
}

fn anomalies(output: &GetAnomaliesOutput) -> Value {
    json!({
        "Anomalies": output.anomalies().iter().map(anomaly).collect::<Vec<_>>(),
        "NextPageToken": output.next_page_token(),
    })
}

fn anomaly(anomaly: &Anomaly) -> Value {
    let impact = anomaly.impact().map(|impact| {
        given([
            ("MaxImpact", json!(impact.max_impact())),
            ("TotalImpact", json!(impact.total_impact())),
            ("TotalActualSpend", json!(impact.total_actual_spend())),
            ("TotalExpectedSpend", json!(impact.total_expected_spend())),
            ("TotalImpactPercentage", json!(impact.total_impact_percentage())),
        ])
    });
    let score = anomaly
        .anomaly_score()
        .map(|score| json!({ "MaxScore": score.max_score(), "CurrentScore": score.current_score() }));
    given([
        ("AnomalyId", json!(anomaly.anomaly_id())),
        ("AnomalyStartDate", json!(anomaly.anomaly_start_date())),
        ("AnomalyEndDate", json!(anomaly.anomaly_end_date())),
        ("DimensionValue", json!(anomaly.dimension_value())),
        ("RootCauses", anomaly.root_causes().iter().map(root_cause).collect()),
        ("AnomalyScore", json!(score)),
        ("Impact", json!(impact)),
        ("MonitorArn", json!(anomaly.monitor_arn())),
        ("Feedback", json!(anomaly.feedback().map(|feedback| feedback.as_str()))),
    ])
}

fn root_cause(cause: &RootCause) -> Value {
    let impact = cause.impact().map(|impact| json!({ "Contribution": impact.contribution() }));
    given([
        ("Service", json!(cause.service())),
        ("Region", json!(cause.region())),
        ("LinkedAccount", json!(cause.linked_account())),
        ("LinkedAccountName", json!(cause.linked_account_name())),
        ("UsageType", json!(cause.usage_type())),
        ("Impact", json!(impact)),
    ])
}

/// An object without what AWS did not send.
fn given<const N: usize>(fields: [(&str, Value); N]) -> Value {
    let sent = fields.into_iter().filter(|(_, value)| !value.is_null());
    Value::Object(sent.map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>())
}
