//! The jail and the client together: a stand-in for the worker tries to leave the jail or to deceive the client.

mod endings;
mod escapes;
mod orphans;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use reelgate_flow::facts::{Container, Rational, Rotation};
use reelgate_flow::reason::Fault;
use reelgate_pipelines::client::{self, CancelFlag, Event, OutputSink, Usage, WorkerProgram};
use reelgate_pipelines::messages::{
    AudioEncode, AudioJob, AudioRole, Budget, EnrichJob, Finished, Job, SampleJob, ScreenTextJob,
};

/// The stand-in, linked under the name of its misbehaviour, in a folder that the test removes.
struct Stage {
    folder: PathBuf,
    worker: WorkerProgram,
}

impl Stage {
    fn new(part: &str) -> Self {
        static STAGES: AtomicU32 = AtomicU32::new(0);
        let number = STAGES.fetch_add(1, Ordering::Relaxed);
        let name = format!("cell-{}-{number}", std::process::id());
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&folder).expect("a folder");
        let path = folder.join(part);
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_reelgate-jail-probe"), &path).expect("a link");
        std::fs::write(folder.join("source"), [0; 4096]).expect("a source");
        Self { folder, worker: WorkerProgram::new(path) }
    }

    fn source(&self) -> PathBuf {
        self.folder.join("source")
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // A failing test may have removed the folder already. What is left lies in the build's own folder.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Whether processes that the test may not trace are hidden from it, as systemd's `ProtectProc=invisible` has it under the service's unit.
fn hides_processes() -> bool {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").expect("the mounts of this process");
    let hides = |line: &str| {
        let hidden = line.contains("hidepid=invisible") || line.contains("hidepid=2");
        line.split(' ').nth(4) == Some("/proc") && hidden
    };
    mounts.lines().any(hides)
}

/// Keeps what arrives, as `name:bytes`.
#[derive(Default)]
struct Kept {
    outputs: Vec<String>,
    open: Option<(String, usize)>,
}

impl OutputSink for Kept {
    fn open(&mut self, name: &str) -> Result<(), Fault> {
        self.open = Some((name.to_owned(), 0));
        Ok(())
    }
    fn write(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.open.as_mut().expect("only open outputs are written").1 += bytes.len();
        Ok(())
    }
    fn close(&mut self) -> Result<(), Fault> {
        let (name, bytes) = self.open.take().expect("only open outputs are closed");
        self.outputs.push(format!("{name}:{bytes}"));
        Ok(())
    }
}

/// A budget that is large enough for every test that is not about budgets.
fn budget() -> Budget {
    Budget { wall_s: 120, stall_s: 60, cpu_s: 30, memory_bytes: 256 << 20, output_bytes: 1 << 20 }
}

fn job() -> Job {
    let encode = AudioEncode {
        track: 0,
        name: "audio".to_owned(),
        channels: 2,
        bitrate_bps: 128_000,
        language: None,
        role: AudioRole::default(),
        fill_to_ns: None,
    };
    Job::Audio(AudioJob {
        container: Container::IsoBmff,
        size_bytes: 4096,
        zero_ns: 0,
        segment_ns: 4_000_000_000,
        sample_rate: 48_000,
        encodes: vec![encode],
        loudness_lufs: None,
        mutes: Vec::new(),
    })
}

/// A job whose outputs are pictures.
fn picture_job() -> Job {
    let frames = SampleJob {
        track: 0,
        start_ns: 0,
        lead_ns: 0,
        end_ns: 2_000_000_000,
        interval_ns: 1_000_000_000,
        samples_max: 2,
        keyframes_only: true,
        decoders: 1,
        in_flight_max: 1,
        rotation: Rotation::default(),
        pixel_aspect: Rational { num: 1, den: 1 },
        poster_side_max: 640,
        tile_height: 16,
        columns: 2,
        rows: 2,
    };
    Job::Enrich(EnrichJob {
        container: Container::IsoBmff,
        size_bytes: 4096,
        frames: Some(frames),
        screen_text: ScreenTextJob::default(),
    })
}

/// Runs a misbehaviour to its end and checks that nothing is left of its process.
fn run(part: &str, budget: &Budget) -> Result<(Finished, Usage), Fault> {
    run_with(part, budget, &mut Kept::default(), &CancelFlag::default())
}

fn run_with(
    part: &str,
    budget: &Budget,
    sink: &mut dyn OutputSink,
    cancel: &CancelFlag,
) -> Result<(Finished, Usage), Fault> {
    run_job(part, &job(), budget, sink, cancel)
}

fn run_job(
    part: &str,
    job: &Job,
    budget: &Budget,
    sink: &mut dyn OutputSink,
    cancel: &CancelFlag,
) -> Result<(Finished, Usage), Fault> {
    let stage = Stage::new(part);
    let mut pid = None;
    let mut events = |event| match event {
        Event::Started { pid: started } => pid = Some(started),
        // The test of cancelling cancels after the worker has its job.
        Event::Jailed if part == "hangs" && budget.stall_s == 60 => cancel.cancel(),
        _ => {}
    };
    let source = File::open(stage.source()).expect("the source");
    let result = client::run(&stage.worker, job, budget, source, sink, &mut events, cancel);
    let pid = pid.expect("the worker was started");
    assert!(!Path::new(&format!("/proc/{pid}")).exists(), "{part}: process {pid} is left");
    result
}

/// The fault of a misbehaviour that must end in one.
fn fault(part: &str, budget: &Budget) -> String {
    run(part, budget).map(|_| ()).expect_err("the job must fail").to_string()
}
