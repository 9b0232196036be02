//! One job in one media worker, its outputs staged while they arrive.

use std::fs::File;
use std::sync::Arc;

use reelgate_flow::reason::{Code, Fault};
use reelgate_pipelines::client::{self, CancelFlag, Event, OutputSink, Usage, WorkerProgram};
use reelgate_pipelines::messages::{Budget, Finished, Job};
use reelgate_ports::objects::{OpenSource, StagedWriter};
use reelgate_ports::records::{Claim, StagedOutput, UsageRecord};
use tracing::Span;

use crate::house::House;
use crate::spans;
use crate::stage::Learned;
use crate::work::{check_unchanged, joined, ours, sources};

/// Writes a worker's outputs into the staging area.
struct Staging {
    writer: Box<dyn StagedWriter>,
}

impl OutputSink for Staging {
    fn open(&mut self, name: &str) -> Result<(), Fault> {
        self.writer.open(name).map_err(ours)
    }
    fn write(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.writer.write(bytes).map_err(ours)
    }
    fn close(&mut self) -> Result<(), Fault> {
        self.writer.close().map_err(ours)
    }
}

/// What a worker left in the staging area.
pub struct Staged {
    /// Its result.
    pub finished: Finished,
    /// Its files.
    pub outputs: Vec<StagedOutput>,
    /// The version of GStreamer that made them.
    pub gstreamer: String,
}

/// A job with its bounds.
pub struct Order {
    /// What the worker is told.
    pub job: Job,
    /// What it may use.
    pub budget: Budget,
    /// How much media it works through, nanoseconds; its progress is never shown past this.
    pub media_ns: u64,
}

/// Runs the job of a claim on a blocking thread; staged files of a failed attempt are removed.
pub async fn run_staged(
    house: &Arc<House>,
    claim: &Claim,
    order: Order,
    cancel: &CancelFlag,
    learned: &mut Learned,
) -> Result<Staged, Fault> {
    let Order { job, budget, media_ns } = order;
    let OpenSource { file, .. } = house.objects.open(&claim.source).await.map_err(sources)?;
    let writer = house.objects.stage(&claim.fence).await.map_err(ours)?;
    let (running, fence, cancel) = (Arc::clone(house), claim.fence.clone(), cancel.clone());
    let span = Span::current();
    let blocking = tokio::task::spawn_blocking(move || {
        let _within = span.entered();
        let mut staging = Staging { writer };
        let mut gstreamer = String::new();
        let mut events = |event: Event| match event {
            Event::Progress { done_ns, .. } => {
                running.board.progressed(&fence.asset, fence.task, done_ns.min(media_ns));
            }
            Event::Greeted { gstreamer: version } => gstreamer = version,
            Event::Started { .. } | Event::Jailed => {}
        };
        let (finished, usage) =
            run_worker(&running.worker, &job, &budget, file, &mut staging, &mut events, &cancel)?;
        let outputs = staging.writer.finish().map_err(ours)?;
        Ok::<_, Fault>((Staged { finished, outputs, gstreamer }, usage))
    });
    let (staged, usage) = joined(blocking.await)??;
    learned.usage = usage_record(usage);
    check_unchanged(house, &claim.source).await?;
    Ok(staged)
}

/// [`client::run`] in a span of its own, whose context the worker is given.
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

/// A worker's usage as it is recorded; the wall clock is the whole attempt's and set by the stage.
pub fn usage_record(usage: Usage) -> UsageRecord {
    UsageRecord { wall_ms: 0, cpu_ms: (usage.cpu_s * 1_000.0) as u64, memory_bytes_max: usage.rss_max_bytes }
}

/// The worker answered with the result of another kind of job.
pub fn other_result() -> Fault {
    Fault::new(Code::WorkerProtocol, "expected the result of this kind of job, found another kind's")
}
