//! Keeps the node's engine: tells the store that it lives, obeys orders to drain, proves its health, watches for
//! the machine's end, sweeps for lost events, lets old history go, looks after decisions and the audit log, and tells how much work is left.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, WrapFuture};
use reelgate_ports::error::PortResult;
use reelgate_ports::records::NodeReport;

use crate::availability::DrainReason;
use crate::engine_context::EngineContext;
use crate::guard::ExitGuard;
use crate::messages::NodeSuspected;
use crate::work::self_test::self_test;
use crate::work::sweep::sweep;
use crate::work::work_left::work_left;

/// Between looks for a notice that the machine will be taken away. Such notices come two minutes ahead and should be
/// looked for every 5 s (EC2 User Guide, "Spot Instance interruption notices"); work stops within 5 s of one.
const MACHINE_INTERVAL: Duration = Duration::from_secs(2);
/// Between reports that the node lives, which also bring orders.
const REPORT_INTERVAL: Duration = Duration::from_secs(3);
/// Between measurements of the work that is left.
const WORK_LEFT_INTERVAL: Duration = Duration::from_secs(15);
/// Before an unfit node tries its self-test again.
const SELF_TEST_RETRY: Duration = Duration::from_secs(30);
/// Between looks whether the events' source asks for a sweep.
const SWEEP_LOOK: Duration = Duration::from_secs(5);
/// Before a sweep that failed is tried again.
const SWEEP_RETRY: Duration = Duration::from_secs(60);
/// Between looks for history that is too old.
const RETAIN_INTERVAL: Duration = Duration::from_secs(24 * 3_600);
/// Before such a look that failed is tried again.
const RETAIN_RETRY: Duration = Duration::from_secs(600);
/// Between looks for decisions whose time is over, and chainings of the audit log.
const DECISIONS_INTERVAL: Duration = Duration::from_secs(10);
/// Lines chained in one transaction.
const SEAL_AT_ONCE: u32 = 1_000;
/// Rows of the queue that the signal is computed from; more groups than this are prefixes with little work each.
const QUEUE_ROWS_MAX: u32 = 10_000;

/// See the module.
pub struct NodeMaintenance {
    context: Arc<EngineContext>,
    reporting: bool,
    testing: bool,
    sweeping: bool,
    /// A sweep was asked for and has not gone well since.
    sweep_owed: bool,
    _guard: ExitGuard,
}

impl NodeMaintenance {
    /// A fresh node maintenance.
    pub fn new(context: Arc<EngineContext>, guard: ExitGuard) -> Self {
        Self { context, reporting: false, testing: false, sweeping: false, sweep_owed: false, _guard: guard }
    }

    fn report(&mut self, ctx: &mut Context<Self>) {
        if std::mem::replace(&mut self.reporting, true) {
            return;
        }
        let context = Arc::clone(&self.context);
        let report = async move {
            match context.store.node_seen(&node_report(&context)).await {
                Ok(true) if context.availability.reason(DrainReason::Ordered).is_none() => {
                    tracing::info!("ordered to drain: no new work is taken");
                    context.availability.hold(DrainReason::Ordered, "ordered by an operator");
                }
                Ok(false) if context.availability.reason(DrainReason::Ordered).is_some() => {
                    tracing::info!("the order to drain was taken back");
                    context.availability.release(DrainReason::Ordered);
                }
                Ok(_) => {}
                Err(error) => context.signals.store_failed("node_seen", &error),
            }
        };
        ctx.spawn(report.into_actor(self).map(|(), act, _| act.reporting = false));
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
                && let Some(why) = machine.leaving().await?
            {
                tracing::warn!(why, "this machine will soon be gone: no new work is taken");
                context.availability.hold(DrainReason::Leaving, why);
            }
            machine.protect(busy).await
        });
    }

    fn measure(&mut self, ctx: &mut Context<Self>) {
        let context = Arc::clone(&self.context);
        self.spawn(ctx, async move {
            let (queue, nodes) = (context.store.queue(QUEUE_ROWS_MAX).await?, context.store.nodes().await?);
            let left = work_left(&queue, &nodes);
            context.signals.work_left(&left);
            match &context.machine {
                Some(machine) => machine.report_work_left(&left).await,
                None => Ok(()),
            }
        });
    }

    fn sweep(&mut self, ctx: &mut Context<Self>) {
        if !self.context.availability.is_on() || std::mem::replace(&mut self.sweeping, true) {
            return;
        }
        self.sweep_owed = false;
        let context = Arc::clone(&self.context);
        let sweeping = async move { sweep(&*context.store, &*context.objects, "", false).await };
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

    /// Looks now and then again. Every node with the role intake does; the store lets one of them at a time.
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

    /// Says at the start what a scanner outside will look for, or why it cannot; it is tried again with the first job.
    fn prepare_scanner(&self, ctx: &mut Context<Self>) {
        let context = Arc::clone(&self.context);
        let preparing = async move {
            let Some(batcher) = &context.external_scan else { return };
            match batcher.scanner.prepare().await {
                Ok(ready) => tracing::info!("the scanner is ready: {ready}"),
                Err(error) => tracing::warn!(%error, "the scanner is not ready"),
            }
        };
        ctx.spawn(preparing.into_actor(self));
    }

    /// Every node with the role intake does; what is chained or due is taken by one of them.
    fn maintain_decisions(&mut self, ctx: &mut Context<Self>) {
        let context = Arc::clone(&self.context);
        self.spawn(ctx, async move {
            context.store.review(context.review_ms).await?;
            while context.store.seal(SEAL_AT_ONCE).await? == u64::from(SEAL_AT_ONCE) {}
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

fn node_report(context: &EngineContext) -> NodeReport {
    let (state, reason) = context.availability.state();
    NodeReport {
        node: context.node.clone(),
        roles: context.roles.words(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        capacity: context.credits.by_lane(),
        in_flight: context.progress_board.in_flight(),
        state: state.to_owned(),
        reason,
        costs: context.signals.costs(),
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
        if self.context.machine.is_some() {
            self.watch_machine(ctx);
            ctx.run_interval(MACHINE_INTERVAL, |act, ctx| act.watch_machine(ctx));
        }
        let Some(events) = self.context.events.clone() else { return };
        self.retain(ctx);
        ctx.run_interval(DECISIONS_INTERVAL, |act, ctx| act.maintain_decisions(ctx));
        ctx.run_interval(WORK_LEFT_INTERVAL, |act, ctx| act.measure(ctx));
        ctx.run_interval(SWEEP_LOOK, move |act, ctx| {
            // The source says it once; the node may be off availability or at a sweep that began before.
            act.sweep_owed |= events.sweep_wanted();
            if act.sweep_owed {
                act.sweep(ctx);
            }
        });
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
