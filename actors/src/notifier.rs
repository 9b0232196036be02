//! Delivers the notices of the outbox, after the commit that put them there. Each notice has its own id and is delivered at
//! least once to each receiver.
//!
//! A notice is addressed first: it becomes one row for each receiver of this node. Each receiver then has its own course: its
//! own batches, its own waits. So a receiver that is down or slow delays nobody else, and nobody gets a notice twice because
//! another receiver refused it. Only a node with the role `light` does this: others may lack the rights to send.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, WrapFuture};
use reelgate_flow::ids::ReceiverName;
use reelgate_ports::error::{ErrorKind, Port, PortError, PortResult};
use reelgate_ports::notices::Receiver;
use reelgate_ports::records::NoticeRecord;
use tokio::time::{Instant, timeout};
use tracing::Instrument;

use crate::engine_context::EngineContext;
use crate::guard::ExitGuard;
use crate::messages::{NoticesOwed, WorkEnded};
use crate::spans;

const BATCH_MAX: u16 = 64;
/// Other nodes do not take a batch for this long after a node has taken it. If that node dies, the batch is delayed by this.
const HOLD: Duration = Duration::from_secs(25);
/// Longest time for one delivery. Receivers answer or give up sooner; this bounds those that do neither.
const DELIVERY_MAX: Duration = Duration::from_secs(11);
/// No delivery of a batch begins later. The last one then ends long enough before the hold to be recorded.
const BEGIN_MAX: Duration = Duration::from_secs(10);
/// Refusals in a row after which the rest of a batch waits: the receiver is down.
const REFUSALS_MAX: u32 = 3;
/// Between polls for notices whose deferral has ended.
const POLL_INTERVAL: Duration = Duration::from_millis(500);
/// First wait after a refused delivery; doubles up to [`DEFER_MAX_MS`].
const DEFER_MIN_MS: u64 = 1_000;
const DEFER_MAX_MS: u64 = 600_000;
/// Longest pause of a receiver that accepts nothing.
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// Between looks for deliveries that no node tries any more.
const UNSERVED_INTERVAL: Duration = Duration::from_secs(60);

/// What a course does.
#[derive(Clone)]
enum Assignment {
    /// Addresses new notices.
    Address,
    /// Delivers what is due to one receiver.
    Deliver(Receiver),
}

/// One loop of the notifier.
struct Course {
    assignment: Assignment,
    running: bool,
    again: bool,
    /// Batches in a row of which nothing was accepted.
    refused: u32,
    paused_until: Option<Instant>,
}

/// How a batch ended.
#[derive(Clone, Copy, Default)]
struct Batch {
    /// Notices that were addressed or delivered.
    done: usize,
    refused: usize,
}

/// See the module.
pub struct Notifier {
    context: Arc<EngineContext>,
    courses: Vec<Course>,
    /// Set when the actor must end after what has begun.
    ending: Arc<AtomicBool>,
    _guard: ExitGuard,
}

impl Notifier {
    pub fn new(context: Arc<EngineContext>, guard: ExitGuard) -> Self {
        let mut courses = Vec::new();
        if context.roles.light {
            let receivers = context.notices.iter().cloned().map(Assignment::Deliver);
            courses.extend(std::iter::once(Assignment::Address).chain(receivers).map(Course::new));
        }
        Self { context, courses, ending: Arc::default(), _guard: guard }
    }

    fn poll_all(&mut self, ctx: &mut Context<Self>) {
        for course in 0..self.courses.len() {
            self.poll(course, ctx);
        }
    }

    fn poll(&mut self, at: usize, ctx: &mut Context<Self>) {
        if self.ending.load(Ordering::Relaxed) {
            return;
        }
        let Some(course) = self.courses.get_mut(at) else { return };
        if course.running {
            course.again = true;
            return;
        }
        if course.paused_until.is_some_and(|until| Instant::now() < until) {
            return;
        }
        (course.running, course.again) = (true, false);
        let work = run(Arc::clone(&self.context), course.assignment.clone(), Arc::clone(&self.ending));
        ctx.spawn(work.into_actor(self).map(move |batch, act, ctx| act.batch_ended(at, batch, ctx)));
    }

    fn batch_ended(&mut self, at: usize, batch: PortResult<Batch>, ctx: &mut Context<Self>) {
        let batch = batch.unwrap_or_else(|error| {
            self.context.signals.store_failed("outbox", &error);
            Batch::default()
        });
        let Some(course) = self.courses.get_mut(at) else { return };
        course.ended(batch);
        let (again, addressed) =
            (course.again, batch.done > 0 && matches!(course.assignment, Assignment::Address));
        if self.ending.load(Ordering::Relaxed) {
            return self.end_if_idle(ctx);
        }
        if addressed {
            self.poll_all(ctx);
        } else if batch.done > 0 || again {
            self.poll(at, ctx);
        }
    }

    fn end_if_idle(&self, ctx: &mut Context<Self>) {
        if !self.courses.iter().any(|course| course.running) {
            ctx.stop();
        }
    }

    /// Ends deliveries to receivers that were taken out of the configuration.
    fn end_unserved(&self, ctx: &mut Context<Self>) {
        let context = Arc::clone(&self.context);
        let ending = async move {
            let receivers: Vec<ReceiverName> =
                context.notices.iter().map(|receiver| receiver.name.clone()).collect();
            match context.store.end_unserved(&receivers, context.unserved_ms).await {
                Ok(ended) => ended
                    .iter()
                    .for_each(|(receiver, notices)| context.signals.notices_ended(receiver, *notices)),
                Err(error) => context.signals.store_failed("end_unserved", &error),
            }
        };
        ctx.spawn(ending.into_actor(self));
    }
}

impl Course {
    fn new(assignment: Assignment) -> Self {
        Self { assignment, running: false, again: false, refused: 0, paused_until: None }
    }

    fn ended(&mut self, batch: Batch) {
        self.running = false;
        if batch.done > 0 || batch.refused == 0 {
            (self.refused, self.paused_until) = (0, None);
            return;
        }
        let pause = Duration::from_millis(DEFER_MIN_MS).saturating_mul(1 << self.refused.min(16));
        self.refused += 1;
        self.paused_until = Some(Instant::now() + pause.min(PAUSE_MAX));
    }
}

async fn run(
    context: Arc<EngineContext>,
    assignment: Assignment,
    ending: Arc<AtomicBool>,
) -> PortResult<Batch> {
    match assignment {
        Assignment::Address => address(&context).await,
        Assignment::Deliver(receiver) => deliver_due(&context, &receiver, &ending).await,
    }
}

async fn address(context: &EngineContext) -> PortResult<Batch> {
    let new = context.store.outbox(BATCH_MAX, hold_ms()).await?;
    if new.is_empty() {
        return Ok(Batch::default());
    }
    let receivers_of = |notice: &NoticeRecord| {
        let wanting = context.notices.iter().filter(|receiver| receiver.port.wants(notice));
        wanting.map(|receiver| receiver.name.clone()).collect()
    };
    let addressed: Vec<_> = new.iter().map(|notice| (notice.id.clone(), receivers_of(notice))).collect();
    context.store.address_notices(&addressed).await?;
    Ok(Batch { done: new.len(), refused: 0 })
}

/// Delivers a batch to one receiver: less than all of it if the receiver is down or slow, or if the actor must end. What is
/// left is due again when the hold ends.
async fn deliver_due(context: &EngineContext, receiver: &Receiver, ending: &AtomicBool) -> PortResult<Batch> {
    let begun = Instant::now();
    let due = context.store.deliveries(&receiver.name, BATCH_MAX, hold_ms()).await?;
    let (mut delivered, mut refused, mut in_a_row) = (Vec::new(), 0, 0);
    for notice in &due {
        if ending.load(Ordering::Relaxed) || begun.elapsed() > BEGIN_MAX || in_a_row == REFUSALS_MAX {
            break;
        }
        if deliver(context, receiver, notice).await {
            delivered.push(notice.id.clone());
            in_a_row = 0;
            continue;
        }
        (refused, in_a_row) = (refused + 1, in_a_row + 1);
        let delay_ms = (DEFER_MIN_MS << notice.tries.min(20)).min(DEFER_MAX_MS);
        if let Err(error) = context.store.notice_deferred(&receiver.name, &notice.id, delay_ms).await {
            // It is due again when the hold ends. What was delivered must still be recorded.
            context.signals.store_failed("notice_deferred", &error);
        }
    }
    if !delivered.is_empty() {
        context.store.notices_delivered(&receiver.name, &delivered).await?;
    }
    Ok(Batch { done: delivered.len(), refused })
}

async fn deliver(context: &EngineContext, receiver: &Receiver, notice: &NoticeRecord) -> bool {
    let span = spans::delivery(notice, &receiver.name);
    let delivery = receiver.port.deliver(notice).instrument(span.clone());
    let result = timeout(DELIVERY_MAX, delivery).await.unwrap_or_else(|_| {
        let detail = format!("expected an answer within {} s, found none", DELIVERY_MAX.as_secs());
        Err(PortError::new(Port::Notices, ErrorKind::Unavailable, "deliver a notice", detail))
    });
    match result {
        Ok(()) => {
            span.record("outcome", "delivered");
            context.signals.notice_delivered(notice, &receiver.name);
            true
        }
        Err(error) => {
            spans::refused(&span, &error);
            context.signals.notice_refused(notice, &receiver.name, &error);
            false
        }
    }
}

fn hold_ms() -> u64 {
    u64::try_from(HOLD.as_millis()).unwrap_or(u64::MAX)
}

impl Actor for Notifier {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        if self.courses.is_empty() {
            return;
        }
        ctx.run_interval(POLL_INTERVAL, |act, ctx| act.poll_all(ctx));
        self.poll_all(ctx);
        // Another node that serves a receiver which this one does not know gets that long to do so after a common start.
        ctx.run_later(Duration::from_millis(self.context.unserved_ms), |act, ctx| {
            act.end_unserved(ctx);
            ctx.run_interval(UNSERVED_INTERVAL, |act, ctx| act.end_unserved(ctx));
        });
    }
}

impl Handler<NoticesOwed> for Notifier {
    type Result = ();

    fn handle(&mut self, _: NoticesOwed, ctx: &mut Self::Context) {
        self.poll(0, ctx);
    }
}

impl Handler<WorkEnded> for Notifier {
    type Result = ();

    fn handle(&mut self, _: WorkEnded, ctx: &mut Self::Context) {
        self.ending.store(true, Ordering::Relaxed);
        self.end_if_idle(ctx);
    }
}
