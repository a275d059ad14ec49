//! The benign look-alike of deleting everything: the pipeline takes down what it built for a test, as it does every week.

use serde_json::json;

use super::{Outcome, database, function, terminate};
use crate::drill::actor::{Actor, Role};
use crate::drill::cast::{CI_ADDRESS, CI_KEY, HOME, PROD, agent};
use crate::drill::deploy::CI_USER;
use crate::drill::ident::{access_key, hex};
use crate::drill::log::Scene;
use crate::drill::record::Call;

const MACHINES: usize = 12;
const FUNCTIONS: usize = 10;

/// The end of the test environment of every week, by day and hour.
pub(super) fn weekly(scene: &mut Scene<'_>) {
    if scene.hour.day % 6 == 1 && scene.hour.of_day == 18 {
        destroy(scene);
    }
}

/// One more, out of turn, and a stack that goes.
pub(in crate::drill::story) fn twin(scene: &mut Scene<'_>) {
    destroy(scene);
    delete_stack(scene);
}

/// `terraform destroy` of what has the tag `env=staging`.
fn destroy(scene: &mut Scene<'_>) {
    let actor = Actor::user(CI_USER, CI_KEY, CI_ADDRESS, agent::TERRAFORM);
    let region = HOME[0];
    let mut at = scene.hour.at(12, scene.rng.i64(0..60));
    let find = json!({"filterSet": {"items": [{"name": "tag:env", "valueSet": {"items": [{"value": "staging"}]}}]}});
    scene.write(&actor, at, &Call::new("ec2", "DescribeInstances", region).request(find));
    for _ in 0..MACHINES {
        at += scene.rng.i64(1..4);
        let id = format!("i-0{}", hex(scene.rng, 16));
        scene.write(&actor, at, &terminate(region, &id, Outcome::Done));
    }
    for turn in 0..FUNCTIONS {
        at += scene.rng.i64(1..4);
        scene.write(&actor, at, &function(region, &format!("staging-step-{turn}")));
    }
    scene.write(&actor, at + 5, &database(region, "staging"));
    for turn in 0..4 {
        let group = json!({"groupId": format!("sg-0{}", hex(scene.rng, 16))});
        let call = Call::new("ec2", "DeleteSecurityGroup", region).request(group).response(json!({"_return": true}));
        scene.write(&actor, at + 9 + turn, &call);
    }
}

/// A stack is deleted; CloudFormation deletes what was in it on the caller's behalf.
fn delete_stack(scene: &mut Scene<'_>) {
    let at = scene.hour.at(40, scene.rng.i64(0..60));
    let region = HOME[1];
    let key = access_key(scene.rng, "ASIA");
    let actor = Actor::session(&Role::named("gh-deployer"), "GitHubActions", &key, at)
        .from("198.51.100.129")
        .with_agent(agent::ACTION);
    let stack = json!({"stackName": format!("arn:aws:cloudformation:{region}:{PROD}:stack/staging")});
    scene.write(&actor, at, &Call::new("cloudformation", "DeleteStack", region).request(stack));
    let service = actor.via("cloudformation.amazonaws.com");
    for turn in 0..24 {
        scene.write(&service, at + 4 + turn, &function(region, &format!("staging-{turn}")));
    }
}
