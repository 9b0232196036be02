//! Delivers the notices of the outbox, after the commit that put them there. Each notice has its own id and is delivered
//! at least once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, WrapFuture};
use reelgate_ports::error::PortResult;
use reelgate_ports::records::NoticeRecord;
use tracing::Instrument;

use crate::engine_context::EngineContext;
use crate::guard::ExitGuard;
use crate::messages::{NoticesOwed, WorkEnded};
use crate::spans;

const BATCH_MAX: u16 = 64;
/// Other nodes do not load a batch for this long after a node has loaded it. If that node dies, the batch is delayed by this.
const HOLD_MS: u64 = 20_000;
/// Between polls for notices whose deferral has ended.
const POLL_INTERVAL: Duration = Duration::from_millis(500);
/// First wait after a refused delivery; doubles up to [`DEFER_MAX_MS`].
const DEFER_MIN_MS: u64 = 1_000;
const DEFER_MAX_MS: u64 = 600_000;

/// See the module.
pub struct Notifier {
    context: Arc<EngineContext>,
    delivering: bool,
    again: bool,
    /// Set when the actor must end after the delivery that has begun.
    ending: Arc<AtomicBool>,
    _guard: ExitGuard,
}

impl Notifier {
    pub fn new(context: Arc<EngineContext>, guard: ExitGuard) -> Self {
        Self { context, delivering: false, again: false, ending: Arc::default(), _guard: guard }
    }

    fn poll(&mut self, ctx: &mut Context<Self>) {
        if self.delivering {
            self.again = true;
            return;
        }
        self.delivering = true;
        self.again = false;
        let delivery = deliver_due(Arc::clone(&self.context), Arc::clone(&self.ending)).into_actor(self);
        ctx.spawn(delivery.map(|delivered, act, ctx| {
            act.delivering = false;
            let more = match delivered {
                Ok(count) => count > 0,
                Err(error) => {
                    act.context.signals.store_failed("outbox", &error);
                    false
                }
            };
            if act.ending.load(Ordering::Relaxed) {
                return ctx.stop();
            }
            if more || act.again {
                act.poll(ctx);
            }
        }));
    }
}

/// Delivers a batch, or the part of it that is delivered when the actor must end; returns how many notices that were.
async fn deliver_due(context: Arc<EngineContext>, ending: Arc<AtomicBool>) -> PortResult<usize> {
    let due = context.store.outbox(BATCH_MAX, HOLD_MS).await?;
    let mut delivered = Vec::new();
    for notice in &due {
        if ending.load(Ordering::Relaxed) {
            break;
        }
        if deliver(&context, notice).await? {
            delivered.push(notice.id.clone());
        }
    }
    if !delivered.is_empty() {
        context.store.notices_delivered(&delivered).await?;
    }
    Ok(delivered.len())
}

async fn deliver(context: &EngineContext, notice: &NoticeRecord) -> PortResult<bool> {
    let span = spans::delivery(notice);
    for receiver in &context.notices {
        if let Err(error) = receiver.deliver(notice).instrument(span.clone()).await {
            spans::refused(&span, &error);
            context.signals.notice_refused(notice, &error);
            let delay_ms = (DEFER_MIN_MS << notice.tries.min(20)).min(DEFER_MAX_MS);
            context.store.notice_deferred(&notice.id, delay_ms).await?;
            return Ok(false);
        }
    }
    span.record("outcome", "delivered");
    context.signals.notice_delivered(notice);
    Ok(true)
}

impl Actor for Notifier {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.run_interval(POLL_INTERVAL, |act, ctx| act.poll(ctx));
        self.poll(ctx);
    }
}

impl Handler<NoticesOwed> for Notifier {
    type Result = ();

    fn handle(&mut self, _: NoticesOwed, ctx: &mut Self::Context) {
        self.poll(ctx);
    }
}

impl Handler<WorkEnded> for Notifier {
    type Result = ();

    fn handle(&mut self, _: WorkEnded, ctx: &mut Self::Context) {
        self.ending.store(true, Ordering::Relaxed);
        if !self.delivering {
            ctx.stop();
        }
    }
}
