# The policies that `stakeout permissions` prints, with places filled in. What is absent is left out of the lists of resources,
# and a right that is left with none is left out too.

terraform {
  required_version = ">= 1.5"
}

variable "folder" {
  description = "The folder beside this file with the role's policies: home or member."
  type        = string
}

variable "places" {
  description = "What placeholders stand for: account, region, table, vault, trail, topic, secret, parameter. Null: there is none."
  type        = map(string)
}

variable "members" {
  description = "ARNs of the detector's roles in other accounts."
  type        = list(string)
  default     = []
}

locals {
  absent = "(absent)"
  path   = "${path.module}/${var.folder}"
  # templatefile wants a value for each placeholder.
  names  = ["account", "region", "table", "vault", "trail", "topic", "secret", "parameter"]
  values = { for name in local.names : name => coalesce(lookup(var.places, name, null), local.absent) }
  filled = {
    for file in fileset(local.path, "*.json") : trimsuffix(file, ".json") =>
    jsondecode(templatefile("${local.path}/${file}", merge(local.values, {
      members = "(members)"
      # Behind what is only there while there are no members.
      alone = length(var.members) == 0 ? "" : local.absent
    })))
  }

  # Resources and NotResources of each statement, without those that are absent.
  there = {
    for name, document in local.filled : name => [
      for statement in document.Statement : flatten([
        for resource in flatten([try(statement.Resource, statement.NotResource)]) :
        resource == "(members)" ? var.members : strcontains(resource, local.absent) ? [] : [resource]
      ])
    ]
  }
  # One alone without brackets: each character counts towards the size that AWS takes. None: a denial outside of nothing is a
  # denial everywhere.
  short = {
    for name, statements in local.there : name => [
      for resources in statements :
      jsondecode(length(resources) > 1 ? jsonencode(resources) : jsonencode(try(resources[0], "*")))
    ]
  }
  statements = {
    for name, document in local.filled : name => [
      for place, statement in document.Statement : merge(
        { for key, value in statement : key => value if !contains(["Resource", "NotResource"], key) },
        { (can(statement.Resource) || local.short[name][place] == "*" ? "Resource" : "NotResource") = local.short[name][place] },
      ) if can(statement.NotResource) || length(local.there[name][place]) > 0
    ]
  }
}

output "documents" {
  description = "JSON documents by the policy's name."
  value = {
    for name, statements in local.statements : name => jsonencode({ Version = "2012-10-17", Statement = statements })
    if length(statements) > 0
  }
}
