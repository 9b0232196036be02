//! Reads one text: finds the few places where a value could start, asks the families there, looks for the keywords that
//! their candidates need, and resolves overlaps.
//!
//! Nearly all bytes of a text are letters and spaces, at which no value starts. The reader skips them with one table
//! look-up each and stops only at digits and a few signs. Clock times, which are half of every subtitle file, are
//! skipped as one word.

use std::collections::BTreeMap;

use aho_corasick::BuildError;

use crate::bytes::{at, before, is_word, run_end};
use crate::candidate::{Candidate, CandidateReading};
use crate::families::{Anchor, FAMILIES, Family};
use crate::identifier::Identifier;
use crate::keywords::{Keywords, Lists};
use crate::name_words::NameWords;
use crate::overlap::{Match, resolve};
use crate::table::{Table, capitals_before};

/// A set of families, bit `i` for `FAMILIES[i]`.
type Families = u32;
const _: () = assert!(FAMILIES.len() <= Families::BITS as usize);

/// Most groups of capitals before the first digit of a number: an Italian code has two.
const CAPITAL_GROUPS_MAX: usize = 2;
/// A shorter text, in bytes, has no value that counts without a keyword.
const LONE_BYTES_MIN: usize = 6;
/// Fewest letters of a keyword, and fewest digits, of a word in which a number follows a keyword without a sign.
const JOINED_LETTERS_MIN: usize = 2;
const JOINED_DIGITS_MIN: usize = 3;

/// What the reader does at a byte.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stop {
    /// Skip it: no value starts here.
    None,
    /// A digit: read the word around it.
    Digit,
    /// A sign: ask the families of this sign.
    Sign,
}

/// What the reader knows about an identifier.
struct KnownIdentifier {
    list: Option<u8>,
    enabled: bool,
}

/// The automata and tables of a classifier. Safe to share.
pub(crate) struct Reader {
    keywords: Keywords,
    known: BTreeMap<&'static str, KnownIdentifier>,
    stops: [Stop; 256],
    /// For each byte: the families to ask if a word, or the sign before a word, starts with it.
    words: [Families; 256],
    /// For each byte: the families to ask at that sign.
    signs: [Families; 256],
    table: Table,
}

/// The surroundings of a text, which count as near every place in it.
#[derive(Clone, Copy, Default)]
pub(crate) struct Around<'a> {
    /// Keyword lists with a keyword in the element's name.
    pub lists: Lists,
    /// For each custom identifier: whether one of its keywords is in the element's name. Empty without a name.
    pub custom: &'a [bool],
}

impl Reader {
    /// A reader of `identifiers` that reports those that `enabled` accepts.
    pub fn new(identifiers: &[Identifier], enabled: impl Fn(&str) -> bool) -> Result<Reader, BuildError> {
        let keywords = Keywords::new(identifiers)?;
        let known = identifiers.iter().map(|identifier| {
            let id = identifier.kind.id;
            (id, KnownIdentifier { list: keywords.list(id), enabled: enabled(id) })
        });
        let known = known.collect();
        let table = Table::new(|id| keywords.list(id).filter(|_| enabled(id)));
        let set = |belongs: &dyn Fn(&Family) -> bool| {
            let indexed = FAMILIES.iter().enumerate().filter(|(_, family)| belongs(family));
            indexed.fold(0, |set, (i, _)| set | 1 << i)
        };
        let (mut stops, mut words, mut signs) = ([Stop::None; 256], [0; 256], [0; 256]);
        for byte in 0u8..=255 {
            let i = usize::from(byte);
            words[i] = set(&|family| matches!(family.anchor, Anchor::Number(accepts) if accepts(byte)));
            signs[i] = set(&|family| matches!(family.anchor, Anchor::Sign(sign) if sign == byte));
            stops[i] = match byte {
                b'0'..=b'9' => Stop::Digit,
                _ if signs[i] != 0 => Stop::Sign,
                _ => Stop::None,
            };
        }
        Ok(Reader { keywords, known, stops, words, signs, table })
    }

    fn enabled(&self, id: &str) -> bool {
        self.known.get(id).is_some_and(|known| known.enabled)
    }

    /// Keyword lists with a keyword in an element's name, which has these words.
    pub fn lists_in_name(&self, name: &str, words: &NameWords) -> Lists {
        self.keywords.in_name(name, words)
    }

    /// All matches in `text`, sorted and without overlaps.
    pub fn read(&self, text: &str, around: Around<'_>) -> Vec<Match> {
        let mut pass = TextPass { reader: self, text, around, near: None, joined: None, found: Vec::new() };
        pass.read();
        if pass.found.len() > 1 { resolve(pass.found) } else { pass.found }
    }
}

/// One pass over a text.
struct TextPass<'a> {
    reader: &'a Reader,
    text: &'a str,
    around: Around<'a>,
    /// The keyword lists near the last place that was looked up. Families ask about the same place repeatedly.
    near: Option<(usize, usize, Lists)>,
    /// While the place follows letters without a sign: the keyword lists of these letters, which alone count then.
    joined: Option<Lists>,
    found: Vec<Match>,
}

impl TextPass<'_> {
    fn read(&mut self) {
        let bytes = self.text.as_bytes();
        if bytes.len() < LONE_BYTES_MIN && self.around.lists.is_empty() {
            return; // such as the number of a cue; too short for a keyword and a value
        }
        let stops = &self.reader.stops;
        let (mut i, mut word_floor) = (0, 0);
        while let Some(skipped) = bytes[i..].iter().position(|b| stops[usize::from(*b)] != Stop::None) {
            i += skipped;
            if stops[usize::from(bytes[i])] == Stop::Sign {
                self.ask(self.reader.signs[usize::from(bytes[i])], i);
                i += 1;
                continue;
            }
            if let Some(end) = clock_time_end(bytes, i) {
                (i, word_floor) = (end, end);
                continue;
            }
            let letters = bytes[word_floor..i].iter().rev().take_while(|b| b.is_ascii_alphanumeric()).count();
            let end = run_end(bytes, i, usize::MAX, |b| b.is_ascii_alphanumeric());
            self.word(i - letters, end);
            (i, word_floor) = (end, end);
        }
    }

    /// Reads a run of letters and digits that has a digit.
    fn word(&mut self, start: usize, end: usize) {
        let bytes = self.text.as_bytes();
        if is_short_and_alone(bytes, start, end) {
            return;
        }
        self.ask(self.reader.words[usize::from(bytes[start])], start);
        self.look_up(start);
        self.digits_after_keyword(start, end);
        let groups =
            std::iter::successors(capitals_before(bytes, start), |from| capitals_before(bytes, *from));
        groups.take(CAPITAL_GROUPS_MAX).for_each(|from| self.look_up(from));
        if let Some(sign @ (b'+' | b'-' | b'(')) = before(bytes, start)
            && !is_word(before(bytes, start - 1))
        {
            self.ask(self.reader.words[usize::from(sign)], start - 1);
            if sign == b'(' && start >= 2 && bytes[start - 2] == b'+' {
                self.ask(self.reader.words[usize::from(b'+')], start - 2);
            }
        }
    }

    /// Reads the number at the end of a word whose letters have its keyword: `cardNumber4539578763621486`. Other letters
    /// before digits are a part of a hash or a name, so nothing is read there.
    fn digits_after_keyword(&mut self, start: usize, end: usize) {
        let word = &self.text.as_bytes()[start..end];
        let letters = word.iter().take_while(|b| b.is_ascii_alphabetic()).count();
        let digits = &word[letters..];
        let is_number = letters >= JOINED_LETTERS_MIN
            && digits.len() >= JOINED_DIGITS_MIN
            && digits.iter().all(u8::is_ascii_digit);
        if !is_number {
            return;
        }
        let lists = self.reader.keywords.within(self.text, start, start + letters);
        if lists.is_empty() {
            return;
        }
        self.joined = Some(lists);
        self.ask(self.reader.words[usize::from(digits[0])], start + letters);
        self.look_up(start + letters);
        self.joined = None;
    }

    /// Looks up the table's forms that start at `start`.
    fn look_up(&mut self, start: usize) {
        let (reader, text) = (self.reader, self.text);
        if self.joined.is_none() && is_word(before(text.as_bytes(), start)) {
            return;
        }
        reader.table.fitting(text.as_bytes(), start, |form, end, signs| {
            let row = form.row;
            if self.lists_near(start, end).contains(form.list) && (row.check)(signs) {
                let reading = CandidateReading { kind: row.kind(), confidence: row.confidence() };
                self.found.push(Match { start, end, strength: row.strength, reading });
            }
        });
    }

    fn ask(&mut self, families: Families, place: usize) {
        let mut left = families;
        while left != 0 {
            let family = &FAMILIES[left.trailing_zeros() as usize];
            left &= left - 1;
            if let Some(candidate) = (family.find)(self.text.as_bytes(), place) {
                self.decide(candidate);
            }
        }
    }

    /// Decides what a candidate is, with or without a keyword near it.
    fn decide(&mut self, candidate: Candidate) {
        let Candidate { start, end, strength, with_keyword, without_keyword } = candidate;
        let keyword_matters = with_keyword != without_keyword || self.joined.is_some();
        let reading = match with_keyword {
            Some(with) if !keyword_matters || self.keyword_near(with, start, end) => Some(with),
            _ => without_keyword.filter(|_| self.joined.is_none()),
        };
        let enabled = reading.filter(|reading| self.reader.enabled(reading.kind.id));
        self.found.extend(enabled.map(|reading| Match { start, end, strength, reading }));
    }

    fn keyword_near(&mut self, reading: CandidateReading, start: usize, end: usize) -> bool {
        let Some(list) = self.reader.known.get(reading.kind.id).and_then(|known| known.list) else {
            return false;
        };
        self.lists_near(start, end).contains(list)
    }

    /// The keyword lists with a keyword near a place.
    fn lists_near(&mut self, start: usize, end: usize) -> Lists {
        if let Some(lists) = self.joined {
            return lists;
        }
        if let Some((known_start, known_end, lists)) = self.near
            && (known_start, known_end) == (start, end)
        {
            return lists;
        }
        let lists = self.reader.keywords.near(self.text, start, end).or(self.around.lists);
        self.near = Some((start, end, lists));
        lists
    }
}

/// End of a clock time with a fraction, `00:01:02,345`, that starts at `start`. Such times are no personal data, and
/// half of the text in subtitle files.
fn clock_time_end(text: &[u8], start: usize) -> Option<usize> {
    let form = text.get(start..start + 12)?;
    let sound = form.iter().enumerate().all(|(i, b)| match i {
        2 | 5 => *b == b':',
        8 => matches!(b, b',' | b'.'),
        _ => b.is_ascii_digit(),
    });
    let alone = !matches!(before(text, start), Some(b) if b.is_ascii_alphanumeric() || b == b':')
        && !at(text, start + 12).is_some_and(|b| b.is_ascii_alphanumeric() || b == b':');
    (sound && alone).then_some(start + 12)
}

/// Whether a word has one or two bytes and does not continue on either side. No identifier is so short, but nearly
/// every number in prose is.
fn is_short_and_alone(text: &[u8], start: usize, end: usize) -> bool {
    let joins = |b: u8| b.is_ascii_digit() || b"-.:/(+%^=".contains(&b);
    let continues = match at(text, end) {
        Some(b' ') => at(text, end + 1).is_some_and(|b| b.is_ascii_alphanumeric() && joins(b) || b == b'('),
        Some(b) => joins(b),
        None => false,
    };
    // The check digits of an account after the code of its country: `GB 29 NWBK …`.
    let checks = end - start == 2
        && start >= 3
        && text[start - 1] == b' '
        && text[start - 3..start - 1].iter().all(u8::is_ascii_uppercase);
    end - start <= 2 && !continues && !checks && !before(text, start).is_some_and(joins)
}
