# Program.

variable "package" {
  description = "The path of bootstrap.zip, which deploy/build makes."
  type        = string
}

variable "architecture" {
  description = "What bootstrap.zip was built for: x86_64 or arm64."
  type        = string
  default     = "x86_64"

  validation {
    condition     = contains(["x86_64", "arm64"], var.architecture)
    error_message = "The architecture is x86_64 or arm64."
  }
}

variable "memory_size" {
  description = "Memory in MB. The share of a processor grows with it."
  type        = number
  default     = 512
}

variable "reserved_concurrency" {
  description = "Invocations that are kept free for Stakeout, so that an intruder's functions cannot use up the account's. 10 is plenty. -1 reserves none, which is all that an account with a quota of 10 can have."
  type        = number
  default     = -1
}

variable "schedule" {
  description = "How often a pass is made. heartbeat_seconds has to be at least three times as long."
  type        = string
  default     = "rate(5 minutes)"
}

variable "log_retention_days" {
  description = "Days for which the function's log is kept. The record is in the table, not in the log."
  type        = number
  default     = 30
}

# Settings.

variable "settings" {
  description = "The text of stakeout.toml, such as file(\"stakeout.toml\"). It becomes a parameter of Parameter Store. Null: the variables below are all. What this module makes is set over it."
  type        = string
  default     = null
}

variable "slack_secret_arn" {
  description = "The whole ARN of a secret of Secrets Manager that is the JSON object {\"token\": \"xoxb-...\", \"signing_secret\": \"...\"}. Null: no Slack, and no function URL."
  type        = string
  default     = null
}

variable "slack_channel" {
  description = "The id of the channel for incidents, such as C0123ABCD."
  type        = string
  default     = null
}

variable "approvers" {
  description = "Slack user ids (U...) and user groups (S...) that may approve. With slack_secret_arn there have to be some."
  type        = list(string)
  default     = []
}

variable "incident_topic_arn" {
  description = "A topic of SNS that is told of incidents too."
  type        = string
  default     = null
}

# Events and evidence.

variable "create_trail" {
  description = "Make a trail over all regions, with validation of log files, and a private bucket for it."
  type        = bool
  default     = false
}

variable "trail_bucket" {
  description = "The bucket of a trail that is there. Point its notifications at the output queue_arn yourself. Null with create_trail."
  type        = string
  default     = null
}

variable "trail_retention_days" {
  description = "Days for which the bucket that create_trail makes keeps logs."
  type        = number
  default     = 400
}

variable "fast_events" {
  description = "Send management events of this region, and what AWS Health, GuardDuty, Security Hub and Cost Anomaly Detection report, to the queue as they happen. Events need a trail that is logging. Those of IAM, and reports about exposed keys, happen in us-east-1."
  type        = bool
  default     = true
}

variable "evidence_bucket" {
  description = "A bucket for evidence that is there. Null makes one, private, versioned and with object lock."
  type        = string
  default     = null
}

variable "evidence_lock_days" {
  description = "Days for which nobody without a special right deletes evidence in the bucket that is made here."
  type        = number
  default     = 30
}

# Rights.

variable "member_role_arns" {
  description = "The detector's roles in other accounts (the module member), as [[accounts]] in the settings names them. For more than 40 the policies grow too large: give arn:aws:iam::*:role/stakeout-detector alone."
  type        = list(string)
  default     = []
}

variable "operator_role_arns" {
  description = "Roles of people who may use the responder's role from the command line, should Slack or Lambda be down."
  type        = list(string)
  default     = []
}

variable "eradicate" {
  description = "Give the responder's role the rights to delete. Set it for as long as an eradication runs."
  type        = bool
  default     = false
}

# Alarms.

variable "alarm_topic_arn" {
  description = "A topic for alarms that is there. Null makes one."
  type        = string
  default     = null
}

variable "alarm_email" {
  description = "An address that gets the alarms of the topic that is made here. AWS asks it to confirm."
  type        = string
  default     = null
}

variable "heartbeat_seconds" {
  description = "An alarm goes off after so long without a finished pass. Those on lag and blindness look at the passes of as long. A multiple of 60, at least three times the schedule."
  type        = number
  default     = 900
}

variable "tags" {
  description = "Tags for everything that is made here."
  type        = map(string)
  default     = {}
}
