//! A text as it is read aloud: the forms of digits, letters and separators that Unicode, encodings and markup have, as
//! ASCII. It remembers where each character came from, so a value that is found in it has its place in the text itself.
//!
//! `４５３９`, `%34539` and `45<b>39</b>` are all `4539`. A text in which nothing has another form needs no copy, which holds
//! for nearly every line.

use std::ops::Range;

use crate::escapes;
use crate::unicode_forms::{Form, form, is_digit};

/// Longest markup that cannot hold a value itself, bytes: `{\an8}`, `</font>`.
const SHORT_MARKUP_BYTES: usize = 8;

/// A copy of a text in which other forms are ASCII.
pub(crate) struct FoldedText {
    text: String,
    /// What differs from the original, in order.
    edits: Vec<Edit>,
}

/// A part of the original, and what is read in its place.
struct Edit {
    folded: Range<usize>,
    original: Range<usize>,
}

/// Whether a character or an escape that is read as something else may begin with this byte. No character begins with a byte
/// below 0xC0, and whole blocks of letters stay what they are: Latin, Greek, Cyrillic, Han, Hangul. A test compares this with
/// the forms.
const fn may_begin(byte: u8) -> bool {
    match byte {
        0x80..=0xBF | 0xC3..=0xC9 | 0xCF..=0xD3 | 0xE4..=0xE9 | 0xEB..=0xEC => false,
        0xC0.. => true,
        _ => byte == b'_' || escapes::may_begin(byte),
    }
}

/// [`may_begin`] of every byte.
static BEGINS: [bool; 256] = {
    let mut begins = [false; 256];
    let mut byte = 0;
    while byte < begins.len() {
        begins[byte] = may_begin(byte as u8);
        byte += 1;
    }
    begins
};

impl FoldedText {
    /// The copy of `text`; `None` if it would be the same.
    pub fn of(text: &str) -> Option<FoldedText> {
        let bytes = text.as_bytes();
        // Without a branch in the loop the compiler reads many bytes at once.
        if !bytes.iter().fold(false, |any, b| any | may_begin(*b)) {
            return None;
        }
        let mut folded = FoldedText { text: String::new(), edits: Vec::new() };
        let (mut at, mut copied) = (0, 0);
        while let Some(skipped) = bytes[at..].iter().position(|b| BEGINS[usize::from(*b)]) {
            at += skipped;
            // True for nearly every letter that is not ASCII.
            if let Some(first) = text[at..].chars().next().filter(|c| !c.is_ascii())
                && form(first) == Form::Itself
            {
                at += first.len_utf8();
                continue;
            }
            let previous =
                if copied < at { bytes[at - 1] } else { folded.text.bytes().last().unwrap_or(b' ') };
            let Some((len, shown)) = replacement(&text[at..], previous) else {
                at += text[at..].chars().next().map_or(1, char::len_utf8);
                continue;
            };
            if folded.edits.is_empty() {
                folded.text.reserve(text.len());
            }
            folded.text.push_str(&text[copied..at]);
            let from = folded.text.len();
            folded.text.extend(shown);
            folded.edits.push(Edit { folded: from..folded.text.len(), original: at..at + len });
            at += len;
            copied = at;
        }
        folded.text.push_str(&text[copied..]);
        (!folded.edits.is_empty()).then_some(folded)
    }

    /// The copy.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the copy is the original without short markup at its beginning and its end, so that nothing can be found in the
    /// original that is not found in the copy.
    pub fn lacks_only_short_markup_at_ends(&self) -> bool {
        let is_short = |edit: &Edit| edit.folded.is_empty() && edit.original.len() <= SHORT_MARKUP_BYTES;
        let precedes_all = |edit: &Edit| edit.folded.start == 0;
        let follows_all = |edit: &Edit| edit.folded.start == self.text.len();
        let is_at_an_end = |edit: &Edit| precedes_all(edit) || follows_all(edit);
        self.edits.iter().all(|edit| is_short(edit) && is_at_an_end(edit))
    }

    /// The place in the original that is read as `start..end`, which begins and ends between characters and is not
    /// empty. What stands for nothing belongs to the place only between two of its characters.
    pub fn original(&self, start: usize, end: usize) -> (usize, usize) {
        let last = end.saturating_sub(1).max(start);
        (self.char_at(start).start, self.char_at(last).end)
    }

    /// The place in the original of the byte of the copy; of the whole character or escape if the byte is a part of one.
    fn char_at(&self, byte: usize) -> Range<usize> {
        match self.edit(byte) {
            Some(edit) if edit.folded.contains(&byte) => edit.original.clone(),
            Some(edit) => {
                let at = edit.original.end + (byte - edit.folded.end);
                at..at + 1
            }
            None => byte..byte + 1,
        }
    }

    /// The last edit that begins at or before a byte of the copy.
    fn edit(&self, byte: usize) -> Option<&Edit> {
        let after = self.edits.partition_point(|edit| edit.folded.start <= byte);
        after.checked_sub(1).and_then(|last| self.edits.get(last))
    }
}

/// What is read at the beginning of `text`, if that differs: the length of what is replaced, and the character in its
/// place. `previous` is the byte before it.
fn replacement(text: &str, previous: u8) -> Option<(usize, Option<char>)> {
    let first = text.chars().next()?;
    let (len, shown) = escapes::read(text).unwrap_or((first.len_utf8(), Some(first)));
    let shown = shown.and_then(|c| match form(c) {
        Form::Itself if c.is_ascii_control() => Some(' '),
        Form::Itself => Some(c),
        Form::Hidden => None,
        Form::Ascii(byte) => Some(char::from(byte)),
    });
    // Names have `_` where a text has a space; elsewhere it is a part of words, keys and addresses.
    let joint =
        shown == Some('_') && previous.is_ascii_digit() && text[len..].chars().next().is_some_and(is_digit);
    let shown = if joint { Some(' ') } else { shown };
    (shown != Some(first) || len != first.len_utf8()).then_some((len, shown))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(text: &str) -> String {
        FoldedText::of(text).map_or_else(|| text.to_owned(), |folded| folded.text)
    }

    #[test]
    fn other_forms_are_ascii_and_everything_else_stays() {
        assert_eq!(folded("４５３９ 5787"), "4539 5787");
        assert_eq!(folded("né %40 45<b>39</b>&nbsp;57\u{200B}87"), "né @ 4539 5787");
        assert_eq!(folded("a_4539_5787_b４＿５"), "a_4539 5787_b4 5");
        for text in ["", "plain", "50% of AT&T < b {x}", "né à 中文 снег", "a_b", "1_a"] {
            assert!(FoldedText::of(text).is_none(), "{text}");
        }
    }

    #[test]
    fn every_place_in_the_copy_is_the_place_of_the_same_characters_in_the_text() {
        let text = "é４5\u{200B}6{\\i1}7%EF%BC%98&#64;中";
        let folded = FoldedText::of(text).unwrap();
        assert_eq!(folded.as_str(), "é45678@中");
        let place = |part: &str| {
            let start = folded.as_str().find(part).unwrap();
            let (from, to) = folded.original(start, start + part.len());
            &text[from..to]
        };
        for (part, whole) in [
            ("é", "é"),
            ("4", "４"),
            ("5", "5"),
            ("56", "5\u{200B}6"),
            ("6", "6"),
            ("67", "6{\\i1}7"),
            ("7", "7"),
            ("8", "%EF%BC%98"),
            ("8@", "%EF%BC%98&#64;"),
            ("@中", "&#64;中"),
            ("é45678@中", text),
        ] {
            assert_eq!(place(part), whole, "{part}");
        }
    }

    #[test]
    fn only_short_markup_at_the_ends_leaves_nothing_to_find_in_the_original() {
        let lacks = |text: &str| FoldedText::of(text).unwrap().lacks_only_short_markup_at_ends();
        for text in [r"{\an8}4539 5787", "<i>4539</i>", r"{\an8}<i>4539</i>", "</font>45", "<i></i>"] {
            assert!(lacks(text), "{text}");
        }
        for text in [
            "45<b>39",
            "<i>４539</i>",
            "<br>4539",
            r"{\10.20.30.40}4539",
            "<i>45&nbsp;39</i>",
            "<a href='tel:+33612345678'>call</a>",
        ] {
            assert!(!lacks(text), "{text}");
        }
    }

    #[test]
    fn a_character_whose_first_byte_begins_nothing_is_read_as_itself() {
        for c in '\u{80}'..=char::MAX {
            let first = c.encode_utf8(&mut [0; 4]).as_bytes()[0];
            assert!(BEGINS[usize::from(first)] || form(c) == Form::Itself, "U+{:04X}", u32::from(c));
        }
    }

    #[test]
    fn megabytes_of_signs_that_begin_nothing_are_read_in_linear_time() {
        for sign in ["<a", "{\\", "%4", "&a", "\\", "_", "é", "<", "&#", "<!", "%25"] {
            let text = sign.repeat((1 << 20) / sign.len());
            assert!(folded(&text).len() <= text.len(), "{sign}");
        }
    }
}
