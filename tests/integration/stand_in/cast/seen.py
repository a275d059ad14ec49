"""What is there, as the owner sees it."""

import json

from botocore.exceptions import ClientError

from calls import HOME, client, pages


def absent(ask, part=None, **parameters):
    """An answer, or none where there is no such thing."""
    try:
        answer = ask(**parameters)
    except ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        return None if status in (404, 501) else error.response["Error"]["Code"]
    answer.pop("ResponseMetadata", None)
    return answer.get(part) if part else answer


def arns(policies):
    return sorted(policy["PolicyArn"] for policy in policies)


def identities():
    iam = client("iam", HOME, "owner")
    found = {}
    for user in pages(iam.list_users, "Users"):
        name = {"UserName": user["UserName"]}
        keys = pages(iam.list_access_keys, "AccessKeyMetadata", **name)
        whole = iam.get_user(**name)["User"]
        found["user " + user["UserName"]] = {
            "id": user["UserId"],
            "boundary": whole.get("PermissionsBoundary"),
            "tags": whole.get("Tags", []),
            "keys": {key["AccessKeyId"]: key["Status"] for key in keys},
            "attached": arns(pages(iam.list_attached_user_policies, "AttachedPolicies", **name)),
            "inline": {
                policy: iam.get_user_policy(PolicyName=policy, **name)["PolicyDocument"]
                for policy in pages(iam.list_user_policies, "PolicyNames", **name)
            },
            "login": absent(iam.get_login_profile, "LoginProfile", **name) is not None,
        }
    for role in pages(iam.list_roles, "Roles"):
        name = {"RoleName": role["RoleName"]}
        whole = iam.get_role(**name)["Role"]
        found["role " + role["RoleName"]] = {
            "id": role["RoleId"],
            "boundary": whole.get("PermissionsBoundary"),
            "tags": whole.get("Tags", []),
            "trust": whole["AssumeRolePolicyDocument"],
            "attached": arns(pages(iam.list_attached_role_policies, "AttachedPolicies", **name)),
            "inline": {
                policy: iam.get_role_policy(PolicyName=policy, **name)["PolicyDocument"]
                for policy in pages(iam.list_role_policies, "PolicyNames", **name)
            },
        }
    return found


def functions(region):
    lam = client("lambda", region, "owner")
    found = {}
    for made in pages(lam.list_functions, "Functions"):
        name = {"FunctionName": made["FunctionName"]}
        mappings = pages(lam.list_event_source_mappings, "EventSourceMappings", **name)
        urls = absent(lam.list_function_url_configs, "FunctionUrlConfigs", **name)
        if urls is None:
            one = absent(lam.get_function_url_config, **name)
            urls = [one] if one else []
        invoke = absent(lam.list_function_event_invoke_configs, "FunctionEventInvokeConfigs", **name)
        provisioned = absent(lam.list_provisioned_concurrency_configs, "ProvisionedConcurrencyConfigs", **name)
        found[made["FunctionArn"]] = {
            "code": made["CodeSha256"],
            "role": made["Role"],
            "concurrency": absent(lam.get_function_concurrency, "ReservedConcurrentExecutions", **name),
            "policy": absent(lam.get_policy, "Policy", **name),
            "mappings": [[mapping["UUID"], mapping["State"]] for mapping in mappings],
            "urls": [[url["FunctionUrl"], url["AuthType"], url.get("Cors"), url.get("InvokeMode")] for url in urls],
            "invoke": [{part: one[part] for part in one if part != "LastModified"} for one in invoke or []],
            "provisioned": provisioned,
        }
    return found


def rules(region):
    found = {}
    events = client("events", region, "owner")
    for rule in pages(events.list_rules, "Rules"):
        targets = pages(events.list_targets_by_rule, "Targets", Rule=rule["Name"])
        found[rule["Arn"]] = {
            part: value for part, value in dict(rule, Targets=targets).items() if part not in ("CreatedBy",)
        }
    return found


def schedules(region):
    ask = client("scheduler", region, "owner")
    found = {}
    for schedule in pages(ask.list_schedules, "Schedules"):
        whole = ask.get_schedule(Name=schedule["Name"], GroupName=schedule["GroupName"])
        moving = ("ResponseMetadata", "LastModificationDate", "CreationDate")
        found[schedule["Arn"]] = {part: value for part, value in whole.items() if part not in moving}
    return found


def dump(wanted):
    """All of IAM, and what runs in some regions, as text to compare."""
    found = {"identities": identities()}
    for region in wanted["regions"]:
        found[region] = {"functions": functions(region), "rules": rules(region), "schedules": schedules(region)}
    return json.loads(json.dumps(found, default=str, sort_keys=True))


def restore(wanted):
    """Makes users, roles, keys and reserved concurrency what a dump says."""
    iam, dumped = client("iam", HOME, "owner"), wanted["dump"]
    for name, now in identities().items():
        kind, name_of = name.split(" ", 1)
        was, who = dumped["identities"][name], {kind.capitalize() + "Name": name_of}
        for policy in set(now["attached"]) - set(was["attached"]):
            getattr(iam, "detach_%s_policy" % kind)(PolicyArn=policy, **who)
        for policy in set(now["inline"]) - set(was["inline"]):
            getattr(iam, "delete_%s_policy" % kind)(PolicyName=policy, **who)
        for key, status in was.get("keys", {}).items():
            if now["keys"][key] != status:
                iam.update_access_key(AccessKeyId=key, Status=status, **who)
    for region in wanted["regions"]:
        for arn, was in dumped[region]["functions"].items():
            if was["concurrency"] is None:
                client("lambda", region, "owner").delete_function_concurrency(FunctionName=arn)
    return {}


def frozen(wanted):
    """Reserved concurrency of functions, by ARN."""
    ask = lambda arn: client("lambda", arn.split(":")[3], "owner").get_function_concurrency
    return {arn: absent(ask(arn), "ReservedConcurrentExecutions", FunctionName=arn) for arn in wanted["functions"]}


def invoke(wanted):
    """HTTP statuses of invoking functions as their owner."""
    statuses = {}
    for arn in wanted["functions"]:
        try:
            answer = client("lambda", arn.split(":")[3], "owner", tries=1).invoke(FunctionName=arn, Payload=b"{}")
            statuses[arn] = answer["StatusCode"]
        except ClientError as error:
            statuses[arn] = error.response["ResponseMetadata"]["HTTPStatusCode"]
    return statuses
