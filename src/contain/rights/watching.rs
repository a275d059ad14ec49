//! What the program needs beside its actions: the calls of `source`, `store`, `notify` and `aws`, in one place. A test
//! reads the sources and fails where one is missing.

use super::Right;

/// In every account that is watched.
pub(super) const ACCOUNT: &[Right] = &[
    Right::on("account:ListRegions", "*"),
    Right::on("ce:GetAnomalies", "*"),
    Right::on("ce:GetCostAndUsage", "*"),
    Right::on("cloudtrail:DescribeTrails", "*"),
    Right::on("cloudtrail:GetTrailStatus", "arn:aws:cloudtrail:*:{account}:trail/*"),
    Right::on("cloudtrail:LookupEvents", "*"),
    Right::on("ec2:DescribeInstances", "*"),
    Right::on("ec2:DescribeRegions", "*"),
    Right::on("iam:GetRole", "arn:aws:iam::{account}:role/*"),
    Right::on("iam:GetUser", "arn:aws:iam::{account}:user/*"),
    Right::on("iam:ListAccessKeys", "arn:aws:iam::{account}:user/*"),
    Right::on("iam:ListUsers", "*"),
    Right::on("lambda:GetFunctionConfiguration", "arn:aws:lambda:*:{account}:function:*"),
];

/// Where the program runs, as far as the settings name it.
pub(super) const HOME: &[Right] = &[
    Right::on("dynamodb:ConditionCheckItem", "{table}"),
    Right::on("dynamodb:DeleteItem", "{table}"),
    Right::on("dynamodb:GetItem", "{table}"),
    Right::on("dynamodb:PutItem", "{table}"),
    Right::on("dynamodb:Query", "{table}"),
    Right::on("dynamodb:Scan", "{table}"),
    Right::on("dynamodb:UpdateItem", "{table}"),
    Right::on("s3:GetObject", "{networks}"),
    Right::on("s3:GetObject", "{objects}"),
    Right::on("s3:GetObject", "{settings}"),
    Right::on("s3:ListBucket", "{bucket}"),
    Right::on("secretsmanager:GetSecretValue", "{secret}"),
    Right::on("sns:Publish", "{topic}"),
    Right::on("sqs:DeleteMessage", "{queue}"),
    Right::on("sqs:ReceiveMessage", "{queue}"),
    Right::on("ssm:GetParameter", "{parameter}"),
    Right::on("sts:AssumeRole", "{role}"),
];

/// For `stakeout doctor`, where the program runs: how the table and the queue are.
pub(super) const CHECKING: &[Right] = &[
    Right::on("dynamodb:DescribeContinuousBackups", "{table}"),
    Right::on("dynamodb:DescribeTable", "{table}"),
    Right::on("sqs:GetQueueAttributes", "{queue}"),
];

/// In every account where plans run: the responder's role for one plan, whose digest is the session's source identity.
pub(super) const RESPONDING: &[Right] =
    &[Right::on("sts:AssumeRole", "{responder}"), Right::on("sts:SetSourceIdentity", "{responder}")];

/// For a Lambda function: its logs, the queue that feeds it, where failed invocations go, and itself, which works on what
/// it has answered already. Doctor asks what its role and the responder's may do.
pub(super) const FUNCTION: &[Right] = &[
    Right::on("iam:SimulatePrincipalPolicy", "{simulated}"),
    Right::on("lambda:InvokeFunction", "{function}"),
    Right::on("logs:CreateLogStream", "{logs}"),
    Right::on("logs:PutLogEvents", "{logs}"),
    Right::on("sqs:DeleteMessage", "{feed}"),
    Right::on("sqs:GetQueueAttributes", "{feed}"),
    Right::on("sqs:ReceiveMessage", "{feed}"),
    Right::on("sqs:SendMessage", "{dead-letters}"),
];

/// For a Lambda function that maps and reduces a history: the logs, what comes of them, and its own log.
pub(super) const HISTORY: &[Right] = &[
    Right::on("logs:CreateLogStream", "{history-log}"),
    Right::on("logs:PutLogEvents", "{history-log}"),
    Right::on("s3:AbortMultipartUpload", "{results}"),
    Right::on("s3:GetObject", "{history}"),
    Right::on("s3:GetObject", "{results}"),
    Right::on("s3:ListBucket", "{history-bucket}"),
    Right::on("s3:ListBucket", "{results-bucket}"),
    Right::on("s3:PutObject", "{results}"),
];

/// To see what evidence there is already: of it only the manifests, which hold names and hashes.
pub(super) const PLANNING: &[Right] =
    &[Right::on("s3:GetObject", "{manifests}"), Right::on("s3:ListBucket", "{vault}")];

/// To save evidence. An object that is there is read for its hash.
pub(super) const SAVING: &[Right] = &[
    Right::on("s3:GetObject", "{evidence}"),
    Right::on("s3:ListBucket", "{vault}"),
    Right::on("s3:PutObject", "{evidence}"),
];
