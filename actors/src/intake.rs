//! Polls for upload events, ingests them into the store and then acknowledges them. In this order a crash repeats events
//! and never loses one. While the store is away a polled batch is kept and tried again, and nothing more is polled: a queue would
//! count each delivery in vain.

use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, Recipient, WrapFuture};
use reelgate_flow::ids::SourceId;
use reelgate_ports::error::{ErrorKind, PortError, PortResult};
use reelgate_ports::events::{EventBatch, Events};
use tokio::sync::Notify;
use tokio::time::Instant;
use tracing::{Instrument, Span};

use crate::engine_context::EngineContext;
use crate::guard::ExitGuard;
use crate::messages::{DrainStarted, PersisterReplaced, UploadsIngested};
use crate::spans;
use crate::work::finding_link::link;

/// Most events of one transaction.
const BATCH_MAX: usize = 256;
/// Between two calls that keep a batch which the store could not take yet.
const KEEP_INTERVAL: Duration = Duration::from_secs(30);

/// Between two looks at the number of dead letters.
const DEAD_LETTERS_INTERVAL: Duration = Duration::from_secs(60);

/// A polled batch that the store could not take yet.
struct KeptBatch {
    batch: EventBatch,
    kept_at: Option<Instant>,
}

/// The error of an attempt, and its batch if that is to be tried again.
type Refusal = (PortError, Option<KeptBatch>);

/// See the module.
pub struct Intake {
    context: Arc<EngineContext>,
    events: Arc<dyn Events>,
    persister: Recipient<UploadsIngested>,
    polling: bool,
    releasing: bool,
    kept: Option<KeptBatch>,
    /// The shards are released while the node takes no work; the first poll after that claims shards again.
    stopped: bool,
    draining: bool,
    /// Ends a poll that waits for events.
    drained: Arc<Notify>,
    _guard: ExitGuard,
}

impl Intake {
    pub fn new(
        context: Arc<EngineContext>,
        events: Arc<dyn Events>,
        persister: Recipient<UploadsIngested>,
        guard: ExitGuard,
    ) -> Self {
        Self {
            context,
            events,
            persister,
            polling: false,
            releasing: false,
            kept: None,
            stopped: false,
            draining: false,
            drained: Arc::default(),
            _guard: guard,
        }
    }

    /// Releases the shards, so that other nodes claim them at once. In a drain the actor ends after that: whoever waits for
    /// its end may close the store.
    fn release(&mut self, ctx: &mut Context<Self>) {
        if self.polling || std::mem::replace(&mut self.releasing, true) {
            return;
        }
        self.stopped = true;
        let (context, events) = (Arc::clone(&self.context), Arc::clone(&self.events));
        let kept = self.kept.take();
        let stop = async move {
            if let Some(KeptBatch { batch, .. }) = kept
                && let Err(error) = events.abandon(&batch).await
            {
                context.signals.store_failed("abandon events", &error);
            }
            if let Err(error) = events.stop().await {
                context.signals.store_failed("stop events", &error);
            }
        };
        ctx.spawn(stop.into_actor(self).map(|(), act, ctx| {
            act.releasing = false;
            if act.draining {
                ctx.stop();
            }
        }));
    }

    fn poll(&mut self, ctx: &mut Context<Self>) {
        if self.polling || self.releasing || self.draining || self.stopped {
            return;
        }
        if !self.context.availability.is_on() {
            return self.release(ctx);
        }
        self.polling = true;
        let (context, events) = (Arc::clone(&self.context), Arc::clone(&self.events));
        let (kept, drained) = (self.kept.take(), Arc::clone(&self.drained));
        let ingesting = ingest_next(context, events, drained, kept).into_actor(self);
        ctx.spawn(ingesting.map(|ingested, act, ctx| {
            act.polling = false;
            match ingested {
                Ok(0) => {}
                Ok(_) => {
                    if act.persister.try_send(UploadsIngested).is_err() {
                        tracing::debug!(
                            "uploads not announced: the persister's mailbox is full; it polls the store"
                        );
                    }
                    act.poll(ctx);
                }
                Err((error, kept)) => {
                    act.kept = kept;
                    act.context.signals.store_failed("ingest", &error);
                }
            }
            if act.draining {
                act.release(ctx);
            }
        }));
    }
}

/// Ingests the kept batch or the next one; returns how many messages it held. A drain ends the wait for a batch, but never the ingest
/// of one.
async fn ingest_next(
    context: Arc<EngineContext>,
    events: Arc<dyn Events>,
    drained: Arc<Notify>,
    kept: Option<KeptBatch>,
) -> Result<usize, Refusal> {
    let since = Instant::now();
    let mut this = match kept {
        Some(kept) => kept,
        None => KeptBatch {
            batch: tokio::select! {
                biased;
                batch = events.poll(BATCH_MAX) => batch.map_err(|error| (error, None))?,
                () = drained.notified() => return Ok(0),
            },
            kept_at: None,
        },
    };
    if this.batch.is_empty() {
        return Ok(0);
    }
    let poll_ms = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
    let span = spans::intake(&this.batch, poll_ms);
    let ingested = async {
        link(&context, &mut this.batch.scans).await;
        context.profiles.prioritise(&mut this.batch.events);
        redrive_unarchived(&context, &this.batch.unarchived).await?;
        ingest_batch(&context, &this.batch).await
    };
    let is_ingested =
        ingested.instrument(span.clone()).await.inspect_err(|error| spans::refused(&span, error));
    match is_ingested {
        Ok(true) => {}
        Ok(false) => {
            // Another node owns the shard now and ingests the same events.
            events.abandon(&this.batch).await.map_err(|error| (error, None))?;
            return Ok(this.batch.events.len());
        }
        Err(error) => {
            if this.kept_at.is_none_or(|at| at.elapsed() >= KEEP_INTERVAL) {
                match events.keep(&this.batch).await {
                    Ok(()) => this.kept_at = Some(Instant::now()),
                    Err(error) => context.signals.store_failed("keep events", &error),
                }
            }
            return Err((error, Some(this)));
        }
    }
    events.acknowledge(&this.batch).await.map_err(|error| (error, None))?;
    context.signals.events_refused(&this.batch.refused);
    let EventBatch { events, scans, unarchived, refused, .. } = &this.batch;
    Ok(events.len() + scans.len() + unarchived.len() + refused.len())
}

/// Redrives the assets of restored uploads before the events are acknowledged. That is done at once and may be done twice,
/// because an asset that was redriven no longer waits.
async fn redrive_unarchived(context: &EngineContext, uploads: &[SourceId]) -> PortResult<()> {
    if !uploads.is_empty() {
        context.signals.intake().unarchived(&context.store.redrive_unarchived(uploads).await?);
    }
    Ok(())
}

/// Whether the store took the batch; it does not if another node owns the checkpoint.
async fn ingest_batch(context: &EngineContext, batch: &EventBatch) -> PortResult<bool> {
    match context.store.ingest(batch).await {
        Ok(ingested) => {
            context.signals.uploads_ingested(&ingested);
            spans::uploads_ingested(&ingested);
            spans::batch_ingested(&Span::current(), &ingested);
            Ok(true)
        }
        Err(error) if error.kind == ErrorKind::Conflict => {
            context.signals.batch_fenced();
            spans::refused(&Span::current(), &error);
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

impl Actor for Intake {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.run_interval(Duration::from_millis(self.context.poll_ms), |act, ctx| {
            act.stopped &= !act.context.availability.is_on();
            act.poll(ctx);
        });
        self.poll(ctx);
        if let Some(dead_letters) = self.context.dead_letters.clone() {
            ctx.run_interval(DEAD_LETTERS_INTERVAL, move |act, ctx| {
                let (context, dead_letters) = (Arc::clone(&act.context), Arc::clone(&dead_letters));
                let look = async move {
                    match dead_letters.waiting().await {
                        Ok(waiting) => context.signals.dead_letters(waiting),
                        Err(error) => context.signals.store_failed("count dead letters", &error),
                    }
                };
                ctx.spawn(look.into_actor(act));
            });
        }
    }
}

impl Handler<PersisterReplaced> for Intake {
    type Result = ();

    fn handle(&mut self, message: PersisterReplaced, _: &mut Self::Context) {
        self.persister = message.0;
    }
}

impl Handler<DrainStarted> for Intake {
    type Result = ();

    fn handle(&mut self, _: DrainStarted, ctx: &mut Self::Context) {
        self.draining = true;
        self.drained.notify_one();
        self.release(ctx);
    }
}
