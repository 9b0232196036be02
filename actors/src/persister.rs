//! Claims tasks within the credits, renews their leases, commits their results. No other actor commits results.
//!
//! It works in turns: commit the reports that came in, then claim as many tasks as there is room for, then hand them out.
//! There is one turn at a time, so a slow store also slows the claims, and the reports that come in during a turn share
//! one commit.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, Recipient, WrapFuture};
use reelgate_flow::asset::Phase;
use reelgate_flow::ids::AssetId;
use reelgate_flow::reason::{Code, Fault};
use reelgate_flow::task::{Lane, TaskKey};
use reelgate_pipelines::client::CancelFlag;
use reelgate_ports::records::{
    Applied, AttemptCost, Claim, Ending, Fence, Finder, FindingRecord, HistoryRecord, Success, TaskReport,
    UsageRecord,
};
use tokio::time::Instant;

use crate::availability::DrainReason;
use crate::engine_context::EngineContext;
use crate::guard::ExitGuard;
use crate::messages::{
    DrainStarted, NodeMaintenanceReplaced, NodeSuspected, NoticesOwed, NotifierReplaced, Stage,
    StageReplaced, TaskClaimed, TaskEnded, UploadsIngested,
};
use crate::node_health::NodeHealth;
use crate::persister_turn::{NotCommitted, Turn, discard_staging, turn};
use crate::signals::Signals;
use crate::spans::TraceParent;

/// Longest time between polls for work that no message announces: retries that are due, tasks that other nodes gave back.
const POLL_INTERVAL: Duration = Duration::from_millis(500);
/// Wait before the store is tried again after it failed.
const STORE_RETRY: Duration = Duration::from_millis(500);
/// Wait before staged files that could not be removed are tried again. What is left at the end is removed at the next start.
const DISCARD_RETRY: Duration = Duration::from_secs(10);

struct Flight {
    stage: Stage,
    lane: Lane,
    cancel: CancelFlag,
    /// When its lease was asked for the last time with success: the store's lease began then or later.
    leased: Instant,
}

/// Whom the persister notifies.
pub struct Recipients {
    /// Is notified when a commit has put notices into the outbox.
    pub notifier: Recipient<NoticesOwed>,
    /// Is notified when this node is suspected.
    pub node_maintenance: Recipient<NodeSuspected>,
}

/// See the module.
pub struct Persister {
    context: Arc<EngineContext>,
    stages: BTreeMap<Stage, Recipient<TaskClaimed>>,
    recipients: Recipients,
    node_health: NodeHealth,
    in_flight: BTreeMap<Fence, Flight>,
    reports: Vec<TaskEnded>,
    turning: bool,
    again: bool,
    draining: bool,
    _guard: ExitGuard,
}

/// Updates metrics from an asset's history.
type Measure = fn(&Signals, &[HistoryRecord]);

impl Persister {
    pub fn new(
        context: Arc<EngineContext>,
        stages: BTreeMap<Stage, Recipient<TaskClaimed>>,
        recipients: Recipients,
        guard: ExitGuard,
    ) -> Self {
        Self {
            context,
            stages,
            recipients,
            node_health: NodeHealth::default(),
            in_flight: BTreeMap::new(),
            reports: Vec::new(),
            turning: false,
            again: false,
            draining: false,
            _guard: guard,
        }
    }

    fn takes_work(&self) -> bool {
        !self.draining && self.context.availability.is_on()
    }

    fn room(&self) -> Vec<(Lane, u16)> {
        if !self.takes_work() {
            return Vec::new();
        }
        let claims_max = self.context.breaker.claims_max().unwrap_or(u16::MAX);
        let room = |lane: Lane| {
            let used = self.in_flight.values().filter(|flight| flight.lane == lane).count();
            let free = self.context.credits.of(lane).saturating_sub(used);
            (lane, u16::try_from(free).unwrap_or(u16::MAX).min(claims_max))
        };
        Lane::ALL.into_iter().map(room).filter(|(_, free)| *free > 0).collect()
    }

    /// Takes a turn whenever there may be new work, and regularly.
    fn listen(context: Arc<EngineContext>, ctx: &mut Context<Self>) {
        let changed = async move {
            context.store.changed(POLL_INTERVAL).await;
            context
        };
        ctx.spawn(actix::fut::wrap_future::<_, Self>(changed).map(|context, act, ctx| {
            act.turn(ctx);
            Self::listen(context, ctx);
        }));
    }

    fn turn(&mut self, ctx: &mut Context<Self>) {
        if self.turning {
            self.again = true;
            return;
        }
        self.turning = true;
        self.again = false;
        let reports = std::mem::take(&mut self.reports);
        let room = self.room_after(&reports);
        let work = turn(Arc::clone(&self.context), reports, room).into_actor(self);
        ctx.spawn(work.map(|turn, act, ctx| act.turn_ended(turn, ctx)));
    }

    /// The room there is once these reports are committed.
    fn room_after(&self, reports: &[TaskEnded]) -> Vec<(Lane, u16)> {
        if !self.takes_work() {
            return Vec::new();
        }
        let mut room: BTreeMap<Lane, u16> = self.room().into_iter().collect();
        if self.context.breaker.claims_max().is_some() {
            // A trial: no more than that.
            return room.into_iter().collect();
        }
        for TaskEnded { report, .. } in reports {
            *room.entry(report.fence.task.lane()).or_default() += 1;
        }
        room.into_iter().collect()
    }

    fn turn_ended(&mut self, turn: Turn, ctx: &mut Context<Self>) {
        self.turning = false;
        let mut again = self.again;
        let mut store_answers = true;
        match turn.committed {
            Ok(committed) => {
                self.measure(&committed, ctx);
                self.committed(committed);
            }
            Err(NotCommitted { reports, error }) => {
                self.context.signals.store_failed("complete", &error);
                self.reports.extend(reports);
                store_answers = false;
                ctx.run_later(STORE_RETRY, |act, ctx| act.turn(ctx));
            }
        }
        if !turn.claims.is_empty() {
            self.context.breaker.claimed();
            again = true;
        }
        turn.still_staged.into_iter().for_each(|asset| Self::discard_later(asset, ctx));
        self.hand_out(turn.claims, turn.leased);
        self.end_if_drained(ctx);
        // After a failure the next turn waits for its timer, so that a dead store is not called in a loop.
        if store_answers && (again || !self.reports.is_empty()) {
            self.turn(ctx);
        }
    }

    /// The asset may have been redriven meanwhile, so the store is asked whether it has ended.
    fn discard_later(asset: AssetId, ctx: &mut Context<Self>) {
        ctx.run_later(DISCARD_RETRY, |act, ctx| {
            let context = Arc::clone(&act.context);
            let discarding = async move {
                let done = discard_staging(&context, &asset, Applied::Stale).await;
                done.is_err().then_some(asset)
            };
            ctx.spawn(discarding.into_actor(act).map(|left, _, ctx| {
                left.into_iter().for_each(|asset| Self::discard_later(asset, ctx));
            }));
        });
    }

    fn committed(&mut self, committed: Vec<(TaskReport, Applied)>) {
        let mut notices_owed = false;
        for (report, applied) in committed {
            let asset = &report.fence.asset;
            self.in_flight.remove(&report.fence);
            match applied {
                Applied::Stale => self.context.signals.report_was_stale(&report.fence),
                Applied::Committed(Phase::Withdrawing) => self.cancel_work_on(asset),
                // It ended before, with a notice of its own.
                Applied::Committed(_) if report.fence.task == TaskKey::KeepSource => {}
                Applied::Committed(phase) if phase.is_ended() => {
                    self.context.signals.asset_ended(asset, phase);
                    self.context.progress_board.forget(asset);
                    notices_owed = true;
                }
                Applied::Committed(_) => {}
            }
        }
        if notices_owed && self.recipients.notifier.try_send(NoticesOwed).is_err() {
            tracing::debug!("notices not announced: the notifier's mailbox is full; it polls the outbox");
        }
    }

    /// Runs in parallel to the turns: nothing waits for metrics.
    fn measure(&self, committed: &[(TaskReport, Applied)], ctx: &mut Context<Self>) {
        // One look at the history of an asset serves all that is measured of it.
        let mut measured: BTreeMap<AssetId, Vec<Measure>> = BTreeMap::new();
        for (report, applied) in committed {
            let Applied::Committed(phase) = applied else { continue };
            let mut measures: Vec<Measure> = Vec::new();
            if let Ending::Success(Success::Screened { screening, findings, .. }) = &report.ending {
                self.context.signals.privacy().screened(screening);
                self.context.signals.privacy().found(findings);
                measures.push(|signals, history| signals.privacy().judged(history));
            } else if let Ending::Success(Success::ExternallyScanned { findings, .. }) = &report.ending {
                let scanners = |finding: &&FindingRecord| finding.source == Finder::Macie;
                self.context.signals.privacy().found(findings.iter().filter(scanners));
            }
            if *phase == Phase::Quarantined && report.fence.task == TaskKey::Withdraw {
                measures.push(|signals, history| signals.privacy().quarantined(history));
            }
            if phase.is_ended() && report.fence.task != TaskKey::KeepSource {
                measures.push(|signals, history| signals.upload_times().ended(history));
            }
            if !measures.is_empty() {
                measured.entry(report.fence.asset.clone()).or_default().extend(measures);
            }
        }
        if measured.is_empty() {
            return;
        }
        let context = Arc::clone(&self.context);
        let reading = async move {
            for (asset, measures) in measured {
                match context.store.history(&asset).await {
                    Ok(history) => measures.iter().for_each(|measure| measure(&context.signals, &history)),
                    Err(error) => context.signals.store_failed("history", &error),
                }
            }
        };
        ctx.spawn(reading.into_actor(self));
    }

    /// Cancels the tasks of an asset that is being withdrawn: their results are no longer wanted.
    fn cancel_work_on(&self, asset: &AssetId) {
        let unwanted = |fence: &Fence| fence.asset == *asset && fence.task != TaskKey::Withdraw;
        self.in_flight
            .iter()
            .filter(|(fence, _)| unwanted(fence))
            .for_each(|(_, flight)| flight.cancel.cancel());
    }

    fn hand_out(&mut self, claims: Vec<Claim>, leased: Instant) {
        for claim in claims {
            let stage = Stage::of(claim.fence.task);
            let fence = claim.fence.clone();
            if self.draining {
                // Claimed by a turn that began before the drain.
                self.report_without_work(fence, Ending::GivenBack);
                continue;
            }
            let cancel = CancelFlag::default();
            let flight = Flight { stage, lane: fence.task.lane(), cancel: cancel.clone(), leased };
            self.in_flight.insert(fence.clone(), flight);
            let claimed = TaskClaimed { claim, cancel };
            let taken = self.stages.get(&stage).is_some_and(|stage| stage.try_send(claimed).is_ok());
            if !taken {
                self.context.signals.task_refused(stage.as_str());
                self.report_without_work(fence, Ending::GivenBack);
            }
        }
    }

    fn report_without_work(&mut self, fence: Fence, ending: Ending) {
        let trace_parent = TraceParent::of_asset(&fence.asset);
        let report = TaskReport {
            fence,
            node: self.context.node.clone(),
            sha256: None,
            facts: None,
            metadata: None,
            ending,
            usage: UsageRecord::default(),
            cost: AttemptCost::default(),
        };
        self.reports.push(TaskEnded { report, trace_parent });
    }

    /// Stops taking work until the self-test has passed.
    fn suspect_node(&self) {
        tracing::error!(
            "node suspected: its last tasks all failed in ways that may be its own fault; it takes no work until its \
             self-test passes"
        );
        self.context
            .availability
            .hold(DrainReason::Unfit, "the last tasks all failed; the self-test decides");
        if self.recipients.node_maintenance.try_send(NodeSuspected).is_err() {
            // When the node maintenance is built again, it finds the node unfit and tests it.
            tracing::debug!("self-test not requested: node maintenance has ended or its mailbox is full");
        }
    }

    fn heartbeat(&mut self, ctx: &mut Context<Self>) {
        if self.in_flight.is_empty() {
            return;
        }
        let context = Arc::clone(&self.context);
        let fences: Vec<Fence> = self.in_flight.keys().cloned().collect();
        let asked = Instant::now();
        let renewal = async move {
            let lost = context.store.heartbeat(&context.node, &fences, context.lease_ms).await;
            lost.map(|lost| (fences, lost))
        };
        ctx.spawn(renewal.into_actor(self).map(move |result, act, _| match result {
            Ok((fences, lost)) => {
                for fence in fences {
                    let Some(flight) = act.in_flight.get_mut(&fence) else { continue };
                    if lost.contains(&fence) {
                        flight.cancel.cancel();
                    } else {
                        // An answer may come after that of a later renewal.
                        flight.leased = flight.leased.max(asked);
                    }
                }
            }
            Err(error) => act.context.signals.store_failed("heartbeat", &error),
        }));
    }

    /// After two thirds of its lease, by this node's clock, another node may soon own a task: stops it before that.
    fn watch_leases(&mut self) {
        let lease = Duration::from_millis(self.context.lease_ms);
        let ends =
            |flight: &&Flight| !flight.cancel.is_cancelled() && flight.leased.elapsed() > lease * 2 / 3;
        let ending: Vec<&Flight> = self.in_flight.values().filter(ends).collect();
        if !ending.is_empty() {
            self.context.signals.leases_lost(ending.len());
            ending.iter().for_each(|flight| flight.cancel.cancel());
        }
    }

    fn reap(&mut self, ctx: &mut Context<Self>) {
        let context = Arc::clone(&self.context);
        let reaping = async move {
            match context.store.reap().await {
                Ok(0) => {}
                Ok(expired) => tracing::warn!(
                    expired,
                    "leases expired: their attempts are counted as lost and their tasks run again"
                ),
                Err(error) => context.signals.store_failed("reap", &error),
            }
        };
        ctx.spawn(reaping.into_actor(self));
    }

    /// Ends this actor once every claimed task is committed or given back. A turn may still claim tasks until it has ended.
    fn end_if_drained(&self, ctx: &mut Context<Self>) {
        if self.draining && !self.turning && self.in_flight.is_empty() && self.reports.is_empty() {
            ctx.stop();
        }
    }
}

impl Actor for Persister {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let credits = usize::from(self.context.credits.light) + usize::from(self.context.credits.heavy);
        ctx.set_mailbox_capacity(credits + 16);
        let heartbeat = Duration::from_millis(self.context.lease_ms / 3);
        Self::listen(Arc::clone(&self.context), ctx);
        ctx.run_interval(heartbeat, |act, ctx| act.heartbeat(ctx));
        ctx.run_interval(heartbeat, |act, ctx| act.reap(ctx));
        ctx.run_interval(heartbeat / 8, |act, _| act.watch_leases());
        // Leases of an earlier persister, or of a killed process with this node's name.
        let context = Arc::clone(&self.context);
        let reclaim = async move { context.store.reclaim(&context.node).await };
        ctx.wait(reclaim.into_actor(self).map(|result, act, ctx| {
            match result {
                Ok(0) => {}
                Ok(lost) => tracing::info!(lost, "tasks of an earlier process reclaimed: they run again"),
                Err(error) => act.context.signals.store_failed("reclaim", &error),
            }
            act.turn(ctx);
        }));
    }
}

impl Handler<TaskEnded> for Persister {
    type Result = ();

    fn handle(&mut self, message: TaskEnded, ctx: &mut Self::Context) {
        let report = &message.report;
        if self.node_health.ended(&report.fence.asset, &report.ending) {
            self.suspect_node();
        }
        for change in self.context.breaker.ended(report.fence.task, &report.ending) {
            self.context.signals.service_changed(change);
        }
        self.reports.push(message);
        self.turn(ctx);
    }
}

impl Handler<UploadsIngested> for Persister {
    type Result = ();

    fn handle(&mut self, _: UploadsIngested, ctx: &mut Self::Context) {
        self.turn(ctx);
    }
}

impl Handler<StageReplaced> for Persister {
    type Result = ();

    fn handle(&mut self, message: StageReplaced, ctx: &mut Self::Context) {
        let StageReplaced { stage, recipient } = message;
        self.stages.insert(stage, recipient);
        let reported: Vec<Fence> = self.reports.iter().map(|ended| ended.report.fence.clone()).collect();
        let lost = |(fence, flight): &(&Fence, &Flight)| flight.stage == stage && !reported.contains(fence);
        let fences: Vec<Fence> = self.in_flight.iter().filter(lost).map(|(fence, _)| fence.clone()).collect();
        for fence in fences {
            let fault = Fault::new(Code::WorkerLost, format!("the {} was restarted", stage.as_str()));
            self.report_without_work(fence, Ending::Fault(fault));
        }
        self.turn(ctx);
    }
}

impl Handler<NotifierReplaced> for Persister {
    type Result = ();

    fn handle(&mut self, message: NotifierReplaced, _: &mut Self::Context) {
        self.recipients.notifier = message.0;
    }
}

impl Handler<NodeMaintenanceReplaced> for Persister {
    type Result = ();

    fn handle(&mut self, message: NodeMaintenanceReplaced, _: &mut Self::Context) {
        self.recipients.node_maintenance = message.0;
    }
}

impl Drop for Persister {
    /// The next persister starts these tasks again; their media workers must not keep running.
    fn drop(&mut self) {
        self.in_flight.values().for_each(|flight| flight.cancel.cancel());
    }
}

impl Handler<DrainStarted> for Persister {
    type Result = ();

    fn handle(&mut self, message: DrainStarted, ctx: &mut Self::Context) {
        if std::mem::replace(&mut self.draining, true) {
            return;
        }
        self.end_if_drained(ctx);
        ctx.run_later(message.grace, |act, _| {
            act.in_flight.values().for_each(|flight| flight.cancel.cancel());
        });
    }
}
