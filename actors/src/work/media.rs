//! Runs one job in one media worker and stages its outputs while they arrive.

use std::fs::File;
use std::sync::Arc;

use reelgate_flow::reason::{Code, Fault};
use reelgate_pipelines::client::{self, CancelFlag, Event, OutputSink, Usage, WorkerProgram};
use reelgate_pipelines::messages::{Budget, Finished, Job};
use reelgate_pipelines::recipes::settings::Segments;
use reelgate_ports::objects::StagedWriter;
use reelgate_ports::records::{Claim, StagedOutput, UsageRecord};
use tracing::Span;

use crate::engine_context::EngineContext;
use crate::spans;
use crate::stage::AttemptFacts;
use crate::work::output::{self, Part};
use crate::work::{joined, ours, source};

/// Writes a worker's outputs into the staging area, each under the name that [`Naming`] gives it, or drops them.
struct Staging {
    writer: Box<dyn StagedWriter>,
    named: Naming,
    open: bool,
}

/// The name of an output in the staging area; `None` drops it.
pub type Naming = Box<dyn Fn(&str) -> Option<String> + Send>;

impl OutputSink for Staging {
    fn open(&mut self, name: &str) -> Result<(), Fault> {
        let name = (self.named)(name);
        self.open = name.is_some();
        name.map_or(Ok(()), |name| self.writer.open(&name).map_err(ours))
    }
    fn write(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        if self.open { self.writer.write(bytes).map_err(ours) } else { Ok(()) }
    }
    fn close(&mut self) -> Result<(), Fault> {
        if std::mem::take(&mut self.open) { self.writer.close().map_err(ours) } else { Ok(()) }
    }
}

/// What a worker left in the staging area.
pub struct Staged {
    pub finished: Finished,
    pub outputs: Vec<StagedOutput>,
    /// The outputs, where they are parts of the one file in `outputs`.
    pub parts: Vec<Part>,
    pub gstreamer: String,
}

/// A job with its limits.
pub struct MediaOrder {
    pub job: Job,
    pub budget: Budget,
    /// Length of the media that the job processes, nanoseconds; no progress beyond it is shown.
    pub media_ns: u64,
}

/// Runs the job of a claim on its source; staged files of a failed attempt are removed.
pub async fn run_staged(
    context: &Arc<EngineContext>,
    claim: &Claim,
    order: MediaOrder,
    segments: Segments,
    cancel: &CancelFlag,
    learned: &mut AttemptFacts,
) -> Result<Staged, Fault> {
    let (writer, parts) = output::stage(context, claim, segments).await?;
    let (source, opened) = source::open(context, claim).await?.split();
    let files = JobFiles { source, writer, named: own_names() };
    let Ran { finished, gstreamer, writer } = run_into(context, claim, order, files, cancel, learned).await?;
    let outputs = joined(tokio::task::spawn_blocking(move || writer.finish().map_err(ours)).await)??;
    source::check_current(context, &opened).await?;
    Ok(Staged { finished, outputs, parts: parts.take(), gstreamer })
}

/// Stages every output under its own name.
pub fn own_names() -> Naming {
    Box::new(|name| Some(name.to_owned()))
}

/// The file that a job reads, and where its outputs go.
pub struct JobFiles {
    pub source: File,
    pub writer: Box<dyn StagedWriter>,
    pub named: Naming,
}

/// The result of one of several jobs of an attempt.
pub struct Ran {
    pub finished: Finished,
    pub gstreamer: String,
    /// The staging area, still open.
    pub writer: Box<dyn StagedWriter>,
}

/// Runs one job on a blocking thread; adds its usage to that of the attempt.
pub async fn run_into(
    context: &Arc<EngineContext>,
    claim: &Claim,
    order: MediaOrder,
    files: JobFiles,
    cancel: &CancelFlag,
    learned: &mut AttemptFacts,
) -> Result<Ran, Fault> {
    let MediaOrder { job, budget, media_ns } = order;
    let JobFiles { source, writer, named } = files;
    let (running, fence, cancel) = (Arc::clone(context), claim.fence.clone(), cancel.clone());
    let span = Span::current();
    let blocking = tokio::task::spawn_blocking(move || {
        let _within = span.entered();
        let mut staging = Staging { writer, named, open: false };
        let mut gstreamer = String::new();
        let mut events = |event: Event| match event {
            Event::Progress { done_ns, .. } => {
                running.progress_board.progressed(&fence.asset, fence.task, done_ns.min(media_ns));
            }
            Event::Greeted { gstreamer: version } => gstreamer = version,
            Event::Started { .. } | Event::Jailed => {}
        };
        let (finished, usage) =
            run_worker(&running.worker, &job, &budget, source, &mut staging, &mut events, &cancel)?;
        Ok::<_, Fault>((Ran { finished, gstreamer, writer: staging.writer }, usage))
    });
    let (ran, usage) = joined(blocking.await)??;
    let used = usage_record(usage);
    learned.usage.cpu_ms += used.cpu_ms;
    learned.usage.memory_bytes_max = learned.usage.memory_bytes_max.max(used.memory_bytes_max);
    Ok(ran)
}

/// [`client::run`] in its own span, whose context is passed to the worker.
pub fn run_worker(
    worker: &WorkerProgram,
    job: &Job,
    budget: &Budget,
    source: File,
    sink: &mut dyn OutputSink,
    events: &mut dyn FnMut(Event),
    cancel: &CancelFlag,
) -> Result<(Finished, Usage), Fault> {
    let span = spans::worker();
    let worker = WorkerProgram { traceparent: spans::traceparent(&span), ..worker.clone() };
    let result = client::run(&worker, job, budget, source, sink, events, cancel);
    spans::worker_ended(&span, result.as_ref().map(|(_, usage)| usage));
    result
}

/// A worker's usage as it is recorded. The wall clock is 0: the stage sets it to that of the whole attempt.
pub fn usage_record(usage: Usage) -> UsageRecord {
    UsageRecord { wall_ms: 0, cpu_ms: (usage.cpu_s * 1_000.0) as u64, memory_bytes_max: usage.rss_max_bytes }
}

/// The worker answered with the result of another kind of job.
pub fn other_result() -> Fault {
    Fault::new(Code::WorkerProtocol, "expected the result of this kind of job, found another kind's")
}
