//! Histories as tests write them.

use reelgate_ports::records::{HistoryEvent, HistoryRecord};
use reelgate_store::history_lines;

/// A history of these lines: time in milliseconds, event, detail.
pub fn history(lines: &[(u64, &str, &str)]) -> Vec<HistoryRecord> {
    let numbered = |(number, (at_ms, what, detail)): (u64, &(u64, &str, &str))| HistoryRecord {
        sequence: number,
        ..history_lines::line(*at_ms, HistoryEvent::parse(what, detail).unwrap(), *detail)
    };
    (1..).zip(lines).map(numbered).collect()
}
