//! Whether this node should take work, and why not: shared by those who learn of it and those who obey.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Why a node takes no work.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Hold {
    /// It has not passed its self-test, or not since its last tasks failed by its own fault.
    Unfit,
    /// An operator ordered it to drain.
    Ordered,
    /// The machine will soon be gone.
    Leaving,
}

impl Hold {
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
pub struct Duty {
    holds: Mutex<BTreeMap<Hold, String>>,
}

impl Duty {
    /// A reason appears.
    pub fn hold(&self, hold: Hold, reason: impl Into<String>) {
        self.lock().insert(hold, reason.into());
    }

    /// A reason is gone.
    pub fn release(&self, hold: Hold) {
        self.lock().remove(&hold);
    }

    /// Whether the node takes work.
    pub fn is_on(&self) -> bool {
        self.lock().is_empty()
    }

    /// Whether this reason holds, and what it says.
    pub fn reason(&self, hold: Hold) -> Option<String> {
        self.lock().get(&hold).cloned()
    }

    /// The most final reason, for reports: word and sentence; `working` where there is none.
    pub fn state(&self) -> (&'static str, String) {
        match self.lock().iter().next_back() {
            Some((hold, reason)) => (hold.as_str(), reason.clone()),
            None => ("working", String::new()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Hold, String>> {
        // Every change is one call, so what a panic left behind is still good.
        self.holds.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_several_reasons_going_away_does_not_bring_the_node_back() {
        let duty = Duty::default();
        duty.hold(Hold::Ordered, "by an operator");
        duty.hold(Hold::Unfit, "self-test");
        duty.release(Hold::Unfit);
        assert!(!duty.is_on());
        assert_eq!(duty.state(), ("draining", "by an operator".to_owned()));
        duty.release(Hold::Ordered);
        assert_eq!((duty.is_on(), duty.state().0), (true, "working"));
    }
}
