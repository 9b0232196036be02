//! One place, one finding: of overlapping matches, the one with the stronger proof is kept.

use std::collections::BTreeMap;

use crate::candidate::{CandidateReading, Strength};

/// A match after the check for keywords; `start..end` is in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Match {
    pub start: usize,
    pub end: usize,
    pub strength: Strength,
    pub reading: CandidateReading,
}

impl Match {
    /// Checksum beats format beats loose; then the higher confidence, the longer match, the earlier match.
    fn rank(&self) -> (Strength, u8, usize, std::cmp::Reverse<usize>) {
        (self.strength, self.reading.confidence, self.end - self.start, std::cmp::Reverse(self.start))
    }
}

/// Removes overlaps. The input may have any order; the output is sorted by start. In each chain of overlapping matches
/// the best match is kept, then the next best that does not overlap it, and so on.
pub(crate) fn resolve(mut matches: Vec<Match>) -> Vec<Match> {
    matches.sort_by_key(|m| (m.start, m.end));
    let mut kept: Vec<Match> = Vec::with_capacity(matches.len());
    let mut rest = matches.as_slice();
    while !rest.is_empty() {
        let (chain, after) = rest.split_at(chain_len(rest));
        match chain {
            [alone] => kept.push(*alone),
            _ => kept.extend(best_of(chain)),
        }
        rest = after;
    }
    kept
}

/// The matches of a chain that are kept, sorted by start. A hostile text can make a chain as long as itself, so each
/// match is compared only with its neighbours.
fn best_of(chain: &[Match]) -> impl Iterator<Item = Match> {
    let mut ranked = chain.to_vec();
    ranked.sort_by_key(|m| std::cmp::Reverse(m.rank()));
    let mut by_start: BTreeMap<usize, Match> = BTreeMap::new();
    for m in ranked {
        let before_is_free = by_start.range(..m.end).next_back().is_none_or(|(_, k)| k.end <= m.start);
        if before_is_free {
            by_start.insert(m.start, m);
        }
    }
    by_start.into_values()
}

/// Length of the chain of overlapping matches at the start of the sorted `matches`.
fn chain_len(matches: &[Match]) -> usize {
    let mut end = 0;
    let mut len = 0;
    for m in matches {
        if len > 0 && m.start >= end {
            break;
        }
        end = end.max(m.end);
        len += 1;
    }
    len
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identifier::{Category, Kind};

    fn found(start: usize, end: usize, strength: Strength, confidence: u8) -> Match {
        let kind = Kind { id: "TEST", category: Category::PersonalInformation };
        Match { start, end, strength, reading: CandidateReading { kind, confidence } }
    }

    fn places(matches: Vec<Match>) -> Vec<(usize, usize)> {
        resolve(matches).iter().map(|m| (m.start, m.end)).collect()
    }

    #[test]
    fn a_checksum_beats_a_longer_format_and_a_format_a_longer_loose_one() {
        let (c, f, l) = (Strength::Checksum, Strength::Format, Strength::Loose);
        assert_eq!(places(vec![found(0, 20, f, 99), found(5, 10, c, 50)]), [(5, 10)]);
        assert_eq!(places(vec![found(0, 20, l, 99), found(5, 10, f, 50)]), [(5, 10)]);
    }

    #[test]
    fn a_match_that_overlaps_only_a_removed_match_stays() {
        let f = Strength::Format;
        assert_eq!(
            places(vec![found(0, 6, f, 90), found(5, 11, f, 50), found(10, 15, f, 80)]),
            [(0, 6), (10, 15)]
        );
    }

    #[test]
    fn matches_that_only_touch_both_stay() {
        let f = Strength::Format;
        assert_eq!(places(vec![found(4, 8, f, 50), found(0, 4, f, 50)]), [(0, 4), (4, 8)]);
    }
}
