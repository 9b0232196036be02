//! Keeps the node's house: tells the store that it lives, obeys orders to drain, proves its fitness, watches for
//! the machine's end, sweeps for lost events, lets old history go, looks after decisions and the audit log, and tells how much work is left.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, WrapFuture};
use reelgate_ports::error::PortResult;
use reelgate_ports::records::NodeReport;

use crate::duty::Hold;
use crate::guard::ExitGuard;
use crate::house::House;
use crate::messages::FitnessDoubted;
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
pub struct Steward {
    house: Arc<House>,
    reporting: bool,
    testing: bool,
    sweeping: bool,
    /// A sweep was asked for and has not gone well since.
    sweep_owed: bool,
    _guard: ExitGuard,
}

impl Steward {
    /// A fresh steward.
    pub fn new(house: Arc<House>, guard: ExitGuard) -> Self {
        Self { house, reporting: false, testing: false, sweeping: false, sweep_owed: false, _guard: guard }
    }

    fn report(&mut self, ctx: &mut Context<Self>) {
        if std::mem::replace(&mut self.reporting, true) {
            return;
        }
        let house = Arc::clone(&self.house);
        let report = async move {
            match house.store.node_seen(&node_report(&house)).await {
                Ok(true) if house.duty.reason(Hold::Ordered).is_none() => {
                    tracing::info!("ordered to drain: no new work is taken");
                    house.duty.hold(Hold::Ordered, "ordered by an operator");
                }
                Ok(false) if house.duty.reason(Hold::Ordered).is_some() => {
                    tracing::info!("the order to drain was taken back");
                    house.duty.release(Hold::Ordered);
                }
                Ok(_) => {}
                Err(error) => house.signals.store_failed("node_seen", &error),
            }
        };
        ctx.spawn(report.into_actor(self).map(|(), act, _| act.reporting = false));
    }

    fn test(&mut self, ctx: &mut Context<Self>) {
        if std::mem::replace(&mut self.testing, true) {
            return;
        }
        let testing = self_test(Arc::clone(&self.house)).into_actor(self);
        ctx.spawn(testing.map(|result, act, ctx| {
            act.testing = false;
            act.house.signals.self_test_ended(result.as_ref().err());
            match result {
                Ok(()) => act.house.duty.release(Hold::Unfit),
                Err(fault) => {
                    act.house.duty.hold(Hold::Unfit, format!("the self-test failed: {fault}"));
                    ctx.run_later(SELF_TEST_RETRY, |act, ctx| act.test(ctx));
                }
            }
        }));
    }

    fn watch_machine(&mut self, ctx: &mut Context<Self>) {
        let Some(machine) = self.house.machine.clone() else { return };
        let house = Arc::clone(&self.house);
        let busy = house.board.running() > 0;
        self.spawn(ctx, async move {
            if house.duty.reason(Hold::Leaving).is_none()
                && let Some(why) = machine.leaving().await?
            {
                tracing::warn!(why, "this machine will soon be gone: no new work is taken");
                house.duty.hold(Hold::Leaving, why);
            }
            machine.protect(busy).await
        });
    }

    fn measure(&mut self, ctx: &mut Context<Self>) {
        let house = Arc::clone(&self.house);
        self.spawn(ctx, async move {
            let (queue, nodes) = (house.store.queue(QUEUE_ROWS_MAX).await?, house.store.nodes().await?);
            let left = work_left(&queue, &nodes);
            house.signals.work_left(&left);
            match &house.machine {
                Some(machine) => machine.tell_work_left(&left).await,
                None => Ok(()),
            }
        });
    }

    fn sweep(&mut self, ctx: &mut Context<Self>) {
        if !self.house.duty.is_on() || std::mem::replace(&mut self.sweeping, true) {
            return;
        }
        self.sweep_owed = false;
        let house = Arc::clone(&self.house);
        let sweeping = async move { sweep(&*house.store, &*house.objects, "", false).await };
        ctx.spawn(sweeping.into_actor(self).map(|result, act, ctx| {
            act.sweeping = false;
            match result {
                Ok(swept) => act.house.signals.swept(swept),
                Err(error) => {
                    act.house.signals.store_failed("sweep", &error);
                    ctx.run_later(SWEEP_RETRY, |act, _| act.sweep_owed = true);
                }
            }
        }));
    }

    /// Looks now and then again. Every node with the role intake does; the store lets one of them at a time.
    fn retain(&mut self, ctx: &mut Context<Self>) {
        let house = Arc::clone(&self.house);
        let retaining = async move { house.store.retain(house.history_days).await };
        ctx.spawn(retaining.into_actor(self).map(|result, act, ctx| {
            let next = match result {
                Ok(retained) => {
                    act.house.signals.history_retained(retained);
                    RETAIN_INTERVAL
                }
                Err(error) => {
                    act.house.signals.store_failed("retain", &error);
                    RETAIN_RETRY
                }
            };
            ctx.run_later(next, |act, ctx| act.retain(ctx));
        }));
    }

    /// Says at the start what a scanner outside will look for, or why it cannot; it is tried again with the first job.
    fn prepare_scanner(&self, ctx: &mut Context<Self>) {
        let house = Arc::clone(&self.house);
        let preparing = async move {
            let Some(desk) = &house.scan else { return };
            match desk.scanner.prepare().await {
                Ok(ready) => tracing::info!("the scanner is ready: {ready}"),
                Err(error) => tracing::warn!(%error, "the scanner is not ready"),
            }
        };
        ctx.spawn(preparing.into_actor(self));
    }

    /// Every node with the role intake does; what is chained or due is taken by one of them.
    fn tend_decisions(&mut self, ctx: &mut Context<Self>) {
        let house = Arc::clone(&self.house);
        self.spawn(ctx, async move {
            house.store.review(house.review_ms).await?;
            while house.store.seal(SEAL_AT_ONCE).await? == u64::from(SEAL_AT_ONCE) {}
            Ok(())
        });
    }

    fn spawn(&self, ctx: &mut Context<Self>, call: impl Future<Output = PortResult<()>> + 'static) {
        let house = Arc::clone(&self.house);
        let call = async move {
            if let Err(error) = call.await {
                house.signals.store_failed("steward", &error);
            }
        };
        ctx.spawn(call.into_actor(self));
    }
}

fn node_report(house: &House) -> NodeReport {
    let (state, reason) = house.duty.state();
    NodeReport {
        node: house.node.clone(),
        roles: house.roles.words(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        capacity: house.credits.by_lane(),
        in_flight: house.board.in_flight(),
        state: state.to_owned(),
        reason,
        costs: house.signals.costs(),
    }
}

impl Actor for Steward {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        if self.house.duty.reason(Hold::Unfit).is_some() {
            self.test(ctx);
        }
        self.prepare_scanner(ctx);
        self.report(ctx);
        ctx.run_interval(REPORT_INTERVAL, |act, ctx| act.report(ctx));
        if self.house.machine.is_some() {
            self.watch_machine(ctx);
            ctx.run_interval(MACHINE_INTERVAL, |act, ctx| act.watch_machine(ctx));
        }
        let Some(events) = self.house.events.clone() else { return };
        self.retain(ctx);
        ctx.run_interval(DECISIONS_INTERVAL, |act, ctx| act.tend_decisions(ctx));
        ctx.run_interval(WORK_LEFT_INTERVAL, |act, ctx| act.measure(ctx));
        ctx.run_interval(SWEEP_LOOK, move |act, ctx| {
            // The source says it once; the node may be off duty or at a sweep that began before.
            act.sweep_owed |= events.sweep_wanted();
            if act.sweep_owed {
                act.sweep(ctx);
            }
        });
        if let Some(interval) = self.house.sweep_interval {
            ctx.run_interval(interval, |act, ctx| act.sweep(ctx));
        }
    }
}

impl Handler<FitnessDoubted> for Steward {
    type Result = ();

    fn handle(&mut self, _: FitnessDoubted, ctx: &mut Self::Context) {
        self.test(ctx);
    }
}
