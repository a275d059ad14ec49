//! Functions in every region overnight: frozen within half a minute, and nothing else touched.

use std::time::Duration;

use serde_json::json;

use super::scene::{Scene, said, steps, told};
use crate::stand_in::REGIONS;

/// Functions in each region.
const EACH: usize = 5;
/// How long denials are watched.
const WATCHED: Duration = Duration::from_secs(2);

#[test]
fn eighty_five_functions_in_seventeen_regions_are_frozen_in_half_a_minute() {
    let Some(scene) = Scene::mini(&REGIONS, "") else { return };
    // The stolen key has worked around the clock for weeks.
    let deploys = json!([["lambda", "ListFunctions"], ["s3", "ListBuckets"], ["ec2", "DescribeInstances"]]);
    let sells = json!([["sqs", "ListQueues"], ["iam", "ListRoles"]]);
    let of = json!([["ci-deployer", 10, deploys], ["shop-app", 60, sells]]);
    scene.cast.ask(&json!({ "do": "usual", "days": 30, "of": of }));
    let made = scene.attacked(&json!({ "each": EACH }));
    let doors = scene.doors(made["functions"].as_array().unwrap().iter().step_by(EACH), false);
    let id = scene.passed(&["--learn", "30d"]);

    let plan = scene.plan(&id, &[]);
    assert_eq!(steps(&plan, "stop-function").len(), REGIONS.len() * EACH);
    scene.covers_the_closure(&plan, &made, &doors);
    let leaked = scene.people["ci-deployer"]["arn"].as_str().unwrap();
    let blast = plan["blast_radius"].as_array().unwrap().iter().find(|blast| blast["principal"] == leaked);
    let blast = blast.unwrap_or_else(|| panic!("{:#}", plan["blast_radius"]));
    assert_eq!(blast["verdict"], "automation-high", "{blast:#}");
    assert!(blast["alternatives"].as_array().unwrap().iter().any(|way| way.to_string().contains("key")), "{blast:#}");
    // The narrower way leaves the user itself alone.
    let narrow = scene.plan(&id, &["--narrow", "key"]);
    assert_ne!(narrow["digest"], plan["digest"]);
    let on_user = |action: &str| steps(&narrow, action).iter().filter(|step| step.to_string().contains(leaked)).count();
    assert_eq!((on_user("attach-deny"), on_user("deactivate-key")), (0, 1), "{narrow:#}");

    scene.cast.ask(&json!({ "do": "production" }));
    scene.approve(&id, &plan);
    let (run, took) = scene.contain(&id);
    assert_eq!(run.status, 0, "{}", said(&run));
    let took = took.saturating_sub(WATCHED);
    told("85 functions frozen", took);
    assert!(took < Duration::from_secs(30), "{took:?}");
    let frozen = scene.cast.ask(&json!({ "do": "frozen", "functions": made["functions"] }));
    assert_eq!(frozen.as_object().unwrap().len(), REGIONS.len() * EACH);
    assert!(frozen.as_object().unwrap().values().all(|reserved| reserved == 0), "{frozen}");
    assert_eq!(scene.cast.ask(&json!({ "do": "stop", "thread": "production" }))["failures"], json!([]));
    scene.journal();
}
