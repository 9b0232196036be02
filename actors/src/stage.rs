//! The shell of every actor that runs tasks: receive a claim, run plain code as a counted task, send the report.

use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Instant;

use actix::{Actor, AsyncContext, Context, Handler, Recipient, WrapFuture};
use reelgate_cost::estimate::Estimate;
use reelgate_flow::facts::MediaFacts;
use reelgate_flow::ids::AssetId;
use reelgate_flow::reason::Fault;
use reelgate_flow::task::TaskKey;
use reelgate_pipelines::client::CancelFlag;
use reelgate_ports::meter::Meter;
use reelgate_ports::records::{
    Asked, AttemptWork, Claim, Ending, ProducerMetadata, Success, TaskReport, UsageRecord,
};
use tracing::Instrument;

use crate::engine_context::EngineContext;
use crate::guard::ExitGuard;
use crate::messages::{TaskClaimed, TaskEnded};
use crate::spans::{self, TraceParent};

/// What an attempt found out and used, whatever its outcome.
#[derive(Default)]
pub struct AttemptFacts {
    /// SHA-256 of the source.
    pub sha256: Option<String>,
    pub facts: Option<Box<MediaFacts>>,
    /// What the producer says about the upload.
    pub metadata: Option<ProducerMetadata>,
    /// CPU and memory of the media worker.
    pub usage: UsageRecord,
    /// How much work it was, where that can be compared with other attempts.
    pub work: Option<AttemptWork>,
    /// What the rest of the work on the asset probably costs, of a validation.
    pub rest: Option<Estimate>,
}

/// The plain code of a kind of task.
pub trait StageTask: 'static {
    /// Does the task. `learned` is recorded even if the task fails.
    fn run(
        context: Arc<EngineContext>,
        claim: Claim,
        cancel: CancelFlag,
        learned: &mut AttemptFacts,
    ) -> impl Future<Output = Result<Success, Fault>>;
}

/// An actor that runs one kind of task.
pub struct StageShell<W> {
    context: Arc<EngineContext>,
    results: Recipient<TaskEnded>,
    _guard: ExitGuard,
    _work: PhantomData<W>,
}

impl<W: StageTask> StageShell<W> {
    pub fn new(context: Arc<EngineContext>, results: Recipient<TaskEnded>, guard: ExitGuard) -> Self {
        Self { context, results, _guard: guard, _work: PhantomData }
    }
}

impl<W: StageTask + Unpin> Actor for StageShell<W> {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        // No more claims than credits are in flight, so a full mailbox shows a bug in another actor.
        let credits = usize::from(self.context.credits.light) + usize::from(self.context.credits.heavy);
        ctx.set_mailbox_capacity(credits + 1);
    }
}

impl<W: StageTask + Unpin> Handler<TaskClaimed> for StageShell<W> {
    type Result = ();

    fn handle(&mut self, message: TaskClaimed, ctx: &mut Self::Context) {
        let context = Arc::clone(&self.context);
        let results = self.results.clone();
        let task = async move {
            if results.send(attempt_in_span::<W>(context, message).await).await.is_err() {
                tracing::warn!(
                    "result dropped: the persister has ended; the next one reclaims the lease and the task runs again"
                );
            }
        };
        ctx.spawn(task.into_actor(self));
    }
}

/// Cancels the attempt when its future is dropped, so that a stage that dies leaves no media worker behind.
struct CancelOnDrop(CancelFlag);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

async fn attempt_in_span<W: StageTask>(context: Arc<EngineContext>, message: TaskClaimed) -> TaskEnded {
    let span = spans::attempt(&context.node, &message.claim.fence);
    let report = attempt::<W>(context, message).instrument(span.clone()).await;
    spans::attempt_ended(&span, &report.ending);
    let trace_parent = TraceParent::of_span(&span, &report.fence.asset);
    TaskEnded { report, trace_parent }
}

async fn attempt<W: StageTask>(context: Arc<EngineContext>, message: TaskClaimed) -> TaskReport {
    let TaskClaimed { claim, cancel } = message;
    let fence = claim.fence.clone();
    let since = Instant::now();
    let mut learned = AttemptFacts::default();
    context.signals.task_began(&fence);
    let running = Running::begin(&context, &claim);
    let on_drop = CancelOnDrop(cancel.clone());
    let meter = Meter::default();
    let work = W::run(Arc::clone(&context), claim, cancel.clone(), &mut learned);
    let result = meter.clone().within(work).await;
    let given_back = cancel.is_cancelled();
    drop(on_drop);
    drop(running);
    let ending = match result {
        Ok(success) => Ending::Success(success),
        Err(_) if given_back => Ending::GivenBack,
        Err(fault) => Ending::Fault(fault),
    };
    learned.usage.wall_ms = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
    context.signals.task_ended(&fence, &ending, learned.usage);
    let AttemptFacts { sha256, facts, metadata, usage, work, rest } = learned;
    let mut cost = context.rates.charge(usage.cpu_ms, &meter, work);
    cost.asked = rest.map(|rest| Box::new(Asked { rest, caps: context.caps.clone() }));
    context.signals.charged(&fence, &cost);
    TaskReport { fence, node: context.node.clone(), sha256, facts, metadata, ending, usage, cost }
}

/// Counts a task on the progress board while this value exists.
struct Running(Arc<EngineContext>, AssetId, TaskKey);

impl Running {
    fn begin(context: &Arc<EngineContext>, claim: &Claim) -> Self {
        context.progress_board.began(&claim.fence.asset, claim.fence.task);
        Self(Arc::clone(context), claim.fence.asset.clone(), claim.fence.task)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.progress_board.ended(&self.1, self.2);
    }
}
