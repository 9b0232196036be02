//! Checks of the redactions and mutes of one job.

use crate::messages::{Redaction, Span};
use reelgate_flow::reason::{Code, Fault};

/// Most redactions of one job. The plan turns more into one redaction of the whole picture.
pub const REDACTIONS_MAX: usize = 2_000;

/// Checks the redactions of one job.
///
/// # Errors
/// `internal` if there are more than [`REDACTIONS_MAX`], or one lasts no time or covers no pixel.
pub fn check(redactions: &[Redaction]) -> Result<(), Fault> {
    if redactions.len() > REDACTIONS_MAX {
        let found = redactions.len().to_string();
        return Err(malformed(&format!("up to {REDACTIONS_MAX} redactions in a job"), &found));
    }
    let covers = |redaction: &Redaction| {
        redaction.start_ns < redaction.end_ns
            && redaction.area.is_none_or(|area| area.width > 0 && area.height > 0)
    };
    match redactions.iter().all(covers) {
        true => Ok(()),
        false => Err(malformed("redactions that last some time and cover a pixel", "an empty one")),
    }
}

/// Checks the mutes of one job.
///
/// # Errors
/// `internal` if there are more than [`REDACTIONS_MAX`] or one lasts no time.
pub fn check_mutes(mutes: &[Span]) -> Result<(), Fault> {
    let are_spans = mutes.iter().all(|span| span.start_ns < span.end_ns);
    match are_spans && mutes.len() <= REDACTIONS_MAX {
        true => Ok(()),
        false => Err(malformed(
            &format!("up to {REDACTIONS_MAX} mutes that last some time"),
            "more or an empty one",
        )),
    }
}

/// The fault of a request, a plan or results that do not fit together.
pub(super) fn malformed(expected: &str, found: &str) -> Fault {
    Fault::new(Code::Internal, format!("redaction: expected {expected}, found {found}"))
}
