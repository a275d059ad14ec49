//! A leaked key of a chat service sells access to language models.

use serde_json::{Value, json};

use super::hand::Hand;
use crate::drill::actor::{Actor, Role, user_arn};
use crate::drill::bill::Story;
use crate::drill::cast::{GLOBAL, PROD, agent};
use crate::drill::clock::iam_date;
use crate::drill::ident::{alphanumeric, entity_id};
use crate::drill::log::Scene;
use crate::drill::people::sign_in;
use crate::drill::record::Call;
use crate::drill::truth::Truth;

/// The chat service's user, and its key, the one that leaks.
const CHAT_USER: &str = "svc-chat";
const CHAT_KEY: &str = "AKIAEXAMPLESC0000001";
const CHAT_ADDRESS: &str = "198.51.100.70";
/// The model that the company uses, and those that are worth stealing.
const USUAL: &str = "anthropic.claude-3-haiku-20240307-v1:0";
const WANTED: [&str; 5] = [
    "anthropic.claude-sonnet-4-20250514-v1:0",
    "anthropic.claude-opus-4-20250514-v1:0",
    "anthropic.claude-3-7-sonnet-20250219-v1:0",
    "anthropic.claude-3-5-sonnet-20241022-v2:0",
    "amazon.nova-premier-v1:0",
];
/// Where the stolen access is sold, and where models are looked for.
const SOLD: [&str; 3] = ["us-east-1", "us-west-2", "eu-central-1"];
const LOOKED: usize = 6;
/// Calls a minute over all regions, and for how many minutes.
const RATE: i64 = 400;
const MINUTES: i64 = 6;

/// What the chat service does all day: a few calls of one model, with a key in the attack's version of the company and
/// with a role that works inside the network in both.
pub(super) fn background(scene: &mut Scene<'_>) {
    let user = Actor::user(CHAT_USER, CHAT_KEY, CHAT_ADDRESS, agent::BOT);
    let at = scene.hour.at(0, scene.rng.i64(0..60));
    let role = chat_role(scene, at);
    for _ in 0..scene.count(4).max(1) {
        let at = scene.hour.any(scene.rng);
        scene.write(&user, at, &ask("InvokeModel", GLOBAL, USUAL));
    }
    for _ in 0..scene.count(4).max(1) {
        let at = at + 5 + scene.rng.i64(0..3_000);
        scene.write(&role, at, &inside(ask("InvokeModel", GLOBAL, USUAL)));
    }
}

/// The company's assistant as a task inside the network.
fn chat_role(scene: &mut Scene<'_>, at: i64) -> Actor {
    let role = Role::named("chat-assistant");
    let key = scene.assume(&Actor::service("ecs-tasks"), at, GLOBAL, &role, "6f2b8c1de4a74b0f9a3c5d7e1f203142");
    Actor::session(&role, "6f2b8c1de4a74b0f9a3c5d7e1f203142", &key, at).from("10.20.4.17").with_agent(agent::BOT)
}

/// A call over an endpoint of the network.
fn inside(call: Call<'_>) -> Call<'_> {
    call.with("vpcEndpointId", "vpce-0f1e2d3c4b5a69788".into()).with("vpcEndpointAccountId", PROD.into())
}

/// A call of a model.
fn ask<'a>(name: &'a str, region: &'a str, model: &str) -> Call<'a> {
    Call::new("bedrock", name, region).request(json!({"modelId": model}))
}

fn bedrock<'a>(name: &'a str, region: &'a str, request: Value) -> Call<'a> {
    Call::new("bedrock", name, region).request(request)
}

/// Plays the attack within the scene's hour and the next; returns what runs from then on.
pub(super) fn attack(scene: &mut Scene<'_>, regions: &[String], truth: &mut Truth) -> Story {
    let start = scene.hour.at(scene.rng.i64(0..40), scene.rng.i64(0..60));
    let addresses: [String; 3] =
        [20..60_u8, 60..120, 120..220].map(|range| format!("203.0.113.{}", scene.rng.u8(range)));
    truth.enter_by(&user_arn(CHAT_USER), CHAT_KEY);
    let thief = |address: &str| Actor::user(CHAT_USER, CHAT_KEY, address, agent::ATTACKER);
    let actor = thief(&addresses[0]);
    let mut hand = Hand { scene, truth, actor };
    try_out(&mut hand, start, regions);
    hand.truth.open_by(start + 60);
    unlock(&mut hand, start + 60);
    let places: Vec<&str> = SOLD.into_iter().filter(|sold| regions.iter().any(|region| region == sold)).collect();
    let buyer = thief(&addresses[1]);
    sell(&mut hand.with(buyer), start + 120, if places.is_empty() { &SOLD[..1] } else { &places });
    hand.actor = thief(&addresses[2]);
    hide(&mut hand, start + 150);
    Story::default()
}

/// What is logged, which models answer, and where there are more.
fn try_out(hand: &mut Hand<'_, '_>, start: i64, regions: &[String]) {
    hand.ask(start, &Call::new("bedrock", "GetModelInvocationLoggingConfiguration", GLOBAL));
    for (second, model) in (6..).zip(WANTED) {
        let call = ask("InvokeModel", GLOBAL, model)
            .failed("ValidationException", "max_tokens_to_sample: range: 1..1,000,000");
        hand.ask(start + second * 2, &call);
    }
    let mut places = regions.to_vec();
    hand.scene.rng.shuffle(&mut places);
    for (second, region) in (30..).zip(places.iter().take(LOOKED)) {
        hand.ask(start + second, &Call::new("bedrock", "ListFoundationModels", region));
    }
    for (second, model) in (40..).zip(WANTED) {
        let call = bedrock("GetFoundationModelAvailability", GLOBAL, json!({"modelId": model}));
        hand.ask(start + second, &call);
    }
}

/// Access to models that the company never asked for. What the forms say is not in the log.
fn unlock(hand: &mut Hand<'_, '_>, at: i64) {
    hand.change(at, &bedrock("PutUseCaseForModelAccess", GLOBAL, Value::Null));
    for (place, model) in (0..).zip(WANTED.into_iter().take(3)) {
        let offer = json!({"modelId": model, "offerToken": "HIDDEN_DUE_TO_SECURITY_REASONS"});
        let answer = json!({"modelId": model});
        let call = bedrock("CreateFoundationModelAgreement", GLOBAL, offer).response(answer);
        hand.change(at + 5 + 4 * place, &call);
        let call = bedrock("PutFoundationModelEntitlement", GLOBAL, json!({"modelId": model}))
            .response(json!({"status": "SUCCESS"}));
        hand.change(at + 7 + 4 * place, &call);
    }
}

/// Hundreds of calls a minute, as the customers of the thief come.
fn sell(hand: &mut Hand<'_, '_>, at: i64, places: &[&str]) {
    for number in 0..RATE * MINUTES {
        let region = hand.scene.pick(places);
        let model = WANTED[hand.scene.rng.usize(..3)];
        let at = at + number * 60 / RATE;
        let call = ask("InvokeModelWithResponseStream", region, model);
        if hand.scene.rng.u8(0..40) == 0 {
            hand.ask(at, &call.failed("ThrottlingException", "Too many requests, please wait before trying again."));
        } else {
            hand.change(at, &call);
        }
    }
}

/// The log of calls goes, and a key for Bedrock alone comes, which shows no access key id.
fn hide(hand: &mut Hand<'_, '_>, at: i64) {
    hand.change(at, &Call::new("bedrock", "DeleteModelInvocationLoggingConfiguration", GLOBAL));
    let id = format!("ACCAEXAMPLE{}", alphanumeric(hand.scene.rng, 10).to_uppercase());
    let request = json!({"userName": CHAT_USER, "serviceName": "bedrock.amazonaws.com"});
    let answer = json!({"serviceSpecificCredential": {
        "createDate": iam_date(at + 40),
        "serviceName": "bedrock.amazonaws.com",
        "serviceCredentialAlias": format!("{}-at-{PROD}", entity_id("AIDA", CHAT_USER)),
        "serviceSpecificCredentialId": id,
        "userName": CHAT_USER,
        "status": "Active",
    }});
    let call = Call::iam("CreateServiceSpecificCredential").request(request).response(answer);
    hand.make(at + 40, &call, &format!("{}#{id}", user_arn(CHAT_USER)));
}

/// The benign look-alike: an administrator unlocks one more model in the console, and the assistant then uses it.
pub(super) fn twin(scene: &mut Scene<'_>) {
    let person = sign_in(scene, "alice");
    let at = scene.hour.at(12, scene.rng.i64(0..60));
    let model = WANTED[0];
    scene.write(&person, at, &Call::new("bedrock", "ListFoundationModels", GLOBAL));
    scene.write(&person, at + 40, &bedrock("PutUseCaseForModelAccess", GLOBAL, Value::Null));
    let offer = json!({"modelId": model, "offerToken": "HIDDEN_DUE_TO_SECURITY_REASONS"});
    let agreed = bedrock("CreateFoundationModelAgreement", GLOBAL, offer).response(json!({"modelId": model}));
    scene.write(&person, at + 60, &agreed);
    let entitled = bedrock("PutFoundationModelEntitlement", GLOBAL, json!({"modelId": model}))
        .response(json!({"status": "SUCCESS"}));
    scene.write(&person, at + 62, &entitled);
    let role = chat_role(scene, at + 600);
    for number in 0..120 {
        scene.write(&role, at + 610 + 9 * number, &inside(ask("InvokeModelWithResponseStream", GLOBAL, model)));
    }
}
