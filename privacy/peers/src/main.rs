//! Measures the classifier and redact-core on the same subtitle text, in one process, and prints one line for each for
//! the table of `run.sh`. Writes the text to the file of its argument, for the peer that is not written in Rust.

#[path = "../../benches/measure.rs"]
mod measure;
#[path = "../../benches/subtitles.rs"]
mod subtitles;

use measure::{address, best_of, file_lines, rate};
use reelgate_privacy::{Classifier, identifiers};

/// Size of the text. The slowest peer takes about a minute for it.
const BYTES: usize = 2 << 20;
/// Shorter work is repeated until it takes this long, because the kernel counts a thread's time in ticks.
const SECONDS: f64 = 0.5;
/// Bytes of a piece: what a caller may pass at once if it does not split lines.
const PIECE: usize = 256 << 10;

fn main() -> std::io::Result<()> {
    let text = subtitles::subtitles(BYTES);
    if let Some(path) = std::env::args_os().nth(1) {
        std::fs::write(path, &text)?;
    }
    let classifier = Classifier::new();
    let large = || {
        let mut scanner = classifier.scanner();
        pieces(&text).for_each(|piece| scanner.push_at(&address(None), piece));
        scanner.finish().iter().map(|finding| finding.count).sum()
    };
    row("reelgate-privacy", identifiers().len(), &text, || file_lines(&classifier, &text), large);
    #[cfg(feature = "redact-core")]
    redact_core_row(&text);
    Ok(())
}

#[cfg(feature = "redact-core")]
fn redact_core_row(text: &str) {
    let engine = redact_core::AnalyzerEngine::new();
    let types = engine.recognizer_registry().stats().entity_coverage.len();
    let found = |text: &str| {
        let result = engine.analyze(text, Some("en")).expect("the patterns of the engine are well formed");
        result.detected_entities.len() as u64
    };
    let lines = || text.lines().filter(|line| !line.is_empty()).map(found).sum();
    row("redact-core 0.12.7", types, text, lines, || pieces(text).map(found).sum());
}

/// The text in pieces of whole lines.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (_, beyond) = rest.as_bytes().split_at_checked(PIECE).unwrap_or_default();
        let end = beyond.iter().position(|&byte| byte == b'\n').map_or(rest.len(), |at| PIECE + at + 1);
        let (piece, after) = rest.split_at(end);
        rest = after;
        Some(piece).filter(|piece| !piece.is_empty())
    })
}

/// Prints a row: name, number of types, then what was found and MB/s, first line by line and then in large pieces.
fn row(who: &str, types: usize, text: &str, lines: impl Fn() -> u64, large: impl Fn() -> u64) {
    println!("{who}\t{types}\t{}\t{}", measured(text, lines), measured(text, large));
}

fn measured(text: &str, work: impl Fn() -> u64) -> String {
    let found = work();
    let passes = (SECONDS / best_of(&work)).ceil().max(1.0);
    let seconds = best_of(|| (0..passes as u32).map(|_| work()).sum()) / passes;
    format!("{found}\t{}", rate(text, seconds))
}
