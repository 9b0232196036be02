//! Reads lines of subtitle files with their times, and lines of any other text unchanged.
//!
//! The lines between two cues (an empty line, a number, the times) are removed: a value may span two cues.
//! Times are those of SubRip and WebVTT (W3C, "WebVTT: The Web Video Text Tracks Format", 4.1): `00:01:02,500 --> …`.

use reelgate_flow::place::TextPlace;

/// Longest number of a cue.
const CUE_NUMBER_DIGITS_MAX: usize = 9;

/// Reads one file.
pub struct Subtitles {
    /// The cue that the next line belongs to; without times outside of cues.
    cue: TextPlace,
    plain: TextPlace,
    has_cues: bool,
    after_gap: bool,
    /// The number and text of a line that may be the number of a cue.
    pending: Option<(u64, String)>,
}

impl Default for Subtitles {
    fn default() -> Self {
        let (cue, plain) =
            (TextPlace::untimed("subtitle", "text", None), TextPlace::untimed("text", "line", None));
        Self { cue, plain, has_cues: false, after_gap: true, pending: None }
    }
}

impl Subtitles {
    /// Reads the next line; calls `push` for every line that is text.
    pub fn read(&mut self, number: u64, text: &str, push: &mut impl FnMut(&TextPlace, &str)) {
        if let Some((start_ns, end_ns)) = times(text) {
            (self.cue.start_ns, self.cue.end_ns) = (Some(start_ns), Some(end_ns));
            (self.has_cues, self.pending) = (true, None);
            return;
        }
        self.finish(push);
        let is_gap = text.trim().is_empty();
        let may_be_number = self.after_gap
            && (1..=CUE_NUMBER_DIGITS_MAX).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_digit());
        self.after_gap = is_gap;
        if is_gap && self.has_cues {
            (self.cue.start_ns, self.cue.end_ns) = (None, None);
        } else if may_be_number {
            self.pending = Some((number, text.to_owned()));
        } else {
            self.push_line(number, text, push);
        }
    }

    /// Pushes the line that waits for the next one. Must be called at the end.
    pub fn finish(&mut self, push: &mut impl FnMut(&TextPlace, &str)) {
        if let Some((number, text)) = self.pending.take() {
            self.push_line(number, &text, push);
        }
    }

    fn push_line(&mut self, number: u64, text: &str, push: &mut impl FnMut(&TextPlace, &str)) {
        let address = if self.cue.start_ns.is_some() { &mut self.cue } else { &mut self.plain };
        address.line = Some(number);
        push(address, text);
    }
}

/// Start and end of a cue, nanoseconds.
fn times(text: &str) -> Option<(u64, u64)> {
    let (start, end) = text.split_once("-->")?;
    let end = end.split_whitespace().next()?;
    Some((clock(start.trim())?, clock(end)?)).filter(|(start, end)| start <= end)
}

/// `01:02:03,500` or `02:03.500`.
fn clock(text: &str) -> Option<u64> {
    let (whole, fraction) = text.rsplit_once([',', '.'])?;
    let number = |digits: &str| {
        let plain = (1..=4).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        plain.then(|| digits.parse::<u64>().ok()).flatten()
    };
    let parts = whole.split(':').map(number).collect::<Option<Vec<u64>>>()?;
    let (hours, minutes, seconds) = match parts[..] {
        [hours, minutes, seconds] => (hours, minutes, seconds),
        [minutes, seconds] => (0, minutes, seconds),
        _ => return None,
    };
    let ms = number(fraction).filter(|_| fraction.len() == 3)?;
    // Four digits each at most, so the sum fits into 64 bits by far.
    Some(((hours * 3_600 + minutes * 60 + seconds) * 1_000 + ms) * 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Number, start in milliseconds and text of each line that is pushed.
    fn read(text: &str) -> Vec<(u64, Option<u64>, String)> {
        let (mut subtitles, mut found) = (Subtitles::default(), Vec::new());
        let mut push = |address: &TextPlace, text: &str| {
            let start_ms = address.start_ns.map(|ns| ns / 1_000_000);
            found.push((address.line.unwrap(), start_ms, text.to_owned()));
        };
        for (number, line) in (1..).zip(text.lines()) {
            subtitles.read(number, line, &mut push);
        }
        subtitles.finish(&mut push);
        found
    }

    #[test]
    fn cues_are_read_with_their_times_and_without_numbers_and_gaps() {
        let srt =
            "1\n00:00:01,000 --> 00:00:02,000\n4539 5787\n\n2\n00:00:03,000 --> 00:00:04,000\n6362 1486\n";
        let expected = [(3, Some(1_000), "4539 5787"), (7, Some(3_000), "6362 1486")];
        assert_eq!(read(srt), expected.map(|(n, ms, text)| (n, ms, text.to_owned())));
        let vtt = "WEBVTT\n\n01:02.500 --> 01:03.000 align:left\nhello\n";
        let expected = [(1, None, "WEBVTT"), (2, None, ""), (4, Some(62_500), "hello")];
        assert_eq!(read(vtt), expected.map(|(n, ms, text)| (n, ms, text.to_owned())));
    }

    #[test]
    fn other_text_is_read_unchanged() {
        for text in ["12", "12\n34", "a --> b\n\n12\nc", "x\n\n7"] {
            let lines: Vec<String> = read(text).into_iter().map(|(_, _, text)| text).collect();
            assert_eq!(lines, text.lines().collect::<Vec<_>>(), "{text:?}");
        }
    }

    #[test]
    fn a_malformed_time_is_text() {
        for text in [
            "0:1 --> 0:2",
            "1:2:3:4.000 --> 1:2:3:5.000",
            "00:02.000 --> 00:01.000",
            "99999:00.000 --> 99999:01.000",
        ] {
            assert_eq!(times(text), None, "{text}");
        }
    }
}
