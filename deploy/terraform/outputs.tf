output "function_url" {
  description = "The request URL for Slack (stakeout slack manifest --url)."
  value       = one(aws_lambda_function_url.slack[*].function_url)
}

output "table" {
  description = "The state ([state] dynamodb)."
  value       = aws_dynamodb_table.state.name
}

output "queue_arn" {
  description = "Where notifications of trail_bucket go: objects created below AWSLogs/ that end in .json.gz."
  value       = aws_sqs_queue.events.arn
}

output "queue_url" {
  value = aws_sqs_queue.events.id
}

output "dead_letters_url" {
  value = aws_sqs_queue.dead_letters.id
}

output "evidence_bucket" {
  value = local.vault
}

output "trail_bucket" {
  value = local.trail_bucket
}

output "function_role_arn" {
  description = "Whom the module member trusts."
  value       = aws_iam_role.function.arn
}

output "responder_role_arn" {
  value = aws_iam_role.responder.arn
}

output "alarm_topic_arn" {
  value = local.alarm_topic
}
