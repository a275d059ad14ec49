//! Deployments: Terraform in CI by a long-term key, and the source repository's role.

use serde_json::{Value, json};

use super::actor::{Actor, Role};
use super::bill::Story;
use super::cast::{CI_ADDRESS, CI_KEY, DEPLOYED, GLOBAL, HOME, PROD, agent};
use super::clock::formatted;
use super::ident::{access_key, alphanumeric, hex, session_token, uuid};
use super::log::{SESSION_SECONDS, Scene, minted};
use super::record::Call;

/// The CI user.
pub(crate) const CI_USER: &str = "ci-deployer";
const SUBJECT: &str = "repo:org/infra:ref:refs/heads/main";
const ISSUER: &str = "token.actions.githubusercontent.com";
/// Functions that are deployed all the time.
const FUNCTIONS: [&str; 4] = ["orders-api", "billing-export", "search-index", "key-rotator"];
/// Hours of the day at which the repository's pipeline deploys.
const ROLL_OUT_HOURS: [u32; 4] = [9, 11, 14, 16];

/// The ARN of the function `name`.
pub(crate) fn function_arn(region: &str, name: &str) -> String {
    format!("arn:aws:lambda:{region}:{PROD}:function:{name}")
}

/// A base64 SHA-256, in shape.
pub(crate) fn code_hash(scene: &mut Scene<'_>) -> String {
    format!("{}=", alphanumeric(scene.rng, 43))
}

/// Both pipelines.
pub(crate) fn live(scene: &mut Scene<'_>) {
    for half in [7, 37] {
        terraform(scene, half);
    }
    if ROLL_OUT_HOURS.contains(&scene.hour.of_day) && scene.hour.is_workday() {
        pipeline(scene);
    }
}

/// One run of Terraform: it looks around, and every third run changes something.
fn terraform(scene: &mut Scene<'_>, minute: i64) {
    let actor = Actor::user(CI_USER, CI_KEY, CI_ADDRESS, agent::TERRAFORM);
    let mut at = scene.hour.at(minute, scene.rng.i64(0..60));
    let run = scene.hour.of_day * 2 + u32::from(minute > 30);
    let region = HOME[usize::from(run % 6 >= 3)];
    let whoami = Call::new("sts", "GetCallerIdentity", GLOBAL);
    scene.write(&actor, at, &whoami);
    for _ in 0..scene.count(3) {
        at += scene.rng.i64(1..4);
        let function = scene.pick(&FUNCTIONS);
        let call = match scene.rng.u8(0..5) {
            0 => Call::new("lambda", "GetFunction20150331v2", region).request(json!({"functionName": function})),
            1 => Call::new("ec2", "DescribeVpcs", region).request(json!({"vpcSet": {}, "filterSet": {}})),
            2 => Call::new("events", "DescribeRule", region).request(json!({"name": format!("{function}-schedule")})),
            3 => Call::iam("GetRole").request(json!({"roleName": format!("{function}-exec")})),
            _ => Call::new("s3", "GetBucketTagging", region)
                .request(json!({"bucketName": "example-prod-assets", "tagging": ""})),
        };
        scene.write(&actor, at, &call);
    }
    if run.is_multiple_of(3) {
        let call = terraform_write(scene, region, scene.hour.day + run / 3, at + 4);
        scene.write(&actor, at + 4, &call);
    }
}

/// The change of a run; the kinds take turns.
fn terraform_write<'a>(scene: &mut Scene<'_>, region: &'a str, turn: u32, at: i64) -> Call<'a> {
    let function = scene.pick(&FUNCTIONS[..3]);
    match turn % 4 {
        0 => {
            let hash = code_hash(scene);
            let role = format!("{function}-exec");
            update_code(scene, region, &Function::ordinary(function, &role, &hash), at)
        }
        1 => {
            let rule = format!("{function}-schedule");
            let arn = format!("arn:aws:events:{region}:{PROD}:rule/{rule}");
            Call::new("events", "PutRule", region)
                .request(json!({
                    "name": rule,
                    "scheduleExpression": "rate(1 hour)",
                    "state": "ENABLED",
                    "eventBusName": "default",
                }))
                .response(json!({"ruleArn": arn}))
        }
        2 => Call::new("s3", "PutBucketTagging", region).request(json!({
            "bucketName": "example-prod-assets",
            "Host": format!("example-prod-assets.s3.{region}.amazonaws.com"),
            "tagging": "",
            "Tagging": {"TagSet": {"Tag": [{"Key": "team", "Value": "platform"}]}},
        })),
        _ => Call::new("ec2", "CreateTags", region)
            .request(json!({
                "resourcesSet": {"items": [{"resourceId": "vpc-0a1b2c3d4e5f60718"}]},
                "tagSet": {"items": [{"key": "managed-by", "value": "terraform"}]},
            }))
            .response(json!({"requestId": hex(scene.rng, 32), "_return": true})),
    }
}

fn update_code<'a>(scene: &mut Scene<'_>, region: &'a str, function: &Function<'_>, at: i64) -> Call<'a> {
    let key = format!("{}/{}.zip", function.name, hex(scene.rng, 12));
    Call::new("lambda", "UpdateFunctionCode20150331v2", region)
        .request(json!({
            "functionName": function.name,
            "s3Bucket": format!("example-artifacts-{region}"),
            "s3Key": key,
            "publish": false,
            "dryRun": false,
        }))
        .response(function.state(scene, region, at))
}

/// What the drill says about one function.
pub(crate) struct Function<'a> {
    pub(crate) name: &'a str,
    /// Name of the role it runs as.
    pub(crate) role: &'a str,
    /// Hash of its code.
    pub(crate) hash: &'a str,
    /// Memory in MB and time-out in seconds.
    pub(crate) size: [u32; 2],
}

impl<'a> Function<'a> {
    /// A function of the size that the company uses.
    fn ordinary(name: &'a str, role: &'a str, hash: &'a str) -> Self {
        let size = [512, 30];
        Self { name, role, hash, size }
    }

    /// Creates it with code that the record does not show.
    pub(crate) fn create<'c>(&self, region: &'c str) -> Call<'c> {
        Call::new("lambda", "CreateFunction20150331", region).request(json!({
            "functionName": self.name,
            "runtime": "python3.12",
            "role": Role::named(self.role).arn(),
            "handler": "app.handler",
            "memorySize": self.size[0],
            "timeout": self.size[1],
            "publish": false,
            "code": {},
        }))
    }

    /// What Lambda answers about it after a change at the second `at`.
    pub(crate) fn state(&self, scene: &mut Scene<'_>, region: &str, at: i64) -> Value {
        json!({
            "functionName": self.name,
            "functionArn": function_arn(region, self.name),
            "runtime": "python3.12",
            "role": Role::named(self.role).arn(),
            "handler": "app.handler",
            "codeSize": 4_812,
            "description": "",
            "memorySize": self.size[0],
            "timeout": self.size[1],
            "lastModified": formatted(at, "%Y-%m-%dT%H:%M:%S.000+0000"),
            "codeSha256": self.hash,
            "version": "$LATEST",
            "tracingConfig": {"mode": "PassThrough"},
            "revisionId": uuid(scene.rng.u128(..)),
            "packageType": "Zip",
            "architectures": ["x86_64"],
            "ephemeralStorage": {"size": 512},
        })
    }
}

/// A session of `gh-deployer`, opened by the token of a workflow run.
fn federated(scene: &mut Scene<'_>, at: i64) -> Actor {
    let role = Role::named("gh-deployer");
    let address = format!("198.51.100.{}", 128 + scene.rng.u8(0..8));
    let session = "GitHubActions";
    let key = access_key(scene.rng, "ASIA");
    let token = session_token(scene.rng);
    let provider = format!("arn:aws:iam::{PROD}:oidc-provider/{ISSUER}");
    let identity = json!({
        "type": "WebIdentityUser",
        "principalId": format!("{provider}:sts.amazonaws.com:{SUBJECT}"),
        "userName": SUBJECT,
        "identityProvider": provider,
    });
    let caller = Actor::new(identity, &address, agent::ACTION);
    let mut response = minted(&role, session, &key, &token, at);
    response["provider"] = Value::from(provider.as_str());
    response["subjectFromWebIdentityToken"] = Value::from(SUBJECT);
    response["audience"] = Value::from("sts.amazonaws.com");
    let call = Call::new("sts", "AssumeRoleWithWebIdentity", GLOBAL)
        .request(json!({
            "roleArn": role.arn(),
            "roleSessionName": session,
            "durationSeconds": SESSION_SECONDS,
        }))
        .response(response)
        .on("AWS::IAM::Role", &role.arn());
    scene.write(&caller, at, &call);
    Actor::session(&role, session, &key, at).from(&address).with_agent(agent::ACTION).web_federated(&provider)
}

/// A run of the repository's pipeline: the same code to every region it serves.
fn pipeline(scene: &mut Scene<'_>) {
    let mut at = scene.hour.at(scene.rng.i64(2..40), 0);
    let actor = federated(scene, at);
    let hash = code_hash(scene);
    let name = scene.pick(&FUNCTIONS[..3]);
    let role = format!("{name}-exec");
    let function = Function::ordinary(name, &role, &hash);
    for region in DEPLOYED {
        at += scene.rng.i64(8..40);
        let stack = format!("infra-{name}");
        let changes = json!({"stackName": stack, "changeSetName": format!("run-{}", scene.hour.start)});
        let id = format!("arn:aws:cloudformation:{region}:{PROD}:stack/{stack}");
        let create = Call::new("cloudformation", "CreateChangeSet", region)
            .request(changes.clone())
            .response(json!({"stackId": id}));
        scene.write(&actor, at, &create);
        let describe = Call::new("cloudformation", "DescribeChangeSet", region).request(changes);
        scene.write(&actor, at + 3, &describe);
        let update = update_code(scene, region, &function, at + 6);
        scene.write(&actor, at + 6, &update);
        let publish = Call::new("lambda", "PublishVersion20150331", region)
            .request(json!({"functionName": name}))
            .response(function.state(scene, region, at + 8));
        scene.write(&actor, at + 8, &publish);
    }
    // A new service comes about once a week, and once before the baseline is a day old.
    if scene.hour.of_day == ROLL_OUT_HOURS[1] && scene.hour.day % 7 < 1 {
        create_everywhere(scene, &actor, at + 60);
    }
}

/// Creates one function, with the same code, in every region that the pipeline serves.
fn create_everywhere(scene: &mut Scene<'_>, actor: &Actor, mut at: i64) {
    let name = format!("service-{}", hex(scene.rng, 4));
    let hash = code_hash(scene);
    let role = format!("{}-exec", FUNCTIONS[0]);
    let function = Function::ordinary(&name, &role, &hash);
    let actor = actor.clone().via("cloudformation.amazonaws.com");
    for region in DEPLOYED {
        at += scene.rng.i64(5..20);
        let create = function
            .create(region)
            .and_request(json!({
                "code": {"s3Bucket": format!("example-artifacts-{region}"), "s3Key": format!("{name}.zip")},
                "tags": {"team": "platform", "repository": "org/infra"},
            }))
            .response(function.state(scene, region, at));
        scene.write(&actor, at, &create);
        let tag = Call::new("lambda", "TagResource20170331v2", region).request(json!({
            "resource": function_arn(region, &name),
            "tags": {"aws:cloudformation:stack-name": "StackSet-infra", "team": "platform"},
        }));
        scene.write(&actor, at + 2, &tag);
    }
}

/// The benign twin of functions in every region: a stack set rolls the same code out to the
/// regions that the pipeline always serves, without a URL and without a schedule. Returns what
/// runs from then on.
pub(crate) fn roll_out(scene: &mut Scene<'_>) -> Story {
    let at = scene.hour.at(scene.rng.i64(2..30), 0);
    let actor = federated(scene, at);
    let request = json!({
        "stackSetName": "infra-edge",
        "accounts": [PROD],
        "regions": DEPLOYED,
        "operationPreferences": {"maxConcurrentCount": 4},
    });
    let call = Call::new("cloudformation", "CreateStackInstances", GLOBAL)
        .request(request)
        .response(json!({"operationId": uuid(scene.rng.u128(..))}));
    scene.write(&actor, at + 5, &call);
    create_everywhere(scene, &actor, at + 20);
    Story { from: at + 120, regions: DEPLOYED.map(str::to_owned).to_vec(), memory: 512 }
}
