//! A model of what is known of each content, of the rules in the course of time, and of what therefore must not be published. It
//! knows nothing of the store.

use std::collections::{BTreeMap, BTreeSet};

use reelgate_flow::asset::Response;
use reelgate_flow::policy::Policy;
use reelgate_ports::judgement::{in_content, response};
use reelgate_ports::records::{Finder, FindingRecord};

/// A finding in a content.
struct Known {
    content: usize,
    finding: FindingRecord,
    /// The asset whose own look found it; `None` for a finding of the scanner, which comes from outside.
    by: Option<usize>,
    /// Assets that it counts for, and whose erasure forgets it: each with the rules in force when it was told last.
    holders: BTreeMap<usize, usize>,
}

/// How an asset was judged at its latest screening.
#[derive(Clone, Copy, Default)]
pub struct Judged {
    /// The rules in force when the stage judged it.
    pub rules: usize,
    /// The rules in force at the commit.
    pub committed: usize,
    /// Its content was searched for itself.
    pub own: bool,
}

/// An asset that is published, as far as the rules ask.
pub struct Shown<'a> {
    pub row: usize,
    pub key: &'a str,
    pub judged: Judged,
    /// Its outputs leave out what was found.
    pub redacted: bool,
    /// What a release covers that is in force.
    pub covered: Option<&'a [FindingRecord]>,
}

#[derive(Default)]
pub struct Knowledge {
    known: Vec<Known>,
    /// The rules in the course of time; the last ones are in force.
    rules: Vec<Policy>,
}

impl Knowledge {
    pub fn new(rules: Policy) -> Self {
        Self { known: Vec::new(), rules: vec![rules] }
    }

    pub fn change_rules(&mut self, rules: Policy) {
        self.rules.push(rules);
    }

    /// The number of the rules in force.
    pub fn rules_now(&self) -> usize {
        self.rules.len() - 1
    }

    pub fn policy(&self) -> &Policy {
        self.rules.last().expect("there are rules from the beginning")
    }

    /// A commit made these findings known; `assets` are all with this content that are not erased.
    pub fn learn(
        &mut self,
        content: usize,
        findings: &[FindingRecord],
        by: Option<usize>,
        assets: &BTreeSet<usize>,
    ) {
        let rules = self.rules_now();
        for finding in in_content(findings) {
            let by = by.filter(|_| finding.source == Finder::Local);
            let holders = assets.iter().map(|asset| (*asset, rules)).collect();
            self.known.push(Known { content, finding, by, holders });
        }
    }

    /// A linked asset was screened: what counts for its original counts for it too.
    pub fn inherited(&mut self, row: usize, content: usize, original: usize) {
        for known in self.known.iter_mut().filter(|known| known.content == content) {
            if let Some(told) = known.holders.get(&original).copied() {
                known.holders.entry(row).or_insert(told);
            }
        }
    }

    /// A content was searched: what the scanner found in it counts for every asset with it, as long as anyone remembers.
    pub fn searched(&mut self, content: usize, assets: &BTreeSet<usize>) {
        let rules = self.rules_now();
        let of_scanner = |known: &&mut Known| {
            known.content == content && known.finding.source != Finder::Local && !known.holders.is_empty()
        };
        for known in self.known.iter_mut().filter(of_scanner) {
            known.holders.extend(assets.iter().map(|asset| (*asset, rules)));
        }
    }

    pub fn erased(&mut self, row: usize) {
        for known in &mut self.known {
            known.holders.remove(&row);
        }
    }

    /// Everything that counts for an asset.
    pub fn of(&self, row: usize) -> Vec<FindingRecord> {
        let counts = self.known.iter().filter(|known| known.holders.contains_key(&row));
        counts.map(|known| known.finding.clone()).collect()
    }

    /// A finding because of which the asset must not be published, by the rules that had to answer it last.
    pub fn forbids(&self, shown: &Shown<'_>) -> Option<String> {
        let counts = self.known.iter().filter_map(|known| Some((known, *known.holders.get(&shown.row)?)));
        let mut forbidden = counts.filter(|(known, told)| self.is_forbidden(known, *told, shown));
        forbidden.next().map(|(known, told)| self.describe(known, told, shown))
    }

    fn is_forbidden(&self, known: &Known, told: usize, shown: &Shown<'_>) -> bool {
        let covers = |other: &FindingRecord| {
            (other.source, &other.kind) == (known.finding.source, &known.finding.kind)
                && other.severity >= known.finding.severity
        };
        if shown.covered.is_some_and(|covered| covered.iter().any(covers)) {
            return false;
        }
        let answer = response(&self.rules[self.answered(known, told, shown)], shown.key, &known.finding);
        match shown.redacted {
            // What was known before was answered by the redaction.
            true => answer == Response::Quarantine && told > shown.judged.committed,
            false => answer >= Response::RedactThenPublish,
        }
    }

    /// The rules that had to answer it last for this asset: those when it was told, or at its own screening.
    fn answered(&self, known: &Known, told: usize, shown: &Shown<'_>) -> usize {
        // The store answers what the stage did not know, and what a release does not cover.
        let by_store = (shown.judged.own && known.finding.source != Finder::Local) || shown.covered.is_some();
        let screened = if by_store { shown.judged.committed } else { shown.judged.rules };
        if known.by == Some(shown.row) { screened } else { screened.max(told) }
    }

    fn describe(&self, known: &Known, told: usize, shown: &Shown<'_>) -> String {
        let FindingRecord { kind, severity, .. } = &known.finding;
        let rules = self.answered(known, told, shown);
        format!("{kind}, severity {}, under rules {rules}", severity.as_str())
    }

    /// Whether any rules that were ever in force want a finding of an upload with this key out of sight.
    pub fn ever_forbid<'a>(&self, key: &str, mut findings: impl Iterator<Item = &'a FindingRecord>) -> bool {
        findings.any(|one| {
            self.rules.iter().any(|rules| response(rules, key, one) >= Response::RedactThenPublish)
        })
    }
}
