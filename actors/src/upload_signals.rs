//! How long uploads take, from their event to their first end. Computed from the asset's history, whose times are the store's.

use prometheus::Histogram;
use reelgate_ports::records::{HistoryEvent, HistoryRecord};
use reelgate_signals::catalogue;

use crate::meters::Meters;

/// See the module.
pub struct UploadSignals {
    seconds: Histogram,
}

impl UploadSignals {
    pub(crate) fn new(meters: &Meters) -> Self {
        Self { seconds: meters.histogram(&catalogue::UPLOAD_SECONDS) }
    }

    /// An asset ended; `history` ends with that or later.
    pub(crate) fn ended(&self, history: &[HistoryRecord]) {
        if let Some(ms) = first_end_ms(history) {
            self.seconds.observe(ms as f64 / 1_000.0);
        }
    }
}

/// Milliseconds from the beginning of a history to its only end. `None` where it ended again, or people intervened before.
fn first_end_ms(history: &[HistoryRecord]) -> Option<u64> {
    let first = history.first().filter(|line| line.sequence == 1)?;
    let is_end =
        |line: &&HistoryRecord| matches!(line.event, HistoryEvent::Entered(phase) if phase.is_ended());
    let mut ends = history.iter().filter(is_end);
    let end = ends.next()?;
    let intervened = history.iter().any(|line| line.event == HistoryEvent::Redriven);
    (ends.next().is_none() && !intervened).then(|| end.at_ms.saturating_sub(first.at_ms))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::tests::histories::history;

    #[test]
    fn an_upload_is_measured_from_its_event_to_its_only_end() {
        let lines = [(1_000, "event", ""), (1_010, "entered", "received"), (9_500, "entered", "published")];
        assert_eq!(first_end_ms(&history(&lines)), Some(8_500));
        assert_eq!(first_end_ms(&history(&lines[..2])), None, "it has not ended");
        let again = [&lines[..], &[(20_000, "entered", "quarantined")]].concat();
        assert_eq!(first_end_ms(&history(&again)), None, "a second end is no upload's");
        let redriven = [lines[0], (2_000, "redriven", "time 1"), lines[2]];
        assert_eq!(first_end_ms(&history(&redriven)), None, "it waited for a person");
        assert_eq!(first_end_ms(&history(&lines)[1..]), None, "its beginning is too old to be there");
    }
}
