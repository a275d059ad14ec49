# What is missing is bad only where something must come.

resource "aws_sns_topic" "alarms" {
  count = var.alarm_topic_arn == null ? 1 : 0

  name = "${local.name}-alarms"
  tags = var.tags
}

resource "aws_sns_topic_subscription" "alarms" {
  count = var.alarm_topic_arn == null && var.alarm_email != null ? 1 : 0

  topic_arn = aws_sns_topic.alarms[0].arn
  protocol  = "email"
  endpoint  = var.alarm_email
}

locals {
  alarms = {
    errors = {
      description = "Invocations of Stakeout fail. The function's log says why."
      namespace   = "AWS/Lambda", metric = "Errors", statistic = "Sum", period = 300, periods = 2
      comparison  = "GreaterThanOrEqualToThreshold", threshold = 1
      dimensions  = { FunctionName = aws_lambda_function.stakeout.function_name }
    }
    throttles = {
      description = "Stakeout is kept from running. Set reserved_concurrency; see who uses up the account's functions."
      namespace   = "AWS/Lambda", metric = "Throttles", statistic = "Sum", period = 300, periods = 2
      comparison  = "GreaterThanOrEqualToThreshold", threshold = 1
      dimensions  = { FunctionName = aws_lambda_function.stakeout.function_name }
    }
    # Not NumberOfMessagesSent: that does not count what a queue moves by itself.
    dead-letters = {
      description = "Events, clicks or passes were given up. The queue stakeout-dead-letters keeps them for 14 days, and the alarm stays until they are taken out."
      namespace   = "AWS/SQS", metric = "ApproximateNumberOfMessagesVisible", statistic = "Maximum", period = 300, periods = 1
      comparison  = "GreaterThanOrEqualToThreshold", threshold = 1
      dimensions  = { QueueName = aws_sqs_queue.dead_letters.name }
    }
    backlog = {
      description = "An event waits in the queue stakeout-events for more than an hour."
      namespace   = "AWS/SQS", metric = "ApproximateAgeOfOldestMessage", statistic = "Maximum", period = 300, periods = 1
      comparison  = "GreaterThanThreshold", threshold = 3600
      dimensions  = { QueueName = aws_sqs_queue.events.name }
    }
    # Only passes write the metrics of Stakeout, and not batches of the queue. heartbeat_seconds holds three passes or more.
    lag = {
      description = "Events reach Stakeout more than half an hour late. A trail that delivers nothing has no lag: the finding trail-not-delivering tells that."
      namespace   = "Stakeout", metric = "LagSeconds", statistic = "Average", period = var.heartbeat_seconds, periods = 1
      comparison  = "GreaterThanThreshold", threshold = 1800
      dimensions  = {}
    }
    blind = {
      description = "Half of the passes or more cannot read everything. The log, and stakeout doctor, name what and why."
      namespace   = "Stakeout", metric = "Blind", statistic = "Average", period = var.heartbeat_seconds, periods = 1
      comparison  = "GreaterThanOrEqualToThreshold", threshold = 0.5
      dimensions  = {}
    }
    heartbeat = {
      description = "Stakeout has finished no pass. Somebody may have stopped it."
      namespace   = "Stakeout", metric = "PassSeconds", statistic = "SampleCount", period = var.heartbeat_seconds, periods = 1
      comparison  = "LessThanThreshold", threshold = 1
      dimensions  = {}
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "stakeout" {
  for_each = local.alarms

  alarm_name          = "${local.name}-${each.key}"
  alarm_description   = each.value.description
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  period              = each.value.period
  evaluation_periods  = each.value.periods
  comparison_operator = each.value.comparison
  threshold           = each.value.threshold
  treat_missing_data  = each.key == "heartbeat" ? "breaching" : "notBreaching"
  alarm_actions       = [local.alarm_topic]
  ok_actions          = [local.alarm_topic]
  tags                = var.tags
}
