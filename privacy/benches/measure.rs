//! How the benches of the classifier measure: processor time, the best of several runs, all lines of the file.

use std::hint::black_box;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use reelgate_flow::place::TextPlace;
use reelgate_privacy::Classifier;

/// Number of runs. The best counts, because other programs use the machine too.
const RUNS: usize = 3;

pub fn rate(text: &str, seconds: f64) -> f64 {
    text.len() as f64 / f64::from(1 << 20) / seconds
}

pub fn best_of(mut work: impl FnMut() -> u64) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..RUNS {
        let start = processor_time();
        black_box(work());
        best = best.min(processor_time().saturating_sub(start).as_secs_f64());
    }
    best
}

/// Processor time of this thread if Linux reports it, otherwise wall-clock time. Processor time excludes the work of
/// other programs.
fn processor_time() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let schedstat = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = schedstat.and_then(|line| line.split(' ').next()?.parse().ok());
    nanoseconds.map_or_else(|| START.elapsed(), Duration::from_nanos)
}

/// Classifies every line of the file, cue numbers and times included.
pub fn file_lines(classifier: &Classifier, text: &str) -> u64 {
    let mut scanner = classifier.scanner();
    let address = address(None);
    text.lines().for_each(|line| scanner.push_at(&address, line));
    scanner.finish().iter().map(|finding| finding.count).sum()
}

pub fn address(start_ns: Option<u64>) -> TextPlace {
    TextPlace {
        start_ns,
        end_ns: start_ns.map(|start| start + 2_000_000_000),
        ..TextPlace::untimed("subtitle", "cue", Some(3))
    }
}
