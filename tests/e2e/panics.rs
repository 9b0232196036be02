//! Every actor panics once while it handles a message, and the asset is still published.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use reelgate_actors::Engine;
use reelgate_actors::availability::Availability;
use reelgate_actors::engine_context::{Credits, EngineContext, Roles};
use reelgate_actors::progress_board::ProgressBoard;
use reelgate_actors::signals::Signals;
use reelgate_embedded::directory::DirectoryObjects;
use reelgate_embedded::notices::FileNotices;
use reelgate_embedded::sqlite::SqliteStore;
use reelgate_embedded::watch::DirectoryEvents;
use reelgate_flow::asset::{Exit, Phase, Redo};
use reelgate_flow::ids::{AssetId, NodeId, NoticeId};
use reelgate_flow::task::{Lane, TaskKey};
use reelgate_pipelines::client::WorkerProgram;
use reelgate_pipelines::recipes::settings::Settings;
use reelgate_pipelines::recipes::template::PathTemplate;
use reelgate_ports::clock::SystemClock;
use reelgate_ports::error::PortResult;
use reelgate_ports::events::{EventBatch, Events};
use reelgate_ports::objects::{Objects, OpenSource, Publication, Restored, StagedWriter, Withdrawn};
use reelgate_ports::records::*;
use reelgate_ports::store::{
    AssetFilter, Backlog, Decisions, Intake, Maintenance, Nodes, Outbox, Product, Queries, Queue,
};
use reelgate_privacy::Classifier;
use tokio::sync::Semaphore;

use crate::support::{TempHome, sample};

/// Panics the first time each call is made, and remembers which calls.
#[derive(Default)]
struct Mine(Mutex<BTreeSet<&'static str>>);

impl Mine {
    fn step(&self, place: &'static str) {
        let first = self.0.lock().unwrap().insert(place);
        assert!(!first, "planted panic in {place}");
    }
    fn gone_off(&self) -> Vec<&'static str> {
        self.0.lock().unwrap().iter().copied().collect()
    }
}

struct MinedObjects(DirectoryObjects, Arc<Mine>);

#[async_trait]
impl Objects for MinedObjects {
    async fn open(&self, source: &SourceRecord) -> PortResult<OpenSource> {
        self.1.step("validator");
        self.0.open(source).await
    }
    async fn manifest(&self, publication_location: &str, bytes_max: u64) -> PortResult<Option<Vec<u8>>> {
        self.0.manifest(publication_location, bytes_max).await
    }
    async fn unchanged(&self, source: &SourceRecord) -> PortResult<bool> {
        self.0.unchanged(source).await
    }
    async fn sidecar(
        &self,
        source: &SourceRecord,
        suffix: &str,
        bytes_max: u64,
    ) -> PortResult<Option<Vec<u8>>> {
        self.0.sidecar(source, suffix, bytes_max).await
    }
    async fn stage(&self, fence: &Fence) -> PortResult<Box<dyn StagedWriter>> {
        match fence.task {
            TaskKey::Video { .. } => self.1.step("transcoder"),
            TaskKey::Enrich => self.1.step("enricher"),
            _ => {}
        }
        self.0.stage(fence).await
    }
    async fn read_staged(&self, output: &StagedOutput, bytes_max: u64) -> PortResult<Vec<u8>> {
        self.1.step("screener");
        self.0.read_staged(output, bytes_max).await
    }
    async fn publish(&self, publication: &Publication) -> PortResult<String> {
        self.1.step("publisher");
        self.0.publish(publication).await
    }
    fn visible(&self, publication_location: &str, name: &str) -> String {
        self.0.visible(publication_location, name)
    }
    async fn withdraw(
        &self,
        asset: &AssetId,
        published_path: Option<&str>,
        source: &SourceRecord,
        exit: Exit,
    ) -> PortResult<Withdrawn> {
        self.0.withdraw(asset, published_path, source, exit).await
    }
    async fn restore(
        &self,
        asset: &AssetId,
        published_path: &str,
        source: &SourceRecord,
    ) -> PortResult<Restored> {
        self.0.restore(asset, published_path, source).await
    }
    async fn discard_staging(&self, asset: &AssetId) -> PortResult<()> {
        self.0.discard_staging(asset).await
    }
    async fn staged_assets(&self) -> PortResult<Vec<AssetId>> {
        self.0.staged_assets().await
    }
    async fn list(
        &self,
        prefix: &str,
        after: Option<&str>,
        uploads_max: usize,
    ) -> PortResult<Vec<MediaEvent>> {
        self.0.list(prefix, after, uploads_max).await
    }
    async fn check(&self) -> PortResult<String> {
        self.0.check().await
    }
}

struct MinedEvents(DirectoryEvents, Arc<Mine>);

#[async_trait]
impl Events for MinedEvents {
    async fn poll(&self, events_max: usize) -> PortResult<EventBatch> {
        self.1.step("intake");
        self.0.poll(events_max).await
    }
    async fn acknowledge(&self, batch: &EventBatch) -> PortResult<()> {
        self.0.acknowledge(batch).await
    }
    async fn abandon(&self, batch: &EventBatch) -> PortResult<()> {
        self.0.abandon(batch).await
    }
    async fn stop(&self) -> PortResult<()> {
        self.0.stop().await
    }
    async fn check(&self) -> PortResult<String> {
        self.0.check().await
    }
}

struct MinedStore(SqliteStore, Arc<Mine>);

#[async_trait]
impl Intake for MinedStore {
    async fn ingest(&self, batch: &EventBatch) -> PortResult<Vec<Ingested>> {
        self.0.ingest(batch).await
    }

    async fn known(&self, assets: &[AssetId]) -> PortResult<BTreeSet<AssetId>> {
        self.0.known(assets).await
    }
}

#[async_trait]
impl Queue for MinedStore {
    async fn claim(
        &self,
        node: &NodeId,
        lane: Lane,
        tasks_max: u16,
        lease_ms: u64,
    ) -> PortResult<Vec<Claim>> {
        self.0.claim(node, lane, tasks_max, lease_ms).await
    }

    async fn heartbeat(&self, node: &NodeId, fences: &[Fence], lease_ms: u64) -> PortResult<Vec<Fence>> {
        self.0.heartbeat(node, fences, lease_ms).await
    }

    async fn complete(&self, reports: &[TaskReport]) -> PortResult<Vec<Applied>> {
        self.1.step("persister before the commit");
        let applied = self.0.complete(reports).await?;
        self.1.step("persister after the commit");
        Ok(applied)
    }

    async fn reap(&self) -> PortResult<u64> {
        self.0.reap().await
    }

    async fn reclaim(&self, node: &NodeId) -> PortResult<u64> {
        self.0.reclaim(node).await
    }

    async fn next_due_ms(&self) -> PortResult<Option<u64>> {
        self.0.next_due_ms().await
    }
}

#[async_trait]
impl Outbox for MinedStore {
    async fn outbox(&self, notices_max: u16, hold_ms: u64) -> PortResult<Vec<NoticeRecord>> {
        let due = self.0.outbox(notices_max, hold_ms).await?;
        if !due.is_empty() {
            self.1.step("notifier");
        }
        Ok(due)
    }

    async fn notices_delivered(&self, ids: &[NoticeId]) -> PortResult<()> {
        self.1.step("notifier after the delivery");
        self.0.notices_delivered(ids).await
    }

    async fn notice_deferred(&self, id: &NoticeId, delay_ms: u64) -> PortResult<()> {
        self.0.notice_deferred(id, delay_ms).await
    }
}

#[async_trait]
impl Queries for MinedStore {
    async fn products(&self, asset: &AssetId) -> PortResult<Vec<Product>> {
        self.0.products(asset).await
    }
    async fn product(&self, asset: &AssetId, task: TaskKey) -> PortResult<Option<Product>> {
        self.0.product(asset, task).await
    }
    async fn media_progress(&self, asset: &AssetId) -> PortResult<MediaProgress> {
        self.0.media_progress(asset).await
    }
    async fn asset(&self, asset: &AssetId) -> PortResult<AssetDetail> {
        self.0.asset(asset).await
    }

    async fn assets(&self, filter: &AssetFilter) -> PortResult<Vec<AssetRecord>> {
        self.0.assets(filter).await
    }

    async fn find(&self, prefix: &str) -> PortResult<Vec<AssetId>> {
        self.0.find(prefix).await
    }

    async fn history(&self, asset: &AssetId) -> PortResult<Vec<HistoryRecord>> {
        self.0.history(asset).await
    }

    async fn redaction(&self, asset: &AssetId) -> PortResult<Option<serde_json::Value>> {
        self.0.redaction(asset).await
    }

    async fn audit(&self, after: u64, records_max: u32) -> PortResult<Vec<AuditRecord>> {
        self.0.audit(after, records_max).await
    }

    async fn queue(&self, rows_max: u32) -> PortResult<Vec<QueueRow>> {
        self.0.queue(rows_max).await
    }

    async fn backlog(&self) -> PortResult<Backlog> {
        self.0.backlog().await
    }
}

#[async_trait]
impl Decisions for MinedStore {
    async fn redrive(&self, asset: &AssetId) -> PortResult<()> {
        self.0.redrive(asset).await
    }

    async fn redo(&self, asset: &AssetId, what: Redo) -> PortResult<()> {
        self.0.redo(asset, what).await
    }

    async fn decide(&self, asset: &AssetId, decision: &Decision) -> PortResult<()> {
        self.0.decide(asset, decision).await
    }

    async fn review(&self, review_ms: u64) -> PortResult<u64> {
        self.0.review(review_ms).await
    }
}

#[async_trait]
impl Nodes for MinedStore {
    async fn node_seen(&self, report: &NodeReport) -> PortResult<bool> {
        self.0.node_seen(report).await
    }

    async fn nodes(&self) -> PortResult<Vec<NodeRecord>> {
        self.0.nodes().await
    }

    async fn order_drain(&self, node: &NodeId, drain: bool) -> PortResult<()> {
        self.0.order_drain(node, drain).await
    }
}

#[async_trait]
impl Maintenance for MinedStore {
    async fn seal(&self, records_max: u32) -> PortResult<u64> {
        self.0.seal(records_max).await
    }

    async fn retain(&self, days: Option<u32>) -> PortResult<Retained> {
        self.0.retain(days).await
    }

    async fn close(&self) {
        self.0.close().await;
    }

    fn violations(&self) -> Vec<(String, u64)> {
        self.0.violations()
    }

    async fn check(&self) -> PortResult<String> {
        self.0.check().await
    }
}

async fn mined(home: &Path, mine: &Arc<Mine>) -> EngineContext {
    std::fs::create_dir_all(home).unwrap();
    let store = SqliteStore::open(&home.join("reelgate.sqlite"), Arc::new(SystemClock)).await.unwrap();
    let events = DirectoryEvents::new(home, Duration::from_millis(10)).unwrap();
    EngineContext {
        node: NodeId::new("test"),
        roles: Roles::ALL,
        availability: Availability::default(),
        machine: None,
        sweep_interval: None,
        history_days: None,
        store: Arc::new(MinedStore(store, Arc::clone(mine))),
        objects: Arc::new(MinedObjects(DirectoryObjects::open(home).unwrap(), Arc::clone(mine))),
        events: Some(Arc::new(MinedEvents(events, Arc::clone(mine)))),
        notices: vec![Arc::new(FileNotices::open(&home.join("notices.jsonl")).unwrap())],
        worker: WorkerProgram {
            path: PathBuf::from(env!("CARGO_BIN_EXE_reelgate")).with_file_name("reelgate-worker"),
            plugin_dir: None,
            traceparent: None,
        },
        settings: Settings::default(),
        path_template: PathTemplate::default(),
        classifier: Classifier::new(),
        external_scan: None,
        policy: reelgate_flow::policy::Policy::default(),
        review_ms: u64::MAX,
        credits: Credits { light: 4, heavy: 2, inspections: 1 },
        inspections: Semaphore::new(1),
        lease_ms: 5_000,
        poll_ms: 50,
        progress_board: ProgressBoard::default(),
        signals: Signals::default(),
    }
}

#[test]
fn every_actor_panics_once_and_the_asset_is_still_published() {
    let home = TempHome::new();
    let mine = Arc::new(Mine::default());
    let phase = actix::System::new().block_on(async {
        let context = mined(&home.path(), &mine).await;
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
                _ => assert!(Instant::now() < deadline, "{:?}, gone off: {:?}", assets, mine.gone_off()),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        assert_eq!(engine.context().store.violations(), []);
        engine.drain(Duration::from_secs(1)).await;
        phase
    });
    assert_eq!(phase, Phase::Published);
    let expected = [
        "enricher",
        "intake",
        "notifier",
        "notifier after the delivery",
        "persister after the commit",
        "persister before the commit",
        "publisher",
        "transcoder",
        "validator",
    ];
    for place in expected {
        assert!(mine.gone_off().contains(&place), "{place} never panicked: {:?}", mine.gone_off());
    }
    let notices = std::fs::read_to_string(home.path().join("notices.jsonl")).unwrap();
    let ids: BTreeSet<String> = notices
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["id"].to_string())
        .collect();
    assert_eq!(ids.len(), 1, "{notices}");
}
