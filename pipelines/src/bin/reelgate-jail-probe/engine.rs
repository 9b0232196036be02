//! A stand-in for the engine, for tests that kill it or restrict it: it runs the worker on the source and prints the worker's
//! process id, and on standard error how the worker ended.

use std::fs::File;

use reelgate_flow::facts::Container;
use reelgate_pipelines::client::{self, CancelFlag, Event, Nowhere, WorkerProgram};
use reelgate_pipelines::messages::{Budget, InspectJob, Job, MediaLimits};

/// Runs the worker of the first argument on the source of the second, in as many MiB of memory as the third says.
pub fn run() {
    let mut paths = std::env::args_os().skip(1);
    let (Some(path), Some(source), Some(memory_mib)) = (paths.next(), paths.next(), paths.next()) else {
        return eprintln!("usage: {} WORKER SOURCE MIB", env!("CARGO_BIN_NAME"));
    };
    let memory_mib: u64 =
        memory_mib.to_str().and_then(|mib| mib.parse().ok()).expect("the test gives a number");
    let worker = WorkerProgram::new(path);
    let source = File::open(source).expect("the test made it");
    let limits = MediaLimits {
        pixels_max: 1,
        side_max: 1,
        tracks_max: 1,
        samples_max: 1,
        nesting_max: 1,
        duration_max_s: 1,
    };
    let container = Container::IsoBmff;
    let job = Job::Inspect(InspectJob { container, size_bytes: 1, segment_ns: 1, limits });
    let budget =
        Budget { wall_s: 600, stall_s: 600, cpu_s: 600, memory_bytes: memory_mib << 20, output_bytes: 0 };
    let mut worker_pid = 0;
    let mut events = |event| match event {
        Event::Started { pid } => worker_pid = pid,
        // The worker sends nothing after this, so a closed pipe would not end it.
        Event::Jailed => println!("{worker_pid}"),
        Event::Greeted { .. } | Event::Progress { .. } => {}
    };
    let ended =
        client::run(&worker, &job, &budget, source, &mut Nowhere, &mut events, &CancelFlag::default());
    eprintln!("ended before it was killed: {:?}", ended.map(drop));
}
