//! The classifier: asks every family in one pass over a text, and folds what it finds.

use std::collections::BTreeMap;

use crate::address::{Address, Line};
use crate::candidate::Candidate;
use crate::families::{FAMILIES, Family};
use crate::finding::{Finding, Location, Tally};
use crate::identifier::{Identifier, Kind, SeverityRule};
use crate::keywords::Keywords;
use crate::mask::Mask;
use crate::overlap::{Match, resolve};
use crate::registry::identifiers;
use crate::text;

/// A place in a text, for evaluation and redaction. It holds no text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// First character.
    pub start: usize,
    /// One past the last character.
    pub end: usize,
    /// What stands there.
    pub kind: Kind,
    /// How sure, 0 to 100.
    pub confidence: u8,
}

/// Finds personal data in text. Costly to build (automata), cheap to use, safe to share between threads.
pub struct Classifier {
    keywords: Keywords,
    rules: BTreeMap<&'static str, (SeverityRule, Mask)>,
    /// For each byte: which families, as bits, may start at it.
    starts: [Families; 256],
    /// The families that may start in the middle of a word.
    inside_words: Families,
}

/// A set of families, bit `i` for `FAMILIES[i]`.
type Families = u16;
const _: () = assert!(FAMILIES.len() <= Families::BITS as usize);

impl Default for Classifier {
    fn default() -> Self {
        Classifier::new()
    }
}

impl Classifier {
    /// A classifier of all identifiers in the registry.
    pub fn new() -> Classifier {
        let all: Vec<Identifier> = identifiers();
        let keywords = Keywords::new(&all).expect("a few hundred short keywords fit any automaton");
        let rules = all.iter().map(|i| (i.kind.id, (i.severity, i.mask))).collect();
        let set = |belongs: &dyn Fn(&Family) -> bool| {
            FAMILIES
                .iter()
                .enumerate()
                .filter(|(_, family)| belongs(family))
                .fold(0, |set, (i, _)| set | 1 << i)
        };
        let mut starts = [0; 256];
        for (byte, families) in (0u8..=255).zip(starts.iter_mut()) {
            *families = set(&|family| (family.starts)(byte));
        }
        Classifier { keywords, rules, starts, inside_words: set(&|family| family.inside_words) }
    }

    /// Everything found in `lines`, one finding per identifier, the most severe first.
    ///
    /// Element names are read as well: a value hidden in a tag's name counts, and is masked in the address.
    pub fn scan<'a>(&self, lines: impl Iterator<Item = Line<'a>>) -> Vec<Finding> {
        let mut tally = Tally::default();
        for line in lines {
            self.scan_line(line, &mut tally);
        }
        tally.into_findings(|kind| self.rule(kind).0)
    }

    /// The places found in `text` alone, without an element name; sorted, free of overlaps, in characters.
    pub fn spans(&self, text: &str) -> Vec<Span> {
        let matches = self.matches(text, "");
        let places = char_places(text, &matches);
        let spans = matches.iter().zip(places).map(|(m, (start, end))| Span {
            start,
            end,
            kind: m.reading.kind,
            confidence: m.reading.confidence,
        });
        spans.collect()
    }

    fn scan_line(&self, line: Line<'_>, tally: &mut Tally) {
        let readable;
        let text = if line.address.surface == text::FILE_NAME {
            readable = text::file_name(line.text);
            &readable
        } else {
            line.text
        };
        let in_field = self.matches(&line.address.field, "");
        let in_text = self.matches(text, &line.address.field);
        if in_field.is_empty() && in_text.is_empty() {
            return;
        }
        let address = Address { field: self.masked(&line.address.field, &in_field), ..line.address.clone() };
        for (content, matches) in [(line.address.field.as_str(), &in_field), (text, &in_text)] {
            for (m, (start, end)) in matches.iter().zip(char_places(content, matches)) {
                tally.add(m.reading.kind, || Location {
                    address: address.clone(),
                    start,
                    end,
                    masked: self.rule(m.reading.kind).1.apply(&content[m.start..m.end]),
                });
            }
        }
    }

    /// `text` with each match replaced by its masked form.
    fn masked(&self, text: &str, matches: &[Match]) -> String {
        let mut masked = String::with_capacity(text.len());
        let mut done = 0;
        for m in matches {
            masked.push_str(&text[done..m.start]);
            masked.push_str(&self.rule(m.reading.kind).1.apply(&text[m.start..m.end]));
            done = m.end;
        }
        masked.push_str(&text[done..]);
        masked
    }

    fn matches(&self, text: &str, field: &str) -> Vec<Match> {
        let mut found = Vec::new();
        let bytes = text.as_bytes();
        let mut in_word = false;
        for (at, byte) in bytes.iter().enumerate() {
            let mut asked = self.starts[usize::from(*byte)];
            if in_word {
                asked &= self.inside_words;
            }
            in_word = byte.is_ascii_alphanumeric();
            while asked != 0 {
                let family = &FAMILIES[asked.trailing_zeros() as usize];
                asked &= asked - 1;
                let candidate = (family.find)(bytes, at);
                found.extend(candidate.and_then(|candidate| self.settle(candidate, text, field)));
            }
        }
        resolve(found)
    }

    /// Answers a candidate's keyword question.
    fn settle(&self, candidate: Candidate, text: &str, field: &str) -> Option<Match> {
        let Candidate { start, end, strength, with_keyword, without_keyword } = candidate;
        let keyword_matters = with_keyword != without_keyword;
        let reading = match with_keyword {
            Some(with) if !keyword_matters || self.keywords.near(with.kind.id, text, start, end, field) => {
                with
            }
            _ => without_keyword?,
        };
        Some(Match { start, end, strength, reading })
    }

    fn rule(&self, kind: Kind) -> (SeverityRule, Mask) {
        *self
            .rules
            .get(kind.id)
            .expect("families report only what the registry lists; a test holds them to it")
    }
}

/// Character places of sorted, disjoint byte places, counted in one pass.
fn char_places(text: &str, matches: &[Match]) -> Vec<(usize, usize)> {
    let (mut byte, mut chars) = (0, 0);
    let mut advance = |to: usize| {
        chars += text[byte..to].chars().count();
        byte = to;
        chars
    };
    matches.iter().map(|m| (advance(m.start), advance(m.end))).collect()
}
