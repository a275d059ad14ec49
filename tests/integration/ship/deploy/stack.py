"""Creates the stack of a template on a stand-in, and prints as JSON what is there afterwards.

Arguments: the stand-in's URL, the template, and parameters as a JSON object."""

import io
import json
import sys
import time
import zipfile

import boto3

URL, TEMPLATE, PARAMETERS = sys.argv[1:]


def client(service):
    return boto3.client(service, endpoint_url=URL, region_name="us-east-1", aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
                        aws_secret_access_key="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")


def package():
    """A program that does nothing."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr(zipfile.ZipInfo("bootstrap"), "#!/bin/sh\n")
    return data.getvalue()


def wait(stacks):
    for _ in range(120):
        stack = stacks.describe_stacks(StackName="stakeout")["Stacks"][0]
        if not stack["StackStatus"].endswith("_IN_PROGRESS"):
            return stack
        time.sleep(0.5)
    sys.exit("the stack takes too long")


def queue(sqs, url):
    return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]


def policies(iam, role):
    """The documents that a role has, by the names of the policies."""
    found = {}
    for page in iam.get_paginator("list_attached_role_policies").paginate(RoleName=role):
        for policy in page["AttachedPolicies"]:
            version = iam.get_policy(PolicyArn=policy["PolicyArn"])["Policy"]["DefaultVersionId"]
            answer = iam.get_policy_version(PolicyArn=policy["PolicyArn"], VersionId=version)
            found[policy["PolicyName"]] = answer["PolicyVersion"]["Document"]
    return found


def main():
    s3, stacks = client("s3"), client("cloudformation")
    s3.create_bucket(Bucket="code")
    s3.put_object(Bucket="code", Key="bootstrap.zip", Body=package())
    with open(TEMPLATE) as file:
        text = file.read()
    parameters = [{"ParameterKey": key, "ParameterValue": value} for key, value in json.loads(PARAMETERS).items()]
    stacks.create_stack(StackName="stakeout", TemplateBody=text, Parameters=parameters, Capabilities=["CAPABILITY_NAMED_IAM"])
    stack = wait(stacks)
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
    if stack["StackStatus"] != "CREATE_COMPLETE":
        events = stacks.describe_stack_events(StackName="stakeout")["StackEvents"]
        sys.exit(f"{stack['StackStatus']}: {[event for event in events if 'FAILED' in event['ResourceStatus']]}")
    functions, sqs, dynamodb, events, iam = (client(name) for name in ["lambda", "sqs", "dynamodb", "events", "iam"])
    table = outputs["Table"]
    answer = {
        "outputs": outputs,
        "function": functions.get_function_configuration(FunctionName="stakeout"),
        "sources": functions.list_event_source_mappings(FunctionName="stakeout")["EventSourceMappings"],
        "table": dynamodb.describe_table(TableName=table)["Table"],
        "queue": queue(sqs, outputs["QueueUrl"]),
        "dead": queue(sqs, outputs["DeadLettersUrl"]),
        "rule": events.describe_rule(Name="stakeout-pass"),
        "targets": events.list_targets_by_rule(Rule="stakeout-pass")["Targets"],
        "alarms": client("cloudwatch").describe_alarms()["MetricAlarms"],
        "policies": {role: policies(iam, role) for role in ["stakeout", "stakeout-responder"]},
    }
    if "FunctionUrl" in outputs:
        answer["url"] = functions.get_function_url_config(FunctionName="stakeout")
        answer["policy"] = json.loads(functions.get_policy(FunctionName="stakeout")["Policy"])
    print(json.dumps(answer, default=str))


main()
