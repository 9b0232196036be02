//! Learns of uploads and takes them in: poll, store, acknowledge, in that order, so that a crash repeats and never loses.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, Recipient, WrapFuture};
use reelgate_ports::error::{ErrorKind, PortResult};
use reelgate_ports::events::{EventBatch, Events};
use tracing::{Instrument, Span};

use crate::engine_context::EngineContext;
use crate::guard::ExitGuard;
use crate::messages::{DrainStarted, PersisterReplaced, UploadsIngested};
use crate::spans;
use crate::work::finding_link::link;

/// Events taken in by one transaction.
const BATCH_MAX: usize = 256;

/// See the module.
pub struct Intake {
    context: Arc<EngineContext>,
    events: Arc<dyn Events>,
    persister: Recipient<UploadsIngested>,
    looking: bool,
    draining: bool,
    /// Handed over while the node takes no work; taken up again with the next look.
    stopped: bool,
    _guard: ExitGuard,
}

impl Intake {
    /// A fresh intake over a source of events.
    pub fn new(
        context: Arc<EngineContext>,
        events: Arc<dyn Events>,
        persister: Recipient<UploadsIngested>,
        guard: ExitGuard,
    ) -> Self {
        Self { context, events, persister, looking: false, draining: false, stopped: false, _guard: guard }
    }

    /// Hands the shards over, so that other nodes go on with them at once.
    fn stop(&mut self, ctx: &mut Context<Self>) {
        self.stopped = true;
        let (context, events) = (Arc::clone(&self.context), Arc::clone(&self.events));
        let stop = async move {
            if let Err(error) = events.stop().await {
                context.signals.store_failed("stop events", &error);
            }
        };
        ctx.spawn(stop.into_actor(self));
    }

    fn look(&mut self, ctx: &mut Context<Self>) {
        if self.looking || self.draining || self.stopped {
            return;
        }
        if !self.context.availability.is_on() {
            return self.stop(ctx);
        }
        self.looking = true;
        let look = take_in(Arc::clone(&self.context), Arc::clone(&self.events)).into_actor(self);
        ctx.spawn(look.map(|taken, act, ctx| {
            act.looking = false;
            match taken {
                Ok(0) => {}
                Ok(_) => {
                    if act.persister.try_send(UploadsIngested).is_err() {
                        tracing::debug!("persister is busy; it looks by itself");
                    }
                    act.look(ctx);
                }
                Err(error) => act.context.signals.store_failed("ingest", &error),
            }
        }));
    }
}

async fn take_in(context: Arc<EngineContext>, events: Arc<dyn Events>) -> PortResult<usize> {
    let since = Instant::now();
    let mut batch = events.poll(BATCH_MAX).await?;
    link(&context, &mut batch.scans).await?;
    if batch.is_empty() {
        return Ok(0);
    }
    let poll_ms = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
    let span = spans::intake(&batch, poll_ms);
    let taken = take_in_batch(&context, &*events, &batch).instrument(span.clone()).await;
    taken.inspect_err(|error| spans::refused(&span, error))
}

async fn take_in_batch(
    context: &EngineContext,
    events: &dyn Events,
    batch: &EventBatch,
) -> PortResult<usize> {
    match context.store.ingest(batch).await {
        Ok(ingested) => {
            context.signals.uploads_ingested(&ingested);
            spans::uploads_taken_in(&ingested);
            spans::taken_in(&Span::current(), &ingested);
        }
        Err(error) if error.kind == ErrorKind::Conflict => {
            // Another node reads the shard by now and takes the same events in.
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
            act.look(ctx);
        });
        self.look(ctx);
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
        self.stop(ctx);
    }
}
