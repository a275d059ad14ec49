# Stakeout, which watches AWS accounts for abuse and contains it after approval. One for an organisation.

data "aws_caller_identity" "here" {}

data "aws_region" "here" {}

locals {
  name    = "stakeout"
  account = data.aws_caller_identity.here.account_id
  region  = data.aws_region.here.region

  trail_bucket = var.create_trail ? aws_s3_bucket.trail[0].id : var.trail_bucket
  vault        = var.evidence_bucket == null ? aws_s3_bucket.evidence[0].id : var.evidence_bucket
  settings     = var.settings == null ? null : aws_ssm_parameter.settings[0].name
  alarm_topic  = var.alarm_topic_arn == null ? aws_sns_topic.alarms[0].arn : var.alarm_topic_arn

  # Those that are null are not set.
  environment = { for name, value in {
    STAKEOUT_CONFIG                  = local.settings == null ? null : "ssm:${local.settings}"
    STAKEOUT_STATE__DYNAMODB         = aws_dynamodb_table.state.name
    STAKEOUT_CONTAIN__RESPONDER_ROLE = aws_iam_role.responder.arn
    STAKEOUT_EVIDENCE__S3            = "s3://${local.vault}"
    STAKEOUT_SOURCES__TRAIL_BUCKET   = local.trail_bucket == null ? null : "s3://${local.trail_bucket}"
    STAKEOUT_SLACK__TOKEN            = var.slack_secret_arn == null ? null : "secretsmanager:${var.slack_secret_arn}#token"
    STAKEOUT_SLACK__SIGNING_SECRET   = var.slack_secret_arn == null ? null : "secretsmanager:${var.slack_secret_arn}#signing_secret"
    STAKEOUT_SLACK__CHANNEL          = var.slack_channel
    STAKEOUT_APPROVAL__APPROVERS     = length(var.approvers) == 0 ? null : jsonencode(var.approvers)
    STAKEOUT_NOTIFY__SNS             = var.incident_topic_arn == null ? null : "[{ topic = \"${coalesce(var.incident_topic_arn, "-")}\" }]"
    # Not left to whoever writes the settings: the token goes there.
    STAKEOUT_SLACK__API_URL = "https://slack.com/api"
    # The log has incidents as lines of JSON; blocks for people are of no use there.
    STAKEOUT_NOTIFY__TERMINAL = "false"
    # The alarms look at these.
    STAKEOUT_METRICS__EMF = "true"
  } : name => value if value != null }
}

# The program.

resource "aws_lambda_function" "stakeout" {
  function_name                  = local.name
  description                    = "Watches for abuse, tells it, and contains it after approval"
  runtime                        = "provided.al2023"
  handler                        = "bootstrap"
  architectures                  = [var.architecture]
  filename                       = var.package
  source_code_hash               = filebase64sha256(var.package)
  role                           = aws_iam_role.function.arn
  memory_size                    = var.memory_size
  timeout                        = 300
  reserved_concurrent_executions = var.reserved_concurrency
  tags                           = var.tags

  logging_config {
    log_format = "Text"
    log_group  = aws_cloudwatch_log_group.stakeout.name
  }

  environment {
    variables = local.environment
  }

  lifecycle {
    precondition {
      # Otherwise whoever writes the parameter with the settings names them.
      condition     = var.slack_secret_arn == null || length(var.approvers) > 0
      error_message = "With slack_secret_arn, name approvers."
    }
  }
}

resource "aws_cloudwatch_log_group" "stakeout" {
  name              = "/aws/lambda/${local.name}"
  retention_in_days = var.log_retention_days
  tags              = var.tags
}

resource "aws_ssm_parameter" "settings" {
  count = var.settings == null ? 0 : 1

  name        = "/${local.name}/settings"
  description = "stakeout.toml. It names secrets and holds none."
  type        = "String"
  tier        = "Intelligent-Tiering"
  value       = var.settings
  tags        = var.tags
}

# Clicks and what goes on after a deadline come by invocations of the function by itself. Late ones are of no use: the schedule
# goes on with whatever is unfinished, and a click that is old is refused. These settings hold for passes too: one that fails
# three times is a dead letter, so that somebody looks. deploy/README says what to do with them.
resource "aws_lambda_function_event_invoke_config" "stakeout" {
  function_name                = aws_lambda_function.stakeout.function_name
  maximum_event_age_in_seconds = 1800
  maximum_retry_attempts       = 2

  destination_config {
    on_failure {
      destination = aws_sqs_queue.dead_letters.arn
    }
  }

  depends_on = [aws_iam_role_policy_attachment.function]
}

# The state.

resource "aws_dynamodb_table" "state" {
  name                        = local.name
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "pk"
  range_key                   = "sk"
  deletion_protection_enabled = true
  tags                        = var.tags

  attribute {
    name = "pk"
    type = "S"
  }

  attribute {
    name = "sk"
    type = "S"
  }

  point_in_time_recovery {
    enabled = true
  }

  server_side_encryption {
    enabled = true
  }

  lifecycle {
    prevent_destroy = true
  }
}
