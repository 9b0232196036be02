//! Every actor panics once, in the middle of a message, and the asset still ends right.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use reelgate_actors::Engine;
use reelgate_actors::availability::Availability;
use reelgate_actors::breaker::Breaker;
use reelgate_actors::engine_context::{Credits, EngineContext, Roles};
use reelgate_actors::profiles::Profiles;
use reelgate_actors::progress_board::ProgressBoard;
use reelgate_actors::rates::Rates;
use reelgate_actors::signals::Signals;
use reelgate_conformance::fault_plan::{CallFault, FaultPlan};
use reelgate_conformance::faulty::Faulty;
use reelgate_embedded::directory::DirectoryObjects;
use reelgate_embedded::notices::FileNotices;
use reelgate_embedded::seal_file::SealFile;
use reelgate_embedded::sqlite::SqliteStore;
use reelgate_embedded::watch::DirectoryEvents;
use reelgate_flow::asset::Phase;
use reelgate_flow::ids::{NodeId, ReceiverName};
use reelgate_pipelines::client::WorkerProgram;
use reelgate_pipelines::recipes::settings::Settings;
use reelgate_pipelines::recipes::template::PathTemplate;
use reelgate_ports::clock::SystemClock;
use reelgate_ports::notices::Receiver;
use reelgate_ports::store::AssetFilter;
use reelgate_privacy::Classifier;
use tokio::sync::Semaphore;

use crate::support::{TempHome, sample};

/// Plans one panic for every actor that handles an upload without text.
fn one_panic_for_every_actor() -> FaultPlan {
    let plan = FaultPlan::default();
    plan.at("poll", 1, CallFault::PanicBefore); // intake
    plan.at("open", 1, CallFault::PanicBefore); // validator
    plan.at("stage transcode", 1, CallFault::PanicBefore);
    plan.at("stage enrich", 1, CallFault::PanicBefore);
    plan.at("publish", 1, CallFault::PanicBefore);
    plan.at("complete", 1, CallFault::PanicBefore); // persister
    plan.at("complete", 2, CallFault::PanicAfter);
    plan.at("deliver", 1, CallFault::PanicBefore); // notifier
    plan.at("notices_delivered", 1, CallFault::PanicBefore);
    plan
}

async fn faulty_context(home: &Path, plan: &FaultPlan) -> EngineContext {
    std::fs::create_dir_all(home).unwrap();
    let store = SqliteStore::open(&home.join("reelgate.sqlite"), Arc::new(SystemClock)).await.unwrap();
    let events = DirectoryEvents::new(home, Duration::from_millis(10)).unwrap();
    let objects = DirectoryObjects::open(home).unwrap();
    let notices = FileNotices::open(&home.join("notices.jsonl")).unwrap();
    EngineContext {
        node: NodeId::new("test"),
        roles: Roles::ALL,
        availability: Availability::default(),
        breaker: Breaker::default(),
        machine: None,
        pause_flag: None,
        sweep_interval: None,
        history_days: None,
        store: Arc::new(Faulty::new(Arc::new(store), plan)),
        seals: Arc::new(SealFile::new(home.join("audit-seal.json"))),
        objects: Arc::new(Faulty::new(Arc::new(objects), plan)),
        dead_letters: None,
        events: Some(Arc::new(Faulty::new(Arc::new(events), plan))),
        notices: vec![Receiver {
            name: ReceiverName::new("file"),
            port: Arc::new(Faulty::new(Arc::new(notices), plan)),
        }],
        unserved_ms: 0,
        worker: WorkerProgram::new(
            PathBuf::from(env!("CARGO_BIN_EXE_reelgate")).with_file_name("reelgate-worker"),
        ),
        settings: Settings::default(),
        profiles: Profiles::default(),
        path_template: PathTemplate::default(),
        classifier: Classifier::new(),
        external_scan: None,
        finding_sweep: None,
        policy: reelgate_flow::policy::Policy::default(),
        review_ms: u64::MAX,
        credits: Credits { light: 4, heavy: 2, inspections: 1 },
        inspections: Semaphore::new(1),
        film_wait_ms: 0,
        rates: Rates::free(),
        estimates: reelgate_actors::estimator::Estimates::new(
            reelgate_actors::estimator::Estimator::first_day(Rates::free(), false).unwrap(),
        ),
        caps: reelgate_cost::cap::Caps::default(),
        lease_ms: 5_000,
        poll_ms: 50,
        progress_board: ProgressBoard::default(),
        signals: Signals::default(),
    }
}

#[test]
fn every_actor_panics_once_and_the_asset_is_published_all_the_same() {
    let home = TempHome::new();
    let plan = one_panic_for_every_actor();
    let phase = actix::System::new().block_on(async {
        let context = faulty_context(&home.path(), &plan).await;
        std::fs::copy(sample("big-buck-bunny-5s.mp4"), home.path().join("ingest/video.mp4")).unwrap();
        let engine = Engine::start(context).await.unwrap();
        let deadline = Instant::now() + Duration::from_secs(120);
        let phase = loop {
            let assets = engine
                .context()
                .store
                .assets(&AssetFilter { limit: 10, ..AssetFilter::default() })
                .await
                .unwrap();
            let settled = engine.context().store.backlog().await.unwrap().outbox == 0;
            match assets.as_slice() {
                [one] if one.phase.is_ended() && settled => break one.phase,
                _ => assert!(Instant::now() < deadline, "{assets:?}, faults not met: {:?}", plan.unmet()),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        assert_eq!(engine.context().store.violations(), []);
        engine.drain(Duration::from_secs(1)).await;
        phase
    });
    assert_eq!(phase, Phase::Published);
    assert_eq!(plan.unmet(), [], "every planned panic came");
    let notices = std::fs::read_to_string(home.path().join("notices.jsonl")).unwrap();
    let ids: BTreeSet<String> = notices
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["id"].to_string())
        .collect();
    assert_eq!(ids.len(), 1, "{notices}");
}
