//! The jailed media worker: one process for one job. It loads the plugins on its list, sends a greeting to the engine on
//! standard output, closes the jail, reads the job from standard input and the source from descriptor 3, and ends with
//! one final reply. Only the engine starts it.

use std::fs::File;
use std::io;
use std::os::fd::{FromRawFd, OwnedFd};
use std::panic::AssertUnwindSafe;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};

use reelgate_flow::reason::{Code, Fault};
use reelgate_pipelines::client::SOURCE_FD;
use reelgate_pipelines::messages::{Finished, Job, Reply, WIRE_VERSION};
use reelgate_pipelines::{jail, wire};
use reelgate_worker::enrich::Tesseract;
use reelgate_worker::pipe_sink::PipeSink;
use reelgate_worker::source::Source;
use reelgate_worker::{audio, enrich, inspect, plugins, video};

/// The source location of the last panic. The message may quote the media, so it is not kept.
static PANICKED_AT: Mutex<String> = Mutex::new(String::new());

fn main() -> ExitCode {
    if std::env::args_os().len() > 1 {
        eprintln!(
            "reelgate-worker takes no arguments: it is started by reelgate, which talks to it over pipes"
        );
        return ExitCode::from(2);
    }
    record_panic_locations();
    let progress_sink = match open_sink() {
        Ok(pipe) => Arc::new(PipeSink::new(pipe)),
        Err(error) => {
            eprintln!("expected pipes to reelgate, found none: {error}");
            return ExitCode::from(2);
        }
    };
    let final_reply =
        match prepare(&progress_sink).and_then(|prepared| guarded(|| work(prepared, &progress_sink))) {
            Ok(finished) => Reply::Finished(Box::new(finished)),
            Err(fault) => Reply::Faulted(fault),
        };
    progress_sink.send(&final_reply);
    ExitCode::SUCCESS
}

/// Reserves the pipe to the engine for frames: from here on, what a library prints goes to standard error.
fn open_sink() -> io::Result<File> {
    let pipe = rustix::io::fcntl_dupfd_cloexec(io::stdout(), SOURCE_FD + 1)?;
    rustix::stdio::dup2_stdout(io::stderr())?;
    Ok(File::from(pipe))
}

struct Prepared {
    job: Job,
    source: Source,
    /// Present if the engine asked for on-screen text and the library is installed.
    reader: Option<Tesseract>,
}

/// Everything that comes before the first untrusted byte.
fn prepare(progress_sink: &PipeSink<File>) -> Result<Prepared, Fault> {
    let source = open_source().map_err(|error| unavailable("open the source at descriptor 3", &error))?;
    let gstreamer = plugins::load()?;
    let reader = Tesseract::from_environment();
    progress_sink.send(&Reply::Hello { version: WIRE_VERSION, gstreamer });
    jail::close().map_err(|error| unavailable("close the jail", &error))?;
    progress_sink.send(&Reply::Jailed);
    let job = wire::read_message(io::stdin(), "job")?;
    Ok(Prepared { job, source, reader })
}

fn open_source() -> io::Result<Source> {
    // SAFETY: the engine put the source there before exec, and no other code uses this descriptor. The function is
    // called once, so nothing else closes it.
    let fd = unsafe { OwnedFd::from_raw_fd(SOURCE_FD) };
    let file = File::from(fd);
    let size_bytes = file.metadata()?.len();
    Ok(Source::new(file.into(), size_bytes))
}

fn work(prepared: Prepared, progress_sink: &Arc<PipeSink<File>>) -> Result<Finished, Fault> {
    let Prepared { job, source, reader } = prepared;
    match job {
        Job::Audio(job) => audio::run(&job, &source, progress_sink.clone()).map(Finished::Audio),
        Job::Captions(job) => enrich::read_cues(&job, &source, progress_sink.clone()).map(Finished::Captions),
        Job::CaptionFile(job) => {
            enrich::read_caption_file(&job, &source, progress_sink.clone()).map(Finished::CaptionFile)
        }
        Job::Enrich(job) => enrich::run(&job, source, reader, progress_sink.clone()).map(Finished::Enriched),
        Job::Inspect(job) => inspect::run(&job, source, progress_sink.clone())
            .map(|found| Finished::Inspected(Box::new(found))),
        Job::Video(job) => video::run(&job, &source, progress_sink.clone()).map(Finished::Video),
    }
}

/// Turns a panic into a fault.
fn guarded<T>(work: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    std::panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        let location = PANICKED_AT.lock().unwrap_or_else(PoisonError::into_inner);
        Err(Fault::new(Code::Internal, format!("the worker panicked at {location}")))
    })
}

fn record_panic_locations() {
    std::panic::set_hook(Box::new(|panic| {
        let location = panic.location().map_or_else(|| "an unknown location".to_owned(), ToString::to_string);
        *PANICKED_AT.lock().unwrap_or_else(PoisonError::into_inner) = location;
    }));
}

fn unavailable(doing: &str, error: &dyn std::error::Error) -> Fault {
    let mut detail = format!("{doing}: {error}");
    let mut cause = error.source();
    while let Some(error) = cause {
        detail = format!("{detail}: {error}");
        cause = error.source();
    }
    Fault::new(Code::WorkerUnavailable, detail)
}
