# Who may do what. The documents are those that `stakeout permissions` prints.

module "policies" {
  source = "./policies"

  folder  = "stakeout"
  members = var.member_role_arns

  places = {
    account   = local.account
    region    = local.region
    table     = aws_dynamodb_table.state.name
    vault     = local.vault
    trail     = local.trail_bucket
    topic     = var.incident_topic_arn
    secret    = var.slack_secret_arn
    parameter = local.settings == null ? null : "parameter${local.settings}"
  }
}

module "eradication" {
  source = "./policies"

  folder = "eradicate"
  places = { account = local.account, region = local.region }
}

locals {
  # By the files' names, which are known before anything is made.
  names     = [for file in fileset("${path.module}/policies/stakeout", "*.json") : trimsuffix(file, ".json")]
  responder = [for name in local.names : name if startswith(name, "stakeout-responder")]
  function  = setsubtract(local.names, local.responder)
  deletes   = [for file in fileset("${path.module}/policies/eradicate", "*.json") : trimsuffix(file, ".json") if var.eradicate]
  documents = merge(module.policies.documents, module.eradication.documents)
}

resource "aws_iam_policy" "stakeout" {
  for_each = toset(concat(local.names, local.deletes))

  name   = each.key
  policy = local.documents[each.key]
  tags   = var.tags
}

resource "aws_iam_role" "function" {
  name        = local.name
  description = "Stakeout, which watches and plans and changes nothing"
  tags        = var.tags

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy_attachment" "function" {
  for_each = local.function

  role       = aws_iam_role.function.name
  policy_arn = aws_iam_policy.stakeout[each.key].arn
}

resource "aws_iam_role" "responder" {
  name                 = "${local.name}-responder"
  description          = "Stakeout, which carries out approved plans. Only its function takes this role, for one plan at a time."
  max_session_duration = 3600
  tags                 = var.tags

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "Stakeout"
      Effect    = "Allow"
      Principal = { AWS = concat([aws_iam_role.function.arn], var.operator_role_arns) }
      Action    = ["sts:AssumeRole", "sts:SetSourceIdentity"]
      Condition = { StringLike = { "sts:SourceIdentity" = "stakeout-*" } }
    }]
  })
}

resource "aws_iam_role_policy_attachment" "responder" {
  for_each = toset(concat(local.responder, local.deletes))

  role       = aws_iam_role.responder.name
  policy_arn = aws_iam_policy.stakeout[each.key].arn
}
