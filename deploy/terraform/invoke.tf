# What invokes the function.

resource "aws_cloudwatch_event_rule" "pass" {
  name                = "${local.name}-pass"
  description         = "A pass of Stakeout"
  schedule_expression = var.schedule
  tags                = var.tags
}

resource "aws_cloudwatch_event_target" "pass" {
  rule      = aws_cloudwatch_event_rule.pass.name
  target_id = local.name
  arn       = aws_lambda_function.stakeout.arn

  retry_policy {
    maximum_event_age_in_seconds = 60
    maximum_retry_attempts       = 1
  }
}

resource "aws_lambda_permission" "pass" {
  statement_id  = "pass"
  function_name = aws_lambda_function.stakeout.function_name
  action        = "lambda:InvokeFunction"
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.pass.arn
}

resource "aws_sqs_queue" "events" {
  name                    = "${local.name}-events"
  sqs_managed_sse_enabled = true
  # Six times the function's timeout, as AWS advises. What a batch gives back comes again after as long; until then other feeds
  # tell it, and ten tries outlast an outage of hours.
  visibility_timeout_seconds = 1800
  message_retention_seconds  = 1209600
  tags                       = var.tags

  # More than the five tries after which Stakeout itself puts a message aside and says so in the journal.
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letters.arn
    maxReceiveCount     = 10
  })
}

resource "aws_sqs_queue" "dead_letters" {
  name                      = "${local.name}-dead-letters"
  sqs_managed_sse_enabled   = true
  message_retention_seconds = 1209600
  tags                      = var.tags
}

resource "aws_lambda_event_source_mapping" "events" {
  function_name                      = aws_lambda_function.stakeout.arn
  event_source_arn                   = aws_sqs_queue.events.arn
  batch_size                         = 1000
  maximum_batching_window_in_seconds = 30
  function_response_types            = ["ReportBatchItemFailures"]

  # One works, as the state has one lease, and one waits.
  scaling_config {
    maximum_concurrency = 2
  }

  # AWS refuses it while the role may not receive.
  depends_on = [aws_iam_role_policy_attachment.function]
}

locals {
  # Not the bucket that is made here itself: it cannot notify before it may.
  trail_pattern = var.create_trail ? "${local.name}-trail-${local.account}-*" : var.trail_bucket

  senders = merge(
    local.trail_pattern == null ? {} : {
      NotificationsOfTheTrail = {
        service = "s3.amazonaws.com"
        source  = "arn:aws:s3:::${local.trail_pattern}"
        account = [local.account]
      }
    },
    !var.fast_events ? {} : {
      ManagementEvents = {
        service = "events.amazonaws.com"
        source  = aws_cloudwatch_event_rule.fast[0].arn
        account = []
      }
    },
  )
}

data "aws_iam_policy_document" "events" {
  count = length(local.senders) == 0 ? 0 : 1

  dynamic "statement" {
    for_each = local.senders

    content {
      sid       = statement.key
      actions   = ["sqs:SendMessage"]
      resources = [aws_sqs_queue.events.arn]

      principals {
        type        = "Service"
        identifiers = [statement.value.service]
      }

      condition {
        test     = "ArnLike"
        variable = "aws:SourceArn"
        values   = [statement.value.source]
      }

      dynamic "condition" {
        for_each = statement.value.account

        content {
          test     = "StringEquals"
          variable = "aws:SourceAccount"
          values   = [condition.value]
        }
      }
    }
  }
}

resource "aws_sqs_queue_policy" "events" {
  count = length(local.senders) == 0 ? 0 : 1

  queue_url = aws_sqs_queue.events.id
  policy    = data.aws_iam_policy_document.events[0].json
}

resource "aws_cloudwatch_event_rule" "fast" {
  count = var.fast_events ? 1 : 0

  name        = "${local.name}-events"
  description = "Management events that change something, and what AWS itself reports, as they happen"
  tags        = var.tags

  event_pattern = jsonencode({
    source = [{ prefix = "aws." }]
    detail-type = [
      "AWS API Call via CloudTrail",
      "AWS Console Sign In via CloudTrail",
      "AWS Service Event via CloudTrail",
      "AWS Health Event",
      "AWS Health Abuse Event",
      "GuardDuty Finding",
      "Security Hub Findings - Imported",
      "Anomaly Detected",
    ]
  })
}

resource "aws_cloudwatch_event_target" "fast" {
  count = var.fast_events ? 1 : 0

  rule      = aws_cloudwatch_event_rule.fast[0].name
  target_id = "queue"
  arn       = aws_sqs_queue.events.arn
}

# Slack signs its requests with a secret and not with keys of AWS. The function checks that signature.
resource "aws_lambda_function_url" "slack" {
  count = var.slack_secret_arn == null ? 0 : 1

  function_name      = aws_lambda_function.stakeout.function_name
  authorization_type = "NONE"
}

resource "aws_lambda_permission" "url" {
  count = var.slack_secret_arn == null ? 0 : 1

  statement_id           = "url"
  function_name          = aws_lambda_function.stakeout.function_name
  action                 = "lambda:InvokeFunctionUrl"
  principal              = "*"
  function_url_auth_type = "NONE"
}

resource "aws_lambda_permission" "url_invoke" {
  count = var.slack_secret_arn == null ? 0 : 1

  statement_id             = "url-invoke"
  function_name            = aws_lambda_function.stakeout.function_name
  action                   = "lambda:InvokeFunction"
  principal                = "*"
  invoked_via_function_url = true
}
