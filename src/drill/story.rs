//! The stories: what an attacker does in each of them, and its benign twin.

mod admin_persistence;
mod defence_evasion;
mod gpu_mining;
mod hand;
mod insider_delete;
mod lambda_ddos;
mod llmjacking;
mod missing_key;
mod role_chain;
mod s3_ransom;
mod ses_spam;

use super::bill::Story;
use super::bots;
use super::clock::Hour;
use super::life::Life;
use super::log::{Log, Scene};
use super::truth::Truth;
use super::{Options, Scenario, deploy, people};

/// Readies ordinary life for a story that comes in the hour `attack`.
pub(super) fn prepare(scenario: Scenario, attack: Hour, twin: bool, life: &mut Life, log: &mut Log) {
    if scenario != Scenario::MissingKey {
        return;
    }
    // In the twin, the key is replaced early enough for its deletion to be on record.
    if twin {
        life.bots.rotate_on(bots::DEPLOY_BOT, attack.day.saturating_sub(1));
    } else {
        let blinded = missing_key::blinded(attack);
        life.bots.silence(bots::DEPLOY_BOT, blinded.start);
        log.blind(blinded);
    }
}

/// What a story takes for granted and ordinary life alone does not have: called once an hour, before and after the attack.
pub(super) fn background(scenario: Scenario, twin: bool, scene: &mut Scene<'_>) {
    if scene.volume == 0.0 {
        return;
    }
    match scenario {
        Scenario::GpuMining if twin => gpu_mining::background(scene),
        Scenario::Llmjacking => llmjacking::background(scene),
        Scenario::AdminPersistence if !twin => admin_persistence::background(scene),
        Scenario::RoleChain => role_chain::background(twin, scene),
        Scenario::S3Ransom => s3_ransom::background(twin, scene),
        Scenario::DefenceEvasion => defence_evasion::background(twin, scene),
        Scenario::InsiderDelete => insider_delete::background(twin, scene),
        _ => {}
    }
}

/// The hour of the day at which a story begins, where it is not any hour of the night.
pub(super) fn hour_of_day(scenario: Scenario) -> Option<u32> {
    (scenario == Scenario::InsiderDelete).then_some(insider_delete::LEAVES_AT)
}

/// Plays the attack; returns what runs from then on.
pub(super) fn attack(scenario: Scenario, scene: &mut Scene<'_>, options: &Options, truth: &mut Truth) -> Story {
    match scenario {
        Scenario::LambdaDdosAllRegions => lambda_ddos::attack(scene, &options.regions, truth),
        Scenario::MissingKey => {
            missing_key::attack(scene, truth);
            Story::default()
        }
        Scenario::GpuMining => gpu_mining::attack(scene, &options.regions, truth),
        Scenario::Llmjacking => llmjacking::attack(scene, &options.regions, truth),
        Scenario::SesSpam => ses_spam::attack(scene, &options.regions, truth),
        Scenario::AdminPersistence => admin_persistence::attack(scene, truth),
        Scenario::RoleChain => role_chain::attack(scene, truth),
        Scenario::S3Ransom => s3_ransom::attack(scene, truth),
        Scenario::DefenceEvasion => defence_evasion::attack(scene, truth),
        Scenario::InsiderDelete => insider_delete::attack(scene, truth),
    }
}

/// Plays the benign twin; returns what runs from then on.
pub(super) fn twin(scenario: Scenario, scene: &mut Scene<'_>) -> Story {
    match scenario {
        Scenario::LambdaDdosAllRegions => return deploy::roll_out(scene),
        Scenario::MissingKey => people::offboard(scene, "frank"),
        Scenario::GpuMining => gpu_mining::twin(scene),
        Scenario::Llmjacking => llmjacking::twin(scene),
        Scenario::SesSpam => ses_spam::twin(scene),
        Scenario::AdminPersistence => admin_persistence::twin(scene),
        Scenario::RoleChain => role_chain::twin(scene),
        Scenario::S3Ransom => s3_ransom::twin(scene),
        Scenario::DefenceEvasion => defence_evasion::twin(scene),
        Scenario::InsiderDelete => insider_delete::twin(scene),
    }
    Story::default()
}
