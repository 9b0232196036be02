//! Speed of the classifier on subtitle text: bytes a second on one core, whether time grows with the text alone, and the
//! ratio to ten plain patterns in the `regex` crate, all from one run.

use std::hint::black_box;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use reelgate_privacy::{Address, Classifier, Line};

/// Texts measured, megabytes.
const SMALL_MB: usize = 10;
const LARGE_MB: usize = 100;
/// The peer is slower; its rate does not depend on the length.
const PEER_MB: usize = 10;
/// Runs of which the best counts: the machine is shared.
const RUNS: usize = 3;

/// Shapes only, with ASCII classes: no prefixes, no check digits, no keywords.
const PEER_PATTERNS: [&str; 10] = [
    r"(?-u)\b(?:[0-9][ -]?){13,19}\b",
    r"(?-u)[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}",
    r"(?-u)\b[0-9]{3}-[0-9]{2}-[0-9]{4}\b",
    r"(?-u)\b[A-Z]{2}[0-9]{2}(?:[ -]?[A-Z0-9]){11,30}\b",
    r"(?-u)\b(?:[0-9]{1,3}\.){3}[0-9]{1,3}\b",
    r"(?-u)\+[0-9]{1,3}[ .-]?(?:[0-9]{2,4}[ .-]?){2,5}",
    r"(?-u)\(?[0-9]{3}\)?[ .-][0-9]{3}[ .-][0-9]{4}\b",
    r"(?-u)\bAKIA[A-Z2-7]{16}\b",
    r"(?-u)\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+",
    r"(?-u)\b[A-HJ-NPR-Z0-9]{17}\b",
];

fn main() {
    let classifier = Classifier::new();
    let large = subtitles(LARGE_MB << 20);
    let small = &large[..large[..SMALL_MB << 20].rfind('\n').unwrap_or_default()];
    let scan = |text: &str| best_of(|| file_lines(&classifier, text));
    let (small_rate, large_rate) = (rate(small, scan(small)), rate(&large, scan(&large)));
    let cues = rate(&large, best_of(|| timed_cues(&classifier, &large)));
    let findings = file_lines(&classifier, small);
    println!("classifier, subtitle file of {LARGE_MB} MB: {large_rate:.0} MB/s (bar: 100)");
    println!("classifier, subtitle file of {SMALL_MB} MB: {small_rate:.0} MB/s");
    println!(
        "time per byte, {LARGE_MB} MB against {SMALL_MB} MB: {:.2} (1.00 is linear)",
        small_rate / large_rate
    );
    println!("classifier, the same as timed cues: {cues:.0} MB/s");
    println!("occurrences in {SMALL_MB} MB: {findings}");

    let peer: Vec<regex::bytes::Regex> = PEER_PATTERNS
        .iter()
        .map(|p| regex::bytes::Regex::new(p).expect("the patterns are well formed"))
        .collect();
    let text = &large.as_bytes()[..PEER_MB << 20];
    let seconds = best_of(|| peer.iter().map(|pattern| pattern.find_iter(text).count() as u64).sum());
    let peer_rate = PEER_MB as f64 / seconds;
    println!(
        "ten plain patterns in the regex crate: {peer_rate:.0} MB/s; the classifier is {:.1} times as fast",
        large_rate / peer_rate
    );
}

fn rate(text: &str, seconds: f64) -> f64 {
    text.len() as f64 / f64::from(1 << 20) / seconds
}

fn best_of(mut work: impl FnMut() -> u64) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..RUNS {
        let start = processor_time();
        black_box(work());
        best = best.min(processor_time().saturating_sub(start).as_secs_f64());
    }
    best
}

/// Time this thread had a processor, where Linux tells it, else the clock's: other programs' work is not ours.
fn processor_time() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = told.and_then(|line| line.split(' ').next()?.parse().ok());
    nanoseconds.map_or_else(|| START.elapsed(), Duration::from_nanos)
}

/// The file as it lies: every line, numbers and times included.
fn file_lines(classifier: &Classifier, text: &str) -> u64 {
    let mut scanner = classifier.scanner();
    let address = address(None);
    text.lines().for_each(|line| scanner.push_at(&address, line));
    scanner.finish().iter().map(|finding| finding.count).sum()
}

/// The file as a subtitle reader gives it: the words only, with their times.
fn timed_cues(classifier: &Classifier, text: &str) -> u64 {
    let mut scanner = classifier.scanner();
    for (i, cue) in (0u64..).zip(text.split("\n\n")) {
        let words = cue.splitn(3, '\n').nth(2).unwrap_or_default();
        scanner.push(Line { text: words, address: address(Some(i * 3_000_000_000)) });
    }
    scanner.finish().iter().map(|finding| finding.count).sum()
}

fn address(start_ns: Option<u64>) -> Address {
    Address {
        surface: "subtitle".to_owned(),
        field: "cue".to_owned(),
        track: Some(3),
        start_ns,
        end_ns: start_ns.map(|start| start + 2_000_000_000),
        frame_box: None,
        line: None,
    }
}

/// An SRT file of at least `bytes`: talk with a number in one line of ten, and a value of somebody in one of five hundred.
fn subtitles(bytes: usize) -> String {
    const WORDS: &[&str] = &[
        "you",
        "I",
        "the",
        "to",
        "what",
        "it's",
        "never",
        "before",
        "morning",
        "going",
        "house",
        "believe",
        "there",
        "remember",
        "with",
        "door",
        "listen",
        "about",
        "Captain",
        "water",
        "left",
        "everything",
        "right,",
        "wait.",
        "home",
        "because",
        "they",
        "told",
        "me",
        "yesterday",
    ];
    const NUMBERS: &[&str] = &["7", "12", "1984", "3:45", "100,000", "50%", "2.5", "90210", "24/7", "1-0"];
    const VALUES: &[&str] = &[
        "call 212-555-0123",
        "card 4539 5787 6362 1486",
        "jane.doe@example.org",
        "ssn 536-90-4399",
        "GB29 NWBK 6016 1331 9268 19",
        "69.196.0.85",
    ];
    let mut state = 7u64;
    let mut below = move |bound: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % bound
    };
    let mut text = String::with_capacity(bytes + 1024);
    let mut cue = 0usize;
    while text.len() < bytes {
        cue += 1;
        let (h, m, s, ms) = (cue / 1200 % 24, cue / 20 % 60, cue * 3 % 60, below(1000));
        text += &format!(
            "{}\n{h:02}:{m:02}:{s:02},{ms:03} --> {h:02}:{m:02}:{:02},{ms:03}\n",
            cue % 2000,
            (s + 2) % 60
        );
        for _ in 0..1 + below(2) {
            for _ in 0..4 + below(5) {
                text += WORDS[below(WORDS.len())];
                text.push(' ');
            }
            if below(10) == 0 {
                text += NUMBERS[below(NUMBERS.len())];
            }
            if below(500) == 0 {
                text += VALUES[below(VALUES.len())];
            }
            text.push('\n');
        }
        text.push('\n');
    }
    text
}
