"""Calls in somebody's name, and the log of them.

Where the stand-in keeps no log worth the name, it is written here: each call is made for real, and its record has the
ids that really came back. `deliver` puts what was recorded since the last time into the trail's bucket.
"""

import datetime
import gzip
import io
import json
import sys
import threading
import time
import uuid
import zipfile

import boto3
from botocore import handlers, xform_name
from botocore.config import Config
from botocore.exceptions import ClientError

ENDPOINT, ACCOUNT, ROOT_KEY, ROOT_SECRET = sys.argv[1:5]
assert ENDPOINT.startswith("http://127.0.0.1:"), ENDPOINT
HOME = "us-east-1"
BUCKET = "trail-bucket"
GLOBAL = ("iam", "sts")
SECRETS = ("secretAccessKey", "sessionToken", "zipFile", "password")

OWNER = {"key": ROOT_KEY, "secret": ROOT_SECRET, "token": None, "identity": {"type": "Root"}, "address": "198.51.100.1"}
actors = {"owner": OWNER}
records = []
clock = [int(time.time()) - 600]
clients = {}
lock = threading.Lock()


def client(service, region, actor, tries=8):
    with lock:
        who = actors[actor]
        place = (service, region, who["key"], tries)
        if place not in clients:
            config = Config(
                retries={"total_max_attempts": tries, "mode": "standard"},
                s3={"addressing_style": "path"},
                parameter_validation=False,
                connect_timeout=5,
                read_timeout=60,
            )
            clients[place] = boto3.client(
                service,
                region_name=region,
                endpoint_url=ENDPOINT,
                aws_access_key_id=who["key"],
                aws_secret_access_key=who["secret"],
                aws_session_token=who["token"],
                config=config,
            )
            if service == "iam":
                # Policies as they are written, character by character.
                clients[place].meta.events.unregister("after-call.iam", handlers.json_decode_policies)
        return clients[place]


def spelt(value):
    """As CloudTrail writes it: names begin small, secrets are left out."""
    if isinstance(value, dict):
        small = {name[0].lower() + name[1:]: spelt(part) for name, part in value.items() if name != "ResponseMetadata"}
        return {name: part for name, part in small.items() if name not in SECRETS}
    if isinstance(value, (list, tuple)):
        return [spelt(part) for part in value]
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    return value if isinstance(value, (str, int, float, bool, type(None))) else "bytes"


SETS = {"instances": "instancesSet", "spotInstanceRequests": "spotInstanceRequestSet"}


def of_ec2(operation, answer):
    """What EC2's records wrap answers into."""
    if operation.endswith("LaunchTemplate"):
        return {operation + "Response": answer}
    return {SETS.get(name, name): {"items": part} if name in SETS else part for name, part in answer.items()}


VERSIONS = {"CreateFunction": "20150331", "AddPermission": "20150331v2", "CreateEventSourceMapping": "20150331"}


def act(actor, service, operation, region=HOME, when=None, quiet=False, **parameters):
    """Makes a call and records it. Gives the answer; a refusal is recorded and raised."""
    call = getattr(client(service, region, actor), xform_name(operation))
    answer, refusal = None, None
    try:
        answer = call(**parameters)
    except ClientError as error:
        refusal = error
    if not quiet:
        record(actor, service, operation, region, when, parameters, answer, refusal)
    if refusal:
        raise refusal
    return answer


def record(actor, service, operation, region, when, parameters, answer, refusal=None):
    if when is None:
        clock[0] += 1
        when = clock[0]
    who = actors[actor]
    name = operation + (VERSIONS.get(operation, "") if service == "lambda" else "")
    line = {
        "eventVersion": "1.11",
        "userIdentity": dict(who["identity"], accountId=ACCOUNT, accessKeyId=who["key"]),
        "eventTime": datetime.datetime.fromtimestamp(when, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": service + ".amazonaws.com",
        "eventName": name,
        "awsRegion": HOME if service in GLOBAL else region,
        "sourceIPAddress": who.get("address", "203.0.113.66"),
        "userAgent": who.get("agent", "Boto3/1.34.69 md/Botocore#1.34.69 lang/python#3.11.6"),
        "requestParameters": spelt(parameters) or None,
        "responseElements": None,
        "requestID": str(uuid.uuid4()),
        "eventID": str(uuid.uuid4()),
        "readOnly": operation.startswith(("Get", "List", "Describe")),
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": ACCOUNT,
        "eventCategory": "Management",
    }
    if refusal:
        line["errorCode"], line["errorMessage"] = refusal.response["Error"]["Code"], str(refusal)
    elif not line["readOnly"] or operation in ("GetFederationToken", "GetSessionToken"):
        answer = spelt(answer) or None
        line["responseElements"] = of_ec2(operation, answer) if service == "ec2" and answer else answer
    records.append(line)


def deliver(_=None):
    if not records:
        return {"records": 0}
    now = datetime.datetime.now(datetime.timezone.utc)
    by_day = {}
    for line in records:
        by_day.setdefault(line["eventTime"][:10], []).append(line)
    for day, lines in by_day.items():
        stamp = now.strftime("%Y%m%dT%H%MZ") if day == now.strftime("%Y-%m-%d") else day.replace("-", "") + "T2350Z"
        name = "%s_CloudTrail_%s_%s_%s.json.gz" % (ACCOUNT, HOME, stamp, uuid.uuid4().hex[:16])
        key = "AWSLogs/%s/CloudTrail/%s/%s/%s" % (ACCOUNT, HOME, day.replace("-", "/"), name)
        body = gzip.compress(json.dumps({"Records": lines}).encode())
        client("s3", HOME, "owner").put_object(Bucket=BUCKET, Key=key, Body=body)
    count = len(records)
    records.clear()
    return {"records": count}


def enter_user(name, key, identity):
    actors[name] = {
        "key": key["AccessKeyId"],
        "secret": key["SecretAccessKey"],
        "token": None,
        "identity": {
            "type": "IAMUser",
            "principalId": identity["UserId"],
            "arn": identity["Arn"],
            "userName": identity["UserName"],
        },
    }
    made = {"arn": identity["Arn"], "id": identity["UserId"]}
    return dict(made, key=key["AccessKeyId"], secret=key["SecretAccessKey"])


def allowed(actions):
    statement = [{"Effect": "Allow", "Action": actions, "Resource": "*"}]
    return json.dumps({"Version": "2012-10-17", "Statement": statement})


def trust(principal):
    statement = [{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}]
    return json.dumps({"Version": "2012-10-17", "Statement": statement})


def session(answer, name, role):
    given, who = answer["Credentials"], answer["AssumedRoleUser"]
    issuer = {
        "type": "Role",
        "principalId": role["RoleId"],
        "arn": role["Arn"],
        "accountId": ACCOUNT,
        "userName": role["RoleName"],
    }
    identity = {"type": "AssumedRole", "principalId": who["AssumedRoleId"], "arn": who["Arn"]}
    context = {"sessionIssuer": issuer, "attributes": {"mfaAuthenticated": "false"}}
    enter_session(name, given, dict(identity, sessionContext=context))


def federated(answer, name, minter):
    given, who, user = answer["Credentials"], answer["FederatedUser"], minter["identity"]
    issuer = {"type": "IAMUser", "accountId": ACCOUNT}
    issuer.update({part: user[part] for part in ("principalId", "arn", "userName")})
    identity = {"type": "FederatedUser", "principalId": who["FederatedUserId"], "arn": who["Arn"]}
    enter_session(name, given, dict(identity, sessionContext={"sessionIssuer": issuer}))


def enter_session(name, given, identity):
    actors[name] = {
        "key": given["AccessKeyId"],
        "secret": given["SecretAccessKey"],
        "token": given["SessionToken"],
        "identity": identity,
    }


def function(name, role):
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("index.py", "def handler(event, context):\n    return 1\n")
    return {
        "FunctionName": name,
        "Runtime": "python3.12",
        "Role": role,
        "Handler": "index.handler",
        "Code": {"ZipFile": code.getvalue()},
        "MemorySize": 10240,
        "Timeout": 900,
    }


def pages(ask, name, **parameters):
    """Every page; how one is asked for differs from service to service."""
    found, more = [], {}
    while True:
        answer = ask(**parameters, **more)
        found += answer.get(name) or []
        for given, taken in (("Marker", "Marker"), ("NextMarker", "Marker"), ("NextToken", "NextToken")):
            if answer.get(given) and answer.get("IsTruncated", True):
                more = {taken: answer[given]}
                break
        else:
            return found
