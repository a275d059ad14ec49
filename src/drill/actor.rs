//! Who makes a call: the `userIdentity` of CloudTrail in its many forms, with the address and
//! the user agent that go with it.

use serde_json::{Value, json};

use super::cast::{PROD, agent};
use super::clock::rfc3339;
use super::ident::entity_id;

/// A role, of the production account unless it says otherwise.
#[derive(Clone)]
pub(crate) struct Role {
    /// Its name, without the path.
    pub(crate) name: String,
    /// The account that owns it.
    pub(crate) account: String,
    path: String,
}

impl Role {
    /// A role at the root path.
    pub(crate) fn named(name: &str) -> Self {
        Self::at("/", name)
    }

    /// A role under `path`, which begins and ends with a slash.
    pub(crate) fn at(path: &str, name: &str) -> Self {
        Self { name: name.to_owned(), account: PROD.to_owned(), path: path.to_owned() }
    }

    /// The role of the same name in another account.
    pub(crate) fn of(mut self, account: &str) -> Self {
        account.clone_into(&mut self.account);
        self
    }

    /// The service-linked role of `service`.
    pub(crate) fn linked(service: &str, name: &str) -> Self {
        Self::at(&format!("/aws-service-role/{service}.amazonaws.com/"), name)
    }

    /// The role's ARN, path included.
    pub(crate) fn arn(&self) -> String {
        format!("arn:aws:iam::{}:role{}{}", self.account, self.path, self.name)
    }

    /// The stable id, `AROA...`.
    pub(crate) fn id(&self) -> String {
        if self.account == PROD {
            return entity_id("AROA", &self.name);
        }
        entity_id("AROA", &format!("{}{}", self.name, self.account))
    }

    /// The ARN of a session of this role, which leaves out the path.
    pub(crate) fn session_arn(&self, session: &str) -> String {
        format!("arn:aws:sts::{}:assumed-role/{}/{session}", self.account, self.name)
    }
}

/// The ARN of an IAM user of the production account.
pub(crate) fn user_arn(name: &str) -> String {
    format!("arn:aws:iam::{PROD}:user/{name}")
}

/// One caller: what is the same in all of its records.
#[derive(Clone)]
pub(crate) struct Actor {
    identity: Value,
    /// `userIdentity` as JSON text, rendered once.
    pub(crate) rendered: String,
    /// `sourceIPAddress` as a JSON string.
    pub(crate) address: String,
    /// `userAgent` as a JSON string.
    pub(crate) agent: String,
    /// Whether the session began in the console.
    pub(crate) console: bool,
    /// Whether AWS itself makes the call, which then has no TLS details.
    pub(crate) service: bool,
    /// The account whose trail records the calls.
    pub(crate) trail: String,
}

impl Actor {
    /// A caller with this `userIdentity`.
    pub(crate) fn new(identity: Value, address: &str, agent: &str) -> Self {
        Self {
            rendered: identity.to_string(),
            identity,
            address: Value::from(address).to_string(),
            agent: Value::from(agent).to_string(),
            console: false,
            service: false,
            trail: PROD.to_owned(),
        }
    }

    /// An IAM user with a long-term key.
    pub(crate) fn user(name: &str, key: &str, address: &str, agent: &str) -> Self {
        let identity = json!({
            "type": "IAMUser",
            "principalId": entity_id("AIDA", name),
            "arn": user_arn(name),
            "accountId": PROD,
            "accessKeyId": key,
            "userName": name,
        });
        Self::new(identity, address, agent)
    }

    /// An IAM user of another account, with a long-term key.
    pub(crate) fn member(account: &str, name: &str, key: &str, address: &str, agent: &str) -> Self {
        let identity = json!({
            "type": "IAMUser",
            "principalId": entity_id("AIDA", name),
            "arn": format!("arn:aws:iam::{account}:user/{name}"),
            "accountId": account,
            "accessKeyId": key,
            "userName": name,
        });
        Self::new(identity, address, agent).recorded_in(account)
    }

    /// A session of `role` with the temporary `key` that it got at the second `since`.
    pub(crate) fn session(role: &Role, session: &str, key: &str, since: i64) -> Self {
        let id = role.id();
        let identity = json!({
            "type": "AssumedRole",
            "principalId": format!("{id}:{session}"),
            "arn": role.session_arn(session),
            "accountId": role.account,
            "accessKeyId": key,
            "sessionContext": {
                "sessionIssuer": {
                    "type": "Role",
                    "principalId": id,
                    "arn": role.arn(),
                    "accountId": role.account,
                    "userName": role.name,
                },
                "attributes": {"creationDate": rfc3339(since), "mfaAuthenticated": "false"},
            },
        });
        Self::new(identity, "192.0.2.1", agent::CLI).recorded_in(&role.account)
    }

    /// An AWS service on its own behalf, e.g. `lambda`.
    pub(crate) fn service(service: &str) -> Self {
        let host = format!("{service}.amazonaws.com");
        let identity = json!({"type": "AWSService", "invokedBy": host});
        let mut actor = Self::new(identity, &host, &host);
        actor.service = true;
        actor
    }

    /// A principal of another account, as the target's trail shows it.
    pub(crate) fn foreign(account: &str, principal: &str, address: &str, agent: &str) -> Self {
        let identity = json!({
            "type": "AWSAccount",
            "principalId": principal,
            "accountId": account,
        });
        Self::new(identity, address, agent)
    }

    /// What AWS does by itself and reports as a service event: an identity without a type.
    pub(crate) fn internal(invoked_by: &str) -> Self {
        let identity = json!({"accountId": PROD, "invokedBy": invoked_by});
        let mut actor = Self::new(identity, invoked_by, invoked_by);
        actor.service = true;
        actor
    }

    /// The same caller, as the trail of another account records its calls.
    pub(crate) fn recorded_in(mut self, account: &str) -> Self {
        account.clone_into(&mut self.trail);
        self
    }

    /// The same caller as the trail of `account` shows it, where it calls something of that account: with its own account
    /// and principal id alone.
    pub(crate) fn abroad(&self, account: &str) -> Self {
        let identity = json!({
            "type": "AWSAccount",
            "principalId": self.identity["principalId"],
            "accountId": self.identity["accountId"],
        });
        let (rendered, trail) = (identity.to_string(), account.to_owned());
        Self { identity, rendered, trail, ..self.clone() }
    }

    /// The same session, with the name that the first caller of the chain gave itself.
    pub(crate) fn for_source(mut self, source_identity: &str) -> Self {
        self.identity["sessionContext"]["sourceIdentity"] = Value::from(source_identity);
        self.rendered = self.identity.to_string();
        self
    }

    /// The same caller from another address.
    pub(crate) fn from(mut self, address: &str) -> Self {
        self.address = Value::from(address).to_string();
        self
    }

    /// The same caller with another user agent.
    pub(crate) fn with_agent(mut self, agent: &str) -> Self {
        self.agent = Value::from(agent).to_string();
        self
    }

    /// The same session, begun in the console with (`mfa`) or without a second factor.
    pub(crate) fn in_console(mut self, mfa: bool) -> Self {
        self.identity["sessionContext"]["attributes"]["mfaAuthenticated"] =
            Value::from(if mfa { "true" } else { "false" });
        self.rendered = self.identity.to_string();
        self.console = true;
        self
    }

    /// The same session, federated by a web identity provider.
    pub(crate) fn web_federated(mut self, provider: &str) -> Self {
        self.identity["sessionContext"]["webIdFederationData"] =
            json!({"federatedProvider": provider, "attributes": {}});
        self.rendered = self.identity.to_string();
        self
    }

    /// The same session, issued to the function `arn`.
    pub(crate) fn in_function(mut self, arn: &str) -> Self {
        self.identity["inScopeOf"] = json!({
            "issuerType": "AWS::Lambda::Function",
            "credentialsIssuedTo": arn,
            "credentialsIssuedToVersion": format!("{arn}:$LATEST"),
        });
        self.rendered = self.identity.to_string();
        self
    }

    /// The same session, issued to the instance `id` by version 2 of the metadata service.
    pub(crate) fn on_instance(mut self, region: &str, id: &str) -> Self {
        self.identity["sessionContext"]["ec2RoleDelivery"] = Value::from("2.0");
        self.identity["inScopeOf"] = json!({
            "issuerType": "AWS::EC2::Instance",
            "credentialsIssuedTo": format!("arn:aws:ec2:{region}:{PROD}:instance/{id}"),
        });
        self.rendered = self.identity.to_string();
        self
    }

    /// A call that `host` (a service, or `AWS Internal`) makes with this caller's credentials.
    pub(crate) fn via(mut self, host: &str) -> Self {
        self.identity["invokedBy"] = Value::from(host);
        self.rendered = self.identity.to_string();
        self.address = Value::from(host).to_string();
        self.agent = Value::from(host).to_string();
        self.service = true;
        self
    }

    /// The access key id; empty where there is none.
    pub(crate) fn credential(&self) -> &str {
        self.identity["accessKeyId"].as_str().unwrap_or_default()
    }

    /// The ARN as error messages name it; empty for services.
    pub(crate) fn arn(&self) -> &str {
        self.identity["arn"].as_str().unwrap_or_default()
    }
}
