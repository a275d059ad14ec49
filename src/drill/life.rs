//! Ordinary life of the production account: what a detector has to leave alone.

use fastrand::Rng;

use super::bots::Bots;
use super::clock::Hour;
use super::library::Library;
use super::log::{Log, Scene};
use super::people::People;
use super::services::Services;
use super::workload::Workloads;
use super::{Options, deploy, scanner};

/// Records a day at noise 1, of which the routines of people and machines make up
/// [`ROUTINE_A_DAY`].
const RECORDS_A_DAY: f64 = 1_500.0;
const ROUTINE_A_DAY: f64 = 1_000.0;

/// Everything that goes on, with what it must remember from hour to hour.
pub(crate) struct Life {
    /// Machines with long-term keys.
    pub(crate) bots: Bots,
    people: People,
    workloads: Workloads,
    services: Services,
    regions: Vec<String>,
    rng: Rng,
    noise: f64,
    library: Option<Library>,
}

impl Life {
    /// Life as `options` want it.
    pub(crate) fn new(rng: &mut Rng, options: &Options) -> Self {
        let mut rng = rng.fork();
        Self {
            bots: Bots::new(),
            people: People::default(),
            workloads: Workloads::new(&mut rng, options.noise),
            services: Services::default(),
            regions: options.regions.clone(),
            noise: options.noise,
            rng,
            library: options.library.then(|| Library::new(options.seed, options.noise)),
        }
    }

    /// Writes the records of one hour.
    pub(crate) fn live(&mut self, hour: Hour, log: &mut Log) {
        let mut scene = Scene { hour, log, rng: &mut self.rng, volume: self.noise.min(1.0) };
        deploy::live(&mut scene);
        self.people.live(&mut scene);
        self.bots.live(&mut scene);
        scanner::live(&mut scene, &self.regions);
        let chatter = RECORDS_A_DAY * self.noise - ROUTINE_A_DAY * self.noise.min(1.0);
        // The day has a rhythm: twice as much at noon as at midnight.
        let angle = (f64::from(hour.of_day) - 6.0) * std::f64::consts::TAU / 24.0;
        let rhythm = 1.0 + angle.sin() / 3.0;
        let count = (chatter / 24.0 * rhythm + scene.rng.f64()) as usize;
        self.workloads.live(&mut scene, count / 3);
        self.services.live(&mut scene, count - count / 3);
        if let Some(library) = &mut self.library {
            library.live(hour, &self.regions, log);
        }
    }
}
