//! Invariants found broken, counted for as long as the process lives.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Counts by the invariant's id.
#[derive(Debug, Default)]
pub struct Violations(Mutex<BTreeMap<String, u64>>);

impl Violations {
    /// Counts what a committed unit of work met.
    pub fn count(&self, ids: Vec<String>) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for id in ids {
            *counts.entry(id).or_default() += 1;
        }
    }

    /// The counts so far, by id.
    pub fn counts(&self) -> Vec<(String, u64)> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.iter().map(|(id, count)| (id.clone(), *count)).collect()
    }
}
