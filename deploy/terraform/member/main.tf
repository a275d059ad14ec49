# What Stakeout needs in an account that it watches from another. Apply the module above first, as its role has to exist.

variable "home_role_arn" {
  description = "The role of Stakeout's function, which is the output function_role_arn of the module above."
  type        = string
}

variable "external_id" {
  description = "What Stakeout says when it takes the role; external_id in [[accounts]]."
  type        = string

  validation {
    condition     = length(var.external_id) >= 8
    error_message = "The external id has 8 characters at least."
  }
}

variable "responder" {
  description = "Whether Stakeout may contain here too, after approval, or only watch."
  type        = bool
  default     = true
}

variable "eradicate" {
  description = "Give the responder's role the rights to delete. Set it for as long as an eradication runs."
  type        = bool
  default     = false
}

variable "tags" {
  description = "Tags for everything that is made here."
  type        = map(string)
  default     = {}
}

data "aws_caller_identity" "here" {}

data "aws_region" "here" {}

locals {
  places = { account = data.aws_caller_identity.here.account_id, region = data.aws_region.here.region }
}

module "policies" {
  source = "../policies"

  folder = "member"
  places = local.places
}

module "eradication" {
  source = "../policies"

  folder = "eradicate"
  places = local.places
}

locals {
  # By the files' names, which are known before anything is made.
  names     = [for file in fileset("${path.module}/../policies/member", "*.json") : trimsuffix(file, ".json")]
  responds  = [for name in local.names : name if startswith(name, "stakeout-responder")]
  detector  = setsubtract(local.names, local.responds)
  deletes   = [for file in fileset("${path.module}/../policies/eradicate", "*.json") : trimsuffix(file, ".json") if var.eradicate]
  responder = toset(var.responder ? concat(local.responds, local.deletes) : [])
  documents = merge(module.policies.documents, module.eradication.documents)
}

resource "aws_iam_policy" "stakeout" {
  for_each = setunion(local.detector, local.responder)

  name   = each.key
  policy = local.documents[each.key]
  tags   = var.tags
}

resource "aws_iam_role" "detector" {
  name        = "stakeout-detector"
  description = "Stakeout, which watches and plans and changes nothing"
  tags        = var.tags

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "Stakeout"
      Effect    = "Allow"
      Principal = { AWS = var.home_role_arn }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "sts:ExternalId" = var.external_id } }
    }]
  })
}

resource "aws_iam_role_policy_attachment" "detector" {
  for_each = local.detector

  role       = aws_iam_role.detector.name
  policy_arn = aws_iam_policy.stakeout[each.key].arn
}

# Taken from a session of the detector's role in this account.
resource "aws_iam_role" "responder" {
  count = var.responder ? 1 : 0

  name                 = "stakeout-responder"
  description          = "Stakeout, which carries out approved plans. Only its detector takes this role, for one plan at a time."
  max_session_duration = 3600
  tags                 = var.tags

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "Stakeout"
      Effect    = "Allow"
      Principal = { AWS = aws_iam_role.detector.arn }
      Action    = ["sts:AssumeRole", "sts:SetSourceIdentity"]
      Condition = { StringLike = { "sts:SourceIdentity" = "stakeout-*" } }
    }]
  })
}

resource "aws_iam_role_policy_attachment" "responder" {
  for_each = local.responder

  role       = aws_iam_role.responder[0].name
  policy_arn = aws_iam_policy.stakeout[each.key].arn
}

output "detector_role_arn" {
  description = "For member_role_arns of the module above, and for role in [[accounts]]."
  value       = aws_iam_role.detector.arn
}
