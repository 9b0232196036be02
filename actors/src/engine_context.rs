//! Everything the actors share: ports, settings, limits. Built once by the wiring.

use std::sync::Arc;
use std::time::Duration;

use reelgate_flow::ids::NodeId;
use reelgate_flow::policy::Policy;
use reelgate_flow::task::Lane;
use reelgate_pipelines::client::WorkerProgram;
use reelgate_pipelines::recipes::settings::Settings;
use reelgate_pipelines::recipes::template::PathTemplate;
use reelgate_ports::events::Events;
use reelgate_ports::machine::Machine;
use reelgate_ports::notices::Notices;
use reelgate_ports::objects::Objects;
use reelgate_ports::store::Store;
use reelgate_privacy::Classifier;
use tokio::sync::Semaphore;

use crate::availability::Availability;
use crate::progress_board::ProgressBoard;
use crate::scan_batcher::ScanBatcher;
use crate::signals::Signals;

/// How much may be in flight.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Credits {
    /// Light tasks claimed at once; most of them wait.
    pub light: u16,
    /// Heavy tasks claimed at once: about one per core.
    pub heavy: u16,
    /// Jailed inspections at once.
    pub inspections: u16,
}

/// What a node does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Roles {
    /// Takes uploads in, sweeps, tells how much work is left.
    pub intake: bool,
    /// Runs the light lane and delivers notices.
    pub light: bool,
    /// Runs the heavy lane.
    pub heavy: bool,
}

impl Roles {
    /// Everything, as on one machine.
    pub const ALL: Self = Self { intake: true, light: true, heavy: true };

    /// The words used in the configuration and in reports.
    pub fn words(self) -> Vec<String> {
        let all = [(self.intake, "intake"), (self.light, "light"), (self.heavy, "heavy")];
        all.into_iter().filter(|(has, _)| *has).map(|(_, word)| word.to_owned()).collect()
    }
}

impl Credits {
    /// The bounds of every lane.
    pub fn by_lane(self) -> Vec<(Lane, u16)> {
        vec![(Lane::Light, self.light), (Lane::Heavy, self.heavy)]
    }

    /// The bound of one lane.
    pub fn of(self, lane: Lane) -> usize {
        usize::from(match lane {
            Lane::Light => self.light,
            Lane::Heavy => self.heavy,
        })
    }
}

/// The engine the actors work in.
pub struct EngineContext {
    /// This process.
    pub node: NodeId,
    /// What it does; a lane it does not run has no credits.
    pub roles: Roles,
    /// Whether it takes work.
    pub availability: Availability,
    /// The machine, where somebody else may take it away.
    pub machine: Option<Arc<dyn Machine>>,
    /// Between sweeps of the whole bucket; `None` for none but those that are asked for.
    pub sweep_interval: Option<Duration>,
    /// Days that history is kept after an asset has ended; `None` for ever.
    pub history_days: Option<u32>,
    /// The record.
    pub store: Arc<dyn Store>,
    /// The bytes.
    pub objects: Arc<dyn Objects>,
    /// Where uploads are learned of, where this process watches for them.
    pub events: Option<Arc<dyn Events>>,
    /// Who is told; a notice counts as delivered when all of them took it.
    pub notices: Vec<Arc<dyn Notices>>,
    /// The jailed media worker.
    pub worker: WorkerProgram,
    /// Media settings.
    pub settings: Settings,
    /// Where outputs become visible, from the configuration.
    pub path_template: PathTemplate,
    /// The classifier.
    pub classifier: Classifier,
    /// What follows from findings.
    pub policy: Policy,
    /// A scanner outside that reads the text too.
    pub external_scan: Option<ScanBatcher>,
    /// Milliseconds after which somebody is reminded of what is quarantined.
    pub review_ms: u64,
    /// Bounds.
    pub credits: Credits,
    /// Permits for jailed inspections.
    pub inspections: Semaphore,
    /// Milliseconds a claim lasts without renewal.
    pub lease_ms: u64,
    /// Milliseconds between looks for uploads.
    pub poll_ms: u64,
    /// Live state.
    pub progress_board: ProgressBoard,
    /// Counters and log lines.
    pub signals: Signals,
}
