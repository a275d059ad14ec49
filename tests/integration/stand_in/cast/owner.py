"""The owner of the account, and what works in it every day."""

import threading
import time

from botocore.exceptions import BotoCoreError, ClientError

from calls import ACCOUNT, BUCKET, HOME, act, actors, allowed, client, deliver, enter_user, function, record, trust

threads = {}


def grant(name, actions):
    act("owner", "iam", "PutUserPolicy", quiet=True, UserName=name, PolicyName="work", PolicyDocument=allowed(actions))


def owned(name, actions, address, agent):
    """A user as old as the account."""
    user = act("owner", "iam", "CreateUser", quiet=True, UserName=name)["User"]
    key = act("owner", "iam", "CreateAccessKey", quiet=True, UserName=name)["AccessKey"]
    grant(name, actions)
    made = enter_user(name, key, user)
    actors[name].update(address=address, agent=agent)
    return made


def own_key(wanted):
    """Another key that somebody works with, from where they always work."""
    user = client("iam", HOME, "owner").get_user(UserName=wanted["user"])["User"]
    key = act("owner", "iam", "CreateAccessKey", quiet=True, UserName=wanted["user"])["AccessKey"]
    enter_user(wanted["as"], key, user)
    usual = {part: actors[wanted["user"]][part] for part in ("address", "agent")}
    actors[wanted["as"]].update(usual)
    return {"key": key["AccessKeyId"]}


def prepare(wanted):
    s3 = client("s3", HOME, "owner")
    s3.create_bucket(Bucket=BUCKET)
    regions = wanted.get("trails", [])
    # While a region's only trail takes no writes, none is recorded: what is made here is as old as the account.
    reads = {"ReadWriteType": "ReadOnly", "IncludeManagementEvents": True, "DataResources": []}
    for region in regions:
        trail = client("cloudtrail", region, "owner")
        trail.create_trail(Name="reads", S3BucketName=BUCKET)
        trail.put_event_selectors(TrailName="reads", EventSelectors=[reads])
        trail.start_logging(Name="reads")
    everything = ["*"]
    sells = ["iam:ListRoles", "lambda:ListFunctions", "sqs:ListQueues"]
    made = {
        "stakeout": owned("stakeout", everything, "198.51.100.7", "stakeout"),
        "other-operator": owned("other-operator", everything, "198.51.100.8", "stakeout"),
        "shop-app": owned("shop-app", sells, "198.51.100.9", "Boto3"),
        "ci-deployer": owned("ci-deployer", everything, "198.51.100.10", "aws-sdk-go-v2/1.30.3"),
        "backup-bot": owned("backup-bot", ["iam:ListRoles", "s3:ListAllMyBuckets"], "198.51.100.11", "aws-cli/2.15"),
    }
    iam = client("iam", HOME, "owner")
    document = trust({"Service": "lambda.amazonaws.com"})
    role = iam.create_role(RoleName="worker", AssumeRolePolicyDocument=document)
    made["worker"] = {"arn": role["Role"]["Arn"], "id": role["Role"]["RoleId"]}
    root = {"AWS": "arn:aws:iam::%s:root" % ACCOUNT}
    iam.create_role(RoleName="deploy", AssumeRolePolicyDocument=trust(root))
    iam.put_role_policy(RoleName="deploy", PolicyName="work", PolicyDocument=allowed(everything))
    client("lambda", HOME, "owner").create_function(**function("shop-checkout", made["worker"]["arn"]))
    for region in regions:
        trail = client("cloudtrail", region, "owner")
        trail.create_trail(Name="trail-" + region, S3BucketName=BUCKET)
        trail.start_logging(Name="trail-" + region)
    return made


def usual(wanted):
    """What production did in the last days: records only, one call in so many minutes."""
    now = int(time.time())
    for name, minutes, calls in wanted["of"]:
        when, number = now - wanted["days"] * 86400, 0
        while when < now - 3600:
            service, operation = calls[number % len(calls)]
            record(name, service, operation, HOME, when, {}, None)
            when, number = when + minutes * 60, number + 1
    return deliver()


def production(_):
    """`shop-app` works until `stop`: its calls and its failures are counted."""
    told = {"calls": 0, "failures": [], "stop": False}
    iam, functions = client("iam", HOME, "shop-app"), client("lambda", HOME, "shop-app")

    def work():
        while not told["stop"]:
            for ask in (iam.list_roles, functions.list_functions):
                try:
                    ask()
                    told["calls"] += 1
                except (ClientError, BotoCoreError) as error:
                    told["failures"].append(str(error))
            time.sleep(0.05)

    return begin("production", work, told)


def begin(name, work, told):
    thread = threading.Thread(target=work, daemon=True)
    threads[name] = (thread, told)
    thread.start()
    return {}


def stop(wanted):
    thread, told = threads.pop(wanted["thread"])
    told["stop"] = True
    thread.join()
    return told
