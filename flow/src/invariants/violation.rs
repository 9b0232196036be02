//! A violated invariant, as data for logs and counters.

/// A violated invariant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Violation {
    /// The invariant, one of [`Violation::IDS`]; may be the label of a metric.
    pub id: &'static str,
    /// The violation in one sentence, without any data of the asset.
    pub sentence: &'static str,
}

impl Violation {
    /// All ids, so that counters can start at zero.
    pub const IDS: &'static [&'static str] = &["S1", "S3", "S7", "S8", "S9", "S12", "S13", "S14", "L1"];
}

pub(super) fn hold(holds: bool, id: &'static str, sentence: &'static str) -> Result<(), Violation> {
    if holds { Ok(()) } else { Err(Violation { id, sentence }) }
}
