//! Metrics of personal data: what is found, and how soon it is found, quarantined and reported. Delays are computed from
//! the asset's history. All its times are the store's, so that the clocks of nodes do not matter.

use std::time::{SystemTime, UNIX_EPOCH};

use prometheus::{Histogram, IntCounter};
use reelgate_flow::asset::{NoticeKind, Phase, Screening};
use reelgate_ports::records::{FindingRecord, HistoryEvent, HistoryRecord, NoticeRecord};
use reelgate_signals::catalogue;

use crate::meters::{Counters, Meters};

/// Counters and histograms about personal data.
pub(crate) struct PrivacySignals {
    screenings: Counters,
    findings: Counters,
    detection: Histogram,
    response: Histogram,
    alert: Histogram,
    quarantines: IntCounter,
}

impl PrivacySignals {
    pub(crate) fn new(meters: &Meters) -> Self {
        Self {
            screenings: meters.counters(&catalogue::SCREENINGS),
            findings: meters.counters(&catalogue::FINDINGS),
            quarantines: meters.counter(&catalogue::QUARANTINES),
            detection: meters.histogram(&catalogue::DETECTION_SECONDS),
            response: meters.histogram(&catalogue::RESPONSE_SECONDS),
            alert: meters.histogram(&catalogue::ALERT_SECONDS),
        }
    }

    /// A screening was committed.
    pub(crate) fn screened(&self, screening: &Screening) {
        let searched = if screening.incomplete.is_empty() { "whole" } else { "incomplete" };
        self.screenings.with_label_values(&[screening.severity.as_str(), searched]).inc();
    }

    /// A screening found these.
    pub(crate) fn found<'a>(&self, findings: impl IntoIterator<Item = &'a FindingRecord>) {
        for finding in findings {
            let labels = [finding.kind.as_str(), finding.severity.as_str()];
            self.findings.with_label_values(&labels).inc();
        }
    }

    /// An asset was judged; `history` ends with the judgement or later.
    pub(crate) fn judged(&self, history: &[HistoryRecord]) {
        if let Some(ms) = detection_ms(history) {
            self.detection.observe(ms as f64 / 1_000.0);
        }
    }

    /// An asset was quarantined; `history` ends with the quarantine or later.
    pub(crate) fn quarantined(&self, history: &[HistoryRecord]) {
        self.quarantines.inc();
        if let Some(ms) = response_ms(history) {
            self.response.observe(ms as f64 / 1_000.0);
        }
    }

    /// A notice was delivered to every receiver.
    pub(crate) fn notice_delivered(&self, notice: &NoticeRecord) {
        let ended_ms = notice.body["at_ms"].as_u64();
        if let Some(ended_ms) = ended_ms.filter(|_| notice.kind == NoticeKind::Quarantined) {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let now_ms = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
            self.alert.observe(now_ms.saturating_sub(ended_ms) as f64 / 1_000.0);
        }
    }
}

/// Milliseconds from the beginning of a history to its only judgement. `None` where the asset was judged again or
/// redriven: that delay depends on people, not on the gate.
fn detection_ms(history: &[HistoryRecord]) -> Option<u64> {
    let first = history.first().filter(|line| line.sequence == 1)?;
    let mut judged = history.iter().filter(|line| line.event == HistoryEvent::Judged);
    let judgement = judged.next()?;
    let intervened = history.iter().any(|line| line.event == HistoryEvent::Redriven);
    (judged.next().is_none() && !intervened).then(|| judgement.at_ms.saturating_sub(first.at_ms))
}

/// Milliseconds from the last decision to withdraw to the proof that the withdrawal is complete.
fn response_ms(history: &[HistoryRecord]) -> Option<u64> {
    let closed = history.iter().rposition(|line| line.event == HistoryEvent::Closed)?;
    let decided =
        history[..closed].iter().rfind(|line| line.event == HistoryEvent::Entered(Phase::Withdrawing))?;
    Some(history[closed].at_ms.saturating_sub(decided.at_ms))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::tests::histories::history;

    #[test]
    fn detection_is_measured_from_the_event_to_the_only_judgement() {
        let judged = [(1_000, "event", ""), (1_010, "entered", "received"), (4_500, "judged", "flagged")];
        assert_eq!(detection_ms(&history(&judged)), Some(3_500));
        let again = [&judged[..], &[(9_000, "judged", "clean")]].concat();
        assert_eq!(detection_ms(&history(&again)), None, "a second judgement is no detection");
        let redriven = [judged[0], (2_000, "redriven", "time 1"), judged[2]];
        assert_eq!(detection_ms(&history(&redriven)), None, "it waited for a person");
        assert_eq!(detection_ms(&history(&judged)[1..]), None, "its beginning is too old to be there");
    }

    #[test]
    fn response_is_measured_from_the_last_decision_to_its_proof() {
        let lines = [
            (1_000, "entered", "withdrawing"),
            (2_000, "closed", ""),
            (50_000, "entered", "published"),
            (60_000, "entered", "withdrawing"),
            (60_300, "entered", "quarantined"),
            (60_300, "closed", ""),
        ];
        assert_eq!(response_ms(&history(&lines)), Some(300));
        assert_eq!(response_ms(&history(&lines[..1])), None, "not proved yet");
    }
}
