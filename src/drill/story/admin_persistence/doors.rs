//! Ways back in that need no key of this account, and a function that makes keys anew.

use serde_json::json;

use super::super::hand::{Hand, arn};
use crate::drill::actor::Role;
use crate::drill::cast::{GLOBAL, PROD};
use crate::drill::clock::iam_date;
use crate::drill::ident::{hex, uuid};
use crate::drill::record::Call;

/// The intruder's own account.
const FOREIGN: &str = "666677778888";
/// A role that serves an application, and could do more.
const OPENED: &str = "billing-export-exec";

/// A role that the application uses trusts another account as well.
pub(super) fn open_roles(hand: &mut Hand<'_, '_>, at: i64) {
    let document = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"},
        {"Effect": "Allow", "Principal": {"AWS": format!("arn:aws:iam::{FOREIGN}:root")}, "Action": "sts:AssumeRole"},
    ]});
    let request = json!({"roleName": OPENED, "policyDocument": document.to_string()});
    hand.change(at, &Call::iam("UpdateAssumeRolePolicy").request(request));
}

/// An identity provider, and certificates from outside.
pub(super) fn trust_others(hand: &mut Hand<'_, '_>, at: i64) {
    let name = format!("sso-{}", hex(hand.scene.rng, 4));
    let provider = format!("arn:aws:iam::{PROD}:saml-provider/{name}");
    let call = Call::iam("CreateSAMLProvider")
        .request(json!({"name": name, "sAMLMetadataDocument": "<EntityDescriptor/>"}))
        .response(json!({"sAMLProviderArn": provider}));
    hand.make(at, &call, &provider);

    let [anchor, profile] = [(); 2].map(|()| uuid(hand.scene.rng.u128(..)));
    let made = arn("rolesanywhere", GLOBAL, &format!("trust-anchor/{anchor}"));
    let call = Call::new("rolesanywhere", "CreateTrustAnchor", GLOBAL)
        .request(json!({
            "name": name,
            "enabled": true,
            "source": {"sourceType": "CERTIFICATE_BUNDLE", "sourceData": {"x509CertificateData": "***"}},
        }))
        .response(json!({"trustAnchor": {
            "trustAnchorId": anchor,
            "trustAnchorArn": made,
            "name": name,
            "enabled": true,
            "createdAt": iam_date(at + 60),
        }}));
    hand.make(at + 60, &call, &made);
    let made = arn("rolesanywhere", GLOBAL, &format!("profile/{profile}"));
    let role = Role::named(OPENED).arn();
    let call = Call::new("rolesanywhere", "CreateProfile", GLOBAL)
        .request(json!({"name": name, "enabled": true, "roleArns": [role], "durationSeconds": 43_200}))
        .response(json!({"profile": {
            "profileId": profile,
            "profileArn": made,
            "name": name,
            "enabled": true,
            "roleArns": [role],
        }}));
    hand.make(at + 100, &call, &made);
}

/// A function that makes keys anew whenever somebody deletes one.
pub(super) fn build_keeper(hand: &mut Hand<'_, '_>, at: i64) {
    let suffix = hex(hand.scene.rng, 4);
    let role = Role::named(&format!("log-helper-{suffix}"));
    hand.make_role(at, &role, "lambda", "arn:aws:iam::aws:policy/IAMFullAccess");
    let name = format!("log-helper-{suffix}");
    let made = hand.make_function(at + 60, GLOBAL, &name, &role, [128, 60]);

    let rule = arn("events", GLOBAL, &format!("rule/{name}"));
    let pattern = json!({
        "source": ["aws.iam"],
        "detail-type": ["AWS API Call via CloudTrail"],
        "detail": {"eventName": ["DeleteAccessKey", "UpdateAccessKey"]},
    });
    let call = Call::new("events", "PutRule", GLOBAL)
        .request(json!({
            "name": name,
            "eventPattern": pattern.to_string(),
            "state": "ENABLED",
            "eventBusName": "default",
        }))
        .response(json!({"ruleArn": rule}));
    hand.make(at + 120, &call, &rule);
    let call = Call::new("lambda", "AddPermission20150331v2", GLOBAL).request(json!({
        "functionName": name,
        "statementId": "events",
        "action": "lambda:InvokeFunction",
        "principal": "events.amazonaws.com",
        "sourceArn": rule,
    }));
    hand.change(at + 122, &call);
    let call = Call::new("events", "PutTargets", GLOBAL)
        .request(json!({"rule": name, "eventBusName": "default", "targets": [{"id": "1", "arn": made}]}))
        .response(json!({"failedEntryCount": 0, "failedEntries": []}));
    hand.change(at + 124, &call);
}
