//! A number that an earlier cue began and a later cue may end: what people dictate, with a pause, with another voice in
//! between, or four digits at a time.
//!
//! The scanner joins two cues that follow each other. This is for the other cues, so only a value that a check digit
//! proves may be made of them.

use reelgate_flow::place::TextPlace;

use crate::folded_text::FoldedText;
use crate::unicode_forms::is_digit;

/// Longest pause inside of such a number, nanoseconds.
const PAUSE_MAX_NS: u64 = 30_000_000_000;
/// Most bytes that are kept of it.
const BYTES_MAX: usize = 64;

/// The end of a timed line, or of several, which ends with a number.
pub(crate) struct OpenNumber {
    /// From the first of its lines to the last.
    pub address: TextPlace,
    /// The last bytes of these lines, with one space between two of them.
    pub tail: String,
    /// Characters before `tail`.
    pub tail_start: usize,
    /// Whether it is the whole line that was read last. Then the scanner joins it with the next line anyway.
    pub is_last_line: bool,
}

impl OpenNumber {
    /// Whether it may continue in `text`, which begins with a number, at `address`.
    pub fn may_continue(&self, text: &str, address: &TextPlace) -> bool {
        let TextPlace { surface, field, track, start_ns, end_ns, .. } = &self.address;
        let pause = end_ns.or(*start_ns).zip(address.start_ns).map(|(end, start)| start.saturating_sub(end));
        pause.is_some_and(|pause| pause <= PAUSE_MAX_NS)
            && (surface, field, track) == (&address.surface, &address.field, &address.track)
            && text.split(' ').next().is_some_and(has_digit)
    }

    /// What is open after the line `text` at `address`, if `open` was before.
    pub fn after(open: Option<OpenNumber>, text: &str, address: &TextPlace) -> Option<OpenNumber> {
        if address.start_ns.is_none() || address.frame_box.is_some() {
            return None;
        }
        if !has_digit(text) {
            return open.map(|open| OpenNumber { is_last_line: false, ..open });
        }
        if let Some(mut open) = open.filter(|open| open.may_continue(text, address))
            && open.tail.len() + text.len() < BYTES_MAX
            && text.chars().all(|c| is_digit(c) || c == ' ' || c == '-')
        {
            open.tail.push(' ');
            open.tail.push_str(text);
            (open.address.end_ns, open.is_last_line) = (address.end_ns, false);
            return Some(open);
        }
        let ends = text.ends_with(char::is_alphanumeric) && text.rsplit(' ').next().is_some_and(has_digit);
        ends.then(|| {
            let cut = text.ceil_char_boundary(text.len().saturating_sub(BYTES_MAX));
            OpenNumber {
                address: address.clone(),
                tail: text[cut..].to_owned(),
                tail_start: text[..cut].chars().count(),
                is_last_line: true,
            }
        })
    }
}

/// Whether a digit of any form is in the text.
pub(crate) fn has_digit(text: &str) -> bool {
    text.bytes().any(|b| b.is_ascii_digit()) || (!text.is_ascii() && text.chars().any(is_digit))
}

/// Whether the last word of one line and the first word of the next could be parts of one number: both have only
/// letters, digits and dashes, with at least one digit. The times in subtitle files do not match.
pub(crate) fn could_continue(tail: &str, head: &str) -> bool {
    if !(tail.is_ascii() && head.is_ascii()) {
        // True for nearly every line, and folding costs more than reading it. An escape of a digit has a digit.
        let words = [tail.rsplit(' ').next(), head.split(' ').next()];
        if !words.into_iter().flatten().any(has_digit) {
            return false;
        }
        let folded = [tail, head].map(FoldedText::of);
        let read = |i: usize, text| folded[i].as_ref().map_or(text, FoldedText::as_str);
        return words_could_continue(read(0, tail).as_bytes(), read(1, head).as_bytes());
    }
    words_could_continue(tail.as_bytes(), head.as_bytes())
}

fn words_could_continue(tail: &[u8], head: &[u8]) -> bool {
    let plain = |b: &u8| b.is_ascii_alphanumeric() || *b == b'-';
    let last_word = tail.iter().rev().take_while(|b| **b != b' ');
    let first_word = head.iter().take_while(|b| **b != b' ');
    let touch = tail.last().is_some_and(plain) && head.first().is_some_and(plain);
    touch
        && last_word.clone().chain(first_word.clone()).all(plain)
        && last_word.chain(first_word).any(u8::is_ascii_digit)
}
