//! What must always hold, said once: the simulation stops at a violation, production counts it.
//!
//! Ids are stable and mean: S1 one complete published result; S3 a stale answer changes nothing; S7 a
//! exit once taken is kept; S8 one notice for each ending; S9 attempts are bounded and never forgotten;
//! S12 sizes are bounded; S13 an ended asset leaves no work behind; S14 nothing is published unscreened;
//! L1 what has not ended has something to wait for. `state` judges one asset, `step` one step.

mod state;
mod step;
#[cfg(test)]
mod tests;

pub use state::check;
pub use step::check_step;

/// Something that must never be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Violation {
    /// Which invariant, one of [`Violation::IDS`]; fit for a metric's label.
    pub id: &'static str,
    /// What was found.
    pub sentence: &'static str,
}

impl Violation {
    /// Every id there is, so that counters can start at zero.
    pub const IDS: &'static [&'static str] = &["S1", "S3", "S7", "S8", "S9", "S12", "S13", "S14", "L1"];
}

fn hold(holds: bool, id: &'static str, sentence: &'static str) -> Result<(), Violation> {
    if holds { Ok(()) } else { Err(Violation { id, sentence }) }
}
