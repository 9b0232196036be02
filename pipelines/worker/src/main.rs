//! The jailed media worker: one process for one job. It loads the plugins on its list, greets the engine on
//! standard output, closes the jail, reads the job from standard input and the source from descriptor 3, and ends
//! with one last word. It is started by the engine and by nobody else.

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

/// Where the last panic was. The message may quote the media, so the place alone is kept.
static PANICKED_AT: Mutex<String> = Mutex::new(String::new());

fn main() -> ExitCode {
    if std::env::args_os().len() > 1 {
        eprintln!(
            "reelgate-worker takes no arguments: it is started by reelgate, which talks to it over pipes"
        );
        return ExitCode::from(2);
    }
    remember_panics();
    let progress_sink = match open_sink() {
        Ok(pipe) => Arc::new(PipeSink::new(pipe)),
        Err(error) => {
            eprintln!("expected pipes to reelgate, found none: {error}");
            return ExitCode::from(2);
        }
    };
    let last_word =
        match prepare(&progress_sink).and_then(|prepared| guarded(|| work(prepared, &progress_sink))) {
            Ok(finished) => Reply::Finished(Box::new(finished)),
            Err(fault) => Reply::Faulted(fault),
        };
    progress_sink.say(&last_word);
    ExitCode::SUCCESS
}

/// Keeps the pipe to the engine for frames alone: what a library prints goes to standard error from here on.
fn open_sink() -> io::Result<File> {
    let pipe = rustix::io::fcntl_dupfd_cloexec(io::stdout(), SOURCE_FD + 1)?;
    rustix::stdio::dup2_stdout(io::stderr())?;
    Ok(File::from(pipe))
}

/// All that a job needs.
struct Prepared {
    job: Job,
    source: Source,
    /// Where the engine asked for one and it is installed.
    reader: Option<Tesseract>,
}

/// Everything that comes before the first untrusted byte.
fn prepare(progress_sink: &PipeSink<File>) -> Result<Prepared, Fault> {
    let source = open_source().map_err(|error| unavailable("find the source at descriptor 3", &error))?;
    let gstreamer = plugins::load()?;
    let reader = Tesseract::from_environment();
    progress_sink.say(&Reply::Hello { version: WIRE_VERSION, gstreamer });
    jail::close().map_err(|error| unavailable("close the jail", &error))?;
    progress_sink.say(&Reply::Jailed);
    let job = wire::read_message(io::stdin(), "job")?;
    Ok(Prepared { job, source, reader })
}

fn open_source() -> io::Result<Source> {
    // SAFETY: the engine put the source there before exec and nothing else has touched the number; this is called
    // once, so nobody else closes it.
    let fd = unsafe { OwnedFd::from_raw_fd(SOURCE_FD) };
    let file = File::from(fd);
    let size_bytes = file.metadata()?.len();
    Ok(Source::new(file.into(), size_bytes))
}

fn work(prepared: Prepared, progress_sink: &Arc<PipeSink<File>>) -> Result<Finished, Fault> {
    let Prepared { job, source, reader } = prepared;
    match job {
        Job::Audio(job) => audio::run(&job, &source, progress_sink.clone()).map(Finished::Audio),
        Job::Enrich(job) => enrich::run(&job, source, reader, progress_sink.clone()).map(Finished::Enriched),
        Job::Inspect(job) => inspect::run(&job, source, progress_sink.clone()).map(Finished::Inspected),
        Job::Video(job) => video::run(&job, &source, progress_sink.clone()).map(Finished::Video),
    }
}

/// Turns a panic into a last word.
fn guarded<T>(work: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    std::panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        let place = PANICKED_AT.lock().unwrap_or_else(PoisonError::into_inner);
        Err(Fault::new(Code::Internal, format!("the worker panicked at {place}")))
    })
}

fn remember_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
        *PANICKED_AT.lock().unwrap_or_else(PoisonError::into_inner) = place;
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
