//! Applications: instances, functions and tasks that use their roles all day.

use fastrand::Rng;
use serde_json::json;

use super::actor::{Actor, Role};
use super::cast::{CUSTOMER_ROLES, HOME, PROD, agent, secrets};
use super::clock::HOUR;
use super::deploy::function_arn;
use super::ident::hex;
use super::log::Scene;
use super::record::Call;

/// What runs a piece of software.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Host {
    Instance,
    Function,
    Task,
}

/// One running copy of an application.
struct Workload {
    host: Host,
    role: Role,
    region: &'static str,
    /// Instance id, function name or task id: the name of its sessions.
    name: String,
    address: String,
    callers: Option<Callers>,
    /// The second at which its credentials are renewed.
    renewal: i64,
}

/// A session, as itself and as S3 uses it to decrypt on its behalf.
struct Callers {
    own: Actor,
    by_storage: Actor,
}

/// All that runs.
pub(crate) struct Workloads {
    running: Vec<Workload>,
}

impl Workloads {
    /// As many copies as the noise keeps busy.
    pub(crate) fn new(rng: &mut Rng, noise: f64) -> Self {
        let copies = |usual: usize, share: f64| usual + (noise * share) as usize;
        let mut running = Vec::new();
        for copy in 0..copies(2, 0.3) {
            let name = format!("i-0{}", hex(rng, 16));
            running.push(Workload::new(Host::Instance, "app-web", copy, name));
        }
        for copy in 0..copies(3, 0.15) {
            let service = ["orders-api", "billing-export", "search-index"][copy % 3];
            let name = match copy / 6 {
                0 => service.to_owned(),
                shard => format!("{service}-{shard}"),
            };
            running.push(Workload::new(Host::Function, &format!("{service}-exec"), copy, name));
        }
        for copy in 0..copies(3, 0.05) {
            let name = hex(rng, 32);
            running.push(Workload::new(Host::Task, CUSTOMER_ROLES[copy % 3], copy, name));
        }
        Self { running }
    }

    /// Renews credentials that are due and makes about `count` calls.
    pub(crate) fn live(&mut self, scene: &mut Scene<'_>, count: usize) {
        for workload in &mut self.running {
            if workload.renewal <= scene.hour.start {
                workload.renew(scene);
            }
        }
        for _ in 0..count {
            let place = scene.rng.usize(..self.running.len());
            let at = scene.hour.any(scene.rng);
            if let Some(workload) = self.running.get(place) {
                workload.call(scene, at);
            }
        }
    }
}

impl Workload {
    fn new(host: Host, role: &str, copy: usize, name: String) -> Self {
        Self {
            host,
            role: Role::named(role),
            region: HOME[copy / 3 % 2],
            name,
            address: format!("198.51.100.{}", 200 + copy % 40),
            callers: None,
            renewal: i64::MIN,
        }
    }

    /// AWS assumes the role on behalf of the host; a fresh instance reads its secrets.
    fn renew(&mut self, scene: &mut Scene<'_>) {
        let at = scene.hour.at(0, scene.rng.i64(0..30));
        let (service, agent, hours) = match self.host {
            Host::Instance => ("ec2", agent::APPLICATION, 6),
            Host::Function => ("lambda", agent::FUNCTION, 8),
            Host::Task => ("ecs-tasks", agent::APPLICATION, 6),
        };
        let caller = Actor::service(service);
        let key = scene.assume(&caller, at, self.region, &self.role, &self.name);
        let actor = Actor::session(&self.role, &self.name, &key, at).from(&self.address).with_agent(agent);
        let actor = match self.host {
            Host::Instance => actor.on_instance(self.region, &self.name),
            Host::Function => actor.in_function(&function_arn(self.region, &self.name)),
            Host::Task => actor,
        };
        if self.host == Host::Instance {
            for (second, name) in (2..).zip(secrets().iter().take(2)) {
                let call = get_secret(self.region, name);
                scene.write(&actor, at + second, &call);
            }
        }
        self.callers = Some(Callers { by_storage: actor.clone().via("s3.amazonaws.com"), own: actor });
        self.renewal = scene.hour.start + hours * HOUR;
    }

    fn call(&self, scene: &mut Scene<'_>, at: i64) {
        let Some(Callers { own, by_storage }) = &self.callers else {
            return;
        };
        let region = self.region;
        let service = self.role.name.trim_end_matches("-exec");
        let rng = &mut *scene.rng;
        let (actor, call) = match (self.host, rng.u8(0..10)) {
            (Host::Function, 0..5) => (own, table(rng, region, service)),
            (Host::Function, 5..7) => (own, log_stream(rng, region, service)),
            (_, 0..5) => (own, object(rng, region, service)),
            (Host::Instance, 5..7) => (own, parameter(region, service)),
            (Host::Task, 5..8) => (by_storage, decrypt(region, service)),
            _ => (own, message(rng, region, service)),
        };
        scene.write(actor, at, &call);
    }
}

/// `GetSecretValue` of a secret by its name.
pub(crate) fn get_secret<'a>(region: &'a str, name: &str) -> Call<'a> {
    Call::new("secretsmanager", "GetSecretValue", region)
        .request(json!({"secretId": name, "versionStage": "AWSCURRENT"}))
}

fn parameter<'a>(region: &'a str, service: &str) -> Call<'a> {
    let name = format!("/prod/{service}/flags");
    let arn = format!("arn:aws:ssm:{region}:{PROD}:parameter{name}");
    Call::new("ssm", "GetParameter", region)
        .request(json!({"name": name, "withDecryption": false}))
        .on("AWS::SSM::Parameter", &arn)
}

fn table<'a>(rng: &mut Rng, region: &'a str, service: &str) -> Call<'a> {
    let operation = ["GetItem", "PutItem", "Query", "UpdateItem"][rng.usize(..4)];
    let arn = format!("arn:aws:dynamodb:{region}:{PROD}:table/{service}");
    Call::new("dynamodb", operation, region)
        .request(json!({
            "tableName": service,
            "key": {"id": format!("{:016x}", rng.u64(..))},
            "consistentRead": false,
            "returnConsumedCapacity": "NONE",
        }))
        .on("AWS::DynamoDB::Table", &arn)
}

fn message<'a>(rng: &mut Rng, region: &'a str, service: &str) -> Call<'a> {
    let queue = format!("https://sqs.{region}.amazonaws.com/{PROD}/{service}-jobs");
    let arn = format!("arn:aws:sqs:{region}:{PROD}:{service}-jobs");
    let operation = ["SendMessage", "ReceiveMessage", "DeleteMessage"][rng.usize(..3)];
    Call::new("sqs", operation, region)
        .request(json!({"queueUrl": queue, "maxNumberOfMessages": 10, "waitTimeSeconds": 20}))
        .on("AWS::SQS::Queue", &arn)
}

fn log_stream<'a>(rng: &mut Rng, region: &'a str, service: &str) -> Call<'a> {
    Call::new("logs", "CreateLogStream", region).request(json!({
        "logGroupName": format!("/aws/lambda/{service}"),
        "logStreamName": format!("[$LATEST]{:032x}", rng.u128(..)),
    }))
}

fn decrypt<'a>(region: &'a str, service: &str) -> Call<'a> {
    let key = format!("arn:aws:kms:{region}:{PROD}:key/0d6c4b6e-6f1e-4f0a-9d0a-52d1c0a8e7b1");
    Call::new("kms", "Decrypt", region)
        .request(json!({
            "encryptionContext": {"aws:s3:arn": format!("arn:aws:s3:::example-{service}-{region}")},
            "encryptionAlgorithm": "SYMMETRIC_DEFAULT",
        }))
        .on("AWS::KMS::Key", &key)
}

/// An object of the application's bucket; now and then with a token that has run out.
fn object<'a>(rng: &mut Rng, region: &'a str, service: &str) -> Call<'a> {
    let bucket = format!("example-{service}-{region}");
    let key = format!("data/{:02x}/{:016x}.json", rng.u8(..), rng.u64(..));
    let operation = ["GetObject", "GetObject", "PutObject"][rng.usize(..3)];
    let (out, id) = (rng.u32(200..90_000), format!("{:032x}{:032x}", rng.u128(..), rng.u128(..)));
    let call = Call::new("s3", operation, region).transferred(out, &id).on_object(&bucket, &key);
    if rng.u8(0..100) == 0 { call.failed("ExpiredToken", "The provided token has expired.") } else { call }
}
