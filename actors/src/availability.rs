//! Whether this node should take work, and why not: shared by those who learn of it and those who obey.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Why a node takes no work.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum DrainReason {
    /// It has not passed its self-test, or not since its last tasks failed by its own fault.
    Unfit,
    /// An operator ordered it to drain.
    Ordered,
    /// The machine will soon be gone.
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

/// The reasons that hold at present; none of them means that the node works.
#[derive(Debug, Default)]
pub struct Availability {
    holds: Mutex<BTreeMap<DrainReason, String>>,
}

impl Availability {
    /// A reason appears.
    pub fn hold(&self, hold: DrainReason, reason: impl Into<String>) {
        self.lock().insert(hold, reason.into());
    }

    /// A reason is gone.
    pub fn release(&self, hold: DrainReason) {
        self.lock().remove(&hold);
    }

    /// Whether the node takes work.
    pub fn is_on(&self) -> bool {
        self.lock().is_empty()
    }

    /// Whether this reason holds, and what it says.
    pub fn reason(&self, hold: DrainReason) -> Option<String> {
        self.lock().get(&hold).cloned()
    }

    /// The most final reason, for reports: word and sentence; `working` where there is none.
    pub fn state(&self) -> (&'static str, String) {
        match self.lock().iter().next_back() {
            Some((hold, reason)) => (hold.as_str(), reason.clone()),
            None => ("working", String::new()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<DrainReason, String>> {
        // Every change is one call, so what a panic left behind is still good.
        self.holds.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_several_reasons_going_away_does_not_bring_the_node_back() {
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
