//! What a family returns: a place in the text that passes its shape and its checks.

use crate::identifier::Kind;

/// How strongly a match is proved. It decides between overlapping matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Strength {
    /// Digits in a plausible shape. They are a match only with a keyword.
    Loose,
    /// A shape that is specific enough by itself.
    Format,
    /// The check digit is correct.
    Checksum,
}

/// What a candidate is, and with which confidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CandidateReading {
    pub kind: Kind,
    /// Confidence, 0 to 100.
    pub confidence: u8,
}

/// A place in the text, in bytes, and what it is with and without a keyword near it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate {
    pub start: usize,
    pub end: usize,
    pub strength: Strength,
    pub with_keyword: Option<CandidateReading>,
    pub without_keyword: Option<CandidateReading>,
}

impl Candidate {
    /// A candidate that does not depend on keywords.
    pub fn plain(start: usize, end: usize, strength: Strength, kind: Kind, confidence: u8) -> Candidate {
        let reading = Some(CandidateReading { kind, confidence });
        Candidate { start, end, strength, with_keyword: reading, without_keyword: reading }
    }

    /// A candidate that counts only with a keyword near it.
    pub fn keyed(start: usize, end: usize, strength: Strength, kind: Kind, confidence: u8) -> Candidate {
        Candidate {
            start,
            end,
            strength,
            with_keyword: Some(CandidateReading { kind, confidence }),
            without_keyword: None,
        }
    }

    /// A candidate whose confidence a keyword raises from `without` to `with`.
    pub fn helped(
        start: usize,
        end: usize,
        strength: Strength,
        kind: Kind,
        with: u8,
        without: u8,
    ) -> Candidate {
        Candidate {
            start,
            end,
            strength,
            with_keyword: Some(CandidateReading { kind, confidence: with }),
            without_keyword: Some(CandidateReading { kind, confidence: without }),
        }
    }
}
