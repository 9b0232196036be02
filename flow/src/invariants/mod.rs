//! The invariants of an asset, defined once: the simulation stops at a violation, and production counts it.
//!
//! Ids are stable. S1: one complete published result. S3: a stale answer changes nothing. S7: an exit is kept once it is
//! taken. S8: one notice for each ending. S9: attempts are bounded and never forgotten. S12: sizes are bounded. S13: an ended
//! asset leaves no work behind. S14: nothing is published without screening. L1: an asset that has not ended has something to
//! wait for. `state` checks one asset, `step` checks one step.

mod state;
mod step;
#[cfg(test)]
mod tests;
mod violation;

pub use state::check;
pub use step::check_step;
pub use violation::Violation;
