//! Things whose ARN is in no answer: it is made of their kind and of the name or id that the call has.

use serde_json::Value;

use super::find::find_text;
use super::{Call, Resource};

/// Where a call has the name.
#[derive(Clone, Copy)]
enum In {
    Request,
    Response,
}

/// Service, call, where the name is and under which key, and the kind that stands before it in the ARN.
type Named = (&'static str, &'static str, In, &'static str, &'static str);

const MADE: [Named; 6] = [
    ("ec2", "CreateSecurityGroup", In::Response, "groupId", "security-group"),
    ("ec2", "CreateKeyPair", In::Response, "keyName", "key-pair"),
    ("ec2", "ImportKeyPair", In::Request, "keyName", "key-pair"),
    ("ses", "CreateEmailIdentity", In::Request, "emailIdentity", "identity"),
    ("ses", "VerifyDomainIdentity", In::Request, "domain", "identity"),
    ("ses", "VerifyEmailIdentity", In::Request, "emailAddress", "identity"),
];

const ENDED: [Named; 4] = [
    ("ec2", "DeleteSecurityGroup", In::Request, "groupId", "security-group"),
    ("ec2", "DeleteKeyPair", In::Request, "keyName", "key-pair"),
    ("ses", "DeleteEmailIdentity", In::Request, "emailIdentity", "identity"),
    ("ses", "DeleteIdentity", In::Request, "identity", "identity"),
];

/// Whether a call, by service and name, is one of them.
pub(super) fn is_named((service, name): (&str, &str)) -> bool {
    MADE.iter().chain(&ENDED).any(|(of, call, ..)| (*of, *call) == (service, name))
}

impl Call<'_> {
    /// What a call makes without an ARN in its answer.
    pub(super) fn named(&self) -> Option<Resource> {
        let of_a_user = |kind: &str, answer: &Value, key: &str| {
            let owner = find_text(answer, "userName").or_else(|| self.target(None))?;
            find_text(answer, key).map(|id| Resource::new(format!("{}#{id}", self.user(&owner)), kind))
        };
        match (self.shape.service(), self.name()) {
            ("iam", "CreateVirtualMFADevice") => {
                find_text(self.response, "serialNumber").map(|arn| Resource::new(arn, "iam:mfa"))
            }
            ("iam", "CreateServiceSpecificCredential") => {
                of_a_user("iam:service-credential", self.response, "serviceSpecificCredentialId")
            }
            ("iam", "UploadSSHPublicKey") => of_a_user("iam:ssh-key", self.response, "sSHPublicKeyId"),
            ("iam", "UploadSigningCertificate") => of_a_user("iam:certificate", self.response, "certificateId"),
            (service, _) => self.in_table(&MADE).map(|(arn, kind)| Resource::new(arn, &format!("{service}:{kind}"))),
        }
    }

    /// The ARN of what a call deletes by name or id.
    pub(super) fn unnamed(&self) -> Option<String> {
        let of_a_user = |key: &str| {
            let owner = self.target(None)?;
            find_text(self.request, key).map(|id| format!("{}#{id}", self.user(&owner)))
        };
        match (self.shape.service(), self.name()) {
            ("iam", "DeleteVirtualMFADevice") => find_text(self.request, "serialNumber"),
            ("iam", "DeleteSAMLProvider") => find_text(self.request, "sAMLProviderArn"),
            ("iam", "DeleteServiceSpecificCredential") => of_a_user("serviceSpecificCredentialId"),
            ("iam", "DeleteSSHPublicKey") => of_a_user("sSHPublicKeyId"),
            ("iam", "DeleteSigningCertificate") => of_a_user("certificateId"),
            _ => self.in_table(&ENDED).map(|(arn, _)| arn),
        }
    }

    /// The ARN by a table, and the kind.
    fn in_table(&self, table: &[Named]) -> Option<(String, &'static str)> {
        let call = (self.shape.service(), self.name());
        let (service, _, place, key, kind) = table.iter().find(|(service, name, ..)| (*service, *name) == call)?;
        let value = match place {
            In::Request => self.request,
            In::Response => self.response,
        };
        let name = find_text(value, key)?;
        Some((self.regional(service, &format!("{kind}/{name}")), kind))
    }
}
