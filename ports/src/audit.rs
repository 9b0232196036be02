//! The audit log: lines of history chained by their hashes, so that whoever has an export can detect whether it was
//! changed.
//!
//! A record is one line of JSON. It names its number, from 1 without gaps, and the SHA-256 of the whole line before it
//! (`previous`; 64 zeros for the first). A changed byte in any line but the last therefore contradicts the line after it,
//! and a missing or moved line contradicts its neighbours. An export ends with a seal, which names the number of
//! records and the hash of the last one. The seal covers the last line, and a truncated export has no seal.
//!
//! The chain does not prove who wrote it: somebody with write access to the database can write a whole new chain, or put an older copy of
//! the database in its place. So the last seal is also kept outside of the database (`seal_keeper.rs`), seals go out in notices, and every
//! later chain must begin with the records that these seals name.

use std::fmt::{self, Display, Formatter};
use std::io::BufRead;
use std::str::FromStr;

use data_encoding::HEXLOWER;
use reelgate_flow::plain::counted;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::records::{AuditRecord, HistoryEvent, HistoryRecord};

/// Hash before the first record.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";
/// Longest line that is read, bytes. A record has a few hundred.
const LINE_BYTES_MAX: u64 = 1 << 20;

/// Whether a line of history belongs in the audit log: all do except those that only report scheduling.
pub fn is_audited(line: &HistoryRecord) -> bool {
    !matches!(line.event, HistoryEvent::Due | HistoryEvent::Claimed)
}

/// The content of a record.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Entry {
    /// Position, from 1.
    pub number: u64,
    /// Time of the event, milliseconds since 1970.
    pub at_ms: u64,
    /// The asset's id; empty if the record concerns no asset.
    pub asset: String,
    /// What happened, in the words of `reelgate why`.
    pub what: String,
    /// The task it concerns.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub task: Option<String>,
    /// The attempt it concerns.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub attempt: Option<u32>,
    /// The node that acted.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub node: Option<String>,
    /// Further details, without personal data.
    pub detail: String,
    /// SHA-256 of the line before, lower-case hexadecimal.
    pub previous: String,
}

/// The last line of an export.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seal {
    /// Number of records.
    pub records: u64,
    /// SHA-256 of the last one.
    pub head: String,
}

impl Seal {
    /// The seal as it is kept outside of the database: a line of JSON.
    pub fn to_line(&self) -> String {
        format!("{}\n", serde_json::json!({"records": self.records, "head": self.head}))
    }

    /// Reads a kept seal; otherwise what was expected.
    pub fn of_line(line: &[u8]) -> Result<Self, &'static str> {
        serde_json::from_slice(line).map_err(|_| {
            "expected a seal of the audit log, found other content; keep it as evidence, and move it away to begin anew"
        })
    }
}

impl FromStr for Seal {
    type Err = &'static str;

    /// Parses `RECORDS:HEAD`, the form in which a person passes the seal of a notice on.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let expected = "expected a number of records from 1, a colon and 64 hexadecimal digits";
        let (records, head) = text.split_once(':').ok_or(expected)?;
        let records = records.parse().ok().filter(|records| *records > 0).ok_or(expected)?;
        let is_hash = head.len() == GENESIS.len() && head.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_hash.then(|| Self { records, head: head.to_ascii_lowercase() }).ok_or(expected)
    }
}

impl Display for Seal {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.records, self.head)
    }
}

/// The end of a chain. New records are added here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Chain {
    number: u64,
    head: String,
}

impl Default for Chain {
    fn default() -> Self {
        Self { number: 0, head: GENESIS.to_owned() }
    }
}

impl Chain {
    /// The chain that ends with this record.
    pub fn after(last: &AuditRecord) -> Self {
        Self { number: last.number, head: hash(&last.line) }
    }

    /// Adds a line of an asset's history.
    pub fn add(&mut self, asset: &str, line: &HistoryRecord) -> Result<AuditRecord, serde_json::Error> {
        let entry = Entry {
            number: self.number + 1,
            at_ms: line.at_ms,
            asset: asset.to_owned(),
            what: line.event.as_str().to_owned(),
            task: line.task.map(|task| task.text()),
            attempt: line.attempt,
            node: line.node.as_ref().map(|node| node.as_str().to_owned()),
            detail: line.detail.clone(),
            previous: self.head.clone(),
        };
        let record = AuditRecord { number: entry.number, line: serde_json::to_string(&entry)? };
        *self = Self::after(&record);
        Ok(record)
    }

    /// The seal of an export that ends here.
    pub fn seal(&self) -> Seal {
        Seal { records: self.number, head: self.head.clone() }
    }
}

/// What is wrong with an export.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Broken {
    /// The export cannot be read.
    #[error("line {line}: {why}")]
    Unreadable {
        /// Which line, from 1.
        line: u64,
        /// The operating system's error.
        why: String,
    },
    /// A line is neither a record nor a seal.
    #[error(
        "line {line}: expected a record of the audit log, found other content; the line was damaged or changed"
    )]
    NoRecord {
        /// Which line, from 1.
        line: u64,
    },
    /// A number is out of order.
    #[error(
        "line {line}: expected record {expected}, found {found}; records are missing, duplicated or moved"
    )]
    OutOfOrder {
        /// Which line, from 1.
        line: u64,
        /// The number that should come next.
        expected: u64,
        /// The number in the record.
        found: u64,
    },
    /// A record does not name the hash of the one before it.
    #[error("line {line}: this record does not follow from the one before it; one of the two was changed")]
    Unchained {
        /// Which line, from 1.
        line: u64,
    },
    /// The records end before the one that a kept seal names.
    #[error(
        "expected at least {}, as the seal {kept} that is kept outside of the database says, found {found}: the database was \
         replaced by an older one, and the last {} of its audit log are missing", counted(.kept.records, "record", "records"),
        .kept.records - .found
    )]
    RolledBack {
        /// The kept seal.
        kept: Seal,
        /// Number of records.
        found: u64,
    },
    /// The record that a kept seal names is another one.
    #[error(
        "record {} is not the one that the seal outside of the database names ({kept}): the log was written anew, or the database \
         was replaced by an older one that went on", .kept.records
    )]
    Replaced {
        /// The kept seal.
        kept: Seal,
    },
    /// The seal is missing, is not the last line, or does not match the records.
    #[error("{0}")]
    Unsealed(&'static str),
}

/// Checks records in order, and whether they contain what earlier seals name.
#[derive(Debug, Default)]
pub struct Verifier {
    chain: Chain,
    /// The seals that were kept elsewhere, each with whether the record that it names was there with its hash.
    kept: Vec<(Seal, Option<bool>)>,
}

impl Verifier {
    /// Compares with these seals.
    pub fn against(kept: impl IntoIterator<Item = Seal>) -> Self {
        Self { chain: Chain::default(), kept: kept.into_iter().map(|seal| (seal, None)).collect() }
    }

    /// Checks the next record, which is in this line.
    pub fn record(&mut self, line: u64, text: &str) -> Result<(), Broken> {
        let entry: Entry = serde_json::from_str(text).map_err(|_| Broken::NoRecord { line })?;
        if entry.number != self.chain.number + 1 {
            return Err(Broken::OutOfOrder { line, expected: self.chain.number + 1, found: entry.number });
        }
        if entry.previous != self.chain.head {
            return Err(Broken::Unchained { line });
        }
        self.chain = Chain { number: entry.number, head: hash(text) };
        for (kept, found) in self.kept.iter_mut().filter(|(kept, _)| kept.records == entry.number) {
            *found = Some(kept.head == self.chain.head);
        }
        Ok(())
    }

    /// The seal of all records so far, if they contain what the kept seals name.
    pub fn end(&self) -> Result<Seal, Broken> {
        let seal = self.chain.seal();
        for (kept, found) in self.kept.iter().filter(|(kept, _)| kept.records > 0) {
            match found {
                Some(true) => {}
                Some(false) => return Err(Broken::Replaced { kept: kept.clone() }),
                None => return Err(Broken::RolledBack { kept: kept.clone(), found: seal.records }),
            }
        }
        Ok(seal)
    }
}

/// Verifies an export: numbers, chain and seal, and that it contains what kept seals name. Returns its own seal.
pub fn verify(mut export: impl BufRead, kept: impl IntoIterator<Item = Seal>) -> Result<Seal, Broken> {
    let mut verifier = Verifier::against(kept);
    let mut text = String::new();
    for line in 1.. {
        text.clear();
        let read = std::io::Read::take(&mut export, LINE_BYTES_MAX).read_line(&mut text);
        let read = read.map_err(|error| Broken::Unreadable { line, why: error.to_string() })?;
        if read == 0 {
            return Err(Broken::Unsealed(
                "expected a seal as the last line, found the end of the file; the export is truncated",
            ));
        }
        let Some(whole) = text.strip_suffix('\n') else {
            return Err(Broken::Unsealed(
                "expected a line break after the last line, found none; the export is truncated",
            ));
        };
        if let Ok(seal) = serde_json::from_str::<Seal>(whole) {
            // The comparison covers the seal's exact text, so that no change in it goes unnoticed.
            let same = serde_json::to_string(&verifier.chain.seal()).is_ok_and(|expected| expected == whole);
            let last = export.fill_buf().is_ok_and(<[u8]>::is_empty);
            return match (same, last) {
                (true, true) => verifier.end().map(|_| seal),
                (false, _) => Err(Broken::Unsealed("the seal does not match the records before it")),
                (_, false) => Err(Broken::Unsealed("expected nothing after the seal, found more")),
            };
        }
        verifier.record(line, whole)?;
    }
    Err(Broken::Unsealed("expected a seal, found too many lines"))
}

fn hash(line: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(line))
}

#[cfg(test)]
mod tests {
    use reelgate_flow::asset::Phase;

    use super::*;

    fn line(at_ms: u64, event: HistoryEvent) -> HistoryRecord {
        HistoryRecord {
            sequence: 1,
            at_ms,
            event,
            task: None,
            attempt: None,
            node: None,
            wall_ms: None,
            detail: "published".to_owned(),
        }
    }

    fn export(records: u64) -> String {
        let mut chain = Chain::default();
        let mut text = String::new();
        for number in 0..records {
            let line = line(1_000 + number, HistoryEvent::Entered(Phase::Published));
            let record = chain.add("aaaaaaaaaaaaaaaaaaaaaaaaaa", &line).unwrap();
            text.push_str(&record.line);
            text.push('\n');
        }
        text.push_str(&serde_json::to_string(&chain.seal()).unwrap());
        text.push('\n');
        text
    }

    #[test]
    fn an_unchanged_export_verifies() {
        for records in [0, 1, 5] {
            assert_eq!(verify(export(records).as_bytes(), None).unwrap().records, records);
        }
    }

    #[test]
    fn every_flipped_bit_is_found() {
        let whole = export(4).into_bytes();
        for at in 0..whole.len() {
            for bit in 0..8 {
                let mut changed = whole.clone();
                changed[at] ^= 1 << bit;
                assert!(verify(&*changed, None).is_err(), "byte {at}, bit {bit}");
            }
        }
    }

    #[test]
    fn a_deleted_a_duplicated_and_a_moved_record_are_found() {
        let whole = export(5);
        let lines: Vec<&str> = whole.lines().collect();
        let joined = |lines: &[&str]| lines.iter().map(|line| format!("{line}\n")).collect::<String>();
        assert!(verify(joined(&lines).as_bytes(), None).is_ok());
        for at in 0..lines.len() {
            let mut without = lines.clone();
            without.remove(at);
            assert!(verify(joined(&without).as_bytes(), None).is_err(), "without line {at}");
            let mut doubled = lines.clone();
            doubled.insert(at, lines[at]);
            assert!(verify(joined(&doubled).as_bytes(), None).is_err(), "line {at} twice");
            for other in 0..at {
                let mut moved = lines.clone();
                moved.swap(at, other);
                assert!(verify(joined(&moved).as_bytes(), None).is_err(), "lines {at} and {other} exchanged");
            }
        }
    }

    #[test]
    fn an_export_truncated_anywhere_is_found() {
        let whole = export(3);
        for at in 0..whole.len() {
            assert!(verify(&whole.as_bytes()[..at], None).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn a_log_that_does_not_contain_what_a_kept_seal_names_is_told() {
        let seal_of = |records| verify(export(records).as_bytes(), None).unwrap();
        for records in 0..=5 {
            let verified = verify(export(5).as_bytes(), Some(seal_of(records)));
            assert_eq!(verified.unwrap().records, 5, "a seal of {records} records");
        }
        let older = verify(export(3).as_bytes(), Some(seal_of(5))).unwrap_err();
        assert_eq!(older, Broken::RolledBack { kept: seal_of(5), found: 3 });
        assert!(older.to_string().contains("the last 2 of its audit log are missing"), "{older}");
        let other = Seal { records: 4, head: GENESIS.to_owned() };
        let replaced = Err(Broken::Replaced { kept: other.clone() });
        assert_eq!(verify(export(5).as_bytes(), Some(other.clone())), replaced);
        assert_eq!(
            verify(export(5).as_bytes(), [seal_of(3), other, seal_of(5)]),
            replaced,
            "each is compared"
        );
    }

    #[test]
    fn a_seal_is_parsed_back_and_nothing_else_is_parsed() {
        let seal = Seal { records: 7, head: "0a".repeat(32) };
        assert_eq!(seal.to_string().parse(), Ok(seal.clone()));
        assert_eq!(seal.to_string().to_uppercase().parse(), Ok(seal));
        let hash = "0a".repeat(32);
        for text in [
            String::new(),
            hash.clone(),
            format!("0:{hash}"),
            format!("-1:{hash}"),
            format!("7:{hash}0"),
            "7:".into(),
        ] {
            assert!(text.parse::<Seal>().is_err(), "{text}");
        }
        assert!(format!("7:{}", "0g".repeat(32)).parse::<Seal>().is_err());
    }

    #[test]
    fn scheduling_lines_are_not_audited() {
        assert!(!is_audited(&line(0, HistoryEvent::Claimed)) && !is_audited(&line(0, HistoryEvent::Due)));
        assert!(is_audited(&line(0, HistoryEvent::Decided)));
    }
}
