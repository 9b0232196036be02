//! The identifiers of a job.

/// The identifiers that a job searches for, by Macie's ids.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Identifiers {
    pub managed: Vec<String>,
    pub custom: Vec<String>,
}
