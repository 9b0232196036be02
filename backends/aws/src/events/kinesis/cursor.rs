//! The read position in one shard, and the detection of records that were trimmed before they were read.
//!
//! Reading resumes *at* the last known record, not after it. The service gives no other sign of trimmed records, because
//! sequence numbers have gaps by nature. If another record comes first, the known record is gone, and some that followed
//! it may be gone too. (A shard that was idle for longer than the retention looks the same: the alarm is raised, and the
//! sweep finds nothing.)

use reelgate_ports::shards::Position;

use super::stream::{Record, Start};

pub(super) struct Cursor {
    last: Option<String>,
    /// The record that must come first.
    expected: Option<String>,
}

impl Cursor {
    /// A cursor at the checkpoint.
    pub(super) fn new(position: &Position) -> Self {
        let last = match position {
            Position::After(sequence) => Some(sequence.clone()),
            Position::Oldest | Position::Ended => None,
        };
        Self { last, expected: None }
    }

    /// The position at which to begin or resume reading.
    pub(super) fn start(&mut self) -> Start {
        self.expected.clone_from(&self.last);
        self.last.clone().map_or(Start::Oldest, Start::At)
    }

    /// The position was trimmed: resumes at the oldest record.
    pub(super) fn trimmed(&mut self) {
        (self.last, self.expected) = (None, None);
    }

    /// The records that were not read before, and whether records before them may be lost.
    pub(super) fn admit(&mut self, mut records: Vec<Record>, ended: bool) -> (Vec<Record>, bool) {
        let first = records.first().map(|record| &record.sequence);
        let known_first = first == self.expected.as_ref();
        let gap = match (&self.expected, first) {
            (None, _) => false,
            (Some(_), None) => ended,
            (Some(_), Some(_)) => !known_first,
        };
        if self.expected.is_some() && !records.is_empty() {
            if known_first {
                records.remove(0);
            }
            self.expected = None;
        }
        if let Some(record) = records.last() {
            self.last = Some(record.sequence.clone());
        }
        (records, gap)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(sequences: &[&str]) -> Vec<Record> {
        let record = |sequence: &&str| Record { sequence: (*sequence).to_owned(), bytes: Vec::new() };
        sequences.iter().map(record).collect()
    }

    fn at(sequence: &str) -> Cursor {
        Cursor::new(&Position::After(sequence.to_owned()))
    }

    #[test]
    fn a_fresh_shard_is_read_from_its_oldest_record_and_nothing_is_missing() {
        let mut cursor = Cursor::new(&Position::Oldest);
        assert_eq!(cursor.start(), Start::Oldest);
        assert_eq!(cursor.admit(records(&["5", "6"]), false), (records(&["5", "6"]), false));
        assert_eq!(cursor.start(), Start::At("6".to_owned()));
    }

    #[test]
    fn the_known_record_comes_first_and_is_left_out() {
        let mut cursor = at("6");
        cursor.start();
        assert_eq!(cursor.admit(vec![], false), (vec![], false), "an empty page proves nothing");
        assert_eq!(cursor.admit(records(&["6", "7"]), false), (records(&["7"]), false));
        assert_eq!(cursor.admit(records(&["9"]), false), (records(&["9"]), false));
    }

    #[test]
    fn another_record_first_means_that_some_may_be_lost() {
        let mut cursor = at("6");
        cursor.start();
        assert_eq!(cursor.admit(records(&["8"]), false), (records(&["8"]), true));
        assert_eq!(cursor.admit(records(&["9"]), false), (records(&["9"]), false), "reported once");
    }

    #[test]
    fn an_end_without_the_known_record_means_that_some_may_be_lost() {
        let mut cursor = at("6");
        cursor.start();
        assert!(cursor.admit(vec![], true).1);
    }
}
