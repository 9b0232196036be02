//! Speed of the classifier on subtitle text, from one run: bytes per second on one core, whether the time is linear in
//! the text, and the ratio to ten plain patterns in the `regex` crate.

mod measure;
mod subtitles;

use measure::{address, best_of, file_lines, rate};
use reelgate_privacy::{Classifier, Line};
use subtitles::subtitles;

/// Sizes of the measured texts, megabytes.
const SMALL_MB: usize = 10;
const LARGE_MB: usize = 100;
/// Size of the text for the peer, which is slower. Its rate does not depend on the size.
const PEER_MB: usize = 10;

/// Patterns for shapes only, with ASCII classes: no prefixes, no check digits, no keywords.
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

/// How a line of a cue is written in another way.
type Writing = fn(&str) -> String;

/// Ways of writing that the classifier reads as something else, or has to look at.
const KINDS: &[(&str, Writing)] = &[
    ("accented letters", |line| line.replace('e', "é").replace('o', "ô")),
    ("Cyrillic letters", |line| letters(line, 'а')),
    ("kana", |line| letters(line, 'か')),
    ("markup around each line", |line| format!("<i>{line}</i>")),
    ("override blocks", |line| format!("{{\\an8}}{line}")),
    ("typographic signs", |line| format!("– {} …", line.replace('\'', "’"))),
];

/// Every line that is no time and no number in another way.
fn written(text: &str, write: Writing) -> String {
    let other = |line: &str| line.starts_with(|c: char| c.is_ascii_digit()) || line.is_empty();
    let lines = text.lines().map(|line| if other(line) { line.to_owned() } else { write(line) });
    lines.collect::<Vec<_>>().join("\n")
}

/// Small letters, each as the one at its place after `first`.
fn letters(line: &str, first: char) -> String {
    let place = |c: char| char::from_u32(u32::from(first) + u32::from(c) - u32::from('a')).unwrap_or(c);
    line.chars().map(|c| if c.is_ascii_lowercase() { place(c) } else { c }).collect()
}

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
    for (kind, write) in KINDS {
        let text = written(small, *write);
        println!("classifier, {kind}: {:.0} MB/s (bar: 100)", rate(&text, scan(&text)));
    }
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

/// Classifies the file as a subtitle parser returns it: only the text of the cues, with their times.
fn timed_cues(classifier: &Classifier, text: &str) -> u64 {
    let mut scanner = classifier.scanner();
    for (i, cue) in (0u64..).zip(text.split("\n\n")) {
        let words = cue.splitn(3, '\n').nth(2).unwrap_or_default();
        scanner.push(Line { text: words, address: address(Some(i * 3_000_000_000)) });
    }
    scanner.finish().iter().map(|finding| finding.count).sum()
}
