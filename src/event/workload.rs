//! Whether a program of AWS's own computers calls: the credentials were issued to an instance, a function or a container.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Record;

/// What a role's session was issued to, as rules spell it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Workload {
    Instance,
    Function,
    Container,
    /// A person, another role, or nobody who says so.
    #[default]
    None,
}

impl Workload {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Instance => "instance",
            Self::Function => "function",
            Self::Container => "container",
            Self::None => "none",
        }
    }

    /// Reads it from `userIdentity`. Who chose such a session name itself is known by the call that minted the session.
    pub(crate) fn of_identity(value: &Value) -> Self {
        let text = |path: &str| value.pointer(path).and_then(Value::as_str).unwrap_or_default();
        if text("/type") != "AssumedRole" && !text("/arn").contains(":assumed-role/") {
            return Self::None;
        }
        let (issued, issuer) = (text("/inScopeOf/credentialsIssuedTo"), text("/inScopeOf/issuerType"));
        let session = text("/principalId").split_once(':').map_or("", |(_, session)| session);
        if issuer.starts_with("AWS::Lambda") || issued.contains(":function:") {
            Self::Function
        } else if issuer.starts_with("AWS::ECS") || issuer.starts_with("AWS::EKS") || is_container(issued) {
            Self::Container
        } else if issuer.starts_with("AWS::EC2")
            || issued.contains(":instance/")
            || value.pointer("/sessionContext/ec2RoleDelivery").is_some()
            || is_instance(session)
        {
            Self::Instance
        } else if is_hex(session, 32..=32) {
            // Sessions of tasks have the id of the task for a name.
            Self::Container
        } else {
            Self::None
        }
    }

    /// The same, where only the software tells: an agent is the caller's own word, and says where it runs by itself.
    pub(crate) fn or_of_agent(self, record: &Record<'_>) -> Self {
        let says = |text: &str| record.user_agent.contains(text);
        match self {
            Self::None if says("exec-env/AWS_Lambda_") => Self::Function,
            Self::None if says("exec-env/AWS_ECS_") => Self::Container,
            known => known,
        }
    }
}

fn is_container(issued: &str) -> bool {
    issued.contains(":task/") || issued.contains(":pod/")
}

fn is_instance(session: &str) -> bool {
    session.strip_prefix("i-").is_some_and(|id| is_hex(id, 8..=17))
}

fn is_hex(text: &str, length: std::ops::RangeInclusive<usize>) -> bool {
    length.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Workload;

    #[test]
    fn sessions_tell_what_they_were_issued_to() {
        let role = |session: &str, more: serde_json::Value| {
            let mut value = json!({
                "type": "AssumedRole",
                "principalId": format!("AROAEXAMPLE:{session}"),
                "arn": format!("arn:aws:sts::111122223333:assumed-role/app/{session}"),
            });
            for (key, field) in more.as_object().into_iter().flatten() {
                value[key] = field.clone();
            }
            Workload::of_identity(&value)
        };
        let none = json!({});
        assert_eq!(role("i-0123456789abcdef0", none.clone()), Workload::Instance);
        assert_eq!(role("i-12345678", none.clone()), Workload::Instance);
        assert_eq!(role("i-am-alice", none.clone()), Workload::None);
        assert_eq!(role("0123456789abcdef0123456789abcdef", none.clone()), Workload::Container);
        assert_eq!(role("alice", none.clone()), Workload::None);
        assert_eq!(role("x", json!({"sessionContext": {"ec2RoleDelivery": "2.0"}})), Workload::Instance);
        let of = |issuer: &str| json!({"inScopeOf": {"issuerType": issuer}});
        assert_eq!(role("f", of("AWS::Lambda::Function")), Workload::Function);
        assert_eq!(role("f", of("AWS::ECS::Task")), Workload::Container);
        let arn = json!({"inScopeOf": {"credentialsIssuedTo": "arn:aws:lambda:eu-west-1:111122223333:function:f"}});
        assert_eq!(role("f", arn), Workload::Function);
        let user = json!({"type": "IAMUser", "principalId": "AIDAEXAMPLE:i-12345678"});
        assert_eq!(Workload::of_identity(&user), Workload::None);
        assert_eq!(Workload::of_identity(&serde_json::Value::Null), Workload::None);
    }
}
