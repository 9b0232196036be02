//! SubRip and WebVTT: blocks of lines, each with a line of times.

use reelgate_flow::reason::{Code, Fault};

use super::super::text::TextFormat;
use super::found::{Caption, Captions, add_other};

/// Longest number of a SubRip caption.
const NUMBER_DIGITS_MAX: usize = 9;

/// Reads WebVTT (W3C Candidate Recommendation, 4 April 2019, 4.1).
pub fn webvtt(text: &str) -> Result<Captions, Fault> {
    let rest = text
        .strip_prefix("WEBVTT")
        .filter(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']));
    let rest = rest.ok_or_else(|| {
        Fault::new(Code::CaptionFormat, "expected WEBVTT in the first line, found other text")
    })?;
    Ok(read(rest, TextFormat::WebVtt))
}

/// Reads SubRip, of which there is no standard.
pub fn subrip(text: &str) -> Captions {
    read(text, TextFormat::Markup)
}

fn read(text: &str, format: TextFormat) -> Captions {
    let mut found = Captions::default();
    let mut open: Option<(u64, u64, String)> = None;
    // A line that is the number of a caption if a line of times follows.
    let mut number: Option<&str> = None;
    let text = text.replace("\r\n", "\n");
    for line in text.split(['\n', '\r']) {
        if let Some((start_ns, end_ns)) = times(line) {
            close(&mut found, open.replace((start_ns, end_ns, String::new())), format);
            number = None;
            continue;
        }
        if let Some(number) = number.take() {
            add_other(&mut found, number);
        }
        let is_blank = line.trim().is_empty();
        match &mut open {
            Some((.., text)) if !is_blank => {
                text.push_str(line);
                text.push('\n');
            }
            Some((.., text)) if !text.is_empty() => close(&mut found, open.take(), format),
            // SubRip written by some tools has an empty line for the end of each line.
            Some(_) => {}
            None if is_number(line) => number = Some(line),
            None => add_other(&mut found, line),
        }
    }
    if let Some(number) = number {
        add_other(&mut found, number);
    }
    close(&mut found, open, format);
    found
}

fn close(found: &mut Captions, open: Option<(u64, u64, String)>, format: TextFormat) {
    let Some((start_ns, end_ns, text)) = open else { return };
    let words = format.words(text.as_bytes());
    let shown = without_overrides(&format.shown(text.as_bytes()));
    found.captions.push(Caption { start_ns, end_ns: Some(end_ns), words, shown });
}

fn is_number(line: &str) -> bool {
    let line = line.trim();
    (1..=NUMBER_DIGITS_MAX).contains(&line.len()) && line.bytes().all(|byte| byte.is_ascii_digit())
}

/// The text without overrides of SubStation Alpha (`{\an8}`), which players of SubRip understand.
fn without_overrides(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find("{\\") {
        let Some(close) = rest[open..].find('}') else { break };
        shown.push_str(&rest[..open]);
        rest = &rest[open + close + 1..];
    }
    shown.push_str(rest);
    shown.trim().to_owned()
}

/// Start and end of a caption, nanoseconds. Settings or coordinates may follow.
fn times(line: &str) -> Option<(u64, u64)> {
    let (start, end) = line.split_once("-->")?;
    let end = end.split_whitespace().next()?;
    let (start_ns, end_ns) = (clock(start.trim())?, clock(end)?);
    (start_ns <= end_ns).then_some((start_ns, end_ns))
}

/// `01:02:03,500`, `02:03.500`, `01:02:03`.
pub(super) fn clock(text: &str) -> Option<u64> {
    let (whole, fraction) = text.split_once([',', '.']).unwrap_or((text, ""));
    let parts = whole.split(':').map(|digits| digits_of(digits, 4)).collect::<Option<Vec<u64>>>()?;
    let (hours, minutes, seconds) = match parts[..] {
        [hours, minutes, seconds] => (hours, minutes, seconds),
        [minutes, seconds] => (0, minutes, seconds),
        _ => return None,
    };
    let fraction_ns = match fraction {
        "" => 0,
        digits => digits_of(digits, 9)? * 10_u64.pow(9 - u32::try_from(digits.len()).ok()?),
    };
    // Four digits each at most, so the sum fits into 64 bits by far.
    Some((hours * 3_600 + minutes * 60 + seconds) * 1_000_000_000 + fraction_ns)
}

fn digits_of(text: &str, most: usize) -> Option<u64> {
    let fits = (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    fits.then(|| text.parse().ok()).flatten()
}
