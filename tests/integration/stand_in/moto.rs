//! moto: the widest coverage of shapes, Cost Explorer's answers, `DynamoDB`.

use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use super::python::{Recipe, interpreter};
use super::server::{Server, request, status};

/// moto's own extras bring many times as much. 3.11 is the Python of Debian 12, and enough.
const RECIPE: Recipe = Recipe { name: "moto", requirements: include_str!("moto.txt"), minor: 11 };

/// A Python with boto3; none where the machine cannot have it.
pub(super) fn boto() -> Option<PathBuf> {
    interpreter(&RECIPE)
}

/// moto itself, answering one request after the other: a conditional write of it is not atomic between threads.
const SERVE: &str = "\
import sys
from werkzeug.serving import run_simple
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
run_simple('127.0.0.1', int(sys.argv[1]), DomainDispatcherApplication(create_backend_app), threaded=False,
           request_handler=MotoRequestHandler)
";

/// The account of the stand-in.
pub(crate) const MOTO_ACCOUNT: &str = "123456789012";

/// A moto server of its own for a test.
pub(crate) struct Moto(Server);

impl Moto {
    /// Starts a server; none where the machine has no Python for it.
    pub(crate) fn start() -> Option<Self> {
        Self::launch(&[])
    }

    /// Starts a server that knows the policies of AWS.
    pub(crate) fn with_policies() -> Option<Self> {
        Self::launch(&[("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")])
    }

    fn launch(settings: &[(&str, &str)]) -> Option<Self> {
        let python = interpreter(&RECIPE)?;
        Some(Self(Server::start("/moto-api/", |port, _| {
            let mut server = Command::new(python);
            server.args(["-c", SERVE, &port.to_string()]).envs(settings.iter().copied());
            server
        })))
    }

    pub(crate) fn url(&self) -> String {
        self.0.url()
    }

    /// Queues answers of GetCostAndUsage; each request body takes the next.
    pub(crate) fn cost_and_usage(&self, pages: &[Value]) {
        let body = json!({ "results": pages }).to_string();
        let answer = request(self.0.port, "POST", "/moto-api/static/ce/cost-and-usage-results", &[], body.as_bytes());
        assert_eq!(status(&answer.unwrap()), 201);
    }

    /// Makes a table with the keys that the state has: a hash `pk` and a range `sk`, both text.
    pub(crate) fn table(&self, name: &str) {
        let body = json!({
            "TableName": name,
            "AttributeDefinitions": [
                { "AttributeName": "pk", "AttributeType": "S" },
                { "AttributeName": "sk", "AttributeType": "S" },
            ],
            "KeySchema": [
                { "AttributeName": "pk", "KeyType": "HASH" },
                { "AttributeName": "sk", "KeyType": "RANGE" },
            ],
            "BillingMode": "PAY_PER_REQUEST",
        });
        let (status, answer) = self.0.call("DynamoDB_20120810.CreateTable", &body);
        assert_eq!(status, 200, "{answer}");
    }
}
