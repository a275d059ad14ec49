//! Security groups that let nothing through, and for a moment everything.

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{
    GroupIdentifier, IpPermission, IpRange, Ipv6Range, ResourceType, SecurityGroup, Tag, TagSpecification,
};

use crate::aws::Refusal;
use crate::contain::action::{Knobs, Right};

/// On groups that this program made, with what they are for.
const TAG: &str = "stakeout";
const GROUP: &str = "arn:aws:ec2:*:{account}:security-group/*";
/// Rules are changed and groups deleted only where they carry the tag.
const OURS: (&str, &str, &str) = ("StringLike", "aws:ResourceTag/stakeout", "*");

pub(super) const MAKES: &[Right] = &[
    Right::on("ec2:CreateSecurityGroup", GROUP),
    Right::on("ec2:CreateSecurityGroup", "arn:aws:ec2:*:{account}:vpc/*"),
    Right::on("ec2:CreateTags", GROUP).only_if(("StringEquals", "ec2:CreateAction", "CreateSecurityGroup")),
    Right::on("ec2:AuthorizeSecurityGroupIngress", GROUP).only_if(OURS),
    Right::on("ec2:RevokeSecurityGroupIngress", GROUP).only_if(OURS),
    Right::on("ec2:RevokeSecurityGroupEgress", GROUP).only_if(OURS),
    Right::on("ec2:DeleteSecurityGroup", GROUP).only_if(OURS),
];

/// What a group of ours is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Nothing goes in or out.
    Isolation,
    /// Everything goes: connections are not tracked in it, so that those that are open end in the next group.
    Passage,
}

impl Role {
    fn as_str(self) -> &'static str {
        match self {
            Self::Isolation => "isolation",
            Self::Passage => "passage",
        }
    }
}

/// The name of a group of ours: nobody can give it to a group that is there already.
fn name(role: Role, incident: &str) -> String {
    format!("stakeout-{}-{incident}", role.as_str())
}

/// What the only group of an interface is for, where it is one of this incident and has the rules for that.
pub(super) async fn role_of(client: &Client, group: &GroupIdentifier, incident: &str) -> Result<Option<Role>, Refusal> {
    let Some(id) = group.group_id() else { return Ok(None) };
    // Most groups are none of ours, which their names tell already; some stand-ins leave the name out.
    let may_be = |role| group.group_name().is_none_or(|known| known == name(role, incident));
    if ![Role::Isolation, Role::Passage].into_iter().any(may_be) {
        return Ok(None);
    }
    let found = described(client, &[("group-id", id)]).await?;
    let Some(group) = found.iter().find(|group| group.group_id() == Some(id)) else { return Ok(None) };
    let is_of = |role| group.group_name() == Some(&name(role, incident)) && is_tagged(group, role);
    Ok(if is_of(Role::Isolation) && is_closed(group) {
        Some(Role::Isolation)
    } else if is_of(Role::Passage) {
        Some(Role::Passage)
    } else {
        None
    })
}

fn is_tagged(group: &SecurityGroup, role: Role) -> bool {
    group.tags().iter().any(|tag| tag.key() == Some(TAG) && tag.value() == Some(role.as_str()))
}

fn is_closed(group: &SecurityGroup) -> bool {
    group.ip_permissions().is_empty() && group.ip_permissions_egress().is_empty()
}

/// Whether a rule is for everybody and everything, as those of a new group and of the passage are.
fn is_for_all(rule: &IpPermission) -> bool {
    rule.ip_protocol() == Some("-1")
        && rule.user_id_group_pairs().is_empty()
        && rule.prefix_list_ids().is_empty()
        && rule.ip_ranges().iter().all(|range| range.cidr_ip() == Some("0.0.0.0/0"))
        && rule.ipv6_ranges().iter().all(|range| range.cidr_ipv6() == Some("::/0"))
}

/// Why a group of our name is not ours: it lacks the tag, or has rules that this program does not make.
fn why_foreign(group: &SecurityGroup, role: Role) -> Option<&'static str> {
    let ingress = group.ip_permissions();
    let expected = match role {
        Role::Isolation => ingress.is_empty(),
        Role::Passage => ingress.iter().all(is_for_all),
    };
    if !is_tagged(group, role) {
        Some("it has our name and not our tag")
    } else if !expected || !group.ip_permissions_egress().iter().all(is_for_all) {
        Some("it has our name and rules that are not ours")
    } else {
        None
    }
}

/// Whether a group has the rules that it is for.
fn is_ready(group: &SecurityGroup, role: Role) -> bool {
    match role {
        Role::Isolation => is_closed(group),
        Role::Passage => !group.ip_permissions().is_empty(),
    }
}

/// A group of ours in a VPC, made where there is none, with the rules that it is to have.
///
/// # Errors
/// A group of that name with a tag, rules or interfaces that are not ours: somebody else made it, and it stays as it is.
pub(super) async fn ready(client: &Client, vpc: &str, role: Role, knobs: &Knobs) -> Result<String, Refusal> {
    let mut found = ours(client, vpc, role, &knobs.incident).await?;
    if found.is_none() {
        make(client, vpc, role, knobs).await?;
        found = ours(client, vpc, role, &knobs.incident).await?;
    }
    let missing = || Refusal::Passing(format!("the security group for {} is not there yet", role.as_str()));
    let group = found.ok_or_else(missing)?;
    let id = group.group_id().unwrap_or_default().to_owned();
    let foreign =
        |why: &str| Refusal::Other { action: "ec2:CreateSecurityGroup", why: format!("security group {id}: {why}") };
    if let Some(why) = why_foreign(&group, role) {
        return Err(foreign(why));
    }
    if is_ready(&group, role) {
        return Ok(id);
    }
    // Ours gets its rules before it gets an interface. Interfaces first: others may come to it at this moment.
    let is_used = has_interfaces(client, &id).await?;
    let group = ours(client, vpc, role, &knobs.incident).await?.ok_or_else(missing)?;
    if is_ready(&group, role) {
        return Ok(id);
    }
    if is_used {
        return Err(foreign("it has our name and interfaces that are not ours"));
    }
    match role {
        Role::Isolation => close(client, &id, group).await?,
        Role::Passage => open(client, &id, &group).await?,
    }
    Ok(id)
}

/// Deletes our group of a VPC where nothing uses it. One that is used stays, which AWS sees to.
pub(super) async fn remove(client: &Client, vpc: &str, role: Role, knobs: &Knobs) {
    let Ok(Some(group)) = ours(client, vpc, role, &knobs.incident).await else { return };
    if why_foreign(&group, role).is_none() {
        // What stays is an empty group, or one that a later step uses and removes.
        let _ = client.delete_security_group().set_group_id(group.group_id).send().await;
    }
}

/// The group of our name in a VPC, where names are there once.
async fn ours(client: &Client, vpc: &str, role: Role, incident: &str) -> Result<Option<SecurityGroup>, Refusal> {
    let name = name(role, incident);
    let found = described(client, &[("vpc-id", vpc), ("group-name", &name)]).await?;
    // A filter takes patterns, and some stand-ins take no filter.
    let is_it = |group: &SecurityGroup| group.group_name() == Some(&name) && group.vpc_id().is_none_or(|id| id == vpc);
    Ok(found.into_iter().find(is_it))
}

async fn has_interfaces(client: &Client, id: &str) -> Result<bool, Refusal> {
    let request = client.describe_network_interfaces().filters(super::filter("group-id", [id]));
    let answer = request.send().await.map_err(|error| Refusal::of("ec2:DescribeNetworkInterfaces", &error))?;
    let mut groups = answer.network_interfaces().iter().flat_map(|interface| interface.groups());
    Ok(groups.any(|group| group.group_id() == Some(id)))
}

async fn described(client: &Client, by: &[(&str, &str)]) -> Result<Vec<SecurityGroup>, Refusal> {
    let filters = by.iter().map(|(name, value)| super::filter(name, [*value])).collect();
    let answer = client.describe_security_groups().set_filters(Some(filters)).send().await;
    let answer = answer.map_err(|error| Refusal::of("ec2:DescribeSecurityGroups", &error))?;
    Ok(answer.security_groups.unwrap_or_default())
}

async fn make(client: &Client, vpc: &str, role: Role, knobs: &Knobs) -> Result<(), Refusal> {
    let name = name(role, &knobs.incident);
    let tag = Tag::builder().key(TAG).value(role.as_str()).build();
    let tags = TagSpecification::builder().resource_type(ResourceType::SecurityGroup).tags(tag).build();
    let request = client.create_security_group().group_name(name).vpc_id(vpc).tag_specifications(tags);
    match request.description("Made by stakeout contain").send().await {
        Ok(_) => Ok(()),
        Err(error) => match Refusal::of("ec2:CreateSecurityGroup", &error) {
            // Another interface of the same VPC was first.
            Refusal::Other { why, .. } if why.starts_with("InvalidGroup.Duplicate") => Ok(()),
            refusal => Err(refusal),
        },
    }
}

/// Takes all rules away. A new group lets everything out.
async fn close(client: &Client, id: &str, group: SecurityGroup) -> Result<(), Refusal> {
    let rules = |rules: Option<Vec<IpPermission>>| rules.filter(|rules| !rules.is_empty());
    if let Some(rules) = rules(group.ip_permissions) {
        let answer = client.revoke_security_group_ingress().group_id(id).set_ip_permissions(Some(rules)).send().await;
        settled(answer.map(drop).map_err(|error| Refusal::of("ec2:RevokeSecurityGroupIngress", &error)))?;
    }
    if let Some(rules) = rules(group.ip_permissions_egress) {
        let answer = client.revoke_security_group_egress().group_id(id).set_ip_permissions(Some(rules)).send().await;
        settled(answer.map(drop).map_err(|error| Refusal::of("ec2:RevokeSecurityGroupEgress", &error)))?;
    }
    Ok(())
}

async fn open(client: &Client, id: &str, group: &SecurityGroup) -> Result<(), Refusal> {
    if !group.ip_permissions().is_empty() {
        return Ok(());
    }
    let four = IpRange::builder().cidr_ip("0.0.0.0/0").build();
    let six = Ipv6Range::builder().cidr_ipv6("::/0").build();
    let all = IpPermission::builder().ip_protocol("-1").ip_ranges(four).ipv6_ranges(six).build();
    let answer = client.authorize_security_group_ingress().group_id(id).ip_permissions(all).send().await;
    settled(answer.map(drop).map_err(|error| Refusal::of("ec2:AuthorizeSecurityGroupIngress", &error)))
}

/// Another interface of the same VPC may have changed the rules just before.
fn settled(result: Result<(), Refusal>) -> Result<(), Refusal> {
    let before =
        |why: &str| why.starts_with("InvalidPermission.NotFound") || why.starts_with("InvalidPermission.Duplicate");
    match result {
        Err(Refusal::Other { why, .. } | Refusal::Gone(why)) if before(&why) => Ok(()),
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(role: Role, ingress: &[&str], egress: &[&str]) -> SecurityGroup {
        let rule = |range: &&str| {
            let four = IpRange::builder().cidr_ip(*range).build();
            IpPermission::builder().ip_protocol("-1").ip_ranges(four).build()
        };
        let rules = |ranges: &[&str]| Some(ranges.iter().map(rule).collect());
        let tag = Tag::builder().key(TAG).value(role.as_str()).build();
        let group = SecurityGroup::builder().group_name(name(role, "inc-1")).tags(tag);
        group.set_ip_permissions(rules(ingress)).set_ip_permissions_egress(rules(egress)).build()
    }

    #[test]
    fn a_tag_or_a_name_alone_makes_no_group_ours() {
        let all = ["0.0.0.0/0"];
        let office = ["198.51.100.0/24"];
        let (closed, passes) = (Role::Isolation, Role::Passage);
        assert_eq!(why_foreign(&group(closed, &[], &all), closed), None, "as AWS makes it");
        assert_eq!(why_foreign(&group(closed, &[], &[]), closed), None);
        assert_eq!(why_foreign(&group(passes, &all, &all), passes), None);
        for foreign in [group(closed, &all, &[]), group(closed, &office, &all), group(closed, &[], &office)] {
            assert!(why_foreign(&foreign, closed).is_some(), "{foreign:?}");
        }
        assert!(why_foreign(&group(passes, &office, &all), passes).is_some());
        assert!(why_foreign(&group(passes, &[], &[]), closed).is_some(), "it has the tag of another role");
        assert!(why_foreign(&SecurityGroup::builder().group_name(name(closed, "inc-1")).build(), closed).is_some());
    }
}
