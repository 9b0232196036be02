//! Selects the backends by their addresses and builds the engine. Only this room knows which backends exist.

mod access;
#[cfg(feature = "aws")]
pub mod aws;
#[cfg(not(feature = "aws"))]
#[path = "without_aws.rs"]
pub mod aws;
mod checks;
mod events;
mod node;
mod notices;
mod objects;
#[cfg(feature = "postgres")]
mod postgres;
mod seals;
mod store;
#[cfg(not(feature = "postgres"))]
mod without_postgres;

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use reelgate_actors::availability::{Availability, DrainReason};
use reelgate_actors::breaker::Breaker;
use reelgate_actors::engine_context::EngineContext;
use reelgate_actors::estimator::{Estimates, Estimator};
use reelgate_actors::finding_sweep::FindingSweep;
use reelgate_actors::progress_board::ProgressBoard;
use reelgate_actors::rates::Rates;
use reelgate_actors::signals::Signals;
use reelgate_actors::work::self_test;
use reelgate_actors::work::validate::inspect;
use reelgate_embedded::{paths, private_files};
use reelgate_flow::ids::NodeId;
use reelgate_flow::reason::Code;
use reelgate_pipelines::client::{CancelFlag, WorkerProgram};
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::events::Events;
use reelgate_ports::external_scanner::ExternalScanner;
use reelgate_ports::machine::Machine;
use reelgate_ports::notices::Receiver;
use reelgate_ports::objects::Objects;
use reelgate_ports::pause_flag::PauseFlag;
use reelgate_ports::records::MediaEvent;
use reelgate_ports::shards::Shards;
use reelgate_ports::store::Store;
use rustix::fs::{FlockOperation, flock};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Semaphore;

use crate::config::Config;
use crate::config::cores::cores;
use crate::exit::Failure;
use access::Access;
use aws::Aws;

/// The files of a publication that is named by its directory.
pub use reelgate_embedded::directory::visible;

pub use access::make_dirs;
pub use checks::check_ports;
#[cfg(feature = "aws")]
pub use events::remote as remote_events;
pub use events::source_of_uploads;
pub use objects::{ingest_prefix, is_on_s3};
pub use seals::{keeper as seal_keeper, seal};
pub use store::{close, exists as has_store, migrate};

const DAY_MS: u64 = 86_400_000;
/// A due notice that waited for so long has no receiver on any node: those that are down are tried every ten minutes.
const UNSERVED_MS: u64 = 3_600_000;

/// What the engine is started for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum EnginePurpose {
    /// Process what is there.
    Run,
    /// Watch for uploads too.
    Serve,
}

/// The ports of a home.
pub struct Ports {
    pub store: Arc<dyn Store>,
    pub objects: Arc<dyn Objects>,
    pub events: Arc<dyn Events>,
    pub notices: Vec<Receiver>,
    /// The external scanner, where one is configured.
    pub scanner: Option<Arc<dyn ExternalScanner>>,
    /// Positions in streams, in the same database as the store.
    pub shards: Arc<dyn Shards>,
}

/// Builds the engine's context for `run` and `serve`; creates the home if it does not exist. Only one process at a time may
/// use a home with its own database; over PostgreSQL several nodes share a database.
pub async fn context(
    config: &Config,
    purpose: EnginePurpose,
    signals: Signals,
) -> Result<EngineContext, Failure> {
    make_dirs("--home", &config.home)?;
    lock(&config.home, store::is_embedded(config))?;
    let worker = worker(config)?;
    let node = node_name(config);
    let clients = Aws::new(config);
    let ports = open(config, &node, &clients).await?;
    let serves = purpose == EnginePurpose::Serve;
    signals.receivers(ports.notices.iter().map(|receiver| &receiver.name));
    let availability = Availability::default();
    if serves && config.raw.node.self_test {
        availability.hold(DrainReason::Unfit, "the self-test has not passed yet");
    }
    let sweep_s = config.raw.node.sweep_s;
    let external_scan = aws::scan_batcher(config, ports.scanner)?;
    let findings_s = config.raw.aws.macie.sweep_s;
    let sweeps_findings = serves && config.roles.intake && external_scan.is_some() && findings_s > 0;
    let finding_sweep = || Arc::new(FindingSweep::new(ports.shards, Duration::from_secs(findings_s)));
    let machine = if serves { aws::machine(config, &clients).await? } else { None };
    let rates = rates(config, machine.as_deref()).await;
    let first_day = Estimator::first_day(rates.clone(), is_on_s3(config))
        .map_err(|error| Failure::Internal(format!("read the paces of the first day: {error}")))?;
    Ok(EngineContext {
        rates,
        estimates: Estimates::new(first_day),
        caps: config.caps.clone(),
        machine,
        pause_flag: aws::pause_flag(config, &clients).await?,
        node,
        roles: config.roles,
        availability,
        breaker: Breaker::default(),
        sweep_interval: (sweep_s > 0).then(|| Duration::from_secs(sweep_s)),
        history_days: Some(config.raw.store.history_days).filter(|days| *days > 0),
        store: ports.store,
        seals: seals::keeper(config, &clients).await?,
        objects: ports.objects,
        events: (serves && config.roles.intake).then_some(ports.events),
        dead_letters: aws::dead_letters(config, &clients).await?,
        notices: ports.notices,
        unserved_ms: if store::is_embedded(config) { 0 } else { UNSERVED_MS },
        worker,
        settings: config.raw.media.clone(),
        profiles: config.profiles.clone(),
        path_template: config.path_template.clone(),
        classifier: config.classifier()?,
        policy: config.policy.clone(),
        external_scan,
        finding_sweep: sweeps_findings.then(finding_sweep),
        review_ms: u64::from(config.raw.privacy.review_days) * DAY_MS,
        credits: config.credits,
        inspections: Semaphore::new(usize::from(config.credits.inspections)),
        // Every file of a `run` is there from the beginning.
        film_wait_ms: if serves { config.raw.engine.film_wait_s * 1_000 } else { 0 },
        lease_ms: config.raw.engine.lease_ms,
        poll_ms: config.raw.serve.poll_ms,
        progress_board: ProgressBoard::default(),
        signals,
    })
}

/// The flag outside of the store that pauses heavy work.
pub async fn pause_flag(config: &Config) -> Result<Option<Arc<dyn PauseFlag>>, Failure> {
    aws::pause_flag(config, &Aws::new(config)).await
}

/// The node name of a `run` or `serve` with this configuration.
pub fn node_name(config: &Config) -> NodeId {
    node::name(config, store::is_embedded(config))
}

async fn open(config: &Config, node: &NodeId, clients: &Aws<'_>) -> Result<Ports, Failure> {
    let (store, shards) = store::open(config, Access::Work).await?;
    Ok(Ports {
        objects: objects::open(config, clients, Access::Work).await?,
        events: events::open(config, node, Arc::clone(&shards), clients, Access::Work).await?,
        notices: notices::open(config, clients).await?,
        scanner: aws::open_scanner(config, clients).await?,
        store,
        shards,
    })
}

/// Proves that a node could start with this configuration: every address is valid, and the database answers.
pub async fn prove(config: &Config) -> Result<(), Failure> {
    let clients = Aws::new(config);
    store::prove(config).await?;
    events::prove(config)?;
    objects::open(config, &clients, Access::Work).await?;
    notices::open(config, &clients).await?;
    aws::open_scanner(config, &clients).await?;
    seals::keeper(config, &clients).await?;
    Ok(())
}

/// Opens every port of a home that exists; a refusal names the home.
pub async fn existing_ports(config: &Config) -> Result<Ports, Failure> {
    store::check_exists(config)?;
    open(config, &node::name(config, false), &Aws::new(config)).await
}

/// Opens the store of a home that exists; a refusal names the home.
pub async fn existing_store(config: &Config) -> Result<Arc<dyn Store>, Failure> {
    store::check_exists(config)?;
    Ok(store::open(config, Access::Work).await?.0)
}

/// Opens the object store to read what is visible.
pub async fn objects(config: &Config) -> Result<Arc<dyn Objects>, Failure> {
    objects::open(config, &Aws::new(config), Access::Inspect).await
}

/// An event for a file that is read in place.
pub fn event_for_path(path: &Path, force: bool) -> PortResult<MediaEvent> {
    paths::event_for_path(path, force)
}

/// The media worker, which is installed in the folder of this program.
pub fn worker(config: &Config) -> Result<WorkerProgram, Failure> {
    let worker = WorkerProgram::next_to_current_exe().map_err(|error| {
        Failure::Internal(format!("find the media worker in the folder of this program: {error}"))
    })?;
    Ok(WorkerProgram { gstreamer_min: config.raw.media.gstreamer_min, ..worker })
}

/// What a media worker that answers said about itself.
pub struct CheckedWorker {
    pub gstreamer: String,
}

/// Lets the jailed media worker inspect a second of silence.
pub fn check_worker(config: &Config) -> PortResult<CheckedWorker> {
    let unavailable = |detail: String| {
        PortError::new(Port::Worker, ErrorKind::Unavailable, "start the media worker", detail)
    };
    let worker = worker(config).map_err(|error| unavailable(error.to_string()))?;
    let silence = silence().map_err(|error| unavailable(error.to_string()))?;
    let size_bytes = silence.metadata().map_err(|error| unavailable(error.to_string()))?.len();
    let inspected = inspect(&worker, &config.raw.media, silence, size_bytes, &CancelFlag::default());
    inspected.map_err(|fault| unavailable(format!("{fault}; {}", fault.code.advice())))?;
    Ok(CheckedWorker { gstreamer: worker.gstreamer().unwrap_or_default().to_owned() })
}

/// Lets the jailed media worker analyse every surface that is wanted; returns their names.
pub fn check_surfaces(config: &Config) -> PortResult<String> {
    let operation = "analyse the surfaces that privacy.surfaces requires";
    let error = |kind, detail: String| PortError::new(Port::Worker, kind, operation, detail);
    let worker = worker(config).map_err(|failure| error(ErrorKind::Unavailable, failure.to_string()))?;
    self_test::check_surfaces(&worker, &config.raw.media, &config.policy).map_err(|fault| {
        let is_ours = fault.code == Code::ConfigInvalid;
        error(if is_ours { ErrorKind::Invalid } else { ErrorKind::Unavailable }, fault.to_string())
    })?;
    let mut names: Vec<&str> = config.policy.surfaces.iter().map(|surface| surface.label()).collect();
    if names.is_empty() {
        names.push("none is required");
    }
    Ok(names.join(", "))
}

/// A second of silence as WAVE, in memory (RIFF, "Multimedia Programming Interface and Data Specifications 1.0").
fn silence() -> std::io::Result<File> {
    const RATE_HZ: u32 = 8_000;
    const DATA_BYTES: u32 = RATE_HZ * 2;
    let mut wave = Vec::new();
    wave.extend(b"RIFF");
    wave.extend((36 + DATA_BYTES).to_le_bytes());
    wave.extend(b"WAVEfmt ");
    wave.extend(16u32.to_le_bytes());
    wave.extend([1u16, 1].map(u16::to_le_bytes).concat());
    wave.extend([RATE_HZ, RATE_HZ * 2].map(u32::to_le_bytes).concat());
    wave.extend([2u16, 16].map(u16::to_le_bytes).concat());
    wave.extend(b"data");
    wave.extend(DATA_BYTES.to_le_bytes());
    wave.resize(wave.len() + DATA_BYTES as usize, 0);
    let mut file = File::from(rustix::fs::memfd_create("silence", rustix::fs::MemfdFlags::CLOEXEC)?);
    file.write_all(&wave)?;
    Ok(file)
}

/// Locks the home until the process ends, whatever ends it. With `alone` no other process may hold the lock.
/// The rates of this node: those of the configuration, otherwise those of the instance that it runs on. A price is no reason to
/// let uploads wait.
async fn rates(config: &Config, machine: Option<&dyn Machine>) -> Rates {
    let Some(machine) = machine.filter(|_| config.raw.cost.node_type.is_empty()) else {
        return config.rates.clone();
    };
    let found = match machine.kind().await {
        Ok(Some(kind)) => config.raw.cost.rates_of(&kind, cores()),
        Ok(None) => return config.rates.clone(),
        Err(error) => Err(error.to_string()),
    };
    found.unwrap_or_else(|error| {
        tracing::warn!(%error, "what this node uses is counted and has no price");
        config.rates.clone()
    })
}

fn lock(home: &Path, alone: bool) -> Result<(), Failure> {
    let path = home.join("engine.lock");
    let file = private_files::lock_file(&path)
        .map_err(|error| Failure::Usage(format!("--home: {} cannot be written: {error}", path.display())))?;
    let operation = match alone {
        true => FlockOperation::NonBlockingLockExclusive,
        false => FlockOperation::NonBlockingLockShared,
    };
    flock(&file, operation).map_err(|_| {
        let home = home.display();
        Failure::Usage(format!(
            "another `reelgate run` or `serve` works in {home}; wait for it or use another --home"
        ))
    })?;
    // Closing the file would release the lock, so the process keeps the file open.
    std::mem::forget(file);
    Ok(())
}

/// Resolves when SIGTERM or SIGINT asks the process to stop.
pub async fn stop_asked() {
    let (Ok(mut term), Ok(mut int)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        // Without handlers the signals end the process by themselves.
        return std::future::pending().await;
    };
    tokio::select! { _ = term.recv() => {}, _ = int.recv() => {} }
}
