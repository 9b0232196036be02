//! The classifier: the identifiers it looks for, and its methods to search text.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::allow::{AllowList, Allowed};
use crate::config_error::ConfigError;
use crate::custom::{CUSTOM_IDENTIFIERS_MAX, Custom, CustomIdentifier, SeverityLevel};
use crate::fingerprint::Fingerprinter;
use crate::folded_text::FoldedText;
use crate::identifier::{Identifier, Kind, Severity, SeverityRule};
use crate::keywords::Lists;
use crate::mask::Mask;
use crate::name_words::NameWords;
use crate::ocr;
use crate::overlap::{Match, resolve};
use crate::reader::{Around, Reader};
use crate::registry::identifiers;

/// A place in a text, for evaluation and redaction. It holds no text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// First character.
    pub start: usize,
    /// One past the last character.
    pub end: usize,
    /// The identifier found there.
    pub kind: Kind,
    /// Confidence, 0 to 100.
    pub confidence: u8,
}

/// What a deployment changes about the classifier.
#[derive(Clone, Default)]
pub struct Options {
    /// Ids of identifiers that are switched off.
    pub disabled: Vec<String>,
    /// Makes the fingerprints of locations; without it, locations have no fingerprint.
    pub fingerprinter: Option<Fingerprinter>,
}

/// Finds personal data in text. It is costly to build (automata), cheap to use, and safe to share between threads.
pub struct Classifier {
    reader: Reader,
    rules: BTreeMap<&'static str, Rule>,
    custom: Vec<Custom>,
    allowed: Allowed,
    fingerprinter: Option<Fingerprinter>,
    version: String,
}

/// How severe the occurrences of an id are, and how they are masked.
struct Rule {
    levels: Levels,
    mask: Mask,
}

enum Levels {
    Bands(SeverityRule),
    /// Thresholds, ascending. Fewer occurrences than the first threshold are no finding.
    Thresholds(Vec<SeverityLevel>),
}

impl Default for Classifier {
    fn default() -> Self {
        Classifier::new()
    }
}

impl Classifier {
    /// A classifier of all identifiers in the registry.
    pub fn new() -> Classifier {
        Classifier::with(&[], &[], Options::default()).expect("an empty configuration cannot be refused")
    }

    /// A classifier of the registry and the `custom` identifiers. It reports no value that is on one of the `allow`
    /// lists.
    ///
    /// # Errors
    /// If a definition is outside Macie's limits or does not parse, or if an option names an unknown identifier.
    pub fn with(
        custom: &[CustomIdentifier],
        allow: &[AllowList],
        options: Options,
    ) -> Result<Classifier, ConfigError> {
        let all: Vec<Identifier> = identifiers();
        if let Some(id) =
            options.disabled.iter().find(|id| all.iter().all(|known| known.kind.id != id.as_str()))
        {
            return Err(ConfigError::UnknownIdentifier { id: id.clone() });
        }
        if custom.len() > CUSTOM_IDENTIFIERS_MAX {
            return Err(ConfigError::TooMany { found: custom.len() });
        }
        let enabled = |id: &str| options.disabled.iter().all(|disabled| disabled != id);
        let reader = Reader::new(&all, enabled).expect("a few hundred short keywords fit an automaton");
        let banded = |i: &Identifier| (i.kind.id, Rule { levels: Levels::Bands(i.severity), mask: i.mask });
        let mut rules: BTreeMap<&'static str, Rule> = all.iter().map(banded).collect();
        let definitions = custom;
        let custom = custom.iter().map(Custom::new).collect::<Result<Vec<_>, _>>()?;
        for one in &custom {
            let rule = Rule { levels: Levels::Thresholds(one.levels.clone()), mask: Mask::Whole };
            if rules.insert(one.kind.id, rule).is_some() {
                return Err(ConfigError::NameTaken { name: one.kind.id.to_owned() });
            }
        }
        let allowed = Allowed::new(allow)?;
        let version = version(&all, definitions, allow, &options.disabled);
        Ok(Classifier { reader, rules, custom, allowed, fingerprinter: options.fingerprinter, version })
    }

    /// A digest of everything that decides what is found: this version of the crate, the registry, and the configuration. Two
    /// classifiers with the same version find the same.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The places found in `text` alone, without an element name; sorted, free of overlaps, in characters.
    pub fn spans(&self, text: &str) -> Vec<Span> {
        let matches = resolve(self.matches(text, Around::default()));
        let places = char_places(text, &matches);
        let spans = matches.iter().zip(places).map(|(m, (start, end))| Span {
            start,
            end,
            kind: m.reading.kind,
            confidence: m.reading.confidence,
        });
        spans.collect()
    }

    /// The text with stars for the letters and digits of what is found in it.
    pub fn hide(&self, text: &str) -> String {
        starred(text, &self.spans(text))
    }

    /// The matches in `text`, sorted by start. Matches of built-in identifiers do not overlap each other. Matches of
    /// custom identifiers may overlap them, because Macie counts both.
    pub(crate) fn matches(&self, text: &str, around: Around<'_>) -> Vec<Match> {
        let folded = FoldedText::of(text);
        let is_all_in_folded = folded.as_ref().is_some_and(FoldedText::lacks_only_short_markup_at_ends);
        let mut matches = if is_all_in_folded { Vec::new() } else { self.reader.read(text, around) };
        if let Some(folded) = folded {
            let folded_matches = self.reader.read(folded.as_str(), around);
            if !folded_matches.is_empty() {
                matches.extend(folded_matches.into_iter().map(|m| {
                    let (start, end) = folded.original(m.start, m.end);
                    Match { start, end, ..m }
                }));
                matches = resolve(matches);
            }
        }
        if !self.custom.is_empty() {
            for (i, custom) in self.custom.iter().enumerate() {
                let named = around.custom.get(i).is_some_and(|named| *named);
                custom.find(text, named, &mut matches);
            }
            matches.sort_by_key(|m| (m.start, m.end));
        }
        self.retain_reported(text, &mut matches);
        matches
    }

    /// Drops what is on an allow list, as it is written or as it is read.
    fn retain_reported(&self, text: &str, matches: &mut Vec<Match>) {
        if self.allowed.is_empty() {
            return;
        }
        matches.retain(|m| {
            let value = &text[m.start..m.end];
            let folded = || FoldedText::of(value).is_some_and(|folded| self.allowed.holds(folded.as_str()));
            !self.allowed.holds(value) && !folded()
        });
    }

    /// What an element's name says about the text of the element: the keyword lists with a keyword in it, and for each
    /// custom identifier whether it has one.
    pub(crate) fn named_by(&self, name: &str) -> (Lists, Vec<bool>) {
        let words = NameWords::of(name);
        let custom = self.custom.iter().map(|custom| custom.is_named(name, &words)).collect();
        (self.reader.lists_in_name(name, &words), custom)
    }

    /// As [`Classifier::matches`], for text that was read in a picture. It also finds numbers in which letters replace
    /// digits that look alike. If there are any, it returns the text with these letters as digits.
    pub(crate) fn matches_on_screen(&self, text: &str, around: Around<'_>) -> (Option<String>, Vec<Match>) {
        let mut matches = self.matches(text, around);
        let corrected = ocr::corrected(&self.reader, text, around, &mut matches);
        if let Some(corrected) = &corrected {
            self.retain_reported(corrected, &mut matches);
        }
        (corrected, matches)
    }

    /// Whether there are custom identifiers.
    pub(crate) fn has_custom(&self) -> bool {
        !self.custom.is_empty()
    }

    /// The value, masked by the rule of its identifier.
    pub(crate) fn masked(&self, kind: Kind, value: &str) -> String {
        self.rules.get(kind.id).map_or(Mask::Whole, |rule| rule.mask).apply(value)
    }

    /// The value's keyed hash; `None` if there is no key.
    pub(crate) fn fingerprint(&self, kind: Kind, value: &str) -> Option<String> {
        self.fingerprinter.as_ref().map(|fingerprinter| fingerprinter.of(kind, value))
    }

    /// Severity of `count` occurrences; `None` if they are too few to be a finding.
    pub(crate) fn severity(&self, kind: Kind, count: u64) -> Option<Severity> {
        match &self.rules.get(kind.id)?.levels {
            Levels::Bands(bands) => Some(bands.of(count)),
            Levels::Thresholds(levels) => {
                levels.iter().rfind(|level| level.occurrences_threshold <= count).map(|level| level.severity)
            }
        }
    }
}

/// The text with stars for the letters and digits at these places, which are in characters.
pub fn starred(text: &str, spans: &[Span]) -> String {
    let hidden = |at: usize| spans.iter().any(|span| (span.start..span.end).contains(&at));
    text.chars().enumerate().map(|(at, c)| if hidden(at) && c.is_alphanumeric() { '*' } else { c }).collect()
}

/// The places of matches, which are sorted by start, in characters. Counted in one pass.
pub(crate) fn char_places(text: &str, matches: &[Match]) -> Vec<(usize, usize)> {
    let (mut byte, mut chars) = (0, 0);
    let mut place = |m: &Match| {
        chars += text[byte..m.start].chars().count();
        byte = m.start;
        (chars, chars + text[m.start..m.end].chars().count())
    };
    matches.iter().map(&mut place).collect()
}

/// See [`Classifier::version`].
fn version(
    registry: &[Identifier],
    custom: &[CustomIdentifier],
    allow: &[AllowList],
    disabled: &[String],
) -> String {
    let mut hash = Sha256::new();
    let mut add = |part: &str| {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    };
    add(env!("CARGO_PKG_VERSION"));
    registry.iter().for_each(|identifier| add(identifier.kind.id));
    add(&format!("{custom:?}"));
    add(&format!("{allow:?}"));
    disabled.iter().for_each(|id| add(id));
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
