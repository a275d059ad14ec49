//! One CloudTrail record, written in the order and with the fields that AWS writes.

use serde_json::{Value, json};

use super::actor::Actor;
use super::cast::{GLOBAL, PROD};
use super::clock::rfc3339;
use super::ident::push_uuid;
use crate::event::shape::strip_version;

/// A call, apart from who makes it and when.
#[derive(Clone)]
pub(crate) struct Call<'a> {
    service: &'a str,
    name: &'a str,
    region: &'a str,
    kind: &'a str,
    request: Value,
    response: Value,
    error: Option<(&'a str, String)>,
    /// Fields that only some records have, in writing order.
    extra: Vec<(&'static str, Value)>,
}

/// Services whose records all appear in one region.
fn is_global(service: &str) -> bool {
    matches!(service, "iam" | "organizations" | "account" | "signin")
}

impl<'a> Call<'a> {
    /// A call of `service` (the part before `.amazonaws.com`) in `region`; records of global
    /// services go where those log.
    pub(crate) fn new(service: &'a str, name: &'a str, region: &'a str) -> Self {
        Self {
            service,
            name,
            region: if is_global(service) { GLOBAL } else { region },
            kind: "AwsApiCall",
            request: Value::Null,
            response: Value::Null,
            error: None,
            extra: Vec::new(),
        }
    }

    /// A call of IAM.
    pub(crate) fn iam(name: &'a str) -> Self {
        Self::new("iam", name, GLOBAL)
    }

    /// Sets `requestParameters`.
    pub(crate) fn request(mut self, request: Value) -> Self {
        self.request = request;
        self
    }

    /// Adds to `requestParameters`, where they have fields.
    pub(crate) fn and_request(mut self, more: Value) -> Self {
        if let (Some(request), Value::Object(more)) = (self.request.as_object_mut(), more) {
            request.extend(more);
        }
        self
    }

    /// Sets `responseElements`.
    pub(crate) fn response(mut self, response: Value) -> Self {
        self.response = response;
        self
    }

    /// Sets the type of event, `AwsApiCall` otherwise.
    pub(crate) fn kind(mut self, kind: &'a str) -> Self {
        self.kind = kind;
        self
    }

    /// Adds a field that only some records have.
    pub(crate) fn with(mut self, key: &'static str, value: Value) -> Self {
        self.extra.push((key, value));
        self
    }

    /// Adds `resources` with one entry of this account.
    pub(crate) fn on(self, kind: &str, arn: &str) -> Self {
        let entry = json!([{"accountId": PROD, "type": kind, "ARN": arn}]);
        self.with("resources", entry)
    }

    /// Makes it a call of S3 on a bucket.
    pub(crate) fn on_bucket(self, bucket: &str) -> Self {
        self.at_bucket(bucket).on("AWS::S3::Bucket", &format!("arn:aws:s3:::{bucket}"))
    }

    /// Makes it a call of S3 on an object.
    pub(crate) fn on_object(self, bucket: &str, key: &str) -> Self {
        let resources = json!([
            {"type": "AWS::S3::Object", "ARN": format!("arn:aws:s3:::{bucket}/{key}")},
            {"accountId": PROD, "type": "AWS::S3::Bucket", "ARN": format!("arn:aws:s3:::{bucket}")},
        ]);
        self.at_bucket(bucket).and_request(json!({"key": key})).with("resources", resources)
    }

    fn at_bucket(self, bucket: &str) -> Self {
        let host = format!("{bucket}.s3.{}.amazonaws.com", self.region);
        self.request(json!({"bucketName": bucket, "Host": host}))
    }

    /// Adds how many bytes S3 sent out, and `id`, by which it knows the request.
    pub(crate) fn transferred(self, out: u32, id: &str) -> Self {
        let transfer = json!({
            "SignatureVersion": "SigV4",
            "CipherSuite": "TLS_AES_128_GCM_SHA256",
            "bytesTransferredIn": 0,
            "bytesTransferredOut": out,
            "AuthenticationMethod": "AuthHeader",
            "x-amz-id-2": id,
        });
        self.with("additionalEventData", transfer)
    }

    /// Makes the call fail.
    pub(crate) fn failed(mut self, code: &'a str, message: impl Into<String>) -> Self {
        self.error = Some((code, message.into()));
        self
    }

    /// Makes the call fail for lack of permission. As in real records, the request is gone and
    /// the message alone tells what was tried.
    pub(crate) fn denied(mut self, actor: &Actor, action: &str, resource: &str) -> Self {
        self.request = Value::Null;
        let service = self.service;
        let message = format!(
            "User: {} is not authorized to perform: {service}:{action} on resource: {resource} because no identity-based policy allows the {service}:{action} action",
            actor.arn()
        );
        let code = if service == "ec2" { "Client.UnauthorizedOperation" } else { "AccessDenied" };
        self.failed(code, message)
    }

    /// Whether it only asks about what is there, so that a refusal changes nothing in a story.
    pub(crate) fn is_question(&self) -> bool {
        const ASKS: [&str; 3] = ["Get", "List", "Describe"];
        self.error.is_none()
            && self.is_management()
            && !matches!(self.service, "sts" | "signin" | "secretsmanager" | "ssm")
            && ASKS.iter().any(|prefix| self.name.starts_with(prefix))
    }

    /// The same call, refused.
    pub(crate) fn refused(&self, actor: &Actor) -> Self {
        let call = Self { response: Value::Null, ..self.clone() };
        call.denied(actor, strip_version(self.name), "*")
    }

    /// The region in whose files the record is delivered.
    pub(crate) fn region(&self) -> &str {
        self.region
    }

    /// Whether its record appears in the region of the call.
    pub(crate) fn is_regional(&self) -> bool {
        !is_global(self.service) && !matches!(self.service, "sts" | "support")
    }

    /// Whether this is a management event, the kind that a trail can be told to leave out.
    pub(crate) fn is_management(&self) -> bool {
        !matches!(
            (self.service, self.name),
            ("s3", "GetObject" | "PutObject" | "ListObjects" | "CopyObject" | "DeleteObject" | "DeleteObjects")
                | ("dynamodb", "GetItem" | "PutItem" | "Query" | "UpdateItem")
                | ("sqs", "SendMessage" | "ReceiveMessage" | "DeleteMessage")
                | ("ses", "SendEmail" | "SendRawEmail")
        )
    }

    fn is_read_only(&self) -> bool {
        const READS: [&str; 13] = [
            "Get",
            "List",
            "Describe",
            "Head",
            "AssumeRole",
            "Decrypt",
            "GenerateDataKey",
            "LookupEvents",
            "Query",
            "BatchGet",
            "ReceiveMessage",
            "InvokeModel",
            "Converse",
        ];
        READS.iter().any(|prefix| self.name.starts_with(prefix))
    }

    /// Appends the record as JSON, `ids` being the request's and the event's.
    pub(crate) fn render(&self, out: &mut String, actor: &Actor, at: i64, ids: [u128; 2]) {
        text(out, "{\"eventVersion\":\"1.11\",\"userIdentity\":", &actor.rendered);
        quoted(out, ",\"eventTime\":", &rfc3339(at));
        text(out, ",\"eventSource\":\"", self.service);
        text(out, ".amazonaws.com\",\"eventName\":\"", self.name);
        text(out, "\",\"awsRegion\":\"", self.region);
        text(out, "\",\"sourceIPAddress\":", &actor.address);
        text(out, ",\"userAgent\":", &actor.agent);
        if let Some((code, message)) = &self.error {
            quoted(out, ",\"errorCode\":", code);
            text(out, ",\"errorMessage\":", &Value::from(message.as_str()).to_string());
        }
        text(out, ",\"requestParameters\":", &self.request.to_string());
        text(out, ",\"responseElements\":", &self.response.to_string());
        out.push_str(",\"requestID\":\"");
        push_uuid(out, ids[0]);
        out.push_str("\",\"eventID\":\"");
        push_uuid(out, ids[1]);
        text(out, "\",\"readOnly\":", truth(self.is_read_only()));
        for (key, value) in &self.extra {
            text(out, ",\"", key);
            text(out, "\":", &value.to_string());
        }
        let management = self.is_management();
        quoted(out, ",\"eventType\":", self.kind);
        text(out, ",\"managementEvent\":", truth(management));
        quoted(out, ",\"recipientAccountId\":", &actor.trail);
        let category = if management { "Management" } else { "Data" };
        quoted(out, ",\"eventCategory\":", category);
        if !actor.service {
            self.render_tls(out);
        }
        if actor.console {
            quoted(out, ",\"sessionCredentialFromConsole\":", "true");
        }
        out.push('}');
    }

    fn render_tls(&self, out: &mut String) {
        out.push_str(",\"tlsDetails\":{\"tlsVersion\":\"TLSv1.3\",\"cipherSuite\":\"TLS_AES_128_GCM_SHA256\",\"clientProvidedHostHeader\":\"");
        out.push_str(self.service);
        if !is_global(self.service) {
            text(out, ".", self.region);
        }
        out.push_str(".amazonaws.com\"}");
    }
}

fn text(out: &mut String, before: &str, value: &str) {
    out.push_str(before);
    out.push_str(value);
}

/// For values known to need no escapes.
fn quoted(out: &mut String, before: &str, value: &str) {
    text(out, before, "\"");
    text(out, value, "\"");
}

fn truth(value: bool) -> &'static str {
    if value { "true" } else { "false" }
}
