//! Whether this node takes work, and why not. Shared by the actors that find reasons and the actors that obey them.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use reelgate_ports::records::NodeRecord;

/// The word for a node whose process has ended in order. It is the last report of that process.
pub const STOPPED: &str = "stopped";

/// A node that has not reported for longer, and has not said that it stopped, is lost, milliseconds: its leases have expired
/// by then.
const LOST_MS: u64 = 60_000;

/// The state of a node as operators see it.
pub fn state_of(node: &NodeRecord) -> &str {
    match node.silent_ms > LOST_MS {
        _ if node.report.state == STOPPED => STOPPED,
        true => "lost",
        false if node.drain_ordered && node.report.state == "working" => "draining",
        false => &node.report.state,
    }
}

/// Why a node takes no work.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum DrainReason {
    /// The node has not passed its self-test, or its last tasks all failed and it has not passed since.
    Unfit,
    /// An operator ordered it to drain.
    Ordered,
    /// The machine will soon be gone, or the process was asked to stop.
    Leaving,
}

impl DrainReason {
    /// The word used in reports and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unfit => "unfit",
            Self::Ordered => "draining",
            Self::Leaving => "leaving",
        }
    }
}

/// The reasons why the node takes no work at present; with none of them the node takes work.
#[derive(Debug, Default)]
pub struct Availability {
    holds: Mutex<BTreeMap<DrainReason, String>>,
}

impl Availability {
    /// Adds a reason.
    pub fn hold(&self, hold: DrainReason, reason: impl Into<String>) {
        self.lock().insert(hold, reason.into());
    }

    /// Removes a reason.
    pub fn release(&self, hold: DrainReason) {
        self.lock().remove(&hold);
    }

    /// Whether the node takes work.
    pub fn is_on(&self) -> bool {
        self.lock().is_empty()
    }

    /// The text of this reason, if it applies.
    pub fn reason(&self, hold: DrainReason) -> Option<String> {
        self.lock().get(&hold).cloned()
    }

    /// The most final reason, for reports: word and sentence; `working` where there is no reason.
    pub fn state(&self) -> (&'static str, String) {
        match self.lock().iter().next_back() {
            Some((hold, reason)) => (hold.as_str(), reason.clone()),
            None => ("working", String::new()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<DrainReason, String>> {
        // Every change is one call, so the map is consistent even after a panic.
        self.holds.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use reelgate_conformance::samples::node_report;
    use reelgate_ports::records::NodeReport;

    use super::*;

    #[test]
    fn a_node_that_stopped_is_not_lost_and_a_silent_one_is() {
        let shown = |reported: &str, silent_ms, drain_ordered| {
            let report = NodeReport { state: reported.into(), ..node_report("n") };
            state_of(&NodeRecord { report, first_seen_ms: 0, silent_ms, drain_ordered }).to_owned()
        };
        assert_eq!(shown("working", LOST_MS, false), "working");
        assert_eq!(shown("working", LOST_MS, true), "draining");
        assert_eq!(shown("unfit", 0, true), "unfit");
        assert_eq!(shown("working", LOST_MS + 1, true), "lost");
        assert_eq!([0, LOST_MS + 1].map(|silent_ms| shown(STOPPED, silent_ms, true)), [STOPPED; 2]);
    }

    #[test]
    fn the_node_takes_work_again_only_when_the_last_reason_is_gone() {
        let availability = Availability::default();
        availability.hold(DrainReason::Ordered, "by an operator");
        availability.hold(DrainReason::Unfit, "self-test");
        availability.release(DrainReason::Unfit);
        assert!(!availability.is_on());
        assert_eq!(availability.state(), ("draining", "by an operator".to_owned()));
        availability.release(DrainReason::Ordered);
        assert_eq!((availability.is_on(), availability.state().0), (true, "working"));
    }
}
