//! Polls for upload events, ingests them into the store and then acknowledges them. In this order a crash repeats events
//! and never loses one.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, Recipient, WrapFuture};
use reelgate_ports::error::{ErrorKind, PortResult};
use reelgate_ports::events::{EventBatch, Events};
use tokio::sync::Notify;
use tracing::{Instrument, Span};

use crate::engine_context::EngineContext;
use crate::guard::ExitGuard;
use crate::messages::{DrainStarted, PersisterReplaced, UploadsIngested};
use crate::spans;
use crate::work::finding_link::link;

/// Most events of one transaction.
const BATCH_MAX: usize = 256;

/// See the module.
pub struct Intake {
    context: Arc<EngineContext>,
    events: Arc<dyn Events>,
    persister: Recipient<UploadsIngested>,
    polling: bool,
    releasing: bool,
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
        let stop = async move {
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
        let ingesting = ingest_next(context, events, Arc::clone(&self.drained)).into_actor(self);
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
                Err(error) => act.context.signals.store_failed("ingest", &error),
            }
            if act.draining {
                act.release(ctx);
            }
        }));
    }
}

/// Ingests the next batch; returns how many messages it held. A drain ends the wait for a batch, but never the ingest of one.
async fn ingest_next(
    context: Arc<EngineContext>,
    events: Arc<dyn Events>,
    drained: Arc<Notify>,
) -> PortResult<usize> {
    let since = Instant::now();
    let mut batch = tokio::select! {
        biased;
        batch = events.poll(BATCH_MAX) => batch?,
        () = drained.notified() => return Ok(0),
    };
    link(&context, &mut batch.scans).await;
    if batch.is_empty() {
        return Ok(0);
    }
    let poll_ms = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
    let span = spans::intake(&batch, poll_ms);
    let ingested = ingest_batch(&context, &*events, &batch).instrument(span.clone()).await;
    ingested.inspect_err(|error| spans::refused(&span, error))
}

async fn ingest_batch(context: &EngineContext, events: &dyn Events, batch: &EventBatch) -> PortResult<usize> {
    match context.store.ingest(batch).await {
        Ok(ingested) => {
            context.signals.uploads_ingested(&ingested);
            spans::uploads_ingested(&ingested);
            spans::batch_ingested(&Span::current(), &ingested);
        }
        Err(error) if error.kind == ErrorKind::Conflict => {
            // Another node owns the shard now and ingests the same events.
            context.signals.batch_fenced();
            spans::refused(&Span::current(), &error);
            events.abandon(batch).await?;
            return Ok(batch.events.len());
        }
        Err(error) => return Err(error),
    }
    events.acknowledge(batch).await?;
    context.signals.events_refused(&batch.refused);
    Ok(batch.events.len() + batch.refused.len() + batch.scans.len())
}

impl Actor for Intake {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.run_interval(Duration::from_millis(self.context.poll_ms), |act, ctx| {
            act.stopped &= !act.context.availability.is_on();
            act.poll(ctx);
        });
        self.poll(ctx);
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
