//! The classifier: what is looked for, and the ways to ask.

use std::collections::BTreeMap;

use crate::address::Line;
use crate::finding::Finding;
use crate::identifier::{Identifier, Kind, SeverityRule};
use crate::mask::Mask;
use crate::overlap::Match;
use crate::reader::{Around, Reader};
use crate::registry::identifiers;
use crate::scanner::Scanner;

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
    reader: Reader,
    rules: BTreeMap<&'static str, (SeverityRule, Mask)>,
}

impl Default for Classifier {
    fn default() -> Self {
        Classifier::new()
    }
}

impl Classifier {
    /// A classifier of all identifiers in the registry.
    pub fn new() -> Classifier {
        let all: Vec<Identifier> = identifiers();
        let reader = Reader::new(&all, |_| true).expect("a few hundred short keywords fit any automaton");
        let rules = all.iter().map(|i| (i.kind.id, (i.severity, i.mask))).collect();
        Classifier { reader, rules }
    }

    /// Reads lines one after the other, and keeps no more of them than the end of the last.
    pub fn scanner(&self) -> Scanner<'_> {
        Scanner::new(self)
    }

    /// Everything found in `lines`, one finding per identifier, the most severe first.
    ///
    /// Element names are read as well: a value hidden in a tag's name counts, and is masked in the address.
    pub fn scan<'a>(&self, lines: impl Iterator<Item = Line<'a>>) -> Vec<Finding> {
        let mut scanner = self.scanner();
        lines.for_each(|line| scanner.push(line));
        scanner.finish()
    }

    /// The places found in `text` alone, without an element name; sorted, free of overlaps, in characters.
    pub fn spans(&self, text: &str) -> Vec<Span> {
        let matches = self.reader.read(text, Around::default());
        let places = char_places(text, &matches);
        let spans = matches.iter().zip(places).map(|(m, (start, end))| Span {
            start,
            end,
            kind: m.reading.kind,
            confidence: m.reading.confidence,
        });
        spans.collect()
    }

    pub(crate) fn reader(&self) -> &Reader {
        &self.reader
    }

    /// Severity and mask of a kind this classifier reports.
    pub(crate) fn rule(&self, kind: Kind) -> (SeverityRule, Mask) {
        *self
            .rules
            .get(kind.id)
            .expect("families report only what the registry lists; a test holds them to it")
    }
}

/// Character places of sorted, disjoint byte places, counted in one pass.
pub(crate) fn char_places(text: &str, matches: &[Match]) -> Vec<(usize, usize)> {
    let (mut byte, mut chars) = (0, 0);
    let mut advance = |to: usize| {
        chars += text[byte..to].chars().count();
        byte = to;
        chars
    };
    matches.iter().map(|m| (advance(m.start), advance(m.end))).collect()
}
