//! Counts of violated invariants since the process started.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Violations by the invariant's id.
#[derive(Debug, Default)]
pub struct Violations(Mutex<BTreeMap<String, u64>>);

impl Violations {
    /// Counts the violations that a committed unit of work found.
    pub fn count(&self, ids: Vec<String>) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for id in ids {
            *counts.entry(id).or_default() += 1;
        }
    }

    /// Id and count of every invariant that was violated, sorted by id.
    pub fn counts(&self) -> Vec<(String, u64)> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.iter().map(|(id, count)| (id.clone(), *count)).collect()
    }
}
