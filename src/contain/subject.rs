//! What an incident holds, as containment sees it: pure.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

pub(crate) use super::arn::name_of;
use super::arn::{is_of_aws, is_role, is_user, part, resource, thing};
use crate::event::Seconds;
use crate::model::plan::Refused;
use crate::model::{Basis, Incident, Member};

/// How much of a principal is cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Hold {
    /// All of it.
    Whole,
    /// Only the credentials that the incident names; others of the same principal stay.
    Credentials,
    /// Only the sessions that the incident names.
    Sessions,
    /// Every session that began before now; what is long-term stays.
    OldSessions,
    /// Everything that comes from other networks than the usual ones.
    Networks,
}

impl Hold {
    /// How much it takes away, where two are asked for.
    fn strength(self) -> u8 {
        match self {
            Self::Credentials => 0,
            Self::Sessions => 1,
            Self::OldSessions => 2,
            Self::Networks => 3,
            Self::Whole => 4,
        }
    }
}

/// One thing that an incident holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Subject {
    /// `iam:user`, `iam:role`, `iam:access-key`, `lambda:function`, `events:rule`, ...; `account` for the account itself.
    pub kind: String,
    pub arn: String,
    pub account: String,
    /// Where its service answers; of global services `us-east-1`.
    pub region: String,
    /// The incident made it: nobody else has a use for it.
    pub made: bool,
    /// For principals: how much of it is cut off.
    pub hold: Hold,
    /// Access key ids of it that the incident names.
    pub credentials: BTreeSet<String>,
    /// Its sessions in the incident: `AROA...:name`.
    pub sessions: BTreeSet<String>,
    /// Its usual networks, as CIDR, for [`Hold::Networks`].
    pub usual_networks: BTreeSet<String>,
    /// Regions of the incident in this account, for the account as a subject.
    pub regions: BTreeSet<String>,
    /// ARNs of everything that the incident made.
    pub peers: BTreeSet<String>,
    /// The last event of the incident: sessions that are older are the incident's.
    pub since: Seconds,
}

impl Subject {
    /// With what its ARN says. What was made is held whole.
    pub(super) fn new(kind: &str, arn: &str, region: &str, made: bool) -> Self {
        Self {
            kind: kind.to_owned(),
            arn: arn.to_owned(),
            account: arn.split(':').nth(4).unwrap_or_default().to_owned(),
            region: region.to_owned(),
            made,
            hold: Hold::Whole,
            credentials: BTreeSet::new(),
            sessions: BTreeSet::new(),
            usual_networks: BTreeSet::new(),
            regions: BTreeSet::new(),
            peers: BTreeSet::new(),
            since: 0,
        }
    }

    /// Puts together what is known of one thing: what was made is held whole, else the most that is asked for.
    fn take(&mut self, other: Self) {
        let most = if self.hold.strength() >= other.hold.strength() { self.hold } else { other.hold };
        self.made |= other.made;
        if other.arn.len() > self.arn.len() {
            self.arn = other.arn;
        }
        self.hold = if self.made { Hold::Whole } else { most };
        self.credentials.extend(other.credentials);
        self.sessions.extend(other.sessions);
        self.usual_networks.extend(other.usual_networks);
        self.regions.extend(other.regions);
        self.since = self.since.max(other.since);
    }

    /// Whether it is somebody who calls.
    pub(crate) fn is_principal(&self) -> bool {
        matches!(self.kind.as_str(), "iam:user" | "iam:role")
    }

    /// The last part of its ARN: the name of a user, role or function, without a path.
    pub(crate) fn name(&self) -> &str {
        name_of(&self.arn)
    }
}

/// Where the services answer that are the same in every region.
pub(crate) const HOME: &str = "us-east-1";

/// What decides how much of a principal is cut off.
pub(crate) struct Choice<'c> {
    /// What a person asked for in place of denying all of a user with work of its own.
    pub narrow: Option<Hold>,
    /// Whether others use a role too, by its ARN.
    pub is_shared: &'c dyn Fn(&str) -> bool,
    /// The usual networks of a user, by its ARN.
    pub usual_networks: &'c dyn Fn(&str) -> BTreeSet<String>,
}

/// Everything that an incident holds, and what of it cannot be touched from inside an account.
pub(crate) fn subjects(incident: &Incident, choice: &Choice<'_>) -> (Vec<Subject>, Vec<Refused>) {
    let mut subjects: BTreeMap<(String, String), Subject> = BTreeMap::new();
    let mut refused = BTreeSet::new();
    let mut add = |subject: Subject| {
        // Names of users and roles are one each in an account, and not every call tells the path.
        let name = || format!("{}/{}", subject.account, subject.name());
        let name = if subject.kind.starts_with("iam:") { name() } else { subject.arn.clone() };
        let key = (subject.kind.clone(), name);
        match subjects.get_mut(&key) {
            Some(known) => known.take(subject),
            None => _ = subjects.insert(key, subject),
        }
    };
    for account in &incident.accounts {
        let arn = format!("arn:aws:iam::{account}:account");
        add(Subject {
            regions: incident.regions.iter().cloned().collect(),
            ..Subject::new("account", &arn, HOME, false)
        });
    }
    for made in incident.resources.iter().filter(|resource| resource.exists) {
        match made.kind.as_str() {
            "iam:access-key" => {
                let (user, key) = (thing(&made.arn), part(&made.arn).unwrap_or_default());
                let credentials = BTreeSet::from([key.to_owned()]);
                let hold = Hold::Credentials;
                add(Subject { credentials, hold, ..Subject::new("iam:user", user, HOME, false) });
            }
            "iam:login-profile" => {
                let user = thing(&made.arn);
                add(Subject { hold: Hold::Credentials, ..Subject::new("iam:user", user, HOME, false) });
            }
            // Whoever gives a function an address, or a source of events, did not make the function.
            "lambda:function" if made.action == "lambda:CreateFunctionUrlConfig" => {
                let (arn, region) = (format!("{}#url", made.arn), region_of(&made.arn).unwrap_or(&made.region));
                add(Subject::new("lambda:function-url", &arn, region, true));
            }
            kind if !is_maker(kind, &made.action) => {}
            kind => {
                let region = region_of(&made.arn).unwrap_or(if kind.starts_with("iam:") { HOME } else { &made.region });
                add(Subject::new(kind, &made.arn, region, true));
            }
        }
    }
    let of_bill = incident.basis == Basis::Bill;
    let known = |member: &&Member| !of_bill && !is_unnamed(member, &incident.members.callers);
    for member in incident.members.callers.iter().filter(known) {
        match principal(member, incident, choice) {
            Ok(Some(subject)) => add(subject),
            Ok(None) => {}
            Err(why) => _ = refused.insert(Refused { target: member.arn.clone(), why: why.to_owned() }),
        }
    }
    let peers: BTreeSet<String> = subjects.values().filter(|known| known.made).map(|known| known.arn.clone()).collect();
    for subject in subjects.values_mut() {
        subject.peers.clone_from(&peers);
        subject.since = incident.last_event;
        // Whoever asked for the keys alone was told that sessions live on.
        if choice.narrow == Some(Hold::Credentials) && is_way_in(incident, &subject.arn) {
            subject.sessions.clear();
        }
    }
    (subjects.into_values().collect(), refused.into_iter().collect())
}

/// Calls that make a thing of a kind. Others name things too that were there before.
fn is_maker(kind: &str, action: &str) -> bool {
    const MAKERS: [(&str, &str); 10] = [
        ("iam:user", "iam:CreateUser"),
        ("iam:role", "iam:CreateRole"),
        ("lambda:function", "lambda:CreateFunction"),
        ("events:rule", "events:PutRule"),
        ("scheduler:schedule", "scheduler:CreateSchedule"),
        ("ec2:instance", "ec2:RunInstances"),
        ("ec2:instance", "ec2:CreateFleet"),
        ("ec2:spot-instances-request", "ec2:RequestSpotInstances"),
        ("ec2:launch-template", "ec2:CreateLaunchTemplate"),
        ("autoscaling:autoScalingGroup", "autoscaling:CreateAutoScalingGroup"),
    ];
    MAKERS.contains(&(kind, action))
}

/// Whether a user acted with something that the incident did not mint.
fn is_way_in(incident: &Incident, arn: &str) -> bool {
    let own = incident.members.callers.iter().filter(|member| member.arn == arn && !member.minted);
    own.into_iter().any(|member| !is_minted(incident, member.credential.as_deref()))
}

/// A stand-in names a session by its key, and whoever minted that key told whose it is.
fn is_unnamed(member: &Member, all: &BTreeSet<Member>) -> bool {
    let named_by_key = member.credential.as_deref() == Some(name_of(&member.arn));
    named_by_key && all.iter().any(|other| other.minted && other.credential == member.credential)
}

/// A member as somebody to cut off; nothing where that follows from another's denial.
fn principal(member: &Member, incident: &Incident, choice: &Choice<'_>) -> Result<Option<Subject>, &'static str> {
    let arn = member.arn.as_str();
    let credentials: BTreeSet<String> = member.credential.iter().cloned().collect();
    if resource(arn) == "root" {
        return Err(
            "no policy of the account binds the root user: change its password, delete its keys and its unknown \
                    second factors, end its sessions, and open a case with AWS",
        );
    }
    if resource(arn).starts_with("federated-user/") {
        return Ok(None);
    }
    if resource(arn).starts_with("role/aws-service-role/") {
        return Err("a service-linked role belongs to AWS, and cannot be denied");
    }
    if is_of_aws(arn) || is_role(arn) && name_of(arn).starts_with("AWSReservedSSO_") {
        return Err(
            "a role of Identity Center is changed there and not in the account: remove the assignment, and end \
                    the sessions of the user",
        );
    }
    if is_user(arn) {
        // A key that only the incident made is cut off alone; whoever was there before is the way in.
        let is_way_in = !is_minted(incident, member.credential.as_deref());
        let hold = match (is_way_in, choice.narrow) {
            (false, _) => Hold::Credentials,
            (true, narrow) => narrow.unwrap_or(Hold::Whole),
        };
        // Sessions that a user minted for itself have no name of their own.
        let is_session = member.minted && member.credential.as_deref().is_some_and(is_session);
        let sessions = if is_session { credentials.clone() } else { BTreeSet::new() };
        let usual_networks = if hold == Hold::Networks { (choice.usual_networks)(arn) } else { BTreeSet::new() };
        return Ok(Some(Subject {
            hold,
            credentials,
            sessions,
            usual_networks,
            ..Subject::new("iam:user", arn, HOME, false)
        }));
    }
    if is_role(arn) {
        let hold = match (choice.narrow, (choice.is_shared)(arn)) {
            (Some(Hold::OldSessions), _) => Hold::OldSessions,
            (_, true) => Hold::Sessions,
            (_, false) => Hold::Whole,
        };
        let sessions = member.session.iter().cloned().collect();
        return Ok(Some(Subject { hold, credentials, sessions, ..Subject::new("iam:role", arn, HOME, false) }));
    }
    Err("this kind of caller is not cut off from inside the account: end it where it signs in")
}

fn is_session(credential: &str) -> bool {
    credential.starts_with("ASIA") || credential.starts_with("LSIA")
}

/// Whether a credential came into being within the incident.
fn is_minted(incident: &Incident, credential: Option<&str>) -> bool {
    let Some(credential) = credential else { return false };
    let mut minted = incident.members.callers.iter().filter(|member| member.minted);
    let is_key = |arn: &str| part(arn) == Some(credential);
    minted.any(|member| member.credential.as_deref() == Some(credential))
        || incident.resources.iter().any(|made| is_key(&made.arn))
}

/// The region in an ARN.
fn region_of(arn: &str) -> Option<&str> {
    arn.split(':').nth(3).filter(|region| !region.is_empty())
}
