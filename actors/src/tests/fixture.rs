//! An engine in memory: a memory store and an object store whose calls a plan of faults can disturb, a recorder in place of
//! the actors that are not under test, and virtual time.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use actix::{Actor, Addr, Context, Handler, Recipient};
use async_trait::async_trait;
use reelgate_conformance::fault_plan::FaultPlan;
use reelgate_conformance::faulty::Faulty;
use reelgate_conformance::memory_seal::MemorySeal;
use reelgate_conformance::samples;
use reelgate_cost::cap::Caps;
use reelgate_flow::asset::Exit;
use reelgate_flow::ids::{AssetId, NodeId, ReceiverName};
use reelgate_flow::policy::Policy;
use reelgate_flow::reason::{Code, Fault};
use reelgate_flow::task::{Lane, TaskKey};
use reelgate_pipelines::client::WorkerProgram;
use reelgate_pipelines::recipes::settings::Settings;
use reelgate_ports::clock::Clock;
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::events::{EventBatch, Events};
use reelgate_ports::machine::{FleetValue, Machine, MachineKind};
use reelgate_ports::notices::{Notices, Receiver};
use reelgate_ports::objects::{
    MeasuredOutput, Objects, OpenSource, OutputRange, Publication, Restored, StagedWriter, Turn, Withdrawn,
};
use reelgate_ports::records::{
    AttemptCost, Claim, Ending, Fence, HistoryEvent, KeptSource, MediaEvent, NoticeRecord, SourceRecord,
    StagedOutput, Success, TaskReport, UsageRecord, WithdrawalRecord,
};
use reelgate_ports::store::{Intake as _, Queries as _, Queue as _};
use reelgate_privacy::Classifier;
use reelgate_store::memory::MemoryStore;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::availability::Availability;
use crate::breaker::Breaker;
use crate::engine_context::{Credits, EngineContext, Roles};
use crate::estimator::{Estimates, Estimator};
use crate::guard::ExitGuard;
use crate::messages::{
    ActorExited, DrainStarted, NodeSuspected, NoticesOwed, Role, Stage, TaskClaimed, UploadsIngested,
};
use crate::profiles::Profiles;
use crate::progress_board::ProgressBoard;
use crate::rates::Rates;
use crate::signals::Signals;

pub const LEASE_MS: u64 = 30_000;
pub const POLL_MS: u64 = 1_000;
pub const CREDITS: Credits = Credits { light: 4, heavy: 2, inspections: 1 };
pub const UNSERVED_MS: u64 = 3_600_000;
pub const REVIEW_MS: u64 = 90 * 86_400_000;

/// Longest virtual time that a test waits for anything.
const WAIT_MAX: Duration = Duration::from_secs(3_600);

/// Runs a test in an actix system whose time passes only while every actor waits.
pub fn in_virtual_time<F: Future<Output = ()>>(test: F) {
    let paused = || {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().start_paused(true).build().unwrap()
    };
    actix::System::with_tokio_rt(paused).block_on(test);
}

/// Returns when the condition holds.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let waited = tokio::time::timeout(WAIT_MAX, waiting).await;
    assert!(waited.is_ok(), "waited in vain: {what}");
}

/// The store's clock: some moment in 2026 and the virtual time since.
struct VirtualClock(Instant);

impl Clock for VirtualClock {
    fn now_ms(&self) -> u64 {
        1_780_000_000_000 + u64::try_from(self.0.elapsed().as_millis()).unwrap()
    }
}

/// An engine without actors.
pub struct Fixture {
    /// The store without faults.
    pub store: MemoryStore,
    /// Faults of the store as the engine calls it.
    pub store_faults: FaultPlan,
    /// Faults of the object store.
    pub object_faults: FaultPlan,
    pub objects: Arc<FakeObjects>,
    pub events: Arc<FakeEvents>,
    pub machine: Arc<FakeMachine>,
    pub notices: Arc<FakeNotices>,
    pub context: Arc<EngineContext>,
    pub received: Received,
}

impl Fixture {
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    /// A fixture whose context is changed before any actor sees it.
    pub fn with(change: impl FnOnce(&mut EngineContext)) -> Self {
        let store = MemoryStore::new(Arc::new(VirtualClock(Instant::now())));
        let (store_faults, object_faults) = (FaultPlan::default(), FaultPlan::default());
        let objects = Arc::new(FakeObjects::default());
        let events = Arc::new(FakeEvents::new(store.clone()));
        let machine = Arc::new(FakeMachine::default());
        let notices = Arc::new(FakeNotices::default());
        let mut context = EngineContext {
            node: node(),
            roles: Roles::ALL,
            availability: Availability::default(),
            breaker: Breaker::default(),
            machine: Some(machine.clone()),
            pause_flag: None,
            sweep_interval: None,
            history_days: Some(400),
            store: Arc::new(Faulty::new(Arc::new(store.clone()), &store_faults)),
            seals: Arc::new(MemorySeal::default()),
            objects: Arc::new(Faulty::new(objects.clone(), &object_faults)),
            events: Some(events.clone()),
            dead_letters: None,
            notices: vec![Receiver { name: ReceiverName::new("test"), port: notices.clone() }],
            unserved_ms: UNSERVED_MS,
            worker: WorkerProgram::new("/nonexistent/worker"),
            settings: Settings::default(),
            profiles: Profiles::default(),
            path_template: "{key}".parse().unwrap(),
            classifier: Classifier::new(),
            policy: Policy::default(),
            external_scan: None,
            finding_sweep: None,
            review_ms: REVIEW_MS,
            film_wait_ms: 0,
            credits: CREDITS,
            inspections: Semaphore::new(1),
            rates: Rates::free(),
            estimates: Estimates::new(Estimator::first_day(Rates::free(), false).unwrap()),
            caps: Caps::default(),
            lease_ms: LEASE_MS,
            poll_ms: POLL_MS,
            progress_board: ProgressBoard::default(),
            signals: Signals::default(),
        };
        change(&mut context);
        let (context, received) = (Arc::new(context), Received::default());
        Self { store, store_faults, object_faults, objects, events, machine, notices, context, received }
    }

    /// Ingests an upload past the actors.
    pub async fn upload(&self, key: &str) -> AssetId {
        let ingested = self.store.ingest(&EventBatch::of([event(key)])).await.unwrap();
        ingested[0].asset.clone()
    }

    /// Ingests an upload and rejects it, past the actors: its notice is owed.
    pub async fn reject(&self, key: &str) {
        self.upload(key).await;
        self.refuse().await;
        let withdrawal_record = WithdrawalRecord { looked_at: 1, ..WithdrawalRecord::default() };
        let withdrawn = Success::Withdrawn { source_location: "x".into(), withdrawal_record };
        self.end_task(Ending::Success(withdrawn)).await;
    }

    /// Refuses the oldest upload, past the actors: it is to be withdrawn.
    pub async fn refuse(&self) {
        self.end_task(Ending::Fault(Fault::new(Code::Truncated, "in a test"))).await;
    }

    async fn end_task(&self, ending: Ending) {
        let claim = self.store.claim(&node(), Lane::Light, 1, LEASE_MS).await.unwrap().remove(0);
        let report = TaskReport {
            fence: claim.fence,
            node: node(),
            sha256: None,
            facts: None,
            metadata: None,
            ending,
            usage: UsageRecord::default(),
            cost: AttemptCost::default(),
        };
        self.store.complete(&[report]).await.unwrap();
    }

    /// A recorder that shares its record with every other recorder of this fixture.
    pub fn recorder(&self) -> Addr<Recorder> {
        Recorder(self.received.clone()).start()
    }

    pub fn guard(&self, role: Role) -> ExitGuard {
        ExitGuard::new(role, 1, self.recorder().recipient())
    }

    /// How many lines of an asset's history have this event.
    pub async fn history_count(&self, asset: &AssetId, event: HistoryEvent) -> usize {
        let history = self.store.history(asset).await.unwrap();
        history.iter().filter(|line| line.event == event).count()
    }

    /// Attempts of a task so far.
    pub async fn attempts(&self, asset: &AssetId, task: TaskKey) -> u32 {
        let tasks = self.store.asset(asset).await.unwrap().tasks;
        tasks.iter().find(|row| row.task == task).map_or(0, |row| row.attempts)
    }

    /// Sum of a counter over all its labels, or over those with this label value.
    pub fn counted(&self, metric: &str, label: Option<&str>) -> u64 {
        let families = self.context.signals.registry().gather();
        let family = families.iter().filter(|family| family.name() == metric);
        let metrics = family.flat_map(|family| family.get_metric());
        let labelled = metrics
            .filter(|one| label.is_none_or(|value| one.get_label().iter().any(|l| l.value() == value)));
        labelled.map(|one| one.get_counter().get_value() as u64).sum()
    }
}

pub fn node() -> NodeId {
    NodeId::new("node-a")
}

pub fn other_node() -> NodeId {
    NodeId::new("node-b")
}

pub fn event(key: &str) -> MediaEvent {
    samples::event(key, 1)
}

/// What the recorders received.
#[derive(Clone, Default)]
pub struct Received(Arc<Mutex<Record>>);

#[derive(Default)]
pub struct Record {
    pub claimed: Vec<TaskClaimed>,
    pub uploads_ingested: usize,
    pub notices_owed: usize,
    pub node_suspected: usize,
}

impl Received {
    pub fn look(&self) -> MutexGuard<'_, Record> {
        self.0.lock().unwrap()
    }

    /// The claims so far, in order.
    pub fn claims(&self) -> Vec<Claim> {
        self.look().claimed.iter().map(|claimed| claimed.claim.clone()).collect()
    }

    pub fn claims_of(&self, lane: Lane) -> usize {
        self.claims().iter().filter(|claim| claim.fence.task.lane() == lane).count()
    }

    pub fn is_cancelled(&self, fence: &Fence) -> bool {
        let record = self.look();
        let claimed = record.claimed.iter().find(|claimed| claimed.claim.fence == *fence);
        claimed.is_some_and(|claimed| claimed.cancel.is_cancelled())
    }
}

/// Stands for every actor that is not under test; records what it receives and does nothing.
pub struct Recorder(Received);

impl Actor for Recorder {
    type Context = Context<Self>;
}

impl Handler<TaskClaimed> for Recorder {
    type Result = ();

    fn handle(&mut self, claimed: TaskClaimed, _: &mut Self::Context) {
        self.0.look().claimed.push(claimed);
    }
}

impl Handler<UploadsIngested> for Recorder {
    type Result = ();

    fn handle(&mut self, _: UploadsIngested, _: &mut Self::Context) {
        self.0.look().uploads_ingested += 1;
    }
}

impl Handler<NoticesOwed> for Recorder {
    type Result = ();

    fn handle(&mut self, _: NoticesOwed, _: &mut Self::Context) {
        self.0.look().notices_owed += 1;
    }
}

impl Handler<NodeSuspected> for Recorder {
    type Result = ();

    fn handle(&mut self, _: NodeSuspected, _: &mut Self::Context) {
        self.0.look().node_suspected += 1;
    }
}

impl Handler<ActorExited> for Recorder {
    type Result = ();

    fn handle(&mut self, _: ActorExited, _: &mut Self::Context) {}
}

/// One recorder for every stage.
pub fn recording_stages(recorder: &Addr<Recorder>) -> Vec<(Stage, Recipient<TaskClaimed>)> {
    Stage::ALL.map(|stage| (stage, recorder.clone().recipient())).into()
}

pub fn drain(grace: Duration) -> DrainStarted {
    DrainStarted { grace }
}

/// An object store whose sources have all changed since their event, so that every upload is rejected at once.
#[derive(Default)]
pub struct FakeObjects {
    /// What a sweep lists.
    pub listed: Mutex<Vec<MediaEvent>>,
}

fn unused<T>(operation: &'static str) -> PortResult<T> {
    unreachable!("no test without a media worker calls {operation}")
}

#[async_trait]
impl Objects for FakeObjects {
    async fn open(&self, _: &SourceRecord) -> PortResult<OpenSource> {
        Err(PortError::new(Port::Objects, ErrorKind::Conflict, "open", "every source has changed"))
    }

    async fn check_current(&self, _: &SourceRecord) -> PortResult<()> {
        unused("check_current")
    }

    async fn sidecar(&self, _: &SourceRecord, _: &str, _: u64) -> PortResult<Option<Vec<u8>>> {
        unused("sidecar")
    }

    async fn stage(&self, _: &Fence) -> PortResult<Box<dyn StagedWriter>> {
        unused("stage")
    }

    async fn read_staged(&self, _: &StagedOutput, _: u64) -> PortResult<Vec<u8>> {
        unused("read_staged")
    }

    async fn read_range(&self, _: &OutputRange) -> PortResult<Vec<u8>> {
        unused("read_range")
    }

    async fn publish(&self, _: &Publication) -> PortResult<String> {
        unused("publish")
    }

    fn visible(&self, _: &str, _: &str) -> String {
        unreachable!("nothing is published")
    }

    fn published_path(&self, _: &str) -> Option<String> {
        unreachable!("nothing is published")
    }

    async fn manifest(&self, _: &str, _: u64) -> PortResult<Option<Vec<u8>>> {
        unused("manifest")
    }

    async fn visible_names(&self, _: &str) -> PortResult<Vec<String>> {
        unused("visible_names")
    }

    async fn measure(&self, _: &str, _: &str) -> PortResult<Option<MeasuredOutput>> {
        unused("measure")
    }

    async fn withdraw(
        &self,
        _: &Turn,
        _: Option<&str>,
        source: &SourceRecord,
        _: Exit,
        _: bool,
    ) -> PortResult<Withdrawn> {
        let withdrawal_record = WithdrawalRecord { looked_at: 1, ..WithdrawalRecord::default() };
        Ok(Withdrawn { source_location: source.location.clone(), withdrawal_record })
    }

    async fn restore(&self, _: &Turn, _: &str, _: &SourceRecord) -> PortResult<Restored> {
        unused("restore")
    }

    async fn keep_source(&self, _: &AssetId, _: &SourceRecord) -> PortResult<KeptSource> {
        unused("keep_source")
    }

    async fn discard_staging(&self, _: &AssetId) -> PortResult<()> {
        Ok(())
    }

    async fn staged_assets(&self) -> PortResult<Vec<AssetId>> {
        Ok(Vec::new())
    }

    async fn list(&self, _: &str, after: Option<&str>, _: usize) -> PortResult<Vec<MediaEvent>> {
        assert_eq!(after, None, "one page holds everything");
        Ok(self.listed.lock().unwrap().clone())
    }

    async fn check(&self) -> PortResult<String> {
        unused("check")
    }
}

/// A source of events that offers its first batch again and again until that is acknowledged or abandoned.
pub struct FakeEvents {
    store: MemoryStore,
    state: Mutex<EventsState>,
}

#[derive(Default)]
struct EventsState {
    batches: Vec<EventBatch>,
    deliveries: usize,
    calls: Vec<String>,
    sweep_wanted: bool,
    stop_takes: Duration,
}

impl FakeEvents {
    fn new(store: MemoryStore) -> Self {
        Self { store, state: Mutex::default() }
    }

    pub fn offer(&self, batch: EventBatch) {
        self.state.lock().unwrap().batches.push(batch);
    }

    pub fn want_sweep(&self) {
        self.state.lock().unwrap().sweep_wanted = true;
    }

    /// Lets every stop take this long.
    pub fn slow_stops(&self, stop_takes: Duration) {
        self.state.lock().unwrap().stop_takes = stop_takes;
    }

    /// How often a batch was delivered.
    pub fn deliveries(&self) -> usize {
        self.state.lock().unwrap().deliveries
    }

    /// The calls so far about batches and the end of the reading, in order.
    pub fn calls(&self) -> Vec<String> {
        self.state.lock().unwrap().calls.clone()
    }

    fn called(&self, call: String) {
        self.state.lock().unwrap().calls.push(call);
    }
}

#[async_trait]
impl Events for FakeEvents {
    async fn poll(&self, events_max: usize) -> PortResult<EventBatch> {
        let mut state = self.state.lock().unwrap();
        let first = state.batches.first().cloned().unwrap_or_default();
        assert!(first.events.len() <= events_max);
        state.deliveries += usize::from(!first.is_empty());
        Ok(first)
    }

    async fn keep(&self, batch: &EventBatch) -> PortResult<()> {
        self.called(format!("keep {} events", batch.events.len()));
        Ok(())
    }

    async fn acknowledge(&self, batch: &EventBatch) -> PortResult<()> {
        let ids: Vec<AssetId> =
            batch.events.iter().map(|event| reelgate_ports::identity::asset_id(&event.source)).collect();
        let known = self.store.known(&ids).await?.len();
        self.called(format!("acknowledge {} events, {known} known", ids.len()));
        self.state.lock().unwrap().batches.remove(0);
        Ok(())
    }

    async fn abandon(&self, batch: &EventBatch) -> PortResult<()> {
        self.called(format!("abandon {} events", batch.events.len()));
        self.state.lock().unwrap().batches.remove(0);
        Ok(())
    }

    /// Asks once.
    fn sweep_wanted(&self) -> bool {
        std::mem::take(&mut self.state.lock().unwrap().sweep_wanted)
    }

    async fn stop(&self) -> PortResult<()> {
        let stop_takes = self.state.lock().unwrap().stop_takes;
        tokio::time::sleep(stop_takes).await;
        self.called("stop".into());
        Ok(())
    }

    async fn check(&self) -> PortResult<String> {
        unused("check")
    }
}

/// A receiver of notices that accepts every one, unless it is down.
#[derive(Default)]
pub struct FakeNotices {
    down: Mutex<bool>,
    tried: Mutex<usize>,
    takes: Mutex<Duration>,
    delivered: Mutex<Vec<NoticeRecord>>,
}

impl FakeNotices {
    /// Lets every delivery take this long.
    pub fn slow(&self, takes: Duration) {
        *self.takes.lock().unwrap() = takes;
    }

    /// Lets every delivery fail, after the time that it takes.
    pub fn set_down(&self, down: bool) {
        *self.down.lock().unwrap() = down;
    }

    /// Deliveries so far, with those that failed.
    pub fn tried(&self) -> usize {
        *self.tried.lock().unwrap()
    }

    /// The notices so far, in order.
    pub fn delivered(&self) -> Vec<NoticeRecord> {
        self.delivered.lock().unwrap().clone()
    }
}

#[async_trait]
impl Notices for FakeNotices {
    async fn deliver(&self, notice: &NoticeRecord) -> PortResult<()> {
        let takes = *self.takes.lock().unwrap();
        *self.tried.lock().unwrap() += 1;
        tokio::time::sleep(takes).await;
        if *self.down.lock().unwrap() {
            return Err(PortError::new(Port::Notices, ErrorKind::Unavailable, "deliver", "down"));
        }
        self.delivered.lock().unwrap().push(notice.clone());
        Ok(())
    }

    async fn check(&self) -> PortResult<String> {
        unused("check")
    }
}

/// A machine that stays until the test ends it.
#[derive(Default)]
pub struct FakeMachine {
    pub leaving: Mutex<Option<String>>,
    /// The last request for protection.
    pub protected: Mutex<Option<bool>>,
    /// What was reported last about the fleet.
    pub reported: Mutex<Vec<FleetValue>>,
}

#[async_trait]
impl Machine for FakeMachine {
    async fn kind(&self) -> PortResult<Option<MachineKind>> {
        unused("kind")
    }

    async fn leaving(&self) -> PortResult<Option<String>> {
        Ok(self.leaving.lock().unwrap().clone())
    }

    async fn protect(&self, busy: bool) -> PortResult<()> {
        *self.protected.lock().unwrap() = Some(busy);
        Ok(())
    }

    async fn report_fleet(&self, values: &[FleetValue]) -> PortResult<()> {
        *self.reported.lock().unwrap() = values.to_vec();
        Ok(())
    }

    async fn check(&self) -> PortResult<String> {
        unused("check")
    }
}
