"""Puts logs into a bucket, makes the stack of the history, starts its state machine, and prints as JSON what came of it.

Arguments: the stand-in's URL, the package, the template, a folder with AWSLogs in it, and a JSON object with the input, what the
function's environment has besides, and what is done to the bucket meanwhile."""

import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import boto3
from botocore.config import Config

URL, PACKAGE, TEMPLATE, LOGS, WANTED = sys.argv[1:]
WANTED = json.loads(WANTED)
STACK = {"StackName": "stakeout-history"}


def client(service):
    return boto3.client(service, endpoint_url=URL, region_name="us-east-1", aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
                        aws_secret_access_key="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
                        config=Config(max_pool_connections=16, s3={"addressing_style": "path"}))


s3 = client("s3")


def upload():
    """All files of the tree, below a prefix as a trail may have one."""
    keys = [os.path.relpath(os.path.join(folder, name), LOGS) for folder, _, names in os.walk(LOGS) for name in names]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda key: s3.upload_file(os.path.join(LOGS, key), "logs", "trail/" + key), keys))
    return len(keys)


def deploy():
    """The stack as the README says; then the function's environment has what a stand-in needs besides."""
    stacks = client("cloudformation")
    given = {"CodeBucket": "code", "LogsBucket": "logs", "LogsPrefix": "trail/", "ResultsBucket": "results",
             "MaxConcurrency": "2", "ReduceShares": "3"}
    with open(TEMPLATE) as file:
        text = file.read()
    stacks.create_stack(TemplateBody=text, Capabilities=["CAPABILITY_NAMED_IAM"], **STACK,
                        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()])
    while True:
        stack = stacks.describe_stacks(**STACK)["Stacks"][0]
        if not stack["StackStatus"].endswith("_IN_PROGRESS"):
            break
        time.sleep(0.2)
    events = stacks.describe_stack_events(**STACK)["StackEvents"]
    failed = [(event["LogicalResourceId"], event.get("ResourceStatusReason")) for event in events
              if event["ResourceStatus"].endswith("FAILED")]
    assert stack["StackStatus"] == "CREATE_COMPLETE", (stack["StackStatus"], failed)
    made = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    functions, name = client("lambda"), {"FunctionName": made["FunctionName"]}
    configuration = functions.get_function_configuration(**name)
    variables = dict(configuration["Environment"]["Variables"], **WANTED["more"])
    functions.update_function_configuration(Environment={"Variables": variables}, **name)
    return made, configuration


def execute(machine, name):
    states = client("stepfunctions")
    started = states.start_execution(stateMachineArn=machine, name=name, input=json.dumps(WANTED["input"]))
    begun = time.time()
    while True:
        execution = states.describe_execution(executionArn=started["executionArn"])
        if execution["status"] != "RUNNING" or time.time() - begun > 300:
            break
        time.sleep(0.3)
    runs = states.list_map_runs(executionArn=started["executionArn"])["mapRuns"]
    counts = [states.describe_map_run(mapRunArn=run["mapRunArn"])["itemCounts"] for run in runs]
    return {"status": execution["status"], "output": execution.get("output"), "error": execution.get("error"),
            "cause": execution.get("cause"), "items": [[count["succeeded"], count["total"]] for count in counts],
            "seconds": time.time() - begun}


def text(key):
    return s3.get_object(Bucket="results", Key=key)["Body"].read().decode()


def log():
    pages = client("logs").get_paginator("filter_log_events").paginate(logGroupName="/aws/lambda/stakeout-history")
    return "\n".join(event["message"] for page in pages for event in page["events"])


def main():
    for bucket in ["code", "logs", "results"]:
        s3.create_bucket(Bucket=bucket)
    s3.upload_file(PACKAGE, "code", "bootstrap.zip")
    files = upload()
    made, configuration = deploy()
    told = execute(made["StateMachineArn"], "night-1")
    found = [page.get("Contents", []) for page in s3.get_paginator("list_objects_v2").paginate(Bucket="results")]
    told["results"] = sorted(item["Key"] for page in found for item in page)
    told["files"], told["made"] = files, made
    told["function"] = {key: configuration.get(key) for key in ["Timeout", "MemorySize", "EphemeralStorage"]}
    key = "stakeout-history/night-1/incidents.ndjson"
    told["incidents"] = text(key) if key in told["results"] else None
    told["definition"] = client("stepfunctions").describe_state_machine(stateMachineArn=made["StateMachineArn"])["definition"]
    told["log"] = log()
    print(json.dumps(told, default=str))


main()
