//! Runs one job in one fresh media worker and reports how it ended.
//!
//! The worker counts as hostile as soon as it has read the first byte of the source. The engine believes nothing that
//! [`crate::trust`] has not checked. It kills the worker as soon as the worker exceeds a budget, stops replying or
//! breaks the protocol, and it always reaps the process. What the worker prints is kept only to classify how it ended;
//! it is never shown.

mod cancel_flag;
mod control_group;
mod conversation;
mod ending;
mod event;
mod memory_status;
mod output_sink;
mod process;
mod watch;
mod worker_program;

pub use cancel_flag::CancelFlag;
pub use control_group::worker_groups;
pub use event::Event;
pub use output_sink::{Nowhere, OutputSink};
pub use process::{LANGUAGES_VARIABLE, SOURCE_FD};
pub use watch::TICK;
pub use worker_program::WorkerProgram;

use std::fs::File;
use std::time::{Duration, Instant};

use reelgate_flow::reason::Fault;

use crate::messages::{Budget, Finished, Job};
use conversation::WorkerConversation;
use process::Process;
use watch::Watchdog;

/// What a job cost.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Usage {
    /// CPU seconds over all threads, user and system.
    pub cpu_s: f64,
    /// Wall-clock seconds from start to reaping.
    pub wall_s: f64,
    /// Highest resident size, bytes. What counts against the budget is a little more: see `docs/design/jail.md`.
    pub rss_max_bytes: u64,
    /// Bytes of all outputs.
    pub output_bytes: u64,
}

/// Runs a job to its end and blocks the calling thread until then. No process is left when it returns.
///
/// `source` must be open for reading only. The worker inherits this very descriptor, so nobody may read through another
/// descriptor of the same open file until the job has ended. Faults carry the codes of [`reelgate_flow::reason`]; a
/// cancelled job ends as `worker_lost`.
///
/// ```no_run
/// # use reelgate_pipelines::client::{CancelFlag, OutputSink, WorkerProgram, run};
/// # fn demo(job: reelgate_pipelines::messages::Job, budget: reelgate_pipelines::messages::Budget, mut sink: impl OutputSink) {
/// let source = std::fs::File::open("clip.mp4").expect("the clip is there");
/// let worker = WorkerProgram::next_to_current_exe().expect("the program knows its own path");
/// let ended = run(&worker, &job, &budget, source, &mut sink, &mut |event| println!("{event:?}"), &CancelFlag::default());
/// # }
/// ```
pub fn run(
    worker: &WorkerProgram,
    job: &Job,
    budget: &Budget,
    source: File,
    sink: &mut dyn OutputSink,
    events: &mut dyn FnMut(Event),
    cancel: &CancelFlag,
) -> Result<(Finished, Usage), Fault> {
    let started = Instant::now();
    // No job is sent to a worker whose memory cannot be watched.
    let (mut process, memory) = Process::spawn(worker, languages(job), budget, source)?;
    events(Event::Started { pid: process.id() });
    let mut conversation = WorkerConversation::new(job, worker, budget.output_bytes, sink, events);
    let mut watchdog = Watchdog::new(budget, memory, started);
    // A worker may end between two checks, but not before it has its job: its size is known from here on.
    watchdog.record_peak_memory()?;
    let outcome = converse(&mut process, &mut conversation, &mut watchdog, cancel);
    let grace = if outcome.is_err() || conversation.is_ended() { Duration::ZERO } else { EXIT_GRACE };
    let ended = process.end(grace)?;
    let usage = Usage {
        cpu_s: ended.cpu_s,
        wall_s: started.elapsed().as_secs_f64(),
        rss_max_bytes: watchdog.rss_max_bytes(),
        output_bytes: conversation.output_bytes(),
    };
    outcome?;
    let stage = conversation.stage();
    match conversation.into_result() {
        Some(result) => Ok((result?, usage)),
        None => Err(ending::classify(&ended, stage, budget)),
    }
}

/// Languages whose data the worker must open before its jail closes, in Tesseract's form `eng+deu`.
fn languages(job: &Job) -> Option<String> {
    let Job::Enrich(job) = job else { return None };
    let languages = &job.screen_text.languages;
    (!languages.is_empty()).then(|| languages.join("+"))
}

/// How long a worker may take to exit after it has closed its pipe; then it is killed. A crashed worker exits with its
/// signal within this time.
const EXIT_GRACE: Duration = Duration::from_secs(2);

/// Serves the worker's pipes until its final reply, the end of its pipe, or a reason to kill it.
fn converse(
    process: &mut Process,
    conversation: &mut WorkerConversation<'_>,
    watchdog: &mut Watchdog,
    cancel: &CancelFlag,
) -> Result<(), Fault> {
    while !conversation.is_ended() {
        let Some(bytes) = process.exchange(TICK)? else {
            return Ok(());
        };
        if !bytes.is_empty() {
            conversation.read(bytes)?;
            watchdog.reply_received(Instant::now());
        }
        if conversation.is_ended() {
            watchdog.record_peak_memory()?;
        }
        if let Some(frame) = conversation.job_due()? {
            process.send(frame);
        }
        watchdog.check(Instant::now(), cancel)?;
    }
    Ok(())
}
