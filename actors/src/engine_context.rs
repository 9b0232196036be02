//! Everything that the actors share: ports, settings, limits. The wiring builds it once.

use std::sync::Arc;
use std::time::Duration;

use reelgate_cost::cap::Caps;
use reelgate_flow::ids::NodeId;
use reelgate_flow::policy::Policy;
use reelgate_flow::task::Lane;
use reelgate_pipelines::client::WorkerProgram;
use reelgate_pipelines::recipes::settings::Settings;
use reelgate_pipelines::recipes::template::PathTemplate;
use reelgate_ports::events::{DeadLetters, Events};
use reelgate_ports::machine::Machine;
use reelgate_ports::notices::Receiver;
use reelgate_ports::objects::Objects;
use reelgate_ports::pause_flag::PauseFlag;
use reelgate_ports::seal_keeper::SealKeeper;
use reelgate_ports::store::Store;
use reelgate_privacy::Classifier;
use tokio::sync::Semaphore;

use crate::availability::Availability;
use crate::breaker::Breaker;
use crate::estimator::Estimates;
use crate::finding_sweep::FindingSweep;
use crate::profiles::Profiles;
use crate::progress_board::ProgressBoard;
use crate::rates::Rates;
use crate::scan_batcher::ScanBatcher;
use crate::signals::Signals;

/// How much may be in flight.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Credits {
    /// Light tasks claimed at once; most of them wait for a disk, a port or a permit.
    pub light: u16,
    /// Heavy tasks claimed at once: about one per core.
    pub heavy: u16,
    /// Jailed inspections at once.
    pub inspections: u16,
}

/// What a node does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Roles {
    /// Ingests uploads, sweeps, and reports how much work is left.
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
    pub fn by_lane(self) -> Vec<(Lane, u16)> {
        vec![(Lane::Light, self.light), (Lane::Heavy, self.heavy)]
    }

    pub fn of(self, lane: Lane) -> usize {
        usize::from(match lane {
            Lane::Light => self.light,
            Lane::Heavy => self.heavy,
        })
    }
}

/// Ports, settings and live state of one engine.
pub struct EngineContext {
    pub node: NodeId,
    /// What this node does; a lane that it does not run has no credits.
    pub roles: Roles,
    pub availability: Availability,
    pub breaker: Breaker,
    /// The machine, where its owner may end it, as EC2 does.
    pub machine: Option<Arc<dyn Machine>>,
    /// The flag outside of the store that pauses heavy work; `None` where there is none.
    pub pause_flag: Option<Arc<dyn PauseFlag>>,
    /// Between sweeps of the whole bucket; with `None` the node sweeps only when the event source asks for it.
    pub sweep_interval: Option<Duration>,
    /// Days that history is kept after an asset has ended; `None` for ever.
    pub history_days: Option<u32>,
    pub store: Arc<dyn Store>,
    /// Keeps the last seal of the audit log outside of the database.
    pub seals: Arc<dyn SealKeeper>,
    pub objects: Arc<dyn Objects>,
    /// The source of upload events; `None` where this process does not watch for uploads.
    pub events: Option<Arc<dyn Events>>,
    /// Where events end that could not be delivered to the source; `None` where none is configured.
    pub dead_letters: Option<Arc<dyn DeadLetters>>,
    /// The receivers of notices; each gets every notice that it wants.
    pub notices: Vec<Receiver>,
    /// Milliseconds after which a due notice whose receiver this node does not know is ended: no other node delivers it. 0 where
    /// there is no other node.
    pub unserved_ms: u64,
    pub worker: WorkerProgram,
    /// The media settings of uploads that no profile covers.
    pub settings: Settings,
    pub profiles: Profiles,
    /// Where outputs become visible.
    pub path_template: PathTemplate,
    pub classifier: Classifier,
    pub policy: Policy,
    /// The external scanner that reads the text too, where one is configured.
    pub external_scan: Option<ScanBatcher>,
    /// The sweep for its findings; `None` where this process does not watch for uploads, or no scanner is configured.
    pub finding_sweep: Option<Arc<FindingSweep>>,
    /// Milliseconds after which a reminder is sent about an asset that is still quarantined.
    pub review_ms: u64,
    pub credits: Credits,
    /// Permits for jailed inspections.
    pub inspections: Semaphore,
    /// Milliseconds that a caption file waits for its film; 0 where nothing arrives later.
    pub film_wait_ms: u64,
    /// What this node's work costs.
    pub rates: Rates,
    /// What work probably costs before it begins.
    pub estimates: Estimates,
    /// Most that may be spent.
    pub caps: Caps,
    /// Milliseconds a claim lasts without renewal.
    pub lease_ms: u64,
    /// Milliseconds between polls for uploads.
    pub poll_ms: u64,
    pub progress_board: ProgressBoard,
    pub signals: Signals,
}
