//! A leaked key opens mail sending in every region and sends spam.

use serde_json::{Value, json};

use super::hand::{Hand, arn};
use crate::drill::actor::{Actor, Role, user_arn};
use crate::drill::bill::Story;
use crate::drill::bots::DEPLOY_BOT;
use crate::drill::cast::{DEPLOY_BOT_KEY, GLOBAL, PROD, agent};
use crate::drill::ident::{access_key, alphanumeric, hex};
use crate::drill::log::Scene;
use crate::drill::people::sign_in_as;
use crate::drill::record::Call;
use crate::drill::truth::Truth;

/// Domains that the spam comes from.
const DOMAINS: usize = 6;
/// Mails that are sent while the log is read.
const MAILS: i64 = 300;
const SENDS_MAIL: &str = "arn:aws:iam::aws:policy/AmazonSESFullAccess";

fn ses<'a>(name: &'a str, region: &'a str, request: Value) -> Call<'a> {
    Call::new("ses", name, region).request(request)
}

/// Asks AWS for leave to send to everybody.
fn ask_leave(region: &str) -> Call<'_> {
    ses(
        "PutAccountDetails",
        region,
        json!({
            "mailType": "MARKETING",
            "websiteURL": "HIDDEN_DUE_TO_SECURITY_REASONS",
            "contactLanguage": "EN",
            "useCaseDescription": "HIDDEN_DUE_TO_SECURITY_REASONS",
            "productionAccessEnabled": true,
        }),
    )
}

/// Makes `domain` one from which mail can come.
fn add_domain<'a>(scene: &mut Scene<'_>, region: &'a str, domain: &str) -> Call<'a> {
    let tokens: Vec<String> = (0..3).map(|_| alphanumeric(scene.rng, 32).to_lowercase()).collect();
    ses("CreateEmailIdentity", region, json!({"emailIdentity": domain})).response(json!({
        "identityType": "DOMAIN",
        "verifiedForSendingStatus": false,
        "dkimAttributes": {"signingEnabled": true, "status": "NOT_STARTED", "tokens": tokens},
    }))
}

/// Plays the attack within the scene's hour and the next; returns what runs from then on.
pub(super) fn attack(scene: &mut Scene<'_>, regions: &[String], truth: &mut Truth) -> Story {
    let start = scene.hour.at(scene.rng.i64(0..30), scene.rng.i64(0..60));
    let address = format!("203.0.113.{}", scene.rng.u8(60..100));
    let actor = Actor::user(DEPLOY_BOT, DEPLOY_BOT_KEY, &address, agent::ATTACKER);
    truth.enter_by(&user_arn(DEPLOY_BOT), DEPLOY_BOT_KEY);
    let mut hand = Hand { scene, truth, actor };
    hand.ask(start, &Call::new("sts", "GetCallerIdentity", GLOBAL));
    for (second, name) in (10..).zip(["GetAccount", "GetSendQuota", "ListIdentities", "ListEmailIdentities"]) {
        hand.ask(start + second, &Call::new("ses", name, GLOBAL));
    }
    let mut places = regions.to_vec();
    hand.scene.rng.shuffle(&mut places);
    for (place, region) in (0..).zip(&places) {
        hand.change(start + 60 + place * 10 / 17, &ask_leave(region));
    }
    hand.truth.open_by(start + 62);
    let domains = add_domains(&mut hand, start + 180, &places);
    let key = make_sender(&mut hand, start + 300);
    ask_support(&mut hand, start + 420);
    let address = format!("203.0.113.{}", hand.scene.rng.u8(200..230));
    let sender = Actor::user(&key.0, &key.1, &address, "Ses_client");
    send(&mut hand.with(sender), start + 1_500, &domains);
    for (second, (region, domain)) in (0..).zip(domains.iter().take(3)) {
        let call = ses("DeleteEmailIdentity", region, json!({"emailIdentity": domain}));
        hand.change(start + 3_000 + second, &call);
    }
    Story::default()
}

/// Domains to send from, in two regions.
fn add_domains(hand: &mut Hand<'_, '_>, at: i64, places: &[String]) -> Vec<(String, String)> {
    let mut domains = Vec::new();
    for (place, region) in (0..DOMAINS).zip(places.iter().take(2).cycle()) {
        let domain = format!("{}.example", hex(hand.scene.rng, 10));
        let call = add_domain(hand.scene, region, &domain);
        hand.make(at + 4 * place as i64, &call, &arn("ses", region, &format!("identity/{domain}")));
        domains.push((region.clone(), domain));
    }
    domains
}

/// A user whose key is a password for mail; returns its name and key.
fn make_sender(hand: &mut Hand<'_, '_>, at: i64) -> (String, String) {
    let name = format!("ses-smtp-{}", hex(hand.scene.rng, 6));
    let key = access_key(hand.scene.rng, "AKIA");
    hand.make_user(at, &name);
    let attach = json!({"userName": name, "policyArn": SENDS_MAIL});
    hand.change(at + 2, &Call::iam("AttachUserPolicy").request(attach));
    hand.make_key(at + 4, &name, &key);
    (name, key)
}

/// A case for a higher limit. What it says is not in the log.
fn ask_support(hand: &mut Hand<'_, '_>, at: i64) {
    let request = json!({
        "subject": "HIDDEN_DUE_TO_SECURITY_REASONS",
        "communicationBody": "HIDDEN_DUE_TO_SECURITY_REASONS",
        "serviceCode": "service-ses",
        "categoryCode": "sending-limits-increase",
        "severityCode": "low",
        "issueType": "customer-service",
        "language": "en",
    });
    let case = format!("case-{PROD}-muen-2026-{}", hex(hand.scene.rng, 16));
    hand.change(at, &Call::new("support", "CreateCase", GLOBAL).request(request).response(json!({"caseId": case})));
}

/// Mail, which only a trail with data events shows.
fn send(hand: &mut Hand<'_, '_>, at: i64, domains: &[(String, String)]) {
    let Some((region, domain)) = domains.last() else {
        return;
    };
    for number in 0..MAILS {
        let identity = arn("ses", region, &format!("identity/{domain}"));
        let call = ses("SendRawEmail", region, json!({"source": format!("news@{domain}"), "destinations": "***"}))
            .response(json!({"messageId": hex(hand.scene.rng, 40)}))
            .on("AWS::SES::EmailIdentity", &identity);
        hand.change(at + number * 2, &call);
    }
}

/// The benign look-alike: marketing begins to send mail, in one region and in the console.
pub(super) fn twin(scene: &mut Scene<'_>) {
    let role = Role::at("/aws-reserved/sso.amazonaws.com/", "AWSReservedSSO_Marketing_0f1e2d3c4b5a6978");
    let person = sign_in_as(scene, &role, "mia");
    let at = scene.hour.at(12, scene.rng.i64(0..60));
    for (second, name) in (0..).zip(["GetAccount", "ListEmailIdentities", "GetDedicatedIps", "ListConfigurationSets"]) {
        scene.write(&person, at + second, &Call::new("ses", name, GLOBAL));
    }
    let domain = add_domain(scene, GLOBAL, "news.example.com");
    scene.write(&person, at + 90, &domain);
    let set = ses("CreateConfigurationSet", GLOBAL, json!({"configurationSetName": "newsletter"}));
    scene.write(&person, at + 200, &set);
    scene.write(&person, at + 420, &ask_leave(GLOBAL));
    let request = json!({
        "subject": "HIDDEN_DUE_TO_SECURITY_REASONS",
        "serviceCode": "service-ses",
        "categoryCode": "sending-limits-increase",
        "severityCode": "low",
        "issueType": "customer-service",
        "language": "en",
    });
    let case = json!({"caseId": format!("case-{PROD}-muen-2026-{}", hex(scene.rng, 16))});
    scene.write(&person, at + 900, &Call::new("support", "CreateCase", GLOBAL).request(request).response(case));
}
