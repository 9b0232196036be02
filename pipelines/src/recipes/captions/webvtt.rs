//! Writes WebVTT (W3C Candidate Recommendation, 4 April 2019).

use std::fmt::Write as _;

use super::tracks::Shown;

/// Seconds of a segment. Playlists of subtitles may have a target duration of their own (RFC 8216, 6.2.4), and a minute of
/// text is about a kilobyte.
pub const SEGMENT_S: u64 = 60;

const NS_PER_S: u64 = 1_000_000_000;

/// All cues in one file.
pub fn whole(shown: &[Shown]) -> String {
    let mut text = String::from("WEBVTT\n");
    shown.iter().for_each(|one| write_cue(&mut text, one));
    text
}

/// The cues in segments that cover `length_ns`. A cue is in each segment that it touches (RFC 8216, 3.5).
pub fn segments(shown: &[Shown], length_ns: u64) -> Vec<String> {
    let segment_ns = SEGMENT_S * NS_PER_S;
    let count = usize::try_from(length_ns.div_ceil(segment_ns).max(1)).unwrap_or(usize::MAX);
    // The media begins at 0, and so do the cues. Some players want to be told.
    let mut segments = vec![String::from("WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000\n"); count];
    for one in shown {
        let first = usize::try_from(one.start_ns / segment_ns).unwrap_or(usize::MAX);
        let last = usize::try_from(one.end_ns.saturating_sub(1) / segment_ns).unwrap_or(usize::MAX);
        for segment in segments.iter_mut().take(last.saturating_add(1)).skip(first) {
            write_cue(segment, one);
        }
    }
    segments
}

fn write_cue(text: &mut String, one: &Shown) {
    let lines = one.text.lines().map(str::trim).filter(|line| !line.is_empty());
    let lines: Vec<String> = lines.map(escaped).collect();
    if lines.is_empty() {
        return;
    }
    // Writing to a string does not fail.
    let _ = write!(
        text,
        "\n{} --> {}\n",
        Timestamp(one.start_ns),
        Timestamp(one.end_ns.max(one.start_ns + 1_000_000))
    );
    for line in lines {
        text.push_str(&line);
        text.push('\n');
    }
}

/// A line of cue text: characters that begin a tag, a reference or a timing line are written as references (6.4), control
/// characters as spaces.
fn escaped(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    for c in line.chars() {
        match c {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            c if c.is_control() => text.push(' '),
            c => text.push(c),
        }
    }
    text
}

/// Hours have two digits or more; milliseconds are rounded down, so that no cue begins after the sound that it writes down.
struct Timestamp(u64);

impl std::fmt::Display for Timestamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ms = self.0 / 1_000_000;
        let (s, m, h) = (ms / 1_000, ms / 60_000, ms / 3_600_000);
        write!(f, "{h:02}:{:02}:{:02}.{:03}", m % 60, s % 60, ms % 1_000)
    }
}
