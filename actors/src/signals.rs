//! One method for each notable event: it writes the log line and increments the counter, so the two cannot disagree.
//! Labels come from enums; no key, name or content of an upload is ever a label or a field.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use prometheus::{IntCounter, IntCounterVec, IntGauge, Registry};
use reelgate_cost::daily::Finding;
use reelgate_cost::line::DAY_MS;
use reelgate_flow::asset::Phase;
use reelgate_flow::ids::{AssetId, ReceiverName};
use reelgate_flow::reason::Fault;
use reelgate_flow::task::TaskKey;
use reelgate_ports::error::PortError;
use reelgate_ports::events::RefusedEvent;
use reelgate_ports::machine::WorkLeft;
use reelgate_ports::records::{
    AttemptCost, Ending, Fence, Ingested, NoticeRecord, Retained, StageCost, UsageRecord,
};
use reelgate_signals::catalogue;
use tokio::time::Instant;

use crate::breaker::Change;
use crate::intake_signals::IntakeSignals;
use crate::meters::{Counters, FloatGauges, Gauges, Histograms, Meters};
use crate::privacy_signals::PrivacySignals;
use crate::source_signals::SourceSignals;
use crate::store_signals::StoreSignals;
use crate::thinned::Thinned;
use crate::upload_signals::UploadSignals;
use crate::work::sweep::Swept;

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
    uploads: Counters,
    upload_times: UploadSignals,
    batches_fenced: IntCounter,
    work_left: FloatGauges,
    swept: Counters,
    history_removed: IntCounter,
    config_looks: Counters,
    self_tests: Counters,
    costs: Mutex<BTreeMap<&'static str, (u64, u64)>>,
    tasks_began: Counters,
    tasks_ended: Counters,
    task_seconds: Histograms,
    worker_cpu: Counters,
    assets_ended: Counters,
    faults: Counters,
    reports_stale: IntCounter,
    services_away: Gauges,
    dead_letters: IntGauge,
    withdrawals_delayed: IntCounter,
    withdrawal_errors: Mutex<Thinned>,
    tasks_refused: Counters,
    leases_lost: IntCounter,
    notices: Counters,
    actor_exits: Counters,
    intake: IntakeSignals,
    sources: SourceSignals,
    store: StoreSignals,
    cost: Counters,
    cost_anomalies: Counters,
    s3_requests: Counters,
    spans: Counters,
    privacy: PrivacySignals,
}

impl Default for Signals {
    fn default() -> Self {
        let meters = Meters::default();
        Self {
            uploads: meters.counters(&catalogue::UPLOADS),
            upload_times: UploadSignals::new(&meters),
            batches_fenced: meters.counter(&catalogue::BATCHES_FENCED),
            work_left: meters.float_gauges(&catalogue::WORK_LEFT_SECONDS),
            swept: meters.counters(&catalogue::SWEPT),
            history_removed: meters.counter(&catalogue::HISTORY_REMOVED),
            config_looks: meters.counters(&catalogue::CONFIG_LOOKS),
            self_tests: meters.counters(&catalogue::SELF_TESTS),
            costs: Mutex::default(),
            tasks_began: meters.counters(&catalogue::TASKS_BEGAN),
            tasks_ended: meters.counters(&catalogue::TASKS_ENDED),
            task_seconds: meters.histograms(&catalogue::TASK_SECONDS),
            worker_cpu: meters.counters(&catalogue::WORKER_CPU_MILLISECONDS),
            assets_ended: meters.counters(&catalogue::ASSETS_ENDED),
            faults: meters.counters(&catalogue::FAULTS),
            reports_stale: meters.counter(&catalogue::REPORTS_STALE),
            services_away: meters.gauges(&catalogue::SERVICE_AWAY),
            dead_letters: meters.gauge(&catalogue::DEAD_LETTERS),
            withdrawals_delayed: meters.counter(&catalogue::WITHDRAWALS_DELAYED),
            withdrawal_errors: Mutex::default(),
            tasks_refused: meters.counters(&catalogue::TASKS_REFUSED),
            leases_lost: meters.counter(&catalogue::LEASES_LOST),
            notices: meters.counters(&catalogue::NOTICES),
            actor_exits: meters.counters(&catalogue::ACTOR_EXITS),
            intake: IntakeSignals::new(&meters),
            sources: SourceSignals::new(&meters),
            store: StoreSignals::new(meters.counters(&catalogue::STORE_FAILURES)),
            cost: meters.counters(&catalogue::COST_NANO_USD),
            cost_anomalies: meters.counters(&catalogue::COST_ANOMALIES),
            s3_requests: meters.counters(&catalogue::S3_REQUESTS),
            spans: meters.counters(&catalogue::SPANS),
            privacy: PrivacySignals::new(&meters),
            registry: meters.into_registry(),
        }
    }
}

impl Signals {
    /// These receivers of notices are configured: their deliveries begin at zero.
    pub fn receivers<'a>(&self, names: impl Iterator<Item = &'a ReceiverName>) {
        let names: Vec<String> = names.map(|name| name.as_str().to_owned()).collect();
        self.notices.begin(&catalogue::NOTICES.from_start(&names));
    }

    /// The registry that holds every metric.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Spans that were `exported`, that `failed` to be, and that were `dropped` because too many waited. The exporter counts.
    pub fn spans(&self) -> &IntCounterVec {
        self.spans.vec()
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

    pub(crate) fn upload_times(&self) -> &UploadSignals {
        &self.upload_times
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
        self.worker_cpu.with_label_values(&[stage]).inc_by(usage.cpu_ms);
        if matches!(ending, Ending::Success(_)) {
            let mut costs = self.costs.lock().unwrap_or_else(PoisonError::into_inner);
            let sum = costs.entry(stage).or_default();
            *sum = (sum.0 + 1, sum.1.saturating_add(usage.wall_ms));
        }
        if let Ending::Fault(fault) = ending {
            let class = fault.code.class();
            self.faults.with_label_values(&[fault.code.as_str(), class.as_str()]).inc();
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

    /// What an attempt that ended here is charged.
    pub(crate) fn charged(&self, fence: &Fence, cost: &AttemptCost) {
        for charge in &cost.charges {
            let amount = u64::try_from(charge.amount.nanos()).unwrap_or(0);
            self.cost.with_label_values(&[fence.task.stage()]).inc_by(amount);
            if let Some(kind) = catalogue::s3_request(charge.resource) {
                self.s3_requests.with_label_values(&[kind]).inc_by(charge.quantity);
            }
        }
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

    /// This node closed days on which these prefixes and profiles cost unusually much. A prefix is part of keys and stays out of the log.
    pub(crate) fn cost_anomalies(&self, findings: &[Finding]) {
        for Finding { scope, day, amount, anomaly, .. } in findings {
            self.cost_anomalies.with_label_values(&[scope.as_str()]).inc();
            let (scope, begin_ms) = (scope.as_str(), u64::from(*day) * DAY_MS);
            let (found, usual) = (anomaly.found, anomaly.usual);
            tracing::warn!(
                scope, day_begin_ms = begin_ms, %amount, a_gb = %found, usual = %usual,
                "uploads cost unusually much on a day; `reelgate cost anomalies` says whose"
            );
        }
    }

    pub(crate) fn store_failed(&self, operation: &'static str, error: &PortError) {
        self.store.failed(operation, error);
    }
}
