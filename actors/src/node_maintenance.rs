//! Maintains this node: reports to the store that it lives or has stopped, obeys orders to drain, runs the self-test, and
//! watches for the end of the machine. With the role intake it also sweeps for lost events, removes old history, reviews
//! decisions, seals the audit log, and measures how much work is left; one of these nodes reports about the fleet, looks at the flag
//! that pauses heavy work, and closes days of the ledger.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, WrapFuture};
use reelgate_flow::task::Lane;
use reelgate_ports::error::PortResult;
use reelgate_ports::records::NodeReport;
use reelgate_ports::seal_keeper::seal_and_keep;

use crate::availability::{DrainReason, STOPPED};
use crate::engine_context::EngineContext;
use crate::guard::ExitGuard;
use crate::messages::{NodeSuspected, WorkEnded};
use crate::name_watch::NameWatch;
use crate::work::cost_days::close_days;
use crate::work::fleet_report;
use crate::work::follow_flag::follow_flag;
use crate::work::self_test::self_test;
use crate::work::sweep::sweep;
use crate::work::sweep_findings::sweep_findings;
use crate::work::work_left::work_left;

/// Between checks for a notice that the machine will be ended. Such notices come two minutes before the end and should be
/// checked for every 5 s (EC2 User Guide, "Spot Instance interruption notices"); work stops within 5 s of a notice.
const MACHINE_INTERVAL: Duration = Duration::from_secs(2);
/// Between reports that the node lives; the answer to a report contains orders.
const REPORT_INTERVAL: Duration = Duration::from_secs(3);
/// Between two counts of the store's work for the metrics, about as often as they are read.
const COUNT_INTERVAL: Duration = Duration::from_secs(15);
/// Between two looks for another process with the name of this node.
const NAME_INTERVAL: Duration = Duration::from_secs(10);
/// Between measurements of the remaining work.
const WORK_LEFT_INTERVAL: Duration = Duration::from_secs(15);
/// Between looks at the flag that pauses heavy work. With a change of the node that looks, an order takes less than a minute.
const FLAG_INTERVAL: Duration = Duration::from_secs(15);
/// Before an unfit node runs its self-test again.
const SELF_TEST_RETRY: Duration = Duration::from_secs(30);
/// Between checks whether the event source asks for a sweep.
const SWEEP_CHECK_INTERVAL: Duration = Duration::from_secs(5);
/// Before a failed sweep is tried again.
const SWEEP_RETRY: Duration = Duration::from_secs(60);
/// Failures in a row of the sweep of findings after which its wait no longer doubles: 32 minutes.
const FINDING_RETRIES_DOUBLED: u32 = 6;
/// Between records that this node is up, for the cost of its time.
const UP_INTERVAL: Duration = Duration::from_secs(60);
/// Between looks for days of the ledger that are over.
const COST_DAYS_INTERVAL: Duration = Duration::from_secs(600);
/// Between removals of old history.
const RETAIN_INTERVAL: Duration = Duration::from_secs(24 * 3_600);
/// Before a failed removal of old history is tried again.
const RETAIN_RETRY: Duration = Duration::from_secs(600);
/// Between reviews of decisions, which may have expired, and seals of the audit log.
const DECISIONS_INTERVAL: Duration = Duration::from_secs(10);
/// What work costs changes slowly.
const LEARN_INTERVAL: Duration = Duration::from_secs(120);
/// Most rows of the queue that the remaining work is computed from. Rows beyond this are prefixes with little work each.
const QUEUE_ROWS_MAX: u32 = 10_000;

/// See the module.
pub struct NodeMaintenance {
    context: Arc<EngineContext>,
    reporting: bool,
    testing: bool,
    sweeping: bool,
    /// A sweep was requested and none has succeeded since.
    sweep_owed: bool,
    /// Sweeps of findings that failed in a row.
    finding_failures: u32,
    /// The last report is due, or was sent.
    ending: bool,
    name_watch: Arc<NameWatch>,
    _guard: ExitGuard,
}

impl NodeMaintenance {
    pub fn new(context: Arc<EngineContext>, guard: ExitGuard) -> Self {
        Self {
            context,
            reporting: false,
            testing: false,
            sweeping: false,
            sweep_owed: false,
            finding_failures: 0,
            ending: false,
            name_watch: Arc::default(),
            _guard: guard,
        }
    }

    fn report(&mut self, ctx: &mut Context<Self>) {
        if std::mem::replace(&mut self.reporting, true) {
            return;
        }
        let (context, name_watch) = (Arc::clone(&self.context), Arc::clone(&self.name_watch));
        let report = async move {
            let ordered = context.store.node_seen(&node_report(&context, &name_watch)).await;
            if ordered.is_ok() {
                context.signals.store().answered();
                name_watch.reported();
            }
            match ordered {
                Ok(true) if context.availability.reason(DrainReason::Ordered).is_none() => {
                    tracing::info!("drain ordered by an operator: this node takes no new work");
                    context.availability.hold(DrainReason::Ordered, "ordered by an operator");
                }
                Ok(false) if context.availability.reason(DrainReason::Ordered).is_some() => {
                    tracing::info!("order to drain withdrawn: this node takes work again");
                    context.availability.release(DrainReason::Ordered);
                }
                Ok(_) => {}
                Err(error) => context.signals.store_failed("node_seen", &error),
            }
        };
        ctx.spawn(report.into_actor(self).map(|(), act, ctx| {
            act.reporting = false;
            if act.ending {
                act.report_end(ctx);
            }
        }));
    }

    /// Reports that this node has stopped, and ends. A report that was sent before must not arrive after this one.
    fn report_end(&mut self, ctx: &mut Context<Self>) {
        if std::mem::replace(&mut self.reporting, true) {
            return;
        }
        let (context, name_watch) = (Arc::clone(&self.context), Arc::clone(&self.name_watch));
        let report = async move {
            let report = NodeReport {
                state: STOPPED.to_owned(),
                reason: String::new(),
                ..node_report(&context, &name_watch)
            };
            if let Err(error) = context.store.node_seen(&report).await {
                context.signals.store_failed("node_seen", &error);
            }
        };
        ctx.spawn(report.into_actor(self).map(|(), _, ctx| ctx.stop()));
    }

    fn test(&mut self, ctx: &mut Context<Self>) {
        if std::mem::replace(&mut self.testing, true) {
            return;
        }
        let testing = self_test(Arc::clone(&self.context)).into_actor(self);
        ctx.spawn(testing.map(|result, act, ctx| {
            act.testing = false;
            act.context.signals.self_test_ended(result.as_ref().err());
            match result {
                Ok(()) => act.context.availability.release(DrainReason::Unfit),
                Err(fault) => {
                    act.context
                        .availability
                        .hold(DrainReason::Unfit, format!("the self-test failed: {fault}"));
                    ctx.run_later(SELF_TEST_RETRY, |act, ctx| act.test(ctx));
                }
            }
        }));
    }

    fn watch_machine(&mut self, ctx: &mut Context<Self>) {
        let Some(machine) = self.context.machine.clone() else { return };
        let context = Arc::clone(&self.context);
        let busy = context.progress_board.running() > 0;
        self.spawn(ctx, async move {
            if context.availability.reason(DrainReason::Leaving).is_none()
                && let Some(reason) = machine.leaving().await?
            {
                tracing::warn!(reason, "machine will be ended soon: this node takes no new work");
                context.availability.hold(DrainReason::Leaving, reason);
            }
            machine.protect(busy).await
        });
    }

    /// Counts the work for the metrics, which must not wait for the store; and again later.
    fn count(&mut self, ctx: &mut Context<Self>) {
        let context = Arc::clone(&self.context);
        let counting = async move {
            match context.store.backlog().await {
                Ok(backlog) => context.signals.store().counted(backlog),
                Err(error) => context.signals.store_failed("backlog", &error),
            }
        };
        ctx.spawn(counting.into_actor(self).map(|(), _, ctx| {
            ctx.run_later(COUNT_INTERVAL, |act, ctx| act.count(ctx));
        }));
    }

    /// Learns what work costs, before the first and from time to time.
    fn learn(&mut self, ctx: &mut Context<Self>) {
        let context = Arc::clone(&self.context);
        if context.rates.node().is_some() {
            self.spawn(ctx, async move { context.estimates.learn(&*context.store).await });
        }
    }

    /// Looks for another process with the name of this node; and again later.
    fn watch_name(&mut self, ctx: &mut Context<Self>) {
        let (context, name_watch) = (Arc::clone(&self.context), Arc::clone(&self.name_watch));
        let looking = async move {
            if !name_watch.can_tell() {
                return;
            }
            match context.store.nodes().await {
                Ok(nodes) => name_watch.look(&context.node, &nodes),
                Err(error) => context.signals.store_failed("nodes", &error),
            }
        };
        ctx.spawn(looking.into_actor(self).map(|(), _, ctx| {
            ctx.run_later(NAME_INTERVAL, |act, ctx| act.watch_name(ctx));
        }));
    }

    fn measure(&mut self, ctx: &mut Context<Self>) {
        let context = Arc::clone(&self.context);
        self.spawn(ctx, async move {
            let (queue, nodes) = (context.store.queue(QUEUE_ROWS_MAX).await?, context.store.nodes().await?);
            let mut left = work_left(&queue, &nodes);
            // No machine is started for work that it must not begin.
            if context.store.heavy_pause().await?.is_some() {
                left.iter_mut().filter(|left| left.lane == Lane::Heavy).for_each(|left| left.seconds = 0.0);
            }
            context.signals.work_left(&left);
            match &context.machine {
                Some(machine) if fleet_report::reports(&context.node, &nodes) => {
                    let backlog = context.signals.store().backlog();
                    machine.report_fleet(&fleet_report::values(&left, &nodes, backlog.as_ref())).await
                }
                _ => Ok(()),
            }
        });
    }

    /// One node of the fleet looks at the flag that pauses heavy work.
    fn follow_flag(&self, ctx: &mut Context<Self>) {
        let Some(flag) = self.context.pause_flag.clone() else { return };
        let context = Arc::clone(&self.context);
        self.spawn(ctx, async move {
            match fleet_report::reports(&context.node, &context.store.nodes().await?) {
                true => follow_flag(&*context.store, &*flag).await,
                false => Ok(()),
            }
        });
    }

    fn sweep(&mut self, ctx: &mut Context<Self>) {
        if !self.context.availability.is_on() || std::mem::replace(&mut self.sweeping, true) {
            return;
        }
        self.sweep_owed = false;
        let context = Arc::clone(&self.context);
        let sweeping =
            async move { sweep(&*context.store, &*context.objects, &context.profiles, "", false).await };
        ctx.spawn(sweeping.into_actor(self).map(|result, act, ctx| {
            act.sweeping = false;
            match result {
                Ok(swept) => act.context.signals.swept(swept),
                Err(error) => {
                    act.context.signals.store_failed("sweep", &error);
                    ctx.run_later(SWEEP_RETRY, |act, _| act.sweep_owed = true);
                }
            }
        }));
    }

    /// Sweeps for findings of the external scanner, and again later: after the interval, or sooner if it failed.
    fn sweep_findings(&mut self, ctx: &mut Context<Self>) {
        let Some(sweep) = self.context.finding_sweep.clone() else { return };
        let (context, interval) = (Arc::clone(&self.context), sweep.interval);
        let sweeping = async move {
            if context.availability.is_on() { sweep_findings(&context, &sweep).await } else { Ok(None) }
        };
        ctx.spawn(sweeping.into_actor(self).map(move |result, act, ctx| {
            let next = match result {
                Ok(swept) => {
                    act.finding_failures = 0;
                    swept.into_iter().for_each(|swept| act.context.signals.intake().findings_swept(swept));
                    interval
                }
                Err(error) => {
                    act.context.signals.store_failed("sweep findings", &error);
                    act.finding_failures = (act.finding_failures + 1).min(FINDING_RETRIES_DOUBLED);
                    interval.min(SWEEP_RETRY * 2u32.pow(act.finding_failures - 1))
                }
            };
            ctx.run_later(next, |act, ctx| act.sweep_findings(ctx));
        }));
    }

    /// Removes old history, and again later. Every node with the role intake does this; the store admits one at a time.
    fn retain(&mut self, ctx: &mut Context<Self>) {
        let context = Arc::clone(&self.context);
        let retaining = async move { context.store.retain(context.history_days).await };
        ctx.spawn(retaining.into_actor(self).map(|result, act, ctx| {
            let next = match result {
                Ok(retained) => {
                    act.context.signals.history_retained(retained);
                    RETAIN_INTERVAL
                }
                Err(error) => {
                    act.context.signals.store_failed("retain", &error);
                    RETAIN_RETRY
                }
            };
            ctx.run_later(next, |act, ctx| act.retain(ctx));
        }));
    }

    /// Records that this node is up: its time is paid for, whatever it does.
    fn tell_up(&self, ctx: &mut Context<Self>) {
        let (context, name_watch) = (Arc::clone(&self.context), Arc::clone(&self.name_watch));
        self.spawn(ctx, async move { context.store.node_up(&node_report(&context, &name_watch)).await });
    }

    /// Judges what uploads cost on the days that are over, and divides what nobody used alone. One node of the fleet does this, and the store closes each day once.
    fn close_days(&self, ctx: &mut Context<Self>) {
        let context = Arc::clone(&self.context);
        let closing = async move {
            let nodes = context.store.nodes().await?;
            if !fleet_report::reports(&context.node, &nodes) {
                return Ok(());
            }
            close_days(&*context.store, &context.profiles, |found| context.signals.cost_anomalies(found))
                .await
        };
        ctx.spawn(closing.into_actor(self).map(|closed, act, _| {
            if let Err(error) = closed {
                act.context.signals.store_failed("close days", &error);
            }
        }));
    }

    /// Logs at the start what the external scanner will look for, or why it is not ready. The first job tries again.
    fn prepare_scanner(&self, ctx: &mut Context<Self>) {
        let context = Arc::clone(&self.context);
        let preparing = async move {
            let Some(batcher) = &context.external_scan else { return };
            match batcher.scanner.prepare().await {
                Ok(ready) => tracing::info!("external scanner ready: {ready}"),
                Err(error) => tracing::warn!(%error, "external scanner not ready: the first job tries again"),
            }
        };
        ctx.spawn(preparing.into_actor(self));
    }

    /// Every node with the role intake does this; each expired decision and each line is handled by one of them.
    fn maintain_decisions(&mut self, ctx: &mut Context<Self>) {
        let context = Arc::clone(&self.context);
        self.spawn(ctx, async move {
            context.store.admit(&context.caps).await?;
            context.store.review(context.review_ms).await?;
            seal_and_keep(&*context.store, &*context.seals).await?;
            context.signals.store().sealed();
            Ok(())
        });
    }

    fn spawn(&self, ctx: &mut Context<Self>, call: impl Future<Output = PortResult<()>> + 'static) {
        let context = Arc::clone(&self.context);
        let call = async move {
            if let Err(error) = call.await {
                context.signals.store_failed("node_maintenance", &error);
            }
        };
        ctx.spawn(call.into_actor(self));
    }
}

fn node_report(context: &EngineContext, name_watch: &NameWatch) -> NodeReport {
    let (state, reason) = context.availability.state();
    let away = context.breaker.reason();
    let reasons = [Some(reason.as_str()), away.as_deref(), name_watch.warning()].into_iter().flatten();
    let reason = reasons.filter(|reason| !reason.is_empty()).collect::<Vec<_>>().join("; ");
    NodeReport {
        node: context.node.clone(),
        process: name_watch.process().to_owned(),
        roles: context.roles.words(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        capacity: context.credits.by_lane(),
        in_flight: context.progress_board.in_flight(),
        state: state.to_owned(),
        reason,
        costs: context.signals.costs(),
        rate: context.rates.node().cloned(),
    }
}

impl Actor for NodeMaintenance {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        if self.context.availability.reason(DrainReason::Unfit).is_some() {
            self.test(ctx);
        }
        self.prepare_scanner(ctx);
        self.report(ctx);
        ctx.run_interval(REPORT_INTERVAL, |act, ctx| act.report(ctx));
        self.count(ctx);
        self.learn(ctx);
        ctx.run_interval(LEARN_INTERVAL, Self::learn);
        self.watch_name(ctx);
        if self.context.rates.node().is_some() {
            self.tell_up(ctx);
            ctx.run_interval(UP_INTERVAL, |act, ctx| act.tell_up(ctx));
        }
        if self.context.machine.is_some() {
            self.watch_machine(ctx);
            ctx.run_interval(MACHINE_INTERVAL, |act, ctx| act.watch_machine(ctx));
        }
        let Some(events) = self.context.events.clone() else { return };
        self.retain(ctx);
        // Its age counts from the start, so that a seal that never succeeds is seen.
        self.context.signals.store().sealed();
        ctx.run_interval(DECISIONS_INTERVAL, |act, ctx| act.maintain_decisions(ctx));
        ctx.run_interval(FLAG_INTERVAL, |act, ctx| act.follow_flag(ctx));
        ctx.run_interval(WORK_LEFT_INTERVAL, |act, ctx| act.measure(ctx));
        ctx.run_interval(SWEEP_CHECK_INTERVAL, move |act, ctx| {
            // The source asks once, maybe while the node takes no work or while an earlier sweep runs.
            act.sweep_owed |= events.sweep_wanted();
            if act.sweep_owed {
                act.sweep(ctx);
            }
        });
        ctx.run_interval(COST_DAYS_INTERVAL, |act, ctx| act.close_days(ctx));
        self.sweep_findings(ctx);
        if let Some(interval) = self.context.sweep_interval {
            ctx.run_interval(interval, |act, ctx| act.sweep(ctx));
        }
    }
}

impl Handler<NodeSuspected> for NodeMaintenance {
    type Result = ();

    fn handle(&mut self, _: NodeSuspected, ctx: &mut Self::Context) {
        self.test(ctx);
    }
}

impl Handler<WorkEnded> for NodeMaintenance {
    type Result = ();

    fn handle(&mut self, _: WorkEnded, ctx: &mut Self::Context) {
        if !std::mem::replace(&mut self.ending, true) {
            self.report_end(ctx);
        }
    }
}
