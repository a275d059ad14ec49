"""What the owner does to have a function in the account: the zip in a bucket, a secret, a stack of the template."""

import json
import time
from urllib.parse import unquote

from calls import BUCKET, HOME, client, pages

CODE = "code"


def deploy(wanted):
    """Makes the stack as the README says, then adds to the function's environment what a stand-in needs. Gives outputs."""
    s3 = client("s3", HOME, "owner")
    s3.create_bucket(Bucket=CODE)
    s3.upload_file(wanted["zip"], CODE, "bootstrap.zip")
    # Larger than what may stand in the request itself.
    s3.upload_file(wanted["template"], CODE, "stakeout.yaml")
    secret = client("secretsmanager", HOME, "owner").create_secret(Name="stakeout/slack", SecretString=wanted["secret"])
    given = dict(wanted["parameters"], CodeBucket=CODE, TrailBucket=BUCKET, SlackSecretArn=secret["ARN"])
    stacks, name = client("cloudformation", HOME, "owner"), {"StackName": "stakeout"}
    stacks.create_stack(
        TemplateURL="%s/%s/stakeout.yaml" % (s3.meta.endpoint_url, CODE),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in given.items()],
        Capabilities=["CAPABILITY_NAMED_IAM"],
        **name,
    )
    while True:
        stack = stacks.describe_stacks(**name)["Stacks"][0]
        if not stack["StackStatus"].endswith("_IN_PROGRESS"):
            break
        time.sleep(0.2)
    failed = [
        (event["LogicalResourceId"], event.get("ResourceStatusReason"))
        for event in stacks.describe_stack_events(**name)["StackEvents"]
        if event["ResourceStatus"].endswith("FAILED")
    ]
    assert stack["StackStatus"] == "CREATE_COMPLETE", (stack["StackStatus"], failed)
    made = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    without_source_identity(made["ResponderRoleArn"].rsplit("/", 1)[-1])
    # It refuses what comes without TLS, which is everything here.
    s3.delete_bucket_policy(Bucket=made["EvidenceBucket"])
    lam, function = client("lambda", HOME, "owner"), {"FunctionName": made["FunctionName"]}
    variables = lam.get_function_configuration(**function)["Environment"]["Variables"]
    lam.update_function_configuration(Environment={"Variables": dict(variables, **wanted["more"])}, **function)
    return made


def without_source_identity(role):
    """MiniStack does not know the key of this condition, so that nobody would meet it. The template's own test reads it."""
    iam, name = client("iam", HOME, "owner"), {"RoleName": role}
    document = json.loads(unquote(iam.get_role(**name)["Role"]["AssumeRolePolicyDocument"]))
    for statement in document["Statement"]:
        assert statement.pop("Condition") == {"StringLike": {"sts:SourceIdentity": "stakeout-*"}}, statement
    iam.update_assume_role_policy(PolicyDocument=json.dumps(document), **name)


def notify(wanted):
    """The trail's bucket tells the queue of new logs."""
    client("s3", HOME, "owner").put_bucket_notification_configuration(
        Bucket=BUCKET, NotificationConfiguration=wanted["configuration"]
    )
    return {}


def hosted(wanted):
    """What the function's log says, how its queue stands and what its mapping did last."""
    logs, group = client("logs", HOME, "owner"), "/aws/lambda/" + wanted["function"]
    lines = pages(logs.filter_log_events, "events", logGroupName=group)
    lam = client("lambda", HOME, "owner")
    mapping = lam.list_event_source_mappings(FunctionName=wanted["function"])["EventSourceMappings"][0]
    queues = {}
    for url in wanted["queues"]:
        every = client("sqs", HOME, "owner").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        counts = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
        queues[url.rsplit("/", 1)[-1]] = [int(every[count]) for count in counts]
    return {
        "log": "\n".join(line["message"].rstrip("\n") for line in lines),
        "mapping": mapping.get("LastProcessingResult"),
        "queues": queues,
    }
