//! Claims tasks within the credits, keeps their leases, commits their results. The only actor that writes progress.
//!
//! It works in turns: commit what has ended, then claim what fits, then hand out. One turn at a time, so a
//! slow store slows the claims with it, and everything that ends during a turn goes into one commit.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, Recipient, WrapFuture};
use reelgate_flow::asset::Phase;
use reelgate_flow::ids::AssetId;
use reelgate_flow::task::{Lane, TaskKey};
use reelgate_pipelines::client::CancelFlag;
use reelgate_ports::error::PortError;
use reelgate_ports::records::{
    Applied, Claim, Ending, Fence, Finder, FindingRecord, HistoryRecord, Success, TaskReport, UsageRecord,
};

use crate::availability::DrainReason;
use crate::engine_context::EngineContext;
use crate::guard::ExitGuard;
use crate::messages::{
    DrainStarted, NodeMaintenanceReplaced, NodeSuspected, NoticesOwed, NotifierReplaced, Stage,
    StageReplaced, TaskClaimed, TaskEnded, UploadsIngested,
};
use crate::node_health::NodeHealth;
use crate::privacy_signals::PrivacySignals;
use crate::spans::{self, TraceParent};

/// Longest time until the store is asked for work nobody told us of (retries that fell due, other nodes' leavings).
const LOOK_INTERVAL: Duration = Duration::from_millis(500);
/// Wait before the store is tried again after it failed.
const STORE_RETRY: Duration = Duration::from_millis(500);

struct Flight {
    stage: Stage,
    lane: Lane,
    cancel: CancelFlag,
}

/// Whom the persister tells what.
pub struct Recipients {
    /// Of notices that a commit left in the outbox.
    pub notifier: Recipient<NoticesOwed>,
    /// Of doubts about this node.
    pub node_maintenance: Recipient<NodeSuspected>,
}

/// See the module.
pub struct Persister {
    context: Arc<EngineContext>,
    stages: BTreeMap<Stage, Recipient<TaskClaimed>>,
    tell: Recipients,
    node_health: NodeHealth,
    in_flight: BTreeMap<Fence, Flight>,
    reports: Vec<TaskEnded>,
    turning: bool,
    again: bool,
    draining: bool,
    renewed: Instant,
    _guard: ExitGuard,
}

/// Reports that come back because the store did not answer.
struct NotCommitted {
    reports: Vec<TaskEnded>,
    error: PortError,
}

/// Takes a figure from an asset's history.
type Measure = fn(&PrivacySignals, &[HistoryRecord]);

struct Turn {
    /// Reports with what became of them.
    committed: Result<Vec<(TaskReport, Applied)>, NotCommitted>,
    claims: Vec<Claim>,
}

impl Persister {
    /// A fresh persister over fresh stages.
    pub fn new(
        context: Arc<EngineContext>,
        stages: BTreeMap<Stage, Recipient<TaskClaimed>>,
        tell: Recipients,
        guard: ExitGuard,
    ) -> Self {
        Self {
            context,
            stages,
            tell,
            node_health: NodeHealth::default(),
            in_flight: BTreeMap::new(),
            reports: Vec::new(),
            turning: false,
            again: false,
            draining: false,
            renewed: Instant::now(),
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
        let room = |lane: Lane| {
            let used = self.in_flight.values().filter(|flight| flight.lane == lane).count();
            let free = self.context.credits.of(lane).saturating_sub(used);
            (lane, u16::try_from(free).unwrap_or(u16::MAX))
        };
        Lane::ALL.into_iter().map(room).filter(|(_, free)| *free > 0).collect()
    }

    /// Takes a turn whenever somebody may have made work, and now and then.
    fn listen(context: Arc<EngineContext>, ctx: &mut Context<Self>) {
        let changed = async move {
            context.store.changed(LOOK_INTERVAL).await;
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

    /// Room once these reports are committed.
    fn room_after(&self, reports: &[TaskEnded]) -> Vec<(Lane, u16)> {
        if !self.takes_work() {
            return Vec::new();
        }
        let mut room: BTreeMap<Lane, u16> = self.room().into_iter().collect();
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
                self.measure_privacy(&committed, ctx);
                self.committed(committed);
            }
            Err(NotCommitted { reports, error }) => {
                self.context.signals.store_failed("complete", &error);
                self.reports.extend(reports);
                store_answers = false;
                ctx.run_later(STORE_RETRY, |act, ctx| act.turn(ctx));
            }
        }
        again |= !turn.claims.is_empty();
        self.hand_out(turn.claims);
        self.tell_when_drained();
        // After a failure the timer decides, so that a dead store is not hammered.
        if store_answers && (again || !self.reports.is_empty()) {
            self.turn(ctx);
        }
    }

    fn committed(&mut self, committed: Vec<(TaskReport, Applied)>) {
        let mut notices_owed = false;
        for (report, applied) in committed {
            let asset = &report.fence.asset;
            self.in_flight.remove(&report.fence);
            match applied {
                Applied::Stale => self.context.signals.report_was_stale(&report.fence),
                Applied::Committed(Phase::Withdrawing) => self.cancel_work_on(asset),
                Applied::Committed(phase) if phase.is_ended() => {
                    self.context.signals.asset_ended(asset, phase);
                    self.context.progress_board.forget(asset);
                    notices_owed = true;
                }
                Applied::Committed(_) => {}
            }
        }
        if notices_owed && self.tell.notifier.try_send(NoticesOwed).is_err() {
            tracing::debug!("notifier is busy; it looks by itself");
        }
    }

    /// Beside the turn: nobody waits for figures.
    fn measure_privacy(&self, committed: &[(TaskReport, Applied)], ctx: &mut Context<Self>) {
        let mut measured: Vec<(AssetId, Measure)> = Vec::new();
        for (report, applied) in committed {
            let Applied::Committed(phase) = applied else { continue };
            let asset = report.fence.asset.clone();
            if let Ending::Success(Success::Screened { findings, .. }) = &report.ending {
                self.context.signals.privacy().screened(findings);
                measured.push((asset.clone(), PrivacySignals::judged));
            } else if let Ending::Success(Success::ExternallyScanned { findings, .. }) = &report.ending {
                let scanners = |finding: &&FindingRecord| finding.source == Finder::Macie;
                self.context.signals.privacy().screened(findings.iter().filter(scanners));
            }
            if *phase == Phase::Quarantined && report.fence.task == TaskKey::Withdraw {
                measured.push((asset, PrivacySignals::quarantined));
            }
        }
        if measured.is_empty() {
            return;
        }
        let context = Arc::clone(&self.context);
        let reading = async move {
            for (asset, measure) in measured {
                match context.store.history(&asset).await {
                    Ok(history) => measure(context.signals.privacy(), &history),
                    Err(error) => context.signals.store_failed("history", &error),
                }
            }
        };
        ctx.spawn(reading.into_actor(self));
    }

    /// What still runs for an asset on its way out is not wanted any more.
    fn cancel_work_on(&self, asset: &AssetId) {
        let unwanted = |fence: &Fence| fence.asset == *asset && fence.task != TaskKey::Withdraw;
        self.in_flight
            .iter()
            .filter(|(fence, _)| unwanted(fence))
            .for_each(|(_, flight)| flight.cancel.cancel());
    }

    fn hand_out(&mut self, claims: Vec<Claim>) {
        for claim in claims {
            let stage = Stage::of(claim.fence.task);
            let fence = claim.fence.clone();
            let cancel = CancelFlag::default();
            let flight = Flight { stage, lane: fence.task.lane(), cancel: cancel.clone() };
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
            ending,
            usage: UsageRecord::default(),
        };
        self.reports.push(TaskEnded { report, trace_parent });
    }

    /// Takes no more work until the self-test has said that it is not the machine.
    fn doubt(&self) {
        tracing::error!(
            "the last tasks all failed in ways that may be this machine's: it takes no work until its self-test passes"
        );
        self.context
            .availability
            .hold(DrainReason::Unfit, "the last tasks all failed; the self-test is asked");
        if self.tell.node_maintenance.try_send(NodeSuspected).is_err() {
            // A node maintenance that is built anew tests as soon as it finds the node unfit.
            tracing::debug!("node maintenance is busy or gone");
        }
    }

    fn heartbeat(&mut self, ctx: &mut Context<Self>) {
        if self.in_flight.is_empty() {
            self.renewed = Instant::now();
            return;
        }
        let context = Arc::clone(&self.context);
        let fences: Vec<Fence> = self.in_flight.keys().cloned().collect();
        let asked = Instant::now();
        let renewal = async move { context.store.heartbeat(&context.node, &fences, context.lease_ms).await };
        ctx.spawn(renewal.into_actor(self).map(move |result, act, _| match result {
            Ok(lost) => {
                act.renewed = asked;
                for fence in lost {
                    if let Some(flight) = act.in_flight.get(&fence) {
                        flight.cancel.cancel();
                    }
                }
            }
            Err(error) => act.context.signals.store_failed("heartbeat", &error),
        }));
    }

    /// Past two thirds of the lease by our own clock somebody else may soon own the tasks: stop them first.
    fn watch_leases(&mut self) {
        let lease = Duration::from_millis(self.context.lease_ms);
        if self.renewed.elapsed() > lease * 2 / 3 {
            let running = self.in_flight.values().filter(|flight| !flight.cancel.is_cancelled());
            let running: Vec<&Flight> = running.collect();
            if !running.is_empty() {
                self.context.signals.leases_lost(running.len());
                running.iter().for_each(|flight| flight.cancel.cancel());
            }
        }
    }

    fn reap(&mut self, ctx: &mut Context<Self>) {
        let context = Arc::clone(&self.context);
        let reaping = async move {
            match context.store.reap().await {
                Ok(0) => {}
                Ok(expired) => tracing::warn!(expired, "leases expired; the attempts count as lost"),
                Err(error) => context.signals.store_failed("reap", &error),
            }
        };
        ctx.spawn(reaping.into_actor(self));
    }

    fn tell_when_drained(&self) {
        if self.draining && self.in_flight.is_empty() && self.reports.is_empty() {
            self.context.progress_board.mark_drained();
        }
    }
}

async fn turn(context: Arc<EngineContext>, reports: Vec<TaskEnded>, room: Vec<(Lane, u16)>) -> Turn {
    let mut committed = Vec::new();
    if !reports.is_empty() {
        match commit(&context, reports).await {
            Ok(applied) => committed = applied,
            Err(not_committed) => return Turn { committed: Err(not_committed), claims: Vec::new() },
        }
    }
    for (report, applied) in &committed {
        discard_staging(&context, &report.fence.asset, *applied).await;
    }
    let mut claims = Vec::new();
    for (lane, free) in room {
        match context.store.claim(&context.node, lane, free, context.lease_ms).await {
            Ok(more) => claims.extend(more),
            Err(error) => {
                // What was claimed so far is ours and must be handed out.
                context.signals.store_failed("claim", &error);
                break;
            }
        }
    }
    Turn { committed: Ok(committed), claims }
}

/// One transaction; each report's part in it is a span under its attempt.
async fn commit(
    context: &EngineContext,
    ended: Vec<TaskEnded>,
) -> Result<Vec<(TaskReport, Applied)>, NotCommitted> {
    let (reports, places): (Vec<_>, Vec<_>) =
        ended.into_iter().map(|one| (one.report, one.trace_parent)).unzip();
    let spans = spans::commits(&reports, places.clone());
    match context.store.complete(&reports).await {
        Ok(applied) => {
            spans::committed(spans, Ok(&applied));
            Ok(reports.into_iter().zip(applied).collect())
        }
        Err(error) => {
            spans::committed(spans, Err(&error));
            let again = reports
                .into_iter()
                .zip(places)
                .map(|(report, trace_parent)| TaskEnded { report, trace_parent });
            Err(NotCommitted { reports: again.collect(), error })
        }
    }
}

/// Removes what an ended asset staged, also where a stale attempt staged it after the end. A failed asset keeps it: a
/// redrive goes on from there. What cannot be removed now is swept at the next start.
async fn discard_staging(context: &EngineContext, asset: &AssetId, applied: Applied) {
    let phase = match applied {
        Applied::Committed(phase) => phase,
        Applied::Stale => match context.store.asset(asset).await {
            Ok(detail) => detail.asset.phase,
            Err(error) => return context.signals.store_failed("asset", &error),
        },
    };
    if !phase.is_ended() || phase == Phase::Failed {
        return;
    }
    if let Err(error) = context.objects.discard_staging(asset).await {
        tracing::warn!(%asset, %error, "staged files stay until the next start");
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
        // Leases of the persister before this one, or of a killed process with this node's name.
        let context = Arc::clone(&self.context);
        let reclaim = async move { context.store.reclaim(&context.node).await };
        ctx.wait(reclaim.into_actor(self).map(|result, act, ctx| {
            match result {
                Ok(0) => {}
                Ok(lost) => tracing::info!(lost, "took back tasks an earlier process left unfinished"),
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
            self.doubt();
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
            let what = format!("the {} was restarted", stage.as_str());
            let fault = reelgate_flow::reason::Fault::new(reelgate_flow::reason::Code::WorkerLost, what);
            self.report_without_work(fence, Ending::Fault(fault));
        }
        self.turn(ctx);
    }
}

impl Handler<NotifierReplaced> for Persister {
    type Result = ();

    fn handle(&mut self, message: NotifierReplaced, _: &mut Self::Context) {
        self.tell.notifier = message.0;
    }
}

impl Handler<NodeMaintenanceReplaced> for Persister {
    type Result = ();

    fn handle(&mut self, message: NodeMaintenanceReplaced, _: &mut Self::Context) {
        self.tell.node_maintenance = message.0;
    }
}

impl Drop for Persister {
    /// Whoever comes next starts these tasks anew; their media workers must not go on beside them.
    fn drop(&mut self) {
        self.in_flight.values().for_each(|flight| flight.cancel.cancel());
    }
}

impl Handler<DrainStarted> for Persister {
    type Result = ();

    fn handle(&mut self, message: DrainStarted, ctx: &mut Self::Context) {
        self.draining = true;
        self.tell_when_drained();
        ctx.run_later(message.grace, |act, _| {
            act.in_flight.values().for_each(|flight| flight.cancel.cancel());
        });
    }
}
