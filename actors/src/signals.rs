//! One method for each notable event: it writes the log line and increments the counter, so the two cannot disagree.
//! Labels come from enums; no key, name or content of an upload is ever a label or a field.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use prometheus::core::{Collector, Desc};
use prometheus::{
    GaugeVec, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
};
use reelgate_flow::asset::Phase;
use reelgate_flow::ids::{AssetId, ReceiverName};
use reelgate_flow::reason::Fault;
use reelgate_flow::task::TaskKey;
use reelgate_ports::error::PortError;
use reelgate_ports::events::RefusedEvent;
use reelgate_ports::machine::WorkLeft;
use reelgate_ports::records::{Ending, Fence, Ingested, NoticeRecord, Retained, StageCost, UsageRecord};
use tokio::time::Instant;

use crate::breaker::{Change, Service};
use crate::intake_signals::IntakeSignals;
use crate::privacy_signals::PrivacySignals;
use crate::source_signals::SourceSignals;
use crate::store_signals::StoreSignals;
use crate::thinned::Thinned;
use crate::work::sweep::Swept;

/// One metric, as `docs/reference/metrics.md` lists it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Metric {
    pub name: String,
    /// `counter`, `gauge` or `histogram`.
    pub kind: &'static str,
    pub labels: Vec<String>,
    pub help: String,
}

impl Metric {
    /// The metrics of a collector, from its own descriptions.
    pub fn of(kind: &'static str, collector: &dyn Collector) -> Vec<Self> {
        let one = |desc: &&Desc| Self {
            name: desc.fq_name.clone(),
            kind,
            labels: desc.variable_labels.clone(),
            help: desc.help.clone(),
        };
        collector.desc().iter().map(one).collect()
    }
}

/// What a running node found when it read its configuration again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ConfigLook<'a> {
    /// It is the configuration in effect.
    Same,
    /// These settings have changed; the node drains and ends.
    Changed(&'a [String]),
    /// The node could not start with it, because of this setting where one can be named; the node keeps its configuration.
    Refused(Option<&'a str>),
    /// It could not be read, or a service that it names could not be reached; the node keeps its configuration.
    Unreachable(&'a PortError),
}

/// Counters of one engine.
pub struct Signals {
    registry: Registry,
    catalogue: Vec<Metric>,
    uploads: IntCounterVec,
    batches_fenced: IntCounter,
    work_left: GaugeVec,
    swept: IntCounterVec,
    history_removed: IntCounter,
    config_looks: IntCounterVec,
    self_tests: IntCounterVec,
    costs: Mutex<BTreeMap<&'static str, (u64, u64)>>,
    tasks_began: IntCounterVec,
    tasks_ended: IntCounterVec,
    task_seconds: HistogramVec,
    worker_cpu_seconds: IntCounterVec,
    assets_ended: IntCounterVec,
    reasons: IntCounterVec,
    reports_stale: IntCounter,
    services_away: IntGaugeVec,
    dead_letters: IntGauge,
    withdrawals_delayed: IntCounter,
    withdrawal_errors: Mutex<Thinned>,
    tasks_refused: IntCounterVec,
    leases_lost: IntCounter,
    notices: IntCounterVec,
    actor_exits: IntCounterVec,
    intake: IntakeSignals,
    sources: SourceSignals,
    store: StoreSignals,
    spans: IntCounterVec,
    privacy: PrivacySignals,
}

impl Default for Signals {
    fn default() -> Self {
        let registry = Registry::new();
        let catalogue = RefCell::new(Vec::new());
        let add = |kind, collector: Box<dyn Collector>| {
            catalogue.borrow_mut().extend(Metric::of(kind, &*collector));
            registry.register(collector).expect("each name is registered once");
        };
        let vec = |name: &str, help: &str, labels: &[&str]| {
            let counter =
                IntCounterVec::new(Opts::new(name, help), labels).expect("names and labels are literals");
            add("counter", Box::new(counter.clone()));
            counter
        };
        let one = |name: &str, help: &str| {
            let counter = IntCounter::with_opts(Opts::new(name, help)).expect("names are literals");
            add("counter", Box::new(counter.clone()));
            counter
        };
        let opts = Opts::new(
            "reelgate_work_left_seconds",
            "Seconds until the lane is empty at the fleet's present capacity; reported by nodes with the role intake.",
        );
        let work_left = GaugeVec::new(opts, &["lane"]).expect("names and labels are literals");
        add("gauge", Box::new(work_left.clone()));
        let opts = Opts::new(
            "reelgate_service_away",
            "1 while this node's tasks fail in a row because of a service, otherwise 0.",
        );
        let services_away = IntGaugeVec::new(opts, &["service"]).expect("names and labels are literals");
        for service in Service::ALL {
            services_away.with_label_values(&[service.as_str()]).set(0);
        }
        add("gauge", Box::new(services_away.clone()));
        let opts = Opts::new(
            "reelgate_dead_letters",
            "Events in the dead-letter queue, about; counted every minute by nodes with the role intake.",
        );
        let dead_letters = IntGauge::with_opts(opts).expect("names are literals");
        add("gauge", Box::new(dead_letters.clone()));
        let buckets = vec![0.01, 0.05, 0.25, 1.0, 5.0, 20.0, 60.0, 300.0, 1_200.0];
        let opts = HistogramOpts::new("reelgate_task_seconds", "Wall-clock seconds of one attempt.")
            .buckets(buckets);
        let task_seconds = HistogramVec::new(opts, &["stage"]).expect("names and labels are literals");
        add("histogram", Box::new(task_seconds.clone()));
        Self {
            uploads: vec("reelgate_uploads_total", "Upload events ingested.", &["result"]),
            work_left,
            services_away,
            dead_letters,
            swept: vec("reelgate_swept_total", "Uploads seen by sweeps.", &["result"]),
            self_tests: vec("reelgate_self_tests_total", "Self-tests of this node.", &["result"]),
            history_removed: one(
                "reelgate_history_removed_total",
                "Pieces of history removed for their age: months in PostgreSQL, assets in SQLite.",
            ),
            config_looks: vec(
                "reelgate_config_looks_total",
                "Times a running node read its configuration again, by result.",
                &["result"],
            ),
            costs: Mutex::default(),
            batches_fenced: one(
                "reelgate_batches_fenced_total",
                "Batches of events refused because another node owns their shard now.",
            ),
            tasks_began: vec("reelgate_tasks_began_total", "Attempts begun.", &["stage"]),
            tasks_ended: vec("reelgate_tasks_ended_total", "Attempts ended.", &["stage", "result"]),
            task_seconds,
            worker_cpu_seconds: vec(
                "reelgate_worker_cpu_milliseconds_total",
                "CPU milliseconds of media workers.",
                &["stage"],
            ),
            assets_ended: vec("reelgate_assets_ended_total", "Assets that reached an end.", &["phase"]),
            reasons: vec("reelgate_faults_total", "Faults of attempts.", &["code", "class"]),
            withdrawals_delayed: one(
                "reelgate_withdrawals_delayed_total",
                "Attempts to withdraw an asset (reject, quarantine, supersede, erase) that failed and are tried again; until one succeeds, its outputs may be readable.",
            ),
            withdrawal_errors: Mutex::default(),
            reports_stale: one(
                "reelgate_reports_stale_total",
                "Results refused because their attempt was no longer current.",
            ),
            tasks_refused: vec(
                "reelgate_tasks_refused_total",
                "Claims a stage's mailbox refused.",
                &["stage"],
            ),
            leases_lost: one(
                "reelgate_leases_lost_total",
                "Tasks stopped because their lease could not be renewed.",
            ),
            notices: vec(
                "reelgate_notices_total",
                "Deliveries of notices by result and receiver.",
                &["result", "receiver"],
            ),
            actor_exits: vec(
                "reelgate_actor_exits_total",
                "Actors that ended and were rebuilt.",
                &["actor", "result"],
            ),
            intake: IntakeSignals::new(&vec),
            sources: SourceSignals::new(&vec),
            store: StoreSignals::new(vec(
                "reelgate_store_failures_total",
                "Store calls that failed.",
                &["operation"],
            )),
            spans: vec("reelgate_spans_total", "Spans by result: exported, failed or dropped.", &["result"]),
            privacy: PrivacySignals::new(&add),
            catalogue: catalogue.take(),
            registry,
        }
    }
}

impl Signals {
    /// Every metric of this value.
    pub fn catalogue(&self) -> &[Metric] {
        &self.catalogue
    }

    /// The registry that holds every metric.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Spans that were `exported`, that `failed` to be, and that were `dropped` because too many waited. The exporter counts.
    pub fn spans(&self) -> &IntCounterVec {
        &self.spans
    }

    /// What this node knows about its store without a call.
    pub fn store(&self) -> &StoreSignals {
        &self.store
    }

    pub(crate) fn intake(&self) -> &IntakeSignals {
        &self.intake
    }

    pub(crate) fn sources(&self) -> &SourceSignals {
        &self.sources
    }

    pub(crate) fn privacy(&self) -> &PrivacySignals {
        &self.privacy
    }

    pub(crate) fn uploads_ingested(&self, ingested: &[Ingested]) {
        for upload in ingested {
            let result = if upload.new { "new" } else { "again" };
            self.uploads.with_label_values(&[result]).inc();
            tracing::debug!(asset = %upload.asset, result, "upload ingested");
        }
    }

    pub(crate) fn batch_fenced(&self) {
        self.batches_fenced.inc();
        tracing::warn!(
            "batch of events not ingested: another node owns its shard now and ingests the same events"
        );
    }

    pub(crate) fn events_refused(&self, refused: &[RefusedEvent]) {
        for event in refused {
            self.uploads.with_label_values(&["refused"]).inc();
            tracing::warn!(
                location = event.location,
                reason = event.reason,
                "message refused: it is not an event of Reelgate; its position is recorded and it is skipped"
            );
        }
    }

    /// Mean wall-clock milliseconds of the tasks that succeeded since the process started, by stage.
    pub fn costs(&self) -> Vec<StageCost> {
        let costs = self.costs.lock().unwrap_or_else(PoisonError::into_inner);
        let mean = |(stage, sum): (&&'static str, &(u64, u64))| StageCost {
            stage: (*stage).to_owned(),
            tasks: sum.0,
            wall_ms: sum.1.checked_div(sum.0).unwrap_or(0),
        };
        costs.iter().map(mean).collect()
    }

    pub(crate) fn work_left(&self, left: &[WorkLeft]) {
        for one in left {
            self.work_left.with_label_values(&[one.lane.as_str()]).set(one.seconds);
        }
    }

    pub(crate) fn swept(&self, swept: Swept) {
        self.swept.with_label_values(&["listed"]).inc_by(swept.listed);
        self.swept.with_label_values(&["found"]).inc_by(swept.found);
        if swept.found > 0 {
            tracing::warn!(
                listed = swept.listed,
                found = swept.found,
                "sweep ended: it ingested uploads whose event never came"
            );
        } else {
            tracing::info!(listed = swept.listed, "sweep ended: every upload was known");
        }
    }

    pub(crate) fn history_retained(&self, retained: Retained) {
        self.history_removed.inc_by(retained.removed);
        if retained.kept > 0 {
            tracing::warn!(
                removed = retained.removed,
                kept = retained.kept,
                "old history kept: it belongs to assets that have not ended"
            );
        } else {
            tracing::info!(removed = retained.removed, "history older than the limit removed");
        }
    }

    /// Logs names of settings only: a value may be a secret.
    pub fn config_looked(&self, look: ConfigLook<'_>) {
        let result = match look {
            ConfigLook::Same => "same",
            ConfigLook::Changed(_) => "changed",
            ConfigLook::Refused(_) => "refused",
            ConfigLook::Unreachable(_) => "unreachable",
        };
        self.config_looks.with_label_values(&[result]).inc();
        match look {
            ConfigLook::Same => {}
            ConfigLook::Changed(settings) => {
                tracing::warn!(
                    settings = settings.join(" "),
                    "configuration changed: the node drains and ends, so that it can be started with the new one"
                );
            }
            ConfigLook::Refused(setting) => tracing::error!(
                setting = setting.unwrap_or("unknown"),
                "new configuration refused: no node could start with it; this node keeps its configuration; \
                 `reelgate check` shows what is wrong"
            ),
            ConfigLook::Unreachable(error) => tracing::warn!(
                %error,
                "configuration not read again: it, or a service that it names, could not be reached; this node keeps its configuration"
            ),
        }
    }

    pub(crate) fn self_test_ended(&self, fault: Option<&Fault>) {
        let result = if fault.is_none() { "passed" } else { "failed" };
        self.self_tests.with_label_values(&[result]).inc();
        match fault {
            None => tracing::info!("self-test passed; the node takes work"),
            Some(fault) => tracing::error!(
                code = fault.code.as_str(),
                detail = fault.detail,
                "self-test failed: the node takes no work"
            ),
        }
    }

    pub(crate) fn task_began(&self, fence: &Fence) {
        self.tasks_began.with_label_values(&[fence.task.stage()]).inc();
        tracing::debug!(asset = %fence.asset, task = %fence.task, attempt = fence.attempt, "task began");
    }

    pub(crate) fn task_ended(&self, fence: &Fence, ending: &Ending, usage: UsageRecord) {
        let stage = fence.task.stage();
        let result = match ending {
            Ending::Success(_) => "success",
            Ending::Fault(_) => "fault",
            Ending::GivenBack => "given_back",
        };
        self.tasks_ended.with_label_values(&[stage, result]).inc();
        self.task_seconds.with_label_values(&[stage]).observe(usage.wall_ms as f64 / 1_000.0);
        self.worker_cpu_seconds.with_label_values(&[stage]).inc_by(usage.cpu_ms);
        if matches!(ending, Ending::Success(_)) {
            let mut costs = self.costs.lock().unwrap_or_else(PoisonError::into_inner);
            let sum = costs.entry(stage).or_default();
            *sum = (sum.0 + 1, sum.1.saturating_add(usage.wall_ms));
        }
        if let Ending::Fault(fault) = ending {
            let class = fault.code.class();
            self.reasons.with_label_values(&[fault.code.as_str(), class.as_str()]).inc();
            if fence.task == TaskKey::Withdraw {
                self.withdrawal_delayed(fence, fault);
            }
            let (asset, task, attempt) = (&fence.asset, fence.task, fence.attempt);
            if class.is_producers() {
                tracing::info!(%asset, %task, attempt, code = fault.code.as_str(), detail = fault.detail, "task refused the media");
            } else {
                tracing::warn!(%asset, %task, attempt, code = fault.code.as_str(), detail = fault.detail, "task failed");
            }
            return;
        }
        tracing::debug!(asset = %fence.asset, task = %fence.task, result, wall_ms = usage.wall_ms, "task ended");
    }

    pub(crate) fn asset_ended(&self, asset: &AssetId, phase: Phase) {
        self.assets_ended.with_label_values(&[phase.as_str()]).inc();
        tracing::info!(%asset, phase = phase.as_str(), "asset ended");
    }

    pub(crate) fn report_was_stale(&self, fence: &Fence) {
        self.reports_stale.inc();
        tracing::info!(asset = %fence.asset, task = %fence.task, attempt = fence.attempt, "stale result refused: the attempt was no longer current");
    }

    fn withdrawal_delayed(&self, fence: &Fence, fault: &Fault) {
        self.withdrawals_delayed.inc();
        let mut errors = self.withdrawal_errors.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(failures) = errors.due(Instant::now()) {
            tracing::error!(asset = %fence.asset, attempt = fence.attempt, code = fault.code.as_str(), failures, "asset not withdrawn yet: its outputs may be readable; it is tried again until it succeeds");
        }
    }

    pub(crate) fn service_changed(&self, change: Change) {
        let (service, away) = match change {
            Change::Away(service, code) => {
                let (service, code) = (service.as_str(), code.as_str());
                tracing::error!(
                    service,
                    code,
                    "service away: tasks wait for it without using up attempts, and go on by themselves"
                );
                (service, 1)
            }
            Change::Back(service, after) => {
                let (service, seconds) = (service.as_str(), after.as_secs());
                tracing::warn!(service, seconds, "service answers again: tasks go on");
                (service, 0)
            }
        };
        self.services_away.with_label_values(&[service]).set(away);
    }

    pub(crate) fn task_refused(&self, stage: &str) {
        self.tasks_refused.with_label_values(&[stage]).inc();
        tracing::warn!(stage, "task given back: the stage's mailbox refused it");
    }

    pub(crate) fn leases_lost(&self, tasks: usize) {
        self.leases_lost.inc_by(tasks as u64);
        tracing::error!(tasks, "leases could not be renewed: their tasks and media workers are stopped");
    }

    pub(crate) fn notice_delivered(&self, notice: &NoticeRecord, receiver: &ReceiverName) {
        self.notices.with_label_values(&["delivered", receiver.as_str()]).inc();
        self.privacy.notice_delivered(notice);
        tracing::debug!(asset = %notice.asset, notice = %notice.id, %receiver, "notice delivered");
    }

    /// A receiver is no longer configured on any node.
    pub(crate) fn notices_ended(&self, receiver: &ReceiverName, notices: u64) {
        self.notices.with_label_values(&["ended", receiver.as_str()]).inc_by(notices);
        tracing::warn!(
            %receiver,
            notices,
            "notices not delivered: their receiver was taken out of the configuration; they are removed from the outbox"
        );
    }

    pub(crate) fn notice_refused(&self, notice: &NoticeRecord, receiver: &ReceiverName, error: &PortError) {
        self.notices.with_label_values(&["refused", receiver.as_str()]).inc();
        tracing::warn!(asset = %notice.asset, notice = %notice.id, %receiver, tries = notice.tries, %error, "notice not delivered: it is tried again later");
    }

    pub(crate) fn actor_exited(&self, actor: &str, panicking: bool) {
        let result = if panicking { "panicked" } else { "stopped" };
        self.actor_exits.with_label_values(&[actor, result]).inc();
        tracing::error!(actor, result, "actor ended: it is built again");
    }

    /// The number of dead letters; a number that grew is told.
    pub(crate) fn dead_letters(&self, waiting: u64) {
        let now = i64::try_from(waiting).unwrap_or(i64::MAX);
        let before = self.dead_letters.get();
        self.dead_letters.set(now);
        if now > before {
            tracing::warn!(
                waiting,
                "events could not be delivered and wait in the dead-letter queue; mend the cause, then run `reelgate events redrive-dlq`"
            );
        }
    }

    pub(crate) fn store_failed(&self, operation: &'static str, error: &PortError) {
        self.store.failed(operation, error);
    }
}
